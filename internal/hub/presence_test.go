package hub

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubbub/internal/bustest"
	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// peer is a connection of somebody who may look away, and be told things.
type peer struct {
	who chat.Person

	mu    sync.Mutex // guards the following
	is    Presence
	scope *chat.Scope
	told  string
}

func (p *peer) Tell(frame []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told += string(frame)
}

func (p *peer) Here() Presence {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.is
}

func (p *peer) show(is Presence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.is = is
}

func (p *peer) Person() chat.Person     { return p.who }
func (p *peer) Actor() chat.Actor       { return chat.Actor{ID: p.who.ID, Scope: p.scope} }
func (p *peer) Address() netip.Addr     { return netip.Addr{} }
func (p *peer) Session() chat.SessionID { return "" }
func (p *peer) Changed(chat.Person)     {}
func (p *peer) Ended()                  {}
func (p *peer) Dropped(chat.RoomID)     {}

// Who is here is known everywhere: soon, after the loss of any note, and no longer than
// their process lives, however it ends.
func TestPresenceElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 3, bustest.Faults{Delay: 30 * time.Millisecond, Double: 0.5})
		defer ns.close()
		here, looks := Presence{Here: true, Minds: true}, Presence{Here: true, Attentive: true, Minds: true}
		ines, omar := &peer{who: chat.Person{ID: "ines", Name: "Ines"}, is: looks}, &peer{who: chat.Person{ID: "omar", Name: "Omar"}, is: here}
		tell := func(hub int, p *peer) { ns.hubs[hub].TellPresence([]chat.Person{p.who}) }
		check := func(what string, after time.Duration, id chat.UserID, want Presence) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			for i, h := range ns.hubs {
				if h.crew.ctx.Err() == nil && h.Presence(id) != want {
					t.Errorf("%s: hub %d sees %s as %+v, not %+v", what, i, id, h.Presence(id), want)
				}
			}
		}
		const soon = 50 * time.Millisecond
		ns.hubs[0].Attend("ines", ines)
		tell(0, ines)
		check("she came", soon, "ines", looks)
		if len(ns.moved[1]) != 1 || ns.moved[1][0].Name != "Ines" || len(ns.moved[0]) != 0 {
			t.Errorf("told of %v and, at her own hub, %v", ns.moved[1], ns.moved[0])
		}
		ines.show(here)
		tell(0, ines)
		check("she looked away", soon, "ines", here)
		elsewhere := &peer{who: ines.who, is: looks}
		ns.hubs[1].Attend("ines", elsewhere)
		tell(1, elsewhere)
		check("she looks at another device", soon, "ines", looks)
		ns.hubs[1].Depart("ines", elsewhere)
		tell(1, elsewhere)
		check("she is left with the first", soon, "ines", here)

		ns.net.Set(bustest.Faults{Lose: 1})
		ns.hubs[1].Attend("omar", omar)
		tell(1, omar)
		time.Sleep(time.Second)
		ns.net.Set(bustest.Faults{})
		check("the note was lost", stateEvery, "omar", here)
		check("long after", 5*stateFor, "ines", here)

		ns.buses[0].Cut(true)
		time.Sleep(stateFor + stateEvery)
		synctest.Wait()
		if ns.hubs[1].Presence("ines").Here || ns.hubs[2].Presence("ines").Here {
			t.Error("a process that is gone still has people")
		}
		if last := ns.moved[1][len(ns.moved[1])-1]; last.ID != "ines" || last.Name != "Ines" {
			t.Errorf("told of %v last", last)
		}
		ns.buses[0].Cut(false)
		check("it is back", stateEvery, "ines", here)
		ns.hubs[0].Close()
		check("it ends", soon, "ines", Presence{})

		newNode(ns)
		check("another begins", soon, "omar", here)
	})
}

// A frame for a person reaches their connections everywhere, but not the one it comes
// from, and not those whose token is for other rooms.
func TestTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{})
		defer ns.close()
		from, twin, far := &peer{}, &peer{}, &peer{}
		bound, other := &peer{scope: &chat.Scope{Only: []chat.RoomID{"kitchen"}}}, &peer{}
		ns.hubs[0].Attend("ines", from)
		ns.hubs[0].Attend("ines", twin)
		ns.hubs[1].Attend("ines", far)
		ns.hubs[1].Attend("ines", bound)
		ns.hubs[1].Attend("omar", other)
		ns.hubs[0].Tell("ines", "lobby", &wire.Read{Room: "lobby", Seq: 7}, from)
		synctest.Wait()
		for name, p := range map[string]*peer{"twin": twin, "elsewhere": far} {
			if !strings.HasSuffix(p.told, `{"read":{"room":"lobby","seq":7}}`) {
				t.Errorf("%s was told %q", name, p.told)
			}
		}
		if got := from.told + bound.told + other.told; got != "" {
			t.Errorf("others were told %q", got)
		}
	})
}

// A note that comes late brings nobody back.
func TestLatePresence(t *testing.T) {
	e := elsewhere{people: make(map[chat.UserID][]sighting), nodes: make(map[string]*nodeOf)}
	note := func(n uint64, here bool) int {
		moved, _ := e.take(roster{Node: "x", N: n, People: []present{{ID: "ines", Here: here}}}, time.Now())
		return len(moved)
	}
	moved := []int{note(5, true), note(6, false), note(5, true)}
	if e.of("ines").Here || moved[0] != 1 || moved[1] != 1 || moved[2] != 0 {
		t.Errorf("she is %+v, and moved %v", e.of("ines"), moved)
	}
}

// However many are here, others are told so by a few bytes, which name nobody; only what
// was lost is said again, and what is not said any more is forgotten.
func TestPresenceInSum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns := newNodes(t, 2, bustest.Faults{})
		defer ns.close()
		all := make([]*peer, 1000)
		come := func(i int) {
			id := chat.UserID(fmt.Sprint("person ", i))
			all[i] = &peer{who: chat.Person{ID: id, Name: "Somebody"}, is: Presence{Here: true}}
			ns.hubs[0].Attend(id, all[i])
			ns.hubs[0].TellPresence([]chat.Person{all[i].who})
		}
		for i := range all {
			come(i)
		}
		time.Sleep(stateFor)
		var heard int
		var mu sync.Mutex
		ns.buses[1].Listen(presenceTopic, func(n chat.Note) {
			mu.Lock()
			defer mu.Unlock()
			heard += len(n.Data)
		})
		take := func() (n int) {
			mu.Lock()
			defer mu.Unlock()
			n, heard = heard, 0
			return n
		}
		people := func(want int, what string) {
			t.Helper()
			synctest.Wait()
			if got := ns.hubs[1].PeopleElsewhere(); got != want {
				t.Errorf("%s: %d people are elsewhere, not %d", what, got, want)
			}
		}
		time.Sleep(time.Minute)
		people(len(all), "after a minute")
		if n := take(); n == 0 || n > 1000 {
			t.Errorf("in a minute in which nobody moved others were told %d bytes", n)
		}
		ns.net.Set(bustest.Faults{Lose: 1})
		for i, p := range all[:100] { // half of them without a word
			ns.hubs[0].Depart(p.who.ID, p)
			p.show(Presence{})
			if i%2 == 0 {
				ns.hubs[0].TellPresence([]chat.Person{p.who})
			}
		}
		time.Sleep(stateEvery)
		ns.net.Set(bustest.Faults{})
		time.Sleep(stateFor + 2*stateEvery)
		people(len(all)-100, "they went, and nobody heard of it")
		take()
		time.Sleep(time.Minute)
		if n := take(); n > 1000 {
			t.Errorf("long after, others are told %d bytes in a minute", n)
		}
		people(len(all)-100, "long after")
	})
}

// What it costs to know of everybody at another process: time for each who is mentioned,
// and memory for each who is known.
func BenchmarkPresence(b *testing.B) {
	const crowd = 100_000
	notes := make([]chat.Note, 0, crowd/statePeople)
	r := roster{Node: "elsewhere"}
	for i := range crowd {
		r.People = append(r.People, present{ID: chat.UserID(fmt.Sprintf("%016d", i)), Name: fmt.Sprint("Somebody ", i), Here: true, Minds: true})
		if len(r.People) == statePeople {
			r.N++
			data, err := json.Marshal(r)
			if err != nil {
				b.Fatal(err)
			}
			notes, r.People = append(notes, chat.Note{Data: data}), nil
		}
	}
	moved := 0
	var before, after runtime.MemStats
	for b.Loop() {
		h := New(&share{common: &common{}}, Options{Moved: func(chat.Person) { moved++ }})
		runtime.GC()
		runtime.ReadMemStats(&before)
		for _, n := range notes {
			h.hearRoster(n)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if h.PeopleElsewhere() != crowd {
			b.Fatal(h.PeopleElsewhere())
		}
		h.Close()
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/crowd, "B/person")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/crowd, "ns/person")
}
