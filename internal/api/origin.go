package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"hubbub/internal/chat"
	"hubbub/internal/gate"
)

// Place is how the server is reached.
type Place struct {
	Port      string         // that it listens on
	Public    *url.URL       // the outside address; nil: none
	Base      string         // the address that links lead to
	Network   bool           // it listens beyond this machine
	TLS       bool           // it speaks TLS itself
	Proxies   []netip.Prefix // whose word counts about where a request comes from
	Announced bool           // they say it by the PROXY protocol
	AllowNull bool           // pages from disk may speak plain text
	names     []string       // of this machine
}

// learn finds out what this machine is called.
func (p *Place) learn() {
	if name, err := os.Hostname(); err == nil && p.Network {
		name = strings.ToLower(name)
		p.names = []string{name, strings.TrimSuffix(name, ".local") + ".local"}
	}
}

// host refuses requests for a name that is not ours. A foreign site can make its
// own name point here (DNS rebinding); then Origin and Host agree, but both are
// the foreign name. An address can not be made to point anywhere.
func (p *Place) host(r *http.Request) *chat.Error {
	host, _ := splitHost(r.Host)
	switch {
	case isLoopbackHost(r.Host), p.isPublic(r.Host):
		return nil
	case p.Network && isAddress(host):
		return nil
	}
	for _, name := range p.names {
		if host == name {
			return nil
		}
	}
	return chat.Errorf(chat.CodeForbidden, "this server does not answer to that name; --public-url names it")
}

func (p *Place) isPublic(host string) bool {
	return p.Public != nil && (host == p.Public.Host || host == p.Public.Hostname())
}

// scheme is how a browser speaks to a host of ours.
func (p *Place) scheme(host string) string {
	switch {
	case p.isPublic(host):
		return p.Public.Scheme
	case p.TLS:
		return "https"
	}
	return "http"
}

// origin is the address of our page as the browser that sent the request has it.
func (p *Place) origin(r *http.Request) string {
	if p.isPublic(r.Host) {
		return p.Public.Scheme + "://" + p.Public.Host
	}
	return p.scheme(r.Host) + "://" + r.Host
}

// socket refuses a handshake from a foreign page. Browsers let any page open a
// socket to any address; only the server can refuse, by Origin: RFC 6455, section
// 10.2. Programs send no Origin.
func (p *Place) socket(r *http.Request, plain bool) *chat.Error {
	values := r.Header.Values("Origin")
	switch {
	case len(values) == 0:
		return nil
	case len(values) == 1 && p.own(values[0], r):
		return nil
	case len(values) == 1 && values[0] == "null" && plain && p.AllowNull && (!p.Network && p.Public == nil || bringsSecret(r)):
		return nil
	}
	return chat.Errorf(chat.CodeForbidden, "pages from that origin may not connect")
}

// bringsSecret says whether a request has in its address what a page that somebody
// else wrote could not know.
func bringsSecret(r *http.Request) bool {
	q := r.URL.Query()
	return q.Get("invite") != "" || q.Get("token") != ""
}

// own says whether an origin is this server: the address that the request was
// sent to, or this machine's own name with the port that the server listens on.
func (p *Place) own(origin string, r *http.Request) bool {
	if origin == p.origin(r) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != p.scheme(u.Host) || origin != u.Scheme+"://"+u.Host || !isLoopbackHost(u.Host) || !isLoopbackHost(r.Host) {
		return false
	}
	_, port := splitHost(u.Host)
	return port == p.Port
}

// visitor says where a request comes from.
func (p *Place) visitor(r *http.Request) gate.Visitor {
	v := gate.Visitor{Address: p.client(r), Device: gate.CleanLabel(r.UserAgent(), 200)}
	v.Local = v.Address.IsLoopback() && isLoopbackHost(r.Host) && !p.isPublic(r.Host)
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" { // a proxy on this machine is no person at this machine
			v.Local = false
		}
	}
	return v
}

// client returns the address of the client: what the last of our own proxies
// says, and nobody else.
func (p *Place) client(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := ap.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.Behind(addr); i-- {
		hop := strings.TrimSpace(hops[i])
		next, err := netip.ParseAddr(hop)
		if ap, e := netip.ParseAddrPort(hop); e == nil {
			next, err = ap.Addr(), nil
		}
		if err != nil {
			break
		}
		addr = next.Unmap().WithZone("")
	}
	return addr
}

// Behind says whether an address is that of a proxy of ours.
func (p *Place) Behind(a netip.Addr) bool {
	for _, net := range p.Proxies {
		if net.Contains(a.Unmap().WithZone("")) {
			return true
		}
	}
	return false
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

func isAddress(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Zone() == ""
}

// splitHost splits a Host header; without a port it is http's.
func splitHost(hostport string) (host, port string) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport, "80"
	}
	return host, port
}
