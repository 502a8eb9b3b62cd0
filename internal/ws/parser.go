package ws

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"hubbub/internal/wire"
)

// closeError ends a connection with a close code: RFC 6455, section 7.4.1.
type closeError struct {
	code   ws.StatusCode
	reason string
}

func (e *closeError) Error() string { return fmt.Sprintf("close %d: %s", e.code, e.reason) }

// Close codes that the library does not name: 1012 is in IANA's registry, 4401
// is for a hubbub.v1 client without an identity.
const (
	closeRestart ws.StatusCode = 1012
	closeSignIn  ws.StatusCode = 4401
)

// parser takes apart the bytes that a client sends: RFC 6455, section 5. It
// holds no more than one message and one frame, each within limit, and trusts
// no length before the bytes are there.
type parser struct {
	limit     int32  // bytes of a message
	fragments int32  // of a message so far; 0: no message is under way
	deflate   bool   // messages may be compressed: RFC 7692
	deflated  bool   // the message under way is
	in        []byte // the beginning of a frame that is not complete
	msg       []byte // the fragments of a message so far
}

// maxFragments bounds what an endless chain of empty fragments may cost.
const maxFragments = 1024

// feed takes the bytes that came next and calls handle for each complete
// message and control frame. The payload is valid until handle returns. feed
// changes data, and returns what the frames cost beyond their bytes, in bytes. An
// error ends the connection; a *closeError says how.
func (p *parser) feed(data []byte, handle func(ws.OpCode, []byte) error) (cost int, err error) {
	if len(p.in) > 0 {
		p.in = append(p.in, data...)
		data = p.in
	}
	for {
		h, n, err := parseHeader(data)
		if err != nil {
			return cost, err
		}
		if n > 0 {
			if err := p.check(&h); err != nil {
				return cost, err
			}
		}
		if n == 0 || int64(len(data)-n) < h.Length {
			break
		}
		payload := data[n : n+int(h.Length)]
		data = data[n+int(h.Length):]
		ws.Cipher(payload, h.Mask, 0)
		cost += framePrice
		unpacked, err := p.frame(h, payload, handle)
		cost += unpacked
		if err != nil {
			return cost, err
		}
	}
	p.keep(data)
	return cost, nil
}

// keep saves the beginning of a frame until the rest comes, and holds no memory
// when there is none.
func (p *parser) keep(data []byte) {
	if len(data) == 0 {
		p.in = nil
		return
	}
	p.in = append(p.in[:0], data...)
}

// check refuses a frame by its header alone, before its payload arrives.
func (p *parser) check(h *ws.Header) error {
	if p.deflate && p.fragments == 0 && h.OpCode == ws.OpText {
		if p.deflated = h.Rsv1(); p.deflated {
			h.Rsv &^= 4 // RSV1 has a meaning here, and no other place
		}
	}
	state := ws.StateServerSide
	if p.fragments > 0 {
		state = state.Set(ws.StateFragmented)
	}
	if err := ws.CheckHeader(*h, state); err != nil {
		return &closeError{ws.StatusProtocolError, err.Error()}
	}
	switch {
	case h.OpCode == ws.OpBinary:
		return &closeError{ws.StatusUnsupportedData, "text messages only"}
	case h.OpCode.IsControl():
		return nil
	case h.Length > int64(int(p.limit)-len(p.msg)):
		return p.tooBig()
	case p.fragments >= maxFragments:
		return &closeError{ws.StatusMessageTooBig, fmt.Sprintf("a message has at most %d fragments", maxFragments)}
	}
	return nil
}

func (p *parser) tooBig() error {
	return &closeError{ws.StatusMessageTooBig, fmt.Sprintf("a message has at most %d bytes", p.limit)}
}

// frame takes one complete, unmasked frame, and returns how many bytes it had to
// unpack.
func (p *parser) frame(h ws.Header, payload []byte, handle func(ws.OpCode, []byte) error) (unpacked int, err error) {
	if h.OpCode.IsControl() {
		return 0, handle(h.OpCode, payload)
	}
	if !h.Fin || p.fragments > 0 {
		p.msg = append(p.msg, payload...)
		p.fragments++
		if !h.Fin {
			return 0, nil
		}
		payload = p.msg
		p.msg, p.fragments = nil, 0
	}
	if p.deflated {
		payload, err = wire.Inflate(payload, int(p.limit))
		unpacked = len(payload)
		switch {
		case errors.Is(err, wire.ErrInflated):
			return unpacked, p.tooBig()
		case err != nil:
			return unpacked, &closeError{ws.StatusInvalidFramePayloadData, "the message can not be unpacked"}
		}
	}
	if !utf8.Valid(payload) {
		return unpacked, &closeError{ws.StatusInvalidFramePayloadData, "the text is not UTF-8"}
	}
	return unpacked, handle(ws.OpText, payload)
}

// parseHeader reads a frame's header from the beginning of b. n is its length;
// 0: b does not hold all of it yet.
func parseHeader(b []byte) (h ws.Header, n int, err error) {
	if len(b) < 2 {
		return h, 0, nil
	}
	h.Fin = b[0]&0x80 != 0
	h.Rsv = b[0] >> 4 & 7
	h.OpCode = ws.OpCode(b[0] & 0x0f)
	h.Masked = b[1]&0x80 != 0
	length, n := b[1]&0x7f, 2
	switch {
	case length < 126:
		h.Length = int64(length)
	case length == 126 && len(b) >= 4:
		h.Length, n = int64(binary.BigEndian.Uint16(b[2:])), 4
	case length == 127 && len(b) >= 10:
		if b[2]&0x80 != 0 {
			return h, 0, &closeError{ws.StatusProtocolError, "the length has its highest bit set"}
		}
		h.Length, n = int64(binary.BigEndian.Uint64(b[2:])), 10
	default:
		return h, 0, nil
	}
	if !h.Masked {
		return h, n, nil // check refuses it
	}
	if len(b) < n+4 {
		return h, 0, nil
	}
	copy(h.Mask[:], b[n:])
	return h, n + 4, nil
}

// checkClose returns how to answer a client's close frame: with its own code,
// or with the protocol error that it makes.
func checkClose(payload []byte) *closeError {
	if len(payload) == 0 {
		return &closeError{code: 0}
	}
	if len(payload) == 1 {
		return &closeError{ws.StatusProtocolError, "a close frame has no body or a code"}
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if err := ws.CheckCloseFrameData(code, reason); err != nil {
		return &closeError{ws.StatusProtocolError, err.Error()}
	}
	if code > 4999 { // the library lets these pass; RFC 6455, section 7.4.2
		return &closeError{ws.StatusProtocolError, "status code is out of range"}
	}
	return &closeError{code: code}
}

// appendControl appends an unmasked control frame. payload is at most 125 bytes.
func appendControl(dst []byte, op ws.OpCode, payload []byte) []byte {
	dst = append(dst, 0x80|byte(op), byte(len(payload)))
	return append(dst, payload...)
}

// appendClose appends the close frame for e.
func appendClose(dst []byte, e *closeError) []byte {
	if e.code == 0 {
		return appendControl(dst, ws.OpClose, nil)
	}
	reason := e.reason[:min(len(e.reason), ws.MaxControlFramePayloadSize-2)]
	return appendControl(dst, ws.OpClose, ws.NewCloseFrameBody(e.code, reason))
}
