package wire

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"hubbub/internal/chat"
)

const frames = "testdata/frames"

// golden returns the files of one side, by name, without the final line feed.
func golden(t testing.TB, side string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(frames, side, "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no frames for %s: %v", side, err)
	}
	files := make(map[string][]byte)
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(p)] = bytes.TrimSuffix(b, []byte("\n"))
	}
	return files
}

func TestClientFramesRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	for name, data := range golden(t, "client") {
		f, ref, err := Decode(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := Encode(f); !bytes.Equal(got, data) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, data)
		}
		if ref.Frame != kindOf(f) {
			t.Errorf("%s: ref says %q", name, ref.Frame)
		}
		seen[ref.Frame] = true
	}
	if len(seen) != len(ClientKinds) {
		t.Errorf("examples cover %v, not all of %v", seen, ClientKinds)
	}
}

func TestServerFramesRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	for name, data := range golden(t, "server") {
		f, err := DecodeServer(data)
		if err != nil || f == nil {
			t.Errorf("%s: %v, %v", name, f, err)
			continue
		}
		if got := Encode(f); !bytes.Equal(got, data) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, data)
		}
		seen[kindOf(f)] = true
	}
	if len(seen) != 17 {
		t.Errorf("examples cover %v, not all seventeen kinds", seen)
	}
}

func TestUnknownServerKindIsIgnored(t *testing.T) {
	if f, err := DecodeServer([]byte(`{"sparkle":{"x":1}}`)); f != nil || err != nil {
		t.Errorf("got %v, %v", f, err)
	}
}

// Each file in bad is named NAME__CODE.txt.
func TestBadFrames(t *testing.T) {
	for name, data := range golden(t, "bad") {
		_, want, _ := strings.Cut(strings.TrimSuffix(name, ".txt"), "__")
		_, _, err := Decode(data)
		if err == nil || err.Code != chat.Code(want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestErrorRepeatsWhatItAnswers(t *testing.T) {
	id := "0199D5C2-7A31-7C4E-9B1F-3D2A6C8E5F01"
	_, ref, err := Decode([]byte(`{"send":{"room":"k3v9x2m7qp4d","id":"` + id + `","text":" "}}`))
	if err == nil {
		t.Fatal("an empty text was accepted")
	}
	want := Ref{Frame: "send", Room: "k3v9x2m7qp4d", ID: strings.ToLower(id)}
	if ref != want {
		t.Errorf("got %+v, want %+v", ref, want)
	}
}

func TestErrorRepeatsNothingLong(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for _, data := range []string{
		`{"send":{"room":"` + long + `","id":"` + long + `","text":"x"}}`,
		`{"open":{"name":"` + long + `"}}`,
		`{"open":{"room":"` + long + `","last":-1}}`,
		`{"` + long + `":{}}`,
		`{"read":{"room":"r","` + long + `":"x","seq":"x"}}`,
	} {
		_, ref, err := Decode([]byte(data))
		if err == nil {
			t.Errorf("accepted: %.40s", data)
		} else if b := Encode(ErrorFrame(err, ref)); len(b) > 500 {
			t.Errorf("%.40s: an answer of %d bytes", data, len(b))
		}
	}
}

// The document and the golden files are one: each example names its file.
func TestDocumentShowsTheGoldenFrames(t *testing.T) {
	doc, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, m := range regexp.MustCompile("(?s)```json (\\S+)\n(.*?)\n```").FindAllSubmatch(doc, -1) {
		want, err := os.ReadFile(filepath.Join(frames, string(m[1])))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(bytes.TrimSpace(want), m[2]) {
			t.Errorf("%s: the document differs from the file", m[1])
		}
		shown[string(m[1])] = true
	}
	for _, side := range []string{"client", "server"} {
		for name := range golden(t, side) {
			if !shown[side+"/"+name] {
				t.Errorf("%s/%s is not in the document", side, name)
			}
		}
	}
}

func TestAppendTextLengths(t *testing.T) {
	for n, header := range map[int][]byte{
		0:     {0x81, 0},
		125:   {0x81, 125},
		126:   {0x81, 126, 0, 126},
		65535: {0x81, 126, 255, 255},
		65536: {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0},
	} {
		got := AppendText(nil, strings.Repeat("a", n))
		if !bytes.HasPrefix(got, header) || len(got) != len(header)+n {
			t.Errorf("%d bytes: header % x", n, got[:min(len(got), 10)])
		}
	}
}

// Whatever a client sends, Decode answers a frame or a code, and what it
// accepts it can write and read again.
func FuzzDecode(f *testing.F) {
	for _, side := range []string{"client", "server", "bad"} {
		for _, data := range golden(f, side) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, ref, err := Decode(data)
		if err != nil {
			if err.Code == "" || len(Encode(ErrorFrame(err, ref))) > 1000 {
				t.Fatalf("answer to %q: %v %+v", data, err, ref)
			}
			return
		}
		again, _, err := Decode(Encode(frame))
		if err != nil || !reflect.DeepEqual(frame, again) {
			t.Fatalf("%q: %+v became %+v, %v", data, frame, again, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for name, frame := range map[string]string{
		"compact": `{"send":{"room":"k3v9x2m7qp4d","id":"01935b2c-7d1e-7f3a-9c40-5a6b7c8d9e0f","text":"seventy bytes of text, about what people write when they chat in a room"}}`,
		"spaced":  `{ "send":{"room":"k3v9x2m7qp4d","id":"01935b2c-7d1e-7f3a-9c40-5a6b7c8d9e0f","text":"seventy bytes of text, about what people write when they chat in a room"}}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Decode([]byte(frame)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
