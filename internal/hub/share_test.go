package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubbub/internal/bustest"
	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// common is a log in memory to which several processes append.
type common struct {
	mu    sync.Mutex // guards the following
	rooms map[chat.RoomID][]chat.Event
	rand  *rand.Rand

	changes []chat.Change
	erased  int // of these
}

// pause returns how long something takes.
func (c *common) pause(most time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.rand.Int64N(int64(most)))
}

func (c *common) upTo(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.IntN(n)
}

// head returns how far a room is, and where somebody was banned from it; 0: nowhere.
func (c *common) head(room chat.RoomID, who chat.UserID) (head, ban chat.Seq) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.rooms[room] {
		if e.Kind == chat.KindBan && e.About.ID == who {
			ban = e.Seq
		}
	}
	return chat.Seq(len(c.rooms[room])), ban
}

// share is the common log as one process has it: it is told of what it appended itself, a
// little late, and what it reads comes after a while.
type share struct {
	*common
	hub       *Hub
	follow    func([]chat.Event)
	watch     func([]chat.Change)
	committer chan struct{}

	reading map[chat.RoomID]bool // what others appended
	read    map[chat.RoomID]int  // how many events that were
	twice   int                  // reads of a room at the same time
	down    bool
}

func (s *share) Follow(f func([]chat.Event)) { s.follow = f }
func (s *share) Watch(f func([]chat.Change)) { s.watch = f }
func (s *share) Failed() <-chan struct{}     { return nil }

// Stored is asked by nobody here.
func (s *share) Stored(context.Context, chat.RoomID, chat.Seq) (row chat.StoredRow, err error) {
	return row, errors.ErrUnsupported
}

func (s *share) Append(_ context.Context, drafts []chat.Draft) []chat.Result {
	s.committer <- struct{}{}
	defer func() { <-s.committer }()
	time.Sleep(s.pause(10 * time.Millisecond))
	results, events := make([]chat.Result, len(drafts)), make([]chat.Event, len(drafts))
	var changes []chat.Change
	s.mu.Lock()
	for i, d := range drafts {
		events[i] = chat.Event{Draft: d, Seq: chat.Seq(len(s.rooms[d.Room]) + 1), Time: time.Now()}
		s.rooms[d.Room] = append(s.rooms[d.Room], events[i])
		results[i].Event = events[i]
		if c, ok := chat.ListedBy(events[i]); ok {
			changes = append(changes, s.change(c))
		}
	}
	s.mu.Unlock()
	time.Sleep(s.pause(10 * time.Millisecond))
	s.follow(events)
	if len(changes) > 0 {
		s.watch(changes)
	}
	return results
}

// change stores one. mu is held.
func (c *common) change(one chat.Change) chat.Change {
	one.Seq = chat.Seq(len(c.changes) + 1)
	c.changes = append(c.changes, one)
	return one
}

func (s *share) Announce(_ context.Context, changes ...chat.Change) error {
	s.mu.Lock()
	for i := range changes {
		changes[i] = s.change(changes[i])
	}
	s.mu.Unlock()
	s.watch(changes)
	return nil
}

func (s *share) ChangesHead(context.Context) (chat.Seq, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return chat.Seq(len(s.changes)), nil
}

func (s *share) Changes(_ context.Context, after chat.Seq, limit int) ([]chat.Change, error) {
	time.Sleep(s.pause(10 * time.Millisecond))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errDown
	}
	from := max(int(after), s.erased)
	return s.changes[from:min(len(s.changes), from+min(limit, 3))], nil
}

func (s *share) Head(_ context.Context, room chat.RoomID) (chat.Position, error) {
	head, _ := s.head(room, "")
	return chat.Position{Seq: head}, nil
}

func (s *share) Heads(_ context.Context, rooms []chat.RoomID) (map[chat.RoomID]chat.Seq, error) {
	time.Sleep(s.pause(10 * time.Millisecond))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errDown
	}
	heads := make(map[chat.RoomID]chat.Seq)
	for _, r := range rooms {
		heads[r] = chat.Seq(len(s.rooms[r]))
	}
	return heads, nil
}

var errDown = fmt.Errorf("the log is away")

func (s *share) Read(ctx context.Context, room chat.RoomID, after chat.Seq, limit int) ([]chat.Event, error) {
	missing := ctx == s.hub.crew.ctx // others hold locks
	s.mu.Lock()
	if missing {
		if s.reading[room] {
			s.twice++
		}
		s.reading[room] = true
	}
	down, all := s.down, s.rooms[room]
	s.mu.Unlock()
	if missing {
		time.Sleep(s.pause(10 * time.Millisecond))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reading[room] = false
		if down {
			return nil, errDown
		}
		s.read[room] += min(limit, len(all)-int(after))
	}
	return all[after:min(len(all), int(after)+limit)], nil
}

// nodes are several hubs over one log.
type nodes struct {
	t      *testing.T
	log    *common
	net    *bustest.Network
	buses  []*bustest.Node
	shares []*share
	hubs   []*Hub

	mu      sync.Mutex
	readers []*guest
	changed [][]chat.Change // by hub
	missed  int
	moved   [][]chat.Person // by hub
	heads   []map[chat.RoomID]chat.Seq
}

func newNodes(t *testing.T, n int, f bustest.Faults) *nodes {
	t.Helper()
	c := &common{rooms: make(map[chat.RoomID][]chat.Event), rand: rand.New(rand.NewPCG(f.Seed, 1))}
	ns := &nodes{t: t, log: c, net: bustest.NewNetwork(f)}
	for range n {
		newNode(ns)
	}
	return ns
}

// newNode adds a process.
func newNode(ns *nodes) *nodes {
	ns.t.Helper()
	s := &share{common: ns.log, committer: make(chan struct{}, 1), reading: make(map[chat.RoomID]bool), read: make(map[chat.RoomID]int)}
	bus := ns.net.Join()
	i := len(ns.hubs)
	s.hub = New(s, Options{
		Bus: bus,
		Changed: func(c chat.Change) {
			ns.mu.Lock()
			defer ns.mu.Unlock()
			ns.changed[i] = append(ns.changed[i], c)
		},
		Missed: func() {
			ns.mu.Lock()
			defer ns.mu.Unlock()
			ns.missed++
		},
		Elsewhere: func(room chat.RoomID, head chat.Seq) {
			ns.mu.Lock()
			defer ns.mu.Unlock()
			ns.heads[i][room] = max(ns.heads[i][room], head)
		},
		Moved: func(p chat.Person) {
			ns.mu.Lock()
			defer ns.mu.Unlock()
			ns.moved[i] = append(ns.moved[i], p)
		},
	})
	ns.heads = append(ns.heads, make(map[chat.RoomID]chat.Seq))
	ns.changed, ns.moved = append(ns.changed, nil), append(ns.moved, nil)
	if err := s.hub.Start(ns.t.Context()); err != nil {
		ns.t.Fatal(err)
	}
	ns.buses, ns.shares, ns.hubs = append(ns.buses, bus), append(ns.shares, s), append(ns.hubs, s.hub)
	return ns
}

// down has a hub unable to read what others stored, or able again.
func (ns *nodes) down(hub int, is bool) {
	ns.log.mu.Lock()
	defer ns.log.mu.Unlock()
	ns.shares[hub].down = is
}

func (ns *nodes) close() {
	for i, h := range ns.hubs {
		if err := h.Check(); err != nil {
			ns.t.Error(err)
		}
		h.Close()
		ns.buses[i].Close()
	}
	ns.net.Wait()
}

func (ns *nodes) post(hub int, room chat.RoomID, text string) {
	ns.hubs[hub].Post(context.Background(), []chat.Draft{{Room: room, Author: "author", Kind: chat.KindMessage, Body: text}})
}

func (ns *nodes) ban(hub int, room chat.RoomID, who chat.UserID) {
	ns.hubs[hub].Post(context.Background(), []chat.Draft{{Room: room, Author: chat.OperatorID, Kind: chat.KindBan, About: chat.Mention{ID: who}}})
}

// guest is a reader, and what the model knows of it.
type guest struct {
	*reader
	hub     int
	room    chat.RoomID
	who     chat.UserID
	dialect Dialect
	after   chat.Seq
	left    bool
}

// open does what a connection does that opens a room: it asks by what right, prepares,
// and attaches, again if rights have changed meanwhile. nil: it may not.
func (ns *nodes) open(hub int, room chat.RoomID, who chat.UserID, d Dialect, back int) *guest {
	f := &guest{hub: hub, room: room, who: who, dialect: d, reader: &reader{}}
	f.moved.L = &f.reader.mu
	live := ns.hubs[hub].Room(room)
	for {
		counted := live.Rights()
		head, ban := ns.log.head(room, who)
		if ban > 0 {
			live.Release()
			return nil
		}
		time.Sleep(ns.log.pause(5 * time.Millisecond)) // what was asked may be old
		if err := live.Prepare(context.Background(), d); err != nil {
			ns.t.Error(err)
		}
		f.after = live.Head() - min(live.Head(), chat.Seq(back))
		as := As{Who: chat.Actor{ID: who, Role: chat.RoleGuest}, Room: chat.Room{Kind: chat.RoomPublic, Head: head}, Counted: counted}
		f.reader.mu.Lock()
		if f.cursor = live.Attach(d, f.reader, as, f.after); f.cursor != nil {
			f.drain(f.cursor)
			f.reader.mu.Unlock()
			ns.mu.Lock()
			ns.readers = append(ns.readers, f)
			ns.mu.Unlock()
			return f
		}
		f.reader.mu.Unlock()
	}
}

// check compares what a reader got with the log: all that is behind its place, in order,
// once; and nothing behind its ban.
func (ns *nodes) check(f *guest, level bool) {
	f.reader.mu.Lock()
	defer f.reader.mu.Unlock()
	name := fmt.Sprintf("%s at hub %d in %s, dialect %d, from %d", f.who, f.hub, f.room, f.dialect, f.after)
	head, ban := ns.log.head(f.room, f.who)
	var want []byte
	ns.log.mu.Lock()
	events := ns.log.rooms[f.room]
	ns.log.mu.Unlock()
	for _, e := range events[f.after:] {
		if e.Seq <= f.cursor.Seq() && (f.dialect != Plain || e.Author != f.who) {
			want = appendFrame(want, f.dialect, e)
		}
	}
	switch {
	case string(f.got) != string(want):
		ns.t.Errorf("%s: at %d it got\n%s, want\n%s", name, f.cursor.Seq(), f.got, want)
	case ban > 0 && f.cursor.Seq() > ban:
		ns.t.Errorf("%s: banned at %d, it read on to %d", name, ban, f.cursor.Seq())
	case ban == 0 && level && f.cursor.Seq() != head:
		ns.t.Errorf("%s: it is at %d of %d", name, f.cursor.Seq(), head)
	}
	if _, state := f.cursor.Next(); level && ban > 0 && !f.left && state != Ended {
		ns.t.Errorf("%s: banned at %d, it is at %d, in state %d", name, ban, f.cursor.Seq(), state)
	}
}

func (ns *nodes) checkAll(level bool) {
	for _, f := range ns.readers {
		ns.check(f, level && !f.left)
	}
	head, _ := ns.log.head("lobby", "")
	ns.log.mu.Lock()
	defer ns.log.mu.Unlock()
	for i, s := range ns.shares {
		if s.twice > 0 {
			ns.t.Errorf("hub %d read the same room twice at a time, %d times", i, s.twice)
		}
		if s.read["lobby"] > int(head) {
			ns.t.Errorf("hub %d read %d events of %d", i, s.read["lobby"], head)
		}
	}
}

// checkChanges wants every hub to have heard of all changes, in order, once.
func (ns *nodes) checkChanges() {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.log.mu.Lock()
	defer ns.log.mu.Unlock()
	for i, got := range ns.changed {
		if !slices.EqualFunc(got, ns.log.changes, func(a, b chat.Change) bool { return a.Seq == b.Seq && a.Kind == b.Kind }) {
			ns.t.Errorf("hub %d heard of %d changes, not %d: %v", i, len(got), len(ns.log.changes), got)
		}
	}
	if ns.missed > 0 {
		ns.t.Errorf("changes were missed %d times", ns.missed)
	}
}

// soon is within which everything is level: the check of heads, and some reads.
const soon = checkEvery + time.Second

// Several hubs share a log, and their bus loses, doubles, delays and reorders what it
// carries. Every reader of every hub is given the log.
func TestManyHubs(t *testing.T) {
	for seed := range uint64(60) {
		faults := bustest.Faults{Seed: seed, Lose: []float64{0, 0.3, 1}[seed%3], Double: 0.2, Delay: time.Duration(seed%4) * 20 * time.Millisecond}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crowd(newNodes(t, 3, faults)) })
		})
	}
}

// crowd has people write, read, leave and be banned on all hubs, and checks.
func crowd(ns *nodes) {
	defer ns.close()
	rooms := []chat.RoomID{"lobby", "kitchen"}
	var writers sync.WaitGroup
	for h := range ns.hubs {
		ns.open(h, "lobby", "author", V1, 0)
		writers.Go(func() {
			for i := range 60 {
				time.Sleep(ns.log.pause(50 * time.Millisecond))
				room := rooms[ns.log.upTo(2)]
				if i%20 == 19 {
					ns.ban(h, room, chat.UserID(fmt.Sprint("reader ", ns.log.upTo(6))))
					continue
				}
				ns.post(h, room, fmt.Sprint(h, " ", i))
			}
		})
		writers.Go(func() {
			for i := range 12 {
				time.Sleep(ns.log.pause(200 * time.Millisecond))
				who := chat.UserID(fmt.Sprint("reader ", i%6))
				f := ns.open(h, rooms[i%2], who, Dialect(i%3), ns.log.upTo(20))
				if f != nil && ns.log.upTo(3) == 0 {
					time.Sleep(ns.log.pause(100 * time.Millisecond))
					f.close()
					f.left = true
				}
			}
		})
	}
	writers.Wait()
	synctest.Wait()
	ns.checkAll(false)
	time.Sleep(soon)
	synctest.Wait()
	ns.checkAll(true)
	ns.checkChanges()
}

// Changes come to all hubs soon, by a hint; whatever happens to that, within the time of a
// check; and who was away for too long is told so.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 3, bustest.Faults{})
		defer ns.close()
		announce := func(hub int, kind chat.ChangeKind) {
			if err := ns.hubs[hub].Announce(t.Context(), chat.Change{Kind: kind}, chat.Change{Kind: chat.ChangeBlocks}); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(soon + time.Second) // the first checks are over
		for i := range 30 {
			announce(i%2, chat.ChangePerson) // and never hub 2
		}
		time.Sleep(time.Second / 2)
		synctest.Wait()
		ns.checkChanges()
		ns.net.Set(bustest.Faults{Lose: 1})
		announce(1, chat.ChangeSetting)
		time.Sleep(soon)
		synctest.Wait()
		ns.checkChanges()
		ns.down(2, true)
		announce(0, chat.ChangeSetting)
		announce(0, chat.ChangeSetting)
		time.Sleep(time.Minute)
		ns.log.mu.Lock()
		ns.log.erased = len(ns.log.changes) - 1
		ns.log.mu.Unlock()
		ns.down(2, false)
		time.Sleep(soon)
		synctest.Wait()
		if ns.missed != 1 || len(ns.changed[2]) != len(ns.changed[0])-3 {
			t.Errorf("what was erased was missed %d times; %d changes of %d came", ns.missed, len(ns.changed[2]), len(ns.changed[0]))
		}
	})
}

// A hint is all it takes: readers elsewhere have a message long before the next check.
func TestHintIsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{Delay: 20 * time.Millisecond})
		defer ns.close()
		ns.open(1, "lobby", "somebody", V1, 0)
		time.Sleep(soon + time.Second) // the first checks are over
		ns.post(0, "lobby", "hello")
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		ns.checkAll(true)
	})
}

// Who reads nothing hears all the same in which rooms something is new, if it wants to.
func TestStoredElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{})
		defer ns.close()
		ns.hubs[0].ListenStored()
		stop := ns.hubs[1].ListenStored()
		for i := range 3 * freshRooms {
			ns.hubs[0].fresh.add(chat.RoomID(fmt.Sprint("room ", i)), 7)
		}
		ns.post(0, "lobby", "hello")
		ns.post(0, "lobby", "again")
		time.Sleep(3 * freshEvery)
		synctest.Wait()
		if got := ns.heads[1]; len(got) != 3*freshRooms+1 || got["lobby"] != 2 || got["room 17"] != 7 {
			t.Errorf("%d rooms were told, the lobby has %d events", len(got), got["lobby"])
		}
		if len(ns.heads[0]) > 0 {
			t.Error("a hub was told of what it stored itself")
		}
		stop()
		ns.post(0, "lobby", "unheard")
		time.Sleep(3 * freshEvery)
		synctest.Wait()
		if got := ns.heads[1]["lobby"]; got != 2 {
			t.Errorf("the lobby has %d events, for who does not want to know", got)
		}
	})
}

// A hint of what nobody has stored costs one read, and nothing else.
func TestFalseHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{})
		defer ns.close()
		f := ns.open(1, "lobby", "somebody", V1, 0)
		ns.post(0, "lobby", "hello")
		for _, n := range []chat.Note{{Head: 1 << 60}, {Data: []byte("{")}, {Data: []byte("{}")}} {
			ns.buses[0].Tell(chat.RoomTopic("lobby"), n)
		}
		time.Sleep(soon)
		synctest.Wait()
		if head := f.cursor.Room().Head(); head != 1 {
			t.Errorf("the room is at %d", head)
		}
		ns.post(0, "lobby", "again")
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		ns.checkAll(true)
	})
}

// While the log can not be read, and while the bus is away, readers wait; then they are
// level again within a second.
func TestOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{})
		defer ns.close()
		ns.open(1, "lobby", "somebody", V1, 0)
		ns.down(1, true)
		ns.post(0, "lobby", "while the log is away")
		time.Sleep(time.Minute)
		ns.down(1, false)
		time.Sleep(time.Second)
		synctest.Wait()
		ns.checkAll(true)
		ns.buses[1].Cut(true)
		time.Sleep(time.Minute)
		ns.post(0, "lobby", "while the bus is away")
		time.Sleep(time.Second)
		synctest.Wait()
		ns.checkAll(true)
	})
}

// Somebody who comes from another process may have read more than is known here.
func TestAskTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{Lose: 1})
		defer ns.close()
		f := ns.open(1, "lobby", "somebody", V1, 0)
		ns.post(0, "lobby", "hello")
		if err := f.cursor.Room().Ask(t.Context()); err != nil || f.cursor.Room().Head() != 1 {
			t.Errorf("the room is at %d, %v", f.cursor.Room().Head(), err)
		}
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		ns.checkAll(true)
	})
}

// Who is typing shows on all hubs, and not to whom types.
func TestTypingElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{})
		defer ns.close()
		self, other := ns.open(0, "lobby", "self", V1, 0), ns.open(1, "lobby", "other", V1, 0)
		twin := ns.open(1, "lobby", "self", V1, 0)
		self.cursor.Room().Signal(wire.Person{ID: "self", Name: "Self"})
		synctest.Wait()
		if got := other.all(); !strings.Contains(got, `{"typing":{"room":"lobby","author":"self","name":"Self"}}`) {
			t.Errorf("the other got %q", got)
		}
		if got := self.all() + twin.all(); got != "" {
			t.Errorf("who types got %q", got)
		}
	})
}

// A hub listens to the rooms that somebody reads, and to the people who are connected.
func TestListensWhereReadersAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 1, bustest.Faults{})
		defer ns.close()
		a, b := ns.open(0, "lobby", "a", V1, 0), ns.open(0, "lobby", "b", Plain, 0)
		somebody := &peer{who: chat.Person{ID: "a"}}
		ns.hubs[0].Attend("a", somebody)
		if n := ns.buses[0].Topics(); n != 4 {
			t.Errorf("%d topics, not changes, presence, the lobby and a person", n)
		}
		a.close()
		b.close()
		ns.hubs[0].Depart("a", somebody)
		if n := ns.buses[0].Topics(); n != 2 {
			t.Errorf("%d topics are left", n)
		}
	})
}

// A new tail may hold a ban that the other tails are still waiting for.
func TestBanInAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{Lose: 1})
		defer ns.close()
		ns.open(1, "lobby", "somebody", V1, 0)
		ns.down(1, true) // what is missing stays so
		live := ns.hubs[1].Room("lobby")
		defer live.Release()
		as := As{Who: chat.Actor{ID: "other", Role: chat.RoleGuest}, Room: chat.Room{Kind: chat.RoomPublic}, Counted: live.Rights()}
		ns.ban(0, "lobby", "other")
		ns.post(1, "lobby", "canary")
		synctest.Wait()
		if err := live.Prepare(t.Context(), Plain); err != nil {
			t.Fatal(err)
		}
		if live.Attach(Plain, &reader{}, as, 0) != nil {
			t.Error("attached on what was true before the ban")
		}
	})
}
