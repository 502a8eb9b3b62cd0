package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

// committer is the state of the goroutine that writes.
type committer struct {
	conn  *sql.Conn
	stmts statements
	known *sqlstore.Known
}

func (c *committer) open(ctx context.Context, db *sql.DB) (err error) {
	c.known = sqlstore.NewKnown()
	if c.conn, err = db.Conn(ctx); err != nil {
		return err
	}
	return c.stmts.prepare(ctx, c.conn)
}

func (c *committer) close() error {
	if c.conn == nil {
		return nil
	}
	c.stmts.close()
	_, err := c.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(truncate)")
	return errors.Join(err, c.conn.Close())
}

// Append implements chat.Log.
func (s *Store) Append(ctx context.Context, drafts []chat.Draft) []chat.Result {
	return s.queue.Append(ctx, drafts)
}

// Follow implements chat.Log.
func (s *Store) Follow(f func([]chat.Event)) { s.follow = f }

// Watch implements chat.Log.
func (s *Store) Watch(f func([]chat.Change)) { s.watch = f }

// Announce implements chat.Log. Nobody else is there to be told, so nothing is stored.
func (s *Store) Announce(_ context.Context, changes ...chat.Change) error {
	if s.watch != nil {
		s.watch(changes)
	}
	return nil
}

// Observe has f told of every commit, by the goroutine that commits. It must be
// called before the first Append.
func (s *Store) Observe(f func(sqlstore.Commit)) { s.observe = f }

// Waiting returns how many requests wait for a commit.
func (s *Store) Waiting() int { return s.queue.Waiting() }

// Take implements chat.Turns. The folder is locked, so there are no other processes.
func (s *Store) Take(_ context.Context, work string) (*chat.Turn, error) {
	return s.turns.Take(work), nil
}

// Failed implements chat.Log.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// commitLoop commits groups until the queue is closed.
func (s *Store) commitLoop() {
	defer close(s.idle)
	var broken error
	for first := range s.queue.Requests() {
		group := s.queue.Collect(first)
		if broken == nil {
			broken = s.commit(group)
		} else {
			sqlstore.Refuse(group, broken)
		}
		for _, r := range group {
			r.Answer()
		}
	}
}

// commit stores a group, tells the follower, and fills in the results. It
// returns an error if nothing can be stored any more: after a failed sync nobody
// knows what is on the disk, so it is never tried again.
func (s *Store) commit(group []*sqlstore.Request) error {
	ctx := context.Background()
	begun := time.Now()
	t := s.Begin(ctx, &s.committer, s.committer.known)
	_, err := s.committer.conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	if err == nil {
		err = t.Run(group)
	}
	if err == nil {
		if _, err = s.committer.conn.ExecContext(ctx, "COMMIT"); err == nil {
			t.Keep()
			if s.observe != nil {
				s.observe(t.Committed(group, begun))
			}
			if s.follow != nil && len(t.Events()) > 0 {
				s.follow(t.Events())
			}
			if s.watch != nil && len(t.Changes()) > 0 {
				s.watch(t.Changes())
			}
			if t.Rewrite {
				s.rewrite(ctx)
			}
			return nil
		}
	}
	s.committer.conn.ExecContext(ctx, "ROLLBACK") // fails if SQLite has done it
	s.log.Error("commit", "err", err)
	if code(err) == sqlite3.SQLITE_FULL {
		sqlstore.Refuse(group, sqlstore.Unavailable("the server's disk is full", err))
		return nil
	}
	broken := sqlstore.Unavailable("the server can not store anything now", err)
	sqlstore.Refuse(group, broken)
	close(s.failed)
	return broken
}

// rewrite takes what retention erased out of the WAL, where old pages lie until they
// are written over. It waits for readers, which are quick; if they are not, the next
// time will do.
func (s *Store) rewrite(ctx context.Context) {
	if _, err := s.committer.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(truncate)"); err != nil {
		s.log.Warn("write the log back after erasing", "err", err)
	}
}

// statements are those that every append needs.
type statements struct {
	say, insert, first, setHead, findRoom, findPerson, findStanding *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	for stmt, query := range map[**sql.Stmt]string{
		&s.say:          "INSERT OR IGNORE INTO events (room, seq, id, author, kind, target, time, body) VALUES (?, ?, ?, ?, 1, 0, ?, ?)",
		&s.insert:       "INSERT OR IGNORE INTO events (room, seq, id, author, kind, target, time, body, about, until, mentions, thread, everyone, files) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		&s.first:        sqlstore.SelectEvents + "WHERE e.id = ? AND e.author = ?",
		&s.setHead:      "UPDATE rooms SET head = ?, messages = ? WHERE key = ?",
		&s.findRoom:     "SELECT key, messages, coalesce((SELECT time FROM events WHERE room = r.key AND seq = head), 0), " + sqlstore.RoomColumns + " FROM rooms r WHERE id = ?",
		&s.findPerson:   "SELECT key, id, name, role, bot FROM people WHERE id = ?",
		&s.findStanding: "SELECT " + sqlstore.StandingColumns + " FROM memberships m WHERE room = ? AND person = ?",
	} {
		var err error
		if *stmt, err = conn.PrepareContext(ctx, query); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	return nil
}

func (s *statements) close() {
	for _, stmt := range []*sql.Stmt{s.say, s.insert, s.first, s.setHead, s.findRoom, s.findPerson, s.findStanding} {
		if stmt != nil {
			stmt.Close()
		}
	}
}
