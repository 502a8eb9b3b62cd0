package preview

import (
	"io"
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"hubbub/internal/chat"
)

const (
	maxTitle       = 200 // characters
	maxDescription = 300
	maxSite        = 60
)

// readHead reads what a page says of itself, and the address of its picture. It goes no
// further than the head, and nothing of the page is kept but plain text.
func readHead(r io.Reader, contentType string, base *url.URL) (p chat.Preview, image string) {
	r, err := charset.NewReader(r, contentType)
	if err != nil {
		return p, ""
	}
	said := map[string]string{}
	z := html.NewTokenizer(r)
	z.SetMaxBuf(64 << 10)
scan:
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			break scan
		case html.EndTagToken:
			if name, _ := z.TagName(); atom.Lookup(name) == atom.Head {
				break scan
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch atom.Lookup(name) {
			case atom.Body:
				break scan
			case atom.Title:
				if z.Next() == html.TextToken {
					note(said, "title", string(z.Text()))
				}
			case atom.Meta:
				noteMeta(said, z)
			}
		}
	}
	p.Title = clean(first(said, "og:title", "twitter:title", "title"), maxTitle)
	p.Description = clean(first(said, "og:description", "twitter:description", "description"), maxDescription)
	p.Site = clean(first(said, "og:site_name", "application-name"), maxSite)
	if at := first(said, "og:image:secure_url", "og:image", "og:image:url", "twitter:image"); at != "" {
		if u, err := base.Parse(at); err == nil && allowed(u) == nil && len(at) < 2000 {
			image = u.String()
		}
	}
	return p, image
}

func noteMeta(said map[string]string, z *html.Tokenizer) {
	var name, content string
	for {
		key, value, more := z.TagAttr()
		switch string(key) {
		case "property", "name":
			name = strings.ToLower(string(value))
		case "content":
			content = string(value)
		}
		if !more {
			break
		}
	}
	note(said, name, content)
}

// note keeps what was said first, if it can be of use.
func note(said map[string]string, name, text string) {
	if _, ok := said[name]; ok || len(said) > 100 || strings.TrimSpace(text) == "" {
		return
	}
	said[name] = html.UnescapeString(text)
}

func first(said map[string]string, names ...string) string {
	for _, name := range names {
		if said[name] != "" {
			return said[name]
		}
	}
	return ""
}

// clean makes one line of a text, without what can not be seen or turns its direction.
func clean(text string, most int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.C, r) && r != '\u200d', r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = strings.TrimSpace(string(runes[:most-1])) + "…"
	}
	return text
}
