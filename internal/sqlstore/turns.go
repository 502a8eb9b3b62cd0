package sqlstore

import (
	"context"
	"sync"

	"hubbub/internal/chat"
)

// Turns are those of one process: who has which. It is safe for use by several
// goroutines, and its zero value is ready.
type Turns struct {
	mu    sync.Mutex
	taken map[string]context.CancelFunc
}

// Take takes a turn, or returns nil if somebody in this process has it.
func (t *Turns) Take(work string) *chat.Turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken[work] != nil {
		return nil
	}
	if t.taken == nil {
		t.taken = map[string]context.CancelFunc{}
	}
	held, cancel := context.WithCancel(context.Background())
	t.taken[work] = cancel
	return chat.NewTurn(held, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if held.Err() == nil {
			cancel()
			delete(t.taken, work)
		}
	})
}

// Lose ends all turns.
func (t *Turns) Lose() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, cancel := range t.taken {
		cancel()
	}
	clear(t.taken)
}
