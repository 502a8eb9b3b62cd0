package picture

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"
)

func noise(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

const secret = "52.5200N 13.4050E"

// spied are small pictures of every kind that tell where they were taken, in every
// place that the kind has for it, and behind their end.
func spied(t testing.TB) map[string][]byte {
	t.Helper()
	m := noise(40, 30)
	var j, p, g bytes.Buffer
	if err := jpeg.Encode(&j, m, nil); err != nil {
		t.Fatal(err)
	}
	part := func(marker byte, body string) []byte {
		return append([]byte{0xff, marker, 0, byte(len(body) + 2)}, body...)
	}
	// EXIF with the orientation 6 and something behind it.
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00" + secret
	head := bytes.Join([][]byte{
		{0xff, 0xd8}, part(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x03\x02"+secret+"."), part(0xe1, exif), part(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+secret),
		part(0xed, "Photoshop 3.0\x00"+secret), part(0xe2, "MPF\x00"+secret), part(0xfe, secret),
	}, nil)
	photo := append(append(head, j.Bytes()[2:]...), (secret + "<script>")...)

	if err := png.Encode(&p, m); err != nil {
		t.Fatal(err)
	}
	chunk := func(name, body string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		b = append(b, name+body...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	const afterHead = 8 + 25
	drawing := bytes.Join([][]byte{p.Bytes()[:afterHead], chunk("eXIf", secret), chunk("tEXt", "Comment\x00"+secret), chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+secret),
		chunk("tIME", secret[:7]), chunk("prIv", secret), p.Bytes()[afterHead:], []byte("PK\x03\x04" + secret)}, nil)

	frame := image.NewPaletted(image.Rect(0, 0, 40, 30), palette.Plan9)
	if err := gif.EncodeAll(&g, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	const tables = 13 + 768
	comment := append([]byte{0x21, 0xfe, byte(len(secret))}, secret+"\x00"...)
	app := append([]byte("\x21\xff\x0bXMP DataXMP"), append([]byte{byte(len(secret))}, secret+"\x00"...)...)
	film := bytes.Join([][]byte{g.Bytes()[:13], g.Bytes()[13:], []byte(secret)}, nil)
	at := 13 + colours(film[10])
	film = bytes.Join([][]byte{film[:at], comment, app, film[at:]}, nil)

	// One pixel, lossless.
	vp8l, _ := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	x := make([]byte, 10)
	x[0] = 0x04 | 0x08
	body := bytes.Join([][]byte{appendChunk(nil, "VP8X", x), vp8l[12:], appendChunk(nil, "EXIF", []byte(secret)), appendChunk(nil, "XMP ", []byte(secret)), appendChunk(nil, "JUNK", []byte(secret))}, nil)
	web := append([]byte("RIFF\x00\x00\x00\x00WEBP"), body...)
	binary.LittleEndian.PutUint32(web[4:], uint32(len(web)-8))
	anmf := append(make([]byte, 16), vp8l[12:]...)
	animated := bytes.Join([][]byte{[]byte("RIFF\x00\x00\x00\x00WEBP"), appendChunk(nil, "VP8X", append([]byte{0x02}, make([]byte, 9)...)), appendChunk(nil, "ANIM", make([]byte, 6)),
		appendChunk(nil, "ANMF", append(anmf, appendChunk(nil, "JUNK", []byte(secret))...))}, nil)
	binary.LittleEndian.PutUint32(animated[4:], uint32(len(animated)-8))
	return map[string][]byte{
		"photo " + JPEG: photo, "drawing " + PNG: drawing, "film " + GIF: film, "web " + WebP: append(web, secret...), "animated " + WebP: animated,
	}
}

func kindOf(name string) string {
	_, kind, _ := bytes.Cut([]byte(name), []byte(" "))
	return string(kind)
}

// What a picture says beside its pixels is gone, and the pixels are the same.
func TestCut(t *testing.T) {
	for name, data := range spied(t) {
		kind := kindOf(name)
		if !bytes.Contains(data, []byte(secret)) {
			t.Fatal("the test is wrong")
		}
		out, err := Cut(kind, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if bytes.Contains(out, []byte(secret)) || bytes.Contains(out, []byte("script")) {
			t.Errorf("%s still tells", name)
		}
		before, _, err := image.Decode(bytes.NewReader(still(data)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after, _, err := image.Decode(bytes.NewReader(still(out)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !samePixels(before, after) {
			t.Errorf("%s looks different", name)
		}
		if again, err := Cut(kind, out); err != nil || !bytes.Equal(again, out) {
			t.Errorf("%s: cut again it is different: %v", name, err)
		}
		if got := Orientation(out); (got == 6) != (kind == JPEG) {
			t.Errorf("%s is turned by %d", name, got)
		}
		for n := range len(data) { // cut off anywhere, it is damaged or tells nothing
			if out, err := Cut(kind, data[:n]); err == nil && bytes.Contains(out, []byte(secret)) {
				t.Errorf("%s of %d bytes tells", name, n)
			}
		}
	}
}

func samePixels(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if color.RGBAModel.Convert(a.At(x, y)) != color.RGBAModel.Convert(b.At(x, y)) {
				return false
			}
		}
	}
	return true
}

func TestCutGIFKeepsAnimation(t *testing.T) {
	out, err := Cut(GIF, spied(t)["film "+GIF])
	if err != nil {
		t.Fatal(err)
	}
	g, err := gif.DecodeAll(bytes.NewReader(out))
	if err != nil || len(g.Image) != 2 || g.LoopCount != 0 {
		t.Errorf("%v, %v", g, err)
	}
}

// A small picture is of the first frame, stands upright, and tells nothing.
func TestSmall(t *testing.T) {
	for name, data := range spied(t) {
		info, err := Look(data)
		if err != nil || !info.Decodable {
			t.Errorf("%s: %+v, %v", name, info, err)
			continue
		}
		small, kind, size, err := Small(t.Context(), data, 20)
		if err != nil || bytes.Contains(small, []byte(secret)) || kind == "" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c, _, err := image.DecodeConfig(bytes.NewReader(small))
		if err != nil || c.Width != size.X || c.Height != size.Y || max(size.X, size.Y) > 20 {
			t.Errorf("%s: %v, %v, %v", name, c, size, err)
		}
		if kindOf(name) == JPEG && (info.Width != 30 || info.Height != 40 || size != image.Pt(15, 20)) {
			t.Errorf("%s lies: %+v, small %v", name, info, size)
		}
	}
}

// bomb is a PNG of a few bytes that says it is w x h.
func bomb(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(nil, w)
	head = binary.BigEndian.AppendUint32(head, h)
	head = append(head, 8, 6, 0, 0, 0)
	b := append([]byte(signaturePNG), 0, 0, 0, 13)
	b = append(b, "IHDR"...)
	b = append(b, head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

func TestBombsAreNotDecoded(t *testing.T) {
	info, err := Look(bomb(50_000, 50_000))
	if err != nil || info.Decodable || info.Pixels() != 2_500_000_000 {
		t.Errorf("%+v, %v", info, err)
	}
	if info, err := Look(bomb(6000, 6000)); err != nil || !info.Decodable {
		t.Errorf("%+v, %v", info, err)
	}
	// More scans than any encoder writes.
	var j bytes.Buffer
	jpeg.Encode(&j, noise(8, 8), nil)
	at := bytes.Index(j.Bytes(), []byte{0xff, 0xda})
	scan := j.Bytes()[at : j.Len()-2]
	many := append(bytes.Clone(j.Bytes()[:at]), bytes.Repeat(scan, maxScans+1)...)
	if _, err := Cut(JPEG, append(many, 0xff, 0xd9)); err != ErrDamaged {
		t.Errorf("%v", err)
	}
}

// Whatever comes, the cutter ends, and what it lets through tells nothing, cut twice is
// the same, and decodes if it did before.
func FuzzCut(f *testing.F) {
	for name, data := range spied(f) {
		f.Add(kindOf(name), data)
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		out, err := Cut(kind, data)
		if err != nil {
			return
		}
		if len(out) > len(data)+len(turned)+2 {
			t.Fatalf("%d bytes became %d", len(data), len(out))
		}
		again, err := Cut(kind, out)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("cut twice: %v\n% x\n% x", err, out, again)
		}
		if kind == JPEG {
			noMore(t, out)
		}
		before, e := Look(data)
		if after, err := Look(out); e == nil && (err != nil || before != after) {
			t.Fatalf("%+v became %+v, %v", before, after, err)
		}
	})
}

// noMore walks a JPEG as a reader would, and finds no part that could tell.
func noMore(t *testing.T, out []byte) {
	for i := 2; i+4 <= len(out) && out[i] == 0xff && out[i+1] != 0xd9; {
		marker, n := out[i+1], int(binary.BigEndian.Uint16(out[i+2:]))
		body := out[i+4 : i+2+n]
		if marker == 0xfe || marker == 0xed || marker == 0xe1 && (n != 34 || !bytes.Equal(body[:24], turned[4:28])) {
			t.Fatalf("a part %x: %q", marker, body)
		}
		if i += 2 + n; marker == 0xda {
			i += scanned(out[i:])
		}
	}
}

func BenchmarkSmall12Megapixels(b *testing.B) {
	var j bytes.Buffer
	jpeg.Encode(&j, noise(4000, 3000), nil)
	for b.Loop() {
		if _, _, _, err := Small(b.Context(), j.Bytes(), 720); err != nil {
			b.Fatal(err)
		}
	}
}
