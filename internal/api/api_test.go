package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"hubbub/internal/api"
	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// running is a whole server on a real port with a real database.
type running struct {
	t      *testing.T
	url    string
	server *server.Server
	stop   func()
}

func quiet(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
}

func serve(t *testing.T, change ...func(*server.Config)) *running {
	t.Helper()
	cfg := server.Config{
		Listen: "127.0.0.1:0", Data: t.TempDir(), AllowNull: true, Version: "test",
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		Page: fstest.MapFS{
			"index.html":        {Data: []byte("<!doctype html>the page")},
			"assets/a-1.js":     {Data: []byte("the script")},
			"assets/a-1.js.gz":  {Data: []byte("the script, gzip")},
			"assets/a-1.js.br":  {Data: []byte("the script, Brotli")},
			"favicon.svg":       {Data: []byte("<svg/>")},
			"index.html.gz":     {Data: []byte("the page, gzip")},
			"placeholder.txt":   {Data: []byte("placeholder")},
			"assets/plain.wasm": {Data: []byte("\x00asm")},
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := server.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, server.ErrRestart) {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return &running{t, s.URL(), s, stop}
}

func (r *running) port() string { return r.url[strings.LastIndex(r.url, ":")+1:] }

// do makes a request; header lines are "Name: value".
func (r *running) do(method, path, body string, header ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Add(name, value)
	}
	tr := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, ""
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	r.holds(req, body, resp, b)
	return resp, string(b)
}

// guest returns the header line that makes a request somebody's.
func (r *running) guest(name string) string {
	r.t.Helper()
	token, _, err := client.NewGuest(r.t.Context(), r.url, name)
	if err != nil {
		r.t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

var upgrade = []string{
	"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
}

func TestOrigins(t *testing.T) {
	r, strict := serve(t), serve(t, func(c *server.Config) { c.AllowNull = false })
	p := r.port()
	for _, x := range []struct {
		origin    string // PORT stands for the server's
		plain, v1 int
	}{
		{"", 101, 101},
		{"http://localhost:PORT", 101, 101},
		{"http://127.0.0.1:PORT", 101, 101},
		{"http://[::1]:PORT", 101, 101},
		{"null", 101, 403},
		{"Null", 403, 403},
		{"http://localhost", 403, 403},
		{"http://localhost:1", 403, 403},
		{"https://localhost:PORT", 403, 403},
		{"HTTP://LOCALHOST:PORT", 403, 403},
		{"http://Localhost:PORT", 403, 403},
		{"http://localhost.:PORT", 403, 403},
		{"http://localhost:PORT/", 403, 403},
		{"http://localhost:PORT.evil.example", 403, 403},
		{"http://localhost.evil.example:PORT", 403, 403},
		{"http://evil.example:PORT", 403, 403},
		{"http://evil.example", 403, 403},
		{"http://user@localhost:PORT", 403, 403},
		{"http://192.168.1.2:PORT", 403, 403},
		{"file://", 403, 403},
		{"localhost:PORT", 403, 403},
		{"http://localhost:PORT http://evil.example", 403, 403},
	} {
		origin := strings.ReplaceAll(x.origin, "PORT", p)
		header := upgrade
		if origin != "" {
			header = append(header[:len(header):len(header)], "Origin: "+origin)
		}
		if resp, body := r.do("GET", "/", "", header...); resp.StatusCode != x.plain {
			t.Errorf("plain, Origin %q: %d %s", origin, resp.StatusCode, body)
		}
		header = append(header[:len(header):len(header)], "Sec-WebSocket-Protocol: hubbub.v1")
		if resp, body := r.do("GET", "/", "", header...); resp.StatusCode != x.v1 {
			t.Errorf("hubbub.v1, Origin %q: %d %s", origin, resp.StatusCode, body)
		}
	}
	if resp, _ := r.do("GET", "/", "", append(upgrade[:4:4], "Origin: http://localhost:"+p, "Origin: null")...); resp.StatusCode != 403 {
		t.Errorf("two origins: %d", resp.StatusCode)
	}
	if resp, _ := strict.do("GET", "/", "", append(upgrade[:4:4], "Origin: null")...); resp.StatusCode != 403 {
		t.Errorf("null where it is switched off: %d", resp.StatusCode)
	}
}

// A foreign name that points here is refused on every path.
func TestHosts(t *testing.T) {
	r := serve(t)
	who := r.guest("Ines")
	for _, host := range []string{"evil.example", "evil.example:" + r.port(), "localhost.evil.example", "192.168.1.2:" + r.port(), "127.0.0.1.evil.example"} {
		for _, path := range []string{"/", "/api/me", "/r/lobby", "/healthz"} {
			if resp, _ := r.do("GET", path, "", "Host: "+host, who); resp.StatusCode != 403 {
				t.Errorf("%s at %s: %d", path, host, resp.StatusCode)
			}
		}
	}
	for _, host := range []string{"localhost", "localhost:8080", "127.0.0.1", "127.0.0.2:1", "[::1]:" + r.port()} {
		if resp, _ := r.do("GET", "/api/me", "", "Host: "+host, who); resp.StatusCode != 200 {
			t.Errorf("%s: %d", host, resp.StatusCode)
		}
	}
}

func TestCrossSiteRequestsChangeNothing(t *testing.T) {
	r := serve(t)
	who := r.guest("Ines")
	for _, x := range []struct{ method, path, body string }{
		{"POST", "/api/guests", `{"name":"Mallory"}`},
		{"PATCH", "/api/me", `{"name":"Mallory"}`},
		{"POST", "/api/rooms", `{"name":"mallory"}`},
	} {
		for _, from := range []string{"Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"} {
			if resp, body := r.do(x.method, x.path, x.body, who, from); resp.StatusCode != 403 || !strings.Contains(body, `"forbidden"`) {
				t.Errorf("%s %s, %s: %d %s", x.method, x.path, from, resp.StatusCode, body)
			}
		}
	}
	if _, body := r.do("GET", "/api/me", "", who); !strings.Contains(body, "Ines") {
		t.Errorf("renamed: %s", body)
	}
	if _, body := r.do("GET", "/api/rooms", "", who); strings.Contains(body, "mallory") {
		t.Errorf("a room was made: %s", body)
	}
}

func TestGuests(t *testing.T) {
	r := serve(t)
	resp, body := r.do("POST", "/api/guests", `{"name":"  Ines   B. "}`)
	if resp.StatusCode != 201 || !strings.Contains(body, `"name":"Ines B."`) || strings.Contains(body, "token") {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	c := resp.Cookies()[0]
	if c.Name != "hubbub_session" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || len(c.Value) < 43 || c.MaxAge < 1e7 {
		t.Errorf("cookie %+v", c)
	}
	if _, body := r.do("GET", "/api/me", "", "Cookie: hubbub_session="+c.Value); !strings.Contains(body, `"name":"Ines B."`) {
		t.Errorf("me: %s", body)
	}
	for _, who := range []string{"X: y", "Cookie: hubbub_session=hbt_wrong", "Authorization: Bearer ", "Authorization: Basic aGk6aGk="} {
		if resp, body := r.do("GET", "/api/me", "", who); resp.StatusCode != 401 || !strings.Contains(body, `"unauthorized"`) {
			t.Errorf("%s: %d %s", who, resp.StatusCode, body)
		}
	}
	for body, want := range map[string]string{
		`{"name":"INES b."}`: "409 name_taken",
		`{"name":""}`:        "400 bad_name",
		`{"name":"   "}`:     "400 bad_name",
		`{"name":"` + strings.Repeat("x", 33) + `"}`: "400 bad_name",
		`{"name":"a\u0000b"}`:                        "400 bad_name",
		`{"name":"a\u202eb"}`:                        "400 bad_name",
		`{"name":"\u200b"}`:                          "400 bad_name",
		`{"name":"..."}`:                             "400 bad_name",
		`{"name":7}`:                                 "400 bad_frame",
		`{`:                                          "400 bad_frame",
		``:                                           "400 bad_frame",
		`{"name":"x"} more`:                          "400 bad_frame",
		`{"name":"` + strings.Repeat("x", 70_000) + `"}`: "413 too_long",
	} {
		resp, answer := r.do("POST", "/api/guests", body)
		if got := fmt.Sprintf("%d %s", resp.StatusCode, errorCode(answer)); got != want {
			t.Errorf("%.40s: %s %s, want %s", body, got, answer, want)
		}
	}
	for _, name := range []string{"Tomás", "愛", "O'Neil-Smith", "👩 x", "x"} {
		body, _ := json.Marshal(map[string]string{"name": name})
		if resp, answer := r.do("POST", "/api/guests", string(body)); resp.StatusCode != 201 {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

func errorCode(body string) string {
	var e struct {
		Error struct{ Code, Message string } `json:"error"`
	}
	if json.Unmarshal([]byte(body), &e) != nil || e.Error.Message == "" {
		return "without a code"
	}
	return e.Error.Code
}

func TestRename(t *testing.T) {
	r := serve(t)
	ines := r.guest("Ines")
	r.guest("Tomás")
	if resp, body := r.do("PATCH", "/api/me", `{"name":"tomás"}`, ines); resp.StatusCode != 409 {
		t.Errorf("a taken name: %d %s", resp.StatusCode, body)
	}
	for _, name := range []string{"Inès", "INÈS", "Ines"} {
		if resp, body := r.do("PATCH", "/api/me", `{"name":"`+name+`"}`, ines); resp.StatusCode != 200 || !strings.Contains(body, name) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	if resp, _ := r.do("PATCH", "/api/me", `{"name":"x"}`); resp.StatusCode != 401 {
		t.Errorf("nobody: %d", resp.StatusCode)
	}
}

func TestRooms(t *testing.T) {
	r := serve(t)
	ines, tom := r.guest("Ines"), r.guest("Tomás")
	for name, want := range map[string]string{
		"kitchen": "200 ", "#Kitchen": "200 ", "küche": "200 ", "台所": "200 ", "a-b_c": "200 ", "7": "200 ",
		"": "400 bad_room_name", "two words": "400 bad_room_name", "../x": "400 bad_room_name", "-x": "400 bad_room_name",
		"x-": "400 bad_room_name", "a/b": "400 bad_room_name", "\u202ex": "400 bad_room_name", "😀": "400 bad_room_name",
		strings.Repeat("x", 65): "400 bad_room_name",
	} {
		body, _ := json.Marshal(map[string]string{"name": name})
		resp, answer := r.do("POST", "/api/rooms", string(body), ines)
		code := ""
		if resp.StatusCode != 200 {
			code = errorCode(answer)
		}
		if got := fmt.Sprintf("%d %s", resp.StatusCode, code); got != want {
			t.Errorf("%q: %s %s, want %s", name, got, answer, want)
		}
	}
	list := func(path, who string) (names []string) {
		_, body := r.do("GET", path, "", who)
		var answer struct {
			Rooms []struct {
				ID, Name   string
				Head, Read *int
			}
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Rooms == nil {
			t.Fatalf("%s: %s", path, body)
		}
		for _, room := range answer.Rooms {
			names = append(names, room.Name)
			if room.ID == "" || room.Head == nil || (room.Read == nil) == strings.HasPrefix(path, "/api/me") {
				t.Errorf("%s: %+v", path, room)
			}
		}
		return names
	}
	if got := strings.Join(list("/api/me/rooms", ines), " "); got != "7 a-b_c kitchen küche 台所" {
		t.Errorf("mine: %s", got)
	}
	if got := list("/api/me/rooms", tom); len(got) != 0 {
		t.Errorf("his: %s", got)
	}
	if got := strings.Join(list("/api/rooms?q=K", tom), " "); got != "kitchen küche" {
		t.Errorf("found: %s", got)
	}
	if got := list("/api/rooms", tom); len(got) != 6 {
		t.Errorf("all: %s", got)
	}
	for _, path := range []string{"/api/rooms", "/api/me/rooms", "/api/rooms/x/events"} {
		if resp, _ := r.do("GET", path, ""); resp.StatusCode != 401 {
			t.Errorf("%s for nobody: %d", path, resp.StatusCode)
		}
	}
}

func TestHistory(t *testing.T) {
	r := serve(t)
	ines := r.guest("Ines")
	p, err := client.DialPlain(t.Context(), r.url, "/")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(t.Context(), r.url, strings.TrimPrefix(ines, "Authorization: Bearer "))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Cut()
	var opened *wire.Opened
	c.Write(t.Context(), &wire.Hello{})
	c.Write(t.Context(), &wire.Open{Name: "lobby"})
	for opened == nil {
		f, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		opened, _ = f.(*wire.Opened)
	}
	for i := range 120 {
		if err := p.Write(t.Context(), fmt.Sprint(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	p.Close() // is answered after all that was sent before
	page := func(query string) (seqs []int) {
		t.Helper()
		_, body := r.do("GET", "/api/rooms/"+string(opened.Room)+"/events"+query, "", ines)
		var answer struct {
			Epoch  string
			Head   int
			Events []wire.Event
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Events == nil || answer.Head != 120 || answer.Epoch != string(opened.Epoch) {
			t.Fatalf("%s: %.200s", query, body)
		}
		for _, e := range answer.Events {
			if e.Text != fmt.Sprint(e.Seq) || e.Room != opened.Room {
				t.Errorf("%+v", e)
			}
			seqs = append(seqs, int(e.Seq))
		}
		return seqs
	}
	for query, want := range map[string][2]int{ // first and last
		"":                       {71, 120},
		"?limit=3":               {118, 120},
		"?before=71":             {21, 70},
		"?before=21":             {1, 20},
		"?before=1":              {},
		"?before=0":              {},
		"?before=999999":         {71, 120},
		"?limit=100000":          {1, 120},
		"?before=50&limit=1":     {49, 49},
		"?limit=0":               {},
		"?before=121&limit=500":  {1, 120},
		"?before=18446744073709": {71, 120},
	} {
		got := page(query)
		if want == [2]int{} {
			if len(got) != 0 {
				t.Errorf("%s: %v", query, got)
			}
			continue
		}
		if len(got) != want[1]-want[0]+1 || got[0] != want[0] || got[len(got)-1] != want[1] {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"?before=-1", "?before=x", "?limit=1.5", "?limit=99999999999999999999"} {
		if resp, _ := r.do("GET", "/api/rooms/"+string(opened.Room)+"/events"+query, "", ines); resp.StatusCode != 400 {
			t.Errorf("%s: %d", query, resp.StatusCode)
		}
	}
	if resp, body := r.do("GET", "/api/rooms/nosuchroom12/events", "", ines); resp.StatusCode != 404 || errorCode(body) != "not_found" {
		t.Errorf("an unknown room: %d %s", resp.StatusCode, body)
	}
}

func TestPage(t *testing.T) {
	r := serve(t)
	for _, x := range []struct {
		path, accept, body, kind, cache string
	}{
		{"/", "", "<!doctype html>the page", "text/html; charset=utf-8", "no-cache"},
		{"/r/lobby", "", "<!doctype html>the page", "text/html; charset=utf-8", "no-cache"},
		{"/r/%E5%8F%B0%E6%89%80", "gzip, br", "the page, gzip", "text/html; charset=utf-8", "no-cache"},
		{"/assets/a-1.js", "", "the script", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/a-1.js", "gzip, deflate, br", "the script, Brotli", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/a-1.js", "gzip;q=1.0, br;q=0", "the script, gzip", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/favicon.svg", "br", "<svg/>", "image/svg+xml", "no-cache"},
	} {
		resp, body := r.do("GET", x.path, "", "Accept-Encoding: "+x.accept)
		h := resp.Header
		if resp.StatusCode != 200 || body != x.body || h.Get("Content-Type") != x.kind || h.Get("Cache-Control") != x.cache || h.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s %q: %d %q %v", x.path, x.accept, resp.StatusCode, body, h)
		}
		again, _ := r.do("GET", x.path, "", "Accept-Encoding: "+x.accept, "If-None-Match: "+h.Get("ETag"))
		if again.StatusCode != 304 {
			t.Errorf("%s: asked again, %d", x.path, again.StatusCode)
		}
	}
	for path, status := range map[string]int{"/nothing": 404, "/assets/": 404, "/assets/../index.html": 404, "/api/nothing": 404, "/r": 404} {
		if resp, _ := r.do("GET", path, ""); resp.StatusCode != status && resp.StatusCode != 301 && resp.StatusCode != 307 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if resp, _ := r.do("GET", "/rooms/kitchen", ""); resp.StatusCode != 303 || resp.Header.Get("Location") != "/r/kitchen" {
		t.Errorf("a plain room's address in a browser: %d %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	if resp, _ := r.do("POST", "/", ""); resp.StatusCode != 405 {
		t.Errorf("posting to the page: %d", resp.StatusCode)
	}
}

func TestWithoutPage(t *testing.T) {
	r := serve(t, func(c *server.Config) { c.Page = fstest.MapFS{"placeholder.txt": {}} })
	if resp, body := r.do("GET", "/", ""); resp.StatusCode != 404 || !strings.Contains(body, "make web") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// Every answer carries the headers, errors and refusals too.
func TestHeaders(t *testing.T) {
	r := serve(t)
	who := r.guest("Ines")
	for _, x := range []struct{ method, path, header string }{
		{"GET", "/", who}, {"GET", "/nothing", who}, {"GET", "/api/me", who}, {"GET", "/api/me", "X: y"},
		{"POST", "/api/guests", "Origin: http://evil.example"}, {"GET", "/", "Host: evil.example"}, {"GET", "/healthz", "X: y"},
	} {
		resp, _ := r.do(x.method, x.path, "", x.header)
		h := resp.Header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s %s: %v", x.method, x.path, h)
		}
		if strings.HasPrefix(x.path, "/api") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be stored", x.path)
		}
	}
	for _, pattern := range api.Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		if path == "" {
			continue
		}
		for _, header := range []string{who, "X: y"} {
			resp, _ := r.do(method, strings.NewReplacer("{id}", "x", "{session}", "x").Replace(path), "{}", header)
			h, cache := resp.Header, "no-store"
			if path == "/api/openapi.yaml" { // is the same for everybody
				cache = "public, max-age=300"
			}
			if h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != cache {
				t.Errorf("%s: %v", pattern, h)
			}
		}
	}
}

func TestHealth(t *testing.T) {
	r := serve(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if resp, body := r.do("GET", path, ""); resp.StatusCode != 200 || body != "ok\n" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}
