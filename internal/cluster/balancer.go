package cluster

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Balancer hands requests and sockets to the node that has the fewest. It keeps nobody at
// a node: no cookie, no hash. It does what docs/many-machines.md wants of a balancer, and
// is for trying and for tests.
type Balancer struct {
	listener net.Listener
	server   *http.Server
	end      context.CancelFunc
	probes   sync.WaitGroup
	ctx      context.Context

	mu      sync.Mutex
	nodes   []*backend
	changed chan struct{} // closed when a node has come up
}

// backend is a node as the balancer sees it. Balancer.mu guards it, but for url.
type backend struct {
	url    *url.URL
	open   int  // requests and sockets
	up     bool // it takes new ones
	missed int  // probes without an answer, one after the other
	gone   context.Context
	cut    context.CancelFunc // breaks what is open
}

const (
	probeEvery = 200 * time.Millisecond
	mayMiss    = 2               // probes; one that nobody listens to counts as all
	waitForOne = 5 * time.Second // for a node, where there is none
)

// direct is how nodes are reached: with a connection for each request, since an old one
// may lead to a process that has died, and then nobody knows whether the request was seen.
var direct = &http.Transport{DisableKeepAlives: true, DisableCompression: true, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext}

// NewBalancer listens.
func NewBalancer(addr string) (*Balancer, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	b := &Balancer{listener: l, changed: make(chan struct{})}
	b.ctx, b.end = context.WithCancel(context.Background())
	b.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "nodes" // RoundTrip chooses one
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport:     b,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "no node answers: "+err.Error(), http.StatusBadGateway)
		},
	}}
	go b.server.Serve(l)
	return b, nil
}

// URL returns its address.
func (b *Balancer) URL() string { return "http://" + b.listener.Addr().String() }

// Close ends it, and all that is open.
func (b *Balancer) Close() {
	b.end()
	b.server.Close()
	b.probes.Wait()
}

// Add puts a node behind it. It gets requests when it says that it is ready.
func (b *Balancer) Add(address string) {
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	n := &backend{url: u, missed: mayMiss}
	n.gone, n.cut = context.WithCancel(b.ctx)
	b.mu.Lock()
	b.nodes = append(b.nodes, n)
	b.mu.Unlock()
	b.probes.Go(func() { b.watch(n) })
}

// Up says whether a node gets new requests.
func (b *Balancer) Up(address string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.nodes, func(n *backend) bool { return n.url.String() == address && n.up })
}

// Open returns how many requests and sockets a node has.
func (b *Balancer) Open(address string) (open int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.nodes {
		if n.url.String() == address {
			open += n.open
		}
	}
	return open
}

// watch asks a node again and again whether it is ready.
func (b *Balancer) watch(n *backend) {
	for b.ctx.Err() == nil {
		ok, there := ready(b.ctx, n.url.String())
		b.mu.Lock()
		switch {
		case !there:
			b.missedLocked(n, 1)
		default: // it may say that it is not ready, and keep what is open
			b.answeredLocked(n, ok)
		}
		b.mu.Unlock()
		select {
		case <-b.ctx.Done():
		case <-time.After(probeEvery):
		}
	}
}

func (b *Balancer) answeredLocked(n *backend, ok bool) {
	n.missed = 0
	if ok && !n.up {
		close(b.changed)
		b.changed = make(chan struct{})
	}
	n.up = ok
}

// missedLocked takes out a node that does not answer, and breaks what is open: nobody else
// would notice that a machine is gone for as long as TCP waits.
func (b *Balancer) missedLocked(n *backend, times int) {
	if n.missed += times; n.missed < mayMiss {
		return
	}
	n.up = false
	n.cut()
	n.gone, n.cut = context.WithCancel(b.ctx)
}

var errNoNode = errors.New("no node is ready")

// choose returns the node with the fewest requests that was not tried, and counts one more.
func (b *Balancer) choose(ctx context.Context, tried []*backend) (*backend, context.Context, error) {
	late := time.NewTimer(waitForOne)
	defer late.Stop()
	for {
		b.mu.Lock()
		changed := b.changed
		var able []*backend
		for _, n := range b.nodes {
			if n.up && !slices.Contains(tried, n) {
				able = append(able, n)
			}
		}
		if len(able) > 0 {
			n := slices.MinFunc(able, func(x, y *backend) int { return cmp.Compare(x.open, y.open) })
			n.open++
			gone := n.gone
			b.mu.Unlock()
			return n, gone, nil
		}
		b.mu.Unlock()
		tried = nil // whoever comes up is worth another try
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-late.C:
			return nil, nil, errNoNode
		}
	}
}

// RoundTrip asks a node, and another if that one can not be reached, or dies before it
// answers what may be asked twice.
func (b *Balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	var tried []*backend
	body := r.Body
	for {
		n, gone, err := b.choose(r.Context(), tried)
		if err != nil {
			return nil, err
		}
		resp, cancel, err := n.ask(r, body, gone)
		if err == nil {
			resp.Body = held(resp.Body, gone, func() { cancel(); b.release(n) })
			return resp, nil
		}
		b.release(n)
		var failed *net.OpError
		dial := errors.As(err, &failed) && failed.Op == "dial"
		again := r.Method == http.MethodGet || r.Method == http.MethodHead
		if r.Context().Err() != nil || (!dial && !again) {
			return nil, err
		}
		if dial {
			b.mu.Lock()
			b.missedLocked(n, mayMiss)
			b.mu.Unlock()
		}
		tried = append(tried, n)
	}
}

func (b *Balancer) release(n *backend) {
	b.mu.Lock()
	n.open--
	b.mu.Unlock()
}

// ask makes the request of one node. It fails when the node is gone before it answers.
func (n *backend) ask(r *http.Request, body io.ReadCloser, gone context.Context) (*http.Response, context.CancelFunc, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer context.AfterFunc(gone, cancel)()
	r = r.Clone(ctx)
	r.URL.Host = n.url.Host
	if body != nil && body != http.NoBody {
		r.Body = io.NopCloser(body) // another node may need it, if this one can not be dialled
	}
	resp, err := direct.RoundTrip(r)
	if err != nil {
		cancel()
	}
	return resp, cancel, err
}
