package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
)

// counted counts how often a log is read, and may be away.
type counted struct {
	chat.Log
	reads atomic.Int64
	away  atomic.Bool
}

func (c *counted) Head(ctx context.Context, room chat.RoomID) (chat.Position, error) {
	if c.away.Load() {
		return chat.Position{}, errors.New("the log is away")
	}
	return c.Log.Head(ctx, room)
}

func (c *counted) Read(ctx context.Context, room chat.RoomID, after chat.Seq, limit int) ([]chat.Event, error) {
	c.reads.Add(1)
	return c.Log.Read(ctx, room, after, limit)
}

// told is a world whose index reads by a log that counts, and is told what pick leaves of
// the events of a commit.
func told(t *testing.T, pick func([]chat.Event) []chat.Event) (*world, *counted) {
	w := newWorld(t)
	w.must(w.index.Close())
	c := &counted{Log: w.store}
	var err error
	w.index, err = Open(t.Context(), w.dir, Config{Log: c, Directory: w.store, Logger: slog.New(slog.DiscardHandler)})
	w.must(err)
	w.store.Follow(func(events []chat.Event) {
		if events = pick(events); len(events) > 0 {
			w.index.Follow(events)
		}
	})
	return w, c
}

// What the index is told of it does not read, nor what it has already, whoever mentions
// it; what it was not told of it reads.
func TestToldOnce(t *testing.T) {
	var missed []chat.Event
	miss := false
	w, c := told(t, func(events []chat.Event) []chat.Event {
		if miss {
			missed = append(missed, events...)
			return nil
		}
		return events
	})
	ines := w.person("Ines")
	lobby, kitchen := w.public("lobby"), w.public("kitchen")
	w.sync()
	c.reads.Store(0)
	for i := range 20 {
		w.say(ines, []chat.RoomID{lobby, kitchen}[i%2], fmt.Sprint("word ", i))
		if i%7 == 0 {
			w.sync()
		}
	}
	w.sync()
	head, err := w.store.Head(t.Context(), lobby)
	w.must(err)
	w.index.Stored(lobby, head.Seq)
	w.sync()
	if n := c.reads.Load(); n != 0 {
		t.Errorf("the log was read %d times, for what was told", n)
	}
	miss = true
	w.say(ines, lobby, "unheard word")
	miss = false
	w.say(ines, lobby, "heard word")
	w.index.Follow(missed) // late
	w.sync()
	if n := c.reads.Load(); n != 1 {
		t.Errorf("the log was read %d times, not once, for what was not told", n)
	}
	if got := strings.Count(w.texts(ines.Actor(), "word"), "word"); got != 22 {
		t.Errorf("%d messages are found", got)
	}
	w.same()
}

// However much the index is told of, in whatever order, more than once or not at all: it
// comes to be what it is when it is made anew.
func TestToldSomehow(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	var before []chat.Event
	w, _ := told(t, func(events []chat.Event) (some []chat.Event) {
		for _, e := range slices.Concat(events, before) {
			if r.IntN(3) > 0 {
				some = append(some, e)
			}
		}
		r.Shuffle(len(some), func(i, j int) {
			if r.IntN(4) == 0 {
				some[i], some[j] = some[j], some[i]
			}
		})
		before = append(before, events...)
		before = before[max(0, len(before)-5):]
		return some
	})
	ines := w.person("Ines")
	rooms := []chat.RoomID{w.public("lobby"), w.public("kitchen"), w.public("garden")}
	var said []chat.Event
	for i := range 300 {
		room := rooms[r.IntN(len(rooms))]
		if len(said) == 0 || r.IntN(3) > 0 {
			said = append(said, w.say(ines, room, fmt.Sprintf("word%d and more", r.IntN(50))))
		} else {
			e := said[r.IntN(len(said))]
			d := chat.Draft{Room: e.Room, Author: ines.ID, Kind: []chat.Kind{chat.KindEdit, chat.KindDelete, chat.KindPin, chat.KindUnpin}[r.IntN(4)], Target: e.Seq}
			if d.Kind == chat.KindEdit {
				d.Body = fmt.Sprintf("changed%d", i)
			}
			d.ID = chat.EventID(uuid.Must(uuid.NewV7()))
			w.store.Append(t.Context(), []chat.Draft{d}) // may be refused
		}
		if r.IntN(40) == 0 {
			w.sync()
		}
	}
	all, err := w.store.AllRooms(t.Context())
	w.must(err)
	for _, room := range all {
		w.index.Stored(room.ID, room.Head)
	}
	w.sync()
	if w.same(); t.Failed() {
		t.Logf("seed %d", seed)
	}
}

// Somebody is called what they are called now, whatever they were called when they said
// what the index is told of.
func TestToldBeforeRename(t *testing.T) {
	w, _ := told(t, func(events []chat.Event) []chat.Event { return events })
	ines, tomas := w.person("Ines"), w.person("Tomas")
	lobby := w.public("lobby")
	w.say(tomas, lobby, "an old message")
	w.sync()
	for _, p := range []chat.Person{ines, tomas} {
		w.say(p, lobby, "said as "+p.Name)
		_, err := w.store.Rename(t.Context(), p.ID, chat.Name{Display: "New " + p.Name, Key: "new" + strings.ToLower(p.Name)})
		w.must(err)
		w.index.Renamed(p.ID, "New "+p.Name)
	}
	w.wants(ines.Actor(), `from:"new ines"`, "said as Ines")
	w.wants(ines.Actor(), `from:"new tomas"`, "said as Tomas | an old message")
	w.same()
}

// What is told of a room that nobody knows leaves nothing.
func TestToldNonsense(t *testing.T) {
	w, _ := told(t, func(events []chat.Event) []chat.Event { return events })
	ines := w.person("Ines")
	lobby := w.public("lobby")
	w.index.Stored("nonsense", 7)
	w.index.Stored(lobby, 1<<60)
	w.wants(ines.Actor(), "word", "")
	w.say(ines, lobby, "a word")
	w.wants(ines.Actor(), "word", "a word")
	w.index.mu.RLock()
	defer w.index.mu.RUnlock()
	if _, there := w.index.rooms["nonsense"]; there {
		t.Error("there is a room of nonsense")
	}
}

// While the log is away an index is not thrown away for that; and one that had to be made
// anew is, when the log is back.
func TestLogAway(t *testing.T) {
	w, c := told(t, func(events []chat.Event) []chat.Event { return events })
	ines := w.person("Ines")
	lobby := w.public("lobby")
	w.say(ines, lobby, "a word")
	w.sync()
	w.must(w.index.Close())
	c.away.Store(true)
	config := w.index.Config
	if _, err := Open(t.Context(), w.dir, config); !errors.Is(err, errLog) {
		t.Fatal(err)
	}
	c.away.Store(false)
	c.reads.Store(0)
	var err error
	w.index, err = Open(t.Context(), w.dir, config)
	w.must(err)
	w.wants(ines.Actor(), "word", "a word")
	if n := c.reads.Load(); n > 1 { // the hit
		t.Errorf("the log was read %d times: the index was made anew", n)
	}
	w.must(w.index.Close())

	c.away.Store(true)
	x := newIndex(w.dir, config)
	if err := x.anew(t.Context()); !errors.Is(err, errLog) {
		t.Fatal(err)
	}
	x.start()
	w.index = x
	_, err = x.Search(t.Context(), ines.Actor(), Ask{Text: "word", Now: time.Now(), Limit: 10})
	if err == nil || chat.AsError(err).Code != chat.CodeUnavailable {
		t.Error(err)
	}
	w.say(ines, lobby, "another word")
	c.away.Store(false)
	w.wants(ines.Actor(), "word", "another word | a word")
}
