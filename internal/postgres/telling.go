package postgres

import "sync"

// telling keeps what is told of commits in the order in which they came. Transactions of
// one room take their turn while they have it locked, so turns and commits have one order.
type telling struct {
	mu    sync.Mutex
	turns []*turn
}

// turn is the place of a transaction that is about to commit.
type turn struct {
	over bool
	tell func() // nil: nothing was committed
}

// take returns the next turn. The caller has everything locked that it will change, and
// ends its turn whatever comes.
func (t *telling) take() *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := new(turn)
	t.turns = append(t.turns, k)
	return k
}

// end ends a turn. tell is called once all turns before have ended, by one goroutine at a
// time.
func (t *telling) end(k *turn, tell func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k.over, k.tell = true, tell
	for len(t.turns) > 0 && t.turns[0].over {
		if f := t.turns[0].tell; f != nil {
			f()
		}
		t.turns = t.turns[1:]
	}
}
