package gate

import (
	"bytes"
	"context"
	"image"
	_ "image/gif" // decoders of what people have
	"image/jpeg"
	"image/png"
	"io"
	"time"

	"github.com/bep/imagemeta"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"hubbub/internal/chat"
)

// A picture is made anew from the pixels of what was sent, so that nothing else
// of it is kept: no place, no script, no second file.
const (
	MaxPicture    = 8 << 20    // bytes sent
	maxPixels     = 40_000_000 // 160 MB unpacked
	pictureSize   = 256        // of the square that is kept
	jpegQuality   = 86
	maxPictures   = 1 // at a time
	pictureOpaque = "image/jpeg"
	pictureClear  = "image/png"
)

var picturing = make(chan struct{}, maxPictures)

// SetPicture gives somebody a picture: the middle square of an image in PNG, JPEG,
// GIF or WebP. It returns the picture's name.
func (g *Gate) SetPicture(ctx context.Context, id chat.UserID, r io.Reader) (string, error) {
	if err := g.limits.pictures.take(string(id)); err != nil {
		return "", err
	}
	sent, err := io.ReadAll(io.LimitReader(r, MaxPicture+1))
	switch {
	case err != nil:
		return "", err
	case len(sent) > MaxPicture:
		return "", chat.Errorf(chat.CodeTooLong, "a picture has at most %d MB", MaxPicture>>20)
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(sent))
	switch {
	case err != nil || size.Width < 1 || size.Height < 1:
		return "", chat.Errorf(chat.CodeBadPicture, "a picture is PNG, JPEG, GIF or WebP")
	case size.Width > maxPixels/size.Height:
		return "", chat.Errorf(chat.CodeBadPicture, "that picture has too many pixels")
	}
	select {
	case picturing <- struct{}{}:
		defer func() { <-picturing }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	kind, data, err := shrink(sent)
	if err != nil {
		return "", chat.Errorf(chat.CodeBadPicture, "that picture can not be read")
	}
	return g.Accounts.SetPicture(ctx, id, kind, data)
}

// RemovePicture takes somebody's picture away.
func (g *Gate) RemovePicture(ctx context.Context, id chat.UserID) error {
	_, err := g.Accounts.SetPicture(ctx, id, "", nil)
	return err
}

func shrink(sent []byte) (kind string, data []byte, err error) {
	full, _, err := image.Decode(bytes.NewReader(sent))
	if err != nil {
		return "", nil, err
	}
	b := full.Bounds()
	side := min(b.Dx(), b.Dy())
	at := image.Pt(b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2)
	small := image.NewRGBA(image.Rect(0, 0, min(side, pictureSize), min(side, pictureSize)))
	draw.CatmullRom.Scale(small, small.Bounds(), full, image.Rectangle{at, at.Add(image.Pt(side, side))}, draw.Src, nil)
	turn(small, orientation(sent))
	var out bytes.Buffer
	if small.Opaque() {
		err = jpeg.Encode(&out, small, &jpeg.Options{Quality: jpegQuality})
		return pictureOpaque, out.Bytes(), err
	}
	err = png.Encode(&out, small)
	return pictureClear, out.Bytes(), err
}

// orientation is how a camera was held: 1 to 8, as EXIF has it. What it says is read
// before it is dropped with everything else.
func orientation(sent []byte) (how uint16) {
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(sent), ImageFormat: imagemeta.JPEG, Sources: imagemeta.EXIF, Timeout: time.Second,
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

// turn turns and mirrors a square so that it stands upright.
func turn(m *image.RGBA, how uint16) {
	n := m.Rect.Dx() - 1
	from := func(x, y int) (int, int) { return x, y }
	switch how {
	case 2:
		from = func(x, y int) (int, int) { return n - x, y }
	case 3:
		from = func(x, y int) (int, int) { return n - x, n - y }
	case 4:
		from = func(x, y int) (int, int) { return x, n - y }
	case 5:
		from = func(x, y int) (int, int) { return y, x }
	case 6:
		from = func(x, y int) (int, int) { return y, n - x }
	case 7:
		from = func(x, y int) (int, int) { return n - y, n - x }
	case 8:
		from = func(x, y int) (int, int) { return n - y, x }
	default:
		return
	}
	old := &image.RGBA{Pix: bytes.Clone(m.Pix), Stride: m.Stride, Rect: m.Rect}
	for y := 0; y <= n; y++ {
		for x := 0; x <= n; x++ {
			m.SetRGBA(x, y, old.RGBAAt(from(x, y)))
		}
	}
}
