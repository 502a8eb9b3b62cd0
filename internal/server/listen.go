package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/pires/go-proxyproto"

	"hubbub/internal/api"
	"hubbub/internal/ws"
)

// place checks what the operator says about how the server is reached.
func (cfg *Config) place() (p api.Place, err error) {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return p, fmt.Errorf("--listen %q is not an address and a port, such as 127.0.0.1:3000", cfg.Listen)
	}
	p = api.Place{AllowNull: cfg.AllowNull, Network: cfg.LAN || !loopback(host), TLS: cfg.TLS.wanted(), Proxies: cfg.Proxies, Announced: cfg.ProxyProtocol}
	if cfg.PublicURL == "" && cfg.TLS.Domain != "" {
		cfg.PublicURL = "https://" + cfg.TLS.Domain
	}
	if cfg.PublicURL != "" {
		u, err := url.Parse(cfg.PublicURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return p, fmt.Errorf("--public-url %q is not an address such as https://chat.example.org", cfg.PublicURL)
		}
		p.Public = &url.URL{Scheme: u.Scheme, Host: u.Host}
	}
	if cfg.ProxyProtocol && len(cfg.Proxies) == 0 {
		return p, errors.New("--proxy-protocol needs --trusted-proxies: else anybody could say where they come from")
	}
	return p, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

// listener sends no keep-alive probes: idle HTTP connections are closed soon, and
// sockets have heartbeats. That saves four system calls for each connection.
var listener = net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}

// listen opens the port.
func (cfg *Config) listen() (net.Listener, error) {
	addr := cfg.Listen
	if host, port, _ := net.SplitHostPort(addr); cfg.LAN && loopback(host) {
		addr = net.JoinHostPort("", port)
	}
	l, err := listener.Listen(context.Background(), "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program; stop it, or choose another port with --listen", addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on %s; choose a port above 1023 with --listen", addr)
	case err != nil:
		return nil, fmt.Errorf("--listen %s: %w", addr, err)
	}
	return l, nil
}

// base is the address that links for others lead to.
func base(p api.Place, l net.Listener) string {
	if p.Public != nil {
		return p.Public.Scheme + "://" + p.Public.Host
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = lanAddress()
	}
	if loopback(host) {
		host = "localhost"
	}
	scheme := "http"
	if p.TLS {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// lanAddress is how others on the network find this machine.
func lanAddress() string {
	addrs, _ := net.InterfaceAddrs()
	best := "localhost"
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() {
			continue
		}
		if n.IP.To4() != nil {
			return n.IP.String()
		}
		best = n.IP.String()
	}
	return best
}

// headerTime is how long a proxy has to say whom it brings.
const headerTime = 5 * time.Second

// front puts between the port and the HTTP server what the operator asked for. A
// plain port has the door, which is faster with a crowd; the others have what the
// standard library has.
func (s *Server) front(ctx context.Context, cfg Config, l net.Listener, h http.Handler) (net.Listener, error) {
	if cfg.ProxyProtocol {
		l = &proxyproto.Listener{Listener: l, ReadHeaderTimeout: headerTime, ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			ap, err := netip.ParseAddrPort(o.Upstream.String())
			if err != nil || !s.place.Behind(ap.Addr()) {
				return proxyproto.REJECT, nil
			}
			return proxyproto.REQUIRE, nil
		}}
	}
	if !cfg.TLS.wanted() {
		return ws.NewDoor(l, s.sockets, h), nil
	}
	port, _ := strconv.Atoi(s.place.Port)
	conf, err := cfg.TLS.config(ctx, cfg.Data, port, s.log)
	if err != nil {
		return nil, err
	}
	conf.NextProtos = append(conf.NextProtos, "h2", "http/1.1")
	s.http.TLSConfig = conf
	return tls.NewListener(l, conf), nil
}

// AdminSocket is where the operator's commands reach a running server.
func AdminSocket(data string) string { return filepath.Join(data, "admin.sock") }

// listenAdmin opens it: in the data folder, which only this user may enter.
func listenAdmin(data string, operator http.Handler) (*private, error) {
	path := AdminSocket(data)
	if len(path) > 100 { // the system's limit is 104 to 108
		return nil, nil
	}
	os.Remove(path) // of a server that was killed: the folder's lock is ours
	l, err := net.Listen("unix", path)
	if err != nil {
		if runtime.GOOS == "windows" {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return &private{l, &http.Server{Handler: operator, ReadHeaderTimeout: headerTime}}, nil
}
