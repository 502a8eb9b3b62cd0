package storetest

import (
	"testing"

	"hubbub/internal/chat"
)

// Who mutes a room does so for themselves, and for good: whatever is said in it, and over
// leaving and coming back. It counts as before.
func testQuiet(t *testing.T, e *env) {
	k := newTalk(t, e)
	quiet := func(l chat.Login) bool {
		t.Helper()
		m, err := k.Access(t.Context(), l.ID, k.room)
		k.must(err)
		return m.Quiet
	}
	if quiet(k.ann) || quiet(k.ben) {
		t.Error("a new room is muted")
	}
	k.must(k.SetQuiet(t.Context(), k.ben.ID, k.room, true))
	k.say(k.ann, "@Ben?", func(d *chat.Draft) { d.Mentions = []chat.Mention{{ID: k.ben.ID, Name: "Ben"}} })
	e.reopen()
	k.env = e
	if quiet(k.ann) || !quiet(k.ben) {
		t.Errorf("muted for Ann: %v, for Ben: %v", quiet(k.ann), quiet(k.ben))
	}
	all, err := k.Memberships(t.Context(), k.ben.ID)
	if err != nil || len(all) != 1 || !all[0].Quiet || all[0].Unread != 1 || all[0].Mentions != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	k.wants(chat.CodeNotFound, k.SetQuiet(t.Context(), k.ben.ID, "nosuchroom12", true))
	k.must(k.Leave(t.Context(), k.ben.Actor(), k.room))
	k.wants(chat.CodeNotFound, k.SetQuiet(t.Context(), k.ben.ID, k.room, false))
	_, err = k.Join(t.Context(), k.ben.Actor(), k.room)
	k.must(err)
	if !quiet(k.ben) {
		t.Error("coming back unmutes")
	}
	k.must(k.SetQuiet(t.Context(), k.ben.ID, k.room, false))
	if quiet(k.ben) {
		t.Error("unmuting changes nothing")
	}
}
