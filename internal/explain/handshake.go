package explain

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"

	"hubbub/internal/tap"
)

// Note is a line of what passed, and what it means; no meaning: "".
type Note struct{ Line, Means string }

// magic is what the accept key is made with: RFC 6455, section 1.3.
const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Accept returns the answer that a key wants.
func Accept(key string) string {
	sum := sha1.Sum([]byte(key + magic))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// requests says what the lines of a request mean, by their names in small letters.
var requests = map[string]string{
	"host":                     "which server is meant; several may share an address",
	"upgrade":                  "asks to speak WebSocket from here on, instead of HTTP",
	"connection":               "Upgrade is for this one connection, and for no proxy to keep to itself",
	"sec-websocket-key":        "16 random bytes in base64: no secret; the answer proves that the server has read them as a WebSocket's",
	"sec-websocket-version":    "13 is WebSocket as RFC 6455 has it, the only one in use",
	"sec-websocket-protocol":   "languages that the client speaks over the socket; the server chooses one",
	"sec-websocket-extensions": "what the client can do beyond the standard; permessage-deflate compresses messages",
	"origin":                   "the page that opens the socket, as the browser says; the server refuses foreign ones",
	"cookie":                   "who asks; hidden here",
	"authorization":            "who asks; hidden here",
	"user-agent":               "which program asks",
	"pragma":                   "no cache is to answer",
	"cache-control":            "no cache is to answer",
	"accept-encoding":          "of HTTP answers; it has nothing to do with the socket",
	"accept-language":          "of HTTP answers; it has nothing to do with the socket",
}

var answers = map[string]string{
	"upgrade":                  "from here on it is WebSocket",
	"connection":               "for this one connection",
	"sec-websocket-protocol":   "the language that the server chose",
	"sec-websocket-extensions": "what both will do; with no_context_takeover each message is compressed by itself",
	"set-cookie":               "to remember who asks; hidden here",
	"content-type":             "what the answer is",
	"content-length":           "how long it is, in bytes",
	"date":                     "when it was sent",
	"server":                   "which program answers",
	"retry-after":              "when to ask again, in seconds",
}

// Request says what each line of a request means.
func Request(head string) []Note { return notes(head, requests, requestLine) }

// Response says what each line of an answer means; the request is the one it answers.
func Response(head, request string) []Note {
	key := field(request, "Sec-WebSocket-Key")
	all := notes(head, answers, statusLine)
	for i, n := range all {
		name, value, _ := strings.Cut(n.Line, ":")
		if strings.EqualFold(name, "Sec-WebSocket-Accept") {
			all[i].Means = accepted(Clean(key), strings.TrimSpace(value))
		}
	}
	return all
}

func accepted(key, got string) string {
	verdict := "as it must be"
	if want := Accept(key); got != want {
		verdict = "which is not what is sent: it should be " + want
	}
	return fmt.Sprintf("base64(SHA-1(%q + %q)), %s", key, magic, verdict)
}

func notes(head string, meanings map[string]string, first func(string) string) (all []Note) {
	for i, line := range lines(strings.TrimRight(head, "\r\n")) {
		name, _, _ := strings.Cut(line, ":")
		means := meanings[strings.ToLower(strings.TrimSpace(name))]
		if i == 0 {
			means = first(line)
		}
		all = append(all, Note{line, means})
	}
	return all
}

func requestLine(line string) string {
	words := strings.Fields(line)
	if len(words) != 3 {
		return "this is no request of HTTP"
	}
	return fmt.Sprintf("a WebSocket begins as an HTTP request, here for %s", words[1])
}

func statusLine(line string) string {
	words := strings.SplitN(line, " ", 3)
	switch {
	case len(words) < 2:
		return "this is no answer of HTTP"
	case words[1] == "101":
		return "the server agrees: what follows is frames, both ways, until one side closes"
	}
	return "the server refuses, or this is no WebSocket: it stays HTTP"
}

// field returns the value of a line of a head.
func field(head, name string) string {
	for line := range strings.Lines(head) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// handshake writes a handshake for people.
func handshake(h *tap.Handshake) (all []string) {
	side := func(arrow string, notes []Note) {
		for _, n := range notes {
			all = append(all, "  "+arrow+" "+n.Line)
			if n.Means != "" {
				all = append(all, "      "+n.Means)
			}
		}
	}
	side("→", Request(h.Request))
	if !h.Exact {
		all = append(all, "      (built again from what the HTTP library kept)")
	}
	side("←", Response(h.Response, h.Request))
	return all
}
