package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Types of pictures that browsers show and we can take apart.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	GIF  = "image/gif"
	WebP = "image/webp"
)

// ErrDamaged is the answer about a picture whose parts can not be told from each
// other, so that nobody knows what it says beside the pixels.
var ErrDamaged = errors.New("the picture is damaged")

// maxScans bounds what a small JPEG can have a decoder do; encoders write about ten.
const maxScans = 100

// Cut takes everything out of a picture that is not needed to show it: place, time,
// camera, comments, small pictures of what it was before it was cropped, and whatever
// hangs behind its end. The pixels stay as they are, and so does how a JPEG is turned.
func Cut(kind string, in []byte) ([]byte, error) {
	switch kind {
	case JPEG:
		return cutJPEG(in)
	case PNG:
		return cutPNG(in)
	case GIF:
		return cutGIF(in)
	case WebP:
		return cutWebP(in)
	}
	return nil, ErrDamaged
}

// cutJPEG keeps what is on a list: tables, frames, scans, and three kinds of APP.
func cutJPEG(in []byte) ([]byte, error) {
	if !bytes.HasPrefix(in, []byte{0xff, 0xd8}) {
		return nil, ErrDamaged
	}
	out := append(make([]byte, 0, len(in)+len(turned)), 0xff, 0xd8)
	how, told, scans := Orientation(in), false, 0
	for i := 2; ; {
		for i+1 < len(in) && in[i] == 0xff && in[i+1] == 0xff {
			i++ // filling
		}
		if i+1 >= len(in) && scans > 0 { // cut off: browsers show what there is
			return append(out, 0xff, 0xd9), nil
		}
		if i+1 >= len(in) || in[i] != 0xff {
			return nil, ErrDamaged
		}
		marker := in[i+1]
		switch {
		case marker == 0xd9 && scans > 0:
			return append(out, 0xff, 0xd9), nil
		case marker == 0xd9, marker == 0xd8, marker == 0:
			return nil, ErrDamaged
		case marker == 0x01, 0xd0 <= marker && marker <= 0xd7:
			i += 2
			continue
		}
		if i+4 > len(in) {
			return nil, ErrDamaged
		}
		n := int(binary.BigEndian.Uint16(in[i+2:]))
		if n < 2 || i+2+n > len(in) {
			return nil, ErrDamaged
		}
		if marker != 0xe0 && !told {
			out, told = appendOrientation(out, how), true
		}
		out = append(out, segment(marker, in[i:i+2+n])...)
		i += 2 + n
		if marker == 0xda {
			if scans++; scans > maxScans {
				return nil, ErrDamaged
			}
			end := i + scanned(in[i:])
			out = append(out, in[i:end]...)
			i = end
		}
	}
}

// scanned returns how long the pixels are that follow the beginning of a scan.
func scanned(in []byte) int {
	for i := 0; i+1 < len(in); i++ {
		if in[i] == 0xff && in[i+1] != 0 && in[i+1] != 0xff && (in[i+1] < 0xd0 || in[i+1] > 0xd7) {
			return i
		}
	}
	return len(in)
}

// segment returns what is kept of a part of a JPEG.
func segment(marker byte, part []byte) []byte {
	body := part[4:]
	switch {
	case marker == 0xe0 && bytes.HasPrefix(body, []byte("JFIF\x00")) && len(body) >= 14:
		kept := bytes.Clone(part[:18]) // without its small picture
		kept[2], kept[3], kept[16], kept[17] = 0, 16, 0, 0
		return kept
	case marker == 0xe2 && bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")), marker == 0xee && bytes.HasPrefix(body, []byte("Adobe")):
		return part
	case 0xe0 <= marker && marker <= 0xef, marker >= 0xf0, marker < 0xc0:
		return nil
	}
	return part
}

// turned is an EXIF block that says nothing but how the picture is turned.
var turned = []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")

const turnedAt = 29 // of the value in turned

func appendOrientation(out []byte, how uint16) []byte {
	if how < 2 || how > 8 {
		return out
	}
	out = append(out, turned...)
	out[len(out)-len(turned)+turnedAt] = byte(how)
	return out
}

var keptPNG = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true, "gAMA": true, "cHRM": true, "sRGB": true, "iCCP": true, "cICP": true,
	"sBIT": true, "bKGD": true, "pHYs": true, "acTL": true, "fcTL": true, "fdAT": true,
}

const signaturePNG = "\x89PNG\r\n\x1a\n"

func cutPNG(in []byte) ([]byte, error) {
	if !bytes.HasPrefix(in, []byte(signaturePNG)) {
		return nil, ErrDamaged
	}
	out := append(make([]byte, 0, len(in)), signaturePNG...)
	for i := len(signaturePNG); i+12 <= len(in); {
		n := int(binary.BigEndian.Uint32(in[i:]))
		if n > len(in)-i-12 {
			return nil, ErrDamaged
		}
		name := string(in[i+4 : i+8])
		if keptPNG[name] {
			out = append(out, in[i:i+12+n]...)
		}
		if name == "IEND" {
			return out, nil
		}
		i += 12 + n
	}
	return nil, ErrDamaged
}

func cutGIF(in []byte) ([]byte, error) {
	if !bytes.HasPrefix(in, []byte("GIF8")) || len(in) < 13 {
		return nil, ErrDamaged
	}
	i := 13 + colours(in[10])
	if i > len(in) {
		return nil, ErrDamaged
	}
	out, frames := append(make([]byte, 0, len(in)), in[:i]...), 0
	for i < len(in) && in[i] != 0x3b {
		from, head := i, 0
		keep := true
		switch {
		case in[i] == 0x21 && i+2 < len(in):
			head = 2
			app := in[i+2:]
			keep = in[i+1] == 0xf9 || in[i+1] == 0xff && (bytes.HasPrefix(app, []byte("\x0bNETSCAPE2.0")) || bytes.HasPrefix(app, []byte("\x0bANIMEXTS1.0")))
		case in[i] == 0x2c && i+10 < len(in):
			head = 10 + colours(in[i+9]) + 1
			frames++
		default:
			return nil, ErrDamaged
		}
		for i += head; ; {
			if i >= len(in) {
				return nil, ErrDamaged
			}
			n := int(in[i])
			if i += 1 + n; n == 0 {
				break
			}
		}
		if i > len(in) {
			return nil, ErrDamaged
		}
		if keep {
			out = append(out, in[from:i]...)
		}
	}
	if frames == 0 {
		return nil, ErrDamaged
	}
	return append(out, 0x3b), nil
}

// colours returns the bytes of the table of colours that a GIF's flags announce.
func colours(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

func cutWebP(in []byte) ([]byte, error) {
	body, err := bodyWebP(in)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(in)), "RIFF\x00\x00\x00\x00WEBP"...)
	err = chunks(body, func(name string, data []byte) error {
		switch name {
		case "VP8 ", "VP8L", "ALPH", "ANIM", "ICCP":
			out = appendChunk(out, name, data)
		case "VP8X":
			if len(data) != 10 {
				return ErrDamaged
			}
			data = bytes.Clone(data)
			data[0] &^= 0x04 | 0x08 // there is no XMP and no EXIF
			out = appendChunk(out, name, data)
		case "ANMF":
			if len(data) < 16 {
				return ErrDamaged
			}
			frame := bytes.Clone(data[:16])
			err := chunks(data[16:], func(name string, data []byte) error {
				if name == "VP8 " || name == "VP8L" || name == "ALPH" {
					frame = appendChunk(frame, name, data)
				}
				return nil
			})
			out = appendChunk(out, name, frame)
			return err
		}
		return nil
	})
	if err != nil || len(out) == 12 {
		return nil, ErrDamaged
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, nil
}

// bodyWebP returns the chunks of a WebP file.
func bodyWebP(in []byte) ([]byte, error) {
	if len(in) < 12 || string(in[:4]) != "RIFF" || string(in[8:12]) != "WEBP" {
		return nil, ErrDamaged
	}
	n := int(binary.LittleEndian.Uint32(in[4:]))
	if n < 4 || n > len(in)-8 {
		return nil, ErrDamaged
	}
	return in[12 : 8+n], nil
}

// chunks calls f for each part of a RIFF file.
func chunks(in []byte, f func(name string, data []byte) error) error {
	for len(in) > 0 {
		if len(in) < 8 {
			return ErrDamaged
		}
		n := int(binary.LittleEndian.Uint32(in[4:]))
		if n > len(in)-8 {
			return ErrDamaged
		}
		if err := f(string(in[:4]), in[8:8+n]); err != nil {
			return err
		}
		in = in[min(len(in), 8+n+n%2):]
	}
	return nil
}

func appendChunk(out []byte, name string, data []byte) []byte {
	out = append(out, name...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(data)))
	out = append(out, data...)
	if len(data)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// still returns the first frame of a WebP as a file of its own, because the library
// does not know that there can be more; anything else as it is.
func still(in []byte) []byte {
	body, err := bodyWebP(in)
	if err != nil {
		return in
	}
	var frame []byte
	chunks(body, func(name string, data []byte) error {
		if name != "ANMF" || len(data) < 16 {
			return nil
		}
		frame = data
		return ErrDamaged // one is enough
	})
	if frame == nil {
		return in
	}
	head := make([]byte, 10)
	copy(head[4:], frame[6:12]) // its size, as a picture's is written
	var rest []byte
	chunks(frame[16:], func(name string, data []byte) error {
		if name == "ALPH" {
			head[0] |= 0x10
		}
		rest = appendChunk(rest, name, data)
		return nil
	})
	out := append(appendChunk([]byte("RIFF\x00\x00\x00\x00WEBP"), "VP8X", head), rest...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}
