package search

import (
	"hubbub/internal/chat"
	"net/url"
	"path"
	"strings"
)

// This file says what of a message goes into the index.

// textOf is what a message is found by: what it says, and behind that what its files are
// called.
func textOf(e chat.Event) string {
	text := e.Body
	for _, f := range e.Files {
		text += "\n" + f.Name
	}
	return text
}

// flagsOf says what a message is like.
func flagsOf(e chat.Event) (f Flags) {
	for _, held := range e.Files {
		if f |= hasFile; strings.HasPrefix(held.Type, "image/") {
			f |= hasImage
		}
	}
	if e.Pinned {
		f |= isPinned
	}
	if e.Thread > 0 {
		f |= isThread
	}
	rest := e.Body
	for {
		i := strings.Index(rest, "://")
		if i < 0 {
			return f
		}
		before := strings.ToLower(rest[max(0, i-5):i])
		rest = rest[i+3:]
		if !strings.HasSuffix(before, "http") && !strings.HasSuffix(before, "https") {
			continue
		}
		f |= hasLink
		end := strings.IndexFunc(rest, func(r rune) bool { return isSpace(r) || strings.ContainsRune("<>()[]\"'`", r) })
		if end < 0 {
			end = len(rest)
		}
		f |= linked(rest[:end])
	}
}

var images = map[string]bool{".png": true, ".jpg": true, ".jpeg": true, ".gif": true, ".webp": true, ".avif": true, ".svg": true, ".heic": true}

// linked says what a link leads to, as far as its end tells.
func linked(link string) Flags {
	u, err := url.Parse("https://" + link)
	if err != nil {
		return 0
	}
	switch ext := strings.ToLower(path.Ext(strings.TrimRight(u.Path, ".,;:!?"))); {
	case images[ext]:
		return hasFile | hasImage
	case len(ext) >= 3 && len(ext) <= 5 && ext != ".html" && ext != ".htm" && ext != ".php" && ext != ".asp" && ext != ".aspx":
		return hasFile
	}
	return 0
}
