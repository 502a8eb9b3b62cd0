package ws_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A handshake is answered alike, whether it comes in one piece, in two, or with
// more headers than the door looks at, and what comes behind it is heard.
func TestHandshakePieces(t *testing.T) {
	r := serve(t)
	listener := r.plain("/")
	said := string(masked(0x81, "behind the handshake"))
	for name, pieces := range map[string][]string{
		"one":              {upgrade + "\r\n" + said},
		"two":              {upgrade[:40], upgrade[40:] + "\r\n" + said},
		"frame apart":      {upgrade + "\r\n", said},
		"a long one":       {upgrade + "X-Long: " + strings.Repeat("x", 6000) + "\r\n\r\n" + said},
		"half a frame":     {upgrade + "\r\n" + said[:5], said[5:]},
		"in lower case":    {strings.Replace(upgrade, "Upgrade: websocket", "upgrade: WebSocket", 1) + "\r\n" + said},
		"behind a request": {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", upgrade + "\r\n" + said},
	} {
		t.Run(name, func(t *testing.T) {
			c := r.raw()
			for i, p := range pieces {
				if i > 0 {
					time.Sleep(20 * time.Millisecond)
				}
				c.send([]byte(p))
			}
			resp, err := http.ReadResponse(c.in, nil)
			if err == nil && resp.StatusCode == http.StatusOK {
				io.Copy(io.Discard, resp.Body)
				resp, err = http.ReadResponse(c.in, nil)
			}
			if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%v, %v", resp, err)
			}
			listener.hears("behind the handshake")
		})
	}
}

// What is refused at the door is refused as everywhere else: with a whole answer,
// and the headers that every answer has.
func TestHandshakeRefused(t *testing.T) {
	r := serve(t)
	for name, c := range map[string]struct {
		request string
		status  int
		says    string
	}{
		"a foreign page":    {upgrade + "Origin: http://evil.example\r\n\r\n", 403, `"forbidden"`},
		"a foreign name":    {strings.Replace(upgrade, "Host: localhost", "Host: evil.example", 1) + "\r\n", 403, `"forbidden"`},
		"a strange dialect": {upgrade + "Sec-WebSocket-Protocol: soap\r\n\r\n", 400, `"bad_frame"`},
		"nowhere":           {strings.Replace(upgrade, "GET /", "GET /nowhere", 1) + "\r\n", 404, `"not_found"`},
		"no host":           {strings.Replace(upgrade, "Host: localhost\r\n", "", 1) + "\r\n", 400, "Host"},
		"no key":            {strings.Replace(upgrade, "Sec-WebSocket-Key", "X-Key", 1) + "\r\n", 400, "Sec-WebSocket-Key"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := r.raw()
			more := strings.Repeat("and more that nobody reads ", 1000)
			if name == "no host" {
				more = "" // net/http refuses it, and hangs up on what it has not read
			}
			raw.send([]byte(c.request + more))
			resp, err := http.ReadResponse(raw.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.says) {
				t.Errorf("%d, %q, %v", resp.StatusCode, body, err)
			}
			if c.status != 400 && resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers are missing: %v", resp.Header)
			}
		})
	}
}

// A client that says nothing is not waited for.
func TestSilentClient(t *testing.T) {
	r := serve(t)
	silent := r.raw()
	begun := time.Now()
	r.stop()
	if took := time.Since(begun); took >= 4*time.Second {
		t.Errorf("the stop took %v", took)
	}
	silent.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := silent.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}

// Ten times as many clients as fit into the kernel's queue are all let in.
func TestCrowd(t *testing.T) {
	r := serve(t)
	var clients []*raw
	for range 1500 {
		c := r.raw()
		c.send([]byte(upgrade + "\r\n"))
		clients = append(clients, c)
	}
	for i, c := range clients {
		resp, err := http.ReadResponse(c.in, nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("number %d: %v, %v", i, resp, err)
		}
	}
}
