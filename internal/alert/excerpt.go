package alert

import (
	"regexp"
	"strings"
	"unicode"

	"hubbub/internal/chat"
)

const (
	maxExcerpt = 200  // characters of a message in an alert
	looked     = 2000 // bytes of it that are looked at
)

// The parts of Markdown that would be in the way in a line of plain text. A parser
// would be right more often, in cases that nobody sees in an alert.
var (
	fenceMark = regexp.MustCompile("(?m)^\\s*(```+|~~~+).*$")
	lineMark  = regexp.MustCompile(`(?m)^\s*(#{1,6}\s|>\s?|[-*+]\s)+`)
	linkMark  = regexp.MustCompile(`!?\[([^\[\]]*)\]\(([^()\s]*)\)`)
	angleMark = regexp.MustCompile(`<((?:https?://|mailto:)[^<>\s]*)>`)
)

// marks are taken away around words, outside of code and addresses.
var marks = regexp.MustCompile(`(^|[\s(])(\*\*|__|~~|\*|_)+([^\s*_~](?:[^*_~]*[^\s*_~])?)(\*\*|__|~~|\*|_)+`)

// Excerpt returns the beginning of a message in one line of plain text.
func Excerpt(text string) string {
	if len(text) > looked {
		text = strings.ToValidUTF8(text[:looked], "")
	}
	text = fenceMark.ReplaceAllString(text, "")
	text = lineMark.ReplaceAllString(text, "")
	text = linkMark.ReplaceAllString(text, "$1")
	text = angleMark.ReplaceAllString(text, "$1")
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 0 {
			part = unescape(marks.ReplaceAllString(part, "$1$3"))
		}
		b.WriteString(part)
	}
	return oneLine(b.String())
}

// about says what a message is: how it begins, or else what its files are called.
func about(e chat.Event) string {
	if e.Body != "" || len(e.Files) == 0 {
		return Excerpt(e.Body)
	}
	names := make([]string, 0, len(e.Files))
	for _, f := range e.Files {
		names = append(names, f.Name)
	}
	return oneLine(strings.Join(names, ", "))
}

// oneLine returns the beginning of a text without what can not be seen.
func oneLine(text string) string {
	line := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)), " ")
	if runes := []rune(line); len(runes) > maxExcerpt {
		line = string(runes[:maxExcerpt-1]) + "…"
	}
	return line
}

// unescape takes away the backslash before what it escapes.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] < 0x80 && (unicode.IsPunct(rune(s[i+1])) || unicode.IsSymbol(rune(s[i+1]))) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
