package explain

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"hubbub/internal/tap"
)

// The example of RFC 6455, section 1.3.
func TestAccept(t *testing.T) {
	if got := Accept("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Error(got)
	}
}

const (
	request  = "GET /rooms/x HTTP/1.1\r\nHost: localhost:3000\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Own: \x1b[2J\r\n\r\n"
	response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

func TestHandshake(t *testing.T) {
	var p Printer
	got := p.Print(tap.Record{Conn: 3, At: 3_723_456.4, Kind: tap.KindHandshake, Handshake: &tap.Handshake{
		Request: request, Response: response, Exact: true, Remote: "127.0.0.1:5", Dialect: "plain",
	}})
	want := `01:02:03.456  connection 3, from 127.0.0.1:5
  → GET /rooms/x HTTP/1.1
      a WebSocket begins as an HTTP request, here for /rooms/x
  → Host: localhost:3000
      which server is meant; several may share an address
  → Upgrade: websocket
      asks to speak WebSocket from here on, instead of HTTP
  → Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
      16 random bytes in base64: no secret; the answer proves that the server has read them as a WebSocket's
  → X-Own: \u{1b}[2J
  ← HTTP/1.1 101 Switching Protocols
      the server agrees: what follows is frames, both ways, until one side closes
  ← Upgrade: websocket
      from here on it is WebSocket
  ← Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
      base64(SHA-1("dGhlIHNhbXBsZSBub25jZQ==" + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")), as it must be
`
	if got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
	wrong := Response(strings.Replace(response, "s3pP", "xxxx", 1), request)
	if n := wrong[2]; !strings.Contains(n.Means, "it should be s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
		t.Errorf("%+v", n)
	}
	if n := Response("HTTP/1.1 403 Forbidden\r\n\r\n", request)[0]; !strings.Contains(n.Means, "refuses") {
		t.Errorf("%+v", n)
	}
}

// frames takes bytes apart as the proxy does, and prints them.
func frames(p *Printer, from string, all []byte) string {
	var out strings.Builder
	s := tap.NewStream(from, tap.Options{Text: 1 << 16})
	s.Feed(all, func(f *tap.Frame) {
		out.WriteString(p.Print(tap.Record{Conn: 1, Kind: tap.KindFrame, Frame: f}))
	})
	return out.String()
}

// text makes an unmasked text frame.
func text(s string) []byte {
	return append([]byte{0x81, 126, byte(len(s) >> 8), byte(len(s))}, s...)
}

func TestFrame(t *testing.T) {
	p := Printer{Bits: true}
	p.Know(1, "hubbub.v1")
	masked, _ := hex.DecodeString("818ca1b2c3d4" + "da90abb1cddeacf69bc9bea9")
	got := frames(&p, tap.Client, masked)
	want := `00:00:00.000 1 → text         FIN mask [81 8c a1 b2 c3 d4] 12 bytes
      81  1....... FIN               the message ends with this frame
      81  .000.... RSV               not compressed
      81  ....0001 opcode 1          text
      8c  1....... MASK              masked, as a client must be, so that no cache takes it for HTTP
      8c  .0001100 length 12         12 bytes of payload
      key a1 b2 c3 d4                each byte of the payload is XOR one of these, in turn
      {
        "hello": {}
      }
    hello: I am whom the cookie of the handshake belongs to
`
	if got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
	for _, c := range []struct {
		from, hex string
		want      []string
	}{
		{tap.Server, "8803e90a", nil},
		{tap.Server, "880203e8", []string{"← close ", "2 bytes", "The connection ends: 1000, all is done."}},
		{tap.Server, "8800", []string{"without a reason"}},
		{tap.Server, "880503f41b5b41", []string{`1012, the server restarts; come back soon (\u{1b}[A).`}},
		{tap.Client, "8900", []string{"→ ping ", "Are you there?"}},
		{tap.Client, "8a026869", []string{"→ pong ", `It carries "hi".`}},
		{tap.Client, "0103616263", []string{"→ text         [01 03]", "not masked, which a client must be", "more frames of the message follow", "a part of a message"}},
		{tap.Client, "8203ff0061", []string{"ff 00 61"}},
		{tap.Client, "8b00", []string{"opcode 11", "No such frame is defined."}},
		{tap.Client, "817e0003616263", []string{"the next 2 bytes are the length: 0003, 3 bytes", "      abc\n"}},
		{tap.Client, "817f0000000000000003616263", []string{"the next 8 bytes are the length: 0000000000000003, 3 bytes"}},
	} {
		all, _ := hex.DecodeString(c.hex)
		got := frames(&p, c.from, all)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s, without %s", c.hex, got, want)
			}
		}
	}
}

// Nothing that a peer sends acts on the terminal, wherever it stands.
func TestNothingActsOnTheTerminal(t *testing.T) {
	const evil = "\x1b]0;x\x07\r\b\u202e\u2066\u200f\ufeff\u009b31m\x00\x7f\u2028\xff"
	for _, payload := range []string{evil, `{"x":"` + "\u202e\u009b" + `"}`, `{"event":{"room":"r","seq":1,"kind":"message","name":"` + "\u202e" + `","text":"` + "\u009b" + `"}}`,
		`{"error":{"code":"\u001b[2J","message":"\u001b[2J"}}`, `{"welcome":{"you":{"name":"\u001b[2J"}}}`, `{"opened":{"room":"\u001b[2J","name":"\u001b[2J"}}`} {
		for _, dialect := range []string{"plain", "hubbub.v1", ""} {
			p := Printer{Bits: true}
			p.Know(1, dialect)
			out := frames(&p, tap.Server, text(payload))
			out += p.Print(tap.Record{Conn: 2, Kind: tap.KindHandshake, Handshake: &tap.Handshake{
				Request: "GET " + payload + " HTTP/1.1\r\n" + payload + ": " + payload, Response: payload, Remote: payload, Dialect: payload,
			}})
			for _, r := range out {
				if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar) {
					t.Fatalf("%U reaches the terminal of %q", r, payload)
				}
			}
		}
	}
	if got := Clean("a\tb 👩‍🚀 שלום é"); got != "a b 👩‍🚀 שלום é" {
		t.Errorf("%q", got)
	}
}

// JSON of a depth that is nothing but indents is not laid out.
func TestDeepJSON(t *testing.T) {
	var p Printer
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	if got := frames(&p, tap.Client, text(deep)); len(got) > 20_000 {
		t.Errorf("%d bytes of %d", len(got), len(deep))
	}
}

// Every frame of the protocol has words.
func TestWords(t *testing.T) {
	for _, side := range []string{tap.Client, tap.Server} {
		files, err := filepath.Glob("../wire/testdata/frames/" + side + "/*.json")
		if err != nil || len(files) < 10 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var c chat
			if c.words(side, strings.TrimSpace(string(b))) == "" {
				t.Errorf("nothing is said of %s", name)
			}
		}
	}
	var c chat
	for _, x := range []struct{ from, text, want string }{
		{tap.Server, `{"heartbeat":{"heads":{"r":7}}}`, "heartbeat: this is how far the rooms are"},
		{tap.Server, `{"opened":{"room":"r","name":"lobby","after":41,"head":42}}`, "lobby is open; it has 42 events, and what is behind 41 comes now"},
		{tap.Server, `{"heartbeat":{"heads":{"r":42}}}`, "heartbeat: 1 event is still to come"},
		{tap.Server, `{"event":{"room":"r","seq":42,"kind":"message","name":"Ines","text":"Hello\nyou"}}`, "message 42 of lobby, by Ines: Hello you"},
		{tap.Server, `{"heartbeat":{"heads":{"r":42}}}`, "heartbeat: you have everything"},
		{tap.Client, `{"send":{"room":"r","text":"Hi","reply":42}}`, "a message for lobby, in reply to message 42: Hi — its id makes sending it again harmless"},
		{tap.Server, `{"sent":{"room":"r","seq":43}}`, "stored, as message 43 of lobby: it will not be lost"},
		{tap.Client, `{"nonsense":{}}`, ""},
		{tap.Client, `[1]`, ""},
		{tap.Client, `{"send":{"room":7}}`, ""},
		{tap.Client, `hello`, ""},
	} {
		if got := c.words(x.from, x.text); got != x.want {
			t.Errorf("%s: %q, not %q", x.text, got, x.want)
		}
	}
}

func FuzzPrint(f *testing.F) {
	f.Add([]byte("\x81\x05hello"), true)
	f.Add(text(`{"opened":{"room":"r","after":1}}`), false)
	f.Fuzz(func(t *testing.T, all []byte, v1 bool) {
		p := Printer{Bits: true}
		if v1 {
			p.Know(1, "hubbub.v1")
		}
		for _, r := range frames(&p, tap.Server, all) {
			if r != '\n' && unicode.IsControl(r) {
				t.Fatalf("%U reaches the terminal", r)
			}
		}
	})
}
