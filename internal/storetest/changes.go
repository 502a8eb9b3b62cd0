package storetest

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// told collects what a store tells, in order.
type told struct {
	mu  sync.Mutex
	all []string
}

func (w *told) changes(changes []chat.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range changes {
		w.all = append(w.all, describe(c))
	}
}

func (w *told) events(events []chat.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		w.all = append(w.all, "event "+e.Kind.String())
	}
}

func (w *told) take() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all, w.all = w.all, nil
	return all
}

// describe says what a change is in short.
func describe(c chat.Change) string {
	text := string(c.Kind)
	if c.Person.ID != "" {
		text += " of " + c.Person.Name
	}
	if len(c.Sessions) > 0 {
		text += fmt.Sprint(" ", len(c.Sessions))
	}
	if c.Range.IsValid() {
		text += " " + c.Range.String()
	}
	if c.Gone {
		text += " gone"
	}
	return text + c.Name
}

// What connections must know of is told with what made it, before whoever did it has
// an answer; what was refused is not.
func testChanges(t *testing.T, e *env) {
	var w told
	e.Follow(w.events)
	e.Watch(w.changes)
	ctx := t.Context()
	step := func(what string, err error, want ...string) {
		t.Helper()
		if got := w.take(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v; told %q, not %q", what, err, got, want)
		}
	}
	ines, omar := e.guest("Ines", "one"), e.guest("Omar", "two")
	w.take()
	e.must(e.SetPassword(ctx, ines.ID, "hash"))
	step("an account", nil, "person of Ines")
	_, err := e.SetRole(ctx, "", ines.ID, chat.RoleOwner)
	step("a role", err, "event role", "person of Ines")
	_, err = e.Rename(ctx, omar.ID, name("Omar the second"))
	step("a name", err, "event name", "person of Omar the second")
	if _, err := e.Rename(ctx, omar.ID, name("Ines")); err == nil {
		t.Error("a name was given twice")
	}
	step("a name that is taken", nil)
	second, err := e.AddSession(ctx, omar.ID, chat.HashToken("three"), "", netip.Addr{})
	e.must(err)
	step("the end of a session", e.EndSession(ctx, omar.ID, second), "sessions of  1")
	e.wants(chat.CodeNotFound, e.EndSession(ctx, omar.ID, second))
	step("the end of none", nil)
	_, err = e.EndSessions(ctx, omar.ID, omar.Session)
	step("the end of no others", err)

	b, err := e.AddBlock(ctx, chat.Block{Range: netip.MustParsePrefix("192.0.2.0/24")})
	step("a ban", err, "event block", "blocks 192.0.2.0/24")
	step("its end", e.RemoveBlock(ctx, "", b.ID), "event unblock", "blocks")
	step("a setting", e.SetSetting(ctx, ines.ID, chat.KindGuests, "guests", "open"), "event guests", "settingguests")

	room := e.private("kitchen", ines.ID, omar.ID)
	w.take()
	ban := chat.Draft{Room: room, Author: ines.ID, Kind: chat.KindBan, ID: newID(), About: chat.Mention{ID: omar.ID}}
	e.append(ban)
	step("a ban from a room", nil, "event ban", "listed of  gone")
	e.append(ban)
	step("the same again", nil)
	e.append(chat.Draft{Room: room, Author: ines.ID, Kind: chat.KindTopic, ID: newID(), Body: "soup"})
	step("what concerns nobody", nil, "event topic")

	step("what follows from nothing", e.Announce(ctx, chat.Change{Kind: chat.ChangePending, Room: room}, chat.Change{Kind: chat.ChangeListed, Person: omar.Person, Room: room}),
		"pending", "listed of Omar")
	_, err = e.Remove(ctx, ines.ID, omar.ID)
	got := w.take()
	if err != nil || !slices.Contains(got, "sessions of  1") || !slices.Contains(got, "person of Omar the second") {
		t.Errorf("a removal: %v; told %q", err, got)
	}
}

// Shared is a store to which several processes append.
type Shared interface {
	chat.Store
	chat.SharedLog
}

// RunShared holds the stores of several processes over one place to the promises of
// chat.SharedLog, beside Run.
func RunShared(t *testing.T, open func(t *testing.T, place string) Shared) {
	for name, test := range map[string]func(*testing.T, *env, Shared, Shared){
		"heads": testHeads, "changes in order": testSharedChanges, "one order for all": testOneOrder, "turns": testSharedTurns,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			place := t.TempDir()
			a, b := open(t, place), open(t, place)
			e := &env{T: t, place: place, Store: a}
			defer e.end()
			defer b.Close()
			test(t, e, a, b)
		})
	}
}

func testHeads(t *testing.T, e *env, a, b Shared) {
	ines, rooms := e.author(), []chat.RoomID{e.room("one"), e.room("two"), "nosuchroom12"}
	e.append(message(rooms[0], ines, "1"), message(rooms[0], ines, "2"))
	for _, s := range []Shared{a, b} {
		heads, err := s.Heads(t.Context(), rooms)
		if err != nil || len(heads) != 2 || heads[rooms[0]] != 2 || heads[rooms[1]] != 0 {
			t.Errorf("%v, %v", heads, err)
		}
	}
	if heads, err := a.Heads(t.Context(), nil); err != nil || len(heads) > 0 {
		t.Errorf("of nothing: %v, %v", heads, err)
	}
}

// Both processes store changes at once: whoever reads them has all, without a hole,
// however far they had read, and each is told of its own.
func testSharedChanges(t *testing.T, e *env, a, b Shared) {
	var told [2][]chat.Seq
	start, err := a.ChangesHead(t.Context())
	e.must(err)
	ines := e.guest("Ines", "token")
	var all sync.WaitGroup
	for i, s := range []Shared{a, b} {
		var mu sync.Mutex
		s.Watch(func(changes []chat.Change) {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range changes {
				told[i] = append(told[i], c.Seq)
			}
		})
		for range 4 {
			all.Go(func() {
				for k := range 20 {
					var err error
					if k%2 == 0 {
						err = s.Announce(t.Context(), chat.Change{Kind: chat.ChangePending, Room: "r"}, chat.Change{Kind: chat.ChangeBlocks, Range: netip.MustParsePrefix("192.0.2.0/24")})
					} else {
						err = s.SetSetting(t.Context(), ines.ID, chat.KindGuests, "guests", "open")
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	const want = 2 * 4 * (10*2 + 10)
	var read []chat.Change
	for begun := time.Now(); len(read) < want; {
		page, err := b.Changes(t.Context(), start+chat.Seq(len(read)), 7)
		e.must(err)
		read = append(read, page...)
		if len(page) > 7 || time.Since(begun) > time.Minute {
			t.Fatalf("%d changes came, %d at a time", len(read), len(page))
		}
	}
	all.Wait()
	for i, c := range read {
		if c.Seq != start+chat.Seq(i)+1 {
			t.Fatalf("change %d where %d comes next", c.Seq, start+chat.Seq(i)+1)
		}
		if c.Kind == chat.ChangeBlocks && c.Range.String() != "192.0.2.0/24" || c.Kind == chat.ChangeSetting && c.Name != "guests" {
			t.Errorf("change %d came as %+v", c.Seq, c)
		}
	}
	if head, err := a.ChangesHead(t.Context()); err != nil || head != start+want {
		t.Errorf("the head is %d, %v", head, err)
	}
	both := append(told[0], told[1]...)
	slices.Sort(both)
	if len(both) != want || both[0] != start+1 || len(slices.Compact(both)) != want {
		t.Errorf("%d changes were told, %d different ones", len(both), len(slices.Compact(both)))
	}
}

// Two processes append to a room as fast as they can: the numbers have no hole, each is
// told of its own in order, and both read the same.
func testOneOrder(t *testing.T, e *env, a, b Shared) {
	room, ines := e.room("kitchen"), e.author()
	const each = 100
	var told [2][]chat.Seq
	var all sync.WaitGroup
	for i, s := range []Shared{a, b} {
		s.Follow(func(events []chat.Event) {
			for _, ev := range events {
				told[i] = append(told[i], ev.Seq)
			}
		})
		for k := range 4 {
			all.Go(func() {
				for n := range each / 4 {
					for _, r := range s.Append(t.Context(), []chat.Draft{message(room, ines, fmt.Sprint(i, k, n))}) {
						if r.Err != nil {
							t.Error(r.Err)
						}
					}
				}
			})
		}
	}
	var seen []chat.Event
	for begun := time.Now(); len(seen) < 2*each; {
		page, err := b.Read(t.Context(), room, chat.Seq(len(seen)), 11)
		e.must(err)
		for _, ev := range page {
			if ev.Seq != chat.Seq(len(seen))+1 {
				t.Fatalf("event %d where %d comes next", ev.Seq, len(seen)+1)
			}
			seen = append(seen, ev)
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("%d events came", len(seen))
		}
	}
	all.Wait()
	if events := e.all(room); !slices.EqualFunc(events, seen, same) {
		t.Error("the two read something else")
	}
	for i, own := range told {
		if len(own) != each || !slices.IsSorted(own) {
			t.Errorf("process %d was told of %d events, not %d in order", i, len(own), each)
		}
	}
}
