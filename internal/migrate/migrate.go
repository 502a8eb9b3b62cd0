// Package migrate moves a place from one database to another, with its files: from a
// folder to PostgreSQL, and back. Nothing is said to have moved that was not compared.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/files"
	"hubbub/internal/postgres"
	"hubbub/internal/sqlite"
	"hubbub/internal/sqlstore"
)

// Config says what is moved, and whereto. A place is a folder, or the address of a
// PostgreSQL database.
type Config struct {
	From, To           string
	FromFiles, ToFiles string       // folders, or s3://…; empty: beside the database, or where they are
	AllowMissing       bool         // files whose bytes are lost already are no reason to stay
	Say                func(string) // told how far it is, a line at a time

	// For tests, and nothing that an operator can set.
	Batch   int    // rows of a transaction; 0: 5,000
	Batched func() // told of each transaction; nil: nobody is
	Store   func(files.Store) files.Store
}

// move is one that is under way.
type move struct {
	Config
	src, dst sqlstore.Mover
	mark     sqlstore.Mark // of dst
	source   files.Store
	target   files.Store // nil: files stay where they are
	scratch  string      // folder of what is on the way to somewhere else; "": none was needed
	tables   []table
	said     time.Time // when Say was last told how far a table is
}

// Run moves a place. It may be stopped at any time, in any way: the next run goes on where
// it was. Its errors are sentences for the operator.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Batch == 0 {
		cfg.Batch = 5000
	}
	m := &move{Config: cfg}
	err := m.run(ctx)
	if m.dst != nil {
		err = errors.Join(err, m.dst.Close())
	}
	if m.src != nil {
		err = errors.Join(err, m.src.Close())
	}
	if m.scratch != "" {
		err = errors.Join(err, os.RemoveAll(m.scratch))
	}
	if ctx.Err() != nil {
		return errors.New("stopped; the same command goes on where it was")
	}
	return err
}

func (m *move) run(ctx context.Context) error {
	if err := m.open(ctx); err != nil {
		return err
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	if m.mark.State != sqlstore.Whole {
		for _, step := range []func(context.Context) error{m.copyTables, m.copyFiles, m.compareTables, m.compareHeads, m.compareFiles, m.dst.Settle} {
			if err := step(ctx); err != nil {
				return err
			}
		}
	}
	return m.finish(ctx)
}

// isDatabase says whether a place is a PostgreSQL database.
func isDatabase(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}

// openPlace opens one end.
func openPlace(ctx context.Context, place string, create bool) (sqlstore.Mover, error) {
	if isDatabase(place) {
		return postgres.OpenMover(ctx, place)
	}
	abs, err := filepath.Abs(place)
	if err != nil {
		return nil, err
	}
	return sqlite.OpenMover(abs, create)
}

func (m *move) open(ctx context.Context) (err error) {
	if !isDatabase(m.To) {
		if err := checkFolder(m.To); err != nil {
			return err
		}
	}
	if m.src, err = openPlace(ctx, m.From, false); err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	if m.dst, err = openPlace(ctx, m.To, true); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	return nil
}

// begin finds out whether this move may be, and how far it was.
func (m *move) begin(ctx context.Context) error {
	left, marked, err := m.src.Mark(ctx)
	if err != nil {
		return err
	}
	known, begun, err := m.dst.Mark(ctx)
	if err != nil {
		return err
	}
	if marked && (left.State != sqlstore.Left || !begun || known.State != sqlstore.Whole) {
		return fmt.Errorf("--from: %s can not be moved: %w", m.src, left.Refusal())
	}
	empty, err := m.src.Empty(ctx)
	if err == nil && empty {
		err = fmt.Errorf("--from: %s holds no hubbub", m.src)
	}
	if err == nil && !marked {
		err = m.src.Upgrade(ctx)
	}
	if err != nil {
		return err
	}
	epoch, err := m.epoch(ctx)
	if err != nil {
		return err
	}
	if begun {
		return m.resume(ctx, known, epoch)
	}
	if empty, err := m.dst.Empty(ctx); err != nil || !empty {
		return errors.Join(err, fmt.Errorf("--to: %s is not empty; a place moves into an empty one only", m.dst))
	}
	m.mark = sqlstore.Mark{Epoch: epoch, Other: m.src.String()}
	if err := m.state(ctx, sqlstore.Making); err != nil {
		return err
	}
	return m.prepare(ctx)
}

func (m *move) epoch(ctx context.Context) (chat.Epoch, error) {
	rows, err := all(ctx, m.src, "SELECT epoch FROM place")
	if err != nil {
		return "", err
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("--from: %s holds no place yet", m.src)
	}
	return chat.Epoch(rows[0][0].(string)), nil
}

// resume goes on with a move that was stopped.
func (m *move) resume(ctx context.Context, known sqlstore.Mark, epoch chat.Epoch) error {
	switch {
	case known.State == sqlstore.Left:
		return fmt.Errorf("--to: %s is not empty: %w", m.dst, known.Refusal())
	case known.Epoch != epoch:
		return fmt.Errorf("--to: a move from %s has begun to fill %s; finish that, or use an empty one", known.Other, m.dst)
	}
	m.mark = known
	if known.State == sqlstore.Making {
		return m.prepare(ctx)
	}
	m.Say("This goes on with a move that was stopped.")
	return m.plan(ctx)
}

// prepare makes the tables, and takes out what came with them.
func (m *move) prepare(ctx context.Context) error {
	if err := m.dst.Upgrade(ctx); err != nil {
		return err
	}
	if err := m.plan(ctx); err != nil {
		return err
	}
	err := m.dst.Change(ctx, func(w sqlstore.Writer) error {
		for _, t := range m.tables {
			if err := w.Exec(ctx, `DELETE FROM "`+t.name+`"`); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.state(ctx, sqlstore.Filling)
}

func (m *move) plan(ctx context.Context) error {
	from, err := m.src.Tables(ctx)
	if err != nil {
		return err
	}
	to, err := m.dst.Tables(ctx)
	if err != nil {
		return err
	}
	if m.tables, err = plan(from, to); err != nil {
		return err
	}
	return m.openFiles(ctx)
}

func (m *move) state(ctx context.Context, s sqlstore.State) error {
	m.mark.State, m.mark.Time = s, time.Now()
	return m.dst.SetMark(ctx, m.mark)
}

// finish has the old place refuse servers before the new one takes them, so that there is
// never a time at which both do.
func (m *move) finish(ctx context.Context) error {
	if m.mark.State != sqlstore.Whole {
		if err := m.state(ctx, sqlstore.Whole); err != nil {
			return err
		}
	}
	if err := m.src.SetMark(ctx, sqlstore.Mark{State: sqlstore.Left, Epoch: m.mark.Epoch, Other: m.dst.String(), Time: time.Now()}); err != nil {
		return err
	}
	if err := m.dst.Unmark(ctx); err != nil {
		return err
	}
	m.Say(fmt.Sprintf("The place is in %s now. T%s was left as it is, and starts no more.", m.dst, strings.TrimPrefix(m.src.String(), "t")))
	return nil
}

// Reopen has a place that was moved away be used again, beside the one that it became. It
// gets a new epoch, so that nobody takes the one for the other.
func Reopen(ctx context.Context, place string) (err error) {
	p, err := openPlace(ctx, place, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	mark, ok, err := p.Mark(ctx)
	if err != nil {
		return err
	}
	if !ok || mark.State != sqlstore.Left {
		return fmt.Errorf("%s is no place that was moved elsewhere", p)
	}
	err = p.Change(ctx, func(w sqlstore.Writer) error {
		return w.Exec(ctx, "UPDATE place SET epoch = ?", sqlstore.NewID(8))
	})
	if err != nil {
		return err
	}
	return p.Unmark(ctx)
}

// all reads a few rows.
func all(ctx context.Context, from sqlstore.Mover, query string, args ...any) (found [][]any, err error) {
	rows, err := from.Rows(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := rows.Row()
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}
