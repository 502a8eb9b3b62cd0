package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hubbub/internal/chat"
)

// Append implements chat.Log.
func (s *Store) Append(ctx context.Context, drafts []chat.Draft) []chat.Result {
	r := &request{drafts: drafts, results: make([]chat.Result, len(drafts))}
	if err := s.submit(ctx, r); err != nil {
		refuse([]*request{r}, err)
	}
	return r.results
}

// Follow implements chat.Log.
func (s *Store) Follow(f func([]chat.Event)) { s.follow = f }

// Commit is what one commit did.
type Commit struct {
	Events   int // stored
	Repeated int // drafts that were stored before: sent again by a client
	Took     time.Duration
}

// Observe has f told of every commit, by the goroutine that commits. It must be
// called before the first Append.
func (s *Store) Observe(f func(Commit)) { s.observe = f }

// Waiting returns how many requests wait for a commit.
func (s *Store) Waiting() int { return len(s.queue) }

// Failed implements chat.Log.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// append stores one draft, or says in res why not. An error fails the group.
func (t *tx) append(d chat.Draft, res *chat.Result) error {
	room, err := t.room(d.Room)
	if err != nil {
		return refused(err, res)
	}
	author, err := t.person(d.Author)
	if err != nil {
		return refused(err, res)
	}
	if d.Kind != chat.KindMessage {
		if err := t.checkTarget(room, author, d); err != nil {
			// It may be a repetition whose target is gone by now.
			return errors.Join(t.repeat(d, author, res), orElse(res, err))
		}
	}
	seq, at := room.head+1, max(now(), room.time)
	done, err := t.stmts.insert.ExecContext(t.ctx, room.key, seq, d.ID[:], author, d.Kind, d.Target, at, d.Body)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return errors.Join(t.repeat(d, author, res), orElse(res, fmt.Errorf("event %d of room %s was there before it was written", seq, d.Room)))
	}
	room.head, room.time = seq, at
	res.Event = chat.Event{Draft: d, Seq: seq, Time: time.UnixMilli(at)}
	t.events = append(t.events, res.Event)
	t.moved[d.Room] = room
	return t.project(room, res.Event)
}

// refused puts an error that concerns one draft alone into its result.
func refused(err error, res *chat.Result) error {
	var e *chat.Error
	if !errors.As(err, &e) {
		return err
	}
	res.Err = err
	return nil
}

// orElse is for a draft that was not stored: if it is no repetition either, err
// is why.
func orElse(res *chat.Result, err error) error {
	if res.Repeated || res.Err != nil {
		return nil
	}
	return refused(err, res)
}

// repeat looks for the first event with the draft's id. None leaves res empty.
func (t *tx) repeat(d chat.Draft, author int64, res *chat.Result) error {
	first, err := scanEvent(t.stmts.first.QueryRowContext(t.ctx, d.ID[:], author))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	erased, err := t.erased(first)
	if err != nil {
		return err
	}
	original, err := t.originalBody(first)
	if err != nil {
		return err
	}
	if first.Room != d.Room || first.Kind != d.Kind || first.Target != d.Target || (!erased && original != d.Body) {
		res.Err = chat.Errorf(chat.CodeConflict, "this id was used for another message")
		return nil
	}
	res.Event, res.Repeated = first, true
	return nil
}

// erased says whether nobody can know any more what the event's body was.
func (t *tx) erased(e chat.Event) (bool, error) {
	if e.Deleted || e.Kind == chat.KindDelete {
		return e.Deleted, nil
	}
	if e.Kind != chat.KindEdit {
		return false, nil
	}
	var deleted bool
	err := t.row(`SELECT body IS NULL FROM revisions WHERE room = (SELECT key FROM rooms WHERE id = ?) AND seq = ?`, e.Room, e.Target).Scan(&deleted)
	return deleted, err
}

// originalBody returns what was sent, where scanEvent returns how it reads today.
func (t *tx) originalBody(e chat.Event) (body string, err error) {
	if e.Revised == 0 {
		return e.Body, nil
	}
	err = t.row(`SELECT body FROM events WHERE room = (SELECT key FROM rooms WHERE id = ?) AND seq = ?`, e.Room, e.Seq).Scan(&body)
	return body, err
}

// checkTarget wants a message of the same author in the same room that is still
// there.
func (t *tx) checkTarget(room *room, author int64, d chat.Draft) error {
	var ok bool
	err := t.row(`SELECT e.kind = ? AND e.author = ? AND NOT coalesce(r.body IS NULL AND r.seq IS NOT NULL, 0)
		FROM events e LEFT JOIN revisions r ON r.room = e.room AND r.seq = e.seq
		WHERE e.room = ? AND e.seq = ?`, chat.KindMessage, author, room.key, d.Target).Scan(&ok)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !ok:
		return chat.Errorf(chat.CodeNotFound, "there is no such message of yours")
	case err != nil:
		return err
	case d.Kind != chat.KindEdit && d.Kind != chat.KindDelete:
		return fmt.Errorf("kind %d can not be stored", d.Kind)
	}
	return nil
}

// project applies an edit or a delete to the message it changes. What is
// deleted is really erased: from the event, and from the edits that led there.
func (t *tx) project(room *room, e chat.Event) error {
	var body any = e.Body
	switch e.Kind {
	case chat.KindMessage:
		return nil
	case chat.KindDelete:
		body = nil
		if err := t.exec(`UPDATE events SET body = '' WHERE room = ? AND seq = ?`, room.key, e.Target); err != nil {
			return err
		}
		if err := t.exec(`UPDATE events SET body = '' WHERE room = ? AND target = ? AND target > 0`, room.key, e.Target); err != nil {
			return err
		}
	}
	return t.exec(`INSERT INTO revisions (room, seq, by, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (room, seq) DO UPDATE SET by = excluded.by, body = excluded.body`, room.key, e.Target, e.Seq, body)
}

// room returns where a room's log ends, for the group to move.
func (t *tx) room(id chat.RoomID) (*room, error) {
	if r := t.moved[id]; r != nil {
		return r, nil
	}
	if r := t.rooms[id]; r != nil {
		copied := *r
		return &copied, nil
	}
	var r room
	err := t.stmts.findRoom.QueryRowContext(t.ctx, id).Scan(&r.key, &r.head, &r.time)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, noRoom()
	}
	return &r, err
}

func noRoom() error { return chat.Errorf(chat.CodeNotFound, "there is no such room") }

// person returns a person's key.
func (t *tx) person(id chat.UserID) (key int64, err error) {
	if key, ok := t.people[id]; ok {
		return key, nil
	}
	err = t.stmts.findPerson.QueryRowContext(t.ctx, id).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, chat.Errorf(chat.CodeUnauthorized, "nobody here has that identity")
	}
	if err == nil {
		t.people[id] = key
	}
	return key, err
}
