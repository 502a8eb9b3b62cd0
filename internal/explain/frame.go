package explain

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"hubbub/internal/tap"
)

var opcodes = map[byte]string{0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}

// Opcode names an opcode: RFC 6455, section 11.8.
func Opcode(op byte) string {
	if name, ok := opcodes[op]; ok {
		return name
	}
	return fmt.Sprintf("opcode %d", op)
}

var unmasked = map[string]string{
	tap.Client: "not masked, which a client must be",
	tap.Server: "not masked, as a server must not be",
}

// Head lays out a frame's header bit by bit.
func Head(f *tap.Frame) []Note {
	b, err := hex.DecodeString(f.Head)
	if err != nil || len(b) < 2 {
		return nil
	}
	yes := func(set bool, is, isNot string) string {
		if set {
			return is
		}
		return isNot
	}
	all := []Note{
		{fmt.Sprintf("%x....... FIN", b[0]>>7), yes(f.Fin, "the message ends with this frame", "more frames of the message follow")},
		{fmt.Sprintf(".%03b.... RSV", b[0]>>4&7), yes(f.RSV1, "RSV1: the message is compressed (permessage-deflate)", "not compressed")},
		{fmt.Sprintf("....%04b opcode %d", b[0]&15, b[0]&15), Opcode(b[0] & 15)},
		{fmt.Sprintf("%x....... MASK", b[1]>>7), yes(f.Mask != "", "masked, as a client must be, so that no cache takes it for HTTP", unmasked[f.From])},
		{fmt.Sprintf(".%07b length %d", b[1]&127, b[1]&127), length(b)},
	}
	if f.Mask != "" {
		all = append(all, Note{"key " + spaced(f.Mask), "each byte of the payload is XOR one of these, in turn"})
	}
	for i := range all[:3] {
		all[i].Line = fmt.Sprintf("%02x  %s", b[0], all[i].Line)
	}
	for i := 3; i < 5; i++ {
		all[i].Line = fmt.Sprintf("%02x  %s", b[1], all[i].Line)
	}
	return all
}

// length says how the length of a payload is written.
func length(b []byte) string {
	switch n := b[1] & 127; {
	case n == 126 && len(b) >= 4:
		return fmt.Sprintf("the next 2 bytes are the length: %x, %d bytes", b[2:4], binary.BigEndian.Uint16(b[2:]))
	case n == 127 && len(b) >= 10:
		return fmt.Sprintf("the next 8 bytes are the length: %x, %d bytes", b[2:10], binary.BigEndian.Uint64(b[2:]))
	default:
		return number(int(n), "byte") + " of payload"
	}
}

func spaced(hexed string) string {
	var out []string
	for len(hexed) >= 2 {
		out, hexed = append(out, hexed[:2]), hexed[2:]
	}
	return strings.Join(out, " ")
}

// title is the line that says what a frame is.
func title(f *tap.Frame) string {
	parts := []string{fmt.Sprintf("%-12s", Opcode(f.Opcode))}
	for _, flag := range []struct {
		set  bool
		name string
	}{{f.Fin, "FIN"}, {f.RSV1, "RSV1"}, {f.Mask != "", "mask"}} {
		if flag.set {
			parts = append(parts, flag.name)
		}
	}
	size := number(f.Length, "byte")
	if f.Unpacked != nil {
		size += fmt.Sprintf(", unpacked %d", *f.Unpacked)
	}
	return strings.Join(append(parts, "["+spaced(f.Head)+"]", size), " ")
}

// closes names the codes of close frames: RFC 6455, section 7.4.1, and what hubbub adds.
var closes = map[int]string{
	1000: "all is done", 1001: "it goes away: a page was left, or a server ends", 1002: "the other side broke the protocol", 1003: "it takes no such data",
	1007: "the text was no UTF-8", 1008: "the other side broke a rule of this server", 1009: "the message was too big", 1010: "an extension is missing",
	1011: "the server failed", 1012: "the server restarts; come back soon", 1013: "the server has too much to do; come back later",
	4401: "sign in first",
}

// control says what a control frame means.
func control(f *tap.Frame) string {
	payload := []byte{}
	if f.Bytes != nil {
		payload, _ = hex.DecodeString(*f.Bytes)
	}
	text := ""
	if len(payload) > 0 {
		text = fmt.Sprintf(" It carries %q.", Clean(string(payload)))
	}
	switch f.Opcode {
	case 9:
		return "Are you there? A pong with the same payload must follow." + text
	case 10:
		return "I am here: the answer to a ping." + text
	case 8:
		if len(payload) < 2 {
			return "The connection ends, without a reason."
		}
		code := int(binary.BigEndian.Uint16(payload))
		says := fmt.Sprintf("The connection ends: %d", code)
		if meaning := closes[code]; meaning != "" {
			says += ", " + meaning
		}
		if reason := string(payload[2:]); reason != "" {
			says += fmt.Sprintf(" (%s)", Clean(reason))
		}
		return says + "."
	}
	return "No such frame is defined."
}
