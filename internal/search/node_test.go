package search

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// An index stays while its turn is lost for a short time, and goes with its file when
// others have it for longer; then it takes as long until another one is made.
func TestNodeLooks(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	w.say(ines, lobby, "a word")
	dir := t.TempDir()
	wanted := false
	config := NodeConfig{Config: w.index.Config, Turns: w.store, Vacant: time.Hour, Wanted: func(yes bool) { wanted = yes }}
	join := func() *Node {
		t.Helper()
		n, err := Join(t.Context(), dir, config)
		w.must(err)
		return n
	}
	n := join()
	looks := func(keeps, file bool) {
		t.Helper()
		w.must(n.look(t.Context()))
		_, err := os.Stat(filepath.Join(dir, fileName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if n.Keeps() != keeps || wanted != keeps || (err == nil) != file {
			t.Errorf("there is an index: %v, events are wanted: %v, there is a file: %v", n.Keeps(), wanted, err == nil)
		}
	}
	others := func() (end func()) {
		t.Helper()
		var turns []*chat.Turn
		for _, name := range indexTurns {
			turn, err := w.store.Take(t.Context(), name)
			w.must(err)
			if turn == nil {
				t.Fatal("somebody has the turn")
			}
			turns = append(turns, turn)
		}
		return func() {
			for _, turn := range turns {
				turn.End()
			}
		}
	}
	long := func(since *time.Time) { *since = since.Add(-2 * time.Hour) }

	n.turn.End() // is lost
	end := others()
	looks(true, true)
	looks(true, true)
	end()
	looks(true, true)
	if n.turn.Context().Err() != nil {
		t.Error("the turn was not taken again")
	}
	n.turn.End()
	end = others()
	looks(true, true)
	long(&n.without)
	looks(false, false)
	end()
	looks(false, false)
	long(&n.vacant)
	looks(true, true)

	w.must(n.Close())
	end = others()
	n = join() // starts again, while its old turn is still held, as it seems
	looks(false, true)
	end()
	looks(true, true)
	w.must(n.Close())
	end = others()
	n = join()
	looks(false, true)
	long(&n.without)
	looks(false, false)
	w.must(n.Close())
	n = join() // with nothing
	looks(false, false)
	end()
	looks(false, false)
	w.must(n.Close())
}
