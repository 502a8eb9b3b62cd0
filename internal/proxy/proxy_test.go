package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubbub/internal/tap"
)

// between is a proxy before a server, and what it reports.
type between struct {
	t      *testing.T
	addr   string
	server *httptest.Server
	ring   *tap.Ring
	seen   []tap.Record
	head   chan *http.Request // what the server was asked
}

// stand starts a server that sends back what it hears, and a proxy before it.
func stand(t *testing.T, secure bool, ringBytes int, o *websocket.AcceptOptions) *between {
	t.Helper()
	b := &between{t: t, ring: tap.NewRing(ringBytes), head: make(chan *http.Request, 10)}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.head <- r
		if r.Header.Get("Upgrade") == "" {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s", r.Method, r.Host, body)
			return
		}
		c, err := websocket.Accept(w, r, o)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 22)
		for {
			kind, data, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), kind, data) != nil {
				return
			}
		}
	})
	var conf *tls.Config
	to := ""
	if secure {
		b.server = httptest.NewTLSServer(echo)
		pool := x509.NewCertPool()
		pool.AddCert(b.server.Certificate())
		conf, to = &tls.Config{RootCAs: pool}, "wss"+strings.TrimPrefix(b.server.URL, "https")
	} else {
		b.server = httptest.NewServer(echo)
		to = "ws" + strings.TrimPrefix(b.server.URL, "http")
	}
	p, err := New(to, b.ring, conf)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		b.server.Close()
	})
	return b
}

// until waits for a record.
func (b *between) until(what string, wanted func(tap.Record) bool) tap.Record {
	b.t.Helper()
	late := time.After(20 * time.Second)
	for {
		for _, rec := range b.ring.Take() {
			b.seen = append(b.seen, rec.Ready())
		}
		for _, rec := range b.seen {
			if wanted(rec) {
				return rec
			}
		}
		select {
		case <-b.ring.Wake():
		case <-late:
			b.t.Fatalf("there is no %s among %d records", what, len(b.seen))
		}
	}
}

func (b *between) shows(from, text string) tap.Record {
	b.t.Helper()
	return b.until(from+"'s "+text, func(r tap.Record) bool {
		return r.Frame != nil && r.From == from && r.Text != nil && *r.Text == text
	})
}

func (b *between) dial(o *websocket.DialOptions) *websocket.Conn {
	b.t.Helper()
	c, _, err := websocket.Dial(b.t.Context(), "ws://"+b.addr+"/x?y=1", o)
	if err != nil {
		b.t.Fatal(err)
	}
	c.SetReadLimit(1 << 22)
	b.t.Cleanup(func() { c.CloseNow() })
	return c
}

func echoes(t *testing.T, c *websocket.Conn, kind websocket.MessageType, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Write(ctx, kind, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if got, data, err := c.Read(ctx); err != nil || got != kind || string(data) != text {
		t.Fatalf("%v %.50q, %v", got, data, err)
	}
}

// Everything passes both ways, with and without TLS, compressed in each way there is, in
// any language; and all of it is reported.
func TestEverythingPasses(t *testing.T) {
	for _, c := range []struct {
		name     string
		secure   bool
		mode     websocket.CompressionMode
		protocol []string
	}{
		{"plain", false, websocket.CompressionDisabled, nil},
		{"with TLS, and a language", true, websocket.CompressionDisabled, []string{"chat.example"}},
		{"compressed", false, websocket.CompressionNoContextTakeover, nil},
		{"compressed, with what came before", false, websocket.CompressionContextTakeover, nil},
		{"compressed, with TLS", true, websocket.CompressionContextTakeover, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := stand(t, c.secure, 8<<20, &websocket.AcceptOptions{CompressionMode: c.mode, CompressionThreshold: 1, Subprotocols: c.protocol})
			ws := b.dial(&websocket.DialOptions{CompressionMode: c.mode, CompressionThreshold: 1, Subprotocols: c.protocol})
			long := strings.Repeat("the same again, ", 500)
			for _, text := range []string{"hello", "hello hello", `{"a":1}`, long, long + "!"} {
				echoes(t, ws, websocket.MessageText, text)
				for _, from := range []string{tap.Client, tap.Server} {
					rec := b.shows(from, text)
					if compressed := c.mode != websocket.CompressionDisabled; rec.RSV1 != compressed || compressed && *rec.Unpacked != len(text) || (rec.Mask != "") != (from == tap.Client) {
						t.Errorf("%+v", rec.Frame)
					}
				}
			}
			echoes(t, ws, websocket.MessageBinary, "\x00\x01\xff")
			b.until("binary", func(r tap.Record) bool { return r.Frame != nil && r.Bytes != nil && *r.Bytes == "0001ff" })
			echoes(t, ws, websocket.MessageBinary, strings.Repeat("x", 1<<20))
			ws.Close(websocket.StatusNormalClosure, "done")
			b.until("close", func(r tap.Record) bool { return r.Frame != nil && r.Opcode == 8 && r.From == tap.Client })
			b.until("end", func(r tap.Record) bool { return r.Kind == tap.KindEnd })
			h := b.seen[0]
			if h.Kind != tap.KindHandshake || !h.Exact || h.Dialect != strings.Join(c.protocol, "") || !strings.HasPrefix(h.Request, "GET /x?y=1 HTTP/1.1\r\nHost: "+b.addr+"\r\n") || !strings.HasPrefix(h.Response, "HTTP/1.1 101 ") {
				t.Errorf("%+v", h.Handshake)
			}
		})
	}
}

// The server is asked as if there were no proxy: Host is its own, Origin too where it was
// the proxy's, and not where it was another's.
func TestNames(t *testing.T) {
	b := stand(t, false, 1<<20, &websocket.AcceptOptions{InsecureSkipVerify: true})
	own := strings.TrimPrefix(b.server.URL, "http://")
	for origin, want := range map[string]string{"http://" + b.addr: b.server.URL, "http://example.org": "http://example.org", "null": "null"} {
		c := b.dial(&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}, "X-Other": {"stays"}}})
		if r := <-b.head; r.Host != own || r.Header.Get("Origin") != want || r.Header.Get("X-Other") != "stays" || r.Header.Get("X-Forwarded-For") != "" {
			t.Errorf("%s became %s: %v", origin, r.Header.Get("Origin"), r)
		}
		c.CloseNow()
		r, _ := http.NewRequest("POST", "http://"+b.addr+"/page", strings.NewReader("a body"))
		r.Header.Set("Origin", origin)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := <-b.head; string(body) != "POST "+own+" a body" || got.Header.Get("Origin") != want {
			t.Errorf("%s, asked with %v", body, got.Header)
		}
	}
}

// What is no WebSocket for the server is none here: its refusal comes through, and so does
// ours where there is no server, or a name that is not ours.
func TestRefusals(t *testing.T) {
	b := stand(t, false, 1<<20, nil)
	ask := func(head string) string {
		t.Helper()
		c, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, head)
		answer, _ := bufio.NewReader(c).ReadString('\n')
		return strings.TrimSpace(answer)
	}
	const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	for head, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "\r\n":                                  "HTTP/1.1 400 Bad Request", // no key
		"GET / HTTP/1.1\r\nHost: evil.example\r\n" + upgrade + "\r\n":                               "HTTP/1.1 403 Forbidden",
		"GET / HTTP/1.1\r\nHost: evil.example:3001\r\n\r\n":                                         "HTTP/1.1 403 Forbidden",
		"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", maxHead) + "\r\n\r\n": "",
		"nonsense\r\n\r\n": "HTTP/1.1 400 Bad Request",
	} {
		if got := ask(head); got != want {
			t.Errorf("%.60q: %q, not %q", head, got, want)
		}
	}
	b.server.Close()
	if got := ask("GET / HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "\r\n"); got != "HTTP/1.1 502 Bad Gateway" {
		t.Errorf("without a server: %q", got)
	}
	if got := ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != "HTTP/1.1 502 Bad Gateway" {
		t.Errorf("without a server: %q", got)
	}
	for _, to := range []string{"", "ftp://x", "ws://", "localhost:3000", "ws://x/path", "ws://u:p@x"} {
		if _, err := New(to, b.ring, nil); err == nil {
			t.Errorf("%q is taken for a server", to)
		}
	}
}

// Ten thousand frames that nobody reads the report of all pass; what was not kept is
// counted, and every frame and the handshake are accounted for.
func TestNobodyReads(t *testing.T) {
	const frames = 10_000
	b := stand(t, false, 64<<10, nil)
	c := b.dial(nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for i := range frames {
			if c.Write(ctx, websocket.MessageText, fmt.Append(nil, i)) != nil {
				return
			}
		}
	}()
	for i := range frames {
		if _, got, err := c.Read(ctx); err != nil || string(got) != fmt.Sprint(i) {
			t.Fatalf("%q, %v, not %d", got, err, i)
		}
	}
	all := b.ring.Take()
	total := 0 // a short frame may still fit after a longer one was skipped, so more than one record may count
	for _, rec := range all {
		if total += rec.Count; rec.Kind != tap.KindSkipped {
			total++
		}
		if !json.Valid(rec.Line()) {
			t.Errorf("%+v", rec)
		}
	}
	if last := all[len(all)-1]; last.Kind != tap.KindSkipped || len(all) > 1000 || total != 1+2*frames {
		t.Errorf("%d records tell of %d, the last %+v", len(all), total, last)
	}
}
