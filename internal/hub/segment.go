package hub

import (
	"slices"
	"sort"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// Dialect is how a reader wants its frames.
type Dialect uint8

// The dialects. Their values index a room's tails.
const (
	Plain      Dialect = iota // only the text of new messages, and not one's own
	V1                        // every event, as JSON
	V1Deflated                // the same, compressed
	dialects
)

// segment is a run of consecutive events of one room as finished WebSocket
// frames of one dialect, one after the other. An event that a dialect does not
// show has an empty frame. Only the end of a segment is ever written; what a
// reader has seen of it never changes.
type segment struct {
	dialect Dialect
	first   chat.Seq      // the event of the first frame
	buf     []byte        // the frames
	ends    []uint32      // ends[i]: where the frame of event first+i ends in buf
	authors []chat.UserID // Plain only: who wrote event first+i
}

// last returns the last event of the segment; first-1 if it is empty.
func (s *segment) last() chat.Seq { return s.first + chat.Seq(len(s.ends)) - 1 }

// append adds the next event.
func (s *segment) append(e chat.Event) {
	s.buf = appendFrame(s.buf, s.dialect, e)
	s.ends = append(s.ends, uint32(len(s.buf)))
	if s.dialect == Plain {
		s.authors = append(s.authors, e.Author)
	}
}

func appendFrame(dst []byte, d Dialect, e chat.Event) []byte {
	switch {
	case d == V1:
		return wire.AppendFrame(dst, wire.EventFrame(e))
	case d == V1Deflated:
		return wire.AppendDeflated(dst, wire.EventFrame(e))
	case e.Kind == chat.KindMessage && !e.Deleted:
		return wire.AppendText(dst, plainText(e))
	}
	return dst
}

// plainText is what plain text shows of a message: files by their names.
func plainText(e chat.Event) string {
	if len(e.Files) == 0 {
		return e.Body
	}
	text := e.Body
	for _, f := range e.Files {
		if text != "" {
			text += "\n"
		}
		text += "[" + f.Name + "]"
	}
	return text
}

// start returns where the frame of event first+i starts in buf.
func (s *segment) start(i int) int {
	if i == 0 {
		return 0
	}
	return int(s.ends[i-1])
}

// from returns the longest run of frames behind the event after that lie
// together: all that the segment has up to last, or up to the next event of self.
// Events of self at the beginning are passed over. after must be in first-1..last-1.
func (s *segment) from(after, last chat.Seq, self chat.UserID) Chunk {
	i, n := int(after+1-s.first), min(len(s.ends), int(last+1-s.first))
	if self == "" || s.dialect != Plain {
		return Chunk{seg: s, first: i, last: n - 1}
	}
	for i < n && s.authors[i] == self {
		i++
	}
	if i == n {
		return Chunk{seg: s, first: n, last: n - 1}
	}
	own := slices.Index(s.authors[i:n], self)
	if own < 0 {
		own = n - i
	}
	return Chunk{seg: s, first: i, last: i + own - 1}
}

// Chunk is a run of finished frames for one reader. It stays valid for ever.
type Chunk struct {
	seg         *segment
	first, last int // indexes into seg.ends; last < first: no frames
}

// Bytes returns the frames, which must not be changed. They may be empty,
// which still moves the cursor.
func (c Chunk) Bytes() []byte {
	if c.last < c.first {
		return nil
	}
	return c.seg.buf[c.seg.start(c.first):c.seg.ends[c.last]]
}

// split says where a cursor stands after n bytes of the chunk were written, and
// what is left of the frame that was begun. If less than everything was
// written, a frame counts as begun even at n = 0 of it, so that rest is never
// empty.
func (c Chunk) split(n int) (seq chat.Seq, rest []byte) {
	if n == len(c.Bytes()) {
		return c.seg.first + chat.Seq(c.last), nil
	}
	at := uint32(c.seg.start(c.first) + n)
	i := sort.Search(len(c.seg.ends), func(i int) bool { return c.seg.ends[i] > at })
	return c.seg.first + chat.Seq(i), c.seg.buf[at:c.seg.ends[i]]
}
