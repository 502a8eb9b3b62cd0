package wire

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// Messages of hubbub.v1 may be deflated: RFC 7692, permessage-deflate without
// context takeover, so that an event is compressed once for all its readers.

// minDeflated is from how many bytes on a message is compressed. Below it a
// deflated event is hardly shorter: a window that begins anew finds nothing to
// repeat.
const minDeflated = 512

// ErrInflated is returned by Inflate for a message over the limit.
var ErrInflated = errors.New("the message is too long once it is unpacked")

// emptyBlock ends a flushed stream; the message goes without it. RFC 7692,
// section 7.2.1.
const emptyBlock = "\x00\x00\xff\xff"

type deflater struct {
	to bytes.Buffer
	w  *flate.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.w, _ = flate.NewWriter(&d.to, flate.BestSpeed) // fails only for a level that does not exist
	return d
}}

// AppendDeflated is AppendFrame for a client that takes compressed messages. A
// short one, or one that would not be shorter, is not compressed.
func AppendDeflated(dst []byte, frame any) []byte {
	payload := Encode(frame)
	if len(payload) < minDeflated {
		return AppendText(dst, payload)
	}
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	d.to.Reset()
	d.w.Reset(&d.to)
	d.w.Write(payload) // a buffer takes everything
	d.w.Flush()
	packed := bytes.TrimSuffix(d.to.Bytes(), []byte(emptyBlock))
	if len(packed) >= len(payload) {
		return AppendText(dst, payload)
	}
	at := len(dst)
	dst = AppendText(dst, packed)
	dst[at] |= 0x40 // RSV1
	return dst
}

type inflater struct {
	from bytes.Buffer
	r    io.ReadCloser
}

var inflaters = sync.Pool{New: func() any {
	i := new(inflater)
	i.r = flate.NewReader(&i.from)
	return i
}}

// Inflate unpacks a message of at most limit bytes.
func Inflate(packed []byte, limit int) ([]byte, error) {
	i := inflaters.Get().(*inflater)
	defer inflaters.Put(i)
	i.from.Reset()
	i.from.Write(packed)
	i.from.WriteString(emptyBlock + "\x01\x00\x00\xff\xff") // and a last block, so that the reader ends
	i.r.(flate.Resetter).Reset(&i.from, nil)
	text, err := io.ReadAll(io.LimitReader(i.r, int64(limit)+1))
	if err == nil && len(text) > limit {
		err = ErrInflated
	}
	return text, err
}
