package files

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"
)

const where = "52.5200N 13.4050E"

func box(name string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), name...), body...)
}

// heic is the skeleton of a photo whose EXIF lies behind its pixels, and whose XMP is in the
// list itself.
func heic() []byte {
	full := []byte{0, 0, 0, 0}
	infe := func(id byte, kind string) []byte {
		return box("infe", []byte{2, 0, 0, 0, 0, id, 0, 0}, []byte(kind), []byte{0})
	}
	build := func(at uint32) []byte {
		place := binary.BigEndian.AppendUint32(nil, at)
		iloc := bytes.Join([][]byte{{1, 0, 0, 0, 0x44, 0x00, 0, 3},
			{0, 1, 0, 0, 0, 0, 0, 1}, binary.BigEndian.AppendUint32(nil, at-6), {0, 0, 0, 6},
			{0, 2, 0, 0, 0, 0, 0, 1}, place, {0, 0, 0, byte(len(where))},
			{0, 3, 0, 1, 0, 0, 0, 1}, {0, 0, 0, 0}, {0, 0, 0, byte(len(where))}}, nil)
		return bytes.Join([][]byte{box("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")),
			box("meta", full, box("iinf", full, []byte{0, 3}, infe(1, "hvc1"), infe(2, "Exif"), infe(3, "mime")), box("iloc", iloc), box("idat", []byte(where))),
			box("mdat", []byte("pixels"), []byte(where))}, nil)
	}
	return build(uint32(len(build(0)) - len(where)))
}

// Films and photos lose their place, and nothing else moves or changes, however they are
// read.
func TestPlacesAreBlanked(t *testing.T) {
	film := bytes.Join([][]byte{box("ftyp", []byte("isom\x00\x00\x00\x00isom")),
		box("moov", box("trak", box("mdia", []byte("vide")), box("udta", []byte(where))), box("udta", []byte("\xa9xyz"+where)), box("meta", []byte(where))),
		box("uuid", []byte(where)), box("mdat", []byte("pictures and sound"))}, nil)
	for name, x := range map[string]struct {
		kind string
		data []byte
		kept string
	}{"film": {"video/mp4", film, "pictures and sound"}, "photo": {"image/heic", heic(), "pixels"}} {
		if kind := Sniff(x.data); kind != x.kind {
			t.Errorf("%s is taken for %s", name, kind)
		}
		spans := telling(x.kind, bytes.NewReader(x.data), int64(len(x.data)))
		for _, r := range []io.Reader{bytes.NewReader(x.data), iotest.OneByteReader(bytes.NewReader(x.data)), iotest.HalfReader(bytes.NewReader(x.data))} {
			out, err := io.ReadAll(&blanked{r: r, spans: spans})
			if err != nil || len(out) != len(x.data) || bytes.Contains(out, []byte(where)) || !bytes.Contains(out, []byte(x.kept)) {
				t.Errorf("%s became %q, %v", name, out, err)
			}
		}
	}
}

// Whatever boxes say of themselves, looking at them ends within the file.
func FuzzTelling(f *testing.F) {
	f.Add("image/heic", heic())
	f.Add("video/mp4", box("moov", box("udta", []byte("x")), []byte{0, 0, 0, 1, 'u', 'd', 't', 'a', 255, 255, 255, 255, 255, 255, 255, 255}))
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		spans := telling(kind, bytes.NewReader(data), int64(len(data)))
		for _, s := range spans {
			if s.from < 0 || s.to > int64(len(data)) || s.from > s.to {
				t.Fatalf("%+v of %d bytes", s, len(data))
			}
		}
		out, err := io.ReadAll(&blanked{r: bytes.NewReader(data), spans: spans})
		if err != nil || len(out) != len(data) {
			t.Fatalf("%d bytes became %d, %v", len(data), len(out), err)
		}
	})
}
