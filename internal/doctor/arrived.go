package doctor

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Arrived is a request as the server got it.
type Arrived struct {
	Proto   string            `json:"proto"` // "HTTP/1.1"
	Host    string            `json:"host"`
	Headers map[string]string `json:"headers"` // those of shown, and nothing else
}

// Knows is what the server knows of itself and of who asks.
type Knows struct {
	Version   string `json:"version"`
	Origin    string `json:"origin"`         // of its own page, at the address that was asked for
	TLS       bool   `json:"tls"`            // it speaks TLS itself
	Trusted   bool   `json:"trusted"`        // the request came by a proxy whose word counts
	Announced bool   `json:"proxy_protocol"` // proxies say by the PROXY protocol whom they bring
	Client    string `json:"client"`         // the address that limits count for
	Heartbeat int64  `json:"heartbeat"`      // milliseconds between two pings
	Time      int64  `json:"time"`           // Unix milliseconds
}

// Answer is what the server says to a doctor: as JSON, or as the first message of a
// test socket.
type Answer struct {
	Arrived Arrived `json:"arrived"`
	Knows   Knows   `json:"server"`
	Checks  []Check `json:"checks,omitempty"` // for a page, which says what it sent
}

// shown are the headers whose values a doctor needs. Nothing else is repeated: a
// proxy may add what is not for clients.
var shown = []string{
	"Connection", "Forwarded", "Origin", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol", "Sec-Websocket-Version",
	"Upgrade", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip",
}

// masked are those of which only that they came is told.
var masked = []string{"Authorization", "Cookie", "Proxy-Authorization", "Sec-Websocket-Key"}

// Hidden stands for a value that is not repeated.
const Hidden = "(hidden)"

// maxValue bounds what is repeated of a header, in bytes.
const maxValue = 512

// Arrive notes what of a request may be told to whoever sent it.
func Arrive(r *http.Request) Arrived {
	a := Arrived{Proto: r.Proto, Host: cut(r.Host), Headers: make(map[string]string)}
	for name, values := range r.Header {
		switch {
		case slices.Contains(shown, name):
			a.Headers[name] = cut(strings.Join(values, ", "))
		case slices.Contains(masked, name):
			a.Headers[name] = Hidden
		}
	}
	return a
}

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxValue)], "") }

// upgrades says whether a request has all that makes it a WebSocket.
func (a Arrived) upgrades() bool {
	return strings.EqualFold(a.Headers["Upgrade"], "websocket") && a.has("Connection", "upgrade") &&
		a.Headers["Sec-Websocket-Key"] != "" && a.Headers["Sec-Websocket-Version"] == "13" && a.Proto != "HTTP/1.0"
}

// Upgrades says whether a request can become a WebSocket as it arrived.
func Upgrades(r *http.Request) bool { return Arrive(r).upgrades() }

// has says whether a header that is a list has an entry.
func (a Arrived) has(name, want string) bool {
	for entry := range strings.SplitSeq(a.Headers[name], ",") {
		if strings.EqualFold(strings.TrimSpace(entry), want) {
			return true
		}
	}
	return false
}

// Millis is a time as Knows has it.
func Millis(t time.Time) int64 { return t.UnixMilli() }
