// Package server wires the parts together and does nothing else. The binary,
// the browser tests, the load generator and the fault tests start it the same
// way.
package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"hubbub/internal/api"
	"hubbub/internal/chat"
	"hubbub/internal/files"
	"hubbub/internal/gate"
	"hubbub/internal/hooks"
	"hubbub/internal/hub"
	"hubbub/internal/ledger"
	"hubbub/internal/names"
	"hubbub/internal/preview"
	"hubbub/internal/search"
	"hubbub/internal/ws"
	"hubbub/web"
)

// Config is what an operator can choose, and nothing is read from elsewhere.
type Config struct {
	Listen        string         // address and port; port 0 takes a free one
	LAN           bool           // listen on the network too, and print an invitation
	Data          string         // folder, made if need be
	Database      string         // postgres://…, which other nodes may share; empty: SQLite, in Data
	NATS          NATS           // how they hear of each other
	PublicURL     string         // the outside address; empty: none
	Proxies       []netip.Prefix // whose word counts about where a request comes from
	ProxyProtocol bool           // they say it by the PROXY protocol
	TLS           TLS
	Provider      *gate.Provider // another place to sign in; nil: none
	AllowNull     bool           // accept plain text from pages on disk
	Limits        Limits         // the zero value lifts them
	NoLimits      bool           // lift the limits of signing in too
	Guests        Rate           // new guests of an address; the zero value lifts it
	Metrics       string         // address and port for metrics and profiles; empty: none
	Files         files.Limits   // of files; the zero value: none are taken
	FilesAt       string         // where they lie: a folder, or s3://…, that nodes may share; empty: in Data
	Drain         time.Duration  // how long a node that stops leaves people to go to others; see depart
	Version       string
	Log           *slog.Logger
	Outbound      preview.Guard // what previews may connect to; nil: public addresses. No flag sets it: for tests
	Page          fs.FS         // nil: the embedded page
	Heartbeat     time.Duration // 0: 25 seconds
	Portable      bool          // do without what only Linux has, for tests
	HooksPrivate  bool          // outgoing hooks may lead to this machine and to private networks
	PushContact   string        // where push services may write to: https://… or mailto:…

	port net.Listener // of a server that starts again; see Again

	// For tests, and nothing that an operator can set.
	Clock hooks.Clock  // of outgoing hooks; nil: the real one
	Push  *http.Client // how push services are reached; nil: at public addresses alone

	Vacant time.Duration // how long a search index is missing before another node makes it; 0: a minute

	Noticed <-chan time.Time // when balancers know that the server leaves; nil: after half of Drain
}

// Limits are the limits of clients.
type Limits = ws.Limits

// Rate is so many a second, after so many at once.
type Rate = ws.Rate

// guestRate is a rate as the gate counts it.
func guestRate(r Rate) gate.Rate {
	if r.PerSecond <= 0 {
		return gate.Rate{}
	}
	return gate.Rate{Burst: int(r.Burst), Every: time.Duration(float64(time.Second) / r.PerSecond)}
}

// FileLimits are the limits of files.
type FileLimits = files.Limits

// DefaultFileLimits are what a server should have that people use.
func DefaultFileLimits() FileLimits { return files.DefaultLimits() }

// Provider is another place to sign in.
type Provider = gate.Provider

// DefaultLimits are what a server should have that people use.
func DefaultLimits() Limits { return ws.DefaultLimits() }

// Server is a hubbub that listens.
type Server struct {
	log      *slog.Logger
	listener net.Listener
	port     net.Listener // the plain port, below listener
	place    api.Place
	gate     *gate.Gate
	store    store
	bus      chat.Bus       // to other nodes; nil: there are none
	ledger   *ledger.Ledger // likewise
	index    *search.Node
	hub      *hub.Hub
	sockets  *ws.Server
	keeper   *files.Keeper
	previews *preview.Previews
	http     *http.Server
	private  *private // metrics and profiles; nil: not wanted
	admin    *private // the operator's commands
	outward  *outward
	around   *around

	restart chan struct{} // Restart was called
	kept    net.Listener  // the port, for the next server; nil: none was kept
	drain   time.Duration // 0: there are no others
	leaving chan struct{} // closed when the server takes nobody any more
	noticed <-chan time.Time
}

// ErrRestart is what Serve returns when the server is to start again: a new one, made of
// what Again returns.
var ErrRestart = errors.New("the server is to start again")

// The bounds of a graceful stop: sockets are told goodbye, requests finish.
const stopTime = 4 * time.Second

// New listens and opens the data folder. Nothing is left behind if it fails;
// its errors are sentences for the operator.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.checkStore(); err != nil {
		return nil, err
	}
	place, err := cfg.place()
	if err != nil {
		return nil, err
	}
	l, err := cfg.open()
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, cfg)
	if err != nil {
		l.Close()
		return nil, err
	}
	s, err := assemble(ctx, cfg, place, l, store)
	if err != nil {
		l.Close()
		store.Close()
		return nil, err
	}
	return s, nil
}

func assemble(ctx context.Context, cfg Config, place api.Place, l net.Listener, store store) (*Server, error) {
	lobby, err := store.RoomByName(ctx, chat.Lobby)
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
	_, place.Port, _ = net.SplitHostPort(l.Addr().String())
	place.Base = base(place, l)
	if err := store.SetSetting(ctx, "", 0, baseSetting, place.Base); err != nil {
		return nil, err
	}
	s := &Server{log: cfg.Log, place: place, store: store, restart: make(chan struct{}, 1), leaving: make(chan struct{})}
	if cfg.Database != "" {
		s.drain, s.noticed = cfg.Drain, cfg.Noticed
	}
	if s.keeper, err = openFiles(ctx, cfg, store); err != nil {
		return nil, err
	}
	s.around = newAround()
	if s.index, err = s.joinSearch(ctx, cfg); err != nil {
		s.around.close()
		return nil, err
	}
	m := newMetrics()
	store.Observe(m.committed)
	if s.outward, err = s.newOutward(ctx, cfg, m); err == nil {
		s.bus, err = openBus(ctx, cfg, head.Epoch)
	}
	if err != nil {
		s.index.Close()
		s.around.close()
		return nil, err
	}
	s.ledger = ledger.New(s.bus)
	s.hub = hub.New(store, hub.Options{
		Bus: s.bus,
		Lag: m.lagged,
		Stored: func(events []chat.Event) {
			s.index.Follow(events)
			s.outward.stored(events)
		},
		Fetched:   s.index.Follow,
		Changed:   s.changed,
		Moved:     func(p chat.Person) { s.sockets.Moved(p) },
		Elsewhere: s.elsewhere,
		Unsure:    s.around.look,
		Mentions:  mentions(store),
		Said:      func(e chat.Event) { s.previews.Said(e) },
		Missed:    func() { s.sockets.Restart() },
		Trouble:   trouble(cfg.Log),
	})
	s.lookAround()
	s.gate = gate.New(gate.Config{
		Accounts: store, Directory: store, Hooks: store, Log: cfg.Log, Limits: !cfg.NoLimits, Guests: guestRate(cfg.Guests), Ledger: s.ledger, Provider: cfg.Provider,
	})
	s.previews = preview.New(preview.Config{Files: store, Keeper: s.keeper, Wanted: s.gate.Previews, Guard: cfg.Outbound, Log: cfg.Log})
	s.sockets = ws.New(ws.Config{
		Hub: s.hub, Directory: store, Attention: store, MaxFile: cfg.Files.MaxFile, Login: s.gate.Login, Room: s.gate.PublicRoom, Behind: place.Behind, Epoch: head.Epoch, Log: cfg.Log,
		Version: cfg.Version, Heartbeat: cfg.Heartbeat, Limits: cfg.Limits, Ledger: s.ledger, Refused: m.refused, Portable: cfg.Portable,
	})
	handler, operator := api.New(api.Config{
		Hub: s.hub, Sockets: s.sockets, Gate: s.gate, Store: store, Directory: store, Files: store, Keeper: s.keeper,
		Attention: store, Hooks: store, Alerts: s.outward.alerts, Index: s.index, Page: cfg.Page,
		Log: cfg.Log, Place: place, Refused: m.refused, Restart: s.Restart, Leaving: s.isLeaving,
	}, head.Epoch)
	if err = s.hub.Start(ctx); err == nil {
		err = s.open(ctx, cfg, l, handler, operator, m)
	}
	if err != nil {
		s.private.close()
		s.sockets.Close(ctx)
		s.previews.Close()
		s.gate.Close()
		s.outward.close()
		s.leave()
		s.index.Close()
		return nil, err
	}
	return s, nil
}

// leave takes the server from among the nodes.
func (s *Server) leave() {
	s.hub.Close()
	s.around.close()
	s.ledger.Close()
	if s.bus != nil {
		s.bus.Close()
	}
}

// changed is told of each change.
func (s *Server) changed(c chat.Change) {
	switch c.Kind {
	case chat.ChangePerson:
		s.index.Renamed(c.Person.ID, c.Person.Name)
	case chat.ChangeHook:
		s.outward.hooks.Changed(chat.Hook{ID: c.Name, Room: c.Room})
	}
	s.gate.Changed(c)
	s.sockets.Changed(c)
}

// joinSearch begins to search: alone, or among nodes of which some keep an index.
func (s *Server) joinSearch(ctx context.Context, cfg Config) (*search.Node, error) {
	questions, _ := s.store.(chat.Questions)
	return search.Join(ctx, cfg.Data, search.NodeConfig{
		Config: search.Config{Log: s.store, Directory: s.store, Logger: cfg.Log},
		Turns:  s.store, Questions: questions, Wanted: func(yes bool) { s.around.want(&s.around.index, yes) }, Vacant: cfg.Vacant,
	})
}

// mentions finds people by what a message calls them.
func mentions(store store) func(context.Context, string) ([]chat.Mention, chat.Everyone, error) {
	return func(ctx context.Context, text string) ([]chat.Mention, chat.Everyone, error) {
		return names.Mentions(text, func(key string) (chat.Person, bool, error) {
			a, err := store.PersonByName(ctx, key)
			if err != nil && chat.AsError(err).Code == chat.CodeNotFound {
				return chat.Person{}, false, nil
			}
			return a.Person, err == nil, err
		})
	}
}

// open makes the ways in.
func (s *Server) open(ctx context.Context, cfg Config, l net.Listener, handler, operator http.Handler, m *metrics) (err error) {
	handler = s.parting(handler)
	if s.bus != nil {
		m.watchNodes(s.hub, s.index)
		m.watchBus(s.bus)
	}
	if s.private, err = m.listen(cfg.Metrics, s.hub, s.sockets, s.store); err != nil {
		return err
	}
	if s.admin, err = listenAdmin(cfg.Data, operator); err != nil {
		return err
	}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnState:         s.sockets.ConnState,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	s.port = l
	s.listener, err = s.front(ctx, cfg, l, handler)
	return err
}

// URL returns where a browser on this machine finds the server.
func (s *Server) URL() string {
	if s.place.TLS && s.place.Public != nil {
		return s.place.Base
	}
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if ip, err := netip.ParseAddr(host); err == nil && (ip.IsUnspecified() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
		host = "localhost"
	}
	scheme := "http"
	if s.place.TLS {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Base returns the address that links for others lead to.
func (s *Server) Base() string { return s.place.Base }

// Network says whether the server listens beyond this machine.
func (s *Server) Network() bool { return s.place.Network }

// OwnerLink returns a one-time link that makes an owner, or "" if there is one.
func (s *Server) OwnerLink(ctx context.Context) (string, error) {
	if has, err := s.gate.HasOwner(ctx); has || err != nil {
		return "", err
	}
	token, err := s.gate.OwnerLink(ctx)
	return s.place.Base + "/join#" + token, err
}

// lanInvite is how long the invitation is good that --lan prints.
const lanInvite = 24 * time.Hour

// Invite returns a link that lets people on the network in for a day.
func (s *Server) Invite(ctx context.Context) (string, error) {
	_, token, err := s.gate.AddInvite(ctx, gate.Operator, chat.Invite{
		Role: chat.RoleMember, Expires: time.Now().Add(lanInvite), Note: "printed at the start",
	})
	return s.place.Base + "/join#" + token, err
}

// Check reports a contradiction in what the server holds: for tests.
func (s *Server) Check(ctx context.Context) error {
	return errors.Join(s.hub.Check(), s.store.Check(ctx))
}

// Indexed returns when all that was stored can be found: for tests.
func (s *Server) Indexed(ctx context.Context) error { return s.index.Sync(ctx) }

// Serve answers until ctx ends, then stops gracefully: no new work, what is
// acknowledged stays, clients are told when to come back. It takes at most five
// seconds, and Config.Drain where there are other nodes. If messages can no longer be stored it returns an error at once; if Restart was
// called, ErrRestart.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	s.private.serve()
	s.admin.serve()
	var sweeping sync.WaitGroup
	sweep, stopSweep := context.WithCancel(context.Background())
	defer stopSweep()
	sweeping.Go(func() { s.sweep(sweep) })
	err := s.outward.start(ctx, s.store, s.log)
	if err != nil {
		stopSweep()
		sweeping.Wait()
		return errors.Join(err, s.stop())
	}
	select {
	case <-ctx.Done():
		s.depart()
	case err = <-failed:
	case <-s.restart:
		err = ErrRestart
		s.kept = keep(s.port)
	case <-s.store.Failed():
		err = errors.New("the disk failed to store messages; nothing more was acknowledged; start hubbub again when the cause is mended")
	}
	stopSweep()
	sweeping.Wait()
	if stopped := s.stop(); stopped != nil {
		return errors.Join(err, stopped)
	}
	return err
}

// Stop ends a server that does not serve.
func (s *Server) Stop() error { return s.stop() }

// QR draws a QR code for a terminal.
func QR(text string) string { return api.QRText(text) }

func (s *Server) close() error { return errors.Join(s.index.Close(), s.store.Close()) }
