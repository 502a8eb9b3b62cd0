package gate

import (
	"bytes"
	"context"
	"image"
	"io"

	"golang.org/x/image/draw"

	"hubbub/internal/chat"
	"hubbub/internal/picture"
)

// A picture is made anew from the pixels of what was sent, so that nothing else
// of it is kept: no place, no script, no second file.
const (
	MaxPicture  = 8 << 20 // bytes sent
	maxPixels   = picture.MaxPixels
	pictureSize = 256 // of the square that is kept
)

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
	end, err := picture.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
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
	data, kind, err = picture.Encode(picture.Turn(small, picture.Orientation(sent)))
	return kind, data, err
}
