// Package hub holds the live rooms: it is the only place where a message is
// ordered, and the only one that fans out. See docs/architecture.md.
//
// A stored event is encoded once into its room's tail; then the room goes round
// its members and has each drain what its cursor has not seen. No reader has a
// queue: a slow one is an older cursor.
//
// Locks, in the order in which they are taken: a room's loading, a reader's own,
// Hub.mu, Room.mu.
package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Hub is the live side of a log. Its methods may be called from any goroutine.
type Hub struct {
	// Fixed after construction.
	Options
	log   chat.Log
	loads chan struct{} // bounds how many cursors read the log at a time

	mu    sync.RWMutex // guards the following
	rooms map[chat.RoomID]*Room
	peers map[chat.UserID]*person

	fresh   fresh
	far     elsewhere
	asked   chan struct{} // capacity 1: another process wants to know who is here
	changes follower
	crew    crew // goroutines that read what others stored
	stats   Stats
}

// person is somebody who is connected.
type person struct {
	peers    []Peer
	unlisten func() // to the other processes
}

// maxLoads keeps a crowd that catches up from starving those who read live.
const maxLoads = 8

// Options are what a hub may be told, and ask.
type Options struct {
	// Lag is told, after each round of a room, how long ago the oldest of the events
	// was stored that the round brought to the sockets.
	Lag func(time.Duration)
	// Changed is told of each change, whichever process made it, in their order, after
	// the readers of an event that made it. It must not block, nor call the log.
	Changed func(chat.Change)
	// Missed is told when changes of others were gone before they were read: what
	// connections were told may be wrong.
	Missed func()
	// Stored is told of the events of one commit in one room, after its readers were and
	// before their senders are answered. It must not block, nor keep them.
	Stored func([]chat.Event)
	// Fetched is told of what was read here for a room's readers since it was missing:
	// most of it was stored by other processes. It must not block, nor keep them.
	Fetched func([]chat.Event)
	// Elsewhere is told of rooms in which another process stored something, read here or
	// not, and of how many events there are: a hint, soon, or never, from ListenStored to a
	// little after its end. It must not block.
	Elsewhere func(chat.RoomID, chat.Seq)
	// Unsure is told from time to time when some of that may not have been. It must not
	// block.
	Unsure func()
	// Mentions finds whom a message addresses.
	Mentions func(ctx context.Context, text string) ([]chat.Mention, chat.Everyone, error)
	// Said is told of each message and each edit that somebody wrote here, after its
	// readers were. It must not block.
	Said func(chat.Event)
	// Moved is told of people who may have come, gone or looked up at another process. It
	// must not block.
	Moved func(chat.Person)
	// Bus has hints of what others append; nil: nobody else does. The log must be a
	// chat.SharedLog then.
	Bus chat.Bus
	// Trouble is told when what others appended could not be read. It is tried again.
	Trouble func(error)
}

// New returns a hub that follows the log. Close ends it.
func New(log chat.Log, o Options) *Hub {
	if o.Lag == nil {
		o.Lag = func(time.Duration) {}
	}
	if o.Said == nil {
		o.Said = func(chat.Event) {}
	}
	if o.Changed == nil {
		o.Changed = func(chat.Change) {}
	}
	if o.Fetched == nil {
		o.Fetched = func([]chat.Event) {}
	}
	if o.Elsewhere == nil {
		o.Elsewhere = func(chat.RoomID, chat.Seq) {}
	}
	if o.Unsure == nil {
		o.Unsure = func() {}
	}
	if o.Moved == nil {
		o.Moved = func(chat.Person) {}
	}
	if o.Missed == nil {
		o.Missed = func() {}
	}
	if o.Stored == nil {
		o.Stored = func([]chat.Event) {}
	}
	if o.Trouble == nil {
		o.Trouble = func(error) {}
	}
	h := &Hub{
		log:     log,
		Options: o,
		loads:   make(chan struct{}, maxLoads),
		rooms:   make(map[chat.RoomID]*Room),
		peers:   make(map[chat.UserID]*person),
	}
	h.crew.ctx, h.crew.cancel = context.WithCancel(context.Background())
	h.changes.wake, h.asked = make(chan struct{}, 1), make(chan struct{}, 1)
	h.fresh.wake, h.fresh.rooms = make(chan struct{}, 1), make(map[chat.RoomID]chat.Seq)
	h.far.node, h.far.people, h.far.nodes = rand.Text(), make(map[chat.UserID][]sighting), make(map[string]*nodeOf)
	h.far.said = make(map[chat.UserID]present)
	log.Follow(h.follow)
	log.Watch(h.watch)
	return h
}

// Start begins to follow what others append, if anybody does. It must return before the
// first connection comes.
func (h *Hub) Start(ctx context.Context) error {
	if h.Bus == nil {
		return nil
	}
	log, ok := h.log.(chat.SharedLog)
	if !ok {
		return errors.New("this log is for one process alone")
	}
	if err := h.startChanges(ctx, log); err != nil {
		return err
	}
	h.startPresence()
	h.startStored()
	h.crew.run(func() { h.watchHeads(log) })
	return nil
}

// Close ends reading what others appended.
func (h *Hub) Close() { h.crew.close() }

// Post puts drafts into the log and returns when they are durable: one result
// for each, in order. By then their readers have been woken.
func (h *Hub) Post(ctx context.Context, drafts []chat.Draft) []chat.Result {
	for i := range drafts {
		d := &drafts[i]
		if h.Mentions == nil || d.Kind != chat.KindMessage || strings.IndexByte(d.Body, '@') < 0 {
			continue
		}
		var err error
		if d.Mentions, d.Everyone, err = h.Mentions(ctx, d.Body); err != nil {
			results := make([]chat.Result, len(drafts))
			for j := range results {
				results[j].Err = err
			}
			return results
		}
		if d.Guest { // to call everybody together takes an account
			d.Everyone = chat.Nobody
		}
	}
	results := h.log.Append(ctx, drafts)
	for i := range results {
		if r := &results[i]; r.Err == nil && !r.Repeated && r.Event.Kind <= chat.KindEdit {
			h.Said(r.Event)
		}
	}
	return results
}

// follow takes the events of one commit, in order, and hands each room its own.
func (h *Hub) follow(events []chat.Event) {
	if len(events) > 1 {
		events = slices.Clone(events)
		slices.SortStableFunc(events, func(a, b chat.Event) int {
			return strings.Compare(string(a.Room), string(b.Room))
		})
	}
	for len(events) > 0 {
		id, n := events[0].Room, 1
		for n < len(events) && events[n].Room == id {
			n++
		}
		h.mu.RLock()
		r := h.rooms[id]
		h.mu.RUnlock()
		if r != nil {
			r.advance(events[:n])
		}
		h.announce(id, events[n-1].Seq)
		h.Stored(events[:n])
		events = events[n:]
	}
}

// Room returns a live room, which the caller holds until Attach or Release. Prepare
// makes it ready for readers.
func (h *Hub) Room(id chat.RoomID) *Room {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[id]
	if r == nil {
		r = &Room{hub: h, id: id}
		r.unlisten = h.listen(chat.RoomTopic(id), r.note)
		h.rooms[id] = r
	}
	r.refs++
	return r
}

// Rooms returns how many rooms are live.
func (h *Hub) Rooms() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.rooms)
}

// Peer is one of a person's connections.
type Peer interface {
	// Tell sends a finished frame. It must not block.
	Tell(frame []byte)
	// Changed says what the person is called, and may do, now. It must not block.
	Changed(p chat.Person)
	// Session returns by which session the person is here. It must not block.
	Session() chat.SessionID
	// Ended says that the session ended. It must not block.
	Ended()
	// Dropped says that a room is off the person's list. It must not block.
	Dropped(room chat.RoomID)
	// Actor returns who is on the connection, for decisions. It must not block.
	Actor() chat.Actor
	// Person returns who is on the connection. It must not block.
	Person() chat.Person
	// Here says what the client shows of its person. It must not block.
	Here() Presence
	// Address returns where the client is. It must not block.
	Address() netip.Addr
}

// Attend notes a connection of a person, until Depart.
func (h *Hub) Attend(id chat.UserID, p Peer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	who := h.peers[id]
	if who == nil {
		who = &person{unlisten: h.listen(chat.PersonTopic(id), func(n chat.Note) { h.tellHere(id, n) })}
		h.peers[id] = who
	}
	who.peers = append(who.peers, p)
}

// Depart forgets a connection.
func (h *Hub) Depart(id chat.UserID, p Peer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	who := h.peers[id]
	if who == nil {
		return
	}
	who.peers = slices.DeleteFunc(who.peers, func(q Peer) bool { return p == q })
	if len(who.peers) == 0 {
		who.unlisten()
		delete(h.peers, id)
	}
}

// Peers returns the person's connections here, now.
func (h *Hub) Peers(id chat.UserID) []Peer {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if who := h.peers[id]; who != nil {
		return slices.Clone(who.peers)
	}
	return nil
}

// Readers returns the readers of a live room who may read on.
func (h *Hub) Readers(room chat.RoomID) []Reader {
	h.mu.RLock()
	r := h.rooms[room]
	h.mu.RUnlock()
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Reader, 0, len(r.members))
	for _, c := range r.members {
		if _, cut := c.tail.cuts[c]; !cut {
			all = append(all, c.reader)
		}
	}
	return all
}

// Check walks the hub and reports a contradiction: for tests, and cheap enough
// for production.
func (h *Hub) Check() error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for id, r := range h.rooms {
		if err := r.check(); err != nil {
			return fmt.Errorf("room %s: %w", id, err)
		}
	}
	return nil
}
