package alert

import (
	"regexp"
	"strings"
	"unicode"
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
	line := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, b.String())), " ")
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
