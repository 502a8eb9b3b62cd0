package storetest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"hubbub/internal/chat"
)

// testUnread writes, mentions, erases, reads, joins and leaves at random, and holds the
// counts of each list against a model that counts anew each time.
func testUnread(t *testing.T, e *env) {
	boss, people := e.member("Boss"), []chat.UserID{e.member("Ann"), e.member("Ben")}
	rapid.Check(t, func(rt *rapid.T) {
		m := &reading{e: e, boss: boss, people: people, read: map[chat.UserID]chat.Seq{}}
		m.room = e.private("club", m.boss, m.people...)
		m.events = len(m.people)
		m.read[m.boss] = 0
		for i, id := range m.people {
			m.read[id] = chat.Seq(i) // the mark of who is added stands where the event came
		}
		m.settle(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"say": m.say, "say2": m.say, "change": m.change, "erase": m.erase, "edit": m.edit, "mark": m.mark, "come or go": m.move, "": m.check,
		})
	})
}

type reading struct {
	e      *env
	room   chat.RoomID
	boss   chat.UserID
	people []chat.UserID
	events int
	said   []addressed
	read   map[chat.UserID]chat.Seq // of those who are in the room
}

// addressed is a message, and whom it reached.
type addressed struct {
	chat.Event
	to     map[chat.UserID]bool
	erased bool
}

func (m *reading) all() []chat.UserID { return append([]chat.UserID{m.boss}, m.people...) }

// settle takes over where marks stand: a store may count the event that brings somebody
// as read, or not.
func (m *reading) settle(t *rapid.T) {
	for id := range m.read {
		a, err := m.e.Access(m.e.Context(), id, m.room)
		if err != nil || a.Read > chat.Seq(m.events) {
			t.Fatalf("%+v, %v", a, err)
		}
		m.read[id] = a.Read
	}
}

func (m *reading) put(t *rapid.T, d chat.Draft) chat.Event {
	r := m.e.Append(m.e.Context(), []chat.Draft{d})[0]
	if r.Err != nil {
		t.Fatalf("%v: %v", d.Kind, r.Err)
	}
	m.events++
	return r.Event
}

func (m *reading) say(t *rapid.T) {
	d, a := message(m.room, m.boss, "x"), addressed{to: map[chat.UserID]bool{}}
	for _, id := range m.all() {
		if rapid.Bool().Draw(t, "mention") {
			d.Mentions = append(d.Mentions, chat.Mention{ID: id, Name: "x"})
			_, in := m.read[id]
			a.to[id] = in && id != d.Author
		}
	}
	a.Event = m.put(t, d)
	m.said = append(m.said, a)
}

func (m *reading) change(t *rapid.T) {
	m.put(t, change(m.room, m.boss, chat.KindTopic, rapid.StringMatching(`[a-z]{3}`).Draw(t, "topic")))
}

func (m *reading) pick(t *rapid.T) *addressed {
	var there []int
	for i, a := range m.said {
		if !a.erased {
			there = append(there, i)
		}
	}
	if len(there) == 0 {
		t.Skip("no message yet")
	}
	return &m.said[rapid.SampledFrom(there).Draw(t, "which")]
}

func (m *reading) erase(t *rapid.T) {
	a := m.pick(t)
	m.put(t, remove(a.Event))
	a.erased = true
}

func (m *reading) edit(t *rapid.T) { m.put(t, edit(m.pick(t).Event, "y")) }

func (m *reading) mark(t *rapid.T) {
	id := rapid.SampledFrom(m.all()).Draw(t, "who")
	to := chat.Seq(rapid.IntRange(0, m.events+2).Draw(t, "to"))
	got, err := m.e.MarkRead(m.e.Context(), id, m.room, to)
	was, in := m.read[id]
	if !in {
		if err == nil || chat.AsError(err).Code != chat.CodeNotFound {
			t.Fatalf("who is not there read: %v", err)
		}
		return
	}
	if m.read[id] = max(was, min(to, chat.Seq(m.events))); err != nil || got != m.read[id] {
		t.Fatalf("from %d to %d of %d: %d, %v", was, to, m.events, got, err)
	}
}

// move has somebody added or removed: what they did not read is then read.
func (m *reading) move(t *rapid.T) {
	id := rapid.SampledFrom(m.people).Draw(t, "who")
	if _, in := m.read[id]; in {
		m.put(t, to(m.room, m.boss, chat.KindRemove, id))
		delete(m.read, id)
		for _, a := range m.said {
			a.to[id] = false
		}
		return
	}
	m.put(t, to(m.room, m.boss, chat.KindAdd, id))
	m.read[id] = chat.Seq(m.events)
	a, err := m.e.Access(m.e.Context(), id, m.room)
	if err != nil || a.Read != m.read[id] || a.Unread != 0 || a.Mentions != 0 {
		t.Fatalf("who comes has %+v, %v", a, err)
	}
}

func (m *reading) check(t *rapid.T) {
	for id, read := range m.read {
		unread, mentions := 0, 0
		for _, a := range m.said {
			if a.Seq > read {
				unread++
				if a.to[id] && !a.erased {
					mentions++
				}
			}
		}
		a, err := m.e.Access(m.e.Context(), id, m.room)
		if err != nil || a.Read != read || a.Unread != unread || a.Mentions != mentions || int(a.Head) != m.events {
			t.Fatalf("read %d of %d: %+v, want %d unread and %d mentions, %v", read, m.events, a, unread, mentions, err)
		}
	}
}

// However far a mark moves, and from whichever end it is counted, the count is right.
func testMarks(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	room := e.private("club", boss, ann)
	var drafts []chat.Draft
	for i := range 400 {
		if i%3 == 0 {
			drafts = append(drafts, change(room, boss, chat.KindTopic, fmt.Sprint(i)))
		} else {
			drafts = append(drafts, message(room, boss, "x"))
		}
	}
	e.append(drafts...)
	all := e.all(room)
	for _, seq := range []chat.Seq{3, 4, 20, 21, 390, 391, 400, 401} {
		read, err := e.MarkRead(t.Context(), ann, room, seq)
		e.must(err)
		want := 0
		for _, ev := range all[read:] {
			if ev.Kind == chat.KindMessage {
				want++
			}
		}
		if m, err := e.Access(t.Context(), ann, room); err != nil || read != seq || m.Unread != want {
			t.Errorf("read to %d: %d unread, not %d, %v", read, m.Unread, want, err)
		}
	}
}
