package tap

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"strings"
)

// inflater unpacks the messages of one side. Used again it remembers what it has
// unpacked, as a side does that takes its context over.
type inflater struct {
	r      io.ReadCloser
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
	in := io.MultiReader(bytes.NewReader(packed), strings.NewReader(blockEnd))
	if i.r == nil {
		i.r = flate.NewReader(in)
	} else if err := i.r.(flate.Resetter).Reset(in, i.window); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(i.r, MaxUnpacked+1))
	if err != nil || len(text) > MaxUnpacked {
		i.broken = true
		return nil, errBroken
	}
	if keep := max(0, maxWindow-len(text)); len(i.window) > keep {
		i.window = i.window[:copy(i.window, i.window[len(i.window)-keep:])]
	}
	i.window = append(i.window, text[max(0, len(text)-maxWindow):]...)
	return text, nil
}
