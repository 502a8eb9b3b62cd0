package api_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// service is a push service: browsers subscribe with it, and it decrypts what comes for
// them, as they would.
type service struct {
	*httptest.Server
	got chan alerted

	mu       sync.Mutex
	browsers map[string]*browser // by path
	gone     map[string]bool
}

type browser struct {
	t       *testing.T
	who     string
	private *ecdh.PrivateKey
	auth    []byte
	url     string
}

type alerted struct {
	Who    string
	header http.Header
	Tag    string
	Room   struct{ ID, Name, Kind string }
	Author struct{ Name string }
	Text   string
	URL    string
	size   int
}

var b64 = base64.RawURLEncoding

func newService(t *testing.T) *service {
	s := &service{got: make(chan alerted, 100), browsers: map[string]*browser{}, gone: map[string]bool{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		b, gone := s.browsers[r.URL.Path], s.gone[r.URL.Path]
		s.mu.Unlock()
		if b == nil || gone {
			w.WriteHeader(http.StatusGone)
			return
		}
		body, _ := io.ReadAll(r.Body)
		a := alerted{Who: b.who, header: r.Header, size: len(body)}
		if err := json.Unmarshal(b.open(body), &a); err != nil {
			t.Errorf("for %s came %q", b.who, body)
		}
		w.WriteHeader(http.StatusCreated)
		s.got <- a
	}))
	t.Cleanup(s.Close)
	return s
}

// open decrypts as RFC 8188 and 8291 say.
func (b *browser) open(body []byte) []byte {
	salt, rest := body[:16], body[16+4:]
	theirs, err := ecdh.P256().NewPublicKey(rest[1 : 1+rest[0]])
	if err != nil {
		b.t.Fatal(err)
	}
	secret, err := b.private.ECDH(theirs)
	if err != nil {
		b.t.Fatal(err)
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		key, err := hkdf.Key(sha256.New, secret, salt, info, n)
		if err != nil {
			b.t.Fatal(err)
		}
		return key
	}
	ikm := derive(secret, b.auth, "WebPush: info\x00"+string(b.private.PublicKey().Bytes())+string(theirs.Bytes()), 32)
	block, _ := aes.NewCipher(derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	gcm, _ := cipher.NewGCM(block)
	plain, err := gcm.Open(nil, derive(ikm, salt, "Content-Encoding: nonce\x00", 12), rest[1+rest[0]:], nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return []byte(strings.TrimRight(string(plain), "\x00")[:strings.LastIndexByte(string(plain), 2)])
}

// browser subscribes somebody.
func (s *service) browser(r *running, who, header string) *browser {
	r.t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	auth := make([]byte, 16)
	rand.Read(auth)
	s.mu.Lock()
	path := fmt.Sprintf("/push/%d", len(s.browsers))
	b := &browser{r.t, who, private, auth, s.URL + path}
	s.browsers[path] = b
	s.mu.Unlock()
	r.ask("POST", "/api/me/push", map[string]any{"endpoint": b.url, "keys": map[string]string{
		"p256dh": b64.EncodeToString(private.PublicKey().Bytes()), "auth": b64.EncodeToString(auth)}}, nil, header)
	return b
}

func (s *service) next(t *testing.T) alerted {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case a := <-s.got:
		return a
	case <-ctx.Done():
		t.Fatal("no alert came")
	}
	return alerted{}
}

// checkSigned verifies what push services do: RFC 8292.
func checkSigned(t *testing.T, a alerted, origin, key string) {
	t.Helper()
	token, k, ok := strings.Cut(strings.TrimPrefix(a.header.Get("Authorization"), "vapid t="), ", k=")
	if !ok || k != key {
		t.Fatalf("signed by %s, not %s", k, key)
	}
	parts := strings.Split(token, ".")
	public, _ := b64.DecodeString(k)
	signature, _ := b64.DecodeString(parts[2])
	x, y := elliptic.Unmarshal(elliptic.P256(), public)
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(&ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the signature is wrong")
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	raw, _ := b64.DecodeString(parts[1])
	if json.Unmarshal(raw, &claims); claims.Aud != origin || claims.Sub != "mailto:ops@example.org" || time.Until(time.Unix(claims.Exp, 0)) > 24*time.Hour || time.Until(time.Unix(claims.Exp, 0)) < time.Hour {
		t.Errorf("claims %s", raw)
	}
}

func pushing(s *service) func(*server.Config) {
	return func(c *server.Config) { c.Push, c.PushContact = s.Client(), "mailto:ops@example.org" }
}

func (r *running) id(header string) chat.UserID {
	r.t.Helper()
	var me struct{ You wire.Person }
	r.ask("GET", "/api/me", nil, &me, header)
	return me.You.ID
}

func TestPush(t *testing.T) {
	s := newService(t)
	r := serve(t, pushing(s))
	owner, ben, cem := r.owner(), r.member("Ben"), r.member("Cem")
	var key struct{ Key string }
	r.ask("GET", "/api/me/push", nil, &key, ben)
	benPhone := s.browser(r, "Ben", ben)
	s.browser(r, "Cem", cem) // a canary: not in the room
	s.browser(r, "Olga", owner)
	room := r.room(owner, "plans", "private")
	r.ask("PUT", "/api/rooms/"+string(room)+"/members/"+string(r.id(ben)), nil, nil, owner)
	r.speak(owner, room, "nobody in particular")
	said := r.speak(owner, room, "@Ben the **oven** is [here](https://example.org)")
	a := s.next(t)
	if a.Who != "Ben" || a.Text != "@Ben the oven is here" || a.Author.Name != "Olga" || a.Room.ID != string(room) || a.Room.Name != "plans" ||
		a.URL != fmt.Sprintf("/p/%s/%d", room, said.Seq) || a.Tag != fmt.Sprintf("%s-%d", room, said.Seq) || a.size > 4096 {
		t.Errorf("%+v", a)
	}
	if a.header.Get("TTL") == "" || a.header.Get("Urgency") != "high" || a.header.Get("Content-Encoding") != "aes128gcm" {
		t.Errorf("%v", a.header)
	}
	checkSigned(t, a, s.URL, key.Key)

	// What one has said that one wants to hear decides, and so does whether one looks.
	decided := newFence(r, s, owner)
	direct := func(text string) {
		t.Helper()
		var made struct{ Room wire.Joined }
		r.ask("POST", "/api/direct", map[string]any{"people": []chat.UserID{r.id(ben)}}, &made, owner)
		r.speak(owner, made.Room.ID, text)
	}
	set := func(path string, body any) {
		t.Helper()
		r.ask("PATCH", path, body, nil, ben)
	}
	set("/api/me/rooms/"+string(room), map[string]any{"level": "none"})
	r.speak(owner, room, "@Ben not this")
	decided()
	set("/api/me/rooms/"+string(room), map[string]any{"level": "all"})
	r.speak(owner, room, "but this")
	if a := s.next(t); a.Text != "but this" {
		t.Errorf("%+v", a)
	}
	set("/api/me/rooms/"+string(room), map[string]any{"quiet": true})
	r.speak(owner, room, "@Ben nor this")
	decided()
	set("/api/me", map[string]any{"silent_until": time.Now().Add(time.Hour).UnixMilli()})
	direct("not now")
	decided()
	set("/api/me", map[string]any{"silent_until": 0})
	direct("now")
	if a := s.next(t); a.Text != "now" || a.Room.Kind != "direct" {
		t.Errorf("%+v", a)
	}
	conn := r.connected(bearer(ben))
	conn.Write(t.Context(), &wire.Attend{On: true})
	conn.Sync(t.Context())
	direct("seen on the screen")
	decided()
	conn.Write(t.Context(), &wire.Attend{On: false})
	conn.Sync(t.Context())
	direct("in the background")
	if a := s.next(t); a.Text != "in the background" {
		t.Errorf("%+v", a)
	}

	// Who is removed hears nothing more; a browser that wants nothing more is forgotten.
	set("/api/me/rooms/"+string(room), map[string]any{"quiet": false})
	r.ask("DELETE", "/api/rooms/"+string(room)+"/members/"+string(r.id(ben)), nil, nil, owner)
	r.speak(owner, room, "@Ben a canary for who was removed")
	decided()
	s.mu.Lock()
	s.gone[strings.TrimPrefix(benPhone.url, s.URL)] = true
	s.mu.Unlock()
	direct("to a browser that is gone")
	decided()
	s.browser(r, "Ben again", ben)
	s.mu.Lock()
	clear(s.gone)
	s.mu.Unlock()
	direct("once more")
	if a := s.next(t); a.Who != "Ben again" {
		t.Errorf("%+v", a)
	}
	// The session ends, and with it the alerts.
	to := r.id(ben)
	r.ask("POST", "/api/sign-out", nil, nil, ben)
	var made struct{ Room wire.Joined }
	r.ask("POST", "/api/direct", map[string]any{"people": []chat.UserID{to}}, &made, owner)
	r.speak(owner, made.Room.ID, "a canary for who signed out")
	decided()
	if len(s.got) > 0 {
		t.Errorf("%+v came", <-s.got)
	}
}

// newFence returns a function that returns when whatever was said before has been
// decided and sent, and wants no alert to have come of it: rooms are decided in the order
// in which something came to them, so alerts for a lot of other devices show that.
func newFence(r *running, s *service, owner string) func() {
	who := r.member("Fence")
	for range chat.MaxDevices {
		s.browser(r, "fence", who)
	}
	var made struct{ Room wire.Joined }
	r.ask("POST", "/api/direct", map[string]any{"people": []chat.UserID{r.id(who)}}, &made, owner)
	return func() {
		r.t.Helper()
		r.speak(owner, made.Room.ID, "fence")
		for range chat.MaxDevices {
			if a := s.next(r.t); a.Who != "fence" {
				r.t.Errorf("%s for %s came unasked", a.Text, a.Who)
			}
		}
	}
}

// No message alerts twice, whatever happens to the server meanwhile.
func TestPushAfterRestart(t *testing.T) {
	s, data := newService(t), t.TempDir()
	run := func() (*running, func()) {
		cfg := server.Config{Listen: "127.0.0.1:0", Data: data, AllowNull: true, Log: quiet(t)}
		pushing(s)(&cfg)
		srv, err := server.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- srv.Serve(ctx) }()
		return &running{t, srv.URL(), srv, nil}, func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	r, end := run()
	owner, ben := r.owner(), r.member("Ben")
	var key, later struct{ Key string }
	r.ask("GET", "/api/me/push", nil, &key, ben)
	s.browser(r, "Ben", ben)
	var made struct{ Room wire.Joined }
	r.ask("POST", "/api/direct", map[string]any{"people": []chat.UserID{r.id(ben)}}, &made, owner)
	for i := range 5 {
		r.speak(owner, made.Room.ID, fmt.Sprint("before ", i))
	}
	seen := map[string]bool{}
	for range 5 {
		seen[s.next(t).Tag] = true
	}
	for range 3 {
		end()
		r, end = run()
		a := r.speak(owner, made.Room.ID, "after")
		if got := s.next(t); seen[got.Tag] || got.Tag != fmt.Sprintf("%s-%d", a.Room, a.Seq) {
			t.Errorf("%+v", got)
		}
	}
	r.ask("GET", "/api/me/push", nil, &later, ben)
	if later != key {
		t.Error("the keys are others after a restart")
	}
	end()
	if len(seen) != 5 || len(s.got) > 0 {
		t.Errorf("%d, and %d more", len(seen), len(s.got))
	}
}

func TestPushRefusals(t *testing.T) {
	r := serve(t)
	who := r.guest("Ines")
	good, _ := ecdh.P256().GenerateKey(rand.Reader)
	key, auth := b64.EncodeToString(good.PublicKey().Bytes()), b64.EncodeToString(make([]byte, 16))
	for _, x := range []struct{ endpoint, key, auth string }{
		{"", key, auth}, {"http://example.org/x", key, auth}, {"https://u:p@example.org/x", key, auth}, {"https://example.org/x", "", auth},
		{"https://example.org/x", b64.EncodeToString(make([]byte, 65)), auth}, {"https://example.org/x", key, "AAAA"}, {"https://example.org/" + strings.Repeat("x", 3000), key, auth},
	} {
		body, _ := json.Marshal(map[string]any{"endpoint": x.endpoint, "keys": map[string]string{"p256dh": x.key, "auth": x.auth}})
		if resp, said := r.do("POST", "/api/me/push", string(body), who); resp.StatusCode != 400 {
			t.Errorf("%.60s: %d %s", body, resp.StatusCode, said)
		}
	}
	// An address that is not public is taken, for who could know, and never dialled.
	asked := make(chan bool, 10)
	near := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- true }))
	defer near.Close()
	body, _ := json.Marshal(map[string]any{"endpoint": near.URL, "keys": map[string]string{"p256dh": key, "auth": auth}})
	if resp, said := r.do("POST", "/api/me/push", string(body), who); resp.StatusCode != 201 {
		t.Errorf("%d %s", resp.StatusCode, said)
	}
	owner := r.owner()
	var made struct{ Room wire.Joined }
	r.ask("POST", "/api/direct", map[string]any{"people": []chat.UserID{r.id(who)}}, &made, owner)
	r.speak(owner, made.Room.ID, "x")
	if len(asked) > 0 {
		t.Error("it was dialled")
	}
}

func TestAttention(t *testing.T) {
	r := serve(t)
	owner, ben := r.owner(), r.member("Ben")
	room := r.room(owner, "plans", "private")
	r.ask("PUT", "/api/rooms/"+string(room)+"/members/"+string(r.id(ben)), nil, nil, owner)
	phone := r.connected(bearer(ben))
	mine := func() wire.Joined {
		t.Helper()
		var list struct{ Rooms []wire.Joined }
		r.ask("GET", "/api/me/rooms", nil, &list, ben)
		for _, one := range list.Rooms {
			if one.ID == room {
				return one
			}
		}
		t.Fatalf("%+v", list)
		return wire.Joined{}
	}
	next := func(want string) {
		t.Helper()
		frames, err := phone.Sync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range frames {
			if _, ok := f.(*wire.Read); ok {
				got += string(wire.Encode(f))
			}
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	var seqs []chat.Seq
	for _, text := range []string{"one", "@Ben two", "three", "@Ben four"} {
		seqs = append(seqs, r.speak(owner, room, text).Seq)
	}
	before := mine()
	if before.Unread != 4 || before.Mentions != 2 || before.Level != "" || before.Quiet {
		t.Fatalf("%+v", before)
	}
	next("")
	r.ask("POST", "/api/me/read", nil, nil, ben)
	next(fmt.Sprintf(`{"read":{"room":"%s","seq":%d}}`, room, before.Head))
	if m := mine(); m.Unread != 0 || m.Mentions != 0 || m.Read != before.Head {
		t.Errorf("%+v", m)
	}
	r.ask("POST", "/api/me/rooms/"+string(room)+"/unread", map[string]any{"seq": seqs[2]}, nil, ben)
	next(fmt.Sprintf(`{"read":{"room":"%s","seq":%d}}`, room, seqs[1]))
	if m := mine(); m.Unread != 2 || m.Mentions != 1 || m.Read != seqs[1] {
		t.Errorf("%+v", m)
	}
	r.ask("POST", "/api/me/rooms/"+string(room)+"/unread", map[string]any{"seq": 1}, nil, ben)
	if m := mine(); m.Unread != 4 || m.Mentions != 2 || m.Read != 0 {
		t.Errorf("%+v", m)
	}
	next(fmt.Sprintf(`{"read":{"room":"%s","seq":0}}`, room))
	r.ask("PATCH", "/api/me/rooms/"+string(room), map[string]any{"level": "all", "quiet": true}, nil, ben)
	if m := mine(); m.Level != "all" || !m.Quiet {
		t.Errorf("%+v", m)
	}
	phone.Sync(t.Context()) // joined comes when it comes
	r.ask("PATCH", "/api/me/rooms/"+string(room), map[string]any{"level": "default"}, nil, ben)
	if m := mine(); m.Level != "" || !m.Quiet {
		t.Errorf("%+v", m)
	}

	// Drafts: the newest counts, and a clock that is ahead does not.
	draft := func(body string) wire.Draft {
		t.Helper()
		var answer struct{ Draft wire.Draft }
		r.ask("PUT", "/api/me/drafts/"+string(room), json.RawMessage(body), &answer, ben)
		return answer.Draft
	}
	at := time.Now().UnixMilli()
	if d := draft(fmt.Sprintf(`{"text":"first","time":%d}`, at-1000)); d.Text != "first" || d.Time != wire.Millis(at-1000) {
		t.Errorf("%+v", d)
	}
	if d := draft(fmt.Sprintf(`{"text":"older","time":%d}`, at-2000)); d.Text != "first" {
		t.Errorf("%+v", d)
	}
	if d := draft(fmt.Sprintf(`{"text":"from the future","time":%d}`, at+1e9)); d.Text != "from the future" || d.Time > wire.Millis(time.Now().UnixMilli()) {
		t.Errorf("%+v", d)
	}
	if m := mine(); m.Draft == nil || m.Draft.Text != "from the future" {
		t.Errorf("%+v", m.Draft)
	}
	if d := draft(`{"text":""}`); d.Text != "" || mine().Draft != nil {
		t.Errorf("%+v", d)
	}
	frames, _ := phone.Sync(t.Context())
	drafts := ""
	for _, f := range frames {
		if d, ok := f.(*wire.Draft); ok {
			drafts += d.Text + ";"
		}
	}
	if drafts != "first;from the future;;" {
		t.Error(drafts)
	}

	// Whoever is not in the room has none of this.
	cem := r.member("Cem")
	for _, x := range []struct{ method, path, body string }{
		{"PATCH", "/api/me/rooms/%s", `{"level":"all"}`}, {"POST", "/api/me/rooms/%s/unread", `{"seq":1}`}, {"PUT", "/api/me/drafts/%s", `{"text":"x"}`},
	} {
		resp, got := r.do(x.method, fmt.Sprintf(x.path, room), x.body, cem)
		_, want := r.do(x.method, fmt.Sprintf(x.path, "nosuchroom12"), x.body, cem)
		if resp.StatusCode != 404 || got != want {
			t.Errorf("%s %s: %d %s", x.method, x.path, resp.StatusCode, got)
		}
	}
	for path, body := range map[string]string{
		"PATCH /api/me/rooms/" + string(room): `{"level":"some"}`, "POST /api/me/rooms/" + string(room) + "/unread": `{}`, "PUT /api/me/drafts/" + string(room): `{}`,
		"PATCH /api/me": `{"quiet_hours":{"from":"25:00","to":"07:00","zone":"UTC"}}`, "PATCH  /api/me": `{"quiet_hours":{"from":"22:00","to":"07:00","zone":"Mars"}}`,
	} {
		method, p, _ := strings.Cut(path, " ")
		if resp, said := r.do(method, strings.TrimSpace(p), body, ben); resp.StatusCode != 400 {
			t.Errorf("%s %s: %d %s", path, body, resp.StatusCode, said)
		}
	}
	r.ask("PATCH", "/api/rooms/"+string(room), map[string]bool{"read_only": true}, nil, owner)
	if resp, _ := r.do("PUT", "/api/me/drafts/"+string(room), `{"text":"x"}`, ben); resp.StatusCode != 403 {
		t.Errorf("a draft where one may not write: %d", resp.StatusCode)
	}
	draft(`{"text":""}`)

	var me struct {
		SilentUntil int64              `json:"silent_until"`
		QuietHours  *map[string]string `json:"quiet_hours"`
	}
	r.ask("PATCH", "/api/me", json.RawMessage(`{"silent_until":-1,"quiet_hours":{"from":"22:00","to":"07:30","zone":"Europe/Zurich"}}`), nil, ben)
	r.ask("GET", "/api/me", nil, &me, ben)
	if me.SilentUntil != -1 || me.QuietHours == nil || (*me.QuietHours)["to"] != "07:30" || (*me.QuietHours)["zone"] != "Europe/Zurich" {
		t.Errorf("%+v", me)
	}
	r.ask("PATCH", "/api/me", json.RawMessage(`{"quiet_hours":null}`), nil, ben)
	if r.ask("GET", "/api/me", nil, &me, ben); me.SilentUntil != -1 || me.QuietHours != nil {
		t.Errorf("%+v", me)
	}
	if err := r.server.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Who comes, goes and looks away is told to those in the same room, and to nobody else.
func TestPresence(t *testing.T) {
	r := serve(t)
	owner, ben, cem := r.owner(), r.member("Ben"), r.member("Cem")
	room := r.room(owner, "plans", "private")
	r.ask("PUT", "/api/rooms/"+string(room)+"/members/"+string(r.id(ben)), nil, nil, owner)
	watch, outsider := r.connected(bearer(owner)), r.connected(bearer(cem))
	for _, c := range []*client.Conn{watch, outsider} {
		c.Write(t.Context(), &wire.Attend{On: true})
	}
	watch.Write(t.Context(), &wire.Open{Room: room})
	outsider.Write(t.Context(), &wire.Open{Name: "lobby"})
	watch.Sync(t.Context())
	outsider.Sync(t.Context())
	next := func() *wire.Presence {
		t.Helper()
		for {
			f, err := watch.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p, ok := f.(*wire.Presence); ok {
				return p
			}
		}
	}
	his := r.connected(bearer(ben))
	if p := next(); p.Person.Name != "Ben" || !p.Online || p.Away {
		t.Errorf("%+v", p)
	}
	his.Write(t.Context(), &wire.Attend{On: false})
	if p := next(); !p.Online || !p.Away {
		t.Errorf("%+v", p)
	}
	var list struct {
		Members []struct {
			Name         string
			Online, Away bool
		}
	}
	r.ask("GET", "/api/rooms/"+string(room)+"/members", nil, &list, owner)
	if len(list.Members) != 2 || !list.Members[0].Online || !list.Members[0].Away || !list.Members[1].Online || list.Members[1].Away {
		t.Errorf("%+v", list)
	}
	his.Cut()
	if p := next(); p.Online {
		t.Errorf("%+v", p)
	}
	frames, _ := outsider.Sync(t.Context())
	for _, f := range frames {
		if p, ok := f.(*wire.Presence); ok {
			t.Errorf("somebody outside of the room hears %+v", p)
		}
	}
}
