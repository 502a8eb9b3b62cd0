// Package explain says in plain words what passes on a WebSocket connection: each line
// of a handshake, each bit of a frame's header, and what a frame means for the chat.
// It makes texts of records of package tap; nothing in them can act on a terminal.
package explain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns one line of text in which everything can be seen and nothing acts on
// a terminal: control characters, escape sequences, marks that turn the direction
// of writing and bytes that are no text are written as \u{1b} or \x{ff}. A tab is a
// space.
func Clean(line string) string {
	var out strings.Builder
	for i, r := range line {
		switch {
		case r == '\t':
			out.WriteByte(' ')
		case r == utf8.RuneError && !strings.HasPrefix(line[i:], "\ufffd"):
			fmt.Fprintf(&out, "\\x{%02x}", line[i])
		case r == '\u200d': // joins emoji, and does nothing else
			out.WriteRune(r)
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&out, "\\u{%x}", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// lines splits a text and cleans each line of it.
func lines(text string) (all []string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		all = append(all, Clean(strings.TrimSuffix(line, "\r")))
	}
	return all
}

// short returns the beginning of a text as one clean line.
func short(text string) string {
	const most = 60
	runes := []rune(strings.ReplaceAll(text, "\n", " "))
	if len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	return Clean(string(runes))
}

// number writes a count with its noun.
func number[N int | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
