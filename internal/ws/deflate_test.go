package ws_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hubbub/internal/client"
	"hubbub/internal/server"
)

// rarely keeps heartbeats from coming between the frames that a test counts.
func rarely(cfg *server.Config) { cfg.Heartbeat = time.Hour }

// visitors numbers the names.
var visitors atomic.Int32

func pack(text string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	w.Write([]byte(text))
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}

// deflating connects a raw client of hubbub.v1 that takes compressed messages.
func (r *running) deflating(offer string) (*raw, string) {
	r.t.Helper()
	token, _, err := client.NewGuest(testContext(r.t), r.url, fmt.Sprint("Deflated ", visitors.Add(1)))
	if err != nil {
		r.t.Fatal(err)
	}
	c := r.raw()
	c.send([]byte(upgrade + "Sec-WebSocket-Protocol: hubbub.v1\r\nAuthorization: Bearer " + token + "\r\nSec-WebSocket-Extensions: " + offer + "\r\n\r\n"))
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		r.t.Fatalf("handshake: %v, %v", resp, err)
	}
	return c, resp.Header.Get("Sec-WebSocket-Extensions")
}

// What a browser offers is accepted, compressed messages are understood, and a
// long event comes compressed where a short one does not.
func TestDeflate(t *testing.T) {
	r := serve(t, rarely)
	c, answer := r.deflating("permessage-deflate; client_max_window_bits")
	for _, want := range []string{"permessage-deflate", "server_no_context_takeover", "client_no_context_takeover"} {
		if !strings.Contains(answer, want) {
			t.Fatalf("the answer is %q", answer)
		}
	}
	frame := masked(0x81, string(pack(`{"hello":{}}`)))
	frame[0] |= 0x40
	open := pack(`{"open":{"name":"lobby"}}`)
	first, second := masked(0x41, string(open[:5])), masked(0x80, string(open[5:])) // in two fragments, with a ping between
	c.send(bytes.Join([][]byte{frame, first, masked(0x89, "p"), second}, nil))
	for _, want := range []string{`{"welcome"`, "p", `{"opened"`} {
		if _, payload, err := c.frame(); err != nil || !strings.HasPrefix(string(payload), want) {
			t.Fatalf("got %q, %v; want %s", payload, err, want)
		}
	}
	long := strings.Repeat("a long story, ", 100)
	r.plain("/").say("short", long)
	if _, payload, err := c.frame(); err != nil || !strings.Contains(string(payload), `"text":"short"`) {
		t.Fatalf("got %q, %v", payload, err)
	}
	head, err := c.in.Peek(1)
	if err != nil || head[0] != 0xc1 {
		t.Fatalf("the long event's header is % x, %v", head, err)
	}
	payload := c.packed()
	if !strings.Contains(payload, long) {
		t.Errorf("it unpacks to %q", payload)
	}
}

// packed reads a compressed frame of less than 64 KiB.
func (c *raw) packed() string {
	c.t.Helper()
	h := make([]byte, 2)
	io.ReadFull(c.in, h)
	n := int(h[1])
	if n == 126 {
		io.ReadFull(c.in, h)
		n = int(h[0])<<8 | int(h[1])
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c.in, b); err != nil {
		c.t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(append(b, "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...))))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// An offer that cannot be met is declined, and the connection is as without it.
func TestDeflateDeclined(t *testing.T) {
	r := serve(t)
	for _, offer := range []string{"permessage-deflate; server_max_window_bits=9", "permessage-deflate; nonsense=1", "x-webkit-deflate-frame"} {
		c, answer := r.deflating(offer)
		if answer != "" {
			t.Errorf("%s is answered by %q", offer, answer)
		}
		frame := masked(0x81, string(pack(`{"hello":{}}`)))
		frame[0] |= 0x40
		c.send(frame)
		c.closed(1002)
		c.Close()
	}
}

// Bombs and junk cost their sender the connection.
func TestDeflateHostile(t *testing.T) {
	r := serve(t)
	crowd := r.crowd(2, 2)
	for code, payload := range map[int]string{
		1009: string(pack(`{"send":{"text":"` + strings.Repeat(" ", 64<<20) + `"}}`)),
		1007: "this was never deflated",
	} {
		c, _ := r.deflating("permessage-deflate")
		frame := masked(0x81, payload)
		frame[0] |= 0x40
		c.send(frame)
		c.closed(code)
		c.Close()
	}
	ping, _ := r.deflating("permessage-deflate")
	bad := masked(0x89, "x")
	bad[0] |= 0x40
	ping.send(bad)
	ping.closed(1002)
	crowd.talk()
}
