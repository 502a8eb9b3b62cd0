// Package picture looks at pictures that somebody sent: how large they are, what they
// look like small, and what they say that is not for others. It decodes nothing before
// it knows how much memory that takes.
package picture

import (
	"bytes"
	"context"
	"image"
	"image/color"
	_ "image/gif" // decoders of what people have
	"image/jpeg"
	"image/png"
	"time"

	"github.com/bep/imagemeta"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

// Limits of what is decoded.
const (
	MaxPixels   = 40_000_000  // decoded: 160 MB
	MaxShown    = 250_000_000 // a camera's largest, which browsers may show and we do not touch
	jpegQuality = 84
)

var decoding = make(chan struct{}, 1)

// Begin waits until nobody else decodes a picture: one at a time, so that memory has a
// bound. The caller calls end.
func Begin(ctx context.Context) (end func(), err error) {
	select {
	case decoding <- struct{}{}:
		return func() { <-decoding }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Info is what a picture's head says. Width and height are as it is shown, turned.
type Info struct {
	Width, Height int
	Decodable     bool // small enough to be decoded
}

// Look reads a picture's head.
func Look(data []byte) (i Info, err error) {
	whole, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || whole.Width < 1 || whole.Height < 1 {
		return i, ErrDamaged
	}
	first, _, err := image.DecodeConfig(bytes.NewReader(still(data)))
	if err != nil {
		return i, ErrDamaged
	}
	i = Info{whole.Width, whole.Height, pixels(whole) <= MaxPixels && pixels(first) <= MaxPixels}
	if Orientation(data) >= 5 {
		i.Width, i.Height = i.Height, i.Width
	}
	return i, nil
}

// Pixels returns how many there are.
func (i Info) Pixels() int64 { return int64(i.Width) * int64(i.Height) }

// pixels counts those of 16 bits twice.
func pixels(c image.Config) int64 {
	n := int64(c.Width) * int64(c.Height)
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		return 2 * n
	}
	return n
}

// Small makes a small picture of one: its first frame, turned as it is to be shown,
// without anything that it says of itself. Look has said that it can be decoded.
func Small(ctx context.Context, data []byte, side int) (small []byte, kind string, size image.Point, err error) {
	end, err := Begin(ctx)
	if err != nil {
		return nil, "", size, err
	}
	defer end()
	full, _, err := image.Decode(bytes.NewReader(still(data)))
	if err != nil {
		return nil, "", size, ErrDamaged
	}
	b := full.Bounds()
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, w*side/long), max(1, h*side/long)
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(m, m.Bounds(), full, b, draw.Src, nil)
	m = Turn(m, Orientation(data))
	small, kind, err = Encode(m)
	return small, kind, m.Bounds().Size(), err
}

// Encode writes a picture as JPEG, or as PNG if one can see through it.
func Encode(m *image.RGBA) ([]byte, string, error) {
	var out bytes.Buffer
	if m.Opaque() {
		err := jpeg.Encode(&out, m, &jpeg.Options{Quality: jpegQuality})
		return out.Bytes(), JPEG, err
	}
	err := png.Encode(&out, m)
	return out.Bytes(), PNG, err
}

// Orientation is how a camera was held: 1 to 8, as EXIF has it.
func Orientation(data []byte) (how uint16) {
	if !bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		return 1
	}
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: imagemeta.JPEG, Sources: imagemeta.EXIF, Timeout: time.Second,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool { return tag.Tag == "Orientation" },
		HandleTag: func(tag imagemeta.TagInfo) error {
			if v, ok := tag.Value.(uint16); ok && tag.Namespace == "IFD0" {
				how = v
			}
			return nil
		},
	})
	if err != nil {
		return 1
	}
	return how
}

// Turn turns and mirrors a picture so that it stands upright.
func Turn(m *image.RGBA, how uint16) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	var from func(x, y int) (int, int)
	switch how {
	case 2:
		from = func(x, y int) (int, int) { return w - 1 - x, y }
	case 3:
		from = func(x, y int) (int, int) { return w - 1 - x, h - 1 - y }
	case 4:
		from = func(x, y int) (int, int) { return x, h - 1 - y }
	case 5:
		from = func(x, y int) (int, int) { return y, x }
	case 6:
		from = func(x, y int) (int, int) { return y, h - 1 - x }
	case 7:
		from = func(x, y int) (int, int) { return w - 1 - y, h - 1 - x }
	case 8:
		from = func(x, y int) (int, int) { return w - 1 - y, x }
	default:
		return m
	}
	size := image.Rect(0, 0, w, h)
	if how >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.SetRGBA(x, y, m.RGBAAt(from(x, y)))
		}
	}
	return out
}
