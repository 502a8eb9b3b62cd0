package ws

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// frame builds one client frame byte by byte, right or wrong.
type frame struct {
	first    byte // FIN, RSV and opcode; 0 means 0x81, a whole text
	payload  string
	unmasked bool
	length   *uint64 // to be claimed; nil: the true one
}

func (f frame) bytes() []byte {
	first := f.first
	if first == 0 {
		first = 0x81
	}
	n := uint64(len(f.payload))
	if f.length != nil {
		n = *f.length
	}
	mask := byte(0x80)
	if f.unmasked {
		mask = 0
	}
	b := []byte{first}
	switch {
	case n < 126:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), n)
	}
	if f.unmasked {
		return append(b, f.payload...)
	}
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d} // the example of RFC 6455, section 5.7
	b = append(b, key[:]...)
	for i := range len(f.payload) {
		b = append(b, f.payload[i]^key[i%4])
	}
	return b
}

func join(frames ...frame) []byte {
	var b []byte
	for _, f := range frames {
		b = append(b, f.bytes()...)
	}
	return b
}

// parse feeds data in pieces of the given size, and returns what was handled.
func parse(data []byte, limit, piece int) (got []string, err error) {
	p := parser{limit: int32(limit)}
	for chunk := range slices.Chunk(slices.Clone(data), piece) {
		_, err = p.feed(chunk, func(op ws.OpCode, payload []byte) error {
			got = append(got, fmt.Sprintf("%x:%s", op, payload))
			if op == ws.OpClose {
				return checkClose(payload)
			}
			return nil
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func code(err error) int {
	var ce *closeError
	if errors.As(err, &ce) {
		return int(ce.code)
	}
	return -1
}

func huge(n uint64) *uint64 { return &n }

var parserCases = []struct {
	name string
	in   []byte
	got  string // handled, joined by spaces
	code int    // -1: the connection lives
}{
	{"one text", join(frame{payload: "Hello"}), "1:Hello", -1},
	{"empty text", join(frame{}), "1:", -1},
	{"lengths at the borders", join(frame{payload: strings.Repeat("a", 125)}, frame{payload: strings.Repeat("b", 126)}),
		"1:" + strings.Repeat("a", 125) + " 1:" + strings.Repeat("b", 126), -1},
	{"fragments", join(frame{first: 0x01, payload: "Hel"}, frame{first: 0x80, payload: "lo"}), "1:Hello", -1},
	{"a ping between fragments", join(frame{first: 0x01, payload: "Hel"}, frame{first: 0x89, payload: "p"}, frame{first: 0x80, payload: "lo"}), "9:p 1:Hello", -1},
	{"UTF-8 split inside a character", join(frame{first: 0x01, payload: "\xe2\x82"}, frame{first: 0x80, payload: "\xac"}), "1:€", -1},
	{"pong nobody asked for", join(frame{first: 0x8a, payload: "x"}), "a:x", -1},
	{"close without a code", join(frame{first: 0x88}), "8:", 0},
	{"close 1000", join(frame{first: 0x88, payload: "\x03\xe8bye"}), "8:\x03\xe8bye", 1000},
	{"close 4999", join(frame{first: 0x88, payload: "\x13\x87"}), "8:\x13\x87", 4999},

	{"unmasked", join(frame{payload: "Hello", unmasked: true}), "", 1002},
	{"RSV1", join(frame{first: 0xc1, payload: "x"}), "", 1002},
	{"RSV2", join(frame{first: 0xa1, payload: "x"}), "", 1002},
	{"RSV3", join(frame{first: 0x91, payload: "x"}), "", 1002},
	{"opcode 3", join(frame{first: 0x83, payload: "x"}), "", 1002},
	{"opcode 7", join(frame{first: 0x87, payload: "x"}), "", 1002},
	{"opcode b", join(frame{first: 0x8b, payload: "x"}), "", 1002},
	{"opcode f", join(frame{first: 0x8f, payload: "x"}), "", 1002},
	{"binary", join(frame{first: 0x82, payload: "x"}), "", 1003},
	{"binary fragment", join(frame{first: 0x02, payload: "x"}), "", 1003},
	{"bad UTF-8", join(frame{payload: "\xc3\x28"}), "", 1007},
	{"a surrogate in UTF-8", join(frame{payload: "\xed\xa0\x80"}), "", 1007},
	{"bad UTF-8 over fragments", join(frame{first: 0x01, payload: "ok\xe2"}, frame{first: 0x80, payload: "\x28\xa1"}), "", 1007},
	{"UTF-8 cut off", join(frame{first: 0x01, payload: "ok"}, frame{first: 0x80, payload: "\xe2\x82"}), "", 1007},
	{"long ping", join(frame{first: 0x89, payload: strings.Repeat("x", 126)}), "", 1002},
	{"fragmented ping", join(frame{first: 0x09, payload: "x"}), "", 1002},
	{"fragmented close", join(frame{first: 0x08, payload: "\x03\xe8"}), "", 1002},
	{"continuation of nothing", join(frame{first: 0x80, payload: "x"}), "", 1002},
	{"a text within a text", join(frame{first: 0x01, payload: "x"}, frame{first: 0x81, payload: "y"}), "", 1002},
	{"close with one byte", join(frame{first: 0x88, payload: "\x03"}), "8:\x03", 1002},
	{"close 999", join(frame{first: 0x88, payload: "\x03\xe7"}), "8:\x03\xe7", 1002},
	{"close 1004", join(frame{first: 0x88, payload: "\x03\xec"}), "8:\x03\xec", 1002},
	{"close 1005", join(frame{first: 0x88, payload: "\x03\xed"}), "8:\x03\xed", 1002},
	{"close 1006", join(frame{first: 0x88, payload: "\x03\xee"}), "8:\x03\xee", 1002},
	{"close 2999", join(frame{first: 0x88, payload: "\x0b\xb7"}), "8:\x0b\xb7", 1002},
	{"close 5000", join(frame{first: 0x88, payload: "\x13\x88"}), "8:\x13\x88", 1002},
	{"close with a bad reason", join(frame{first: 0x88, payload: "\x03\xe8\xff"}), "8:\x03\xe8\xff", 1002},
	{"over the limit", join(frame{payload: strings.Repeat("x", 1001)}), "", 1009},
	{"at the limit", join(frame{payload: strings.Repeat("x", 1000)}), "1:" + strings.Repeat("x", 1000), -1},
	{"over the limit in fragments", join(frame{first: 0x01, payload: strings.Repeat("x", 600)}, frame{first: 0x80, payload: strings.Repeat("x", 401)}), "", 1009},
	{"a terabyte claimed", join(frame{length: huge(1 << 40)}), "", 1009},
	{"a length with the highest bit", join(frame{length: huge(1 << 63)}), "", 1002},
	{"endless empty fragments", append(join(frame{first: 0x01}), bytes.Repeat([]byte{0x00, 0x80, 0, 0, 0, 0}, maxFragments)...), "", 1009},
}

func TestParser(t *testing.T) {
	for _, c := range parserCases {
		for _, piece := range []int{1, 3, 1 << 20} {
			got, err := parse(c.in, 1000, piece)
			if s := strings.Join(got, " "); s != c.got || code(err) != c.code {
				t.Errorf("%s in pieces of %d: got %q, code %d (%v); want %q, %d", c.name, piece, s, code(err), err, c.got, c.code)
			}
		}
	}
}

// The refusal must come with the header: a client that claims much and sends
// little would otherwise hold memory for as long as it likes.
func TestParserRefusesBeforeThePayload(t *testing.T) {
	head := join(frame{length: huge(1001)})
	if _, err := parse(head, 1000, 1<<20); code(err) != 1009 {
		t.Errorf("got %v", err)
	}
}

func TestParserHoldsNothingWhenIdle(t *testing.T) {
	p := parser{limit: 1 << 20}
	data := join(frame{first: 0x01, payload: strings.Repeat("x", 100_000)}, frame{first: 0x80, payload: "y"})
	for chunk := range slices.Chunk(data, 1000) {
		if _, err := p.feed(chunk, func(ws.OpCode, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if p.in != nil || p.msg != nil {
		t.Errorf("%d and %d bytes are kept", cap(p.in), cap(p.msg))
	}
}

// However the bytes are cut, the parser handles the same frames and fails with
// the same code; what it hands on is valid UTF-8 within the limit.
func FuzzParser(f *testing.F) {
	for _, c := range parserCases {
		f.Add(c.in, uint8(7))
	}
	texts, _ := filepath.Glob("../wire/testdata/frames/*/*")
	for _, name := range texts {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(join(frame{payload: string(b)}), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		const limit = 1000
		whole, err := parse(data, limit, len(data)+1)
		pieces, err2 := parse(data, limit, int(piece)+1)
		if !slices.Equal(whole, pieces) || code(err) != code(err2) {
			t.Fatalf("whole: %q %v; pieces of %d: %q %v", whole, err, int(piece)+1, pieces, err2)
		}
		for _, m := range whole {
			if text, ok := strings.CutPrefix(m, "1:"); ok && (!utf8.ValidString(text) || len(text) > limit) {
				t.Fatalf("handed on %q", text)
			}
		}
	})
}
