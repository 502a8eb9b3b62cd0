package postgres

import (
	"context"
	"database/sql"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

// Append implements chat.Log.
func (s *Store) Append(ctx context.Context, drafts []chat.Draft) []chat.Result {
	if len(drafts) == 0 {
		return nil
	}
	return s.drafts.Append(ctx, drafts)
}

// Follow implements chat.Log. f is told of what this process has appended; what other
// processes append is to be read.
func (s *Store) Follow(f func([]chat.Event)) { s.follow = f }

// Observe has f told of every commit of drafts, one at a time. It must be called before
// the first Append.
func (s *Store) Observe(f func(Commit)) { s.observe = f }

// Waiting returns how many requests wait for a commit.
func (s *Store) Waiting() int { return s.drafts.Waiting() + s.changes.Waiting() }

// Failed implements chat.Log. A database that has gone may come back: it is never closed.
func (s *Store) Failed() <-chan struct{} { return nil }

// backend is the store as sqlstore sees it.
type backend Store

// Change implements sqlstore.Backend.
func (b *backend) Change(ctx context.Context, rights bool, f func(*sqlstore.Tx) error) error {
	return b.changes.Submit(ctx, &sqlstore.Request{Change: f, Rights: rights})
}

// IsConstraint implements sqlstore.Backend.
func (b *backend) IsConstraint(err error) bool { return isConstraint(err) }

// IsBroken implements sqlstore.Backend. An error fails any transaction here.
func (b *backend) IsBroken(error) bool { return true }

// Contradictions implements sqlstore.Backend.
func (b *backend) Contradictions() map[string]string {
	return map[string]string{
		"an event belongs to no room, or is by nobody": `SELECT e.seq FROM events e LEFT JOIN rooms r ON r.key = e.room LEFT JOIN people p ON p.key = e.author
			WHERE r.key IS NULL OR p.key IS NULL`,
		"somebody stands to no room, or nobody to one": `SELECT m.room FROM memberships m LEFT JOIN rooms r ON r.key = m.room LEFT JOIN people p ON p.key = m.person
			WHERE r.key IS NULL OR p.key IS NULL`,
		"a room's last time is not that of its last event": `SELECT r.id FROM rooms r JOIN events e ON e.room = r.key AND e.seq = r.head WHERE r.last != e.time`,
	}
}

const (
	readLimit = 10 * time.Second // for a query
	readTries = 3                // where connections turn out to be dead
)

// Rows implements sqlstore.Backend. A connection that the server has dropped meanwhile is
// found out by using it, so it is tried again on another.
func (b *backend) Rows(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	query, args = translate(query), values(args)
	for tries := 1; ; tries++ {
		// What the caller does not wait for any more is not stopped: that would cost the
		// connection.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readLimit)
		rows, err := b.db.QueryContext(ctx, query, args...)
		if err == nil {
			return &rowsOf{rows, cancel}, nil
		}
		cancel()
		if !lost(err) || tries == readTries {
			return nil, meaning(err)
		}
	}
}

// rowsOf are rows with their texts as they were, which end something when they are closed.
type rowsOf struct {
	*sql.Rows
	end func()
}

// Scan implements sqlstore.Rows.
func (r *rowsOf) Scan(into ...any) error { return rowOf{r.Rows}.Scan(into...) }

// Close implements sqlstore.Rows.
func (r *rowsOf) Close() error {
	defer r.end()
	return r.Rows.Close()
}

// Err implements sqlstore.Rows.
func (r *rowsOf) Err() error { return meaning(r.Rows.Err()) }

// Row implements sqlstore.Backend.
func (b *backend) Row(ctx context.Context, query string, args ...any) sqlstore.Scanner {
	rows, err := b.Rows(ctx, query, args...)
	if err != nil {
		return failed{err}
	}
	return oneRow{rows}
}

// oneRow is the first of some rows, like sql.Row.
type oneRow struct{ rows sqlstore.Rows }

// Scan implements sqlstore.Scanner.
func (r oneRow) Scan(into ...any) error {
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := r.rows.Scan(into...); err != nil {
		return err
	}
	return r.rows.Close()
}
