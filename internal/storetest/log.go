package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// 1. What Append returned is there after a restart.
func testDurable(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	var want []chat.Event
	for i := range 20 {
		want = append(want, e.append(message(room, ann, fmt.Sprint(i)))...)
	}
	before, err := e.Head(t.Context(), room)
	e.must(err)
	e.reopen()
	after, err := e.Head(t.Context(), room)
	e.must(err)
	if before != after || after.Epoch == "" {
		t.Errorf("the head was %v and is %v", before, after)
	}
	for i, got := range e.all(room) {
		if !same(got, want[i]) {
			t.Errorf("%+v became %+v", want[i], got)
		}
	}
	if e.append(message(room, ann, "next"))[0].Seq != 21 {
		t.Error("numbers do not go on")
	}
}

// 2. Contiguous, and whoever has seen n can read every m < n: readers chase the
// heads of rooms that many write to at once.
func testContiguous(t *testing.T, e *env) {
	const writers, rooms, each = 8, 3, 60
	ids := make([]chat.RoomID, rooms)
	for i := range ids {
		ids[i] = e.room(fmt.Sprint("room", i))
	}
	var writing, reading sync.WaitGroup
	var done atomic.Bool
	for w := range writers {
		author := e.author()
		writing.Go(func() {
			for i := range each {
				n := 1 + (w+i)%4 // batches of several sizes
				drafts := make([]chat.Draft, n)
				for k := range drafts {
					drafts[k] = message(ids[(w+i+k)%rooms], author, fmt.Sprint(w, i, k))
				}
				for _, r := range e.Append(context.Background(), drafts) {
					if r.Err != nil {
						t.Error(r.Err)
					}
				}
			}
		})
	}
	for _, id := range ids {
		for range 2 {
			reading.Go(func() {
				var seen chat.Seq
				for last := false; ; {
					page, err := e.Read(context.Background(), id, seen, 50)
					if err != nil {
						t.Error(err)
						return
					}
					for _, ev := range page {
						if seen++; ev.Seq != seen {
							t.Errorf("saw %d where %d comes next", ev.Seq, seen)
							return
						}
					}
					if len(page) == 0 {
						if last {
							return
						}
						last = done.Load()
					}
				}
			})
		}
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
	total := 0
	for _, id := range ids {
		total += len(e.all(id))
	}
	if want := writers * each * 10 / 4; total != want {
		t.Errorf("%d events are stored, %d were appended", total, want)
	}
}

func testBatchOrder(t *testing.T, e *env) {
	a, b, ann := e.room("a"), e.room("b"), e.author()
	var drafts []chat.Draft
	for i := range 50 {
		drafts = append(drafts, message(a, ann, fmt.Sprint(i)), message(b, ann, fmt.Sprint(i)))
	}
	e.append(drafts...)
	for _, room := range []chat.RoomID{a, b} {
		for i, ev := range e.all(room) {
			if ev.Body != fmt.Sprint(i) {
				t.Fatalf("%q in place %d", ev.Body, i)
			}
		}
	}
	if n := len(e.Append(t.Context(), nil)); n != 0 {
		t.Errorf("%d results for no drafts", n)
	}
}

func testRefusals(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	first := message(room, ann, "first")
	twisted := first
	twisted.Body = "another"
	results := e.Append(t.Context(), []chat.Draft{
		first,
		message("nosuchroom12", ann, "x"),
		message(room, "nosuchperson1234", "x"),
		twisted,
		{Room: room, Author: ann, Kind: chat.KindEdit, ID: newID(), Target: 99, Body: "x"},
		message(room, ann, "second"),
	})
	for i, code := range []chat.Code{"", chat.CodeNotFound, chat.CodeUnauthorized, chat.CodeConflict, chat.CodeNotFound, ""} {
		if code == "" {
			e.must(results[i].Err)
		} else {
			e.wants(code, results[i].Err)
		}
	}
	if got := e.all(room); len(got) != 2 || got[1].Body != "second" {
		t.Errorf("stored %v", got)
	}
}

// 3. The same draft again is the first event, for ever.
func testIdempotent(t *testing.T, e *env) {
	room, ann, ben := e.room("lobby"), e.author(), e.author()
	d := message(room, ann, "once")
	first := e.append(d)[0]
	again := func(d chat.Draft) {
		t.Helper()
		r := e.Append(t.Context(), []chat.Draft{d})[0]
		if r.Err != nil || !r.Repeated || !same(r.Event, first) {
			t.Errorf("again: %+v", r)
		}
	}
	again(d)
	results := e.Append(t.Context(), []chat.Draft{d, message(room, ann, "between"), d})
	if !results[0].Repeated || results[1].Repeated || !results[2].Repeated {
		t.Errorf("in one batch: %+v", results)
	}
	e.reopen()
	again(d)

	twin := message(room, ann, "twins")
	twins := e.Append(t.Context(), []chat.Draft{twin, twin})
	if twins[0].Repeated || !twins[1].Repeated || twins[0].Event.Seq != twins[1].Event.Seq {
		t.Errorf("twice in one batch: %+v", twins)
	}

	var wg sync.WaitGroup
	seqs := make([]chat.Seq, 16)
	race := message(room, ann, "raced")
	for i := range seqs {
		wg.Go(func() { seqs[i] = e.Append(context.Background(), []chat.Draft{race})[0].Event.Seq })
	}
	wg.Wait()
	for _, s := range seqs {
		if s != seqs[0] || s == 0 {
			t.Fatalf("sixteen at once: %v", seqs)
		}
	}

	d.Author = ben // an id is a matter of its author
	if r := e.Append(t.Context(), []chat.Draft{d})[0]; r.Err != nil || r.Repeated {
		t.Errorf("somebody else's: %+v", r)
	}
	if n := len(e.all(room)); n != 5 {
		t.Errorf("%d events", n)
	}
}

func testConflict(t *testing.T, e *env) {
	room, other, ann := e.room("lobby"), e.room("other"), e.author()
	d := message(room, ann, "one")
	e.append(d)
	for name, twist := range map[string]func(*chat.Draft){
		"body":   func(d *chat.Draft) { d.Body = "two" },
		"empty":  func(d *chat.Draft) { d.Body = "" },
		"room":   func(d *chat.Draft) { d.Room = other },
		"kind":   func(d *chat.Draft) { d.Kind, d.Target = chat.KindDelete, 1 },
		"target": func(d *chat.Draft) { d.Target = 1 },
	} {
		x := d
		twist(&x)
		r := e.Append(t.Context(), []chat.Draft{x})[0]
		if r.Err == nil || chat.AsError(r.Err).Code != chat.CodeConflict {
			t.Errorf("another %s: %+v", name, r)
		}
	}
	if len(e.all(room)) != 1 || len(e.all(other)) != 0 {
		t.Error("something was stored")
	}
}

// 4. At most limit, ascending, no holes; none means at the head.
func testRead(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	for i := range 10 {
		e.append(message(room, ann, fmt.Sprint(i+1)))
	}
	for _, x := range []struct{ after, limit, first, n int }{
		{0, 3, 1, 3}, {7, 100, 8, 3}, {9, 1, 10, 1}, {10, 5, 0, 0}, {99, 5, 0, 0}, {0, 10, 1, 10}, {0, 0, 0, 0},
	} {
		got, err := e.Read(t.Context(), room, chat.Seq(x.after), x.limit)
		if err != nil || len(got) != x.n || (x.n > 0 && int(got[0].Seq) != x.first) {
			t.Errorf("after %d, limit %d: %d events, %v", x.after, x.limit, len(got), err)
		}
	}
	if got, err := e.Read(t.Context(), "nosuchroom12", 0, 5); len(got) != 0 {
		t.Errorf("an unknown room: %v, %v", got, err)
	}
	_, err := e.Head(t.Context(), "nosuchroom12")
	e.wants(chat.CodeNotFound, err)
	p, err := e.Rename(t.Context(), ann, name("Ann B."))
	e.must(err)
	if got := e.all(room)[0]; got.Name != p.Name {
		t.Errorf("an old event's author is called %q", got.Name)
	}
}

// 5. The follower is told of each new event once, in order, after the commit and
// before Append returns.
func testFollow(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	var mu sync.Mutex
	told := map[chat.RoomID]chat.Seq{}
	ids := map[chat.EventID]bool{}
	// f must not call the log, so another goroutine looks for the event there.
	visible := make(chan error, 1)
	e.Follow(func(events []chat.Event) {
		mu.Lock()
		defer mu.Unlock()
		for _, ev := range events {
			if told[ev.Room]++; ev.Seq != told[ev.Room] || ids[ev.ID] {
				t.Errorf("told of %d where %d comes next, or again", ev.Seq, told[ev.Room])
			}
			ids[ev.ID] = true
		}
		last := events[len(events)-1]
		go func() {
			got, err := e.Read(context.Background(), last.Room, last.Seq-1, 1)
			if err == nil && len(got) != 1 {
				err = fmt.Errorf("told of %d, which can not be read", last.Seq)
			}
			visible <- err
		}()
		if err := <-visible; err != nil {
			t.Error(err)
		}
	})
	var wg sync.WaitGroup
	for w := range 8 {
		author, other := e.author(), e.room(fmt.Sprint("room", w%3))
		wg.Go(func() {
			for i := range 30 {
				d := []chat.Draft{message(room, author, fmt.Sprint(i)), message(other, author, fmt.Sprint(i))}
				for _, r := range e.Append(context.Background(), d) {
					mu.Lock()
					if r.Err != nil || !ids[r.Event.ID] {
						t.Errorf("returned before it was told: %+v", r)
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	d := message(room, ann, "again")
	e.append(d, d)
	e.append(d)
	if want := chat.Seq(8*30 + 1); told[room] != want {
		t.Errorf("told up to %d of %d", told[room], want)
	}
}

func testBodies(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	bodies := []string{
		"", " ", "\n", "\x00", "a\x00b", "'; DROP TABLE events; --", "日本語", "e\u0301", "\u0301", "👩‍👩‍👧‍👦",
		"\u202eשלום", "\ufeffx", "\uffff", strings.Repeat("x", chat.MaxText), strings.Repeat("é", chat.MaxText/2),
	}
	for _, b := range bodies {
		d := message(room, ann, b)
		e.append(d)
		if r := e.Append(t.Context(), []chat.Draft{d})[0]; !r.Repeated || r.Event.Body != b {
			t.Errorf("%.20q again: %.20q, %v", b, r.Event.Body, r.Err)
		}
	}
	for i, ev := range e.all(room) {
		if ev.Body != bodies[i] || ev.Author != ann || ev.Kind != chat.KindMessage {
			t.Errorf("%.20q came back as %.20q", bodies[i], ev.Body)
		}
	}
}

func edit(target chat.Event, body string) chat.Draft {
	return chat.Draft{Room: target.Room, Author: target.Author, Guest: true, Kind: chat.KindEdit, ID: newID(), Target: target.Seq, Body: body}
}

func remove(target chat.Event) chat.Draft {
	return chat.Draft{Room: target.Room, Author: target.Author, Guest: true, Kind: chat.KindDelete, ID: newID(), Target: target.Seq}
}

func testEdit(t *testing.T, e *env) {
	room, other, ann, ben := e.room("lobby"), e.room("other"), e.author(), e.author()
	original := message(room, ann, "one")
	first := e.append(original)[0]
	change := e.append(edit(first, "two"))[0]
	if change.Seq != 2 || change.Body != "two" || change.Target != 1 {
		t.Errorf("the edit is %+v", change)
	}
	e.append(edit(first, "three"))
	e.reopen()
	got := e.all(room)
	if got[0].Body != "three" || got[0].Revised != 3 || got[0].Deleted || got[1].Body != "two" || got[2].Body != "three" {
		t.Errorf("reads %+v", got)
	}
	if r := e.Append(t.Context(), []chat.Draft{original})[0]; !r.Repeated || r.Event.Seq != 1 {
		t.Errorf("the original again: %+v", r)
	}
	twisted := original
	twisted.Body = "three"
	e.wants(chat.CodeConflict, e.Append(t.Context(), []chat.Draft{twisted})[0].Err)
	hers := first
	hers.Author = ben
	there := first
	there.Room = other
	beyond := first
	beyond.Seq = 77
	for name, d := range map[string]chat.Draft{
		"somebody else's": edit(hers, "x"), "in another room": edit(there, "x"), "nothing": edit(beyond, "x"), "an edit": edit(got[1], "x"),
	} {
		if r := e.Append(t.Context(), []chat.Draft{d})[0]; r.Err == nil || chat.AsError(r.Err).Code != chat.CodeNotFound {
			t.Errorf("editing %s: %+v", name, r)
		}
	}
}

func testDelete(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	original := message(room, ann, "secret one")
	first := e.append(original)[0]
	change := edit(first, "secret two")
	e.append(change)
	gone := remove(first)
	e.append(gone, message(room, ann, "after"))
	e.reopen()
	got := e.all(room)
	if !got[0].Deleted || got[0].Revised != 3 || got[3].Body != "after" {
		t.Errorf("reads %+v", got)
	}
	for _, ev := range got[:3] {
		if ev.Body != "" {
			t.Errorf("event %d still says %q", ev.Seq, ev.Body)
		}
	}
	// Who missed the answers sends again, and must not bring anything back.
	for i, d := range []chat.Draft{original, change, gone} {
		if r := e.Append(t.Context(), []chat.Draft{d})[0]; r.Err != nil || !r.Repeated || int(r.Event.Seq) != i+1 || r.Event.Body != "" {
			t.Errorf("again: %+v", r)
		}
	}
	for _, d := range []chat.Draft{edit(first, "back"), remove(first)} {
		e.wants(chat.CodeNotFound, e.Append(t.Context(), []chat.Draft{d})[0].Err)
	}
	if n := len(e.all(room)); n != 4 {
		t.Errorf("%d events", n)
	}
}

func testTime(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	before := time.Now().Truncate(time.Millisecond)
	last := before
	for range 20 {
		ev := e.append(message(room, ann, "x"))[0]
		if ev.Time.Before(last) || ev.Time.After(time.Now()) || ev.Time.Nanosecond()%1e6 != 0 {
			t.Errorf("at %v, after %v", ev.Time, last)
		}
		last = ev.Time
	}
}

// A caller who has gone learns nothing wrong: either refused before it was
// queued, or stored.
func testContext(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stored := 0
	for range 50 {
		if e.Append(ctx, []chat.Draft{message(room, ann, "x")})[0].Err == nil {
			stored++
		}
	}
	if n := len(e.all(room)); n != stored {
		t.Errorf("%d were said to be stored, %d are", stored, n)
	}
}

func testClose(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	var wg sync.WaitGroup
	var stored atomic.Int64
	for range 8 {
		wg.Go(func() {
			for {
				r := e.Append(context.Background(), []chat.Draft{message(room, ann, "x")})[0]
				if r.Err != nil {
					e.wants(chat.CodeUnavailable, r.Err)
					return
				}
				stored.Add(1)
			}
		})
	}
	for stored.Load() < 20 {
		e.append(message(room, ann, "y"))
		stored.Add(1)
	}
	e.must(e.Store.Close())
	wg.Wait()
	_, err := e.AddVisitor(t.Context(), name("late"))
	e.wants(chat.CodeUnavailable, err)
	e.must(e.Store.Close()) // again is fine
	e.Store = e.open(t, e.place)
	if n := len(e.all(room)); int64(n) != stored.Load() {
		t.Errorf("%d were acknowledged, %d are stored", stored.Load(), n)
	}
}
