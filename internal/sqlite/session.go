package sqlite

import (
	"context"
	"database/sql"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

// This file is what sqlstore asks of a backend: the committer's connection is the
// session of every transaction.

// Exec implements sqlstore.Session.
func (c *committer) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return c.conn.ExecContext(ctx, query, args...)
}

// Later implements sqlstore.Session. Nothing is far away.
func (c *committer) Later(ctx context.Context, query string, args ...any) error {
	_, err := c.conn.ExecContext(ctx, query, args...)
	return err
}

// Query implements sqlstore.Session.
func (c *committer) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	return c.conn.QueryContext(ctx, query, args...)
}

// Row implements sqlstore.Session.
func (c *committer) Row(ctx context.Context, query string, args ...any) sqlstore.Scanner {
	return c.conn.QueryRowContext(ctx, query, args...)
}

// Insert implements sqlstore.Session. Nearly all events are messages that address
// nobody, and those have a statement of their own: each value that is not handed over is
// a fiftieth of an append (BenchmarkAppend, one room, 512 in flight).
func (c *committer) Insert(ctx context.Context, e *sqlstore.Entry) (stored bool, err error) {
	var done sql.Result
	if e.Plain() {
		done, err = c.stmts.say.ExecContext(ctx, e.Room, e.Seq, e.ID, e.Author, e.Time, e.Body)
	} else {
		done, err = c.stmts.insert.ExecContext(ctx, e.Room, e.Seq, e.ID, e.Author, e.Kind, e.Target, e.Time, e.Body, e.About, e.Until, e.Mentions, e.Thread, e.Everyone, e.Files)
	}
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// First implements sqlstore.Session.
func (c *committer) First(ctx context.Context, id []byte, author int64) sqlstore.Scanner {
	return c.stmts.first.QueryRowContext(ctx, id, author)
}

// Room implements sqlstore.Session. Nobody else writes.
func (c *committer) Room(ctx context.Context, id chat.RoomID, lock bool) sqlstore.Scanner {
	return c.stmts.findRoom.QueryRowContext(ctx, id)
}

// Person implements sqlstore.Session.
func (c *committer) Person(ctx context.Context, id chat.UserID) sqlstore.Scanner {
	return c.stmts.findPerson.QueryRowContext(ctx, id)
}

// Standing implements sqlstore.Session.
func (c *committer) Standing(ctx context.Context, room, person int64) sqlstore.Scanner {
	return c.stmts.findStanding.QueryRowContext(ctx, room, person)
}

// SetHead implements sqlstore.Session. The time is that of the last event.
func (c *committer) SetHead(ctx context.Context, h sqlstore.Head) error {
	_, err := c.stmts.setHead.ExecContext(ctx, h.Seq, h.Messages, h.Room)
	return err
}

// backend is the store as sqlstore sees it.
type backend Store

// Rows implements sqlstore.Backend.
func (b *backend) Rows(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	return b.readers.rows(ctx, query, args...)
}

// Row implements sqlstore.Backend.
func (b *backend) Row(ctx context.Context, query string, args ...any) sqlstore.Scanner {
	return b.readers.row(ctx, query, args...)
}

// Change implements sqlstore.Backend. One goroutine decides and changes.
func (b *backend) Change(ctx context.Context, rights bool, f func(*sqlstore.Tx) error) error {
	return b.queue.Submit(ctx, &sqlstore.Request{Change: f, Rights: rights})
}

// IsConstraint implements sqlstore.Backend.
func (b *backend) IsConstraint(err error) bool { return code(err) == sqlite3.SQLITE_CONSTRAINT }

// IsBroken implements sqlstore.Backend.
func (b *backend) IsBroken(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT:
		return true
	}
	return false
}

// FreeVisitors implements sqlstore.Backend. Nobody is here before the store is open.
func (b *backend) FreeVisitors(t *sqlstore.Tx) error {
	return t.Exec("UPDATE people SET name_key = NULL WHERE visiting = 1 AND name_key IS NOT NULL")
}

// Contradictions implements sqlstore.Backend.
func (b *backend) Contradictions() map[string]string {
	return map[string]string{
		"a reference leads nowhere":     `SELECT "table" FROM pragma_foreign_key_check`,
		"SQLite finds the file damaged": `SELECT * FROM pragma_integrity_check WHERE integrity_check != 'ok'`,
	}
}

// readers are the connections that only read, with their statements prepared:
// for a small query that is most of the work (a handshake's three lookups took
// 70 µs without it).
type readers struct {
	*sql.DB
	prepared sync.Map // of *sql.Stmt, by query; closed with DB
}

func (r *readers) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := r.prepared.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	made, err := r.DB.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, err
	}
	s, other := r.prepared.LoadOrStore(query, made)
	if other {
		made.Close()
	}
	return s.(*sql.Stmt), nil
}

// The end of ctx does not end a query: they are all small, and to watch for it
// costs two goroutines for each, a third of a lookup's time.
func (r *readers) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := r.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.WithoutCancel(ctx), args...)
}

// row is rows for one; Scan returns the error.
func (r *readers) row(ctx context.Context, query string, args ...any) sqlstore.Scanner {
	s, err := r.stmt(ctx, query)
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(context.WithoutCancel(ctx), args...)
}

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }
