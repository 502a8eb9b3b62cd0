package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"hubbub/internal/sqlstore"
)

// This file is a database whose place is being moved.

// placeLock is an advisory lock that each process which uses the place shares, and that a
// move has alone.
const placeLock = schemaLock + 2

// mover is a database that nobody serves from. One connection holds the locks, and
// changes; a query has another, as long as its rows are read.
type mover struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn

	mu   sync.Mutex // guards idle
	idle []*pgx.Conn
}

// OpenMover opens a database for a move. Its errors are sentences for the operator,
// without the password.
func OpenMover(ctx context.Context, url string) (sqlstore.Mover, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"application_name": "hubbub migrate", "statement_timeout": "0", "lock_timeout": "10s",
		"idle_session_timeout": "0", "idle_in_transaction_session_timeout": "0",
	} {
		config.RuntimeParams[name] = value
	}
	m := &mover{config: config}
	if m.conn, err = m.connect(ctx); err == nil {
		err = m.lock(ctx)
	}
	if err != nil {
		return nil, errors.Join(m.explain(err), m.Close())
	}
	return m, nil
}

func (m *mover) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, m.config)
	if err != nil {
		return nil, err
	}
	if err := greet(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// lock keeps others out. Processes say that they live by a share of the first lock; one
// that lives unnoticed, since its connection was cut, can not commit because of the second.
// What a process held that has just ended the server may notice a little later.
func (m *mover) lock(ctx context.Context) error {
	for begun := time.Now(); ; time.Sleep(pause) {
		var free bool
		if err := m.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(placeLock)).Scan(&free); err != nil {
			return err
		}
		if free {
			_, err := m.conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(rightsKey))
			return err
		}
		if time.Since(begun) > patience {
			return m.inUse(ctx)
		}
	}
}

// inUse says who has the lock.
func (m *mover) inUse(ctx context.Context) error {
	var nodes, moves int
	err := m.conn.QueryRow(ctx, `SELECT count(*) FILTER (WHERE mode = 'ShareLock'), count(*) FILTER (WHERE mode = 'ExclusiveLock') FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND (classid::bigint << 32) | objid::bigint = $1`, int64(placeLock)).Scan(&nodes, &moves)
	switch {
	case err != nil:
		return err
	case moves > 0:
		return &unfitError{sqlstore.BeingMoved}
	}
	return &unfitError{fmt.Sprintf("hubbub runs on it (nodes: %d); stop it first", nodes)}
}

func (m *mover) String() string { return nameOf(m.config) }

func (m *mover) explain(err error) error {
	if err == nil {
		return nil
	}
	return explain(m.String(), err)
}

// Close lets go of the locks, so that a server can start at once.
func (m *mover) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, conn := range m.idle {
		conn.Close(ctx)
	}
	if m.conn == nil {
		return nil
	}
	m.conn.Exec(ctx, "SELECT pg_advisory_unlock_all()") // the end of the connection does it too
	return m.conn.Close(ctx)
}

// Empty implements sqlstore.Mover.
func (m *mover) Empty(ctx context.Context) (empty bool, err error) {
	err = m.conn.QueryRow(ctx, `SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relname != $1)`,
		sqlstore.MarkTable).Scan(&empty)
	return empty, m.explain(err)
}

// Upgrade implements sqlstore.Mover.
func (m *mover) Upgrade(ctx context.Context) error {
	db := stdlib.OpenDB(*m.config)
	defer db.Close()
	p, err := schema(db)
	if err != nil {
		return m.explain(err)
	}
	current, target, err := p.GetVersions(ctx)
	if err == nil && current > target {
		err = &unfitError{fmt.Sprintf("it was written by a newer hubbub (schema %d, this one knows %d)", current, target)}
	}
	if err == nil {
		_, err = p.Up(ctx)
	}
	return m.explain(err)
}

// Tables implements sqlstore.Mover.
func (m *mover) Tables(ctx context.Context) (map[string]sqlstore.Table, error) {
	rows, err := m.conn.Query(ctx, `SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('goose_db_version', $1)`, sqlstore.MarkTable)
	if err != nil {
		return nil, m.explain(err)
	}
	defer rows.Close()
	all := make(map[string]sqlstore.Table)
	for rows.Next() {
		var table, column, kind string
		if err := rows.Scan(&table, &column, &kind); err != nil {
			return nil, err
		}
		t := all[table]
		if t.Columns == nil {
			t.Columns = make(map[string]sqlstore.Type)
		}
		if t.Columns[column], err = sqlstore.TypeOf(kind); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", table, column, err)
		}
		all[table] = t
	}
	if err := rows.Err(); err != nil {
		return nil, m.explain(err)
	}
	return all, m.keys(ctx, all)
}

// keys fills in the primary keys.
func (m *mover) keys(ctx context.Context, all map[string]sqlstore.Table) error {
	for name, t := range all {
		err := m.conn.QueryRow(ctx, `SELECT coalesce(array_agg(a.attname::text ORDER BY k.n), '{}') FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, n), pg_attribute a
			WHERE i.indrelid = quote_ident($1)::regclass AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.attnum`, name).Scan(&t.Key)
		if err != nil {
			return m.explain(err)
		}
		all[name] = t
	}
	return nil
}

// Rows implements sqlstore.Mover. They come one by one, as fast as they are taken.
func (m *mover) Rows(ctx context.Context, query string, args ...any) (sqlstore.Values, error) {
	conn, err := m.take(ctx)
	if err != nil {
		return nil, m.explain(err)
	}
	rows, err := conn.Query(ctx, translate(query), values(args)...)
	if err != nil {
		conn.Close(ctx)
		return nil, m.explain(err)
	}
	return &streamed{m: m, conn: conn, rows: rows}, nil
}

// take returns a connection that nobody reads from.
func (m *mover) take(ctx context.Context) (*pgx.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.idle); n > 0 {
		conn := m.idle[n-1]
		m.idle = m.idle[:n-1]
		return conn, nil
	}
	return m.connect(ctx)
}

// streamed are the rows of a query, and its connection.
type streamed struct {
	m    *mover
	conn *pgx.Conn
	rows pgx.Rows
	all  bool // were read
}

// Next implements sqlstore.Values.
func (v *streamed) Next() bool {
	there := v.rows.Next()
	v.all = !there
	return there
}

// Err implements sqlstore.Values.
func (v *streamed) Err() error { return v.m.explain(v.rows.Err()) }

// Close implements sqlstore.Values. If nobody wants the rest of the rows, of which there
// may be many, the connection goes with them.
func (v *streamed) Close() {
	if v.all && v.rows.Err() == nil {
		v.m.mu.Lock()
		defer v.m.mu.Unlock()
		v.m.idle = append(v.m.idle, v.conn)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	v.conn.Close(ctx)
	v.rows.Close()
}

// Row implements sqlstore.Values.
func (v *streamed) Row() ([]any, error) {
	row, err := v.rows.Values()
	for i, value := range row {
		switch value := value.(type) {
		case string:
			row[i] = unescape(value)
		case int16:
			row[i] = int64(value)
		case int32:
			row[i] = int64(value)
		case bool:
			row[i] = int64(0)
			if value {
				row[i] = int64(1)
			}
		}
	}
	return row, err
}

// Change implements sqlstore.Mover.
func (m *mover) Change(ctx context.Context, f func(sqlstore.Writer) error) error {
	return m.explain(pgx.BeginFunc(ctx, m.conn, func(tx pgx.Tx) error { return f(filler{tx}) }))
}

// filler is a transaction of a move.
type filler struct{ tx pgx.Tx }

// Exec implements sqlstore.Writer.
func (f filler) Exec(ctx context.Context, query string, args ...any) error {
	_, err := f.tx.Exec(ctx, translate(query), values(args)...)
	return err
}

// Copy implements sqlstore.Writer.
func (f filler) Copy(ctx context.Context, table string, columns []string, rows [][]any) error {
	for _, row := range rows {
		for i, value := range row {
			if text, ok := value.(string); ok {
				row[i] = escape(text)
			}
		}
	}
	_, err := f.tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}

// Mark implements sqlstore.Mover.
func (m *mover) Mark(ctx context.Context) (mark sqlstore.Mark, ok bool, err error) {
	if err := m.conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", sqlstore.MarkTable).Scan(&ok); err != nil || !ok {
		return mark, false, m.explain(err)
	}
	err = mark.Scan(m.conn.QueryRow(ctx, sqlstore.ReadMark))
	return mark, err == nil, m.explain(err)
}

// refuseMoved refuses a database that a move is at, or has left.
func refuseMoved(ctx context.Context, conn *sql.Conn) error {
	var free, marked bool
	err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock_shared($1), to_regclass($2) IS NOT NULL", int64(placeLock), sqlstore.MarkTable).Scan(&free, &marked)
	switch {
	case err != nil:
		return err
	case !free:
		return &unfitError{sqlstore.BeingMoved}
	case !marked:
		return nil
	}
	var mark sqlstore.Mark
	if err := mark.Scan(conn.QueryRowContext(ctx, sqlstore.ReadMark)); err != nil {
		return err
	}
	return &unfitError{mark.Refusal().Error()}
}

// SetMark implements sqlstore.Mover. Where there are tables already, the database itself
// refuses whoever would write as a node: one that runs unnoticed too, or an older one that
// knows no mark.
func (m *mover) SetMark(ctx context.Context, mark sqlstore.Mark) error {
	return m.Change(ctx, func(w sqlstore.Writer) error {
		if err := w.Exec(ctx, sqlstore.MakeMark); err != nil {
			return err
		}
		if err := w.Exec(ctx, sqlstore.WriteMark, mark.Values()...); err != nil {
			return err
		}
		if mark.State == sqlstore.Making {
			return nil
		}
		tx := w.(filler).tx
		_, err := tx.Exec(ctx, fmt.Sprintf(`CREATE OR REPLACE FUNCTION moving() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE '%s'; END $$`,
			strings.NewReplacer("'", "''", "%", "%%", "$", "").Replace(mark.Refusal().Error())))
		for _, table := range []string{"nodes", "lanes"} {
			if err == nil {
				_, err = tx.Exec(ctx, "CREATE OR REPLACE TRIGGER moving BEFORE INSERT OR UPDATE ON "+table+" FOR EACH STATEMENT EXECUTE FUNCTION moving()")
			}
		}
		return err
	})
}

// Unmark implements sqlstore.Mover.
func (m *mover) Unmark(ctx context.Context) error {
	return m.Change(ctx, func(w sqlstore.Writer) error {
		for _, query := range []string{sqlstore.RemoveMark, "DROP FUNCTION IF EXISTS moving() CASCADE"} {
			if err := w.Exec(ctx, query); err != nil {
				return err
			}
		}
		return nil
	})
}

// Settle implements sqlstore.Mover. The planner is told what is there.
func (m *mover) Settle(ctx context.Context) error {
	rows, err := m.conn.Query(ctx, `SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'`)
	if err != nil {
		return m.explain(err)
	}
	type identity struct{ Table, Column string }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[identity])
	for _, i := range all {
		if err == nil {
			_, err = m.conn.Exec(ctx, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%[1]s', '%[2]s'), coalesce(max(%[2]s), 0) + 1, false) FROM %[1]s`, i.Table, i.Column))
		}
	}
	if err == nil {
		_, err = m.conn.Exec(ctx, "ANALYZE")
	}
	return m.explain(err)
}
