package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/pgtest"
	"hubbub/internal/postgres"
	"hubbub/internal/storetest"
)

// A commit whose answer is lost is found out about before anybody is answered: what the
// server has stored is acknowledged as it was the first time, and told once; what it has
// not is stored once.
func TestLostAnswers(t *testing.T) {
	direct := fresh(t)
	w, near := newWire(t, direct)
	s := open(t, near)
	defer s.Close()
	var mu sync.Mutex
	var told []chat.Event
	s.Follow(func(events []chat.Event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, events...)
	})
	k := storetest.NewTalker(t, s)
	k.Say("the commit is prepared now")
	other := open(t, direct)
	defer other.Close()

	w.mute.Store(1)
	answer := make(chan chat.Result)
	d := k.Draft("stored, and not answered")
	go func() { answer <- s.Append(context.Background(), []chat.Draft{d})[0] }()
	cut := <-w.muted
	waitFor(t, other, k.Room, 2)
	select {
	case r := <-answer:
		t.Fatalf("answered before anybody could know: %+v", r)
	default:
	}
	cut()
	if r := <-answer; r.Err != nil || r.Repeated || r.Event.Seq != 2 || r.Event.ID != d.ID {
		t.Errorf("stored, and not answered: %+v", r)
	}

	w.lose.Store(1)
	if r := k.Say("not stored at first"); r.Err != nil || r.Repeated || r.Event.Seq != 3 {
		t.Errorf("not stored at first: %+v", r)
	}
	for _, fault := range []*atomic.Int32{&w.mute, &w.lose} {
		fault.Store(1)
		if fault == &w.mute {
			go func() { (<-w.muted)() }()
		}
		name := fmt.Sprint("Kim ", fault == &w.mute)
		if _, err := s.AddVisitor(t.Context(), storetest.Named(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.AddVisitor(t.Context(), storetest.Named(name)); err == nil {
			t.Errorf("%s was not stored", name)
		}
	}

	// What is committed behind it in the same room waits to be told.
	place, err := s.Place(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	head, err := s.Head(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	w.mute.Store(1)
	changed := make(chan error, 2)
	change := func() { changed <- s.SetSetting(context.Background(), "", chat.KindGuests, "guests", "open") }
	go change()
	cut = <-w.muted
	waitFor(t, other, place, head.Seq+1)
	go change()
	waitFor(t, other, place, head.Seq+2)
	cut()
	for range 2 {
		if err := <-changed; err != nil {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	last := map[chat.RoomID]chat.Seq{place: head.Seq}
	for _, e := range told {
		if last[e.Room]++; e.Seq != last[e.Room] {
			t.Errorf("told of %d where %d comes next", e.Seq, last[e.Room])
		}
	}
	if last[k.Room] != 3 || last[place] != head.Seq+2 {
		t.Errorf("told up to %v", last)
	}
}

// A database that was put back to an earlier state knows nothing of our lanes: what it does
// not have is not taken for stored, and the store goes on.
func TestLostLanes(t *testing.T) {
	direct := fresh(t)
	w, near := newWire(t, direct)
	s := open(t, near)
	defer s.Close()
	k := storetest.NewTalker(t, s)
	k.Say("the commit is prepared now")
	for range 2 {
		execute(t, direct, "DELETE FROM lanes")
		if r := k.Say("another"); r.Err != nil {
			t.Errorf("without a row: %+v", r)
		}
		if _, err := s.AddVisitor(t.Context(), storetest.Named(fmt.Sprint(time.Now().UnixNano()))); err != nil {
			t.Errorf("without a row: %v", err)
		}
	}
	// The row goes while a commit is on its way that gets lost.
	w.hold.Store(1)
	answer := make(chan chat.Result)
	go func() { answer <- k.Say("held") }()
	cut := <-w.muted
	conn := raw(t, direct)
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "DELETE FROM lanes"); err != nil {
		t.Fatal(err)
	}
	cut()
	if r := <-answer; r.Err != nil || r.Event.Seq != 4 {
		t.Errorf("held: %+v", r)
	}
	if head, err := s.Head(t.Context(), k.Room); err != nil || head.Seq != 4 {
		t.Errorf("the head is %v, %v", head, err)
	}
}

// waitFor waits until a room has so many events.
func waitFor(t *testing.T, s *postgres.Store, room chat.RoomID, n chat.Seq) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		head, err := s.Head(t.Context(), room)
		if err == nil && head.Seq >= n {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the head is %v, %v", head.Seq, err)
		}
	}
}

// own returns the server if a test may do with it what it likes.
func own(t *testing.T) *pgtest.Server {
	t.Helper()
	server := pgtest.Start(t)
	if !server.Ours() {
		t.Skip("the server belongs to somebody else")
	}
	return server
}

// While there is no database, senders are told to try again and readers too; when it is
// back, so is the store, with all that was acknowledged.
func TestDatabaseGone(t *testing.T) {
	server := own(t)
	s := open(t, fresh(t))
	defer s.Close()
	k := storetest.NewTalker(t, s)
	if r := k.Say("before"); r.Err != nil {
		t.Fatal(r.Err)
	}
	if err := server.Down(); err != nil {
		t.Fatal(err)
	}
	d := k.Draft("meanwhile")
	for range 3 {
		for _, r := range s.Append(t.Context(), []chat.Draft{d, k.Draft("another")}) {
			if r.Err == nil || chat.AsError(r.Err).Code != chat.CodeUnavailable {
				t.Errorf("without a database: %+v", r)
			}
		}
		if _, err := s.AddVisitor(t.Context(), storetest.Named("Nobody")); err == nil || chat.AsError(err).Code != chat.CodeUnavailable {
			t.Errorf("a visitor without a database: %v", err)
		}
		if _, err := s.Read(t.Context(), k.Room, 0, 10); err == nil || chat.AsError(err).Code != chat.CodeUnavailable {
			t.Errorf("reading without a database: %v", err)
		}
	}
	select {
	case <-s.Failed():
		t.Error("the store gave up")
	default:
	}
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	if r := s.Append(t.Context(), []chat.Draft{d})[0]; r.Err != nil || r.Event.Seq != 2 {
		t.Errorf("with a database again: %+v", r)
	}
	if events, err := s.Read(t.Context(), k.Room, 0, 10); err != nil || len(events) != 2 || events[0].Body != "before" {
		t.Errorf("%+v, %v", events, err)
	}
}

// history is what a crowd was told.
type history struct {
	mu       sync.Mutex
	acked    map[chat.EventID]chat.Seq
	meant    map[chat.EventID]bool
	told     map[*postgres.Store]map[chat.EventID]chat.Seq
	refusals int
}

// crowd has people write through some stores, each one message after the other, the same
// one until it was taken, and returns what ends that.
func crowd(t *testing.T, h *history, stores []*postgres.Store, room chat.RoomID, each int) (end func()) {
	var all sync.WaitGroup
	var done atomic.Bool
	for _, s := range stores {
		last := map[chat.RoomID]chat.Seq{}
		seen := map[chat.EventID]chat.Seq{}
		h.told[s] = seen
		s.Follow(func(events []chat.Event) {
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, e := range events {
				if e.Seq <= last[e.Room] || seen[e.ID] != 0 {
					t.Errorf("told of %d after %d, or again", e.Seq, last[e.Room])
				}
				last[e.Room] = e.Seq
				if e.Room == room {
					seen[e.ID] = e.Seq
				}
			}
		})
		for range each {
			p, err := s.AddVisitor(context.Background(), storetest.Named(fmt.Sprint("writer ", time.Now().UnixNano())))
			if err != nil {
				t.Fatal(err)
			}
			k := storetest.Talker{Store: s, Room: room, Author: p.ID}
			all.Go(func() {
				for !done.Load() {
					d := k.Draft("x")
					h.mu.Lock()
					h.meant[d.ID] = true
					h.mu.Unlock()
					for !done.Load() {
						r := s.Append(context.Background(), []chat.Draft{d})[0]
						h.mu.Lock()
						if r.Err == nil {
							h.acked[d.ID] = r.Event.Seq
						} else if h.refusals++; chat.AsError(r.Err).Code != chat.CodeUnavailable {
							t.Error(r.Err)
						}
						h.mu.Unlock()
						if r.Err == nil {
							break
						}
					}
				}
			})
		}
	}
	return func() {
		done.Store(true)
		all.Wait()
	}
}

// check holds what people were told against the log.
func (h *history) check(t *testing.T, s *postgres.Store, room chat.RoomID) {
	t.Helper()
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	stored := map[chat.EventID]chat.Seq{}
	var last chat.Seq
	for {
		page, err := s.Read(t.Context(), room, last, 5000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if last++; e.Seq != last || stored[e.ID] != 0 || !h.meant[e.ID] {
				t.Fatalf("event %d where %d comes next, or again, or of nobody", e.Seq, last)
			}
			stored[e.ID] = e.Seq
		}
	}
	for id, seq := range h.acked {
		if stored[id] != seq {
			t.Errorf("%v was acknowledged at %d and is at %d", id, seq, stored[id])
		}
	}
	for _, told := range h.told {
		for id, seq := range told {
			if stored[id] != seq {
				t.Errorf("%v was told of at %d and is at %d", id, seq, stored[id])
			}
		}
	}
	t.Logf("%d acknowledged, %d stored, %d refusals", len(h.acked), len(stored), h.refusals)
}

// kill -9 of the server's processes under load, again and again, under two stores: what
// was acknowledged is there, once, and everybody goes on.
func TestServerKilled(t *testing.T) {
	server := own(t)
	kills := 20
	if testing.Short() {
		kills = 4
	}
	url := fresh(t)
	a, b := open(t, url), open(t, url)
	defer a.Close()
	defer b.Close()
	room := storetest.NewTalker(t, a).Room
	h := &history{acked: map[chat.EventID]chat.Seq{}, meant: map[chat.EventID]bool{}, told: map[*postgres.Store]map[chat.EventID]chat.Seq{}}
	end := crowd(t, h, []*postgres.Store{a, b}, room, 8)
	progress := func() {
		t.Helper()
		h.mu.Lock()
		before := len(h.acked)
		h.mu.Unlock()
		for begun := time.Now(); ; time.Sleep(time.Millisecond) {
			h.mu.Lock()
			now := len(h.acked)
			h.mu.Unlock()
			if now >= before+50 {
				return
			}
			if time.Since(begun) > time.Minute {
				t.Fatal("nothing is stored any more\n", server.Log())
			}
		}
	}
	for i := range kills {
		progress()
		var err error
		if i%2 == 0 {
			err = killBackend(a)
		} else if err = server.Kill(); err == nil {
			err = server.Up()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	progress()
	end()
	h.check(t, a, room)
}

// killBackend kills a process of the server that writes, so that the server starts anew.
func killBackend(s *postgres.Store) error {
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		var pid int
		err := s.DB().QueryRow(`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()
			ORDER BY state = 'active' AND query ILIKE '%events%' DESC, xact_start LIMIT 1`).Scan(&pid)
		if err == nil {
			return syscall.Kill(pid, syscall.SIGKILL)
		}
		if time.Since(begun) > time.Minute {
			return err
		}
	}
}

// Two stores append to a room as fast as they can, with changes between, and readers on
// both: one order, without holes and doubles, and each store tells of its own.
func TestTwoStores(t *testing.T) {
	url := fresh(t)
	a, b := open(t, url), open(t, url)
	defer a.Close()
	defer b.Close()
	room := storetest.NewTalker(t, a).Room
	h := &history{acked: map[chat.EventID]chat.Seq{}, meant: map[chat.EventID]bool{}, told: map[*postgres.Store]map[chat.EventID]chat.Seq{}}
	end := crowd(t, h, []*postgres.Store{a, b}, room, 32)
	var changing sync.WaitGroup
	for i := range 16 { // each is an event too, in the log of the place
		changing.Go(func() {
			for range 20 {
				if err := []*postgres.Store{a, b}[i%2].SetSetting(context.Background(), "", chat.KindGuests, "guests", "open"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var orders [4][]chat.EventID
	var reading sync.WaitGroup
	for i := range orders {
		s := []*postgres.Store{a, b}[i%2]
		reading.Go(func() {
			for len(orders[i]) < 2000 {
				page, err := s.Read(context.Background(), room, chat.Seq(len(orders[i])), 1+i*50)
				if err != nil {
					t.Error(err)
					return
				}
				for _, e := range page {
					if e.Seq != chat.Seq(len(orders[i]))+1 {
						t.Errorf("reader %d: %d where %d comes next", i, e.Seq, len(orders[i])+1)
						return
					}
					orders[i] = append(orders[i], e.ID)
				}
			}
		})
	}
	reading.Wait()
	changing.Wait()
	end()
	for i := range orders {
		for n := range min(len(orders[0]), len(orders[i])) {
			if orders[i][n] != orders[0][n] {
				t.Fatalf("reader %d has another event at %d", i, n+1)
			}
		}
	}
	h.check(t, b, room)
	own := 0
	for _, told := range h.told {
		own += len(told)
		if len(told) == 0 {
			t.Error("one store told of nothing")
		}
	}
	if head, err := a.Head(t.Context(), room); err != nil || own != int(head.Seq) {
		t.Errorf("told of %d of %d events, %v", own, head.Seq, err)
	}
}

// A turn ends when the connection that holds it does, and can be taken again when the
// database is back.
func TestLostTurns(t *testing.T) {
	s := open(t, fresh(t))
	defer s.Close()
	turn, err := s.Take(t.Context(), "hooks")
	if err != nil || turn == nil {
		t.Fatalf("%v, %v", turn, err)
	}
	if _, err := s.DB().Exec("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND pid != pg_backend_pid()"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-turn.Lost():
	case <-time.After(time.Minute):
		t.Fatal("the turn goes on without its lock")
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		again, err := s.Take(t.Context(), "hooks")
		if err == nil && again != nil {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the turn can not be taken again: %v", err)
		}
	}
	turn.End()
}
