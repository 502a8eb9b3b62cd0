package sqlstore

import (
	"context"
	"database/sql"
	"maps"

	"hubbub/internal/chat"
)

// Session is a connection with an open transaction, and what every append asks of it.
type Session interface {
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	Query(ctx context.Context, query string, args ...any) (Rows, error)
	Row(ctx context.Context, query string, args ...any) Scanner

	// Later is Exec for whom the outcome does not matter: an error may come of whatever is
	// asked next, or of the commit.
	Later(ctx context.Context, query string, args ...any) error

	// Insert stores an event, unless its author had one with that id before.
	Insert(ctx context.Context, e *Entry) (stored bool, err error)

	// First finds the event that an author stored with an id: EventColumns.
	First(ctx context.Context, id []byte, author int64) Scanner

	// Room finds a room: key, messages, time of the last event, RoomColumns. If lock is
	// set, nobody else changes it, or appends to it, before the transaction ends.
	Room(ctx context.Context, id chat.RoomID, lock bool) Scanner

	// Person finds somebody: key, id, name, role, whether they are a bot.
	Person(ctx context.Context, id chat.UserID) Scanner

	// Standing finds how somebody stands to a room: StandingColumns.
	Standing(ctx context.Context, room, person int64) Scanner

	// SetHead stores where a room's log ends.
	SetHead(ctx context.Context, h Head) error
}

// Entry is the row of an event.
type Entry struct {
	Room, Seq int64
	ID        []byte // 16 bytes
	Author    int64
	Kind      int64
	Target    int64
	Time      int64 // milliseconds since 1970
	Body      string
	About     int64 // 0: nobody
	Until     int64 // milliseconds since 1970; 0: none
	Mentions  any   // a string of JSON, or nil
	Thread    int64
	Everyone  int64
	Files     any // a string of JSON, or nil
}

// Plain says that there is nothing about an event but a text: nearly all are so.
func (e *Entry) Plain() bool {
	return e.Kind == int64(chat.KindMessage) && e.Target == 0 && e.Thread == 0 && e.Everyone == 0 && e.About == 0 && e.Until == 0 && e.Mentions == nil && e.Files == nil
}

// Head is where a room's log ends.
type Head struct {
	Room     int64
	Seq      chat.Seq
	Messages int64
	Time     int64 // of the last event, in milliseconds since 1970
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

// Known is what a process that alone writes knows by heart, as it was last committed.
type Known struct {
	rooms     map[chat.RoomID]*room // a room is never removed
	people    map[chat.UserID]*person
	standings map[place]chat.Standing
}

// maxPeople are the people and standings that are kept; then they are looked up again.
const maxPeople = 1_000_000

// NewKnown knows nothing yet.
func NewKnown() *Known {
	return &Known{rooms: make(map[chat.RoomID]*room), people: make(map[chat.UserID]*person), standings: make(map[place]chat.Standing)}
}

// Tx is a group's transaction: what is known, and what the group has changed of it so
// far.
type Tx struct {
	// Rewrite says that what was erased should leave the files too.
	Rewrite bool

	store   *Store
	session Session
	ctx     context.Context
	known   *Known
	moved   map[chat.RoomID]*room // as they will be
	stood   map[place]chat.Standing
	met     map[chat.UserID]*person
	events  []chat.Event // new, in order
	changes []chat.Change
	draft   chat.Draft // the one that is being appended: one place for all, instead of an allocation for each
	entry   Entry      // likewise
}

// Begin returns what a transaction works with that was begun on a session. A process
// that is not alone knows nothing beforehand: NewKnown each time.
func (s *Store) Begin(ctx context.Context, session Session, known *Known) *Tx {
	return &Tx{
		store: s, session: session, ctx: ctx, known: known,
		moved: make(map[chat.RoomID]*room), stood: make(map[place]chat.Standing), met: make(map[chat.UserID]*person),
	}
}

// Events are those that the transaction has brought, in order.
func (t *Tx) Events() []chat.Event { return t.events }

// Changes are what connections must be told of besides, in order.
func (t *Tx) Changes() []chat.Change { return t.changes }

// Tell has connections told of changes that follow from nothing else.
func (t *Tx) Tell(all ...chat.Change) { t.changes = append(t.changes, all...) }

// tell has connections told of a change, once the transaction has committed.
func (t *Tx) tell(c chat.Change) { t.changes = append(t.changes, c) }

// Run does what a group wants, but for the commit. An error fails the group.
func (t *Tx) Run(group []*Request) error {
	t.events = make([]chat.Event, 0, Drafts(group))
	for _, r := range group {
		if r.Change != nil {
			if err := t.apart(r); err != nil {
				return err
			}
		}
		for i := range r.Drafts {
			if err := t.append(&r.Drafts[i], &r.Results[i]); err != nil {
				return err
			}
		}
	}
	return t.setHeads()
}

// RunAlone does one change, but for the commit. Its error undoes all.
func (t *Tx) RunAlone(f func(*Tx) error) error {
	if err := f(t); err != nil {
		return err
	}
	return t.setHeads()
}

func (t *Tx) setHeads() error {
	for _, m := range t.moved {
		if err := t.session.SetHead(t.ctx, Head{Room: m.key, Seq: m.Head, Messages: m.messages, Time: m.time}); err != nil {
			return err
		}
	}
	return nil
}

// apart runs a change so that its failure undoes nothing else.
func (t *Tx) apart(r *Request) error {
	if err := t.try("SAVEPOINT apart"); err != nil {
		return err
	}
	moved, stood, met, events := make(map[chat.RoomID]*room, len(t.moved)), maps.Clone(t.stood), maps.Clone(t.met), len(t.events)
	changes := len(t.changes)
	for id, m := range t.moved {
		copied := *m
		moved[id] = &copied
	}
	r.Err = r.Change(t)
	if r.Err != nil {
		if t.store.backend.IsBroken(r.Err) {
			return r.Err
		}
		t.moved, t.stood, t.met, t.events = moved, stood, met, t.events[:events]
		t.changes = t.changes[:changes]
		if err := t.try("ROLLBACK TO apart"); err != nil {
			return err
		}
	}
	return t.try("RELEASE apart")
}

// Exec runs a statement that is no part of what backends share.
func (t *Tx) Exec(query string, args ...any) error { return t.try(query, args...) }

// Query reads one row likewise.
func (t *Tx) Query(query string, args ...any) Scanner { return t.row(query, args...) }

// exec runs a statement that may wait until something is asked.
func (t *Tx) exec(query string, args ...any) error {
	return t.session.Later(t.ctx, query, args...)
}

// try runs a statement whose failure has a meaning.
func (t *Tx) try(query string, args ...any) error {
	_, err := t.session.Exec(t.ctx, query, args...)
	return err
}

// row reads one row of a query that is not worth preparing.
func (t *Tx) row(query string, args ...any) Scanner {
	return t.session.Row(t.ctx, query, args...)
}

// Now is the time, in milliseconds since 1970.
func (t *Tx) Now() int64 { return t.store.now() }

func (t *Tx) now() int64 { return t.store.now() }

func (t *Tx) isConstraint(err error) bool { return t.store.backend.IsConstraint(err) }

// Keep makes what a committed transaction changed what is known.
func (t *Tx) Keep() {
	k := t.known
	maps.Copy(k.rooms, t.moved)
	maps.Copy(k.standings, t.stood)
	maps.Copy(k.people, t.met)
	if len(k.people) > maxPeople {
		clear(k.people)
	}
	if len(k.standings) > maxPeople {
		clear(k.standings)
	}
}

// This is what a backend that reads beforehand what a group needs makes known.

// KnowRoom takes a row of Session.Room.
func (t *Tx) KnowRoom(row Scanner) error {
	r, err := scanMoved(row)
	if err == nil {
		t.known.rooms[r.ID] = r
	}
	return err
}

// KnowPerson takes a row of Session.Person.
func (t *Tx) KnowPerson(row Scanner) error {
	p, err := scanPerson(row)
	if err == nil {
		t.known.people[p.ID] = p
	}
	return err
}

// KnowStanding takes a row of the keys of a room and a person, and StandingColumns.
func (t *Tx) KnowStanding(row Scanner) error {
	var at place
	var s chat.Standing
	err := row.Scan(append([]any{&at.room, &at.person}, standingFields(&s).all()...)...)
	if err == nil {
		t.known.standings[at] = s
	}
	return err
}

// KnowStranger says that somebody stands in no relation to a room unless KnowStanding
// has said how.
func (t *Tx) KnowStranger(id chat.RoomID, who chat.UserID) {
	room, person := t.known.rooms[id], t.known.people[who]
	if room == nil || person == nil {
		return
	}
	at := place{room.key, person.key}
	if _, ok := t.known.standings[at]; !ok {
		t.known.standings[at] = chat.Standing{}
	}
}
