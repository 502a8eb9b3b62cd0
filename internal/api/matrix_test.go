package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"hubbub/internal/api"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// The tests in this file are made from the router's table and from the kinds of frame:
// a new route or frame fails them until it is said here what outsiders get.

// human is somebody of a test: a header that makes a request theirs, and an id.
type human struct{ header, id string }

func (h *human) token() string { return bearer(h.header) }

func (r *running) human(header string) *human {
	r.t.Helper()
	var me struct{ You wire.Person }
	r.ask("GET", "/api/me", nil, &me, header)
	return &human{header, string(me.You.ID)}
}

// bot makes a bot with a token.
func (r *running) bot(by *human, name string, scopes []string, rooms ...string) *human {
	r.t.Helper()
	var made struct{ Bot struct{ ID string } }
	r.ask("POST", "/api/bots", map[string]any{"name": name}, &made, by.header)
	return &human{r.botToken(by, made.Bot.ID, scopes, rooms...), made.Bot.ID}
}

func (r *running) botToken(by *human, bot string, scopes []string, rooms ...string) string {
	r.t.Helper()
	var token struct{ Secret string }
	r.ask("POST", "/api/bots/"+bot+"/tokens", map[string]any{"label": "test", "scopes": scopes, "rooms": append([]string{}, rooms...)}, &token, by.header)
	return "Authorization: Bearer " + token.Secret
}

// newRoom makes a room, or finds a public one.
func (r *running) newRoom(by *human, kind, name string, people ...string) (id string) {
	r.t.Helper()
	var made struct{ Room struct{ ID string } }
	r.ask("POST", "/api/rooms", map[string]any{"name": name, "kind": kind, "people": append([]string{}, people...)}, &made, by.header)
	return made.Room.ID
}

// say returns the number of the message.
func (r *running) say(by *human, room, text string) int {
	r.t.Helper()
	var said struct{ Event struct{ Seq int } }
	r.ask("POST", "/api/rooms/"+room+"/messages", map[string]any{"text": text}, &said, by.header)
	return said.Event.Seq
}

var everything = []string{"read", "write", "rooms", "moderate"}

// neighbourhood is a private room, who is in it, and everybody who is not.
type neighbourhood struct {
	*running
	room, public, other string // private; public; another private one
	seq                 string // of a message of Ben's, on which there is a report
	report              string
	mia, ben, owner     *human // made the room; is in it; owns the place
	outsiders           map[string]*human
}

func newNeighbourhood(t *testing.T, name string, change ...func(*server.Config)) *neighbourhood {
	t.Helper()
	n := &neighbourhood{running: serve(t, append(change, func(c *server.Config) { c.NoLimits = true })...)}
	n.owner, n.mia, n.ben = n.human(n.owner0()), n.human(n.member("Mia")), n.human(n.member("Ben"))
	n.room = n.newRoom(n.mia, "private", name, n.ben.id)
	n.public = n.newRoom(n.mia, "public", "kitchen")
	in := func(h *human) { n.ask("PUT", "/api/rooms/"+n.room+"/members/"+h.id, nil, nil, n.mia.header) }
	left, removed, banned := n.human(n.member("Lea")), n.human(n.member("Rob")), n.human(n.member("Bea"))
	admin, elsewhere := n.human(n.member("Ada")), n.human(n.member("Max"))
	n.ask("PATCH", "/api/people/"+admin.id, map[string]string{"role": "admin"}, nil, n.owner.header)
	for _, h := range []*human{left, removed, banned} {
		in(h)
		n.say(h, n.room, "I was here")
	}
	n.ask("POST", "/api/rooms/"+n.room+"/leave", nil, nil, left.header)
	n.ask("DELETE", "/api/rooms/"+n.room+"/members/"+removed.id, map[string]any{"reason": "out"}, nil, n.mia.header)
	n.ask("PUT", "/api/rooms/"+n.room+"/bans/"+banned.id, map[string]any{"reason": "out"}, nil, n.mia.header)
	n.other = n.newRoom(elsewhere, "private", "elsewhere")

	var second struct{ Token string }
	n.ask("POST", "/api/sign-in", map[string]any{"name": "Ben", "password": goodPassword, "token": true}, &second)
	ended := &human{"Authorization: Bearer " + second.Token, n.ben.id}
	n.ask("POST", "/api/sign-out", nil, nil, ended.header)

	limited := n.bot(n.owner, "limited", everything, n.public)
	in(limited) // the bot is in the room, the token is for another
	n.outsiders = map[string]*human{
		"never": n.human(n.member("Ned")), "left": left, "removed": removed, "banned": banned, "admin": admin, "owner": n.owner,
		"guest": n.human(n.guest("Gus")), "moderator elsewhere": elsewhere, "ended session": ended,
		"bot of another room": limited, "bot": n.bot(n.owner, "anywhere", everything), "bot for little": n.bot(n.owner, "little", []string{"moderate"}),
	}
	n.seq = fmt.Sprint(n.say(n.ben, n.room, "hello"))
	n.ask("POST", "/api/rooms/"+n.room+"/messages/"+n.seq+"/report", map[string]string{"reason": "look"}, nil, n.ben.header)
	var all struct{ Reports []struct{ ID string } }
	n.ask("GET", "/api/rooms/"+n.room+"/reports", nil, &all, n.mia.header)
	n.report = all.Reports[0].ID
	return n
}

// owner0 is running.owner, whose name is taken here.
func (n *neighbourhood) owner0() string { return n.running.owner() }

// state is all that there is to see of a room for who made it.
func (n *neighbourhood) state() string {
	n.t.Helper()
	var all strings.Builder
	for _, path := range []string{"", "/events?limit=500", "/members", "/members?show=banned", "/members?show=muted", "/reports", "/audit"} {
		_, body := n.do("GET", "/api/rooms/"+n.room+path, "", n.mia.header)
		all.WriteString(path + " " + body)
	}
	return all.String()
}

const nowhere = "zzzzzzzzzzzz" // an id that was never given

// answer is all of an answer but the time.
func answer(resp *http.Response, body, room string) string {
	h := resp.Header.Clone()
	h.Del("Date")
	return strings.ReplaceAll(fmt.Sprintf("%d %v %s", resp.StatusCode, h, body), room, nowhere)
}

// inRoom says whether a route is about a room: itself, or as somebody has it.
func inRoom(pattern string) bool { return strings.Contains(pattern, "/rooms/{id}") }

// inRooms are the routes about a room, in the order in which the tests ask.
func inRooms() (patterns []string) {
	for _, p := range api.Routes() {
		if inRoom(p) {
			patterns = append(patterns, p)
		}
	}
	return patterns
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// fill puts values into a pattern.
func fill(pattern string, values map[string]string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, placeholder.ReplaceAllStringFunc(path, func(name string) string {
		if v, ok := values[name[1:len(name)-1]]; ok {
			return v
		}
		return "x"
	})
}

// queries are what a route about a room can be asked for beside the plain thing.
var queries = map[string][]string{
	"GET /api/rooms/{id}/members": {"?show=banned", "?show=nonsense", "?after=nonsense", "?limit=x"},
	"GET /api/rooms/{id}/events":  {"?before=2", "?limit=-1"},
	"GET /api/rooms/{id}/audit":   {"?before=2", "?limit=-1"},
}

func TestMatrix(t *testing.T) {
	n := newNeighbourhood(t, "hidden")
	for name, f := range map[string]func(*testing.T, *neighbourhood){
		"private rooms over HTTP": doNotExistOverHTTP, "private rooms over sockets": doNotExistOverSockets,
		"inside": whatThoseInsideGet, "the place": placeRoutesNeedARole,
	} {
		t.Run(name, func(t *testing.T) {
			n.t = t
			f(t, n)
		})
	}
	n.t = t
}

// A private room is not there for anybody who is not in it: whatever they ask, the
// answer is that for an id that was never given, byte for byte.
func doNotExistOverHTTP(t *testing.T, n *neighbourhood) {
	before := n.state()
	const good = `{"name":"mine","topic":"mine","text":"x","reason":"x","for":60,"archived":true,"slow":5,"emoji":"👍","quiet":true}`
	asked := 0
	for kind, h := range n.outsiders {
		for _, pattern := range inRooms() {
			values := map[string]string{"seq": n.seq, "user": n.ben.id, "report": n.report}
			bodies := []string{good}
			switch {
			case strings.HasPrefix(pattern, "GET"):
				bodies = []string{""}
			case kind == "left" || kind == "owner": // who they are is looked at before what they say
				bodies = append(bodies, `{`)
			}
			for _, query := range append([]string{""}, queries[pattern]...) {
				for _, body := range bodies {
					values["id"] = n.room
					method, path := fill(pattern, values)
					values["id"] = nowhere
					_, other := fill(pattern, values)
					resp, said := n.do(method, path+query, body, h.header)
					got := answer(resp, said, n.room)
					resp, said = n.do(method, other+query, body, h.header)
					if want := answer(resp, said, n.room); got != want || resp.StatusCode < 400 {
						t.Errorf("%s, %s%s %q:\n got %s\nwant %s", kind, pattern, query, body, got, want)
					}
					asked++
				}
			}
		}
	}
	if asked < 12*len(inRooms()) || len(inRooms()) < 20 {
		t.Errorf("only %d requests were made to %d routes", asked, len(inRooms()))
	}
	if after := n.state(); after != before {
		t.Errorf("the room was\n%s\nand is\n%s", before, after)
	}
}

// frames are all that can be said of a ROOM, by kind of frame.
var frames = map[string][]string{
	"hello": {},
	"fence": {},
	"open": {
		`{"open":{"room":"ROOM"}}`, `{"open":{"room":"ROOM","last":50}}`, `{"open":{"room":"ROOM","epoch":"EPOCH","after":0}}`,
		`{"open":{"room":"ROOM","epoch":"EPOCH","after":999999}}`, `{"open":{"room":"ROOM","epoch":"other","after":1}}`,
	},
	"close":   {`{"close":{"room":"ROOM"}}`},
	"send":    {`{"send":{"room":"ROOM","id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01","text":"x"}}`, `{"send":{"room":"ROOM","id":"USED","text":"x"}}`, `{"send":{"room":"ROOM","id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f08","text":"x","reply":SEQ,"thread":SEQ}}`},
	"edit":    {`{"edit":{"room":"ROOM","id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f02","text":"x","target":SEQ}}`, `{"edit":{"room":"ROOM","id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f03","text":"x","target":99}}`, `{"edit":{"room":"ROOM","id":"USED","text":"x","target":SEQ}}`},
	"delete":  {`{"delete":{"room":"ROOM","id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f04","target":SEQ}}`, `{"delete":{"room":"ROOM","id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f05","target":99}}`, `{"delete":{"room":"ROOM","id":"USED","target":SEQ}}`},
	"react":   {`{"react":{"room":"ROOM","id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f06","target":SEQ,"emoji":"🎉"}}`, `{"react":{"room":"ROOM","id":"USED","target":SEQ,"emoji":"🎉"}}`},
	"unreact": {`{"unreact":{"room":"ROOM","id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f07","target":SEQ,"emoji":"🎉"}}`},
	"attend":  {},
	"typing":  {`{"typing":{"room":"ROOM"}}`},
	"read":    {`{"read":{"room":"ROOM","seq":1}}`, `{"read":{"room":"ROOM","seq":999999}}`, `{"read":{"room":"ROOM","seq":1,"thread":SEQ}}`},
}

// rawSocket is a socket whose frames are looked at byte by byte.
type rawSocket struct {
	t  *testing.T
	ws *websocket.Conn
}

func (r *running) rawSocket(path string, header http.Header, protocols ...string) *rawSocket {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(r.url, "http")+path, &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
	if err != nil {
		r.t.Fatal(err)
	}
	ws.SetReadLimit(1 << 22)
	r.t.Cleanup(func() { ws.CloseNow() })
	return &rawSocket{r.t, ws}
}

// v1 is a socket of somebody who said hello; what came is returned too.
func (r *running) v1(h *human) (*rawSocket, string) {
	r.t.Helper()
	s := r.rawSocket("/", http.Header{"Authorization": {strings.TrimPrefix(h.header, "Authorization: ")}}, wire.Subprotocol)
	return s, s.tell(`{"hello":{}}`)
}

// tell sends a frame, and returns all that comes until it is answered, or how the
// connection ends. Heartbeats say nothing here.
func (s *rawSocket) tell(frame string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	var all strings.Builder
	for _, f := range []string{frame, `{"fence":{"n":4711}}`} {
		if f != "" && s.ws.Write(ctx, websocket.MessageText, []byte(f)) != nil {
			break
		}
	}
	for {
		_, data, err := s.ws.Read(ctx)
		switch {
		case ctx.Err() != nil:
			s.t.Fatalf("no answer to %s", frame)
		case err != nil:
			fmt.Fprintf(&all, "closed %d\n", websocket.CloseStatus(err))
			return all.String()
		case string(data) == `{"fence":{"n":4711}}`:
			return all.String()
		}
		all.Write(append(data, '\n'))
	}
}

// until reads frames until one has all the words in it, and returns that.
func (s *rawSocket) until(words ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, data, err := s.ws.Read(ctx)
		if err != nil {
			s.t.Fatalf("waiting for %q: %v", words, err)
		}
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(string(data), w) }) {
			return string(data)
		}
	}
}

// settle waits until all that was done before has been told to everybody whom it
// concerns: news are told in their order.
func (n *neighbourhood) settle() {
	n.t.Helper()
	s, _ := n.v1(n.mia)
	last := n.newRoom(n.mia, "private", "the last thing")
	s.until(`{"joined":`, last)
	s.ws.CloseNow()
}

// epochOf is the log's incarnation, which welcome tells everybody.
func epochOf(welcome string) string {
	var f struct{ Welcome struct{ Epoch string } }
	json.Unmarshal([]byte(strings.SplitN(welcome, "\n", 2)[0]), &f)
	return f.Welcome.Epoch
}

func doNotExistOverSockets(t *testing.T, n *neighbourhood) {
	for _, kind := range wire.ClientKinds {
		if _, ok := frames[kind]; !ok {
			t.Errorf("the frame %s is new: add to the table frames all that it can say of a room, so that outsiders can try it", kind)
		}
	}
	n.settle()
	before := n.state()
	for who, h := range n.outsiders {
		s, welcome := n.v1(h)
		used := "0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5fff"
		if who != "ended session" && who != "bot for little" { // an id that they used elsewhere
			n.ask("POST", "/api/rooms/"+n.public+"/messages", map[string]string{"id": used, "text": "hello"}, nil, h.header)
		}
		for _, kind := range wire.ClientKinds {
			for _, f := range frames[kind] {
				f = strings.NewReplacer("EPOCH", epochOf(welcome), "USED", used, "SEQ", n.seq).Replace(f)
				got := strings.ReplaceAll(s.tell(strings.ReplaceAll(f, "ROOM", n.room)), n.room, nowhere)
				want := s.tell(strings.ReplaceAll(f, "ROOM", nowhere))
				if got != want || !(strings.Contains(want, `{"error":`) || strings.Contains(want, "closed")) {
					t.Errorf("%s, %s:\n got %s\nwant %s", who, f, got, want)
				}
			}
		}
		s.ws.CloseNow()
	}
	if after := n.state(); after != before {
		t.Errorf("the room was\n%s\nand is\n%s", before, after)
	}
}

// inside says what those get who may know of a room: a line for each route and frame,
// an answer for each of the people above it. "ok" is any answer that is no error.
const inside = `
                                                  | member     muted      moderator  readonly   archived   stranger   removed    banned     waiting    admin
open                                              | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
send                                              | ok         muted      ok         read_only  archived   ok         removed    banned     waiting    ok
edit                                              | not_found  muted      not_found  read_only  archived   not_found  removed    banned     waiting    not_found
delete                                            | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
react                                             | ok         muted      ok         read_only  archived   ok         removed    banned     waiting    ok
unreact                                           | ok         muted      ok         read_only  archived   ok         removed    banned     waiting    ok
typing                                            | ok         muted      ok         read_only  archived   ok         not_open   not_open   not_open   ok
read                                              | ok         ok         ok         ok         ok         ok         not_found  not_found  not_found  ok
PATCH /api/me/rooms/{id}                          | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
POST /api/me/rooms/{id}/unread                    | bad_frame  bad_frame  bad_frame  bad_frame  bad_frame  bad_frame  removed    banned     waiting    bad_frame
GET /api/rooms/{id}                               | ok         ok         ok         ok         ok         ok         ok         ok         ok         ok
PATCH /api/rooms/{id}                             | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
POST /api/rooms/{id}/join                         | ok         ok         ok         ok         ok         ok         ok         banned     ok         ok
POST /api/rooms/{id}/leave                        | ok         ok         ok         ok         ok         ok         ok         forbidden  ok         ok
GET /api/rooms/{id}/events                        | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
POST /api/rooms/{id}/messages                     | ok         muted      ok         read_only  archived   ok         removed    banned     waiting    ok
PATCH /api/rooms/{id}/messages/{seq}              | not_found  muted      not_found  read_only  archived   not_found  removed    banned     waiting    not_found
DELETE /api/rooms/{id}/messages/{seq}             | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
POST /api/rooms/{id}/messages/{seq}/report        | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
GET /api/rooms/{id}/messages/{seq}/history        | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
GET /api/rooms/{id}/messages/{seq}/seen           | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
GET /api/rooms/{id}/events/{seq}/stored           | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
GET /api/rooms/{id}/threads/{seq}                 | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
PUT /api/rooms/{id}/threads/{seq}                 | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
GET /api/rooms/{id}/pins                          | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
PUT /api/rooms/{id}/messages/{seq}/reactions      | ok         muted      ok         read_only  archived   ok         removed    banned     waiting    ok
DELETE /api/rooms/{id}/messages/{seq}/reactions   | ok         muted      ok         read_only  archived   ok         removed    banned     waiting    ok
DELETE /api/rooms/{id}/messages/{seq}/previews    | not_found  muted      not_found  read_only  archived   not_found  removed    banned     waiting    not_found
PUT /api/rooms/{id}/pins/{seq}                    | ok         muted      ok         read_only  archived   ok         removed    banned     waiting    ok
DELETE /api/rooms/{id}/pins/{seq}                 | ok         muted      ok         read_only  archived   ok         removed    banned     waiting    ok
GET /api/rooms/{id}/reports                       | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
DELETE /api/rooms/{id}/reports/{report}           | forbidden  forbidden  not_found  forbidden  forbidden  forbidden  removed    banned     waiting    not_found
GET /api/rooms/{id}/hooks                         | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
POST /api/rooms/{id}/hooks                        | forbidden  forbidden  bad_name   forbidden  forbidden  forbidden  removed    banned     waiting    bad_name
PATCH /api/rooms/{id}/hooks/{hook}                | forbidden  forbidden  not_found  forbidden  forbidden  forbidden  removed    banned     waiting    not_found
DELETE /api/rooms/{id}/hooks/{hook}               | forbidden  forbidden  not_found  forbidden  forbidden  forbidden  removed    banned     waiting    not_found
POST /api/rooms/{id}/hooks/{hook}/retry           | forbidden  forbidden  not_found  forbidden  forbidden  forbidden  removed    banned     waiting    not_found
GET /api/rooms/{id}/audit                         | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
GET /api/rooms/{id}/members                       | ok         ok         ok         ok         ok         ok         removed    banned     waiting    ok
PUT /api/rooms/{id}/members/{user}                | ok         muted      ok         read_only  archived   forbidden  removed    banned     waiting    ok
DELETE /api/rooms/{id}/members/{user}             | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
PUT /api/rooms/{id}/moderators/{user}             | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
DELETE /api/rooms/{id}/moderators/{user}          | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
PUT /api/rooms/{id}/mutes/{user}                  | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
DELETE /api/rooms/{id}/mutes/{user}               | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
PUT /api/rooms/{id}/bans/{user}                   | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
DELETE /api/rooms/{id}/bans/{user}                | forbidden  forbidden  conflict   forbidden  forbidden  forbidden  removed    banned     waiting    conflict
PUT /api/rooms/{id}/waiting/{user}                | forbidden  forbidden  conflict   forbidden  forbidden  forbidden  removed    banned     waiting    conflict
DELETE /api/rooms/{id}/waiting/{user}             | forbidden  forbidden  ok         forbidden  forbidden  forbidden  removed    banned     waiting    ok
`

// standings are the people above: a kind of room, and how they stand to it.
var standings = map[string]struct{ kind, setting, by, in string }{
	"member":    {"private", "", "member", "members"},
	"muted":     {"private", "", "member", "mutes"},
	"moderator": {"private", "", "member", "moderators"},
	"readonly":  {"private", `{"read_only":true}`, "member", "members"},
	"archived":  {"private", `{"archived":true}`, "member", "members"},
	"stranger":  {"public", "", "guest", ""},
	"removed":   {"public", "", "guest", "removed"},
	"banned":    {"public", "", "guest", "bans"},
	"waiting":   {"public", `{"guests_wait":true}`, "guest", ""},
	"admin":     {"public", "", "admin", ""},
}

// corner is a room with somebody in it who stands to it in one of those ways.
type corner struct {
	*neighbourhood
	room string
	who  *human
}

func (n *neighbourhood) corner(t *testing.T, name string) *corner {
	s := standings[name]
	c := &corner{n, n.newRoom(n.mia, s.kind, "corner-"+name, n.ben.id), n.outsiders["never"]}
	switch s.by {
	case "guest":
		c.who = n.outsiders["guest"]
	case "admin":
		c.who = n.outsiders["admin"]
	}
	at := "/api/rooms/" + c.room
	if s.in != "" {
		n.ask("PUT", at+"/members/"+c.who.id, nil, nil, n.mia.header)
	}
	switch s.in {
	case "mutes", "bans", "moderators":
		n.ask("PUT", at+"/"+s.in+"/"+c.who.id, nil, nil, n.mia.header)
	case "removed":
		n.ask("DELETE", at+"/members/"+c.who.id, nil, nil, n.mia.header)
	}
	if s.setting != "" {
		n.ask("PATCH", at, json.RawMessage(s.setting), nil, n.mia.header)
	}
	return c
}

// mend undoes what a request may have done to Ben, and says something of his.
func (c *corner) mend() (seq string) {
	at := "/api/rooms/" + c.room
	for _, undo := range []string{"DELETE /bans/", "DELETE /mutes/", "DELETE /moderators/", "PUT /members/"} {
		method, path, _ := strings.Cut(undo, " ")
		c.do(method, at+path+c.ben.id, "", c.mia.header)
	}
	var all struct{ Events []wire.Event }
	c.ask("GET", at+"/events?limit=500", nil, &all, c.mia.header)
	for _, e := range all.Events {
		if e.Kind == "message" && !e.Deleted && e.Author != "" && string(e.Author) == c.ben.id {
			return fmt.Sprint(e.Seq)
		}
	}
	return "1"
}

// asks asks one thing, and returns the code of the answer.
func (c *corner) asks(pattern, seq string) string {
	user := c.ben.id
	if pattern == "PUT /api/rooms/{id}/members/{user}" {
		user = c.owner.id
	}
	method, path := fill(pattern, map[string]string{"id": c.room, "seq": seq, "user": user})
	body := `{"topic":"x","text":"x","reason":"x","emoji":"👍"}`
	if strings.HasPrefix(pattern, "GET") {
		body = ""
	}
	resp, said := c.do(method, path, body, c.who.header)
	if resp.StatusCode < 300 {
		return "ok"
	}
	return errorCode(said)
}

var errorFrame = regexp.MustCompile(`"error":\{"code":"(\w+)"`)

func whatThoseInsideGet(t *testing.T, n *neighbourhood) {
	got := make(map[string]map[string]string)
	for name := range standings {
		got[name] = make(map[string]string)
		c := n.corner(t, name)
		n.do("PATCH", "/api/rooms/"+c.room, `{"archived":false}`, n.mia.header)
		n.do("PATCH", "/api/rooms/"+c.room, `{"read_only":false}`, n.mia.header)
		for range 3 {
			n.say(n.ben, c.room, "hello")
		}
		if s := standings[name].setting; s != "" {
			n.ask("PATCH", "/api/rooms/"+c.room, json.RawMessage(s), nil, n.mia.header)
		}
		s, _ := n.v1(c.who)
		for _, kind := range wire.ClientKinds {
			if len(frames[kind]) == 0 || kind == "close" {
				continue
			}
			f := strings.NewReplacer("ROOM", c.room, "SEQ", c.mend(), "5f0", uuid.NewString()[:3]).Replace(frames[kind][0])
			got[name][kind] = "ok"
			if m := errorFrame.FindStringSubmatch(s.tell(f)); m != nil {
				got[name][kind] = m[1]
			}
		}
		for _, pattern := range append(slices.DeleteFunc(inRooms(), leaves), slices.DeleteFunc(inRooms(), stays)...) {
			got[name][pattern] = c.asks(pattern, c.mend())
		}
	}
	lines := strings.Split(strings.TrimSpace(inside), "\n")
	columns := strings.Fields(lines[0])[1:]
	said := make(map[string]bool)
	for _, line := range lines[1:] {
		row, answers, _ := strings.Cut(line, "|")
		row = strings.TrimSpace(row)
		said[row] = true
		for i, want := range strings.Fields(answers) {
			if name := columns[i]; got[name][row] != want {
				t.Errorf("%s, %s: %q, not %q", name, row, got[name][row], want)
			}
		}
	}
	for row := range got["member"] {
		if !said[row] {
			t.Errorf("%s is new: add a line to the table inside", row)
		}
	}
}

// What changes how somebody stands is asked for last.
func leaves(pattern string) bool {
	return strings.HasSuffix(pattern, "/join") || strings.HasSuffix(pattern, "/leave")
}
func stays(pattern string) bool { return !leaves(pattern) }

// needs is the least role that a route wants which is about no room, and what is asked
// for. bots: with a token for everything a bot may, too.
type needs struct {
	least string
	bots  bool
	body  string
}

var placeRoutes = map[string]needs{
	"GET /api/openapi.yaml":             {"nobody", true, ""},
	"GET /api/doctor":                   {"nobody", true, ""},
	"GET /api/doctor/stream":            {"nobody", true, ""},
	"GET /api/doctor/remedies":          {"nobody", true, ""},
	"GET /api/place":                    {"nobody", true, ""},
	"PATCH /api/place":                  {"owner", false, `{"guests":"open"}`},
	"POST /api/guests":                  {"nobody", true, `{}`},
	"POST /api/sign-in":                 {"nobody", true, `{`},
	"POST /api/sign-in/link":            {"nobody", true, `{`},
	"POST /api/sign-in/passkey/begin":   {"nobody", true, `{}`},
	"POST /api/sign-in/passkey":         {"nobody", true, `{`},
	"GET /api/sign-in/provider":         {"nobody", true, ""},
	"GET /api/sign-in/provider/back":    {"nobody", true, ""},
	"POST /api/sign-out":                {"guest", false, ""},
	"GET /api/me":                       {"guest", true, ""},
	"GET /api/me/threads":               {"guest", true, ""},
	"PATCH /api/me":                     {"guest", false, `{"name":""}`},
	"PUT /api/me/password":              {"guest", false, `{"password":"x"}`},
	"POST /api/me/passkeys/begin":       {"guest", false, `{}`},
	"POST /api/me/passkeys":             {"guest", false, `{`},
	"DELETE /api/me/passkeys":           {"guest", false, `{`},
	"POST /api/me/invite":               {"guest", false, `{`},
	"POST /api/me/link":                 {"guest", false, ``},
	"GET /api/me/sessions":              {"guest", false, ``},
	"DELETE /api/me/sessions":           {"guest", false, ``},
	"DELETE /api/me/sessions/{session}": {"guest", false, ``},
	"PUT /api/me/picture":               {"guest", false, `x`},
	"DELETE /api/me/picture":            {"guest", false, ``},
	"GET /api/me/rooms":                 {"guest", true, ``},

	"POST /api/me/read":   {"guest", true, ``},
	"GET /api/me/push":    {"guest", false, ``},
	"POST /api/me/push":   {"guest", false, `{`},
	"DELETE /api/me/push": {"guest", false, `{`},

	"PATCH /api/me/rooms/{id}":       {"guest", true, `{}`},
	"POST /api/me/rooms/{id}/unread": {"guest", true, `{"seq":1}`},
	"PUT /api/me/drafts/{id}":        {"guest", true, `{"text":"x"}`},

	"GET /api/people":                            {"guest", true, ``},
	"PATCH /api/people/{id}":                     {"admin", false, `{"role":"member"}`},
	"DELETE /api/people/{id}":                    {"admin", false, ``},
	"GET /api/people/{id}/picture":               {"guest", true, ``},
	"GET /api/people/{id}/addresses":             {"admin", false, ``},
	"GET /api/people/{id}/sessions":              {"operator", false, ``},
	"DELETE /api/people/{id}/sessions":           {"operator", false, ``},
	"DELETE /api/people/{id}/sessions/{session}": {"operator", false, ``},

	"GET /api/invites":         {"guest", false, ``}, // their own, of which a guest has none
	"POST /api/invites":        {"member", false, `{}`},
	"DELETE /api/invites/{id}": {"guest", false, ``}, // likewise
	"POST /api/invites/look":   {"nobody", true, `{`},
	"POST /api/owner-link":     {"operator", false, ``},

	"GET /api/search":  {"guest", true, ``},
	"GET /api/rooms":   {"guest", true, ``},
	"POST /api/rooms":  {"guest", true, `{`},
	"POST /api/direct": {"guest", true, `{`},

	"POST /api/uploads":            {"guest", true, ``},
	"HEAD /api/uploads/{upload}":   {"guest", true, ``},
	"PATCH /api/uploads/{upload}":  {"guest", true, ``},
	"DELETE /api/uploads/{upload}": {"guest", true, ``},
	"GET /api/files/{file}/{name}": {"guest", true, ``},
	"GET /api/files/{file}/thumb":  {"guest", true, ``},

	"POST /api/restart":              {"owner", false, ``},
	"POST /api/wire":                 {"guest", false, ``},
	"GET /api/wire/{id}":             {"guest", false, ``},
	"GET /api/connections":           {"operator", false, ``},
	"GET /api/connections/{id}/wire": {"operator", false, ``},

	"GET /api/audit":                       {"admin", false, ``},
	"GET /api/blocks":                      {"admin", false, ``},
	"POST /api/blocks":                     {"admin", false, `{"range":"203.0.113.0/24"}`},
	"DELETE /api/blocks/{id}":              {"admin", false, ``},
	"GET /api/bots":                        {"admin", false, ``},
	"POST /api/bots":                       {"admin", false, `{"name":"new-bot"}`},
	"DELETE /api/bots/{id}":                {"admin", false, ``},
	"POST /api/bots/{id}/tokens":           {"admin", false, `{"label":"x","scopes":["read"]}`},
	"DELETE /api/bots/{id}/tokens/{token}": {"admin", false, ``},
	"/api/":                                {"nobody", true, ``},
}

// What is about no room wants a role. Whoever has a lower one is refused, and nothing
// has changed.
// whenUsed is what changes each minute by itself.
var whenUsed = regexp.MustCompile(`,"used":("[^"]*"|\d+)`)

func placeRoutesNeedARole(t *testing.T, n *neighbourhood) {
	out := n.outsiders
	kinds := []string{"nobody", "guest", "member", "admin", "owner", "operator"}
	people := map[string]*human{"nobody": {header: "X-Nobody: 1"}, "guest": out["guest"], "member": out["never"], "admin": out["admin"], "owner": out["owner"]}
	var block struct{ Block struct{ ID string } }
	n.ask("POST", "/api/blocks", map[string]string{"range": "198.51.100.0/24"}, &block, n.owner.header)
	whole := func() string {
		var all strings.Builder
		for _, path := range []string{"/api/place", "/api/people", "/api/invites", "/api/bots", "/api/blocks", "/api/audit", "/api/rooms"} {
			_, body := n.do("GET", path, "", n.owner.header)
			all.WriteString(body)
		}
		return whenUsed.ReplaceAllString(all.String(), "")
	}
	for _, pattern := range api.Routes() {
		if inRoom(pattern) {
			continue
		}
		need, ok := placeRoutes[pattern]
		if !ok {
			t.Errorf("the route %s is new: add to placeRoutes which role it needs at least, whether bots may, and a body to ask with", pattern)
			continue
		}
		id := n.ben.id
		switch {
		case strings.Contains(pattern, "blocks"):
			id = block.Block.ID
		case strings.Contains(pattern, "bots"):
			id = out["bot"].id
		}
		method, path := fill(pattern, map[string]string{"id": id})
		least := slices.Index(kinds, need.least)
		lower := map[string]*human{}
		for i, kind := range kinds[:min(least, len(people))] {
			lower[kinds[i]] = people[kind]
		}
		if !need.bots {
			lower["bot"] = out["bot"]
		}
		before := whole()
		for kind, h := range lower {
			resp, body := n.do(method, path, need.body, h.header)
			want := http.StatusForbidden
			if kind == "nobody" {
				want = http.StatusUnauthorized
			}
			if resp.StatusCode != want || errorCode(body) == "without a code" && method != "HEAD" {
				t.Errorf("%s for %s: %d %s", pattern, kind, resp.StatusCode, body)
			}
		}
		if after := whole(); after != before {
			t.Errorf("%s by those who may not: it was\n%s\nand is\n%s", pattern, before, after)
		}
		if need.least == "operator" || method == "DELETE" || pattern == "POST /api/sign-out" || pattern == "POST /api/restart" || pattern == "/api/" {
			continue // what would end something is tried in other tests
		}
		may := []*human{people[need.least]}
		if need.bots {
			may = append(may, out["bot"])
		}
		for _, h := range may {
			if resp, body := n.do(method, path, need.body, h.header); resp.StatusCode == 401 && need.least != "nobody" || resp.StatusCode == 403 && errorCode(body) == "forbidden" || resp.StatusCode >= 500 {
				t.Errorf("%s for %s: %d %s", pattern, need.least, resp.StatusCode, body)
			}
		}
	}
	for pattern := range maps.Keys(placeRoutes) {
		if !slices.Contains(api.Routes(), pattern) {
			t.Errorf("there is no route %s any more", pattern)
		}
	}
}
