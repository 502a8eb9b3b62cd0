package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"hubbub/internal/api"
	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// A request through a proxy that is not ours is not from this machine, whoever it
// says it is from.
const stranger = "Via: 1.1 somewhere"

const goodPassword = "violet tugboat harbour 7"

// behind has the test's own address count as a proxy's, so that X-Forwarded-For
// says where a request comes from.
func behind(c *server.Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func from(addr string) string { return "X-Forwarded-For: " + addr }

// ask makes a request that must succeed, and reads the answer.
func (r *running) ask(method, path string, body any, answer any, header ...string) {
	r.t.Helper()
	b, _ := json.Marshal(body)
	if string(b) == "null" {
		b = []byte("{}")
	}
	resp, said := r.do(method, path, string(b), header...)
	if resp.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, said)
	}
	if answer != nil {
		if err := json.Unmarshal([]byte(said), answer); err != nil {
			r.t.Fatalf("%s %s: %q: %v", method, path, said, err)
		}
	}
}

// member makes somebody with an account, and returns the header that makes a
// request theirs.
func (r *running) member(name string) string {
	r.t.Helper()
	var made struct {
		Token string
		You   wire.Person
	}
	r.ask("POST", "/api/guests", map[string]any{"name": name, "password": goodPassword, "token": true}, &made)
	if made.You.Role != "member" {
		r.t.Fatalf("made %+v", made.You)
	}
	return "Authorization: Bearer " + made.Token
}

func secretOf(link string) string { return link[strings.Index(link, "#")+1:] }

// owner makes the owner by the link of the first start.
func (r *running) owner() string {
	r.t.Helper()
	link, err := r.server.OwnerLink(r.t.Context())
	if err != nil || link == "" {
		r.t.Fatal(link, err)
	}
	var made struct {
		Token string
		You   wire.Person
	}
	r.ask("POST", "/api/guests", map[string]any{"name": "Olga", "password": goodPassword, "invite": secretOf(link), "token": true}, &made, stranger)
	if made.You.Role != "owner" {
		r.t.Fatalf("made %+v", made.You)
	}
	return "Authorization: Bearer " + made.Token
}

func (r *running) invite(by string, ask map[string]any) string {
	r.t.Helper()
	var made struct{ Invite struct{ Link, QR string } }
	r.ask("POST", "/api/invites", ask, &made, by)
	if !strings.HasPrefix(made.Invite.QR, "<svg ") || !strings.Contains(made.Invite.Link, "/join#hbi_") {
		r.t.Errorf("made %+v", made)
	}
	return secretOf(made.Invite.Link)
}

func TestStrangersNeedAnInvitation(t *testing.T) {
	r := serve(t)
	owner := r.owner()
	for _, x := range []struct{ method, path, body string }{
		{"POST", "/api/guests", `{"name":"Mallory"}`},
		{"POST", "/api/guests", `{"name":"Mallory","password":"` + goodPassword + `"}`},
	} {
		if resp, body := r.do(x.method, x.path, x.body, stranger); resp.StatusCode != 403 || !strings.Contains(body, `"need_invite"`) {
			t.Errorf("%s %s: %d %s", x.method, x.path, resp.StatusCode, body)
		}
	}
	if resp, body := r.do("GET", "/", "", append(upgrade[:4:4], stranger)...); resp.StatusCode != 403 || !strings.Contains(body, `"need_invite"`) {
		t.Errorf("plain: %d %s", resp.StatusCode, body)
	}
	secret := r.invite(owner, map[string]any{"role": "member", "room": "kitchen"})
	var look struct{ Role, Room, By string }
	r.ask("POST", "/api/invites/look", map[string]string{"invite": secret}, &look, stranger)
	if look.Role != "member" || look.Room != "kitchen" || look.By != "Olga" {
		t.Errorf("it looks like %+v", look)
	}
	var made struct {
		Token string
		You   wire.Person
	}
	r.ask("POST", "/api/guests", map[string]any{"name": "Tom", "invite": secret, "token": true}, &made, stranger)
	if made.You.Role != "guest" {
		t.Errorf("made %+v", made.You)
	}
	if resp, _ := r.do("GET", "/?invite="+secret, "", append(upgrade[:4:4], stranger)...); resp.StatusCode != 101 {
		t.Errorf("plain with an invitation: %d", resp.StatusCode)
	}
	if resp, _ := r.do("GET", "/?token="+made.Token, "", append(upgrade[:4:4], stranger)...); resp.StatusCode != 101 {
		t.Errorf("plain with a token: %d", resp.StatusCode)
	}
	if resp, _ := r.do("GET", "/?token=hbt_wrong", "", append(upgrade[:4:4], stranger)...); resp.StatusCode != 401 {
		t.Errorf("plain with a wrong token: %d", resp.StatusCode)
	}
}

// What an outsider learns of an invitation that lets nobody in is always the same.
func TestBadInvitations(t *testing.T) {
	r := serve(t)
	owner := r.owner()
	once := r.invite(owner, map[string]any{"uses": 1})
	r.ask("POST", "/api/guests", map[string]any{"name": "First", "invite": once}, nil, stranger)
	late := r.invite(owner, map[string]any{"expires": 0.001})
	revoked := r.invite(owner, nil)
	var list struct{ Invites []struct{ ID string } }
	r.ask("GET", "/api/invites", nil, &list, owner)
	r.ask("DELETE", "/api/invites/"+list.Invites[0].ID, nil, nil, owner)
	other := serve(t)
	foreign := other.invite(other.owner(), nil)
	for _, path := range []string{"/api/guests", "/api/invites/look"} {
		want := ""
		for name, secret := range map[string]string{
			"unknown": "hbi_AAAAAAAAAAAAAAAAAAAAAA", "nonsense": "x", "used up": once, "expired": late, "revoked": revoked, "foreign": foreign,
		} {
			resp, body := r.do("POST", path, fmt.Sprintf(`{"name":"Mallory","invite":%q}`, secret), stranger)
			if want == "" {
				want = body
			}
			if resp.StatusCode != 403 || body != want || !strings.Contains(body, `"bad_invite"`) {
				t.Errorf("%s, %s: %d %s", path, name, resp.StatusCode, body)
			}
		}
	}
}

func TestGuessingInvitations(t *testing.T) {
	r := serve(t, behind)
	secret := r.invite(r.owner(), nil)
	evaluated := 0
	for i := range 200 {
		resp, body := r.do("POST", "/api/invites/look", fmt.Sprintf(`{"invite":"guess %d"}`, i), from("203.0.113.9"))
		if resp.StatusCode == 403 {
			evaluated++
		} else if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, `"retry_after":`) {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	if evaluated > 25 {
		t.Errorf("%d guesses were looked at", evaluated)
	}
	r.ask("POST", "/api/invites/look", map[string]string{"invite": secret}, nil, from("203.0.113.10"))
}

func TestPolicies(t *testing.T) {
	r := serve(t)
	owner, member := r.owner(), r.member("Tom")
	guests := func(name string, header ...string) int {
		resp, _ := r.do("POST", "/api/guests", fmt.Sprintf(`{"name":%q}`, name), header...)
		return resp.StatusCode
	}
	if resp, _ := r.do("PATCH", "/api/place", `{"guests":"open"}`, member); resp.StatusCode != 403 {
		t.Errorf("a member opened the place: %d", resp.StatusCode)
	}
	r.ask("PATCH", "/api/place", map[string]string{"guests": "open"}, nil, owner)
	if got := guests("A", stranger); got != 201 {
		t.Errorf("open: %d", got)
	}
	r.ask("PATCH", "/api/place", map[string]string{"guests": "none"}, nil, owner)
	if got := guests("B"); got != 403 {
		t.Errorf("none: %d", got)
	}
	secret := r.invite(owner, map[string]any{"role": "member"})
	if resp, body := r.do("POST", "/api/guests", fmt.Sprintf(`{"name":"C","invite":%q}`, secret)); resp.StatusCode != 400 || !strings.Contains(body, "weak_password") {
		t.Errorf("without a password: %d %s", resp.StatusCode, body)
	}
	r.ask("POST", "/api/guests", map[string]any{"name": "C", "invite": secret, "password": goodPassword}, nil, stranger)
	if resp, _ := r.do("PATCH", "/api/place", `{"guests":"everybody"}`, owner); resp.StatusCode != 400 {
		t.Errorf("nonsense: %d", resp.StatusCode)
	}
}

// The link of the first start works once, and there is none once there is an owner.
func TestOwnerLink(t *testing.T) {
	r := serve(t)
	older, err := r.server.OwnerLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	link, err := r.server.OwnerLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	claim := func(link, name string) int {
		resp, _ := r.do("POST", "/api/guests", fmt.Sprintf(`{"name":%q,"password":%q,"invite":%q}`, name, goodPassword, secretOf(link)), stranger)
		return resp.StatusCode
	}
	if got := claim(older, "Mallory"); got != 403 {
		t.Errorf("the older link: %d", got)
	}
	if got := claim(link, "Olga"); got != 201 {
		t.Errorf("the link: %d", got)
	}
	if got := claim(link, "Mallory"); got != 403 {
		t.Errorf("again: %d", got)
	}
	if link, err := r.server.OwnerLink(t.Context()); link != "" || err != nil {
		t.Errorf("with an owner: %q, %v", link, err)
	}
}

// Whoever comes first is nobody special.
func TestFirstVisitorIsNoOwner(t *testing.T) {
	r := serve(t)
	member := r.member("First")
	for _, x := range []struct{ method, path, body string }{
		{"PATCH", "/api/place", `{"guests":"open"}`},
		{"POST", "/api/invites", `{"role":"owner","uses":1,"expires":60}`},
		{"POST", "/api/invites", `{"role":"admin"}`},
		{"POST", "/api/owner-link", `{}`},
	} {
		if resp, body := r.do(x.method, x.path, x.body, member); resp.StatusCode != 403 {
			t.Errorf("%s %s: %d %s", x.method, x.path, resp.StatusCode, body)
		}
	}
	if resp, _ := r.do("POST", "/api/invites", `{}`, r.guest("Guest")); resp.StatusCode != 403 {
		t.Errorf("a guest invited: %d", resp.StatusCode)
	}
}

// Whether there is an account shows neither in the answer nor in its time.
func TestSignIn(t *testing.T) {
	r := serve(t, behind, func(c *server.Config) { c.NoLimits = true })
	r.member("Ines")
	r.ask("POST", "/api/guests", map[string]any{"name": "Guest"}, nil)
	sign := func(name, password string) (int, string, time.Duration) {
		begun := time.Now()
		resp, body := r.do("POST", "/api/sign-in", fmt.Sprintf(`{"name":%q,"password":%q,"token":true}`, name, password))
		return resp.StatusCode, body, time.Since(begun)
	}
	for _, name := range []string{"Ines", "ines", " INES "} {
		if status, body, _ := sign(name, goodPassword); status != 200 || !strings.Contains(body, `"token":"hbt_`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	_, want, _ := sign("Ines", "wrong")
	// The least of some times is what it takes; on a busy machine some are not enough.
	times := map[string]time.Duration{}
	alike := func() bool {
		for _, took := range times {
			if took < times["Ines"]/2 || took > 2*times["Ines"] {
				return false
			}
		}
		return true
	}
	for round := range 60 {
		if round >= 5 && alike() {
			break
		}
		for _, name := range []string{"Ines", "Nobody", "Guest", "аdmin", ""} {
			status, body, took := sign(name, "wrong")
			if status != 401 || body != want {
				t.Errorf("%q: %d %s, not %s", name, status, body, want)
			}
			if least, ok := times[name]; !ok || took < least {
				times[name] = took
			}
		}
	}
	if !alike() {
		t.Errorf("the least times are %v", times)
	}
}

// Ten thousand guesses: a handful is evaluated, and the person gets in from
// elsewhere meanwhile.
func TestGuessingPasswords(t *testing.T) {
	r := serve(t, behind)
	r.member("Ines")
	var mu sync.Mutex
	evaluated := 0
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			tr := &http.Client{}
			for i := range 2500 {
				req, _ := http.NewRequest("POST", r.url+"/api/sign-in", strings.NewReader(fmt.Sprintf(`{"name":"Ines","password":"guess %d %d"}`, w, i)))
				req.Header.Set("X-Forwarded-For", "203.0.113.9")
				resp, err := tr.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				switch resp.StatusCode {
				case 401:
					mu.Lock()
					evaluated++
					mu.Unlock()
				case 429:
				default:
					t.Errorf("%d", resp.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	if evaluated == 0 || evaluated > 8 {
		t.Errorf("%d guesses were evaluated", evaluated)
	}
	r.ask("POST", "/api/sign-in", map[string]string{"name": "Ines", "password": goodPassword}, nil, from("198.51.100.7"))
}

func TestWeakPasswords(t *testing.T) {
	r := serve(t)
	for _, password := range []string{"short", "password123", "1234567890", "qwertyuiop", "Mallory2026", "hubbubhubbub", strings.Repeat("a", 300)} {
		if resp, body := r.do("POST", "/api/guests", fmt.Sprintf(`{"name":"Mallory","password":%q}`, password)); resp.StatusCode != 400 || !strings.Contains(body, "weak_password") {
			t.Errorf("%q: %d %s", password, resp.StatusCode, body)
		}
	}
}

// connected is a socket of somebody.
func (r *running) connected(token string) *client.Conn {
	r.t.Helper()
	c, err := client.Dial(r.t.Context(), r.url, token)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Cut)
	if err := c.Write(r.t.Context(), &wire.Hello{}); err != nil {
		r.t.Fatal(err)
	}
	if f, err := c.Read(r.t.Context()); err != nil {
		r.t.Fatal(f, err)
	}
	return c
}

// ends waits until a socket is closed, for at most a second.
func ends(t *testing.T, c *client.Conn, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for {
		if _, err := c.Read(ctx); err != nil {
			if ctx.Err() != nil {
				t.Errorf("%s: the socket is still open after a second", what)
			}
			return
		}
	}
}

func bearer(header string) string { return strings.TrimPrefix(header, "Authorization: Bearer ") }

// An ended session's sockets end with it, and so does its token.
func TestEndedSessions(t *testing.T) {
	r := serve(t)
	owner, ines := r.owner(), r.member("Ines")
	second := func() string {
		var made struct{ Token string }
		r.ask("POST", "/api/sign-in", map[string]any{"name": "Ines", "password": goodPassword, "token": true}, &made)
		return "Authorization: Bearer " + made.Token
	}
	gone := func(header, what string) {
		t.Helper()
		if resp, _ := r.do("GET", "/api/me", "", header); resp.StatusCode != 401 {
			t.Errorf("%s: the token is still good: %d", what, resp.StatusCode)
		}
	}
	type sessions struct {
		Sessions []struct {
			ID           string
			This, Online bool
		}
	}
	phone := second()
	c := r.connected(bearer(phone))
	plain, _ := r.do("GET", "/?token="+bearer(phone), "", upgrade...)
	if plain.StatusCode != 101 {
		t.Fatal(plain.StatusCode)
	}
	var list sessions
	r.ask("GET", "/api/me/sessions", nil, &list, ines)
	if len(list.Sessions) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, s := range list.Sessions {
		if !s.This {
			if !s.Online {
				t.Error("the phone is not online")
			}
			r.ask("DELETE", "/api/me/sessions/"+s.ID, nil, nil, ines)
		}
	}
	ends(t, c, "ended one by one")
	gone(phone, "ended one by one")

	phone = second()
	c = r.connected(bearer(phone))
	r.ask("DELETE", "/api/me/sessions", nil, nil, ines)
	ends(t, c, "ended with all others")
	gone(phone, "ended with all others")

	phone = second()
	c = r.connected(bearer(phone))
	if resp, _ := r.do("PUT", "/api/me/password", `{"current":"wrong","password":"another harbour 8 tugboat"}`, ines); resp.StatusCode != 401 {
		t.Errorf("a new password without the old one: %d", resp.StatusCode)
	}
	r.ask("PUT", "/api/me/password", map[string]string{"current": goodPassword, "password": "another harbour 8 tugboat"}, nil, ines)
	ends(t, c, "another password")
	gone(phone, "another password")

	c = r.connected(bearer(ines))
	r.ask("POST", "/api/sign-out", nil, nil, ines)
	ends(t, c, "signed out")
	gone(ines, "signed out")

	tom := r.member("Tom")
	c = r.connected(bearer(tom))
	var me struct{ You wire.Person }
	r.ask("GET", "/api/me", nil, &me, tom)
	if resp, _ := r.do("PATCH", "/api/people/"+string(me.You.ID), `{"role":"guest"}`, owner); resp.StatusCode != 409 {
		t.Errorf("made a guest of a member: %d", resp.StatusCode)
	}
	if resp, _ := r.do("DELETE", "/api/people/"+string(me.You.ID), "", r.member("Kim")); resp.StatusCode != 403 {
		t.Errorf("a member removed a member: %d", resp.StatusCode)
	}
	r.ask("DELETE", "/api/people/"+string(me.You.ID), nil, nil, owner)
	ends(t, c, "removed")
	gone(tom, "removed")
	if resp, _ := r.do("POST", "/api/sign-in", `{"name":"Tom","password":"`+goodPassword+`"}`); resp.StatusCode != 401 {
		t.Errorf("who was removed signs in: %d", resp.StatusCode)
	}
}

// A link signs in one more device, once; and whoever signs in has a new session,
// so that one that was planted is worth nothing.
func TestLinks(t *testing.T) {
	r := serve(t)
	ines := r.member("Ines")
	var made struct{ Link, QR string }
	r.ask("POST", "/api/me/link", nil, &made, ines)
	secret := secretOf(made.Link)
	planted := "Cookie: hubbub_session=" + bearer(r.guest("Mallory"))
	resp, body := r.do("POST", "/api/sign-in/link", fmt.Sprintf(`{"link":%q}`, secret), planted, "Origin: "+r.url, stranger)
	if resp.StatusCode != 200 || !strings.Contains(body, `"Ines"`) {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if c := resp.Cookies(); len(c) != 1 || !strings.HasPrefix(c[0].Value, "hbt_") || strings.Contains(planted, c[0].Value) {
		t.Errorf("cookies %v", c)
	}
	if resp, _ := r.do("GET", "/api/me", "", planted); resp.StatusCode != 401 {
		t.Errorf("the planted session is still good: %d", resp.StatusCode)
	}
	_, unknown := r.do("POST", "/api/sign-in/link", `{"link":"hbl_AAAAAAAAAAAAAAAAAAAAAA"}`)
	if resp, body := r.do("POST", "/api/sign-in/link", fmt.Sprintf(`{"link":%q}`, secret)); resp.StatusCode != 403 || body != unknown {
		t.Errorf("again: %d %s", resp.StatusCode, body)
	}
}

// Every route that changes something is refused to other sites, and to those who
// do not say where they come from but bring a cookie.
func TestEveryRouteRefusesOtherSites(t *testing.T) {
	r := serve(t)
	cookie := "Cookie: hubbub_session=" + bearer(r.owner())
	tried := 0
	for _, pattern := range api.Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		if method == "GET" || method == "HEAD" || path == "" {
			continue
		}
		tried++
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x")
		for _, header := range []string{"Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "X-Nothing: 1"} {
			if resp, body := r.do(method, path, `{}`, cookie, header); resp.StatusCode != 403 || !strings.Contains(body, "other sites") {
				t.Errorf("%s, %s: %d %s", pattern, header, resp.StatusCode, body)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d routes were tried", tried)
	}
	if resp, _ := r.do("GET", "/api/me", "", cookie); resp.StatusCode != 200 {
		t.Errorf("the owner is gone: %d", resp.StatusCode)
	}
}

// No secret is in the files or the log.
func TestSecretsAtRest(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	var mu sync.Mutex
	r := serve(t, func(c *server.Config) {
		c.Data = dir
		c.Log = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return log.Write(p)
		}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	owner := r.owner()
	invite := r.invite(owner, nil)
	var link struct{ Link string }
	r.ask("POST", "/api/me/link", nil, &link, owner)
	r.do("GET", "/?invite="+invite, "", upgrade...)
	r.do("GET", "/?token="+bearer(owner)+"x", "", upgrade...)
	r.do("POST", "/api/sign-in", `{"name":"Olga","password":"`+goodPassword+`"}`)
	hook := r.hook(owner, r.room(owner, "builds", "private"), map[string]string{"kind": "in", "name": "CI"})
	r.do("POST", "/hooks/"+hook.Secret, `{"text":"x"}`)
	r.do("POST", "/hooks/"+hook.Secret, `{`)
	secrets := map[string]string{"hook": hook.Secret, "session": bearer(owner), "invitation": invite, "link": secretOf(link.Link), "password": goodPassword}
	files, _ := filepath.Glob(filepath.Join(dir, "hubbub.db*"))
	if len(files) < 2 {
		t.Fatalf("files %v", files)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range secrets {
			if bytes.Contains(b, []byte(secret)) || bytes.Contains(b, []byte(secret[4:])) {
				t.Errorf("%s holds the %s", filepath.Base(file), what)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for what, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds the %s", what)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Only the last of our own proxies says where a request comes from.
func TestForwardedFor(t *testing.T) {
	r := serve(t, func(c *server.Config) {
		c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	// An address has twenty wrong invitations; from where they count shows who it is.
	blocked := func(header ...string) bool {
		resp, _ := r.do("POST", "/api/invites/look", `{"invite":"x"}`, header...)
		return resp.StatusCode == 429
	}
	for range 30 {
		blocked(from("203.0.113.9"))
	}
	for _, x := range []struct {
		header []string
		same   bool
	}{
		{[]string{from("203.0.113.9")}, true},
		{[]string{from("203.0.113.9, 10.1.2.3")}, true},
		{[]string{from("198.51.100.1, 203.0.113.9")}, true}, // the first is what the client says itself
		{[]string{from("198.51.100.1"), from("203.0.113.9")}, true},
		{[]string{from("::ffff:203.0.113.9")}, true},
		{[]string{from("203.0.113.9:4711")}, true},
		{[]string{from("203.0.113.9, 198.51.100.1")}, false},
		{[]string{from("nonsense, 198.51.100.2")}, false},
		{[]string{from("203.0.113.9, nonsense")}, false},
		{[]string{"X-Real-Ip: 203.0.113.9"}, false},
		{[]string{"Forwarded: for=203.0.113.9"}, false},
		{nil, false},
	} {
		if got := blocked(x.header...); got != x.same {
			t.Errorf("%v: %v", x.header, got)
		}
	}
}

func TestPublicAddress(t *testing.T) {
	r := serve(t, func(c *server.Config) { c.PublicURL = "https://chat.example.org" })
	const host = "Host: chat.example.org"
	if resp, _ := r.do("GET", "/api/place", "", host); resp.StatusCode != 200 {
		t.Errorf("the public name: %d", resp.StatusCode)
	}
	if resp, _ := r.do("GET", "/api/place", "", "Host: other.example.org"); resp.StatusCode != 403 {
		t.Errorf("another name: %d", resp.StatusCode)
	}
	if resp, _ := r.do("POST", "/api/guests", `{"name":"Mallory"}`, host); resp.StatusCode != 403 {
		t.Errorf("through a proxy on this machine, without an invitation: %d", resp.StatusCode)
	}
	secret := r.invite(r.owner(), nil)
	resp, _ := r.do("POST", "/api/guests", fmt.Sprintf(`{"name":"Tom","invite":%q}`, secret), host)
	if c := resp.Cookies(); resp.StatusCode != 201 || c[0].Name != "__Host-hubbub_session" || !c[0].Secure || !c[0].HttpOnly {
		t.Errorf("%d, cookies %v", resp.StatusCode, c)
	}
	for origin, want := range map[string]int{
		"https://chat.example.org": 101, "http://chat.example.org": 403, "https://chat.example.org:443": 403, "https://CHAT.example.org": 403,
		"https://chat.example.org.": 403, "https://chat.example.org.evil.example": 403, "https://evil.chat.example.org": 403, "null": 403,
		"https://chat.example.org:8443": 403, "http://localhost:" + r.port(): 403, "https://[::1]": 403, "chat.example.org": 403,
	} {
		header := append(upgrade[:4:4], host, "Sec-WebSocket-Protocol: hubbub.v1", "Origin: "+origin)
		if resp, _ := r.do("GET", "/", "", header...); resp.StatusCode != want {
			t.Errorf("Origin %s: %d", origin, resp.StatusCode)
		}
	}
}

func picture(w, h int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		m.Set(x, 0, color.RGBA{200, 20, 20, 255})
	}
	var b bytes.Buffer
	png.Encode(&b, m)
	return b.Bytes()
}

func TestPictures(t *testing.T) {
	r := serve(t)
	ines := r.member("Ines")
	var me struct {
		You     wire.Person
		Picture string
	}
	var looping bytes.Buffer
	gif.Encode(&looping, image.NewPaletted(image.Rect(0, 0, 30, 20), color.Palette{color.Black, color.White}), nil)
	for name, body := range map[string][]byte{"PNG": picture(600, 300), "GIF": looping.Bytes(), "one pixel": picture(1, 1)} {
		if resp, said := r.do("PUT", "/api/me/picture", string(body), ines); resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", name, resp.StatusCode, said)
		}
	}
	r.ask("GET", "/api/me", nil, &me, ines)
	path := "/api/people/" + string(me.You.ID) + "/picture"
	resp, body := r.do("GET", path, "", ines)
	if _, kind, err := image.DecodeConfig(strings.NewReader(body)); resp.StatusCode != 200 || err != nil || resp.Header.Get("Content-Type") != "image/"+kind {
		t.Errorf("%d %v %v", resp.StatusCode, resp.Header, err)
	}
	if resp, _ := r.do("GET", path, ""); resp.StatusCode != 401 {
		t.Errorf("to a stranger: %d", resp.StatusCode)
	}
	huge := picture(8, 8)
	copy(huge[16:24], "\x00\x00\xc3\x50\x00\x00\xc3\x50") // says that it has 50,000 by 50,000 pixels
	for name, body := range map[string]string{
		"a page": "<html><script>alert(1)</script>", "SVG": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "nothing": "",
		"cut short": string(picture(600, 300)[:200]), "a bomb": string(huge), "too long": strings.Repeat("x", 8<<20+1),
	} {
		if resp, said := r.do("PUT", "/api/me/picture", body, ines); resp.StatusCode != 400 && resp.StatusCode != 413 {
			t.Errorf("%s: %d %s", name, resp.StatusCode, said)
		}
	}
}
