package ledger

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubbub/internal/bustest"
	"hubbub/internal/chat"
)

// sums is what an account hears, by key.
type sums struct {
	mu  sync.Mutex
	all map[string]float64
}

func (s *sums) hear(key string, n float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[string]float64)
	}
	s.all[key] += n
}

func (s *sums) of(key string) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[key]
}

// What is spent at one node is heard by the others, within a second, or at once; what
// comes twice counts once.
func TestSpentElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := bustest.NewNetwork(bustest.Faults{Double: 1})
		a, b := net.Join(), net.Join()
		here, there := New(a), New(b)
		defer net.Wait()
		defer here.Close()
		defer there.Close()
		var own, heard, other sums
		names := here.Open("names", own.hear)
		there.Open("names", heard.hear)
		there.Open("guesses", other.hear)
		guesses := here.Open("guesses", own.hear)
		strange := here.Open("what the other does not know", own.hear)

		names.Spent("ines", 1)
		names.Spent("ines", 2)
		names.Spent("omar", 5)
		strange.Spent("ines", 1)
		synctest.Wait()
		if heard.of("ines") != 0 {
			t.Error("it was told before its time")
		}
		time.Sleep(every)
		synctest.Wait()
		if heard.of("ines") != 3 || heard.of("omar") != 5 || other.of("ines") != 0 || own.of("ines") != 0 {
			t.Errorf("heard %v and %v; one's own: %v", heard.all, other.all, own.all)
		}
		guesses.Now("192.0.2.1", 1)
		synctest.Wait()
		if other.of("192.0.2.1") != 1 {
			t.Errorf("a guess was heard as %v", other.all)
		}
		for i := range 5 * maxKeys {
			names.Spent(fmt.Sprint("somebody ", i), 1)
		}
		time.Sleep(every)
		synctest.Wait()
		if heard.of("somebody 0") != 1 || len(heard.all) != 5*maxKeys+2 {
			t.Errorf("%d were heard", len(heard.all))
		}
	})
}

// What is no note, or says what cannot be, changes nothing.
func TestBadNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := bustest.NewNetwork(bustest.Faults{})
		a, b := net.Join(), net.Join()
		l := New(b)
		defer net.Wait()
		defer l.Close()
		var heard sums
		l.Open("x", heard.hear)
		for _, data := range []string{"", "{", `{"n":1,"spent":{"x":{"k":1}}}`, `{"node":"a","n":1,"spent":{"x":{"k":-5}}}`, `{"node":"a","n":2,"spent":{"x":{"k":1e300}}}`} {
			a.Tell(topic, chat.Note{Data: []byte(data)})
			synctest.Wait()
		}
		if len(heard.all) > 0 {
			t.Errorf("heard %v", heard.all)
		}
	})
}

// Alone there is nobody to tell.
func TestAlone(t *testing.T) {
	l := New(nil)
	a := l.Open("x", nil)
	a.Spent("k", 1)
	a.Now("k", 1)
	l.Close()
}
