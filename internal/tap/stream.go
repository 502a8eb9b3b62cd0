package tap

import (
	"encoding/binary"
	"encoding/hex"
)

// Options say what of the payloads a report shows. Control frames are always
// shown.
type Options struct {
	Text     int  // bytes of a data frame's payload; 0: none
	Whole    bool // a text in several frames is shown with its last, so that no secret is cut in two
	Takeover bool // compressed messages build on one another: RFC 7692, section 7.1.1
}

// Stream takes apart what one side sends. It is not safe for use by several
// goroutines at a time.
type Stream struct {
	from string
	opt  Options

	head [14]byte // of the frame under way: RFC 6455, section 5.2
	have int      // bytes of head
	need int      // of which a header has so many, as far as is known
	left uint64   // bytes of payload to come; in a payload alone
	body bool     // in a payload
	skip int      // bytes to pass over: the rest of a frame that had begun before the report
	lost bool     // what came was no WebSocket; nothing more is taken apart

	frame   *Frame
	payload []byte // of the frame, as far as it is kept
	at      int    // bytes of payload that came

	frames, messages uint64
	open             bool   // a message is under way
	deflated, binary bool   // the message is
	msg              []byte // its payload, where it is wanted whole
	over             bool   // it is too long to be kept
	inflate          inflater
}

// NewStream returns a stream of one side, at the beginning of a frame.
func NewStream(from string, opt Options) Stream {
	return Stream{from: from, opt: opt, need: 2}
}

// maxKept bounds what of a message is kept to show it, in bytes.
const maxKept = 1 << 20

// Skip passes over bytes that belong to a frame whose beginning was not seen.
func (s *Stream) Skip(n int) { s.skip = n }

// Resume says that a message is under way, and what its frames held so far.
func (s *Stream) Resume(payload []byte, deflated bool) {
	s.open, s.deflated, s.messages = true, deflated, 1
	s.keepMessage(payload)
}

// Feed takes bytes that passed and gives a frame to emit when it is complete. It
// keeps nothing of p and does not change it.
func (s *Stream) Feed(p []byte, emit func(*Frame)) {
	n := min(s.skip, len(p))
	s.skip -= n
	p = p[n:]
	for !s.lost && (len(p) > 0 || s.body && s.left == 0) {
		if !s.body {
			p = s.header(p)
			continue
		}
		n := int(min(s.left, uint64(len(p))))
		s.take(p[:n])
		p = p[n:]
		if s.left -= uint64(n); s.left > 0 {
			return
		}
		s.finish()
		emit(s.frame)
		s.frame, s.payload, s.at, s.body = nil, nil, 0, false
		s.have, s.need = 0, 2
	}
}

// header takes bytes of a header and returns those behind it.
func (s *Stream) header(p []byte) []byte {
	n := copy(s.head[s.have:s.need], p)
	s.have += n
	p = p[n:]
	if s.have == s.need && s.need == 2 {
		s.need += headerRest(s.head[1])
	}
	if s.have == s.need {
		s.begin()
	}
	return p
}

// headerRest returns how many bytes of a header follow the first two.
func headerRest(second byte) (n int) {
	switch second & 0x7f {
	case 126:
		n = 2
	case 127:
		n = 8
	}
	if second&0x80 != 0 {
		n += 4
	}
	return n
}

// begin makes the frame of a header that is complete.
func (s *Stream) begin() {
	h := s.head[:s.have]
	f := &Frame{From: s.from, Fin: h[0]&0x80 != 0, RSV1: h[0]&0x40 != 0, Opcode: h[0] & 0x0f, Head: hex.EncodeToString(h), limit: s.opt.Text}
	switch length := h[1] & 0x7f; length {
	case 126:
		f.Length = uint64(binary.BigEndian.Uint16(h[2:]))
	case 127:
		f.Length = binary.BigEndian.Uint64(h[2:])
	default:
		f.Length = uint64(length)
	}
	if h[1]&0x80 != 0 {
		f.Mask = hex.EncodeToString(h[len(h)-4:])
	}
	s.frames++
	f.N = s.frames
	s.frame, s.left, s.body = f, f.Length, true
	if f.Length>>63 != 0 { // RFC 6455, section 5.2: the highest bit must be 0
		s.lost = true
	}
	if f.control() {
		return
	}
	if f.Opcode != 0 || !s.open {
		s.open, s.deflated, s.binary, s.over = true, f.RSV1, f.Opcode == 2, false
		s.msg = nil
		s.messages++
	}
	f.Message, f.binary = s.messages, s.binary
}

func (f *Frame) control() bool { return f.Opcode >= 8 }

// maxControl is how long a control frame may be: RFC 6455, section 5.5.
const maxControl = 125

// wanted is how many bytes of the frame's payload are of use.
func (s *Stream) wanted() int {
	switch {
	case s.frame.control():
		return maxControl
	case s.deflated:
		return maxKept
	}
	return min(s.opt.Text+1, maxKept) // one more says that there is more
}

// take keeps what is wanted of the payload, unmasked.
func (s *Stream) take(p []byte) {
	if room := s.wanted() - len(s.payload); room > 0 {
		kept := p[:min(room, len(p))]
		from := len(s.payload)
		s.payload = append(s.payload, kept...)
		if s.frame.Mask != "" {
			mask := s.head[s.have-4 : s.have]
			for i := from; i < len(s.payload); i++ {
				s.payload[i] ^= mask[i%4]
			}
		}
	}
	s.at += len(p)
}

func (s *Stream) keepMessage(p []byte) {
	if s.over = s.over || len(s.msg)+len(p) > maxKept; s.over {
		s.msg = nil
		return
	}
	s.msg = append(s.msg, p...)
}

// finish completes the frame with its payload.
func (s *Stream) finish() {
	f := s.frame
	if f.control() {
		text := hex.EncodeToString(s.payload)
		f.Bytes, f.Cut = &text, f.Length > maxControl
		return
	}
	if s.at > len(s.payload) && s.deflated {
		s.over = true
	}
	switch {
	case s.deflated:
		s.keepMessage(s.payload)
		if f.Fin {
			s.unpack()
		}
	case s.opt.Whole && s.opt.Text > 0 && !s.binary:
		s.keepMessage(s.payload)
		if f.Fin {
			f.show(s.msg)
			f.Cut = f.Cut || s.over
		}
	default:
		f.show(s.payload)
	}
	if f.Fin {
		s.open, s.msg = false, nil
	}
}

// unpack shows a compressed message with its last frame: at once if the next one
// builds on it, else when the record is read.
func (s *Stream) unpack() {
	f := s.frame
	switch {
	case s.over:
		f.Cut = s.opt.Text > 0
		s.inflate.broken = true
	case s.opt.Takeover:
		if text, err := s.inflate.message(s.msg); err == nil {
			n := len(text)
			f.Unpacked = &n
			f.show(text)
		}
	default:
		f.packed = append([]byte{}, s.msg...)
	}
}
