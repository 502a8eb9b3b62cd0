package doctor

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Sent is how a request left the client.
type Sent struct {
	URL     *url.URL // of the place: scheme and host
	Socket  bool     // it was to become a WebSocket
	Origin  bool     // it had an Origin: that of URL
	Proxied bool     // an answer showed that a proxy stands between
}

// Origin is an address as browsers write an origin: without the port that goes
// without saying.
func Origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}

// Examine compares what was sent with what arrived and with what the server knows.
// Each check of the result is about the way to the server and about nothing else.
func Examine(s Sent, a Arrived, k Knows) []Check {
	checks := []Check{httpVersion(a), host(s, a)}
	checks = append(checks, origin(s, a, k), scheme(s, a, k), forwarded(s, a, k))
	if s.Socket {
		checks = append(checks, upgrade(a), extensions(a))
	}
	return checks
}

func httpVersion(a Arrived) Check {
	with := Values{"version": a.Proto}
	if a.Proto == "HTTP/1.0" || a.Proto == "HTTP/0.9" {
		return fault(CheckHTTP, OldHTTP, with)
	}
	return ok(CheckHTTP, HTTPGood, with)
}

// sameHost says whether a Host header is an address's. Proxies that drop the port do
// no harm.
func sameHost(u *url.URL, got string) bool {
	name, port := got, ""
	if h, p, err := net.SplitHostPort(got); err == nil {
		name, port = h, p
	}
	if !strings.EqualFold(strings.Trim(name, "[]"), u.Hostname()) {
		return false
	}
	want := u.Port()
	if want == "" {
		want = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return port == "" || port == want
}

func host(s Sent, a Arrived) Check {
	with := Values{"host": s.URL.Host, "got": a.Host}
	if !sameHost(s.URL, a.Host) {
		return fault(CheckHost, HostReplaced, with)
	}
	return ok(CheckHost, HostGood, with)
}

// RefusedHost is the check of the Host where the server refused the request for it,
// and said which one it got.
func RefusedHost(u *url.URL, got string) Check {
	with := Values{"host": u.Host, "got": got, "origin": Origin(u)}
	if !sameHost(u, got) {
		return fault(CheckHost, HostReplaced, with)
	}
	return fault(CheckHost, HostUnknown, with)
}

func origin(s Sent, a Arrived, k Knows) Check {
	want := Origin(s.URL)
	with := Values{"origin": want, "got": a.Headers["Origin"], "expected": k.Origin}
	switch {
	case !sameHost(s.URL, a.Host):
		return untested(CheckOrigin, AfterHost, nil)
	case s.Origin && a.Headers["Origin"] == "":
		return fault(CheckOrigin, OriginRemoved, with)
	case s.Origin && a.Headers["Origin"] != want:
		return fault(CheckOrigin, OriginReplaced, with)
	case k.Origin != want && strings.HasPrefix(k.Origin, s.URL.Scheme+":"): // else it is the scheme's fault
		return fault(CheckOrigin, OriginUnknown, with)
	case !s.Origin && a.Headers["Origin"] == "":
		return untested(CheckOrigin, NotSent, nil)
	}
	return ok(CheckOrigin, OriginGood, with)
}

func scheme(s Sent, a Arrived, k Knows) Check {
	with := Values{"scheme": s.URL.Scheme, "origin": Origin(s.URL), "expected": k.Origin}
	switch {
	case !sameHost(s.URL, a.Host):
		return untested(CheckScheme, AfterHost, nil)
	case !strings.HasPrefix(k.Origin, s.URL.Scheme+":"):
		return fault(CheckScheme, SchemeUnknown, with)
	}
	return ok(CheckScheme, SchemeGood, with)
}

// traces are headers that a proxy adds.
var traces = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// proxied says whether a proxy stands between, as far as can be told.
func proxied(s Sent, a Arrived, k Knows) bool {
	for _, name := range traces {
		if a.Headers[name] != "" {
			return true
		}
	}
	return s.Proxied || k.Trusted || s.URL.Scheme == "https" && !k.TLS || a.Proto == "HTTP/1.0" || s.Socket && !a.upgrades()
}

func forwarded(s Sent, a Arrived, k Knows) Check {
	with := Values{"client": k.Client, "origin": Origin(s.URL)}
	switch {
	case k.Announced:
		return ok(CheckForwarded, ForwardedAnnounced, with)
	case !proxied(s, a, k):
		return ok(CheckForwarded, NoProxy, with)
	case a.Headers["X-Forwarded-For"] == "":
		return fault(CheckForwarded, ForwardedMissing, with)
	case !k.Trusted:
		return fault(CheckForwarded, ForwardedUntrusted, with)
	}
	return ok(CheckForwarded, ForwardedGood, with)
}

func upgrade(a Arrived) Check {
	var lost []string
	for _, h := range []struct {
		name  string
		there bool
	}{
		{"Upgrade", strings.EqualFold(a.Headers["Upgrade"], "websocket")},
		{"Connection", a.has("Connection", "upgrade")},
		{"Sec-WebSocket-Key", a.Headers["Sec-Websocket-Key"] != ""},
		{"Sec-WebSocket-Version", a.Headers["Sec-Websocket-Version"] == "13"},
	} {
		if !h.there {
			lost = append(lost, h.name)
		}
	}
	if len(lost) > 0 {
		got := a.Headers["Connection"]
		if got == "" {
			got = "–"
		}
		return fault(CheckUpgrade, UpgradeMissing, Values{"lost": strings.Join(lost, ", "), "connection": got})
	}
	return ok(CheckUpgrade, UpgradeGood, nil)
}

// extensions looks at the way to the server; whether the answer came back, only the
// client knows.
func extensions(a Arrived) Check {
	for entry := range strings.SplitSeq(a.Headers["Sec-Websocket-Extensions"], ",") {
		if name, _, _ := strings.Cut(entry, ";"); strings.TrimSpace(name) == "permessage-deflate" {
			if !a.upgrades() {
				return untested(CheckCompression, AfterSocket, nil)
			}
			return ok(CheckCompression, CompressionGood, nil)
		}
	}
	return fault(CheckCompression, CompressionLost, nil)
}

func seconds(ms int64) string { return fmt.Sprintf("%.3g", float64(ms)/1000) }
