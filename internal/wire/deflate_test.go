package wire

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// deflated returns what a client would send.
func deflated(text string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	w.Write([]byte(text))
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte(emptyBlock))
}

func TestDeflatedFrames(t *testing.T) {
	var counted strings.Builder
	for i := range 300 {
		fmt.Fprint(&counted, i, " sheep, ")
	}
	short, long := &Event{Text: "hi"}, &Event{Text: counted.String()}
	if got, want := AppendDeflated(nil, short), AppendFrame(nil, short); !bytes.Equal(got, want) {
		t.Errorf("a short frame is %q", got)
	}
	frame := AppendDeflated([]byte("before"), long)[len("before"):]
	if frame[0] != 0xc1 || frame[1] != 126 || len(frame) > 1500 {
		t.Fatalf("%d bytes, header % x", len(frame), frame[:4])
	}
	packed := frame[4:]
	if int(binary.BigEndian.Uint16(frame[2:])) != len(packed) {
		t.Fatal("the length is wrong")
	}
	text, err := Inflate(packed, 1<<20)
	if err != nil || !bytes.Equal(text, Encode(long)) {
		t.Errorf("%q, %v", text, err)
	}
}

func TestInflate(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("bomb", 100_000)} {
		got, err := Inflate(deflated(text), len(text))
		if err != nil || string(got) != text {
			t.Errorf("%d bytes became %d, %v", len(text), len(got), err)
		}
	}
	bomb := deflated(strings.Repeat("\x00", 64<<20))
	if got, err := Inflate(bomb, 1000); !errors.Is(err, ErrInflated) || len(got) > 1001 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := Inflate([]byte("\xff\xff not deflate"), 1000); err == nil {
		t.Error("junk was unpacked")
	}
}
