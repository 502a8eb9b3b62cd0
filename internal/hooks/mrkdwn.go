package hooks

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// renderer turns Slack's way to write into Markdown. What means nothing to Slack and
// something in Markdown is escaped, so that it reads as it was meant.
type renderer struct {
	name func(id string) (string, bool) // of a person here
}

// entities are all that Slack has.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// mrkdwn turns a text of Slack's into Markdown.
func (r renderer) mrkdwn(s string) string {
	s = strings.ReplaceAll(strings.TrimRight(head(s), " \t\r\n"), "\r\n", "\n")
	var b strings.Builder
	for i, part := range strings.Split(s, "```") {
		if i%2 == 0 {
			b.WriteString(r.lines(part))
			continue
		}
		if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
			b.WriteByte('\n')
		}
		b.WriteString(fence(r.plain(part)) + "\n")
	}
	return strings.TrimRight(b.String(), " \t\n")
}

// head is as much of a text as is looked at.
func head(s string) string {
	if len(s) > maxRead {
		s = strings.ToValidUTF8(s[:maxRead], "")
	}
	return s
}

// fence shows a text as it is.
func fence(s string) string {
	s = strings.Trim(s, "\n")
	marks := "```"
	for strings.Contains(s, marks) {
		marks += "`"
	}
	return marks + "\n" + s + "\n" + marks
}

// lines turns what stands outside of code.
func (r renderer) lines(s string) string {
	if s == "" {
		return ""
	}
	var out []string
	quoted, rest := false, false // the line before was a quote; so are all that follow
	for line := range strings.SplitSeq(s, "\n") {
		bare, is := cutQuote(line)
		if r3, ok := strings.CutPrefix(entities.Replace(line), ">>>"); ok {
			bare, is, rest = r3, true, true
		} else if rest {
			bare, is = line, true
		}
		switch {
		case is:
			out = append(out, "> "+r.inline(strings.TrimSpace(bare), ""))
		case quoted && strings.TrimSpace(line) != "": // else it would belong to the quote
			out = append(out, "", r.line(line))
		default:
			out = append(out, r.line(line))
		}
		quoted = is
	}
	return strings.Join(out, "\n")
}

func cutQuote(line string) (bare string, ok bool) {
	for _, mark := range []string{"&gt;", ">"} {
		if bare, ok := strings.CutPrefix(line, mark); ok {
			return bare, true
		}
	}
	return line, false
}

// line turns one line, with what would make it something else at its beginning.
func (r renderer) line(s string) string {
	bare := strings.TrimLeft(s, " ")
	switch {
	case strings.HasPrefix(bare, "• "):
		return "- " + r.inline(bare[len("• "):], "")
	case strings.HasPrefix(bare, "#"):
		if rest := strings.TrimLeft(bare, "#"); rest == "" || rest[0] == ' ' {
			return `\` + r.inline(bare, "")
		}
	case bare != "" && (strings.Trim(bare, "- ") == "" || strings.Trim(bare, "= ") == ""):
		return `\` + bare // under a line of text it would make that a heading
	}
	return r.inline(s, "")
}

// inline turns a part of a line; within says which marks are open around it.
func (r renderer) inline(s, within string) string {
	var b strings.Builder
	none := ""                          // marks that nothing closes any more
	links := strings.LastIndex(s, "](") // before it, a bracket could begin a link
	links = max(links, strings.LastIndex(s, "]:"), strings.LastIndex(s, "]["))
	for i := 0; i < len(s); {
		c, rest := s[i], s[i:]
		switch {
		case c == '`':
			if end := strings.IndexByte(rest[1:], '`'); end > 0 {
				b.WriteString("`" + r.plain(rest[1:1+end]) + "`")
				i += end + 2
				continue
			}
			b.WriteString("\\`")
		case c == '<':
			if end := strings.IndexByte(rest, '>'); end > 1 && !strings.ContainsAny(rest[1:end], "< ") || end > 1 && strings.Contains(rest[:end], "|") && !strings.Contains(rest[1:end], "<") {
				b.WriteString(r.angle(rest[1:end]))
				i += end + 1
				continue
			}
			b.WriteString(`\<`)
		case (c == 'h' || c == 'H') && !wordBefore(s, i) && isWeb(rest):
			n := strings.IndexAny(rest, " \t<>|`")
			if n < 0 {
				n = len(rest)
			}
			b.WriteString(entities.Replace(rest[:n]))
			i += n
			continue
		case c == '&':
			n := 1
			for _, e := range []string{"&amp;", "&lt;", "&gt;"} {
				if strings.HasPrefix(rest, e) {
					n = len(e)
				}
			}
			b.WriteString(escapeAll(entities.Replace(rest[:n]), rest[n:]))
			i += n
			continue
		case c == '*' || c == '_' || c == '~':
			if !strings.ContainsRune(within+none, rune(c)) && opens(s, i) {
				if end := closing(s, i); end > 0 {
					mark := map[byte]string{'*': "**", '_': "_", '~': "~~"}[c]
					b.WriteString(mark + r.inline(s[i+1:end], within+string(c)) + mark)
					i = end + 1
					continue
				}
				none += string(c)
			}
			b.WriteString(escapeMark(s, i))
		case c == '[' && i < links:
			b.WriteString(`\[`)
		case c == '\\':
			b.WriteString(`\\`)
		default:
			_, n := utf8.DecodeRuneInString(rest)
			b.WriteString(rest[:n])
			i += n
			continue
		}
		i++
	}
	return b.String()
}

func isWeb(s string) bool {
	return len(s) > 8 && (strings.EqualFold(s[:7], "http://") || strings.EqualFold(s[:8], "https://"))
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func wordBefore(s string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(s[:i])
	return i > 0 && isWord(r)
}

func wordAfter(s string, i int) bool {
	r, _ := utf8.DecodeRuneInString(s[i+1:])
	return i+1 < len(s) && isWord(r)
}

// opens: whether a mark may begin something: no word before it, and something behind.
func opens(s string, i int) bool {
	return !wordBefore(s, i) && i+1 < len(s) && s[i+1] != ' ' && s[i+1] != s[i] && (i == 0 || s[i-1] != s[i])
}

// closing finds what closes the mark at i, or 0.
func closing(s string, i int) int {
	for j := i + 2; j < len(s); j++ {
		if s[j] == s[i] && s[j-1] != ' ' && s[j-1] != s[i] && !wordAfter(s, j) && (j+1 == len(s) || s[j+1] != s[i]) {
			return j
		}
	}
	return 0
}

// escapeMark writes a mark that marks nothing.
func escapeMark(s string, i int) string {
	c := s[i : i+1]
	twice := i > 0 && s[i-1] == s[i] || i+1 < len(s) && s[i+1] == s[i]
	switch {
	case c == "_" && wordBefore(s, i) && wordAfter(s, i), c == "~" && !twice:
		return c
	}
	return `\` + c
}

// literal turns a text that Slack does not format. Its lines become one.
func (r renderer) literal(s string) string {
	return strings.TrimSpace(r.escape(strings.Join(strings.Fields(r.plain(head(s))), " ")))
}

// escape writes a text so that Markdown shows it as it is.
func (r renderer) escape(s string) string {
	var b strings.Builder
	for i, c := range s {
		if c == '#' && i == 0 || c == '>' && i == 0 {
			b.WriteByte('\\')
		}
		if c == '_' && wordBefore(s, i) && wordAfter(s, i) {
			b.WriteByte('_')
			continue
		}
		b.WriteString(escapeAll(string(c), s[i+utf8.RuneLen(c):]))
	}
	return b.String()
}

// escapeAll escapes one character, before what follows it.
func escapeAll(c, rest string) string {
	rest = rest[:min(len(rest), 32)] // enough for what matters, whatever follows
	switch c {
	case "*", "_", "[", "]", "`", `\`, "~":
		return `\` + c
	case "<":
		if next, _ := utf8.DecodeRuneInString(rest); isWord(next) || next == '/' || next == '!' {
			return `\<`
		}
	case "&":
		if end := strings.IndexByte(rest, ';'); end > 0 && !strings.ContainsFunc(rest[:end], func(r rune) bool { return !isWord(r) && r != '#' }) {
			return `\&` // Markdown would take it for an entity
		}
	}
	return c
}

// plain is a text without what stands between angle brackets, for code.
func (r renderer) plain(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "<")
		b.WriteString(before)
		if !ok {
			break
		}
		inner, after, ok := strings.Cut(rest, ">")
		if target, label, both := strings.Cut(inner, "|"); ok && !strings.ContainsAny(inner, "<\n") && (both || isWeb(target)) {
			if both {
				target = label
			}
			b.WriteString(target)
		} else if ok {
			b.WriteString("<" + inner + ">")
		} else {
			b.WriteString("<" + rest)
			break
		}
		s = after
	}
	return entities.Replace(b.String())
}

// angle turns what stands between angle brackets: a link, somebody, everybody.
func (r renderer) angle(inner string) string {
	target, label, _ := strings.Cut(inner, "|")
	label = r.escape(entities.Replace(label))
	switch {
	case target == "!here":
		return "@here"
	case target == "!channel", target == "!everyone":
		return "@channel"
	case strings.HasPrefix(target, "!"):
		if label == "" {
			label = r.escape(target[1:])
		}
		return label
	case strings.HasPrefix(target, "@"):
		if name, ok := r.name(target[1:]); ok {
			return "@" + name
		}
		if label == "" {
			label = r.escape(target[1:])
		}
		return "@" + strings.TrimPrefix(label, "@")
	case strings.HasPrefix(target, "#"):
		if label == "" {
			label = r.escape(target[1:])
		}
		return "#" + strings.TrimPrefix(label, "#")
	}
	if !leads(target) {
		return r.escape("<" + entities.Replace(inner) + ">")
	}
	if label == "" {
		return "<" + address(target) + ">"
	}
	return r.link(label, target)
}

// leads: whether a link may lead there. The page has the same list.
func leads(target string) bool {
	u, err := url.Parse(entities.Replace(target))
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto":
		return u.Opaque != ""
	}
	return false
}

var inAddress = strings.NewReplacer(" ", "%20", "<", "%3C", ">", "%3E", "(", "%28", ")", "%29", "`", "%60", `\`, "%5C", `"`, "%22", "*", "%2A", "\n", "", "\r", "")

func address(target string) string { return inAddress.Replace(entities.Replace(target)) }

// link writes a link, or only its label where it may not lead.
func (r renderer) link(label, target string) string {
	switch {
	case label == "" || target == "":
		return label
	case !leads(target):
		return label + " (" + r.escape(entities.Replace(head(target))) + ")"
	}
	return "[" + label + "](" + address(target) + ")"
}
