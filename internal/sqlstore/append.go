package sqlstore

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
)

// append stores one draft, or says in res why not. An error fails the group.
func (t *Tx) append(draft *chat.Draft, res *chat.Result) error {
	t.draft = *draft // the caller's stays as it is
	d := &t.draft
	room, err := t.room(d.Room)
	if err != nil {
		return refused(err, res)
	}
	author, err := t.person(d.Author)
	if err != nil {
		return refused(err, res)
	}
	c, err := t.check(room, author, d)
	if err != nil {
		// It may be a repetition of what was right when it first came. If it is none, why
		// it is refused is all there is to say: an id that was used elsewhere tells nobody
		// whether there is such a room.
		broken := t.repeat(*d, author.key, res)
		if !res.Repeated {
			res.Err = nil
		}
		return errors.Join(broken, orElse(res, err))
	}
	done, err := t.insert(room, author.key, d, c)
	switch {
	case err != nil:
		return err
	case !done:
		return errors.Join(t.repeat(*d, author.key, res), orElse(res, fmt.Errorf("event %d of room %s was there before it was written", room.Head+1, d.Room)))
	}
	res.Event = t.events[len(t.events)-1]
	return t.project(room, author, res.Event, c)
}

// change is what a draft concerns, as it was found.
type change struct {
	about *person
	to    chat.Standing // of about, or else of the author
	files []int64       // that a message is to hold, or an edit leaves to it
}

// insert gives a draft its place, unless its author had one with that id before.
func (t *Tx) insert(room *room, author int64, d *chat.Draft, c change) (done bool, err error) {
	d.Base = nil // it has done its work
	seq, at := room.Head+1, max(t.now(), room.time)
	if err := t.enter(room.key, author, d, c, seq, at); err != nil {
		return false, err
	}
	if done, err := t.session.Insert(t.ctx, &t.entry); err != nil || !done {
		return false, err
	}
	room.Head, room.time = seq, at
	if d.Kind == chat.KindMessage && d.Thread == 0 {
		room.messages++
	}
	t.events = append(t.events, chat.Event{Draft: *d, Seq: seq, Time: time.UnixMilli(at)})
	if d.Kind.Changes() {
		if c, ok := chat.ListedBy(t.events[len(t.events)-1]); ok {
			t.tell(c)
		}
	}
	t.moved[d.Room] = room
	return true, nil
}

// enter fills in the row of an event.
func (t *Tx) enter(room, author int64, d *chat.Draft, c change, seq chat.Seq, at int64) error {
	t.entry = Entry{
		Room: room, Seq: int64(seq), ID: d.ID[:], Author: author, Kind: int64(d.Kind), Target: int64(d.Target), Time: at, Body: d.Body,
		Until: millis(d.Until), Thread: int64(d.Thread), Everyone: int64(d.Everyone),
	}
	if c.about != nil {
		t.entry.About = c.about.key
	}
	if len(d.Mentions) > 0 {
		b, err := json.Marshal(d.Mentions)
		if err != nil {
			return err
		}
		t.entry.Mentions = string(b)
	}
	var err error
	t.entry.Files, err = idsOf(d.Files)
	return err
}

// record puts an event into a log that follows from another change.
func (t *Tx) record(room *room, by *person, d chat.Draft) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	d.ID, d.Room, d.Author, d.Name, d.Bot, d.Guest = chat.EventID(id), room.ID, by.ID, by.Name, by.Bot, by.Role == chat.RoleGuest
	var c change
	if d.About.ID != "" {
		if c.about, err = t.person(d.About.ID); err != nil {
			return err
		}
		d.About.Name = c.about.Name
	}
	if done, err := t.insert(room, by.key, &d, c); err != nil || !done {
		return errors.Join(err, fmt.Errorf("the event %v was not new", d.ID))
	}
	return nil
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
func (t *Tx) repeat(d chat.Draft, author int64, res *chat.Result) error {
	first, err := scanEvent(t.session.First(t.ctx, d.ID[:], author))
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
	if first.Room != d.Room || first.Kind != d.Kind || first.Target != d.Target || first.Thread != d.Thread || (d.Kind > chat.KindDelete && first.About.ID != d.About.ID) ||
		(!erased && original != d.Body) {
		res.Err = chat.Errorf(chat.CodeConflict, "this id was used for another message")
		return nil
	}
	if same, err := t.sameFiles(first, d); err != nil || !same && !erased {
		res.Err = chat.Errorf(chat.CodeConflict, "this id was used for another message")
		return err
	}
	res.Event, res.Repeated = first, true
	return nil
}

// sameFiles says whether an event was sent with the files that a draft names.
func (t *Tx) sameFiles(e chat.Event, d chat.Draft) (bool, error) {
	if e.Files == nil && d.Files == nil {
		return true, nil
	}
	want, err := idsOf(d.Files)
	if err != nil {
		return false, err
	}
	var same bool
	err = t.row("SELECT files IS NOT DISTINCT FROM ? FROM events WHERE room = (SELECT key FROM rooms WHERE id = ?) AND seq = ?", want, e.Room, e.Seq).Scan(&same)
	return same, err
}

// erased says whether nobody can know any more what the event's body was.
func (t *Tx) erased(e chat.Event) (bool, error) {
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
func (t *Tx) originalBody(e chat.Event) (body string, err error) {
	if e.Revised == 0 {
		return e.Body, nil
	}
	err = t.row(`SELECT body FROM events WHERE room = (SELECT key FROM rooms WHERE id = ?) AND seq = ?`, e.Room, e.Seq).Scan(&body)
	return body, err
}

// room returns a room for the group to move.
func (t *Tx) room(id chat.RoomID) (*room, error) { return t.find(id, true) }

// look returns a room that is only looked at: others may append to it meanwhile.
func (t *Tx) look(id chat.RoomID) (*room, error) { return t.find(id, false) }

func (t *Tx) find(id chat.RoomID, lock bool) (*room, error) {
	if r := t.moved[id]; r != nil {
		return r, nil
	}
	if r := t.known.rooms[id]; r != nil {
		copied := *r
		return &copied, nil
	}
	return scanMoved(t.session.Room(t.ctx, id, lock))
}

func scanMoved(row Scanner) (*room, error) {
	var r room
	err := row.Scan(append([]any{&r.key, &r.messages, &r.time}, roomFields(&r.Room).all()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, chat.NoRoom()
	}
	return &r, err
}

// person returns somebody.
func (t *Tx) person(id chat.UserID) (*person, error) {
	for _, known := range []map[chat.UserID]*person{t.met, t.known.people} {
		if p, ok := known[id]; ok {
			return p, nil
		}
	}
	p, err := scanPerson(t.session.Person(t.ctx, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, chat.Errorf(chat.CodeUnauthorized, "nobody here has that identity")
	}
	if err == nil {
		t.met[id] = p
	}
	return p, err
}

// pair returns a room that is only looked at, and somebody.
func (t *Tx) pair(in chat.RoomID, id chat.UserID) (*room, *person, error) {
	r, err := t.look(in)
	if err != nil {
		return nil, nil, err
	}
	p, err := t.person(id)
	return r, p, err
}

func scanPerson(row Scanner) (*person, error) {
	var p person
	err := row.Scan(&p.key, &p.ID, &p.Name, &p.Role, &p.Bot)
	return &p, err
}

// changed reads somebody anew who was changed.
func (t *Tx) changed(id chat.UserID) (*person, error) {
	p, err := scanPerson(t.session.Person(t.ctx, id))
	if err == nil {
		t.met[id] = p
		t.tell(chat.Change{Kind: chat.ChangePerson, Person: p.Person})
	}
	return p, err
}

// standing returns how somebody stands to a room.
func (t *Tx) standing(room *room, p *person) (chat.Standing, error) {
	at := place{room.key, p.key}
	for _, known := range []map[place]chat.Standing{t.stood, t.known.standings} {
		if s, ok := known[at]; ok {
			return s, nil
		}
	}
	s, err := scanStanding(t.session.Standing(t.ctx, room.key, p.key))
	if err == nil {
		t.stood[at] = s
	}
	return s, err
}
