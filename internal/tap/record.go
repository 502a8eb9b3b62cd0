// Package tap takes apart the bytes that pass on a WebSocket connection and
// reports them: which frames they are, bit by bit, and who sent them. It holds no
// connection and changes no byte; it is given what was read and what was written.
// docs/wire-view.md lists the records.
package tap

import (
	"encoding/hex"
	"encoding/json"
	"time"
	"unicode/utf8"
)

// The sides of a connection.
const (
	Client = "client"
	Server = "server"
)

// The kinds of a record.
const (
	KindHandshake = "handshake"
	KindFrame     = "frame"
	KindEnd       = "end"
	KindSkipped   = "skipped"
	KindBeat      = "beat"
)

// Record is one line of a report.
type Record struct {
	Conn uint64  `json:"conn,omitempty"`
	At   float64 `json:"at,omitempty"` // Unix milliseconds
	Kind string  `json:"kind"`
	*Handshake
	*Frame
	Count int `json:"count,omitempty"` // of records that were skipped
}

// Handshake is how a connection began, as its bytes were, without secrets.
type Handshake struct {
	Dialect  string `json:"dialect"`
	Request  string `json:"request"`
	Response string `json:"response"`
	Exact    bool   `json:"exact"` // the request is as it came, and not built again
	Remote   string `json:"remote"`
}

// Frame is one frame: RFC 6455, section 5.2.
type Frame struct {
	From     string  `json:"from"`
	N        uint64  `json:"n"`                 // in its direction, from 1
	Message  uint64  `json:"message,omitempty"` // of which it is a part, in its direction, from 1
	Fin      bool    `json:"fin"`
	RSV1     bool    `json:"rsv1"`
	Opcode   byte    `json:"opcode"`
	Head     string  `json:"head"` // its bytes in hex
	Mask     string  `json:"mask,omitempty"`
	Length   uint64  `json:"length"`             // bytes of payload on the wire
	Unpacked *int    `json:"unpacked,omitempty"` // bytes of the message, on the last frame of a compressed one
	Text     *string `json:"text,omitempty"`
	Bytes    *string `json:"bytes,omitempty"` // hex
	Cut      bool    `json:"cut,omitempty"`   // there is more

	packed []byte // a whole compressed message, for whoever reads the record to unpack
	binary bool   // the message is
	limit  int    // bytes to show of it; 0: nothing
}

// MaxUnpacked bounds what a message is unpacked to, in bytes.
const MaxUnpacked = 4 << 20

// Millis returns a moment as records have it.
func Millis(t time.Time) float64 { return float64(t.UnixMicro()) / 1000 }

// Line returns the record as a line of JSON. It does the work that the
// connection was spared.
func (r Record) Line() []byte {
	r.Frame = r.Frame.unpack()
	line, err := json.Marshal(r)
	if err != nil { // records hold nothing that could not be written
		return nil
	}
	return append(line, '\n')
}

// Ready returns the record with its compressed message unpacked.
func (r Record) Ready() Record {
	r.Frame = r.Frame.unpack()
	return r
}

func (f *Frame) unpack() *Frame {
	if f == nil || f.packed == nil {
		return f
	}
	done := *f
	done.packed = nil
	var i inflater
	if text, err := i.message(f.packed); err == nil {
		n := len(text)
		done.Unpacked = &n
		done.show(text)
	}
	return &done
}

// show puts a payload into the record, without secrets, and cut to the limit.
func (f *Frame) show(payload []byte) {
	if f.limit == 0 {
		return
	}
	if len(payload) > f.limit {
		f.Cut = true
		payload = payload[:f.limit]
		if !f.binary {
			payload = wholeRunes(payload)
		}
	}
	if f.binary || !utf8.Valid(payload) {
		text := hex.EncodeToString(payload)
		f.Bytes = &text
		return
	}
	text := MaskText(string(payload))
	f.Text = &text
}

// wholeRunes drops the beginning of a rune from the end of a text.
func wholeRunes(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if r := b[len(b)-i]; utf8.RuneStart(r) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// size is about how many bytes the record takes.
func (r *Record) size() int {
	n := 256
	if f := r.Frame; f != nil {
		n += len(f.packed) + len(f.Head) + len(f.Mask)
		if f.Text != nil {
			n += len(*f.Text)
		}
		if f.Bytes != nil {
			n += len(*f.Bytes)
		}
	}
	if h := r.Handshake; h != nil {
		n += len(h.Request) + len(h.Response)
	}
	return n
}
