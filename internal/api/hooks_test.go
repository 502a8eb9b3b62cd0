package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/hooks"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// room makes a room and returns its id.
func (r *running) room(by, name, kind string) chat.RoomID {
	r.t.Helper()
	var made struct{ Room wire.Joined }
	r.ask("POST", "/api/rooms", map[string]string{"name": name, "kind": kind}, &made, by)
	return made.Room.ID
}

type madeHook struct {
	Hook struct {
		ID, Kind, Name, State, URL string
		Bot                        chat.UserID
		Used                       int64
		Failures                   []struct {
			Seq    chat.Seq
			Status int
			Error  string
		}
	}
	Secret, URL, Curl string
}

func (r *running) hook(by string, room chat.RoomID, ask map[string]string) madeHook {
	r.t.Helper()
	var made madeHook
	r.ask("POST", "/api/rooms/"+string(room)+"/hooks", ask, &made, by)
	return made
}

func (r *running) timeline(who string, room chat.RoomID) (all []wire.Event) {
	r.t.Helper()
	var page struct{ Events []wire.Event }
	r.ask("GET", "/api/rooms/"+string(room)+"/events", nil, &page, who)
	return page.Events
}

func (r *running) speak(who string, room chat.RoomID, text string) wire.Event {
	r.t.Helper()
	var made struct{ Event wire.Event }
	r.ask("POST", "/api/rooms/"+string(room)+"/messages", map[string]string{"text": text}, &made, who)
	return made.Event
}

func TestIncomingHook(t *testing.T) {
	r := serve(t)
	owner := r.owner()
	room := r.room(owner, "builds", "private")
	made := r.hook(owner, room, map[string]string{"kind": "in", "name": "CI"})
	if made.Curl != "curl -d '{\"text\":\"Hello from curl\"}' "+made.URL || !strings.HasPrefix(made.URL, r.url+"/hooks/hbw_") || made.Hook.Kind != "in" {
		t.Fatalf("%+v", made)
	}
	path := strings.TrimPrefix(made.URL, r.url)
	post := func(body string, header ...string) (int, string, http.Header) {
		resp, said := r.do("POST", path, body, header...)
		return resp.StatusCode, said, resp.Header
	}
	for _, x := range []struct {
		body, want string
		header     []string
	}{
		{`{"text":"*Build* <https://ci.example.org/7|7>: ok"}`, "**Build** [7](https://ci.example.org/7): ok", nil},
		{"payload=" + url.QueryEscape(`{"text":"form & all","username":"Jenkins","channel":"#elsewhere"}`), "form & all", []string{"Content-Type: application/x-www-form-urlencoded"}},
		{`{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"only blocks"}}]}`, "only blocks", []string{"Content-Type: application/json", "Origin: http://evil.example"}},
		{`{"text":"x","username":"Olga"}`, "x", nil}, // somebody's name
	} {
		status, said, h := post(x.body, x.header...)
		if status != 200 || said != "ok" || h.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %d %q %v", x.body, status, said, h)
		}
		events := r.timeline(owner, room)
		if e := events[len(events)-1]; e.Text != x.want || !e.Bot || e.Name != "CI" || e.Author != made.Hook.Bot || (e.As == "Jenkins") != strings.HasPrefix(x.body, "payload") || e.As == "Olga" {
			t.Errorf("%s: %+v", x.body, e)
		}
	}
	for body, want := range map[string]string{
		"": "400 invalid_payload", "x": "400 invalid_payload", `{"text":{}}`: "400 invalid_payload", "{}": "400 no_text", `{"attachments":"x"}`: "400 invalid_payload",
		`{"text":"` + strings.Repeat("x", 1<<20) + `"}`: "413 invalid_payload",
	} {
		if status, said, _ := post(body); fmt.Sprint(status, " ", said) != want {
			t.Errorf("%.30s: %d %s, want %s", body, status, said, want)
		}
	}
	var list struct{ Hooks []json.RawMessage }
	r.ask("GET", "/api/rooms/"+string(room)+"/hooks", nil, &list, owner)
	if len(list.Hooks) != 1 || strings.Contains(string(list.Hooks[0]), "hbw_") || !strings.Contains(string(list.Hooks[0]), `"used":`) {
		t.Errorf("%s", list.Hooks)
	}
	r.ask("PATCH", "/api/rooms/"+string(room), map[string]bool{"archived": true}, nil, owner)
	if status, said, _ := post(`{"text":"x"}`); status != 410 || said != "channel_is_archived" {
		t.Errorf("archived: %d %s", status, said)
	}
	r.ask("PATCH", "/api/rooms/"+string(room), map[string]bool{"archived": false}, nil, owner)
	r.ask("PATCH", "/api/rooms/"+string(room), map[string]bool{"read_only": true}, nil, owner)
	if status, said, _ := post(`{"text":"x"}`); status != 403 || said != "action_prohibited" {
		t.Errorf("read-only: %d %s", status, said)
	}
	r.ask("PATCH", "/api/rooms/"+string(room), map[string]bool{"read_only": false}, nil, owner)
	r.ask("DELETE", "/api/rooms/"+string(room)+"/hooks/"+made.Hook.ID, nil, nil, owner)
	if status, said, _ := post(`{"text":"x"}`); status != 404 || said != "no_service" {
		t.Errorf("revoked: %d %s", status, said)
	}
	again := r.hook(owner, room, map[string]string{"kind": "in", "name": "CI"}) // the name is free
	if again.Hook.Bot == made.Hook.Bot {
		t.Error("the same bot")
	}
	kinds := ""
	for _, e := range r.timeline(owner, room) {
		kinds += e.Kind + " "
	}
	if !strings.HasPrefix(kinds, "hook message ") || !strings.Contains(kinds, "hook_gone hook") {
		t.Error(kinds)
	}
	if err := r.server.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// A flood is told when to come back, and so is who guesses; the right secret works
// beside both.
func TestIncomingHookLimits(t *testing.T) {
	r := serve(t, behind)
	owner := r.owner()
	room := r.room(owner, "builds", "private")
	made, other := r.hook(owner, room, map[string]string{"kind": "in", "name": "CI"}), r.hook(owner, room, map[string]string{"kind": "in", "name": "Alerts"})
	path := strings.TrimPrefix(made.URL, r.url)
	counts := map[int]int{}
	for range 150 {
		resp, said := r.do("POST", path, `{"text":"x"}`)
		counts[resp.StatusCode]++
		if resp.StatusCode == 429 && (said != "rate_limited" || resp.Header.Get("Retry-After") == "") {
			t.Fatalf("%s %v", said, resp.Header)
		}
	}
	if counts[200] < 60 || counts[429] < 40 {
		t.Errorf("%v", counts)
	}
	clear(counts)
	for i := range 100 {
		resp, _ := r.do("POST", fmt.Sprintf("/hooks/hbw_guess%d", i), `{"text":"x"}`, from("203.0.113.9"))
		counts[resp.StatusCode]++
	}
	if counts[404] > 35 || counts[429] < 60 || counts[404]+counts[429] != 100 {
		t.Errorf("guesses: %v", counts)
	}
	if resp, said := r.do("POST", strings.TrimPrefix(other.URL, r.url), `{"text":"x"}`, from("203.0.113.9")); resp.StatusCode != 200 {
		t.Errorf("another hook: %d %s", resp.StatusCode, said)
	}
	r.ask("POST", "/api/blocks", map[string]string{"range": "203.0.113.9"}, nil, owner)
	if resp, _ := r.do("POST", strings.TrimPrefix(other.URL, r.url), `{"text":"x"}`, from("203.0.113.9")); resp.StatusCode != 403 {
		t.Errorf("a banned address: %d", resp.StatusCode)
	}
}

func TestWhoMakesHooks(t *testing.T) {
	r := serve(t)
	owner, mod, other, guest := r.owner(), r.member("Mod"), r.member("Tom"), r.guest("Gus")
	private, public := r.room(mod, "ours", "private"), r.room(mod, "open", "public")
	made := r.hook(mod, private, map[string]string{"kind": "in", "name": "CI"})
	r.hook(mod, public, map[string]string{"kind": "in", "name": "CI 2"})
	r.hook(owner, public, map[string]string{"kind": "in", "name": "CI 3"})
	hidden, nothing := "/api/rooms/"+string(private)+"/hooks", "/api/rooms/nosuchroom12/hooks"
	for _, who := range []string{owner, other, guest} {
		for _, x := range []struct{ method, more string }{{"GET", ""}, {"POST", ""}, {"PATCH", "/" + made.Hook.ID}, {"DELETE", "/" + made.Hook.ID}, {"POST", "/" + made.Hook.ID + "/retry"}} {
			resp, got := r.do(x.method, hidden+x.more, `{"kind":"in","name":"X"}`, who)
			_, want := r.do(x.method, nothing+x.more, `{"kind":"in","name":"X"}`, who)
			if resp.StatusCode != 404 || got != want {
				t.Errorf("%s %s: %s, and %s", x.method, x.more, got, want)
			}
		}
	}
	for _, who := range []string{other, guest} {
		if resp, body := r.do("POST", "/api/rooms/"+string(public)+"/hooks", `{"kind":"in","name":"X"}`, who); resp.StatusCode != 403 {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if resp, body := r.do("DELETE", "/api/rooms/"+string(public)+"/hooks/"+made.Hook.ID, "", owner); resp.StatusCode != 404 {
		t.Errorf("a hook of another room: %d %s", resp.StatusCode, body)
	}
	// An admin gets no token for the bot of a private room's hook, nor does a list show it.
	if resp, body := r.do("POST", "/api/bots/"+string(made.Hook.Bot)+"/tokens", `{"label":"x","scopes":["read"]}`, owner); resp.StatusCode != 404 {
		t.Errorf("a token for a hook's bot: %d %s", resp.StatusCode, body)
	}
	if _, body := r.do("GET", "/api/bots", "", owner); strings.Contains(body, "CI") {
		t.Errorf("bots: %s", body)
	}
	for body, want := range map[string]string{
		`{"kind":"in","name":"CI"}`: "409 name_taken", `{"kind":"in","name":"mod"}`: "409 name_taken", `{"kind":"in","name":""}`: "400 bad_name", `{"kind":"x","name":"X"}`: "400 bad_frame",
		`{"kind":"out","name":"X","url":"ftp://example.org"}`: "400 bad_frame", `{"kind":"out","name":"X","url":"https://u:p@example.org"}`: "400 bad_frame",
		`{"kind":"out","name":"X","url":"https://example.org","events":"some"}`: "400 bad_frame",
	} {
		resp, said := r.do("POST", hidden, body, mod)
		if got := fmt.Sprint(resp.StatusCode, " ", errorCode(said)); got != want {
			t.Errorf("%s: %s", body, said)
		}
	}
	var direct struct{ Room wire.Joined }
	var tom struct{ You wire.Person }
	r.ask("GET", "/api/me", nil, &tom, other)
	r.ask("POST", "/api/direct", map[string]any{"people": []chat.UserID{tom.You.ID}}, &direct, mod)
	if resp, _ := r.do("POST", "/api/rooms/"+string(direct.Room.ID)+"/hooks", `{"kind":"in","name":"X"}`, mod); resp.StatusCode != 403 {
		t.Errorf("in a direct conversation: %d", resp.StatusCode)
	}
}

// receiver is a program that deliveries go to.
type receiver struct {
	*httptest.Server
	got chan received

	mu     sync.Mutex
	status int
	header http.Header
}

type received struct {
	header http.Header
	body   []byte
	Hook   string
	Event  wire.Event
	Room   struct{ ID, Name, Kind string }
}

func newReceiver(t *testing.T) *receiver {
	x := &receiver{got: make(chan received, 100), status: 204}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var d received
		d.header = r.Header
		d.body, _ = io.ReadAll(r.Body)
		json.Unmarshal(d.body, &d)
		x.mu.Lock()
		status := x.status
		for k, v := range x.header {
			w.Header()[k] = v
		}
		x.mu.Unlock()
		x.got <- d
		w.WriteHeader(status)
	}))
	t.Cleanup(x.Close)
	return x
}

func (x *receiver) answers(status int, header http.Header) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.status, x.header = status, header
}

func (x *receiver) next(t *testing.T) received {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case d := <-x.got:
		return d
	case <-ctx.Done():
		t.Fatal("nothing was delivered")
	}
	return received{}
}

// manual is a clock that a test moves.
type manual struct {
	mu      sync.Mutex
	now     time.Time
	waiting []alarm
	waits   chan time.Time // until when somebody waits
}

type alarm struct {
	at time.Time
	c  chan time.Time
}

func newManual() *manual { return &manual{now: time.Now(), waits: make(chan time.Time, 1000)} }

func (m *manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *manual) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	a := alarm{m.now.Add(d), make(chan time.Time, 1)}
	m.waiting = append(m.waiting, a)
	m.mu.Unlock()
	m.waits <- a.at
	return a.c
}

// due returns how long it is until something happens that somebody waits for. Whoever
// was woken and waits on says so again, perhaps when that has passed.
func (m *manual) due(t *testing.T) time.Duration {
	t.Helper()
	for end := time.After(time.Minute); ; {
		select {
		case at := <-m.waits:
			if d := at.Sub(m.Now()); d > 0 {
				return d
			}
		case <-end:
			t.Fatal("nobody waits")
		}
	}
}

func (m *manual) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	for _, a := range m.waiting {
		if !a.at.After(m.now) {
			select {
			case a.c <- m.now:
			default:
			}
		}
	}
}

func near(c *server.Config) { c.HooksPrivate = true }

func TestOutgoingHook(t *testing.T) {
	x, y := newReceiver(t), newReceiver(t)
	data := t.TempDir()
	r := serve(t, near, func(c *server.Config) { c.Data = data })
	owner := r.owner()
	room, other := r.room(owner, "ours", "private"), r.room(owner, "theirs", "private")
	r.speak(owner, room, "from before")
	made := r.hook(owner, room, map[string]string{"kind": "out", "name": "Relay", "url": x.URL + "/in?secret=1"})
	r.hook(owner, room, map[string]string{"kind": "out", "name": "Helper", "url": y.URL, "events": "mention"})
	in := r.hook(owner, room, map[string]string{"kind": "in", "name": "CI"})
	r.speak(owner, other, "a canary in another room")
	r.do("POST", strings.TrimPrefix(in.URL, r.url), `{"text":"a program says"}`)
	for i := range 5 {
		r.speak(owner, room, fmt.Sprintf("message %d", i))
	}
	r.speak(owner, room, "@Helper hello")
	for i := range 5 {
		d := x.next(t)
		if d.Event.Text != fmt.Sprintf("message %d", i) || d.Room.ID != string(room) || d.Room.Name != "ours" || d.Room.Kind != "private" || d.Hook != made.Hook.ID {
			t.Errorf("%d: %s", i, d.body)
		}
		stamp := d.header.Get("X-Hubbub-Timestamp")
		if got := d.header.Get("X-Hubbub-Signature"); got != hooks.Sign(made.Secret, stamp, d.body) || len(got) != 71 {
			t.Errorf("signed %s", got)
		}
		if id := d.header.Get("X-Hubbub-Delivery"); id != fmt.Sprintf("%s-%d", made.Hook.ID, d.Event.Seq) || d.header.Get("Content-Type") != "application/json" {
			t.Errorf("%v", d.header)
		}
	}
	if d := y.next(t); d.Event.Text != "@Helper hello" {
		t.Errorf("%s", d.body)
	}
	if d := x.next(t); d.Event.Text != "@Helper hello" {
		t.Errorf("%s", d.body)
	}
	// The room is told of hooks, and not of what is secret about them.
	for _, e := range r.timeline(owner, room) {
		if e.Kind == "hook" && (strings.Contains(e.Text, "secret") || e.Text != "127.0.0.1" && e.About.Name != "CI") {
			t.Errorf("%+v", e)
		}
	}
	// When a hook is gone, nothing goes out by it.
	r.ask("DELETE", "/api/rooms/"+string(room)+"/hooks/"+made.Hook.ID, nil, nil, owner)
	r.speak(owner, room, "after the end")
	r.speak(owner, room, "@Helper again")
	if d := y.next(t); d.Event.Text != "@Helper again" {
		t.Errorf("%s", d.body)
	}
	if len(x.got) > 0 {
		t.Errorf("a hook that is gone delivered %s", (<-x.got).body)
	}
}

// What fails is tried again later and later, in order; after a day the hook pauses
// until somebody says that it should go on.
func TestOutgoingHookFails(t *testing.T) {
	x, clock := newReceiver(t), newManual()
	r := serve(t, near, func(c *server.Config) { c.Clock = clock })
	owner := r.owner()
	room := r.room(owner, "ours", "private")
	made := r.hook(owner, room, map[string]string{"kind": "out", "name": "Relay", "url": x.URL})
	hook := func() madeHook {
		var list struct{ Hooks []json.RawMessage }
		r.ask("GET", "/api/rooms/"+string(room)+"/hooks", nil, &list, owner)
		var one madeHook
		json.Unmarshal([]byte(`{"hook":`+string(list.Hooks[0])+`}`), &one)
		return one
	}
	x.answers(500, nil)
	first := r.speak(owner, room, "first")
	var last time.Duration
	var passed time.Duration
	tries := 0
	for { // until the try after a day, whenever that is: the waits are up to 72 minutes
		if d := x.next(t); d.Event.Seq != first.Seq {
			t.Fatalf("%s before the first was delivered", d.body)
		}
		tries++
		if passed >= 24*time.Hour {
			break
		}
		wait := clock.due(t)
		if tries == 1 {
			r.speak(owner, room, "second")
			if s := hook(); s.Hook.State != "failing" || len(s.Hook.Failures) != 1 || s.Hook.Failures[0].Status != 500 || s.Hook.Failures[0].Error != "it answered 500 Internal Server Error" {
				t.Errorf("%+v", s.Hook)
			}
		}
		if wait < last/2 || wait > 73*time.Minute {
			t.Errorf("try %d after %v, the one before after %v", tries, wait, last)
		}
		last = wait
		passed += wait
		clock.pass(wait)
	}
	if tries < 25 || tries > 60 {
		t.Errorf("%d tries in a day", tries)
	}
	for end := time.Now().Add(time.Minute); hook().Hook.State != "paused"; {
		if time.Now().After(end) {
			t.Fatalf("%+v", hook())
		}
	}
	if s := hook(); len(s.Hook.Failures) != chat.MaxFailures {
		t.Errorf("%d failures", len(s.Hook.Failures))
	}
	x.answers(302, http.Header{"Location": {"http://127.0.0.1:1/"}})
	r.ask("POST", "/api/rooms/"+string(room)+"/hooks/"+made.Hook.ID+"/retry", nil, nil, owner)
	x.next(t)
	clock.due(t)
	if s := hook(); s.Hook.Failures[0].Error != "it answered with a redirect, which is not followed" {
		t.Errorf("%+v", s.Hook)
	}
	x.answers(200, nil)
	r.ask("POST", "/api/rooms/"+string(room)+"/hooks/"+made.Hook.ID+"/retry", nil, nil, owner)
	for _, want := range []string{"first", "second"} {
		if d := x.next(t); d.Event.Text != want {
			t.Errorf("%s", d.body)
		}
	}
	x.answers(410, nil)
	r.speak(owner, room, "third")
	x.next(t)
	for end := time.Now().Add(time.Minute); hook().Hook.State != "paused"; {
		if time.Now().After(end) {
			t.Fatalf("%+v", hook())
		}
	}
}

// A place in the log is all there is to remember: after a restart a hook goes on where
// it was, and nothing comes twice that was answered.
func TestOutgoingHookAfterRestart(t *testing.T) {
	x, data := newReceiver(t), t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	run := func() (*running, func()) {
		cfg := server.Config{Listen: "127.0.0.1:0", Data: data, AllowNull: true, HooksPrivate: true, Log: quiet(t)}
		s, err := server.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx) }()
		return &running{t, s.URL(), s, nil}, func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	defer stop()
	r, end := run()
	owner := r.owner()
	room := r.room(owner, "ours", "private")
	made := r.hook(owner, room, map[string]string{"kind": "out", "name": "Relay", "url": x.URL})
	r.speak(owner, room, "one")
	x.next(t)
	r.ask("PATCH", "/api/rooms/"+string(room)+"/hooks/"+made.Hook.ID, map[string]bool{"paused": true}, nil, owner)
	r.speak(owner, room, "two")
	end()
	r, end = run()
	defer func() { end() }()
	r.speak(owner, room, "three")
	r.ask("PATCH", "/api/rooms/"+string(room)+"/hooks/"+made.Hook.ID, map[string]bool{"paused": false}, nil, owner)
	for _, want := range []string{"two", "three"} {
		if d := x.next(t); d.Event.Text != want {
			t.Errorf("%s", d.body)
		}
	}
}

// Nothing is delivered on behalf of somebody who may not read the room any more, nor
// to an address that is not public.
func TestOutgoingHookRights(t *testing.T) {
	x := newReceiver(t)
	r := serve(t, near)
	owner, mod := r.owner(), r.member("Mod")
	room := r.room(owner, "ours", "private")
	var you struct{ You wire.Person }
	r.ask("GET", "/api/me", nil, &you, mod)
	user := string(you.You.ID)
	r.ask("PUT", "/api/rooms/"+string(room)+"/members/"+user, nil, nil, owner)
	r.ask("PUT", "/api/rooms/"+string(room)+"/moderators/"+user, nil, nil, owner)
	made := r.hook(mod, room, map[string]string{"kind": "out", "name": "Relay", "url": x.URL})
	r.speak(owner, room, "one")
	x.next(t)
	r.ask("DELETE", "/api/rooms/"+string(room)+"/members/"+user, nil, nil, owner)
	r.speak(owner, room, "a canary for who is out")
	var list struct {
		Hooks []struct {
			State    string
			Failures []struct{ Error string }
		}
	}
	for end := time.Now().Add(time.Minute); ; {
		r.ask("GET", "/api/rooms/"+string(room)+"/hooks", nil, &list, owner)
		if list.Hooks[0].State == "paused" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", list)
		}
	}
	if len(list.Hooks[0].Failures) != 1 || !strings.Contains(list.Hooks[0].Failures[0].Error, "may not read") || len(x.got) > 0 {
		t.Errorf("%+v, %d delivered", list, len(x.got))
	}
	r.ask("DELETE", "/api/rooms/"+string(room)+"/hooks/"+made.Hook.ID, nil, nil, owner)

	strict := serve(t)
	owner = strict.owner()
	room = strict.room(owner, "ours", "private")
	strict.hook(owner, room, map[string]string{"kind": "out", "name": "Relay", "url": x.URL})
	strict.speak(owner, room, "x")
	for end := time.Now().Add(time.Minute); ; {
		strict.ask("GET", "/api/rooms/"+string(room)+"/hooks", nil, &list, owner)
		if list.Hooks[0].State == "failing" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", list)
		}
	}
	if list.Hooks[0].Failures[0].Error != "its address is not a public one" || len(x.got) > 0 {
		t.Errorf("%+v, %d delivered", list, len(x.got))
	}
}
