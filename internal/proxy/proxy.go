// Package proxy stands between WebSocket clients and a server and reports what
// passes. It changes no byte of that but the name of the server in the handshake.
// Other HTTP goes through it too, so that a page can be opened through it.
package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hubbub/internal/tap"
)

// Proxy passes on what comes to a listener.
type Proxy struct {
	to     *url.URL    // http or https
	tls    *tls.Config // nil: without
	ring   *tap.Ring
	others chan net.Conn
	conns  atomic.Uint64 // numbers of connections
	wg     sync.WaitGroup
	own    string // the host that it listens on

	mu   sync.Mutex // guards the following
	open map[net.Conn]struct{}
	shut bool
}

const (
	maxHead   = 64 << 10         // bytes of a request's or an answer's head
	headTime  = 10 * time.Second // a client or a server may take for it
	shownText = 64 << 10         // bytes of a text that a record shows
	copyBytes = 32 << 10
)

// New returns a proxy to a server at ws://…, wss://…, http://… or https://…, which reports
// to ring. conf, which may be nil, says whom to trust.
func New(to string, ring *tap.Ring, conf *tls.Config) (*Proxy, error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not the address of a server, such as ws://127.0.0.1:3000", to)
	}
	p := &Proxy{to: &url.URL{Scheme: "http", Host: u.Host}, ring: ring, others: make(chan net.Conn), open: make(map[net.Conn]struct{})}
	switch u.Scheme {
	case "ws", "http":
	case "wss", "https":
		p.to.Scheme = "https"
		if conf == nil {
			conf = new(tls.Config)
		}
		p.tls = conf.Clone()
		p.tls.ServerName, p.tls.NextProtos = u.Hostname(), []string{"http/1.1"}
	default:
		return nil, fmt.Errorf("%q begins with neither ws:// nor wss://", to)
	}
	return p, nil
}

// Serve passes on what comes until ctx ends.
func (p *Proxy) Serve(ctx context.Context, l net.Listener) error {
	p.own, _, _ = net.SplitHostPort(l.Addr().String())
	web := &http.Server{Handler: p.web(), ReadHeaderTimeout: headTime, ErrorLog: log.New(io.Discard, "", 0)}
	web.SetKeepAlivesEnabled(false) // so that each handshake comes first on its connection
	rest := &rest{Listener: l, conns: p.others, done: make(chan struct{})}
	p.wg.Go(func() { web.Serve(rest) })
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var err error
	for {
		c, e := l.Accept()
		if e != nil {
			if ctx.Err() == nil {
				err = e
			}
			break
		}
		if p.hold(c) {
			p.wg.Go(func() { p.look(c, rest.done) })
		}
	}
	close(rest.done)
	web.Close()
	p.closeAll()
	p.wg.Wait()
	return err
}

// rest is the listener of what is no WebSocket.
type rest struct {
	net.Listener
	conns chan net.Conn
	done  chan struct{}
}

func (r *rest) Accept() (net.Conn, error) {
	select {
	case c := <-r.conns:
		return c, nil
	case <-r.done:
		return nil, net.ErrClosed
	}
}

func (r *rest) Close() error { return nil }

// hold remembers a connection, to close it at the end; no: that has come.
func (p *Proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		c.Close()
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *Proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *Proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	for c := range p.open {
		c.Close()
	}
}

// look finds out what a client wants.
func (p *Proxy) look(c net.Conn, done <-chan struct{}) {
	c.SetReadDeadline(time.Now().Add(headTime))
	in := bufio.NewReaderSize(c, maxHead)
	head, err := readHead(in)
	c.SetReadDeadline(time.Time{})
	if err != nil {
		p.drop(c)
		return
	}
	behind, _ := in.Peek(in.Buffered())
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err == nil && !p.known(r.Host) {
		refuse(c, http.StatusForbidden, "this proxy does not answer to that name")
		p.drop(c)
		return
	}
	if err == nil && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		p.socket(c, r, head, bytes.Clone(behind))
		return
	}
	p.mu.Lock()
	delete(p.open, c) // the HTTP server's now
	p.mu.Unlock()
	select {
	case p.others <- &begun{c, io.MultiReader(bytes.NewReader(head), bytes.NewReader(bytes.Clone(behind)), c)}:
	case <-done:
		c.Close()
	}
}

// begun is a connection of which the beginning was read already.
type begun struct {
	net.Conn
	in io.Reader
}

func (b *begun) Read(p []byte) (int, error) { return b.in.Read(p) }

// known says whether a Host header names this proxy. A foreign site can make its own
// name point here (DNS rebinding); the server behind would not see that.
func (p *Proxy) known(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost" || host == p.own
}

var errHead = errors.New("the head is too long, or not one of HTTP")

// readHead reads up to the empty line.
func readHead(in *bufio.Reader) ([]byte, error) {
	var head []byte
	for {
		line, err := in.ReadSlice('\n')
		head = append(head, line...)
		switch {
		case err != nil:
			return nil, err
		case len(head) > maxHead:
			return nil, errHead
		case len(bytes.TrimRight(line, "\r\n")) == 0:
			return head, nil
		}
	}
}

func refuse(c net.Conn, status int, text string) {
	fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\n",
		status, http.StatusText(status), len(text)+1, text)
}

// rename has a head name the server: in Host, and in Origin if that is this proxy.
func (p *Proxy) rename(head []byte, host string) []byte {
	var out []byte
	for line := range bytes.Lines(head) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		switch text := strings.TrimSpace(string(value)); {
		case ok && strings.EqualFold(string(name), "Host"):
			line = []byte(string(name) + ": " + p.to.Host + "\r\n")
		case ok && strings.EqualFold(string(name), "Origin") && strings.EqualFold(text, "http://"+host):
			line = []byte(string(name) + ": " + p.to.String() + "\r\n")
		}
		out = append(out, line...)
	}
	return out
}

// dial reaches the server.
func (p *Proxy) dial() (net.Conn, error) {
	addr := p.to.Host
	if p.to.Port() == "" {
		addr = net.JoinHostPort(p.to.Hostname(), p.to.Scheme)
	}
	d := &net.Dialer{Timeout: headTime}
	if p.tls == nil {
		return d.Dial("tcp", addr)
	}
	return tls.DialWithDialer(d, "tcp", addr, p.tls)
}

// web passes on what is no WebSocket.
func (p *Proxy) web() http.Handler {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{TLSClientConfig: p.tls, DisableCompression: true},
		ErrorLog:  log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "the server behind the proxy can not be reached: "+err.Error(), http.StatusBadGateway)
		},
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(p.to)
			if strings.EqualFold(r.In.Header.Get("Origin"), "http://"+r.In.Host) {
				r.Out.Header.Set("Origin", p.to.String())
			}
		},
	}
}
