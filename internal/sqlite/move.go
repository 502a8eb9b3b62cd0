package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"hubbub/internal/sqlstore"
)

// This file is a folder whose place is being moved.

// mover is a store that nobody serves from.
type mover struct{ s *Store }

// OpenMover opens the store in a folder for a move, and makes it if create is set. Its
// errors are sentences for the operator.
func OpenMover(dir string, create bool) (sqlstore.Mover, error) {
	s := &Store{dir: dir}
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("the data folder %s cannot be used: %w", dir, cause(err))
		}
	} else if _, err := os.Stat(s.path()); err != nil {
		return nil, fmt.Errorf("there is no hubbub in the folder %s", dir)
	}
	if err := s.connect(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return &mover{s}, nil
}

func (m *mover) String() string { return "the folder " + m.s.dir }

func (m *mover) Close() error { return m.s.release() }

// Empty implements sqlstore.Mover.
func (m *mover) Empty(ctx context.Context) (bool, error) {
	var n int
	err := m.s.readers.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name != ?", sqlstore.MarkTable).Scan(&n)
	if err != nil {
		return false, m.s.explain(m.s.path(), err)
	}
	return n == 0, nil
}

// Upgrade implements sqlstore.Mover.
func (m *mover) Upgrade(ctx context.Context) error {
	if err := m.s.migrate(ctx); err != nil {
		return m.s.explain(m.s.path(), err)
	}
	return nil
}

// Tables implements sqlstore.Mover.
func (m *mover) Tables(ctx context.Context) (map[string]sqlstore.Table, error) {
	rows, err := m.s.readers.QueryContext(ctx, `SELECT t.name, c.name, c.type, c.pk FROM pragma_table_list t, pragma_table_info(t.name) c
		WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT IN ('goose_db_version', ?) ORDER BY t.name, c.pk`, sqlstore.MarkTable)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[string]sqlstore.Table)
	for rows.Next() {
		var table, column, kind string
		var place int
		if err := rows.Scan(&table, &column, &kind, &place); err != nil {
			return nil, err
		}
		t := all[table]
		if t.Columns == nil {
			t.Columns = make(map[string]sqlstore.Type)
		}
		if t.Columns[column], err = sqlstore.TypeOf(kind); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", table, column, err)
		}
		if place > 0 {
			t.Key = append(t.Key, column)
		}
		all[table] = t
	}
	return all, rows.Err()
}

// Rows implements sqlstore.Mover.
func (m *mover) Rows(ctx context.Context, query string, args ...any) (sqlstore.Values, error) {
	rows, err := m.s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, m.s.explain(m.s.path(), err)
	}
	columns, err := rows.Columns()
	return &values{rows, len(columns)}, err
}

// values are rows of a query.
type values struct {
	rows *sql.Rows
	n    int
}

func (v *values) Next() bool { return v.rows.Next() }
func (v *values) Err() error { return v.rows.Err() }
func (v *values) Close()     { v.rows.Close() }

// Row implements sqlstore.Values. The driver reads no bytes as a nil slice, which others
// take for NULL.
func (v *values) Row() ([]any, error) {
	row, into := make([]any, v.n), make([]any, v.n)
	for i := range row {
		into[i] = &row[i]
	}
	err := v.rows.Scan(into...)
	for i, value := range row {
		if b, ok := value.([]byte); ok && b == nil {
			row[i] = []byte{}
		}
	}
	return row, err
}

// Change implements sqlstore.Mover.
func (m *mover) Change(ctx context.Context, f func(sqlstore.Writer) error) error {
	tx, err := m.s.writer.BeginTx(ctx, nil)
	if err != nil {
		return m.s.explain(m.s.path(), err)
	}
	if err = f(filler{tx}); err == nil {
		err = tx.Commit()
	}
	if err != nil {
		tx.Rollback() // fails where the commit did
		return m.s.explain(m.s.path(), err)
	}
	return nil
}

// filler is a transaction of a move.
type filler struct{ tx *sql.Tx }

// Exec implements sqlstore.Writer.
func (f filler) Exec(ctx context.Context, query string, args ...any) error {
	_, err := f.tx.ExecContext(ctx, query, args...)
	return err
}

// Copy implements sqlstore.Writer.
func (f filler) Copy(ctx context.Context, table string, columns []string, rows [][]any) error {
	stmt, err := f.tx.PrepareContext(ctx, fmt.Sprintf(`INSERT INTO "%s" ("%s") VALUES (?%s)`, table, strings.Join(columns, `", "`), strings.Repeat(", ?", len(columns)-1)))
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, row := range rows {
		// The end of ctx ends the move between two groups of rows; to watch for it at each
		// costs more than the row.
		if _, err := stmt.ExecContext(context.WithoutCancel(ctx), row...); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}

// Mark implements sqlstore.Mover.
func (m *mover) Mark(ctx context.Context) (sqlstore.Mark, bool, error) {
	mark, ok, err := readMark(ctx, m.s.writer)
	if err != nil {
		err = m.s.explain(m.s.path(), err)
	}
	return mark, ok, err
}

func readMark(ctx context.Context, db *sql.DB) (mark sqlstore.Mark, ok bool, err error) {
	if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?)", sqlstore.MarkTable).Scan(&ok); err != nil || !ok {
		return mark, false, err
	}
	err = mark.Scan(db.QueryRowContext(ctx, sqlstore.ReadMark))
	return mark, err == nil, err
}

// refuseMoved refuses a file that a move is at, or has left.
func refuseMoved(ctx context.Context, db *sql.DB) error {
	mark, ok, err := readMark(ctx, db)
	if ok {
		err = mark.Refusal()
	}
	return err
}

// SetMark implements sqlstore.Mover.
func (m *mover) SetMark(ctx context.Context, mark sqlstore.Mark) error {
	return m.Change(ctx, func(w sqlstore.Writer) error {
		return errors.Join(w.Exec(ctx, sqlstore.MakeMark), w.Exec(ctx, sqlstore.WriteMark, mark.Values()...))
	})
}

// Unmark implements sqlstore.Mover.
func (m *mover) Unmark(ctx context.Context) error {
	return m.Change(ctx, func(w sqlstore.Writer) error { return w.Exec(ctx, sqlstore.RemoveMark) })
}

// Settle implements sqlstore.Mover. A new row comes behind the last one here.
func (m *mover) Settle(ctx context.Context) error {
	if _, err := m.s.writer.ExecContext(ctx, "PRAGMA wal_checkpoint(truncate)"); err != nil {
		return m.s.explain(m.s.path(), err)
	}
	return nil
}
