package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// village is a server with an owner and two members.
type village struct {
	*running
	olga, mia, ben *human
}

func newVillage(t *testing.T, change ...func(*server.Config)) *village {
	t.Helper()
	r := serve(t, append(change, func(c *server.Config) { c.NoLimits = true })...)
	return &village{r, r.human(r.owner()), r.human(r.member("Mia")), r.human(r.member("Ben"))}
}

// code makes a request, and returns "ok" or the code of the refusal.
func (r *running) code(by *human, method, path string, body any, header ...string) string {
	r.t.Helper()
	b, _ := json.Marshal(body)
	resp, said := r.do(method, path, string(b), append(header, by.header)...)
	if resp.StatusCode < 300 {
		return "ok"
	}
	return errorCode(said)
}

// about reads a room as somebody has it.
func (r *running) about(by *human, room string) wire.Joined {
	r.t.Helper()
	var made struct{ Room wire.Joined }
	r.ask("GET", "/api/rooms/"+room, nil, &made, by.header)
	return made.Room
}

func (r *running) events(by *human, room string) []wire.Event {
	r.t.Helper()
	var page struct{ Events []wire.Event }
	r.ask("GET", "/api/rooms/"+room+"/events?limit=500", nil, &page, by.header)
	return page.Events
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// No way to name a room lets a hostile name in.
func TestHostileRoomNames(t *testing.T) {
	v := newVillage(t)
	lobby := v.newRoom(v.mia, "public", "lobby")
	kitchen := v.newRoom(v.mia, "public", "kitchen")
	secret := v.newRoom(v.mia, "private", "secret")
	s, _ := v.v1(v.mia)
	for name, want := range map[string]string{
		"": "bad_room_name", strings.Repeat("x", 300): "bad_room_name", "everyone": "bad_room_name", "lоbby": "bad_room_name", // a Cyrillic о
		"Iobby": "room_exists", "1obby": "room_exists", "ｌｏｂｂｙ": "room_exists", "кitchen": "bad_room_name",
		"../x": "bad_room_name", "..%2f": "bad_room_name", "a\x00b": "bad_room_name", "a/b": "bad_room_name", `a\b`: "bad_room_name",
		"\u202eybbol": "bad_room_name", "lobby\u200b": "bad_room_name", "lob\u034fby": "bad_room_name", "\u3164": "bad_room_name",
		"😀": "bad_room_name", "kitchen😀": "bad_room_name",
	} {
		if got := v.code(v.mia, "POST", "/api/rooms", map[string]string{"name": name}); got != want {
			t.Errorf("made as %q: %s", name, got)
		}
		if got := v.code(v.mia, "PATCH", "/api/rooms/"+kitchen, map[string]string{"name": name}); got != want {
			t.Errorf("renamed to %q: %s", name, got)
		}
		private := v.code(v.mia, "PATCH", "/api/rooms/"+secret, map[string]string{"name": name})
		if want == "bad_room_name" && private != want || want == "room_exists" && private != "ok" { // nobody could compare them
			t.Errorf("a private room renamed to %q: %s", name, private)
		}
		if got := s.tell(`{"open":{"name":` + quoted(name) + `}}`); name != "" && !strings.Contains(got, `"code":"`+want+`"`) {
			t.Errorf("opened as %q: %s", name, got)
		}
		if got := v.code(v.mia, "POST", "/api/invites", map[string]string{"room": name}); name != "" && got != want {
			t.Errorf("invited to %q: %s", name, got)
		}
		resp, body := v.do("GET", "/rooms/"+url.PathEscape(name), "", upgrade...)
		if resp.StatusCode < 400 || errorCode(body) != want {
			t.Errorf("plain at %q: %d %s", name, resp.StatusCode, body)
		}
	}
	if got := v.code(v.mia, "PATCH", "/api/rooms/"+kitchen, map[string]string{"name": "lobby"}); got != "room_exists" {
		t.Errorf("renamed onto another: %s", got)
	}
	if got := v.code(v.olga, "PATCH", "/api/rooms/"+lobby, map[string]string{"name": "hall"}); got != "conflict" {
		t.Errorf("the lobby renamed: %s", got)
	}
	a, b := v.newRoom(v.mia, "private", "secret"), v.newRoom(v.ben, "private", "kitchen")
	if a == secret || b == kitchen {
		t.Error("private rooms of one name are one")
	}
	// Nobody learns from a name that somebody else has a private room of that name.
	if got := v.code(v.ben, "POST", "/api/rooms", map[string]string{"name": "secret"}); got != "ok" {
		t.Errorf("a public room with the name of a private one: %s", got)
	}
	var found struct{ Rooms []struct{ Name string } }
	v.ask("GET", "/api/rooms", nil, &found, v.ben.header)
	var names []string
	for _, r := range found.Rooms {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "kitchen lobby secret" {
		t.Errorf("there are %s", got)
	}
}

func TestDirectConversations(t *testing.T) {
	v := newVillage(t)
	direct := func(by *human, people ...string) (string, string) {
		b, _ := json.Marshal(map[string]any{"people": append([]string{}, people...)})
		resp, said := v.do("POST", "/api/direct", string(b), by.header)
		if resp.StatusCode >= 300 {
			return "", errorCode(said)
		}
		var made struct{ Room wire.Joined }
		json.Unmarshal([]byte(said), &made)
		return string(made.Room.ID), fmt.Sprint(made.Room.Kind, made.Room.Members)
	}
	mirror, _ := v.v1(v.ben)
	room, is := direct(v.mia, v.ben.id)
	if is != "direct2" {
		t.Errorf("it is %s", is)
	}
	mirror.until(`{"joined":{"id":"` + room + `"`)
	for _, people := range [][]string{{v.mia.id}, {v.mia.id, v.mia.id}, {v.mia.id, v.ben.id}} {
		if again, _ := direct(v.ben, people...); again != room {
			t.Errorf("with %v it is another one", people)
		}
	}
	if three, _ := direct(v.mia, v.ben.id, v.olga.id); three == room {
		t.Error("with a third it is the same")
	}
	var crowd []string
	for i := range chat.MaxDirect + 1 {
		crowd = append(crowd, v.human(v.guest(fmt.Sprintf("Guest %c", 'A'+i))).id)
	}
	for _, x := range []struct {
		people []string
		want   string
	}{
		{nil, "too_many"}, {[]string{v.mia.id}, "too_many"}, {crowd, "too_many"}, {[]string{"nobody"}, "not_found"},
		{[]string{"operator"}, "not_found"}, {crowd[1:], "direct9"},
	} {
		if _, got := direct(v.mia, x.people...); got != x.want {
			t.Errorf("with %d: %s, not %s", len(x.people), got, x.want)
		}
	}
	for what, want := range map[string]string{"POST /leave": "forbidden", "PUT /members/" + v.olga.id: "forbidden", "DELETE /members/" + v.ben.id: "forbidden", "PATCH ": "forbidden"} {
		method, path, _ := strings.Cut(what, " ")
		if got := v.code(v.mia, method, "/api/rooms/"+room+path, map[string]string{"topic": "x"}); got != want {
			t.Errorf("%s: %s", what, got)
		}
	}
	if me := v.about(v.mia, room); me.Name != "" || len(me.People) != 1 || me.People[0].Name != "Ben" {
		t.Errorf("it shows as %+v", me)
	}
}

// Whoever is put out, or goes, finds it on every device at once, and comes back as the
// room's kind allows.
func TestGoingAndComing(t *testing.T) {
	v := newVillage(t)
	for _, kind := range []string{"public", "private"} {
		room := v.newRoom(v.mia, kind, "kitchen", v.ben.id)
		at := "/api/rooms/" + room
		one, _ := v.v1(v.ben)
		two, _ := v.v1(v.ben)
		open := `{"open":{"room":"` + room + `","last":1}}`
		for _, x := range []struct{ method, path, reason, join string }{
			{"DELETE", "/members/" + v.ben.id, "removed", "ok"},
			{"PUT", "/bans/" + v.ben.id, "banned", "banned"},
			{"POST", "/leave", "left", "ok"},
		} {
			v.do("DELETE", at+"/bans/"+v.ben.id, "", v.mia.header)
			v.do("PUT", at+"/members/"+v.ben.id, "", v.mia.header)
			for _, s := range []*rawSocket{one, two} {
				if got := s.tell(open); !strings.Contains(got, `{"opened":`) {
					t.Fatalf("%s, %s: %s", kind, x.reason, got)
				}
			}
			by := v.mia
			if x.reason == "left" {
				by = v.ben
			}
			v.ask(x.method, at+x.path, map[string]string{"reason": "why"}, nil, by.header)
			v.say(v.mia, room, "canary")
			for _, s := range []*rawSocket{one, two} {
				s.until(`{"left":{"room":"`+room+`"`, x.reason)
				if got := s.tell(""); strings.Contains(got, "canary") {
					t.Errorf("%s, %s: heard %s", kind, x.reason, got)
				}
			}
			state := v.code(v.ben, "GET", at, nil)
			join := v.code(v.ben, "POST", at+"/join", nil)
			if kind == "private" {
				x.join = "not_found"
				if state != "not_found" {
					t.Errorf("%s: there is still %s", x.reason, state)
				}
			}
			if join != x.join {
				t.Errorf("%s, %s: joining again: %s", kind, x.reason, join)
			}
			if x.join == "ok" && v.about(v.ben, room).You.State != "member" {
				t.Errorf("%s, %s: joined, and no member", kind, x.reason)
			}
		}
	}
}

func TestBanByAddress(t *testing.T) {
	v := newVillage(t, behind)
	home := from("192.0.2.1")
	listens := func(addr string) *rawSocket {
		return v.rawSocket("/", http.Header{"Authorization": {"Bearer " + v.ben.token()}, "X-Forwarded-For": {addr}}, wire.Subprotocol)
	}
	bad, worse, good := listens("203.0.113.9"), listens("2001:db8:1:2:3::4"), listens("198.51.100.1")
	for _, s := range []*rawSocket{bad, worse, good} {
		s.tell(`{"hello":{}}`)
	}
	block := func(text string) string {
		return v.code(v.olga, "POST", "/api/blocks", map[string]any{"range": text, "reason": "flood", "for": 3600}, home)
	}
	for text, want := range map[string]string{
		"192.0.2.1": "conflict", "192.0.2.0/24": "conflict", "::ffff:192.0.2.1": "conflict", // one's own
		"0.0.0.0/0": "bad_frame", "10.0.0.0/7": "bad_frame", "::/0": "bad_frame", "nonsense": "bad_frame", "": "bad_frame", "203.0.113.0/33": "bad_frame",
		"203.0.113.0/24": "ok", "2001:db8:1:2::1": "ok",
	} {
		if got := block(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
	if got := v.code(v.mia, "POST", "/api/blocks", map[string]any{"range": "198.51.100.0/24"}, home); got != "forbidden" {
		t.Errorf("a member bans addresses: %s", got)
	}
	for _, s := range []*rawSocket{bad, worse} {
		if got := s.tell(""); !strings.Contains(got, "closed 1008") {
			t.Errorf("a banned socket: %s", got)
		}
	}
	if got := good.tell(""); got != "" {
		t.Errorf("another socket: %s", got)
	}
	for addr, want := range map[string]string{"203.0.113.200": "banned", "2001:db8:1:2:ffff::1": "banned", "2001:db8:1:3::1": "ok", "198.51.100.1": "ok", "::ffff:203.0.113.7": "banned"} {
		if got := v.code(v.ben, "GET", "/api/me", nil, from(addr)); got != want {
			t.Errorf("%s asks: %s", addr, got)
		}
		for _, header := range [][]string{{}, {"Sec-WebSocket-Protocol: hubbub.v1"}} {
			resp, body := v.do("GET", "/?token="+v.ben.token(), "", append(append(upgrade[:4:4], header...), from(addr))...)
			if (resp.StatusCode == 101) != (want == "ok") {
				t.Errorf("%s shakes hands: %d %s", addr, resp.StatusCode, body)
			}
		}
		if resp, _ := v.do("GET", "/", "", from(addr)); (resp.StatusCode == 403) != (want == "banned") {
			t.Errorf("%s gets the page: %d", addr, resp.StatusCode)
		}
	}
	var all struct {
		Blocks []struct{ ID, Range string }
	}
	v.ask("GET", "/api/blocks", nil, &all, v.olga.header, home)
	for _, b := range all.Blocks {
		v.ask("DELETE", "/api/blocks/"+b.ID, nil, nil, v.olga.header, home)
	}
	if got := v.code(v.ben, "GET", "/api/me", nil, from("203.0.113.200")); got != "ok" || len(all.Blocks) != 2 {
		t.Errorf("after %v was lifted: %s", all.Blocks, got)
	}
}

func TestWaitingGuests(t *testing.T) {
	v := newVillage(t)
	room := v.newRoom(v.mia, "public", "salon")
	at := "/api/rooms/" + room
	v.ask("PATCH", at, map[string]bool{"guests_wait": true}, nil, v.mia.header)
	gus := v.human(v.guest("Gus"))
	moderator, _ := v.v1(v.mia)
	guest, _ := v.v1(gus)
	if got := guest.tell(`{"open":{"name":"salon"}}`); !strings.Contains(got, `"code":"waiting"`) {
		t.Errorf("the guest opens it: %s", got)
	}
	moderator.until(`{"report":{"room":"`+room+`"`, `"waiting":1`)
	if got := v.about(gus, room).You; got.State != "waiting" || slices.Contains(got.Can, "read") {
		t.Errorf("they are %+v", got)
	}
	for _, path := range []string{"/events", "/members"} {
		if got := v.code(gus, "GET", at+path, nil); got != "waiting" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if resp, body := v.do("GET", "/rooms/salon", "", upgrade...); errorCode(body) != "waiting" {
		t.Errorf("plain: %d %s", resp.StatusCode, body)
	}
	if got := v.code(v.ben, "PUT", at+"/waiting/"+gus.id, nil); got != "forbidden" {
		t.Errorf("anybody lets them in: %s", got)
	}
	v.ask("POST", at+"/join", nil, nil, v.ben.header)
	if got := v.code(v.ben, "PUT", at+"/members/"+gus.id, nil); got != "forbidden" {
		t.Errorf("a member adds them: %s", got)
	}
	v.ask("PUT", at+"/waiting/"+gus.id, nil, nil, v.mia.header)
	guest.until(`{"joined":{"id":"` + room + `"`)
	moderator.until(`{"report":{"room":"`+room+`"`, `"waiting":0`)
	if got := guest.tell(`{"open":{"room":"` + room + `"}}`); !strings.Contains(got, `{"opened":`) {
		t.Errorf("who was let in: %s", got)
	}
	other := v.human(v.guest("Otto"))
	if got := v.code(other, "POST", at+"/join", nil); got != "ok" || v.about(other, room).You.State != "waiting" {
		t.Errorf("another joins: %s", got)
	}
	v.ask("DELETE", at+"/waiting/"+other.id, nil, nil, v.mia.header)
	if got := v.about(other, room).You.State; got != "removed" {
		t.Errorf("who was turned away is %s", got)
	}
}

// Who may not write now hears why, and for how long.
func TestSlowMutedReadOnlyArchived(t *testing.T) {
	v := newVillage(t)
	room := v.newRoom(v.mia, "private", "salon", v.ben.id)
	at := "/api/rooms/" + room
	s, _ := v.v1(v.ben)
	send := func() string {
		got := s.tell(`{"send":{"room":"` + room + `","id":"` + uuid.NewString() + `","text":"hello"}}`)
		var f struct {
			Error struct {
				Code       string
				RetryAfter float64 `json:"retry_after"`
			}
			Sent *struct{}
		}
		for line := range strings.Lines(got) {
			json.Unmarshal([]byte(line), &f)
		}
		return fmt.Sprintf("%s %v %v", f.Error.Code, f.Error.RetryAfter > 0, f.Sent != nil)
	}
	set := func(what any) { v.ask("PATCH", at, what, nil, v.mia.header) }
	is := func(when, want string) {
		t.Helper()
		if got := send(); got != want {
			t.Errorf("%s: %s, not %s", when, got, want)
		}
	}
	is("at first", " false true")
	set(map[string]int{"slow": 3600})
	is("the first in slow mode", " false true")
	is("the second", "slow_mode true false")
	if got := v.code(v.mia, "POST", at+"/messages", map[string]string{"text": "x"}) + v.code(v.mia, "POST", at+"/messages", map[string]string{"text": "y"}); got != "okok" {
		t.Errorf("a moderator in slow mode: %s", got)
	}
	set(map[string]int{"slow": 0})
	is("in no slow mode", " false true")
	v.ask("PUT", at+"/mutes/"+v.ben.id, map[string]any{"for": 3600, "reason": "loud"}, nil, v.mia.header)
	is("muted for an hour", "muted true false")
	v.ask("PUT", at+"/mutes/"+v.ben.id, nil, nil, v.mia.header)
	is("muted", "muted false false")
	v.ask("DELETE", at+"/mutes/"+v.ben.id, nil, nil, v.mia.header)
	is("not muted", " false true")
	set(map[string]bool{"read_only": true})
	is("read-only", "read_only false false")
	set(map[string]bool{"read_only": false, "archived": true})
	is("archived", "archived false false")
	if got := v.code(v.mia, "POST", at+"/messages", map[string]string{"text": "x"}); got != "archived" {
		t.Errorf("a moderator in an archive: %s", got)
	}
	set(map[string]bool{"archived": false})
	is("restored", " false true")

	var audit struct{ Events []wire.Event }
	v.ask("GET", at+"/audit", nil, &audit, v.mia.header)
	var kinds []string
	for _, e := range audit.Events {
		kinds = append(kinds, e.Kind)
	}
	if got := strings.Join(kinds, " "); got != "restore archive read_only read_only unmute mute mute slow slow add" {
		t.Errorf("the audit says %s", got)
	}
}

// A private room is never without a moderator while somebody is in it.
func TestModeratorsHandOver(t *testing.T) {
	v := newVillage(t)
	gus := v.human(v.guest("Gus"))
	room := v.newRoom(v.mia, "private", "salon", gus.id, v.ben.id)
	at := "/api/rooms/" + room
	s, _ := v.v1(v.ben)
	v.ask("POST", at+"/leave", nil, nil, v.mia.header)
	s.until(`{"joined":{"id":"`+room+`"`, `"moderator":true`)
	if got := v.about(v.ben, room).You; !got.Moderator || !slices.Contains(got.Can, "moderate") {
		t.Errorf("who has an account is %+v", got)
	}
	if got := v.code(v.mia, "GET", at, nil); got != "not_found" {
		t.Errorf("who made it and left gets %s", got)
	}
	v.ask("PUT", at+"/members/"+v.mia.id, nil, nil, v.ben.header)
	if got := v.code(v.ben, "DELETE", at+"/moderators/"+v.ben.id, nil); got != "conflict" {
		t.Errorf("the last one steps down: %s", got)
	}
	v.ask("PUT", at+"/members/"+v.olga.id, nil, nil, v.ben.header)
	v.ask("PUT", at+"/moderators/"+v.olga.id, nil, nil, v.ben.header)
	if got := v.code(v.ben, "DELETE", at+"/moderators/"+v.ben.id, nil); got != "ok" {
		t.Errorf("one of two steps down: %s", got)
	}
	if err := v.server.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// A token is for what it is for, by whatever way it is used.
func TestTokensOfBots(t *testing.T) {
	v := newVillage(t)
	room := v.newRoom(v.mia, "public", "kitchen")
	at := "/api/rooms/" + room
	all := v.bot(v.olga, "helper", everything)
	v.ask("POST", at+"/join", nil, nil, all.header)
	v.ask("PUT", at+"/moderators/"+all.id, nil, nil, v.mia.header)
	with := func(scopes ...string) *human { return &human{v.botToken(v.olga, all.id, scopes), all.id} }
	reads, writes := with("read"), with("write")
	rooms, moderates, erases := with("read", "rooms"), with("read", "moderate"), with("write", "moderate")
	limited := &human{v.botToken(v.olga, all.id, everything, v.newRoom(v.mia, "public", "cellar")), all.id}
	tokens := map[string]*human{"all": all, "read": reads, "write": writes, "rooms": rooms, "moderate": moderates, "erase": erases, "limited": limited}

	for _, x := range []struct{ what, body, may string }{
		{"GET " + at + "/events", "", "all moderate read rooms"},
		{"POST " + at + "/messages", `{"text":"N"}`, "all erase write"},
		{"PATCH " + at, `{"topic":"N"}`, "all rooms"},
		{"PATCH " + at, `{"slow":N}`, "all moderate"},
		{"PUT " + at + "/mutes/" + v.ben.id, "{}", "all erase moderate"},
		{"POST /api/rooms", `{"name":"caveN"}`, "all rooms"},
		{"DELETE " + at + "/messages/SEQ", "", "all erase"}, // of Ben
	} {
		var may []string
		for n, name := range slices.Sorted(maps.Keys(tokens)) {
			seq := fmt.Sprint(v.say(v.ben, room, "of Ben"))
			fill := strings.NewReplacer("N", fmt.Sprint(n+1), "SEQ", seq)
			method, path, _ := strings.Cut(fill.Replace(x.what), " ")
			if resp, _ := v.do(method, path, fill.Replace(x.body), tokens[name].header); resp.StatusCode < 300 {
				may = append(may, name)
			}
			v.do("DELETE", at+"/mutes/"+v.ben.id, "", v.mia.header)
			v.do("PATCH", at, `{"slow":0}`, v.mia.header)
		}
		if got := strings.Join(may, " "); got != x.may {
			t.Errorf("%s %s is for %q, not %q", x.what, x.body, got, x.may)
		}
	}

	// Nor do threads come with a token that is not for reading their room.
	v.ask("POST", at+"/messages", map[string]any{"text": "under it", "thread": v.say(all, room, "a thread")}, nil, all.header)
	for name, h := range tokens {
		var list struct{ Threads []struct{ Room string } }
		v.ask("GET", "/api/me/threads", nil, &list, h.header)
		want := 1
		if !slices.Contains([]string{"all", "moderate", "read", "rooms"}, name) {
			want = 0
		}
		if len(list.Threads) != want {
			t.Errorf("the token %q is given %d threads, not %d", name, len(list.Threads), want)
		}
	}

	// Sockets are no way around.
	s, _ := v.v1(reads)
	for _, f := range []string{
		`{"send":{"room":"` + room + `","id":"` + uuid.NewString() + `","text":"canary"}}`,
		`{"open":{"name":"a-room-of-a-bot"}}`,
	} {
		if got := s.tell(f); !strings.Contains(got, `{"error":`) {
			t.Errorf("a token for reading: %s: %s", f, got)
		}
	}
	if got := s.tell(`{"open":{"name":"kitchen"}}`); !strings.Contains(got, `{"opened":`) {
		t.Errorf("a token for reading opens: %s", got)
	}
	if p, err := client.DialPlain(t.Context(), v.url, "/rooms/kitchen?token="+reads.token()); err != nil {
		t.Error(err)
	} else {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		p.Write(ctx, "canary")
		if _, err := p.Read(ctx); client.CloseCode(err) != 1008 {
			t.Errorf("a token for reading wrote in plain text: %v", err)
		}
	}
	for _, path := range []string{"/rooms/another-room-of-a-bot?token=" + reads.token(), "/rooms/kitchen?token=" + limited.token(), "/rooms/kitchen?token=" + writes.token()} {
		if p, err := client.DialPlain(t.Context(), v.url, path); err == nil {
			p.Close()
			t.Errorf("%s was let in", path[:20])
		}
	}
	for _, e := range v.events(v.mia, room) {
		if e.Text == "canary" {
			t.Errorf("it is in the log: %+v", e)
		}
		if string(e.Author) == all.id && !e.Bot {
			t.Errorf("it does not say that it is of a bot: %+v", e)
		}
	}
	var found struct{ Rooms []struct{ Name string } }
	v.ask("GET", "/api/rooms?q=of-a-bot", nil, &found, v.mia.header)
	if len(found.Rooms) > 0 {
		t.Errorf("bots made %v", found.Rooms)
	}

	// A token that was revoked ends its sockets.
	var bots struct {
		Bots []struct {
			ID     string
			Tokens []struct {
				ID     string
				Scopes []string
			}
		}
	}
	v.ask("GET", "/api/bots", nil, &bots, v.olga.header)
	for _, token := range bots.Bots[0].Tokens {
		if slices.Equal(token.Scopes, []string{"read"}) {
			v.ask("DELETE", "/api/bots/"+all.id+"/tokens/"+token.ID, nil, nil, v.olga.header)
		}
	}
	if got := s.tell(""); !strings.Contains(got, "closed 4401") {
		t.Errorf("its socket: %s", got)
	}
	if got := v.code(reads, "GET", "/api/me", nil); got != "unauthorized" {
		t.Errorf("it is still good: %s", got)
	}
}

// What addresses somebody is counted for them, and only messages count as unread.
func TestMentionsAndUnread(t *testing.T) {
	v := newVillage(t)
	room := v.newRoom(v.mia, "private", "salon", v.ben.id)
	at := "/api/rooms/" + room
	said := v.events(v.mia, room)
	v.ask("POST", at+"/messages", map[string]string{"text": "`@Ben` is code"}, nil, v.mia.header)
	v.ask("POST", at+"/messages", map[string]string{"text": "@ben and @Olga, who is not here"}, nil, v.mia.header)
	v.ask("POST", at+"/messages", map[string]string{"text": "@Mia, I mean"}, nil, v.mia.header)
	v.ask("PATCH", at, map[string]string{"topic": "tea"}, nil, v.mia.header)
	if b := v.about(v.ben, room); b.Unread != 3 || b.Mentions != 1 {
		t.Errorf("Ben has %d unread, %d mentions", b.Unread, b.Mentions)
	}
	if m := v.about(v.mia, room); m.Mentions != 0 {
		t.Errorf("Mia addressed herself: %d", m.Mentions)
	}
	events := v.events(v.ben, room)
	for _, e := range events[len(said):] {
		var names []string
		for _, m := range e.Mentions {
			names = append(names, m.Name)
		}
		want := ""
		switch {
		case strings.Contains(e.Text, "Olga"):
			want = "Ben"
		case strings.Contains(e.Text, "I mean"):
			want = "Mia"
		}
		if got := strings.Join(names, ","); got != want {
			t.Errorf("%q addresses %q", e.Text, got)
		}
	}
	s, _ := v.v1(v.ben)
	s.tell(fmt.Sprintf(`{"read":{"room":"%s","seq":%d}}`, room, events[len(events)-1].Seq))
	v.ask("PATCH", at, map[string]string{"topic": "coffee"}, nil, v.mia.header)
	if b := v.about(v.ben, room); b.Unread != 0 || b.Mentions != 0 {
		t.Errorf("after reading Ben has %d unread, %d mentions", b.Unread, b.Mentions)
	}
}

// What was kept long enough is gone from every answer, new or old socket.
func TestRetention(t *testing.T) {
	v := newVillage(t)
	room := v.newRoom(v.mia, "private", "salon", v.ben.id)
	at := "/api/rooms/" + room
	v.say(v.mia, room, "canary one")
	two := v.say(v.mia, room, "canary two")
	v.ask("POST", fmt.Sprintf("%s/messages/%d/report", at, two), map[string]string{"reason": "canary"}, nil, v.ben.header)
	v.say(v.mia, room, "kept")
	s, _ := v.v1(v.ben)
	s.tell(`{"open":{"room":"` + room + `"}}`)
	if got := v.code(v.ben, "PATCH", at, map[string]any{"keep": map[string]int{"messages": 1}}); got != "forbidden" {
		t.Errorf("anybody says how long: %s", got)
	}
	v.ask("PATCH", at, map[string]any{"keep": map[string]int{"messages": 1}}, nil, v.mia.header)
	if err := v.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until(`"kind":"erase"`, fmt.Sprintf(`"target":%d`, two))
	last, _ := v.v1(v.ben)
	everything := last.tell(`{"open":{"room":"` + room + `","last":500}}`)
	for _, path := range []string{"/events", "/reports", "/audit"} {
		_, body := v.do("GET", at+path, "", v.mia.header)
		everything += body
	}
	if strings.Contains(everything, "canary") || !strings.Contains(everything, "kept") {
		t.Errorf("there is %s", everything)
	}
	if got := v.about(v.ben, room); int(got.Floor) != two {
		t.Errorf("the floor is %d", got.Floor)
	}
}
