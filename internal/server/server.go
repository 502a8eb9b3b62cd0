// Package server wires the parts together and does nothing else. The binary,
// the browser tests, the load generator and the fault tests start it the same
// way.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"hubbub/internal/api"
	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/sqlite"
	"hubbub/internal/ws"
	"hubbub/web"
)

// Config is what an operator can choose, and nothing is read from elsewhere.
type Config struct {
	Listen    string // address and port; port 0 takes a free one
	Data      string // folder, made if need be
	AllowNull bool   // accept plain text from pages on disk
	Limits    Limits // the zero value lifts them
	Metrics   string // address and port for metrics and profiles; empty: none
	Version   string
	Log       *slog.Logger
	Page      fs.FS         // nil: the embedded page
	Heartbeat time.Duration // 0: 25 seconds
	Portable  bool          // do without what only Linux has, for tests
}

// Limits are the limits of clients.
type Limits = ws.Limits

// DefaultLimits are what a server should have that people use.
func DefaultLimits() Limits { return ws.DefaultLimits() }

// Server is a hubbub that listens.
type Server struct {
	log      *slog.Logger
	listener net.Listener
	store    *sqlite.Store
	hub      *hub.Hub
	sockets  *ws.Server
	http     *http.Server
	private  *private // metrics and profiles; nil: not wanted
}

// The bounds of a graceful stop: sockets are told goodbye, requests finish.
const stopTime = 4 * time.Second

// New listens and opens the data folder. Nothing is left behind if it fails;
// its errors are sentences for the operator.
func New(ctx context.Context, cfg Config) (*Server, error) {
	l, err := listen(cfg.Listen)
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, cfg.Data, cfg.Log)
	if err != nil {
		l.Close()
		return nil, err
	}
	s, err := assemble(ctx, cfg, l, store)
	if err != nil {
		l.Close()
		store.Close()
		return nil, err
	}
	return s, nil
}

func assemble(ctx context.Context, cfg Config, l net.Listener, store *sqlite.Store) (*Server, error) {
	lobby, err := store.EnsureRoom(ctx, chat.Lobby)
	if err != nil {
		return nil, err
	}
	head, err := store.Head(ctx, lobby.ID)
	if err != nil {
		return nil, err
	}
	if cfg.Page == nil {
		cfg.Page = web.Dist
	}
	m := newMetrics()
	store.Observe(m.committed)
	h := hub.NewObserved(store, m.lagged)
	sockets := ws.New(ws.Config{
		Hub: h, Directory: store, Epoch: head.Epoch, Log: cfg.Log,
		Version: cfg.Version, Heartbeat: cfg.Heartbeat, Limits: cfg.Limits, Refused: m.refused, Portable: cfg.Portable,
	})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	handler := api.New(api.Config{
		Hub: h, Sockets: sockets, Store: store, Directory: store, Page: cfg.Page,
		Log: cfg.Log, Port: port, Refused: m.refused, AllowNull: cfg.AllowNull,
	}, head.Epoch)
	private, err := m.listen(cfg.Metrics, h, sockets, store)
	if err != nil {
		sockets.Close(ctx)
		return nil, err
	}
	return &Server{
		private: private,
		log:     cfg.Log, listener: ws.NewDoor(l, sockets, handler), store: store, hub: h, sockets: sockets,
		http: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       30 * time.Second,
			WriteTimeout:      60 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    16 << 10,
			ConnState:         sockets.ConnState,
			ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
		},
	}, nil
}

// listen opens the port, on this machine alone: there are no invitations yet
// that could keep strangers out.
func listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("--listen %q is not an address and a port, such as 127.0.0.1:3000", addr)
	}
	if !loopback(host) {
		return nil, fmt.Errorf("--listen %s would let in anyone on the network; for now hubbub listens on this machine alone, such as 127.0.0.1:3000", addr)
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

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

// listener sends no keep-alive probes: idle HTTP connections are closed soon, and
// sockets have heartbeats. That saves four system calls for each connection.
var listener = net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}

// URL returns where a browser finds the server.
func (s *Server) URL() string {
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if host == "127.0.0.1" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Check reports a contradiction in what the server holds: for tests.
func (s *Server) Check(ctx context.Context) error {
	return errors.Join(s.hub.Check(), s.store.Check(ctx))
}

// Serve answers until ctx ends, then stops gracefully: no new work, what is
// acknowledged stays, clients are told when to come back. It takes at most five
// seconds. If messages can no longer be stored it returns an error at once.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	s.private.serve()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	case <-s.store.Failed():
		err = errors.New("the disk failed to store messages; nothing more was acknowledged; start hubbub again when the cause is mended")
	}
	return errors.Join(err, s.stop())
}

func (s *Server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	s.listener.Close()
	s.sockets.Close(ctx)
	s.private.close()
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close()
	}
	return s.store.Close()
}
