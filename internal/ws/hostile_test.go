package ws_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// masked builds one client frame.
func masked(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := [4]byte{1, 2, 3, 4}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// Whatever a hostile client does, it is answered as RFC 6455 says, and ten
// bystanders of both dialects get every message before and after it.
func TestViolations(t *testing.T) {
	r := serve(t)
	crowd := r.crowd(5, 5)
	over := strings.Repeat("x", wire.MaxFrame+1)
	for _, x := range []struct {
		name string
		sent []byte
		code int
	}{
		{"unmasked", []byte{0x81, 0x02, 'h', 'i'}, 1002},
		{"RSV1, as if compressed", masked(0xc1, "hi"), 1002},
		{"RSV2", masked(0xa1, "hi"), 1002},
		{"RSV3", masked(0x91, "hi"), 1002},
		{"unknown data opcode", masked(0x83, "hi"), 1002},
		{"unknown control opcode", masked(0x8b, "hi"), 1002},
		{"binary", masked(0x82, "hi"), 1003},
		{"bad UTF-8", masked(0x81, "\xc0\xaf"), 1007},
		{"bad UTF-8 over fragments", append(masked(0x01, "\xe2"), masked(0x80, "\x28\xa1")...), 1007},
		{"a long ping", masked(0x89, strings.Repeat("x", 126)), 1002},
		{"a fragmented ping", masked(0x09, "x"), 1002},
		{"a continuation of nothing", masked(0x80, "x"), 1002},
		{"a text within a text", append(masked(0x01, "a"), masked(0x81, "b")...), 1002},
		{"close code 1005", masked(0x88, "\x03\xed"), 1002},
		{"close code 0", masked(0x88, "\x00\x00"), 1002},
		{"close with one byte", masked(0x88, "\x03"), 1002},
		{"close with a reason that is not UTF-8", masked(0x88, "\x03\xe8\xff\xfe"), 1002},
		{"a long message", masked(0x81, over), 1009},
		{"a long message in fragments", append(masked(0x01, over[:wire.MaxFrame]), masked(0x80, "y")...), 1009},
		{"exabytes claimed", []byte{0x81, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, 1009},
		{"a negative length", []byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, 1002},
		{"endless fragments", append(masked(0x01, ""), bytes.Repeat(masked(0x00, ""), 2000)...), 1009},
		{"noise", bytes.Repeat([]byte("GET / HTTP/1.1\r\n\r\n"), 100), 1002},
		{"a proper close", masked(0x88, "\x03\xe8bye"), 1000},
		{"a close without a code", masked(0x88, ""), 0},
	} {
		for _, protocol := range []string{"", "Sec-WebSocket-Protocol: hubbub.v1\r\n"} {
			crowd.talk()
			c := r.socket(protocol)
			c.Write(x.sent) // it may be cut off while it writes
			c.closed(x.code)
			crowd.talk()
		}
	}
}

// crowd is some bystanders in the lobby, who count what they hear.
type crowd struct {
	t     *testing.T
	plain []*plainClient
	v1    []*v1Client
	room  chat.RoomID
	seq   chat.Seq
	said  int
}

func (r *running) crowd(plain, v1 int) *crowd {
	c := &crowd{t: r.t.(*testing.T)}
	for range plain {
		c.plain = append(c.plain, r.plain("/"))
	}
	for i := range v1 {
		g := r.guest(fmt.Sprint("bystander ", i))
		o := g.open("lobby", 0)
		c.v1, c.room, c.seq = append(c.v1, g), o.Room, o.Head
	}
	return c
}

// talk has one of each dialect say something, and everyone else hear exactly
// that, next.
func (c *crowd) talk() {
	c.t.Helper()
	c.said++
	text := fmt.Sprint("plain ", c.said)
	c.plain[0].say(text)
	for _, p := range c.plain[1:] {
		p.hears(text)
	}
	c.hear(text, c.v1)
	text = fmt.Sprint("v1 ", c.said)
	c.v1[0].write(send(c.room, c.said, text))
	c.hear(text, c.v1[1:])
	for _, p := range c.plain {
		p.hears(text)
	}
	c.seq-- // the speaker hears it too, among its answers
	c.hear(text, nil)
	if got := c.v1[0].sync(); len(got) != 2 {
		c.t.Fatalf("the speaker got %d frames, not sent and event", len(got))
	}
}

func (c *crowd) hear(text string, who []*v1Client) {
	c.t.Helper()
	c.seq++
	for _, v := range who {
		if e := next[*wire.Event](v); e.Text != text || e.Seq != c.seq {
			c.t.Fatalf("got %d %q, want %d %q", e.Seq, e.Text, c.seq, text)
		}
	}
}

func TestBadHandshakes(t *testing.T) {
	r := serve(t)
	crowd := r.crowd(5, 5)
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	const head = "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	const version = "Sec-WebSocket-Version: 13\r\n"
	for _, x := range []struct {
		name, request string
		status        int
	}{
		{"good", "GET / HTTP/1.1\r\n" + head + key + version, 101},
		{"good among other tokens", "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" + key + version, 101},
		{"post", "POST / HTTP/1.1\r\n" + head + key + version + "Content-Length: 0\r\n", 405},
		{"HTTP 1.0", "GET / HTTP/1.0\r\n" + head + key + version, 505},
		{"no connection", "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n" + key + version, 400},
		{"no upgrade", "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" + key + version, 400},
		{"no key", "GET / HTTP/1.1\r\n" + head + version, 400},
		{"short key", "GET / HTTP/1.1\r\n" + head + version + "Sec-WebSocket-Key: c2hvcnQ=\r\n", 400},
		{"key is not base64", "GET / HTTP/1.1\r\n" + head + version + "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n", 400},
		{"two keys", "GET / HTTP/1.1\r\n" + head + version + key + key, 400},
		{"no version", "GET / HTTP/1.1\r\n" + head + key, 400},
		{"version 8", "GET / HTTP/1.1\r\n" + head + key + "Sec-WebSocket-Version: 8\r\n", 426},
		{"version in words", "GET / HTTP/1.1\r\n" + head + key + "Sec-WebSocket-Version: thirteen\r\n", 426},
		{"unknown subprotocol", "GET / HTTP/1.1\r\n" + head + key + version + "Sec-WebSocket-Protocol: mqtt\r\n", 400},
		{"ours among others", "GET / HTTP/1.1\r\n" + head + key + version + "Sec-WebSocket-Protocol: mqtt, hubbub.v1\r\n", 101},
		{"ours in a second line", "GET / HTTP/1.1\r\n" + head + key + version + "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: hubbub.v1\r\n", 101},
		{"foreign origin", "GET / HTTP/1.1\r\n" + head + key + version + "Origin: http://evil.example\r\n", 403},
		{"foreign host", "GET / HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + key + version, 403},
		{"nowhere", "GET /nowhere HTTP/1.1\r\n" + head + key + version, 404},
		{"odd room", "GET /rooms/a%20b HTTP/1.1\r\n" + head + key + version, 400},
		{"no room", "GET /rooms/ HTTP/1.1\r\n" + head + key + version, 400},
		{"path tricks", "GET /rooms/..%2f..%2fetc HTTP/1.1\r\n" + head + key + version, 400},
		{"odd name", "GET /?name=%00 HTTP/1.1\r\n" + head + key + version, 400},
		{"long headers", "GET / HTTP/1.1\r\n" + head + key + version + "X: " + strings.Repeat("x", 32<<10) + "\r\n", 431},
		{"not HTTP", "EHLO there\r\n", 400},
	} {
		c := r.raw()
		c.Write([]byte(x.request + "\r\n"))
		resp, err := http.ReadResponse(c.in, nil)
		if err != nil || resp.StatusCode != x.status {
			t.Errorf("%s: %v, %v; want %d", x.name, resp, err, x.status)
			continue
		}
		if x.status == 426 && resp.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("%s: it does not say which version would do", x.name)
		}
		crowd.talk()
	}
}

// A handshake that is begun and not finished is dropped within ten seconds, and
// holds up nobody.
func TestHalfSentHandshake(t *testing.T) {
	t.Parallel()
	r := serve(t)
	crowd := r.crowd(5, 5)
	begun := time.Now()
	half := make([]*raw, 20)
	for i := range half {
		half[i] = r.raw()
		half[i].send([]byte(upgrade[:len(upgrade)-1-4*i]))
	}
	crowd.talk()
	for _, c := range half {
		c.in.WriteTo(new(bytes.Buffer)) // returns when the server hangs up
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("dropped after %v", took)
	}
	crowd.talk()
}

// Who connects for hubbub.v1 and says nothing is dropped, too.
func TestNoHello(t *testing.T) {
	t.Parallel()
	r := serve(t)
	c := r.socket("Sec-WebSocket-Protocol: hubbub.v1\r\n")
	c.closed(1008)
}

// Pings are answered with their payload, between the fragments of a message too.
func TestPing(t *testing.T) {
	r := serve(t)
	c, other := r.socket(""), r.plain("/")
	c.send(append(append(masked(0x01, "frag"), masked(0x89, "are you there")...), masked(0x80, "ments")...))
	if op, payload, err := c.frame(); op != 10 || string(payload) != "are you there" || err != nil {
		t.Errorf("got %d %q, %v", op, payload, err)
	}
	other.hears("fragments")
}

// Who asks for much and reads nothing has its own reading stopped.
func TestRepliesAreBounded(t *testing.T) {
	r := serve(t)
	crowd := r.crowd(2, 2)
	token := r.guest("Greedy").token
	c := r.socket("Sec-WebSocket-Protocol: hubbub.v1\r\nAuthorization: Bearer " + token + "\r\n")
	c.send(masked(0x81, `{"hello":{}}`))
	ping := bytes.Repeat(masked(0x89, strings.Repeat("x", 125)), 1000)
	c.SetWriteDeadline(time.Now().Add(time.Second))
	written := 0
	for {
		n, err := c.Write(ping)
		if written += n; err != nil {
			break // the server has stopped reading
		}
		if written > 64<<20 {
			t.Fatal("it takes pings without end")
		}
	}
	crowd.talk()
}
