package storetest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"hubbub/internal/chat"
)

// testModel appends, repeats, edits and deletes at random, and holds the store
// against a slice of events for each room.
func testModel(t *testing.T, e *env) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{e: e, drafts: map[chat.RoomID][]chat.Draft{}, events: map[chat.RoomID][]chat.Event{}}
		tag := rapid.StringMatching(`[a-z]{12}`).Draw(rt, "tag")
		for i := range 2 {
			m.rooms = append(m.rooms, e.room(fmt.Sprint(tag, i)))
			m.authors = append(m.authors, e.author())
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append, "repeat": m.repeat, "edit": m.edit, "delete": m.delete, "": m.check,
		})
	})
}

type model struct {
	e       *env
	rooms   []chat.RoomID
	authors []chat.UserID
	drafts  map[chat.RoomID][]chat.Draft // as they were sent
	events  map[chat.RoomID][]chat.Event // as they should read today
}

func (m *model) put(t *rapid.T, d chat.Draft) {
	r := m.e.Append(m.e.Context(), []chat.Draft{d})[0]
	if r.Err != nil || r.Repeated || int(r.Event.Seq) != len(m.events[d.Room])+1 {
		t.Fatalf("append: %+v", r)
	}
	m.drafts[d.Room] = append(m.drafts[d.Room], d)
	m.events[d.Room] = append(m.events[d.Room], r.Event)
	if d.Kind == chat.KindMessage {
		return
	}
	target := &m.events[d.Room][d.Target-1]
	target.Revised, target.Body = r.Event.Seq, d.Body
	if d.Kind == chat.KindDelete {
		target.Deleted = true
		for i := range m.events[d.Room] {
			if m.events[d.Room][i].Target == d.Target {
				m.events[d.Room][i].Body = ""
			}
		}
	}
}

func (m *model) append(t *rapid.T) {
	body := rapid.StringOfN(rapid.Rune(), 0, 20, -1).Draw(t, "body")
	m.put(t, message(rapid.SampledFrom(m.rooms).Draw(t, "room"), rapid.SampledFrom(m.authors).Draw(t, "author"), body))
}

// target picks a message that is still there.
func (m *model) target(t *rapid.T) chat.Event {
	var there []chat.Event
	for _, room := range m.rooms {
		for _, ev := range m.events[room] {
			if ev.Kind == chat.KindMessage && !ev.Deleted {
				there = append(there, ev)
			}
		}
	}
	if len(there) == 0 {
		t.Skip("no message yet")
	}
	return rapid.SampledFrom(there).Draw(t, "target")
}

func (m *model) edit(t *rapid.T) {
	m.put(t, edit(m.target(t), rapid.String().Draw(t, "body")))
}

func (m *model) delete(t *rapid.T) { m.put(t, remove(m.target(t))) }

func (m *model) repeat(t *rapid.T) {
	room := rapid.SampledFrom(m.rooms).Draw(t, "room")
	if len(m.drafts[room]) == 0 {
		t.Skip("nothing yet")
	}
	i := rapid.IntRange(0, len(m.drafts[room])-1).Draw(t, "which")
	r := m.e.Append(m.e.Context(), []chat.Draft{m.drafts[room][i]})[0]
	if r.Err != nil || !r.Repeated || !same(r.Event, m.events[room][i]) {
		t.Fatalf("repeat: %+v, want %+v", r, m.events[room][i])
	}
}

func (m *model) check(t *rapid.T) {
	room := rapid.SampledFrom(m.rooms).Draw(t, "room")
	want := m.events[room]
	after := rapid.IntRange(0, len(want)).Draw(t, "after")
	got, err := m.e.Read(m.e.Context(), room, chat.Seq(after), len(want)+1)
	if err != nil || len(got) != len(want)-after {
		t.Fatalf("read after %d: %d of %d events, %v", after, len(got), len(want), err)
	}
	for i, ev := range got {
		if !same(ev, want[after+i]) {
			t.Fatalf("reads %+v, want %+v", ev, want[after+i])
		}
	}
}
