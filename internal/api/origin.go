package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"hubbub/internal/chat"
)

// origins decides which web pages may talk to the server. Browsers let any page
// open a socket to any address; only the server can refuse, by Origin: RFC 6455,
// section 10.2.
type origins struct {
	port      string // of the listener
	allowNull bool   // pages from disk may speak plain text
}

// host refuses requests for a name that is not this machine's. A foreign site
// can make its own name point here (DNS rebinding); then Origin and Host agree,
// but both are the foreign name.
func (o origins) host(r *http.Request) *chat.Error {
	if !isLoopbackHost(r.Host) {
		return chat.Errorf(chat.CodeForbidden, "this server answers at localhost only")
	}
	return nil
}

// socket refuses a handshake from a foreign page. Programs send no Origin.
func (o origins) socket(r *http.Request, plain bool) *chat.Error {
	values := r.Header.Values("Origin")
	switch {
	case len(values) == 0:
		return nil
	case len(values) == 1 && o.own(values[0], r.Host):
		return nil
	case len(values) == 1 && values[0] == "null" && plain && o.allowNull:
		return nil
	}
	return chat.Errorf(chat.CodeForbidden, "pages from that origin may not connect")
}

// own says whether an origin is this server: the address that the request was
// sent to, or this machine's name with the port that the server listens on.
func (o origins) own(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" || origin != "http://"+u.Host || !isLoopbackHost(u.Host) {
		return false
	}
	_, port := splitHost(u.Host)
	return u.Host == host || port == o.port
}

// isLoopbackHost says whether a Host header names this machine itself.
func isLoopbackHost(hostport string) bool {
	host, _ := splitHost(hostport)
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback() && ip.Zone() == ""
}

// splitHost splits a Host header; without a port it is http's.
func splitHost(hostport string) (host, port string) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport, "80"
	}
	return host, port
}
