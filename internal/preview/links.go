package preview

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hubbub/internal/chat"
)

var address = regexp.MustCompile(`https?://[^\s<>"` + "`" + `\\^{|}]+`)

// Links returns the first links of a message that are worth following, each once. What
// stands in code is none.
func Links(text string) (links []string) {
	if !strings.Contains(text, "://") {
		return nil
	}
	for _, found := range address.FindAllString(withoutCode(text), 20) {
		link := trim(found)
		if u, err := parse(link); err == nil && u != nil && !slices.Contains(links, link) {
			links = append(links, link)
		}
		if len(links) == chat.MaxPreviews {
			break
		}
	}
	return links
}

// trim takes off what belongs to the sentence around a link, not to the link.
func trim(link string) string {
	for link != "" {
		last := link[len(link)-1]
		switch {
		case strings.IndexByte(`.,;:!?'*_~`, last) >= 0:
		case last == ')' && strings.Count(link, "(") < strings.Count(link, ")"):
		case last == ']' && strings.Count(link, "[") < strings.Count(link, "]"):
		default:
			return link
		}
		link = link[:len(link)-1]
	}
	return link
}

var code = regexp.MustCompile("(?s)```.*?(```|$)|`[^`\n]*`")

func withoutCode(text string) string { return code.ReplaceAllString(text, " ") }

// parse reads an address that may be followed: a page of the web, without a name and a
// password in it, at a host that has a dot in its name. Where that host is, is looked
// at when it is dialled.
func parse(link string) (*url.URL, error) {
	u, err := url.Parse(link)
	if err != nil || len(link) > 2000 {
		return nil, errAddress
	}
	return u, allowed(u)
}

func allowed(u *url.URL) error {
	host := u.Hostname()
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.User != nil, host == "":
		return errAddress
	case !strings.Contains(strings.TrimSuffix(host, "."), ".") && net.ParseIP(host) == nil:
		return errAddress
	}
	return nil
}
