package gate

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"

	"hubbub/internal/picture"
)

// photo is red above and blue below, stored as a camera stores it that was held so.
func photo(how byte) []byte {
	upright := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(upright, image.Rect(0, 0, 64, 32), image.NewUniform(color.RGBA{220, 0, 0, 255}), image.Point{}, draw.Src)
	draw.Draw(upright, image.Rect(0, 32, 64, 64), image.NewUniform(color.RGBA{0, 0, 220, 255}), image.Point{}, draw.Src)
	// The way back from upright is the turn the other way.
	upright = picture.Turn(upright, map[byte]uint16{6: 8, 8: 6}[how]+map[byte]uint16{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 7: 7}[how])
	var b bytes.Buffer
	jpeg.Encode(&b, upright, nil)
	exif := append([]byte("\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"), how, 0, 0, 0, 0, 0, 0, 0)
	return append(append([]byte("\xff\xd8"), exif...), b.Bytes()[2:]...)
}

// A photo stands upright, however the camera was held, and says no more how.
func TestUpright(t *testing.T) {
	for how := byte(1); how <= 8; how++ {
		kind, data, err := shrink(photo(how))
		if err != nil || kind != "image/jpeg" || bytes.Contains(data, []byte("Exif")) {
			t.Fatalf("%d: %s, %v", how, kind, err)
		}
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []int{8, 56} {
			r, _, _, _ := m.At(x, 8).RGBA()
			_, _, b, _ := m.At(x, 56).RGBA()
			if r < 0xa000 || b < 0xa000 {
				t.Errorf("held as %d, it lies: %v above, %v below", how, m.At(x, 8), m.At(x, 56))
			}
		}
	}
}
