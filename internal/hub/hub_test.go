package hub

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"hubbub/internal/chat"
	"hubbub/internal/sqlite"
	"hubbub/internal/wire"
)

// place is a hub over a real store, with a room and somebody who writes.
type place struct {
	t      testing.TB
	hub    *Hub
	store  *sqlite.Store
	room   chat.RoomID
	author []chat.UserID
}

func newPlace(t testing.TB) *place {
	t.Helper()
	s, err := sqlite.Open(context.Background(), t.TempDir(), slog.New(slog.DiscardHandler), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, hub: New(s, Options{}), store: s}
	t.Cleanup(func() {
		if err := p.hub.Check(); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	room, err := s.EnsureRoom(context.Background(), chat.Name{Display: chat.Lobby, Key: chat.Lobby}, "")
	if err != nil {
		t.Fatal(err)
	}
	p.room = room.ID
	for i := range 3 {
		who, err := s.AddVisitor(context.Background(), chat.Name{Display: fmt.Sprint("author ", i), Key: fmt.Sprint("author ", i)})
		if err != nil {
			t.Fatal(err)
		}
		p.author = append(p.author, who.ID)
	}
	return p
}

func (p *place) post(author int, texts ...string) chat.Seq {
	p.t.Helper()
	var drafts []chat.Draft
	for _, text := range texts {
		drafts = append(drafts, chat.Draft{
			Room: p.room, Author: p.author[author], Name: fmt.Sprint("author ", author),
			Guest: true, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: text,
		})
	}
	var last chat.Seq
	for _, r := range p.hub.Post(context.Background(), drafts) {
		if r.Err != nil {
			p.t.Fatal(r.Err)
		}
		last = r.Event.Seq
	}
	return last
}

// reader takes at most a few bytes at a time, as a full socket does, and keeps
// what it got.
type reader struct {
	mu     sync.Mutex // guards the following
	cursor *Cursor
	takes  func() int // how many bytes fit; nil: all
	got    []byte
	moved  sync.Cond
}

// Drain implements Reader.
func (r *reader) Drain(c *Cursor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drain(c)
}

func (r *reader) drain(c *Cursor) {
	for {
		chunk, state := c.Next()
		if state == Behind {
			page, err := c.Load(context.Background(), c.Seq())
			if err != nil {
				panic(err)
			}
			for {
				chunk, state := c.NextIn(page)
				if state == AtHead {
					break
				}
				r.write(c, chunk)
			}
			continue
		}
		if state == AtHead || state == Ended {
			for f := c.NextSignal(); f != nil; f = c.NextSignal() {
				r.got = append(r.got, f...)
			}
			r.moved.Broadcast()
			return
		}
		r.write(c, chunk)
	}
}

func (r *reader) write(c *Cursor, chunk Chunk) {
	p, n := chunk.Bytes(), len(chunk.Bytes())
	if r.takes != nil {
		n = min(n, r.takes())
	}
	r.got = append(r.got, p[:n]...)
	_, rest := c.Wrote(chunk, n)
	r.got = append(r.got, rest...)
}

// close closes the cursor as a connection does.
func (r *reader) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cursor.Close()
}

// until waits for the cursor to reach seq, and returns all that came.
func (r *reader) until(seq chat.Seq) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.cursor.Seq() < seq {
		r.moved.Wait()
	}
	return string(r.got)
}

func (p *place) join(d Dialect, after chat.Seq, takes func() int) *reader {
	p.t.Helper()
	room := p.hub.Room(p.room)
	if err := room.Prepare(context.Background(), d); err != nil {
		p.t.Fatal(err)
	}
	r := &reader{takes: takes}
	r.moved.L = &r.mu
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cursor = room.Attach(d, r, As{Room: chat.Room{Kind: chat.RoomPublic}, Counted: room.Rights()}, min(after, room.Head()))
	r.drain(r.cursor)
	return r
}

// want is what a reader should get: the frames of the events behind after.
func (p *place) want(d Dialect, after chat.Seq, self chat.UserID) string {
	p.t.Helper()
	events, err := p.store.Read(context.Background(), p.room, after, 1_000_000)
	if err != nil {
		p.t.Fatal(err)
	}
	var b []byte
	for _, e := range events {
		if d == Plain && e.Author == self {
			continue
		}
		b = appendFrame(b, d, e)
	}
	return string(b)
}

func TestReadersGetTheLog(t *testing.T) {
	p := newPlace(t)
	p.post(0, "before", "anyone", "came")
	v1, plain := p.join(V1, 3, nil), p.join(Plain, 3, nil)
	dribble := p.join(V1, 3, func() int { return 7 })
	var head chat.Seq
	for i := range 300 {
		head = p.post(i%3, fmt.Sprint(i), strings.Repeat("x", i))
	}
	for name, r := range map[string]*reader{"v1": v1, "dribble": dribble} {
		if r.until(head) != p.want(V1, 3, "") {
			t.Errorf("%s got something else", name)
		}
	}
	if plain.until(head) != p.want(Plain, 3, "") {
		t.Error("plain got something else")
	}
}

// A plain reader is given nothing of its own, whether it lies between others'
// messages or alone.
func TestOwnMessagesAreSkipped(t *testing.T) {
	p := newPlace(t)
	r := p.join(Plain, 0, nil)
	r.mu.Lock()
	r.cursor.SetSelf(chat.Person{ID: p.author[1], Role: chat.RoleGuest})
	r.mu.Unlock()
	var head chat.Seq
	for i := range 60 {
		head = p.post([]int{0, 1, 1, 2, 1}[i%5], fmt.Sprint(i))
	}
	if got, want := r.until(head), p.want(Plain, 0, p.author[1]); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A reader older than the tail reads the log, then the tail, without a seam.
func TestBehindTheTail(t *testing.T) {
	p := newPlace(t)
	live := p.join(V1, 0, nil)
	text := strings.Repeat("x", 4000)
	var head chat.Seq
	for i := range 60 { // about 5 MB: far more than the tail keeps
		texts := make([]string, 20)
		for k := range texts {
			texts[k] = fmt.Sprint(i, k, text)
		}
		head = p.post(0, texts...)
	}
	want := p.want(V1, 0, "")
	if live.until(head) != want {
		t.Error("the live reader got something else")
	}
	p.hub.mu.RLock()
	tail := p.hub.rooms[p.room].tails[V1]
	p.hub.mu.RUnlock()
	if first := tail.now.Load().segs[0].first; first <= 1 {
		t.Fatalf("the tail still begins at %d", first)
	}
	for _, after := range []chat.Seq{0, 1, 500, head - 1, head} {
		if got := p.join(V1, after, nil).until(head); got != p.want(V1, after, "") {
			t.Errorf("from %d: something else", after)
		}
	}
}

func TestSignals(t *testing.T) {
	p := newPlace(t)
	r := p.join(V1, 0, nil)
	r.cursor.self = p.author[0]
	other := p.join(V1, 0, nil)
	r.cursor.Room().Signal(wire.Person{ID: p.author[0], Name: "somebody"})
	head := p.post(0, "fence")
	if got := r.until(head); got != p.want(V1, 0, "") {
		t.Errorf("one's own signal came back: %q", got)
	}
	if got := other.until(head); !strings.Contains(got, `{"typing":`) {
		t.Errorf("no signal: %q", got)
	}
	for range 3 * maxSignals { // more than are kept: the oldest are passed over
		other.mu.Lock()
		for range 2 * maxSignals {
			tailSignal(r.cursor, p.author[1])
		}
		before := strings.Count(string(other.got), `{"typing":`)
		other.drain(other.cursor)
		after := strings.Count(string(other.got), `{"typing":`)
		other.mu.Unlock()
		if after-before > maxSignals {
			t.Fatalf("%d signals at once", after-before)
		}
	}
}

// tailSignal adds a signal without waking anybody.
func tailSignal(c *Cursor, author chat.UserID) {
	c.tail.room.mu.Lock()
	defer c.tail.room.mu.Unlock()
	c.tail.signal(signal{author: author, frame: wire.AppendFrame(nil, &wire.Typing{Room: c.tail.room.id, Author: author})})
	c.tail.publish()
}

// A room is there while somebody reads it, and no longer.
func TestRoomsComeAndGo(t *testing.T) {
	p := newPlace(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				r := p.join(Dialect(i%2), 0, nil)
				if i%5 == 0 {
					p.post(0, "x")
				}
				r.close()
				r.close() // again is fine
			}
		})
	}
	wg.Wait()
	p.hub.mu.RLock()
	defer p.hub.mu.RUnlock()
	if len(p.hub.rooms) != 0 {
		t.Errorf("%d rooms are left", len(p.hub.rooms))
	}
}

// Members join and leave while others post; everyone who is there at the end
// has everything from where they began.
func TestCrowdThatComesAndGoes(t *testing.T) {
	p := newPlace(t)
	var wg sync.WaitGroup
	for a := range 3 {
		wg.Go(func() {
			for i := range 100 {
				p.post(a, fmt.Sprint(a, i))
			}
		})
	}
	type stayer struct {
		r     *reader
		after chat.Seq
	}
	var mu sync.Mutex
	var stayers []stayer
	for range 4 {
		wg.Go(func() {
			for i := range 40 {
				head, err := p.store.Head(context.Background(), p.room)
				if err != nil {
					t.Error(err)
					return
				}
				r := p.join(V1, head.Seq, nil)
				if i%4 != 0 {
					r.close()
					continue
				}
				mu.Lock()
				stayers = append(stayers, stayer{r, min(head.Seq, r.cursor.tail.room.Head())})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, s := range stayers {
		if s.r.until(300) != p.want(V1, s.after, "") {
			t.Fatalf("who joined at %d got something else", s.after)
		}
	}
}

// For any sizes of frames and any way in which the socket takes bytes, what goes
// out is the frames behind the cursor, in order, and nothing else.
func TestSplitModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 400), 1, 40).Draw(t, "sizes")
		tl := newTail(nil, Plain, 0)
		for i, n := range sizes {
			kind := chat.KindMessage
			if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
				kind = chat.KindEdit // not shown in plain text
			}
			author := chat.UserID(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "author"))
			tl.append(chat.Event{Seq: chat.Seq(i + 1), Draft: chat.Draft{Author: author, Kind: kind, Body: strings.Repeat(string(rune('a'+i%26)), n)}})
		}
		tl.publish()
		self := chat.UserID(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "self"))
		after := chat.Seq(rapid.IntRange(0, len(sizes)).Draw(t, "after"))
		var want, got []byte
		for _, s := range tl.segs {
			for i := range s.ends {
				if s.first+chat.Seq(i) > after && s.authors[i] != self {
					want = append(want, s.buf[s.start(i):s.ends[i]]...)
				}
			}
		}
		c := &Cursor{tail: tl, seq: after, self: self}
		for {
			chunk, state := c.Next()
			if state == AtHead {
				break
			}
			n := rapid.IntRange(0, len(chunk.Bytes())).Draw(t, "taken")
			got = append(got, chunk.Bytes()[:n]...)
			_, rest := c.Wrote(chunk, n)
			if n < len(chunk.Bytes()) && len(rest) == 0 {
				t.Fatal("a full socket with nothing begun")
			}
			got = append(got, rest...)
		}
		if !slices.Equal(got, want) || c.Seq() != chat.Seq(len(sizes)) {
			t.Fatalf("at %d got %q, want %q", c.Seq(), got, want)
		}
	})
}

// The way out of the tail allocates nothing, however many frames.
func TestDeliveryAllocatesNothing(t *testing.T) {
	tl := newTail(nil, V1, 0)
	for i := range 1000 {
		tl.append(chat.Event{Seq: chat.Seq(i + 1), Time: time.Now(), Draft: chat.Draft{Kind: chat.KindMessage, Body: "hello"}})
	}
	tl.publish()
	c := &Cursor{tail: tl}
	n := testing.AllocsPerRun(100, func() {
		c.seq = 0
		for {
			chunk, state := c.Next()
			if state != Ready {
				break
			}
			c.Wrote(chunk, len(chunk.Bytes()))
		}
		c.NextSignal()
	})
	if n != 0 || c.seq != 1000 {
		t.Errorf("%v allocations for %d deliveries", n, c.seq)
	}
}

// BenchmarkDrain is what one reader costs apart from the system call.
func BenchmarkDrain(b *testing.B) {
	tl := newTail(nil, V1, 0)
	for i := range 64 {
		tl.append(chat.Event{Seq: chat.Seq(i + 1), Time: time.Now(), Draft: chat.Draft{Kind: chat.KindMessage, Body: "hello"}})
	}
	tl.publish()
	c := &Cursor{tail: tl}
	b.ReportAllocs()
	for b.Loop() {
		c.seq = 0
		chunk, _ := c.Next()
		c.Wrote(chunk, len(chunk.Bytes()))
	}
}

// counted counts how often a log is read.
type counted struct {
	chat.Log
	reads atomic.Int64
}

func (c *counted) Read(ctx context.Context, room chat.RoomID, after chat.Seq, limit int) ([]chat.Event, error) {
	c.reads.Add(1)
	return c.Log.Read(ctx, room, after, limit)
}

// Those who are behind together read the log together.
func TestSharedPages(t *testing.T) {
	p := newPlace(t)
	p.join(V1, 0, nil) // keeps the room live
	var head chat.Seq
	for i := range 60 {
		texts := make([]string, 20)
		for k := range texts {
			texts[k] = fmt.Sprint(i, k, strings.Repeat("x", 4000))
		}
		head = p.post(0, texts...)
	}
	log := &counted{Log: p.store}
	p.hub.log = log
	var readers []*reader
	for range 50 {
		readers = append(readers, p.join(V1, 0, nil))
	}
	want := p.want(V1, 0, "")
	for _, r := range readers {
		if r.until(head) != want {
			t.Fatal("somebody got something else")
		}
	}
	alone := int64(head)/pageEvents + 1
	if n := log.reads.Load(); n > 20*alone {
		t.Errorf("50 readers read the log %d times; one alone reads it %d times", n, alone)
	}
}
