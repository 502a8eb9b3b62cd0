package storetest

import (
	"testing"
	"time"

	"hubbub/internal/chat"
)

// take wants a turn, or none.
func take(t *testing.T, s chat.Turns, work string, free bool) *chat.Turn {
	t.Helper()
	turn, err := s.Take(t.Context(), work)
	if err != nil || (turn != nil) != free {
		t.Fatalf("%s: a turn: %v, %v", work, turn != nil, err)
	}
	return turn
}

func ended(t *testing.T, turn *chat.Turn, want bool) {
	t.Helper()
	if err := turn.Context().Err(); (err != nil) != want {
		t.Errorf("the turn has ended: %v", err)
	}
}

// Who has a turn has it alone, until they give it back or the store is closed.
func testTurns(t *testing.T, e *env) {
	hooks, alerts := take(t, e, "hooks", true), take(t, e, "alerts", true)
	take(t, e, "hooks", false)
	hooks.End()
	ended(t, hooks, true)
	ended(t, alerts, false)
	again := take(t, e, "hooks", true)
	hooks.End() // once more takes nothing from who has it now
	ended(t, again, false)
	take(t, e, "hooks", false)
	e.reopen()
	ended(t, again, true)
	ended(t, alerts, true)
	take(t, e, "hooks", true)
}

// Of several processes one has a turn, and another takes over when it has gone.
func testSharedTurns(t *testing.T, e *env, a, b Shared) {
	take(t, a, "hooks", true)
	take(t, b, "hooks", false)
	sweep := take(t, b, "sweep", true)
	take(t, a, "sweep", false)
	sweep.End()
	take(t, a, "sweep", true).End()
	take(t, b, "sweep", true)
	e.must(b.Close())
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		turn, err := a.Take(t.Context(), "sweep")
		e.must(err)
		if turn != nil {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("nobody takes over from who has gone")
		}
	}
}
