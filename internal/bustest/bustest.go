package bustest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// Bed is where buses are tested.
type Bed struct {
	Join     func() chat.Bus // one more process of the place; the bed closes it
	Stranger func() chat.Bus // a process of another place on the same network; nil: there are none
	Break    func()          // nothing passes from now on
	Mend     func()
}

// Run has one test for each promise of chat.Bus.
func Run(t *testing.T, make func(t *testing.T) Bed) {
	for name, test := range map[string]func(*testing.T, Bed){
		"NotesArrive": notesArrive, "OnlyThere": onlyThere, "NotToOneself": notToOneself, "Stop": stop,
		"Strangers": strangers, "NeverWaits": NeverWaits, "ComesBack": comesBack, "Together": together,
	} {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

// ear keeps what it hears.
type ear struct {
	mu    sync.Mutex
	notes []chat.Note
	came  chan struct{} // capacity 1
}

func listen(b chat.Bus, topic chat.Topic) (*ear, func()) {
	e := &ear{came: make(chan struct{}, 1)}
	return e, b.Listen(topic, e.hear)
}

func (e *ear) hear(n chat.Note) {
	n.Data = bytes.Clone(n.Data)
	e.mu.Lock()
	e.notes = append(e.notes, n)
	e.mu.Unlock()
	select {
	case e.came <- struct{}{}:
	default:
	}
}

func (e *ear) heard() []chat.Note {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.notes
}

// patience is how long a note may take that is told again and again.
const patience = 30 * time.Second

// reach tells a note until it is heard: the first ones may be lost.
func reach(t *testing.T, from chat.Bus, topic chat.Topic, n chat.Note, e *ear) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		from.Tell(topic, n)
		select {
		case <-e.came:
			return
		case <-time.After(5 * time.Millisecond): // tell it again
		case <-ctx.Done():
			t.Fatal("no note came")
		}
	}
}

var room, other = chat.RoomTopic("k3mf9t"), chat.RoomTopic("x8w2qa")

func notesArrive(t *testing.T, bed Bed) {
	a, b := bed.Join(), bed.Join()
	if !a.Up() || !b.Up() {
		t.Error("a bus is not up")
	}
	big := bytes.Repeat([]byte{0, 0xff}, chat.MaxNote/2)
	for i, n := range []chat.Note{{Head: 1}, {Head: 1 << 62}, {Data: []byte("typing")}, {Head: 300, Data: big}} {
		for _, topic := range []chat.Topic{room, chat.PersonTopic("p"), {About: chat.AboutChanges}, {About: chat.AboutPresence}, {About: chat.AboutLimits}, {About: chat.AboutStored}} {
			e, stop := listen(b, topic)
			reach(t, a, topic, n, e)
			if got := e.heard()[0]; got.Head != n.Head || !bytes.Equal(got.Data, n.Data) {
				t.Errorf("note %d about %s came as %d, %q", i, topic.About, got.Head, got.Data)
			}
			stop()
		}
	}
}

// A note that is larger than notes may be is lost, and harms nobody.
func onlyThere(t *testing.T, bed Bed) {
	a, b, c := bed.Join(), bed.Join(), bed.Join()
	here, _ := listen(b, room)
	elsewhere, _ := listen(b, other)
	alone, _ := listen(c, chat.PersonTopic("k3mf9t"))
	a.Tell(room, chat.Note{Data: make([]byte, chat.MaxNote+1)})
	reach(t, a, room, chat.Note{Head: 1}, here)
	reach(t, a, chat.PersonTopic("k3mf9t"), chat.Note{Head: 7}, alone)
	for _, n := range here.heard() {
		if n.Head != 1 {
			t.Errorf("it heard %d", n.Head)
		}
	}
	if len(elsewhere.heard()) > 0 || alone.heard()[0].Head != 7 {
		t.Error("a note came to another topic")
	}
}

func notToOneself(t *testing.T, bed Bed) {
	a, b := bed.Join(), bed.Join()
	self, _ := listen(a, room)
	e, _ := listen(b, room)
	back, _ := listen(a, other)
	reach(t, a, room, chat.Note{Head: 1}, e)
	reach(t, b, other, chat.Note{Head: 1}, back)
	if len(self.heard()) > 0 {
		t.Error("it heard itself")
	}
}

func stop(t *testing.T, bed Bed) {
	a, b := bed.Join(), bed.Join()
	e, end := listen(b, room)
	twin, _ := listen(b, room)
	fence, _ := listen(b, other)
	reach(t, a, room, chat.Note{Head: 1}, e)
	end()
	end() // again is fine
	reach(t, a, other, chat.Note{Head: 1}, fence)
	reach(t, a, other, chat.Note{Head: 2}, fence)
	n := len(e.heard())
	reach(t, a, room, chat.Note{Head: 2}, twin)
	reach(t, a, room, chat.Note{Head: 3}, twin)
	if len(e.heard()) > n {
		t.Error("it heard on")
	}
	again, _ := listen(b, room)
	reach(t, a, room, chat.Note{Head: 4}, again)
}

func strangers(t *testing.T, bed Bed) {
	if bed.Stranger == nil {
		t.Skip("there are no strangers on this network")
	}
	a, b, s := bed.Join(), bed.Join(), bed.Stranger()
	strange, _ := listen(s, room)
	e, _ := listen(b, room)
	reach(t, a, room, chat.Note{Head: 1}, e)
	reach(t, a, room, chat.Note{Head: 2}, e)
	if len(strange.heard()) > 0 {
		t.Error("another place heard it")
	}
}

// NeverWaits calls everything with a lock held for which a function that listens waits,
// while nothing passes.
func NeverWaits(t *testing.T, bed Bed) {
	a, b := bed.Join(), bed.Join()
	var mu sync.Mutex
	b.Listen(room, func(chat.Note) {
		mu.Lock()
		defer mu.Unlock()
	})
	bed.Break()
	mu.Lock()
	for i := range 50_000 {
		a.Tell(room, chat.Note{Head: chat.Seq(i)})
		b.Tell(room, chat.Note{Head: chat.Seq(i)})
	}
	for i := range 1000 {
		b.Listen(chat.RoomTopic(chat.RoomID(fmt.Sprint(i))), func(chat.Note) {})()
	}
	mu.Unlock()
	bed.Mend()
}

// What is listened to stays so, whatever happens to the network.
func comesBack(t *testing.T, bed Bed) {
	a, b := bed.Join(), bed.Join()
	before, _ := listen(b, room)
	reach(t, a, room, chat.Note{Head: 1}, before)
	bed.Break()
	for _, bus := range []chat.Bus{a, b} {
		wait(t, func() bool { return !bus.Up() })
	}
	during, _ := listen(b, other)
	bed.Mend()
	for _, bus := range []chat.Bus{a, b} {
		wait(t, bus.Up)
	}
	reach(t, a, other, chat.Note{Head: 2}, during)
	select { // of before
	case <-before.came:
	default:
	}
	reach(t, a, room, chat.Note{Head: 3}, before)
}

// wait looks until something is so.
func wait(t *testing.T, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !is() {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			t.Fatal("it did not come to that")
		}
	}
}

// Many use it at once.
func together(t *testing.T, bed Bed) {
	a, b := bed.Join(), bed.Join()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			topic := chat.RoomTopic(chat.RoomID(fmt.Sprint("room", i)))
			for k := range 50 {
				e, stop := listen(b, topic)
				if k%10 == 0 {
					reach(t, a, topic, chat.Note{Head: chat.Seq(k + 1)}, e)
				}
				a.Tell(topic, chat.Note{Head: 1})
				stop()
			}
		})
	}
	all.Wait()
}
