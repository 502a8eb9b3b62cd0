// Package outside makes the requests whose addresses people here choose: deliveries of
// hooks, and alerts. They lead to public addresses only, whatever a name resolves to,
// and nowhere else than asked.
package outside

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

const (
	dialTime  = 5 * time.Second
	totalTime = 15 * time.Second
	headers   = 32 << 10 // bytes of an answer's
	lowPort   = 1024     // below, only those of HTTP: behind others stand servers that could misread a request
	maxURL    = 2000
)

// near are the networks of homes and offices, and this machine: for who says so.
// Where clouds keep their secrets, 169.254.169.254, is not among them.
var (
	near4 = []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"),
	}
	near6 = []netip.Prefix{netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("::1/128")}
)

// Client returns a client that connects to public addresses alone, or with private to
// those of this machine and of private networks too. It asks no proxy, follows no
// redirect and waits for nothing long.
func Client(private bool) *http.Client {
	options := []ssrf.Option{ssrf.WithAnyPort()}
	if private {
		options = append(options, ssrf.WithAllowedV4Prefixes(near4...), ssrf.WithAllowedV6Prefixes(near6...))
	}
	guard := ssrf.New(options...)
	dialer := &net.Dialer{Timeout: dialTime, Control: func(network, address string, c syscall.RawConn) error {
		if ap, err := netip.ParseAddrPort(address); err != nil || ap.Port() < lowPort && ap.Port() != 80 && ap.Port() != 443 {
			return ssrf.ErrProhibitedPort
		}
		return guard.Safe(network, address, c)
	}}
	return &http.Client{
		Timeout: totalTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: totalTime,
			MaxResponseHeaderBytes: headers, MaxIdleConns: 100, IdleConnTimeout: time.Minute, DisableCompression: true,
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Refused says whether a request failed because its address is not a public one.
func Refused(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) || errors.Is(err, ssrf.ErrProhibitedNetwork)
}

// Address reads an address that somebody gives, which must be of one of the schemes.
func Address(text string, schemes ...string) (*url.URL, bool) {
	if len(text) > maxURL {
		return nil, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, false
		}
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return u, true
		}
	}
	return nil, false
}
