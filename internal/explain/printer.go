package explain

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hubbub/internal/tap"
)

// Printer writes records for people. It is for one goroutine.
type Printer struct {
	Bits bool // lay out the header of each frame

	// Zone is the place whose time is shown; nil: UTC.
	Zone  *time.Location
	conns map[uint64]*seenConn
}

// seenConn is what is known of a connection.
type seenConn struct {
	dialect string
	chat    chat
}

// Know says which dialect a connection speaks whose handshake was not seen.
func (p *Printer) Know(conn uint64, dialect string) { p.conn(conn).dialect = dialect }

func (p *Printer) conn(n uint64) *seenConn {
	if p.conns == nil {
		p.conns = make(map[uint64]*seenConn)
	}
	if p.conns[n] == nil {
		p.conns[n] = new(seenConn)
	}
	return p.conns[n]
}

// Print returns the lines for a record, each with its end; "" for a record that says
// nothing to people.
func (p *Printer) Print(rec tap.Record) string {
	rec = rec.Ready()
	var all []string
	switch {
	case rec.Kind == tap.KindHandshake && rec.Handshake != nil:
		p.Know(rec.Conn, rec.Dialect)
		all = append([]string{fmt.Sprintf("%s  connection %d, from %s", p.clock(rec.At), rec.Conn, Clean(rec.Remote))}, handshake(rec.Handshake)...)
	case rec.Kind == tap.KindFrame && rec.Frame != nil:
		all = p.frame(rec)
	case rec.Kind == tap.KindEnd:
		delete(p.conns, rec.Conn)
		all = []string{fmt.Sprintf("%s  connection %d has ended", p.clock(rec.At), rec.Conn)}
	case rec.Kind == tap.KindSkipped:
		all = []string{fmt.Sprintf("… %s not shown: they came faster than they could be written", number(rec.Count, "record"))}
	default:
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}

func (p *Printer) clock(ms float64) string {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	return time.UnixMicro(int64(ms * 1000)).In(zone).Format("15:04:05.000")
}

func (p *Printer) frame(rec tap.Record) []string {
	f, arrow := rec.Frame, "→"
	if f.From == tap.Server {
		arrow = "←"
	}
	all := []string{fmt.Sprintf("%s %d %s %s", p.clock(rec.At), rec.Conn, arrow, title(f))}
	if p.Bits {
		for _, n := range Head(f) {
			all = append(all, fmt.Sprintf("      %-30s %s", n.Line, n.Means))
		}
	}
	if f.Opcode >= 8 {
		return append(all, "    "+control(f))
	}
	for _, line := range payload(f) {
		all = append(all, "      "+line)
	}
	if words := p.words(rec); words != "" {
		all = append(all, "    "+words)
	}
	return all
}

// words says what a data frame means.
func (p *Printer) words(rec tap.Record) string {
	f := rec.Frame
	switch c := p.conn(rec.Conn); {
	case !f.Fin:
		return "a part of a message; the rest follows"
	case f.Text == nil:
		return ""
	case c.dialect == "hubbub.v1":
		return c.chat.words(f.From, *f.Text)
	case c.dialect == "plain" && f.From == tap.Client:
		return "a message for the room: everybody else there gets the same text"
	case c.dialect == "plain":
		return "a message that somebody else sent to the room"
	}
	return ""
}

// maxDump is how many bytes are written in hex.
const maxDump = 256

// flat says whether a text may be an object or a list, and not one that is so deep that
// indents would be most of it.
func flat(text string) bool {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return false
	}
	const most = 40
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[':
			if depth++; depth > most {
				return false
			}
		case '}', ']':
			depth = max(0, depth-1)
		}
	}
	return true
}

// payload writes what a data frame carries: JSON with indents, other text as it is,
// bytes in hex.
func payload(f *tap.Frame) (all []string) {
	switch {
	case f.Text != nil:
		text := *f.Text
		var pretty bytes.Buffer
		if t := strings.TrimSpace(text); flat(t) && json.Indent(&pretty, []byte(t), "", "  ") == nil {
			text = pretty.String()
		}
		if text != "" {
			all = lines(text)
		}
	case f.Bytes != nil:
		b, _ := hex.DecodeString(*f.Bytes)
		all = lines(hex.Dump(b[:min(len(b), maxDump)]))
		if len(b) > maxDump {
			return append(all, "…")
		}
	}
	if f.Cut {
		all = append(all, "…")
	}
	return all
}
