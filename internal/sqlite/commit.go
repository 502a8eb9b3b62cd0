package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"hubbub/internal/chat"
)

// request is a caller's wish, to be committed with its neighbours': drafts to
// append, or a change of the directory.
type request struct {
	drafts  []chat.Draft
	results []chat.Result

	change func(*tx) error
	err    error // what change returned, or why nothing was committed

	done chan struct{}
}

// committer is the state of the goroutine that writes: what it has looked up, as it
// was last committed.
type committer struct {
	conn      *sql.Conn
	stmts     statements
	place     chat.RoomID           // the log of the place
	rooms     map[chat.RoomID]*room // a room is never removed
	people    map[chat.UserID]*person
	standings map[place]chat.Standing
}

// room is a room, and where its log ends.
type room struct {
	chat.Room // Head is kept here too
	key       int64
	messages  int64
	time      int64 // of the last event; time never goes back within a room
}

// person is somebody who was looked up.
type person struct {
	chat.Person
	key int64
}

// place names how a person stands to a room.
type place struct{ room, person int64 }

const (
	maxGroup  = 512       // drafts in one commit
	yields    = 3         // turns given to callers before a group is collected
	maxPeople = 1_000_000 // people and standings kept; then they are looked up again
)

func (c *committer) open(ctx context.Context, db *sql.DB) (err error) {
	c.rooms, c.people, c.standings = make(map[chat.RoomID]*room), make(map[chat.UserID]*person), make(map[place]chat.Standing)
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

// submit queues a request and waits for its outcome. Only before it is queued
// does the end of ctx count: after that the request may be stored.
func (s *Store) submit(ctx context.Context, r *request) error {
	r.done = make(chan struct{})
	if err := s.enqueue(ctx, r); err != nil {
		return err
	}
	<-r.done
	return r.err
}

func (s *Store) enqueue(ctx context.Context, r *request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return unavailable("the server is stopping", nil)
	}
	select {
	case s.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func unavailable(message string, cause error) error {
	return &chat.Error{Code: chat.CodeUnavailable, Message: message, Cause: cause}
}

// change runs f in a transaction of its own as far as f can see, and returns
// when it is durable. An error of f undoes what f did.
func (s *Store) change(ctx context.Context, f func(*tx) error) error {
	return s.submit(ctx, &request{change: f})
}

// commitLoop commits groups until the queue is closed.
func (s *Store) commitLoop() {
	defer close(s.idle)
	var broken error
	for first := range s.queue {
		group := s.collect(first)
		if broken == nil {
			broken = s.commit(group)
		} else {
			refuse(group, broken)
		}
		for _, r := range group {
			close(r.done)
		}
	}
}

// collect takes what waits. It first lets callers run that are ready to queue
// something: each that joins saves a disk sync.
func (s *Store) collect(first *request) []*request {
	for range yields {
		runtime.Gosched()
	}
	group, drafts := []*request{first}, len(first.drafts)
	for drafts < maxGroup && len(group) < maxGroup {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return group
			}
			group = append(group, r)
			drafts += len(r.drafts)
		default:
			return group
		}
	}
	return group
}

// commit stores a group, tells the follower, and fills in the results. It
// returns an error if nothing can be stored any more: after a failed sync nobody
// knows what is on the disk, so it is never tried again.
func (s *Store) commit(group []*request) error {
	ctx := context.Background()
	begun := time.Now()
	t := &tx{
		ctx: ctx, committer: &s.committer,
		moved: make(map[chat.RoomID]*room), stood: make(map[place]chat.Standing), met: make(map[chat.UserID]*person),
	}
	err := t.run(group)
	if err == nil {
		if _, err = s.conn.ExecContext(ctx, "COMMIT"); err == nil {
			t.keep()
			if s.observe != nil {
				s.observe(Commit{Events: len(t.events), Repeated: repeated(group), Took: time.Since(begun)})
			}
			if s.follow != nil && len(t.events) > 0 {
				s.follow(t.events)
			}
			if t.rewrite {
				s.rewrite(ctx)
			}
			return nil
		}
	}
	s.conn.ExecContext(ctx, "ROLLBACK") // fails if SQLite has done it
	s.log.Error("commit", "err", err)
	if code(err) == sqlite3.SQLITE_FULL {
		refuse(group, unavailable("the server's disk is full", err))
		return nil
	}
	broken := unavailable("the server can not store anything now", err)
	refuse(group, broken)
	close(s.failed)
	return broken
}

// rewrite takes what retention erased out of the WAL, where old pages lie until they
// are written over. It waits for readers, which are quick; if they are not, the next
// time will do.
func (s *Store) rewrite(ctx context.Context) {
	if _, err := s.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(truncate)"); err != nil {
		s.log.Warn("write the log back after erasing", "err", err)
	}
}

func repeated(group []*request) (n int) {
	for _, r := range group {
		for i := range r.results {
			if r.results[i].Repeated {
				n++
			}
		}
	}
	return n
}

// refuse gives everyone in the group the same answer.
func refuse(group []*request, err error) {
	for _, r := range group {
		r.err = err
		for i := range r.results {
			r.results[i] = chat.Result{Err: err}
		}
	}
}

// tx is a group's transaction: what the committer knows, and what the group has
// changed of it so far.
type tx struct {
	*committer
	ctx     context.Context
	moved   map[chat.RoomID]*room // as they will be
	stood   map[place]chat.Standing
	met     map[chat.UserID]*person
	events  []chat.Event // new, in order
	draft   chat.Draft   // the one that is being appended: one place for all, instead of an allocation for each
	rewrite bool         // what was erased should leave the WAL too
}

func (t *tx) run(group []*request) error {
	if _, err := t.conn.ExecContext(t.ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	drafts := 0
	for _, r := range group {
		drafts += len(r.drafts)
	}
	t.events = make([]chat.Event, 0, drafts)
	for _, r := range group {
		if r.change != nil {
			if err := t.apart(r); err != nil {
				return err
			}
		}
		for i := range r.drafts {
			if err := t.append(&r.drafts[i], &r.results[i]); err != nil {
				return err
			}
		}
	}
	for _, m := range t.moved {
		if _, err := t.stmts.setHead.ExecContext(t.ctx, m.Head, m.messages, m.key); err != nil {
			return err
		}
	}
	return nil
}

// apart runs a change so that its failure undoes nothing else.
func (t *tx) apart(r *request) error {
	if err := t.exec("SAVEPOINT apart"); err != nil {
		return err
	}
	moved, stood, met, events := make(map[chat.RoomID]*room, len(t.moved)), maps.Clone(t.stood), maps.Clone(t.met), len(t.events)
	for id, m := range t.moved {
		copied := *m
		moved[id] = &copied
	}
	r.err = r.change(t)
	if r.err != nil {
		switch code(r.err) {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT:
			return r.err
		}
		t.moved, t.stood, t.met, t.events = moved, stood, met, t.events[:events]
		if err := t.exec("ROLLBACK TO apart"); err != nil {
			return err
		}
	}
	return t.exec("RELEASE apart")
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.conn.ExecContext(t.ctx, query, args...)
	return err
}

// row reads one row of a query that is not worth preparing.
func (t *tx) row(query string, args ...any) *sql.Row {
	return t.conn.QueryRowContext(t.ctx, query, args...)
}

// keep makes what the group changed the committer's state.
func (t *tx) keep() {
	maps.Copy(t.rooms, t.moved)
	maps.Copy(t.standings, t.stood)
	maps.Copy(t.people, t.met)
	if len(t.people) > maxPeople {
		clear(t.people)
	}
	if len(t.standings) > maxPeople {
		clear(t.standings)
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
		&s.first:        selectEvents + "WHERE e.id = ? AND e.author = ?",
		&s.setHead:      "UPDATE rooms SET head = ?, messages = ? WHERE key = ?",
		&s.findRoom:     "SELECT key, messages, coalesce((SELECT time FROM events WHERE room = r.key AND seq = head), 0), " + roomColumns + " FROM rooms r WHERE id = ?",
		&s.findPerson:   "SELECT key, id, name, role, bot FROM people WHERE id = ?",
		&s.findStanding: "SELECT " + standingColumns + " FROM memberships m WHERE room = ? AND person = ?",
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
