package hub

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// late is a log that tells of its events only when it may: between a commit and the
// moment at which its readers hear of it anything can happen.
type late struct {
	chat.Log
	told chan struct{} // receives when there is something to tell
	may  chan struct{} // closed: it may
}

func (l *late) Follow(f func([]chat.Event)) {
	l.Log.Follow(func(events []chat.Event) {
		select {
		case <-l.may:
		default:
			l.told <- struct{}{}
			<-l.may
		}
		f(events)
	})
}

// hold has the log tell nothing from now on, and returns what lets it.
func (l *late) hold() (tell func()) {
	l.may = make(chan struct{})
	return sync.OnceFunc(func() { close(l.may) })
}

// newLatePlace is newPlace with a log that can be late.
func newLatePlace(t *testing.T) (*place, *late) {
	p := newPlace(t)
	l := &late{Log: p.store, told: make(chan struct{})}
	l.hold()()
	p.hub = New(l, Options{})
	return p, l
}

func (p *place) draft(author chat.UserID, kind chat.Kind, body string) chat.Draft {
	d := chat.Draft{Room: p.room, Author: author, Name: "operator", Kind: kind, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: body}
	if i := slices.Index(p.author, author); i >= 0 {
		d.Name, d.Guest = fmt.Sprint("author ", i), true
	}
	return d
}

// ban is the draft that bans somebody.
func (p *place) ban(author int) chat.Draft {
	d := p.draft(chat.OperatorID, chat.KindBan, "")
	d.About.ID = p.author[author]
	return d
}

func (p *place) append(drafts ...chat.Draft) (last chat.Seq) {
	p.t.Helper()
	for _, r := range p.hub.Post(context.Background(), drafts) {
		if r.Err != nil {
			p.t.Fatal(r.Err)
		}
		last = r.Event.Seq
	}
	return last
}

// as is by what right an author reads, as it is known now.
func (p *place) as(author int, room *Room) As {
	p.t.Helper()
	counted := room.Rights()
	who := chat.Actor{ID: p.author[author], Role: chat.RoleGuest}
	m, err := chat.Authorize(context.Background(), p.store, who, p.room, chat.ActRead)
	if err != nil {
		p.t.Fatal(err)
	}
	return As{Who: who, Room: m.Room, State: m.State, Counted: counted}
}

// joinAs is join for an author.
func (p *place) joinAs(author int, d Dialect, after chat.Seq, takes func() int) *reader {
	p.t.Helper()
	room := p.hub.Room(p.room)
	if err := room.Prepare(context.Background(), d); err != nil {
		p.t.Fatal(err)
	}
	r := &reader{takes: takes}
	r.moved.L = &r.mu
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cursor = room.Attach(d, r, p.as(author, room), after); r.cursor == nil {
		p.t.Fatal("not attached")
	}
	r.drain(r.cursor)
	return r
}

func (r *reader) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.got)
}

// A page from the log may hold a ban and what was said behind it before the hub has
// heard of either.
func TestBanInAPage(t *testing.T) {
	p, l := newLatePlace(t)
	p.join(V1, 0, nil) // keeps the room live
	long := strings.Repeat("x", 16_000)
	for range 10 {
		p.append(p.draft(p.author[0], chat.KindMessage, long), p.draft(p.author[0], chat.KindMessage, long),
			p.draft(p.author[0], chat.KindMessage, long), p.draft(p.author[0], chat.KindMessage, long),
			p.draft(p.author[0], chat.KindMessage, long), p.draft(p.author[0], chat.KindMessage, long),
			p.draft(p.author[0], chat.KindMessage, long), p.draft(p.author[0], chat.KindMessage, long),
			p.draft(p.author[0], chat.KindMessage, long), p.draft(p.author[0], chat.KindMessage, long))
	}
	room := p.hub.Room(p.room)
	if first := room.tails[V1].now.Load().segs[0].first; first < 10 {
		t.Fatalf("the tail begins at %d: nobody is behind it", first)
	}
	r := &reader{}
	r.moved.L = &r.mu
	r.mu.Lock() // until then nobody drains it
	if r.cursor = room.Attach(V1, r, p.as(1, room), 1); r.cursor == nil {
		t.Fatal("not attached")
	}

	tell := l.hold()
	stored := make(chan chat.Seq)
	go func() { stored <- p.append(p.ban(1), p.draft(p.author[0], chat.KindMessage, "canary")) }()
	<-l.told // it is committed, and not told
	r.drain(r.cursor)
	r.mu.Unlock()
	tell()
	last := <-stored
	r.Drain(r.cursor)
	if strings.Contains(r.all(), "canary") || r.cursor.Seq() >= last {
		t.Errorf("who was banned read on to %d of %d", r.cursor.Seq(), last)
	}
	if _, state := r.cursor.Next(); state != Ended {
		t.Errorf("the cursor is %v", state)
	}
}

// The same for a tail that is made at that moment.
func TestBanInANewTail(t *testing.T) {
	for d := range dialects {
		p, l := newLatePlace(t)
		p.append(p.draft(p.author[0], chat.KindMessage, "before"))
		room := p.hub.Room(p.room)
		as := p.as(1, room) // they may
		tell := l.hold()
		stored := make(chan chat.Seq)
		go func() { stored <- p.append(p.ban(1), p.draft(p.author[0], chat.KindMessage, "canary")) }()
		<-l.told
		if err := room.Prepare(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if room.Head() > 1 {
			if cur := room.Attach(d, &reader{}, as, 0); cur != nil {
				t.Errorf("dialect %d: attached on what was true before the ban", d)
			}
		}
		tell()
		<-stored
		if room.Attach(d, &reader{}, as, 0) != nil {
			t.Errorf("dialect %d: attached after the ban", d)
		}
	}
}

// Who was banned and is back is not put out by the ban when the hub hears of it late.
func TestOldBan(t *testing.T) {
	p, l := newLatePlace(t)
	p.append(p.draft(p.author[0], chat.KindMessage, "before"))
	unban := p.draft(chat.OperatorID, chat.KindUnban, "")
	unban.About.ID = p.author[1]
	tell := l.hold()
	stored := make(chan chat.Seq)
	go func() {
		stored <- p.append(p.ban(1), unban, p.draft(p.author[0], chat.KindMessage, "welcome back"))
	}()
	<-l.told
	r := p.joinAs(1, V1, 0, nil)
	tell()
	last := <-stored
	if !strings.Contains(r.until(last), "welcome back") {
		t.Error("they did not hear it")
	}
	if _, state := r.cursor.Next(); state != AtHead {
		t.Errorf("the cursor is %v", state)
	}
}

// Whoever is banned while others talk has all up to the ban and nothing behind it;
// whoever is not has everything, however their sockets take it.
func TestBanAmongMessages(t *testing.T) {
	p := newPlace(t)
	for round := range 40 {
		head, err := p.store.Head(t.Context(), p.room)
		if err != nil {
			t.Fatal(err)
		}
		some := func() int { return rand.IntN(40) }
		var banned, others []*reader
		for d := range dialects {
			banned = append(banned, p.joinAs(1, d, head.Seq, nil), p.joinAs(1, d, head.Seq, some))
			others = append(others, p.joinAs(2, d, head.Seq, some))
		}
		var wg sync.WaitGroup
		var ban, last chat.Seq
		wg.Go(func() {
			for i := range 5 {
				p.append(p.draft(p.author[0], chat.KindMessage, fmt.Sprint(round, "a", i)), p.draft(p.author[0], chat.KindMessage, fmt.Sprint(round, "b", i)))
			}
		})
		wg.Go(func() { ban = p.append(p.ban(1)) })
		wg.Wait()
		unban := p.draft(chat.OperatorID, chat.KindUnban, "")
		unban.About.ID = p.author[1]
		last = p.append(unban, p.draft(p.author[0], chat.KindMessage, "canary"))
		for i, r := range others {
			d := Dialect(i)
			if r.until(last) != p.want(d, head.Seq, p.author[2]) {
				t.Fatalf("round %d, dialect %d: who stayed got something else", round, d)
			}
			r.close()
		}
		for i, r := range banned {
			d := Dialect(i / 2)
			events, err := p.store.Read(t.Context(), p.room, head.Seq, int(ban-head.Seq))
			if err != nil {
				t.Fatal(err)
			}
			var want []byte
			for _, e := range events {
				want = appendFrame(want, d, e)
			}
			if got := r.until(ban); got != string(want) {
				t.Fatalf("round %d, dialect %d: who was banned at %d got %q, not %q", round, d, ban, got, want)
			}
			r.Drain(r.cursor)
			if r.cursor.Seq() != ban {
				t.Fatalf("round %d: read on to %d, banned at %d", round, r.cursor.Seq(), ban)
			}
			r.close()
		}
	}
}

// Nobody hears who is typing in a room that they were put out of.
func TestNoSignalsAfterABan(t *testing.T) {
	p := newPlace(t)
	r, other := p.joinAs(1, V1, 0, nil), p.joinAs(2, V1, 0, nil)
	ban := p.append(p.ban(1))
	r.until(ban)
	other.cursor.Room().Signal(wire.Person{ID: p.author[0], Name: "canary"})
	last := p.post(0, "fence")
	if !strings.Contains(other.until(last), "canary") {
		t.Error("no signal came")
	}
	r.Drain(r.cursor)
	if strings.Contains(r.all(), "canary") {
		t.Error("the banned one heard it")
	}
}

// Who is behind the tail when they are banned is given nothing more: the log has
// messages as they read by now.
func TestBannedBehindTheTail(t *testing.T) {
	p := newPlace(t)
	p.join(V1, 0, nil)
	p.post(0, "short")
	for range 20 {
		p.post(0, strings.Repeat("x", 16_000), strings.Repeat("y", 16_000), strings.Repeat("z", 16_000), strings.Repeat("z", 16_000))
	}
	room := p.hub.Room(p.room)
	cursor := room.Attach(V1, still{}, p.as(1, room), 0)
	page, err := cursor.Load(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, state := cursor.Next(); state != Behind {
		t.Fatalf("the cursor is %v", state)
	}
	d := p.draft(p.author[0], chat.KindEdit, "canary")
	d.Target = 1
	p.append(p.ban(1), d)
	if _, state := cursor.NextIn(page); state != AtHead {
		t.Errorf("the page is %v", state)
	}
	if _, state := cursor.Next(); state != Ended {
		t.Errorf("the cursor is %v", state)
	}
}

// still is a reader who takes nothing by itself, whatever round comes by.
type still struct{}

func (still) Drain(*Cursor) {}

// What was erased is not in the tail either, for those who come later, nor in a page
// that others hold.
func TestErasedFromTheTail(t *testing.T) {
	p := newPlace(t)
	live := p.join(V1, 0, nil)
	p.post(0, "before")
	seq := p.post(0, "canary")
	page, err := live.cursor.Load(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	d := p.draft(p.author[0], chat.KindDelete, "")
	d.Target = seq
	last := p.append(d)
	if !strings.Contains(live.until(last), "canary") {
		t.Fatal("it was not said")
	}
	for dialect := range dialects {
		r := p.join(dialect, 0, nil)
		last = p.post(0, "after")
		if got := r.until(last); strings.Contains(got, "canary") || got != p.want(dialect, 0, "") {
			t.Errorf("dialect %d, who came later got %q", dialect, got)
		}
	}
	if again, err := live.cursor.Load(t.Context(), 0); err != nil || again == page {
		t.Errorf("the page from before is shared: %v", err)
	}
}

// A round may come by a cursor that was closed a moment ago, whose end is forgotten then:
// it gives nothing more.
func TestClosedCursorsGiveNothing(t *testing.T) {
	p := newPlace(t)
	r := p.joinAs(1, V1, 0, nil)
	r.until(p.append(p.ban(1)))
	r.close()
	other := p.joinAs(2, V1, 0, nil)
	last := p.post(0, "canary")
	other.until(last)
	r.Drain(r.cursor)
	if _, state := r.cursor.Next(); state != Ended || strings.Contains(r.all(), "canary") {
		t.Errorf("the cursor is %v, and gave %q", state, r.all())
	}
}
