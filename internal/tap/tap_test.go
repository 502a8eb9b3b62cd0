package tap

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// frame makes the bytes of a frame; mask is empty or four bytes.
func frame(first byte, mask string, payload string) []byte {
	b := []byte{first}
	bit := byte(0)
	if mask != "" {
		bit = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, bit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, bit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, bit|127), uint64(n))
	}
	b = append(b, mask...)
	for i := range len(payload) {
		c := payload[i]
		if mask != "" {
			c ^= mask[i%4]
		}
		b = append(b, c)
	}
	return b
}

// deflater packs messages as a side does that takes its context over.
type deflater struct {
	to bytes.Buffer
	w  *flate.Writer
}

func newDeflater() *deflater {
	d := new(deflater)
	d.w, _ = flate.NewWriter(&d.to, 6)
	return d
}

func (d *deflater) pack(text string) string {
	d.to.Reset()
	d.w.Write([]byte(text))
	d.w.Flush()
	return strings.TrimSuffix(d.to.String(), "\x00\x00\xff\xff")
}

func pack(text string) string { return newDeflater().pack(text) }

// taken feeds bytes in pieces of a size and returns the lines about them.
func taken(t testing.TB, opt Options, size int, all []byte) (frames []*Frame) {
	t.Helper()
	s := NewStream(Client, opt)
	for piece := range slices.Chunk(all, size) {
		before := bytes.Clone(piece)
		s.Feed(piece, func(f *Frame) { frames = append(frames, f.unpack()) })
		if !bytes.Equal(before, piece) {
			t.Fatal("bytes that pass were changed")
		}
	}
	return frames
}

func TestFrames(t *testing.T) {
	const mask = "\xa1\xb2\xc3\xd4"
	big := strings.Repeat("0123456789", 10_000)
	once := newDeflater()
	for _, c := range []struct {
		name  string
		opt   Options
		bytes [][]byte
		want  []string
	}{
		{"unmasked", Options{Text: 100}, [][]byte{frame(0x81, "", "hello")},
			[]string{`{"kind":"frame","from":"client","n":1,"message":1,"fin":true,"rsv1":false,"opcode":1,"head":"8105","length":5,"text":"hello"}`}},
		{"masked", Options{Text: 100}, [][]byte{frame(0x81, mask, "hello")},
			[]string{`{"kind":"frame","from":"client","n":1,"message":1,"fin":true,"rsv1":false,"opcode":1,"head":"8185a1b2c3d4","mask":"a1b2c3d4","length":5,"text":"hello"}`}},
		{"the page has the texts", Options{}, [][]byte{frame(0x81, mask, "hello"), frame(0x89, mask, "hi")},
			[]string{`{"kind":"frame","from":"client","n":1,"message":1,"fin":true,"rsv1":false,"opcode":1,"head":"8185a1b2c3d4","mask":"a1b2c3d4","length":5}`,
				`{"kind":"frame","from":"client","n":2,"fin":true,"rsv1":false,"opcode":9,"head":"8982a1b2c3d4","mask":"a1b2c3d4","length":2,"bytes":"6869"}`}},
		{"nothing in it", Options{Text: 100}, [][]byte{frame(0x81, "", ""), frame(0x8a, "", "")},
			[]string{`{"kind":"frame","from":"client","n":1,"message":1,"fin":true,"rsv1":false,"opcode":1,"head":"8100","length":0,"text":""}`,
				`{"kind":"frame","from":"client","n":2,"fin":true,"rsv1":false,"opcode":10,"head":"8a00","length":0,"bytes":""}`}},
		{"fragments, and a ping between them", Options{Text: 100}, [][]byte{frame(0x01, "", "one "), frame(0x89, "", ""), frame(0x80, "", "two"), frame(0x81, "", "x")},
			[]string{`"n":1,"message":1,"fin":false,`, `"n":2,"fin":true,"rsv1":false,"opcode":9`, `"n":3,"message":1,"fin":true,"rsv1":false,"opcode":0,"head":"8003","length":3,"text":"two"`, `"n":4,"message":2`}},
		{"fragments as a whole", Options{Text: 100, Whole: true}, [][]byte{frame(0x01, "", `{"hello":{"tok`), frame(0x80, "", `en":"secret"}}`)},
			[]string{`"head":"010e","length":14}`, `"text":"{\"hello\":{\"token\":\"•••\"}}"`}},
		{"64 bits of length, cut", Options{Text: 12}, [][]byte{frame(0x81, "", big)},
			[]string{`"head":"817f00000000000186a0","length":100000,"text":"012345678901","cut":true`}},
		{"cut between runes", Options{Text: 4}, [][]byte{frame(0x81, "", "abc€x")}, []string{`"text":"abc","cut":true`}},
		{"not UTF-8", Options{Text: 100}, [][]byte{frame(0x81, "", "a\xff")}, []string{`"length":2,"bytes":"61ff"}`}},
		{"binary", Options{Text: 2}, [][]byte{frame(0x82, mask, "abc")}, []string{`"opcode":2,"head":"8283a1b2c3d4","mask":"a1b2c3d4","length":3,"bytes":"6162","cut":true}`}},
		{"HTML stays a text", Options{Text: 100}, [][]byte{frame(0x81, "", "<b>&")}, []string{`"text":"\u003cb\u003e\u0026"`}},
		{"compressed", Options{Text: 100}, [][]byte{frame(0xc1, mask, pack("hello hello")), frame(0xc1, "", pack("hello hello"))},
			[]string{`"rsv1":true,"opcode":1,`, `"unpacked":11,"text":"hello hello"`}},
		{"compressed, in fragments", Options{Text: 100}, [][]byte{frame(0x41, "", pack("hello hello")[:4]), frame(0x80, "", pack("hello hello")[4:])},
			[]string{`"length":4}`, `"unpacked":11,"text":"hello hello"`}},
		{"compressed, without texts", Options{}, [][]byte{frame(0xc1, "", pack("hello hello"))}, []string{`"unpacked":11}`}},
		{"compressed, of nothing", Options{Text: 9}, [][]byte{frame(0xc1, "", "\x00")}, []string{`"unpacked":0,"text":""`}},
		{"with context takeover", Options{Text: 100, Takeover: true}, [][]byte{frame(0xc1, "", once.pack("hello world")), frame(0xc1, "", once.pack("hello world"))},
			[]string{`"unpacked":11,"text":"hello world"`, `"unpacked":11,"text":"hello world"`}},
		{"no DEFLATE at all", Options{Text: 100}, [][]byte{frame(0xc1, "", "\xff\xff")}, []string{`"length":2}`}},
	} {
		all := bytes.Join(c.bytes, nil)
		for _, size := range []int{1, 2, 3, 7, len(all)} {
			frames := taken(t, c.opt, size, all)
			if len(frames) != len(c.want) {
				t.Fatalf("%s: %d frames, not %d", c.name, len(frames), len(c.want))
			}
			for i, f := range frames {
				if line := string(Record{Kind: KindFrame, Frame: f}.Line()); !strings.Contains(line, c.want[i]) {
					t.Errorf("%s, in pieces of %d: frame %d is %s, not %s", c.name, size, i, line, c.want[i])
				}
			}
		}
	}
}

// What a peer says of a length is not believed before the bytes are there, and a frame
// that can not be is the last that is looked at.
func TestLengths(t *testing.T) {
	huge := append([]byte{0x82, 0x7f, 0x7f}, bytes.Repeat([]byte{0xff}, 7)...)
	s := NewStream(Client, Options{Text: 1 << 20})
	s.Feed(append(huge, make([]byte, 4<<20)...), func(*Frame) { t.Error("a frame without an end") })
	if len(s.payload) > maxKept {
		t.Errorf("%d bytes are kept", len(s.payload))
	}
	bad := append([]byte{0x82, 0x7f, 0x80}, make([]byte, 7)...)
	s = NewStream(Client, Options{})
	s.Feed(append(bad, frame(0x81, "", "x")...), func(*Frame) { t.Error("a frame behind nonsense") })
}

// A message that unpacks to more than anybody wants is not unpacked.
func TestBomb(t *testing.T) {
	bomb := pack(strings.Repeat("a", MaxUnpacked+1))
	if len(bomb) > maxKept {
		t.Fatal(len(bomb))
	}
	for _, takeover := range []bool{false, true} {
		frames := taken(t, Options{Text: 100, Takeover: takeover}, 1000, frame(0xc1, "", bomb))
		if f := frames[0]; f.Unpacked != nil || f.Text != nil {
			t.Errorf("%+v", f)
		}
	}
}

func TestResume(t *testing.T) {
	ring := NewRing(1 << 20)
	l := NewLine(7, ring, Options{Text: 100, Whole: true})
	whole := frame(0x80, "abcd", "end")
	l.Resume(whole[:3], true, []byte("the "), false, 5, time.UnixMilli(0))
	l.FromClient(whole[3:], time.UnixMilli(1500))
	l.FromServer(append([]byte("rest."), frame(0x89, "", "")...), time.UnixMilli(1500))
	l.End(time.UnixMilli(1500))
	want := []string{`{"conn":7,"at":1500,"kind":"frame","from":"client","n":1,"message":1,"fin":true,"rsv1":false,"opcode":0,"head":"808361626364","mask":"61626364","length":3,"text":"the end"}`,
		`{"conn":7,"at":1500,"kind":"frame","from":"server","n":1,"fin":true,"rsv1":false,"opcode":9,"head":"8900","length":0,"bytes":""}`,
		`{"conn":7,"at":1500,"kind":"end"}`}
	for i, r := range ring.Take() {
		if got := strings.TrimSpace(string(r.Line())); got != want[i] {
			t.Errorf("%s, not %s", got, want[i])
		}
	}
}

func TestSecrets(t *testing.T) {
	head := "GET /rooms/x?name=Ann&token=s3cret&%74oken=s3cret&wire=s3cret&invite=s3cret HTTP/1.1\r\nHost: x\r\nCOOKIE: a=s3cret; b=s3cret\r\n" +
		" folded=s3cret\r\nauthorization : Bearer s3cret\r\nReferer: http://u:s3cret@x/?invite=s3cret#x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	want := "GET /rooms/x?name=Ann&token=•••&%74oken=•••&wire=•••&invite=••• HTTP/1.1\r\nHost: x\r\nCOOKIE: •••\r\n" +
		" •••\r\nauthorization : •••\r\nReferer: http://•••@x/?invite=•••#x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if got := MaskHead(head); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	for _, text := range []string{
		`{"hello":{"token":"s3cret"}}`, `{"hello": {"TOKEN" : "s3cret"}}`, `{"hello":{"\u0074oken":"s3cret"}}`, `{"hello":{"to\u004Ben":"s3cret"}}`,
		`{"hello":{"token":"s3cret`, `{"hello":{"token":"a\"s3cret"}}`, `" {"hello":{"token":"s3cret"}}`, "{\"hello\":{\"to\u212aen\":\"s3cret\"}}",
		`{"hello":{"token":"\u0073\"s3cret"}}`,
	} {
		if got := MaskText(text); strings.Contains(got, "s3cret") || !strings.Contains(got, Hidden) {
			t.Errorf("%s became %s", text, got)
		}
	}
	for _, text := range []string{`{"send":{"text":"the token is here"}}`, `a "token" of mine`, `{"x":"\u0041"}`} {
		if got := MaskText(text); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func TestRing(t *testing.T) {
	r := NewRing(3 * 256)
	add := func(n int) {
		for range n {
			r.Add(Record{Kind: KindEnd})
		}
	}
	kinds := func() (all string) {
		for _, rec := range r.Take() {
			all += fmt.Sprint(rec.Kind, rec.Count, " ")
		}
		return all
	}
	add(250)
	if got := kinds(); got != "end0 end0 end0 skipped247 " {
		t.Error(got)
	}
	add(1)
	if got := kinds(); got != "end0 " {
		t.Error(got)
	}
	r.Close()
	add(1)
	if got := kinds(); got != "" || !r.Closed() {
		t.Error(got)
	}
}

// However the bytes come in, the same is reported; and nothing a peer sends makes it
// fail.
func FuzzStream(f *testing.F) {
	f.Add(bytes.Join([][]byte{frame(0x81, "", "hello"), frame(0xc1, "abcd", pack("hello")), frame(0x01, "", "x"), frame(0x88, "", "\x03\xe8")}, nil), 3, true)
	f.Add([]byte{0x82, 0xff, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 1, false)
	f.Fuzz(func(t *testing.T, data []byte, size int, takeover bool) {
		opt := Options{Text: 50, Takeover: takeover, Whole: size%2 == 0}
		whole := taken(t, opt, max(1, len(data)), data)
		pieces := taken(t, opt, max(1, size), data)
		if !reflect.DeepEqual(whole, pieces) {
			t.Errorf("%d frames, and in pieces of %d %d", len(whole), size, len(pieces))
		}
		for _, f := range whole {
			if !json.Valid(Record{Kind: KindFrame, Frame: f}.Line()) {
				t.Errorf("no JSON: %+v", f)
			}
		}
	})
}
