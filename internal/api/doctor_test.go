package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubbub/internal/doctor"
	"hubbub/internal/server"
)

// told is what the doctor's routes answer.
type told struct {
	Error   struct{ Code, Message, Host string }
	Arrived doctor.Arrived
	Server  doctor.Knows
	Checks  []doctor.Check
	Try     *struct {
		Arrived doctor.Arrived
		Checks  []doctor.Check
	}
}

// why says what came of a check.
func why(checks []doctor.Check, id string) doctor.Why {
	return doctor.Report{Checks: checks}.Check(id).Why
}

func (r *running) told(path string, want int, header ...string) (answer told) {
	r.t.Helper()
	resp, body := r.do("GET", path, "", header...)
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != want {
		r.t.Fatalf("%s: %d %s, %v", path, resp.StatusCode, body, err)
	}
	return answer
}

// What is told is what came from whoever asks, without secrets and without what a proxy
// added that is nobody's business.
func TestDoctorTellsWhatArrived(t *testing.T) {
	r := serve(t)
	secret := "hbt_secret"
	resp, body := r.do("GET", "/api/doctor", "", "Cookie: hubbub_session="+secret, "Authorization: Bearer "+secret, "X-Internal-Key: "+secret,
		"Proxy-Authorization: Basic "+secret, "X-Forwarded-Proto: https", "Via: "+strings.Repeat("x", 600))
	if resp.StatusCode != 200 || strings.Contains(body, secret) || strings.Contains(body, "Internal") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, want := range []string{`"Cookie":"(hidden)"`, `"Authorization":"(hidden)"`, `"X-Forwarded-Proto":"https"`, `"Via":"` + strings.Repeat("x", 512) + `"`, `"client":"127.0.0.1"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", resp.Header)
	}
}

// The refusal of a name is enough to say what is wrong.
func TestDoctorAndRefusedHosts(t *testing.T) {
	r := serve(t)
	for host, want := range map[string]doctor.Why{"chat.example.org": doctor.HostUnknown, "backend:3000": doctor.HostReplaced} {
		for _, header := range [][]string{nil, upgrade} {
			a := r.told("/api/doctor", 403, append([]string{"Host: " + host}, header...)...)
			u, _ := doctor.Address("https://chat.example.org")
			if got := doctor.RefusedHost(u, a.Error.Host); a.Error.Host != host || got.Why != want || a.Server.Version != "" {
				t.Errorf("%s: %+v, %s", host, a, got.Why)
			}
		}
	}
}

// An attempt that does not arrive as a socket is remembered for the page that made it,
// which can not see what came of it.
func TestDoctorRemembersAttempts(t *testing.T) {
	r := serve(t)
	const as = "as=http://chat.example.org"
	without := func(name string) (rest []string) {
		for _, h := range upgrade {
			if !strings.HasPrefix(h, name) {
				rest = append(rest, h)
			}
		}
		return append(rest, "Origin: "+r.url)
	}
	for name, lost := range map[string]string{"one": "Upgrade", "two": "Connection"} {
		a := r.told("/api/doctor?try="+name, 200, without(lost)...)
		if got := a.Arrived.Headers[lost]; got != "" && got != "close" || a.Server.Version != "test" {
			t.Errorf("%+v", a)
		}
	}
	r.told("/api/doctor?try=one", 200, without("Connection")...) // changes nothing
	if a := r.told("/api/doctor?try=three&"+as, 403, append([]string{"Origin: https://elsewhere.example"}, upgrade...)...); a.Error.Code != "forbidden" || why(a.Checks, "upgrade") != doctor.UpgradeGood {
		t.Errorf("%+v", a)
	}
	for name, lost := range map[string]string{"one": "Upgrade", "two": "Connection"} {
		a := r.told("/api/doctor?try="+name, 200)
		if a.Try == nil || a.Try.Arrived.Headers[lost] != "" && a.Try.Arrived.Headers[lost] != "close" || len(a.Try.Arrived.Headers) < 3 {
			t.Errorf("%s: %+v", name, a.Try)
		}
	}
	if a := r.told("/api/doctor?try=three", 200); a.Try == nil || a.Try.Arrived.Headers["Origin"] != "https://elsewhere.example" {
		t.Errorf("%+v", a.Try)
	}
	if a := r.told("/api/doctor?try=four", 200); a.Try != nil {
		t.Errorf("%+v", a.Try)
	}
	for i := range 300 {
		r.told(fmt.Sprintf("/api/doctor?try=flood%d", i), 200, without("Upgrade")...)
	}
	if a := r.told("/api/doctor?try=one", 200); a.Try != nil {
		t.Error("more attempts are kept than there is room for")
	}
	r.told("/api/doctor?try="+strings.Repeat("x", 65), 400)
	for _, bad := range []string{"ftp://x", "https://", "nonsense", "https://" + strings.Repeat("x", 300)} {
		r.told("/api/doctor?as="+bad, 400)
		r.told("/api/doctor?as="+bad, 400, upgrade...)
	}
}

func TestDoctorKnowsProxies(t *testing.T) {
	const as = "/api/doctor?as=https://localhost"
	direct, behind := serve(t), serve(t, func(c *server.Config) {
		c.PublicURL, c.Proxies = "https://localhost", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	if a := direct.told(as, 200, "X-Forwarded-For: 192.0.2.1", "Host: localhost"); a.Server.Client != "127.0.0.1" || why(a.Checks, "forwarded") != doctor.ForwardedUntrusted || why(a.Checks, "scheme") != doctor.SchemeUnknown {
		t.Errorf("%+v", a)
	}
	if a := behind.told(as, 200, "X-Forwarded-For: 192.0.2.1", "Host: localhost"); a.Server.Client != "192.0.2.1" || why(a.Checks, "forwarded") != doctor.ForwardedGood || why(a.Checks, "scheme") != doctor.SchemeGood {
		t.Errorf("%+v", a)
	}
	if a := behind.told(as, 200, "Host: localhost"); why(a.Checks, "forwarded") != doctor.ForwardedMissing {
		t.Errorf("%+v", a)
	}
	if a := direct.told("/api/doctor?as="+direct.url, 200); why(a.Checks, "forwarded") != doctor.NoProxy {
		t.Errorf("%+v", a)
	}
	if a := direct.told("/api/doctor?proxied&as="+direct.url, 200); why(a.Checks, "forwarded") != doctor.ForwardedMissing {
		t.Errorf("%+v", a)
	}
}

// A test socket repeats what it is told, says nothing by itself, and is one of few.
func TestDoctorSockets(t *testing.T) {
	r := serve(t, func(c *server.Config) { c.Heartbeat = 50 * time.Millisecond })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dial := func() (*websocket.Conn, *http.Response, error) {
		return websocket.Dial(ctx, "ws"+strings.TrimPrefix(r.url, "http")+"/api/doctor?as="+r.url, &websocket.DialOptions{
			HTTPHeader: http.Header{"Origin": {r.url}}, CompressionMode: websocket.CompressionNoContextTakeover,
			OnPingReceived: func(context.Context, []byte) bool { t.Error("it is not silent"); return true },
		})
	}
	var all []*websocket.Conn
	for range 8 {
		c, resp, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		var a told
		_, first, err := c.Read(ctx)
		if json.Unmarshal(first, &a); err != nil || why(a.Checks, "upgrade") != doctor.UpgradeGood || why(a.Checks, "compression") != doctor.CompressionGood {
			t.Fatalf("%s, %v", first, err)
		}
		if !strings.Contains(resp.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
			t.Errorf("%v", resp.Header)
		}
		all = append(all, c)
	}
	if _, resp, err := dial(); err == nil || resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a ninth: %v, %v", resp, err)
	}
	if resp, body := r.do("GET", "/api/doctor/stream", ""); resp.StatusCode != 429 || errorCode(body) != "rate_limited" {
		t.Errorf("a stream beside them: %d %s", resp.StatusCode, body)
	}
	c := all[0]
	for i := range 64 {
		text := fmt.Sprint(i, strings.Repeat(" äöü", 100*(i%5)))
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, back, err := c.Read(ctx); err != nil || string(back) != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
	}
	c.Write(ctx, websocket.MessageText, []byte("one more"))
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("after many messages: %v", err)
	}
	all[1].Write(ctx, websocket.MessageText, []byte(strings.Repeat("x", 5000)))
	if _, _, err := all[1].Read(ctx); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("after a long message: %v", err)
	}
	// Their places are free when the server is done with them, which is a moment later.
	for {
		c, resp, err := dial()
		if err == nil {
			c.CloseNow()
			break
		}
		if ctx.Err() != nil || resp == nil || resp.StatusCode != 429 {
			t.Fatalf("%v, %v", resp, err)
		}
	}
}

// A server that stops waits for no doctor.
func TestDoctorSocketsAndTheEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	s, err := server.New(ctx, server.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Version: "test", Log: quiet(t)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL(), "http")+"/api/doctor", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	c.Read(t.Context())
	stop()
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("%v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDoctorStream(t *testing.T) {
	r := serve(t)
	if resp, body := r.do("GET", "/api/doctor/stream?pause=1", ""); resp.StatusCode != 200 || body != "{\"line\":1}\n{\"line\":2}\n" || resp.Header.Get("X-Accel-Buffering") != "" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	for _, bad := range []string{"-1", "5001", "x", "99999999999"} {
		if resp, body := r.do("GET", "/api/doctor/stream?pause="+bad, ""); resp.StatusCode != 400 {
			t.Errorf("%s: %d %s", bad, resp.StatusCode, body)
		}
	}
}
