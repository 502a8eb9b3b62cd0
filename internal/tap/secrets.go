package tap

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Hidden stands where a secret was.
const Hidden = "•••"

var (
	secretHeaders = []string{"cookie", "authorization", "set-cookie", "proxy-authorization"}
	secretQueries = []string{"token", "invite", "wire"}

	pairs    = regexp.MustCompile(`([?&;])([^=&;\s#?]*)=([^&;\s#]*)`)
	userInfo = regexp.MustCompile(`(//)[^/\s@?#]*@`)
	tokens   = regexp.MustCompile(`(?is)("token"\s*:\s*")(?:[^"\\]|\\.)*`)
	literals = regexp.MustCompile(`(?s)"(?:[^"\\]|\\.)*(?:"|$)`)
)

// MaskHead returns the head of a request or of an answer without its secrets.
func MaskHead(head string) string {
	var out strings.Builder
	secret := false
	for line := range strings.Lines(head) {
		text := strings.TrimRight(line, "\r\n")
		end := line[len(text):]
		name, _, isField := strings.Cut(text, ":")
		folded := text != "" && (text[0] == ' ' || text[0] == '\t') // it goes on with the field above
		if !folded {
			secret = isField && slices.Contains(secretHeaders, strings.ToLower(strings.TrimSpace(name)))
		}
		switch {
		case secret && folded:
			text = " " + Hidden
		case secret:
			text = name + ": " + Hidden
		default:
			text = MaskURL(text)
		}
		out.WriteString(text + end)
	}
	return out.String()
}

// MaskURL returns a text with addresses in it without their secrets.
func MaskURL(text string) string {
	text = userInfo.ReplaceAllString(text, "${1}"+Hidden+"@")
	return pairs.ReplaceAllStringFunc(text, func(pair string) string {
		name, _, _ := strings.Cut(pair[1:], "=")
		key, err := url.QueryUnescape(name)
		if err != nil || slices.Contains(secretQueries, strings.ToLower(key)) {
			return pair[:1] + name + "=" + Hidden
		}
		return pair
	})
}

// MaskText returns a message without the token of a hello. The names in it may be
// written in any way that JSON knows, and it may be cut off.
func MaskText(text string) string {
	if !strings.Contains(text, `"`) {
		return text
	}
	text = tokens.ReplaceAllString(text, "${1}"+Hidden)
	if !strings.Contains(text, `\u`) {
		return text
	}
	return maskEscaped(text)
}

// maskEscaped hides what follows a name that is token once its escapes are read.
func maskEscaped(text string) string {
	var out strings.Builder
	last, hide := 0, false
	for _, at := range literals.FindAllStringIndex(text, -1) {
		between := strings.TrimSpace(text[last:at[0]])
		out.WriteString(text[last:at[0]])
		literal := text[at[0]:at[1]]
		if hide && between == ":" {
			literal = `"` + Hidden + `"`
		}
		var name string
		hide = json.Unmarshal([]byte(literal), &name) == nil && strings.EqualFold(name, "token")
		out.WriteString(literal)
		last = at[1]
	}
	out.WriteString(text[last:])
	return out.String()
}
