package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// member makes somebody with an account.
func (e *env) member(called string) chat.UserID {
	e.Helper()
	l := e.guest(called, "token of "+called)
	e.must(e.SetPassword(e.Context(), l.ID, "hashed"))
	return l.ID
}

// private makes a private room.
func (e *env) private(called string, by chat.UserID, people ...chat.UserID) chat.RoomID {
	e.Helper()
	id, err := e.NewRoom(e.Context(), chat.NewRoom{Kind: chat.RoomPrivate, Name: called, By: chat.Person{ID: by, Role: chat.RoleMember}, People: people})
	e.must(err)
	return id
}

// as is somebody with an account who wants something.
func as(id chat.UserID) chat.Actor { return chat.Actor{ID: id, Role: chat.RoleMember} }

// change is a draft that changes a room.
func change(room chat.RoomID, author chat.UserID, kind chat.Kind, body string) chat.Draft {
	return chat.Draft{Room: room, Author: author, Kind: kind, ID: newID(), Body: body}
}

// to is a draft that does something to somebody.
func to(room chat.RoomID, author chat.UserID, kind chat.Kind, about chat.UserID) chat.Draft {
	d := change(room, author, kind, "")
	d.About.ID = about
	return d
}

// answers appends drafts together, and wants those codes; "" is taken.
func (e *env) answers(drafts []chat.Draft, codes ...chat.Code) []chat.Result {
	e.Helper()
	results := e.Append(e.Context(), drafts)
	for i, code := range codes {
		switch {
		case code != "":
			e.wants(code, results[i].Err)
		case results[i].Err != nil:
			e.Errorf("draft %d, %v: %v", i, drafts[i].Kind, results[i].Err)
		}
	}
	return results
}

// standing returns how somebody stands to a room.
func (e *env) standing(id chat.UserID, room chat.RoomID) chat.Standing {
	e.Helper()
	m, err := e.Access(e.Context(), id, room)
	e.must(err)
	return m.Standing
}

// 6. Rights are those of the place in the log where the draft would come, in the same
// batch too.
func testRightsInOrder(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	room := e.private("club", boss, ann)
	say := func() chat.Draft { return message(room, ann, "x") }
	e.answers([]chat.Draft{to(room, boss, chat.KindMute, ann), say()}, "", chat.CodeMuted)
	e.answers([]chat.Draft{say(), to(room, boss, chat.KindUnmute, ann), say()}, chat.CodeMuted, "", "")
	e.answers([]chat.Draft{to(room, boss, chat.KindRemove, ann), say()}, "", chat.CodeNotFound)
	e.answers([]chat.Draft{say(), to(room, boss, chat.KindAdd, ann), say()}, chat.CodeNotFound, "", "")
	e.answers([]chat.Draft{change(room, boss, chat.KindReadOnly, "on"), say(), message(room, boss, "x")}, "", chat.CodeReadOnly, "")
	e.answers([]chat.Draft{to(room, boss, chat.KindModerator, ann), say(), to(room, boss, chat.KindDismiss, ann), say()}, "", "", "", chat.CodeReadOnly)
	e.answers([]chat.Draft{change(room, boss, chat.KindReadOnly, "off"), say()}, "", "")
	e.answers([]chat.Draft{change(room, boss, chat.KindArchive, ""), say(), message(room, boss, "x"), change(room, boss, chat.KindRestore, ""), say()},
		"", chat.CodeArchived, chat.CodeArchived, "", "")
	slow := e.answers([]chat.Draft{change(room, boss, chat.KindSlow, "60"), say(), say(), message(room, boss, "x"), message(room, boss, "x")},
		"", "", chat.CodeSlowMode, "", "")
	if wait := chat.AsError(slow[2].Err).RetryAfter; wait <= 0 || wait > time.Minute {
		t.Errorf("slow mode says to wait %v", wait)
	}
	e.reopen()
	e.answers([]chat.Draft{say(), change(room, boss, chat.KindSlow, "0"), say()}, chat.CodeSlowMode, "", "")
	e.answers([]chat.Draft{to(room, ann, chat.KindMute, boss), change(room, ann, chat.KindName, "hers"), to(room, ann, chat.KindRemove, boss)},
		chat.CodeForbidden, chat.CodeForbidden, chat.CodeForbidden)
	e.answers([]chat.Draft{to(room, boss, chat.KindBan, ann), say(), to(room, boss, chat.KindAdd, ann)}, "", chat.CodeNotFound, chat.CodeConflict)
}

// A ban or a mute that has ended is none, without anybody lifting it.
func testRightsEnd(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	room := e.private("club", boss, ann)
	mute, ban := to(room, boss, chat.KindMute, ann), to(room, boss, chat.KindBan, ann)
	mute.Until, ban.Until = time.Now().Add(time.Hour), time.Now().Add(-time.Second)
	results := e.answers([]chat.Draft{mute, message(room, ann, "x")}, "", chat.CodeMuted)
	if wait := chat.AsError(results[1].Err).RetryAfter; wait < 59*time.Minute || wait > time.Hour+time.Millisecond { // the log counts in milliseconds
		t.Errorf("a mute of an hour says to wait %v", wait)
	}
	mute.ID, mute.Until = newID(), time.Now().Add(-time.Second)
	e.answers([]chat.Draft{mute, message(room, ann, "x")}, "", "")
	e.answers([]chat.Draft{ban, to(room, boss, chat.KindAdd, ann), message(room, ann, "x")}, "", "", "")
	e.reopen()
	if got := e.all(room); !slices.ContainsFunc(got, func(ev chat.Event) bool {
		return ev.Kind == chat.KindBan && ev.Until.UnixMilli() == ban.Until.UnixMilli() && ev.About.Name == "Ann"
	}) {
		t.Errorf("the ban reads %+v", got)
	}
}

// Whoever reads the log can check each decision: nothing stands behind what forbids it,
// however many write at once.
func testRightsRaced(t *testing.T, e *env) {
	boss := e.member("Boss")
	var people []chat.UserID
	for i := range 4 {
		people = append(people, e.member(fmt.Sprint("Person ", i)))
	}
	room := e.private("club", boss, people...)
	var wg sync.WaitGroup
	for _, id := range people {
		wg.Go(func() {
			for range 60 {
				e.Append(context.Background(), []chat.Draft{message(room, id, "x")})
			}
		})
		wg.Go(func() {
			for i := range 30 {
				kinds := []chat.Kind{chat.KindMute, chat.KindUnmute, chat.KindRemove, chat.KindAdd}
				e.Append(context.Background(), []chat.Draft{to(room, boss, kinds[i%len(kinds)], id)})
			}
		})
	}
	wg.Wait()
	stood, wrote := map[chat.UserID]chat.Standing{}, 0
	for _, ev := range e.all(room) {
		if id, ok := ev.Concerns(); ok {
			stood[id] = stood[id].Apply(ev)
		}
		if ev.Kind != chat.KindMessage {
			continue
		}
		wrote++
		if s := stood[ev.Author]; s.State != chat.StateMember || ev.Time.Before(s.Muted) {
			t.Errorf("event %d is by somebody who stood like %+v", ev.Seq, s)
		}
	}
	if wrote == 0 {
		t.Error("nobody got a word in")
	}
	for _, id := range people {
		if got := e.standing(id, room); got.State != stood[id].State || !got.Muted.Equal(stood[id].Muted) {
			t.Errorf("stands like %+v, by the log %+v", got, stood[id])
		}
	}
}

// Changes of a room are events; what the directory says is what they come to.
func testRoomChanges(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	made, err := e.EnsureRoom(t.Context(), name("kitchen"), boss)
	e.must(err)
	for _, id := range []chat.UserID{boss, ann} {
		_, err := e.Join(t.Context(), as(id), made.ID)
		e.must(err)
	}
	rename := change(made.ID, boss, chat.KindName, "canteen")
	rename.Key = "canteen"
	e.append(
		rename, change(made.ID, boss, chat.KindTopic, "Mind the step"), change(made.ID, boss, chat.KindSlow, "30"),
		change(made.ID, boss, chat.KindReadOnly, "on"), change(made.ID, boss, chat.KindGuestsWait, "on"),
		change(made.ID, boss, chat.KindKeep, "1000 messages"), change(made.ID, boss, chat.KindArchive, ""),
	)
	want := chat.Room{
		ID: made.ID, Kind: chat.RoomPublic, Name: "canteen", Topic: "Mind the step", Archived: true, ReadOnly: true, GuestsWait: true,
		Slow: 30 * time.Second, Keep: chat.Keep{Messages: 1000}, By: chat.Mention{ID: boss, Name: "Boss"}, Created: made.Created, Members: 2, Head: 7,
	}
	for range 2 {
		if got, err := e.Room(t.Context(), made.ID); err != nil || got != want {
			t.Errorf("the room is %+v, not %+v, %v", got, want, err)
		}
		e.reopen()
	}
	replayed := made
	for _, ev := range e.all(made.ID) {
		replayed.Apply(ev)
		replayed.Head = ev.Seq
	}
	if replayed.Members = 2; replayed != want {
		t.Errorf("its log comes to %+v", replayed)
	}
	if found, err := e.Rooms(t.Context(), "", 10); err != nil || slices.ContainsFunc(found, func(r chat.Room) bool { return r.ID == made.ID }) {
		t.Errorf("an archived room is listed: %+v, %v", found, err)
	}
	if all, err := e.AllRooms(t.Context()); err != nil || !slices.ContainsFunc(all, func(r chat.Room) bool { return r == want }) {
		t.Errorf("all rooms are %+v, %v", all, err)
	}
	e.answers([]chat.Draft{change(made.ID, boss, chat.KindArchive, ""), change(made.ID, ann, chat.KindRestore, ""), change(made.ID, boss, chat.KindRestore, ""), change(made.ID, boss, chat.KindRestore, "")},
		chat.CodeConflict, chat.CodeForbidden, "", chat.CodeConflict)
}

// A change that is sent again is the one that was made, whatever was changed since.
func testRepeatedChanges(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	room := e.private("club", boss, ann)
	first := message(room, boss, "x")
	said := e.append(first)[0]
	ben := e.member("Ben")
	gone := remove(said)
	drafts := []chat.Draft{
		change(room, boss, chat.KindName, "den"), change(room, boss, chat.KindTopic, "x"), change(room, boss, chat.KindSlow, "5"), change(room, boss, chat.KindSlow, "0"),
		change(room, boss, chat.KindReadOnly, "on"), change(room, boss, chat.KindReadOnly, "off"), change(room, boss, chat.KindGuestsWait, "on"),
		change(room, boss, chat.KindKeep, "30 days"), change(room, boss, chat.KindArchive, ""), change(room, boss, chat.KindRestore, ""),
		to(room, boss, chat.KindAdd, ben), to(room, boss, chat.KindMute, ben), to(room, boss, chat.KindUnmute, ben),
		to(room, boss, chat.KindModerator, ben), to(room, boss, chat.KindDismiss, ben), edit(said, "y"), gone,
		to(room, boss, chat.KindRemove, ben), to(room, boss, chat.KindBan, ben), to(room, boss, chat.KindUnban, ben),
	}
	made := e.append(drafts...)
	before := e.all(room)
	e.reopen()
	for i, r := range e.Append(t.Context(), drafts) {
		if r.Err != nil || !r.Repeated || r.Event.Seq != made[i].Seq || r.Event.About.ID != drafts[i].About.ID {
			t.Errorf("%v again: %+v", drafts[i].Kind, r)
		}
	}
	if after := e.all(room); len(after) != len(before) {
		t.Errorf("%d events became %d", len(before), len(after))
	}
	mute := to(room, boss, chat.KindMute, ann)
	e.append(mute)
	other := mute
	other.About.ID = e.member("Kim")
	louder := mute
	louder.Body = "another reason"
	elsewhere := drafts[1]
	elsewhere.Room = e.private("other", boss)
	e.append(to(room, boss, chat.KindAdd, other.About.ID))
	e.answers([]chat.Draft{other, louder, elsewhere}, chat.CodeConflict, chat.CodeConflict, chat.CodeConflict)
}

// A private room in which somebody is left has a moderator: the one who has been there
// longest, and an account before a guest.
func testSuccession(t *testing.T, e *env) {
	boss, ann, ben, guest := e.member("Boss"), e.member("Ann"), e.member("Ben"), e.guest("Guest", "guest").ID
	room := e.private("club", boss, guest, ann, ben)
	moderators := func() []chat.UserID {
		all, err := e.Moderators(t.Context(), room)
		e.must(err)
		return all
	}
	e.answers([]chat.Draft{to(room, boss, chat.KindDismiss, boss)}, chat.CodeConflict)
	e.must(e.Leave(t.Context(), as(boss), room))
	if got := moderators(); !slices.Equal(got, []chat.UserID{ann}) {
		t.Errorf("behind the maker comes %v", got)
	}
	last := e.all(room)
	if l, m := last[len(last)-2], last[len(last)-1]; l.Kind != chat.KindLeave || m.Kind != chat.KindModerator || m.Author != chat.OperatorID || m.About.ID != ann {
		t.Errorf("the log says %+v, %+v", l, m)
	}
	_, err := e.Remove(t.Context(), "", ann)
	e.must(err)
	if got := moderators(); !slices.Equal(got, []chat.UserID{ben}) {
		t.Errorf("behind who was put out comes %v", got)
	}
	e.answers([]chat.Draft{to(room, chat.OperatorID, chat.KindBan, ben)}, "")
	if got := moderators(); !slices.Equal(got, []chat.UserID{guest}) {
		t.Errorf("behind who was banned comes %v", got)
	}
	e.must(e.Leave(t.Context(), chat.Actor{ID: guest, Role: chat.RoleGuest}, room))
	if got := moderators(); len(got) != 0 {
		t.Errorf("an empty room is moderated by %v", got)
	}
	e.answers([]chat.Draft{to(room, chat.OperatorID, chat.KindAdd, boss)}, "")
	if got := moderators(); !slices.Equal(got, []chat.UserID{boss}) {
		t.Errorf("whoever is let into an empty room is none: %v", got)
	}
}
