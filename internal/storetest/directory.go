package storetest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"hubbub/internal/chat"
)

// The name of a guest that will not come back is free when they leave, and
// after a crash.
func testVisitors(t *testing.T, e *env) {
	bot, err := e.AddVisitor(t.Context(), name("bot"))
	e.must(err)
	_, err = e.AddGuest(t.Context(), newcomer("Bot", "x"))
	e.wants(chat.CodeNameTaken, err)
	room := e.room("lobby")
	e.append(message(room, bot.ID, "I was here"))
	e.must(e.ReleaseName(t.Context(), bot.ID))
	second, err := e.AddVisitor(t.Context(), name("bot"))
	e.must(err)
	if second.ID == bot.ID {
		t.Error("the same person again")
	}
	e.reopen() // without a release, as after a crash
	_, err = e.AddGuest(t.Context(), newcomer("bot", "y"))
	e.must(err)
	if ev := e.all(room)[0]; ev.Author != bot.ID || ev.Name != "bot" {
		t.Errorf("the old message is by %q", ev.Name)
	}
	e.reopen()
	_, err = e.AddVisitor(t.Context(), name("bot"))
	e.wants(chat.CodeNameTaken, err) // a guest with a session keeps the name
}

// guest is somebody as who decides about them.
func guest(id chat.UserID) chat.Actor { return chat.Actor{ID: id, Role: chat.RoleGuest} }

func testRooms(t *testing.T, e *env) {
	var wg sync.WaitGroup
	ids := make([]chat.RoomID, 20)
	for i := range ids {
		wg.Go(func() {
			r, err := e.EnsureRoom(context.Background(), name("kitchen"), "")
			if err != nil {
				t.Error(err)
			}
			ids[i] = r.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || len(id) != 12 {
			t.Fatalf("twenty at once: %v", ids)
		}
	}
	for _, name := range []string{"küche", "台所", "a-b", "ab_"} {
		e.room(name)
	}
	e.append(message(ids[0], e.author(), "x"))
	e.reopen()
	r, err := e.Room(t.Context(), ids[0])
	if err != nil || r.Name != "kitchen" || r.Head != 1 || r.Created.IsZero() {
		t.Errorf("came back as %+v, %v", r, err)
	}
	_, err = e.Room(t.Context(), "nosuchroom12")
	e.wants(chat.CodeNotFound, err)
	for part, want := range map[string]string{"k": "kitchen küche", "K": "kitchen küche", "所": "台所", "_": "ab_", "%": "", "zz": ""} {
		found, err := e.Rooms(t.Context(), part, 10)
		e.must(err)
		var names []string
		for _, r := range found {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("rooms with %q: %s", part, got)
		}
	}
	if found, err := e.Rooms(t.Context(), "", 2); err != nil || len(found) != 2 || found[0].Name > found[1].Name {
		t.Errorf("two of all: %v, %v", found, err)
	}
}

func testMemberships(t *testing.T, e *env) {
	ann, ben, b, a := e.author(), e.author(), e.room("b"), e.room("a")
	e.append(message(b, ann, "1"), message(b, ann, "2"))
	m, err := e.Join(t.Context(), guest(ben), b)
	if err != nil || m.ID != b || m.Read != 2 || m.Head != 2 {
		t.Errorf("joined %+v, %v", m, err)
	}
	e.append(message(b, ann, "3"))
	if m, err = e.Join(t.Context(), guest(ben), b); err != nil || m.Read != 2 || m.Head != 3 {
		t.Errorf("joined again %+v, %v", m, err)
	}
	_, err = e.Join(t.Context(), guest(ben), a)
	e.must(err)
	_, err = e.Join(t.Context(), guest(ben), "nosuchroom12")
	e.wants(chat.CodeNotFound, err)
	_, err = e.Join(t.Context(), guest("nosuchperson1234"), a)
	e.wants(chat.CodeUnauthorized, err)
	e.reopen()
	list, err := e.Memberships(t.Context(), ben)
	if err != nil || len(list) != 2 || list[0].ID != a || list[1].ID != b || list[1].Read != 2 {
		t.Errorf("list %+v, %v", list, err)
	}
	if list, err = e.Memberships(t.Context(), ann); err != nil || len(list) != 0 {
		t.Errorf("somebody else's list: %+v, %v", list, err)
	}
}

func testKnown(t *testing.T, e *env) {
	ann, err := e.AddGuest(t.Context(), newcomer("Ann", "a"))
	e.must(err)
	ben, err := e.AddGuest(t.Context(), newcomer("Ben", "b"))
	e.must(err)
	e.must(e.SetPassword(t.Context(), ann.ID, "x"))
	e.must(e.SetPassword(t.Context(), ben.ID, "x"))
	kitchen := e.room("kitchen")
	private, err := e.NewRoom(t.Context(), chat.NewRoom{Kind: chat.RoomPrivate, Name: "plans", By: ann.Person})
	e.must(err)
	direct, err := e.NewRoom(t.Context(), chat.NewRoom{Kind: chat.RoomDirect, By: ann.Person, People: []chat.UserID{ben.ID}})
	e.must(err)
	_, err = e.Join(t.Context(), ann.Actor(), kitchen)
	e.must(err)
	known := func(id chat.UserID) map[chat.RoomID]chat.Membership {
		t.Helper()
		all, err := e.Known(t.Context(), id)
		e.must(err)
		rooms := make(map[chat.RoomID]chat.Membership)
		for _, m := range all {
			rooms[m.ID] = m
		}
		return rooms
	}
	got := known(ann.ID)
	if len(got) != 4 || got[kitchen].State != chat.StateMember || got[private].Name != "plans" || !got[private].Moderator ||
		len(got[direct].People) != 1 || got[direct].People[0].Name != "Ben" { // with the lobby
		t.Errorf("Ann knows %+v", got)
	}
	if got := known(ben.ID); len(got) != 3 || got[kitchen].State != chat.StateNone || got[direct].Kind != chat.RoomDirect {
		t.Errorf("Ben knows %+v", got)
	}
	if got := known("nosuchperson1234"); len(got) != 2 {
		t.Errorf("a stranger knows %+v", got)
	}
	e.append(chat.Draft{Room: kitchen, Author: chat.OperatorID, Kind: chat.KindArchive, ID: newID()},
		chat.Draft{Room: kitchen, Author: chat.OperatorID, Kind: chat.KindBan, ID: newID(), About: chat.Mention{ID: ben.ID}})
	if got := known(ben.ID); got[kitchen].State != chat.StateBanned || !got[kitchen].Archived {
		t.Errorf("Ben knows %+v", got)
	}
}

func testReadMarks(t *testing.T, e *env) {
	ann, room := e.author(), e.room("lobby")
	_, err := e.MarkRead(t.Context(), ann, room, 1)
	e.wants(chat.CodeNotFound, err) // not on the list
	_, err = e.Join(t.Context(), guest(ann), room)
	e.must(err)
	for range 5 {
		e.append(message(room, ann, "x"))
	}
	for _, x := range []struct{ mark, want chat.Seq }{{2, 2}, {1, 2}, {0, 2}, {4, 4}, {99, 5}, {3, 5}} {
		if got, err := e.MarkRead(t.Context(), ann, room, x.mark); err != nil || got != x.want {
			t.Errorf("marked %d: %d, %v, want %d", x.mark, got, err, x.want)
		}
	}
	_, err = e.MarkRead(t.Context(), ann, "nosuchroom12", 1)
	e.wants(chat.CodeNotFound, err)
	e.reopen()
	if list, err := e.Memberships(t.Context(), ann); err != nil || len(list) != 1 || list[0].Read != 5 {
		t.Errorf("list %+v, %v", list, err)
	}
}
