package hub

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// Room is a room that somebody reads: its tails and its members' cursors.
type Room struct {
	// Fixed after construction.
	hub *Hub
	id  chat.RoomID

	// Guarded by hub.mu.
	refs int

	// loading is held while a tail is made, which reads the log. It is taken
	// before mu.
	loading sync.Mutex

	mu       sync.Mutex // guards the following
	seen     chat.Seq   // the last event this process knows to be in the log
	applied  chat.Seq   // the last one that readers have: before seen while what comes between is read
	info     chat.Room  // as far as it decides who reads here
	rights   uint64     // counts the events that may change that
	tails    [dialects]*tail
	members  []*Cursor
	rounding bool      // a goroutine is in round
	moved    bool      // since that goroutine began its round
	since    time.Time // when it moved first

	hinted   chat.Seq // how many events there are by what others say
	fetching bool     // a goroutine is in catchUp
	gone     bool     // nobody holds the room any more

	unlisten func() // to the other processes; guarded by hub.mu
}

// primeEvents is how much history a new tail holds, so that a crowd that
// reconnects after a restart is served from memory.
const primeEvents = 256

// Prepare makes the room ready for readers of a dialect. An unknown room is
// CodeNotFound.
func (r *Room) Prepare(ctx context.Context, d Dialect) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	r.mu.Lock()
	ready := r.tails[d] != nil
	r.mu.Unlock()
	if ready {
		return nil
	}
	head, err := r.hub.log.Head(ctx, r.id)
	if err != nil {
		return err
	}
	t := newTail(r, d, head.Seq)
	if d != Plain {
		t = newTail(r, d, head.Seq-min(head.Seq, primeEvents))
	}
	for {
		events, err := r.hub.log.Read(ctx, r.id, t.head(), pageEvents)
		if err != nil {
			return err
		}
		for _, e := range events {
			t.append(e)
		}
		if len(events) < pageEvents && r.install(t) {
			return nil
		}
	}
}

// install begins to follow the log with t, unless events came meanwhile that t
// does not have. What it brings may be news: who was allowed to read before asks anew.
func (r *Room) install(t *tail) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.head() < r.seen {
		return false
	}
	if t.head() > r.applied {
		r.rights++
	}
	if !r.ready() {
		r.applied = t.head()
	}
	r.seen = t.head()
	t.publish()
	r.tails[t.dialect] = t
	r.fetch()
	return true
}

// ready says whether there is a tail. r.mu is held.
func (r *Room) ready() bool { return r.tails != [dialects]*tail{} }

// advance takes events that were stored here, in their order, and wakes the members.
func (r *Room) advance(events []chat.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = max(r.seen, events[len(events)-1].Seq)
	r.take(events)
	r.fetch()
}

// take has readers given those of the events that are next. Those they have are
// dropped: a tail or a page that was read may be ahead of what is told. What lies behind
// a gap is left to fetch. r.mu is held.
func (r *Room) take(events []chat.Event) {
	if !r.ready() {
		if slices.ContainsFunc(events, func(e chat.Event) bool { return e.Kind.Changes() }) {
			r.rights++
		}
		return
	}
	for len(events) > 0 && events[0].Seq <= r.applied {
		events = events[1:]
	}
	n := 0
	for n < len(events) && events[n].Seq == r.applied+chat.Seq(n+1) {
		n++
	}
	if n > 0 {
		r.apply(events[:n])
	}
}

// apply gives readers the next events. r.mu is held.
func (r *Room) apply(events []chat.Event) {
	r.applied = events[len(events)-1].Seq
	for _, e := range events {
		if e.Kind.Changes() {
			r.reconsider(e)
		}
	}
	for _, t := range r.tails {
		if t == nil {
			continue
		}
		for _, e := range events {
			if e.Kind == chat.KindDelete || e.Kind == chat.KindErase {
				t.forget(e.Seq)
			}
			t.append(e)
		}
		t.publish()
	}
	r.wake()
}

// reconsider asks anew, for each reader whom an event concerns, whether they may
// read what comes after it. The answer is shown to them together with the event: a
// view holds both, so nobody is given anything behind their own removal. r.mu is held.
func (r *Room) reconsider(e chat.Event) {
	r.rights++
	r.info.Apply(e)
	id, one := e.Concerns()
	for _, c := range r.members {
		if e.Seq <= c.known || one && c.self != id {
			continue
		}
		as := chat.Standing{State: c.state, Banned: chat.Forever}
		if one {
			as = as.Apply(e)
		}
		c.state = as.State
		q := chat.Question{Who: chat.Actor{ID: c.self, Role: c.role}, Act: chat.ActRead, Room: &r.info, As: as, At: e.Time}
		if q.Decide() != chat.Allowed {
			c.tail.cut(c, e.Seq)
		}
	}
}

// Rights counts what may have changed who reads the room. Whoever asks whether
// somebody may read it, and attaches them then, names the count from before.
func (r *Room) Rights() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rights
}

// Signal tells the other members, here and elsewhere, that author is typing. It is not
// stored.
func (r *Room) Signal(author wire.Person) {
	r.signal(author)
	r.hub.passOn(chat.RoomTopic(r.id), author)
}

// signal tells the members here.
func (r *Room) signal(author wire.Person) {
	f := wire.AppendFrame(nil, &wire.Typing{Room: r.id, Author: author.ID, Name: author.Name})
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tails[V1:] {
		if t != nil {
			t.signal(signal{author: author.ID, frame: f})
			t.publish()
			r.wake()
		}
	}
}

// wake starts a round, or has the one under way go round again. r.mu is held.
func (r *Room) wake() {
	if !r.moved {
		r.moved, r.since = true, time.Now()
	}
	if !r.rounding && len(r.members) > 0 {
		r.rounding = true
		go r.round()
	}
}

// breather is how long after the beginning of a round a room of n members
// begins the next. A system call costs the same for one frame as for many, so in
// a large room that is never quiet a little patience saves most of them: at 1,000
// members and 100 messages a second it halves the processor time and more
// (bench, "A busy evening"), for 25 ms more of delay on average. A message into a
// room at rest goes out at once, small rooms never rest, and neither do those
// whose round takes longer than that anyway.
func breather(n int) time.Duration {
	if n < 100 {
		return 0
	}
	return min(time.Duration(n)*50*time.Microsecond, 50*time.Millisecond)
}

// round drains every member until nothing has moved since the round began. The
// busier the room, the more frames each drain finds: that is the batching.
// It holds no lock while it drains or rests. A member that is moved in the list
// meanwhile causes another round.
func (r *Room) round() {
	for {
		begun := time.Now()
		n := r.drainAll()
		time.Sleep(breather(n) - time.Since(begun))
		r.mu.Lock()
		if !r.moved || len(r.members) == 0 {
			r.rounding = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
	}
}

// drainAll goes round the members once, and returns how many it met.
func (r *Room) drainAll() (n int) {
	var batch [64]*Cursor
	var since time.Time
	for {
		r.mu.Lock()
		if n == 0 {
			r.moved, since = false, r.since
		}
		k := copy(batch[:], r.members[min(n, len(r.members)):])
		r.mu.Unlock()
		if k == 0 {
			r.hub.Lag(time.Since(since))
			return n
		}
		for _, c := range batch[:k] {
			c.reader.Drain(c)
		}
		n += k
	}
}

// ID returns the room's id.
func (r *Room) ID() chat.RoomID { return r.id }

// Head returns the last event this process knows to be in the log.
func (r *Room) Head() chat.Seq {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// As is by what right somebody reads a room: what Authorize said of them when Rights
// was Counted.
type As struct {
	Who     chat.Actor
	Room    chat.Room
	State   chat.State
	Counted uint64
}

// Attach places a cursor behind the event after, which must not be beyond
// Head, and takes over the caller's hold on the room. It returns nil, and takes over
// nothing, if rights have changed since they were asked about: ask again. The
// reader's lock is held, so that it can speak before the first Drain.
func (r *Room) Attach(d Dialect, reader Reader, as As, after chat.Seq) *Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rights != as.Counted {
		return nil
	}
	t := r.tails[d]
	c := &Cursor{
		tail: t, reader: reader, self: as.Who.ID, role: as.Who.Role, state: as.State,
		known: as.Room.Head, seq: after, signaled: t.signaled, index: int32(len(r.members)),
	}
	r.info = as.Room
	r.members = append(r.members, c)
	return c
}

// detach takes a cursor out, and says whether it was in.
func (r *Room) detach(c *Cursor) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.index < 0 {
		return false
	}
	end := len(r.members) - 1
	last := r.members[end]
	r.members[c.index], last.index = last, c.index
	r.members[end] = nil
	r.members = r.members[:end]
	c.index = -1
	c.tail.uncut(c)
	r.moved = r.moved || r.rounding // the round may have passed where last now is
	return true
}

// Release gives up a hold on the room that was not handed to Attach. A room
// that nobody holds is forgotten.
func (r *Room) Release() {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.refs--; r.refs == 0 {
		delete(h.rooms, r.id)
		r.unlisten()
		r.mu.Lock()
		r.gone = true
		r.mu.Unlock()
	}
}

// check reports a contradiction between the room's parts.
func (r *Room) check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.applied > r.seen {
		return fmt.Errorf("readers have %d of %d events", r.applied, r.seen)
	}
	for i, c := range r.members {
		if int(c.index) != i || c.tail.room != r {
			return fmt.Errorf("member %d believes to be member %d", i, c.index)
		}
	}
	for _, t := range r.tails {
		if t == nil {
			continue
		}
		if t.head() > r.seen || t.now.Load().head != t.head() {
			return fmt.Errorf("tail ends at %d, shows %d, room at %d", t.head(), t.now.Load().head, r.seen)
		}
		next := t.segs[0].first
		for i := range t.segs {
			s := &t.segs[i]
			if s.first != next || (len(s.ends) > 0 && int(s.ends[len(s.ends)-1]) != len(s.buf)) {
				return fmt.Errorf("segment %d begins at %d, not %d, or does not end where its last frame does", i, s.first, next)
			}
			next = s.last() + 1
		}
	}
	return nil
}
