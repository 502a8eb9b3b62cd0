package api_test

import (
	"strings"
	"testing"

	"hubbub/internal/wire"
)

// Who mutes a room does so for themselves, on all their connections, and it counts as
// before.
func TestMutedRooms(t *testing.T) {
	v := newVillage(t)
	secret := v.newRoom(v.mia, "private", "secret", v.ben.id)
	var talk struct{ Room wire.Joined }
	v.ask("POST", "/api/direct", map[string]any{"people": []string{v.ben.id}}, &talk, v.mia.header)
	direct := string(talk.Room.ID)
	desk, _ := v.v1(v.ben)
	phone, _ := v.v1(v.ben)
	mias, _ := v.v1(v.mia)
	for _, room := range []string{secret, direct} {
		mine := "/api/me/rooms/" + room
		set := func(change map[string]bool) bool {
			var said struct{ Room wire.Joined }
			v.ask("PATCH", mine, change, &said, v.ben.header)
			if string(said.Room.ID) != room {
				t.Errorf("%v is answered by %+v", change, said)
			}
			return said.Room.Quiet
		}
		for _, quiet := range []bool{true, false, true} {
			if got := set(map[string]bool{"quiet": quiet}); got != quiet {
				t.Errorf("asked for %v: %v", quiet, got)
			}
			for where, s := range map[string]*rawSocket{"desk": desk, "phone": phone} {
				words := []string{`{"joined":{"id":"` + room}
				if quiet { // what came before may still be on its way
					words = append(words, `"quiet":true`)
				}
				if got := s.until(words...); strings.Contains(got, `"quiet":true`) != quiet {
					t.Errorf("%s, asked for %v: %s", where, quiet, got)
				}
			}
		}
		if !set(map[string]bool{}) {
			t.Error("asking for nothing unmutes")
		}
		v.say(v.mia, room, "@Ben are you there?")
		if m := v.about(v.ben, room); !m.Quiet || m.Unread != 1 || m.Mentions != 1 {
			t.Errorf("as Ben has it: %+v", m)
		}
		if got := desk.tell(`{"open":{"room":"` + room + `"}}`); !strings.Contains(got, `"opened":{"room":"`+room) || !strings.Contains(got, `"quiet":true`) {
			t.Errorf("opened: %s", got)
		}
		if v.about(v.mia, room).Quiet {
			t.Error("it is muted for Mia too")
		}
		if got := v.code(v.ben, "PATCH", mine, map[string]string{"quiet": "yes"}); got != "bad_frame" {
			t.Errorf("nonsense: %s", got)
		}
	}
	var list struct{ Rooms []wire.Joined }
	v.ask("GET", "/api/me/rooms", nil, &list, v.ben.header)
	for _, m := range list.Rooms {
		if muted := string(m.ID) == secret || string(m.ID) == direct; m.Quiet != muted {
			t.Errorf("on the list: %+v", m)
		}
	}
	if got := mias.tell(`{"typing":{"room":"` + secret + `"}}`); strings.Contains(got, "quiet") {
		t.Errorf("Mia hears of it: %s", got)
	}
}

// Nobody mutes what is not on their list, and what they may not know of is not there.
// A token must be for reading, and for that room.
func TestMutedRoomsOfOthers(t *testing.T) {
	v := newVillage(t)
	kitchen := v.newRoom(v.mia, "public", "kitchen")
	secret := v.newRoom(v.mia, "private", "secret")
	quiet := map[string]bool{"quiet": true}
	try := func(who *human, room, want string) {
		t.Helper()
		if got := v.code(who, "PATCH", "/api/me/rooms/"+room, quiet); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	try(v.ben, kitchen, "forbidden")
	if v.about(v.ben, kitchen).Quiet {
		t.Error("refused, and done")
	}
	for _, who := range []*human{v.ben, v.olga} {
		try(who, secret, "not_found")
		try(who, nowhere, "not_found")
	}
	v.newRoom(v.ben, "public", "kitchen")
	try(v.ben, kitchen, "ok")
	v.ask("POST", "/api/rooms/"+kitchen+"/leave", nil, nil, v.ben.header)
	try(v.ben, kitchen, "forbidden")

	bot := v.bot(v.olga, "reader", []string{"read", "rooms"})
	v.newRoom(bot, "public", "kitchen")
	try(bot, kitchen, "ok")
	writer := &human{v.botToken(v.olga, bot.id, []string{"write", "rooms"}), bot.id}
	try(writer, kitchen, "forbidden")
	elsewhere := &human{v.botToken(v.olga, bot.id, everything, v.newRoom(v.olga, "public", "garden")), bot.id}
	try(elsewhere, kitchen, "forbidden")
}
