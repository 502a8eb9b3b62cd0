package tap

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
)

// inflater unpacks the messages of one side. Used again it remembers what it has
// unpacked, as a side does that takes its context over.
type inflater struct {
	window []byte // the last bytes that were unpacked
	broken bool   // something is missing; what builds on it can not be unpacked
}

// maxWindow is how far back DEFLATE looks, in bytes: RFC 1951, section 2.
const maxWindow = 32 << 10

// blockEnd is what a flushed stream goes without, and a last block, so that the
// reader ends: RFC 7692, section 7.2.2.
const blockEnd = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

var errBroken = errors.New("the message can not be unpacked")

// message unpacks one message.
func (i *inflater) message(packed []byte) ([]byte, error) {
	if i.broken {
		return nil, errBroken
	}
	r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(packed), bytes.NewReader([]byte(blockEnd))), i.window)
	text, err := io.ReadAll(io.LimitReader(r, MaxUnpacked+1))
	if err == nil && len(text) > MaxUnpacked {
		err = errBroken
	}
	if err != nil {
		i.broken = true
		return nil, errBroken
	}
	i.window = append(i.window, text...)
	i.window = bytes.Clone(i.window[max(0, len(i.window)-maxWindow):])
	return text, nil
}
