package ws

import (
	"testing"
	"testing/synctest"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/tap"
)

// A watch that nobody reads for half a minute is forgotten; one that is read is not.
func TestIdleWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Server
		ann := chat.Login{Person: chat.Person{ID: "ann"}, Session: "here"}
		id, err := s.NewWatch(ann)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(watchIdle - time.Second)
		w, release, err := s.ReadWatch(id, ann)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * watchIdle)
		if w.Ring.Closed() {
			t.Error("it was forgotten while it was read")
		}
		release()
		time.Sleep(watchIdle - time.Second)
		if _, release, err = s.ReadWatch(id, ann); err != nil {
			t.Fatal(err)
		}
		release()
		time.Sleep(watchIdle + time.Second)
		synctest.Wait()
		if _, _, err := s.ReadWatch(id, ann); err == nil || !w.Ring.Closed() || len(s.watches.all) != 0 {
			t.Errorf("it is still there: %v", err)
		}
	})
}

// Watches of a session that ended meanwhile do not stay.
func TestWatchOfAnEndedSession(t *testing.T) {
	s := Server{ended: map[chat.SessionID]time.Time{"gone": time.Now()}}
	ann := chat.Login{Person: chat.Person{ID: "ann"}, Session: "gone"}
	id, err := s.NewWatch(ann)
	if _, _, e := s.ReadWatch(id, ann); err != nil || e == nil {
		t.Errorf("%v, %v", err, e)
	}
}

// While nobody watches, bytes that pass cost nothing more.
func TestNobodyWatches(t *testing.T) {
	c, p, now := new(Conn), make([]byte, 4096), time.Now()
	if n := testing.AllocsPerRun(100, func() { c.tapIn(p, now); c.tapOut(p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// On a machine of two cores: 1.5 ns while nobody watches, 300 ns for a frame that somebody
// does.
func BenchmarkTap(b *testing.B) {
	frame := append([]byte{0x81, 100}, make([]byte, 100)...)
	for name, c := range map[string]*Conn{"nobody": new(Conn), "somebody": watchedConn(tap.NewRing(watchBytes))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.tapOut(frame)
			}
		})
	}
}

func watchedConn(ring *tap.Ring) *Conn {
	c := new(Conn)
	c.taps.Store(&[]*tapped{{Line: tap.NewLine(1, ring, tap.Options{Text: plainText})}})
	return c
}
