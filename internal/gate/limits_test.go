package gate

import (
	"testing"
	"testing/synctest"
	"time"

	"hubbub/internal/bustest"
	"hubbub/internal/ledger"
)

// Whoever guesses at one node has guessed at all; whoever got in may begin anew at all;
// and what is no guess is told within a second.
func TestLimitsOfAllNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := bustest.NewNetwork(bustest.Faults{})
		here, there := newLimits(true, Rate{}), newLimits(true, Rate{})
		for _, l := range []*limits{&here, &there} {
			book := ledger.New(net.Join())
			defer book.Close()
			l.share(book)
		}
		defer net.Wait()
		refused := func(l *limiter, key string, want bool) {
			t.Helper()
			synctest.Wait()
			if err := l.check(key); (err != nil) != want {
				t.Errorf("%q: %v", key, err)
			}
		}
		for range 5 {
			if err := here.attempts.take("ines"); err != nil {
				t.Fatal(err)
			}
		}
		refused(there.attempts, "ines", true)
		refused(there.attempts, "omar", false)
		time.Sleep(2*time.Minute + time.Second)
		refused(there.attempts, "ines", false) // and nobody owes more than all
		here.attempts.clear("ines")
		synctest.Wait()
		for range 4 {
			if err := there.attempts.take("ines"); err != nil {
				t.Errorf("after a success elsewhere: %v", err)
			}
		}
		here.knows.note("ines")
		synctest.Wait()
		if !there.knows.has("ines") {
			t.Error("it is not known from where somebody signed in")
		}
		for range 5 {
			here.names.take("ines")
		}
		refused(there.names, "ines", false)
		time.Sleep(time.Second)
		refused(there.names, "ines", true)
	})
}
