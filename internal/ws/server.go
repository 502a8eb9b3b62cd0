// Package ws holds the WebSocket connections: handshake, frames in, drain out.
// A connection reads when something came, and writes from whatever goroutine
// has something to say, without waiting. See docs/architecture.md.
package ws

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/ledger"
	"hubbub/internal/wire"
)

// Config says how connections behave.
type Config struct {
	Hub       *hub.Hub
	Directory chat.Directory
	Attention chat.Attention
	MaxFile   int64                                                                                                          // bytes of a file, told to clients; 0: there are none
	Login     func(ctx context.Context, token string, from netip.Addr) (chat.Login, error)                                   // finds the person of a session
	Room      func(ctx context.Context, name chat.Name, by chat.UserID, from netip.Addr) (r chat.Room, made bool, err error) // finds or makes a public room; nil: the directory
	Behind    func(netip.Addr) bool                                                                                          // a proxy of ours has that address; may be nil
	Epoch     chat.Epoch
	Log       *slog.Logger
	Version   string
	Heartbeat time.Duration // 0: 25 seconds
	Limits    Limits
	Ledger    *ledger.Ledger  // shares the limits with other nodes; nil: there are none
	Refused   func(chat.Code) // told of every refusal; may be nil
	Portable  bool            // do without what only Linux has, for tests
}

// Server holds all connections. Its methods may be called from any goroutine.
type Server struct {
	// Fixed after construction.
	hub       *hub.Hub
	dir       chat.Directory
	attention chat.Attention
	maxFile   int64
	login     func(context.Context, string, netip.Addr) (chat.Login, error)
	room      func(context.Context, chat.Name, chat.UserID, netip.Addr) (chat.Room, bool, error)
	behind    func(netip.Addr) bool
	epoch     chat.Epoch
	log       *slog.Logger
	version   string
	heartbeat time.Duration
	limits    Limits
	told      accounts // what other nodes are told of that
	stats     *Stats
	refused   func(chat.Code)
	portable  bool
	ctx       context.Context // ends when connections are cut
	cut       context.CancelFunc

	news news

	presence presence

	watches watches
	ids     atomic.Uint64 // of connections

	gate  chan struct{} // a token for each handler at work
	loops func() *loops // makes them for the first TCP connection
	made  atomic.Pointer[loops]
	done  chan struct{} // closed when the server stops

	wg sync.WaitGroup // connections, and goroutines that work for them

	mu        sync.Mutex // guards the following
	wheel     [slots]map[*Conn]struct{}
	next      uint8 // slot of the next connection
	users     map[chat.UserID]*user
	addresses map[netip.Addr]*source
	ended     map[chat.SessionID]time.Time // sessions that ended lately
	stopping  bool
}

// patience is how many heartbeats a client may leave unanswered. One that stops
// reading for a minute, a sleeping tab or a long pause of its collector, is slow
// and not gone.
const patience = 4

// slots is over how many parts of a heartbeat the connections are spread.
const slots = 50

// New returns a server without connections. Close ends it.
func New(cfg Config) *Server {
	s := &Server{
		hub: cfg.Hub, dir: cfg.Directory, attention: cfg.Attention, maxFile: cfg.MaxFile, login: cfg.Login, room: cfg.Room, behind: cfg.Behind, epoch: cfg.Epoch, log: cfg.Log, version: cfg.Version,
		heartbeat: cfg.Heartbeat, limits: cfg.Limits, stats: new(Stats), refused: cfg.Refused, portable: cfg.Portable,
		gate: make(chan struct{}, maxBusy), done: make(chan struct{}),
		users: make(map[chat.UserID]*user), addresses: make(map[netip.Addr]*source), ended: make(map[chat.SessionID]time.Time),
	}
	s.ctx, s.cut = context.WithCancel(context.Background())
	s.told.open(s, cfg.Ledger)
	s.loops = sync.OnceValue(s.newLoops)
	if s.heartbeat == 0 {
		s.heartbeat = 25 * time.Second
	}
	if s.behind == nil {
		s.behind = func(netip.Addr) bool { return false }
	}
	if s.room == nil {
		s.room = func(ctx context.Context, name chat.Name, by chat.UserID, _ netip.Addr) (chat.Room, bool, error) {
			r, err := s.dir.EnsureRoom(ctx, name, by)
			return r, false, err
		}
	}
	if s.refused == nil {
		s.refused = func(chat.Code) {}
	}
	for i := range s.wheel {
		s.wheel[i] = make(map[*Conn]struct{})
	}
	s.news.wake = make(chan struct{}, 1)
	s.presence.wake, s.presence.moved, s.presence.last = make(chan struct{}, 1), make(map[chat.UserID]mover), make(map[chat.UserID]state)
	s.wg.Go(s.watch)
	s.wg.Go(s.turn)
	s.wg.Go(s.spread)
	return s
}

// newLoops returns nil if there are no loops; Go's own poller serves then.
func (s *Server) newLoops() *loops {
	if s.portable {
		return nil
	}
	ls, err := newLoops(s.gate)
	if err != nil {
		s.log.Warn("connections will cost more memory", "err", err)
	}
	s.made.Store(ls)
	return ls
}

func (s *Server) newSocket(nc net.Conn, h handler) socket {
	if tcp, ok := nc.(*net.TCPConn); ok {
		if sock := s.loops().take(tcp, h); sock != nil {
			return sock
		}
	}
	return newStreamSocket(nc, h, s.gate)
}

// turn sends the heartbeats, one slot of the wheel after the other.
func (s *Server) turn() {
	t := time.NewTicker(s.heartbeat / slots)
	defer t.Stop()
	var crowd settling
	for i := 0; ; i = (i + 1) % slots {
		select {
		case <-s.done:
			return
		case now := <-t.C:
			crowd.look(s.stats)
			s.forgetEnded(now)
			s.forgetSources(now)
			for _, c := range s.slot(i) {
				c.beat(now, patience*s.heartbeat)
			}
		}
	}
}

// endSessions closes the sockets of sessions that ended, and those of handshakes
// that are under way.
func (s *Server) endSessions(id chat.UserID, ended []chat.SessionID) {
	s.mu.Lock()
	for _, session := range ended {
		s.ended[session] = time.Now()
	}
	s.mu.Unlock()
	s.watches.endOf(func(id chat.SessionID) bool { return slices.Contains(ended, id) })
	for _, p := range s.hub.Peers(id) {
		if slices.Contains(ended, p.Session()) {
			p.Ended()
		}
	}
}

// Restart has every client come back, and begin anew.
func (s *Server) Restart() { s.each(func(c *Conn) { go c.goodbye() }) }

// Shut closes the sockets of a range of addresses.
func (s *Server) Shut(of netip.Prefix) {
	s.each(func(c *Conn) {
		if of.Contains(c.address) {
			c.end(&closeError{ws.StatusPolicyViolation, "you are banned from this place"}, false)
		}
	})
}

func (s *Server) hasEnded(id chat.SessionID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ended := s.ended[id]
	return ended
}

// forgetEnded drops what no handshake can bring any more.
func (s *Server) forgetEnded(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range s.ended {
		if now.Sub(at) > 2*helloTime {
			delete(s.ended, id)
		}
	}
}

// settling gives back what a crowd left behind: its handshakes take some 20 KiB
// each for a moment, which the runtime would keep. With 10,000 idle connections
// that is a third of the server's memory (bench, "Nobody says anything").
type settling struct{ before, last int64 }

const crowdSize = 500 // connections that come or go without a pause

func (c *settling) look(s *Stats) {
	now := int64(0)
	for d := range s.Opened {
		now += s.Opened[d].Load() + s.Closed[d].Load()
	}
	if now == c.last && now-c.before >= crowdSize {
		c.before = now
		go debug.FreeOSMemory()
	}
	c.last = now
}

func (s *Server) slot(i int) []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*Conn, 0, len(s.wheel[i]))
	for c := range s.wheel[i] {
		conns = append(conns, c)
	}
	return conns
}

// IsUpgrade says whether a request wants to become a WebSocket.
func IsUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") ||
		r.Header.Get("Sec-WebSocket-Key") != "" || r.Header.Get("Sec-WebSocket-Version") != ""
}

// OffersV1 says whether the client offers hubbub.v1, and fails if it offers
// only subprotocols that are unknown here.
func OffersV1(r *http.Request) (bool, error) {
	offers := r.Header.Values("Sec-WebSocket-Protocol")
	if len(offers) == 0 {
		return false, nil
	}
	for o := range strings.SplitSeq(strings.Join(offers, ","), ",") {
		if strings.TrimSpace(o) == wire.Subprotocol {
			return true, nil
		}
	}
	return false, chat.Errorf(chat.CodeBadFrame, "offer the subprotocol %s, or none for plain text", wire.Subprotocol)
}

// ServeV1 takes over a request as a hubbub.v1 connection of somebody, who may be
// nobody yet. It returns after the handshake; a bad one has been answered.
func (s *Server) ServeV1(w http.ResponseWriter, r *http.Request, client netip.Addr, l chat.Login) {
	deflate := new(wsflate.Extension)
	sh := s.newShake(w, r, l, false)
	nc, first, err := s.handshake(w, r, sh, ws.HTTPUpgrader{
		Protocol:  func(p string) bool { return p == wire.Subprotocol },
		Negotiate: negotiate(deflate),
	})
	if err != nil {
		return
	}
	dialect := hub.V1
	if _, ok := deflate.Accepted(); ok {
		dialect = hub.V1Deflated
	}
	s.startV1(nc, first, client, l, dialect, sh)
}

// negotiate agrees on permessage-deflate without context takeover: RFC 7692.
func negotiate(deflate *wsflate.Extension) func(httphead.Option) (httphead.Option, error) {
	deflate.Parameters = wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}
	return func(offer httphead.Option) (httphead.Option, error) {
		answer, err := deflate.Negotiate(offer)
		if err != nil {
			return httphead.Option{}, nil // an offer that makes no sense is declined: section 5.1
		}
		return answer, nil
	}
}

func (s *Server) startV1(nc net.Conn, first []byte, client netip.Addr, l chat.Login, dialect hub.Dialect, sh *shake) {
	c := s.newConn(nc, client, dialect, wire.MaxFrame, sh)
	c.parser.deflate = dialect == hub.V1Deflated
	c.person, c.session, c.scope = l.Person, l.Session, l.Scope
	v := &v1{c: c}
	v.hello = time.AfterFunc(helloTime, func() {
		c.end(&closeError{ws.StatusPolicyViolation, "no hello came"}, false)
	})
	c.speak = v
	s.start(c, first)
}

// ServePlain takes over a request as a plain connection in the room, under the
// name want if that is free, or as somebody who is signed in. It returns after the
// handshake; an error has not been answered yet.
func (s *Server) ServePlain(w http.ResponseWriter, r *http.Request, client netip.Addr, room chat.RoomID, want string, l chat.Login) error {
	live := s.hub.Room(room)
	as, err := s.mayRead(r.Context(), live, l)
	if err == nil {
		err = live.Prepare(r.Context(), hub.Plain)
	}
	if err != nil {
		live.Release()
		return err
	}
	// The client hears what is said from its handshake on, not from a moment later.
	after := live.Head()
	sh := s.newShake(w, r, l, true)
	nc, first, err := s.handshake(w, r, sh, ws.HTTPUpgrader{})
	if err != nil {
		live.Release()
		return nil
	}
	c := s.newConn(nc, client, hub.Plain, chat.MaxText, sh)
	c.speak = &plain{c: c, room: room, want: want}
	if l.ID != "" {
		c.attend(l)
	}
	c.mu.Lock()
	cur := live.Attach(hub.Plain, c, as, after)
	for cur == nil { // something changed; ask again
		if as, err = s.mayRead(s.ctx, live, l); err != nil {
			break
		}
		cur = live.Attach(hub.Plain, c, as, after)
	}
	if cur == nil {
		live.Release()
		defer c.end(errExpelled, false)
	} else {
		c.cursors = []*hub.Cursor{cur}
		c.drain(cur)
	}
	c.mu.Unlock()
	s.start(c, first)
	return nil
}

// mayRead asks whether somebody may read a room that is held, who may be nobody.
func (s *Server) mayRead(ctx context.Context, live *hub.Room, l chat.Login) (hub.As, error) {
	who := l.Actor()
	if who.ID == "" {
		who.Role = chat.RoleGuest
	}
	as := hub.As{Who: who, Counted: live.Rights()}
	m, err := chat.Authorize(ctx, s.dir, who, live.ID(), chat.ActRead)
	as.Room, as.State = m.Room, m.State
	return as, err
}

// handshake answers the upgrade and takes the connection from the HTTP server,
// with the bytes that the client has sent already. sh, if there is one, keeps what it was.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, sh *shake, up ws.HTTPUpgrader) (net.Conn, []byte, error) {
	// The library checks the key's length only: RFC 6455, section 4.2.1, item 5.
	if key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key")); err != nil || len(key) != 16 ||
		len(r.Header.Values("Sec-WebSocket-Key")) != 1 {
		err = fmt.Errorf("handshake error: bad %q header", "Sec-WebSocket-Key")
		http.Error(w, err.Error(), http.StatusBadRequest)
		return nil, nil, err
	}
	if !s.enter() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, errStopping.Error(), http.StatusServiceUnavailable)
		return nil, nil, errStopping
	}
	up.Timeout = helloTime
	if sh != nil {
		w = sh
	}
	conn, rw, _, err := up.Upgrade(r, w)
	if err != nil {
		s.wg.Done()
		if conn != nil {
			s.depart(address(conn))
			conn.Close()
		}
		return nil, nil, err
	}
	first, _ := rw.Reader.Peek(rw.Reader.Buffered())
	if begun, ok := conn.(*begunConn); ok && len(begun.first) == 0 {
		conn = begun.Conn
	}
	return conn, append([]byte(nil), first...), nil
}

var errStopping = errors.New("the server restarts")

// enter counts a connection to be, unless the server is stopping. forget counts it
// down.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.wg.Add(1)
	return true
}

// newConn makes a connection that entered, which must be started. forget is its end. Behind a
// proxy the client has another address than the connection, and counts there.
func (s *Server) newConn(nc net.Conn, client netip.Addr, d hub.Dialect, limit int, sh *shake) *Conn {
	c := &Conn{server: s, dialect: d, id: s.ids.Add(1), since: time.Now().UnixMilli(), parser: parser{limit: int32(limit)}, address: address(nc)}
	if client.IsValid() && s.behind(c.address) {
		s.depart(c.address)
		c.address = customer(client)
		s.arrive(c.address)
	}
	c.heard.Store(time.Now().UnixNano())
	c.sock = s.newSocket(nc, c)
	c.reported(sh)
	s.stats.Opened[d].Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.slot, s.next = s.next, (s.next+1)%slots
	s.wheel[c.slot][c] = struct{}{}
	return c
}

// start begins to read, with what came behind the handshake. A server that is
// stopping says goodbye at once.
func (s *Server) start(c *Conn, first []byte) {
	if len(first) > 0 {
		c.received(first)
	}
	c.sock.Serve()
	s.mu.Lock()
	stopping := s.stopping
	s.mu.Unlock()
	if stopping {
		c.goodbye()
	}
}

// forget is the end of a connection.
func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	delete(s.wheel[c.slot], c)
	s.mu.Unlock()
	if c.user == nil {
		s.depart(c.address)
	} else {
		s.forgetUser(c.whoami().ID, c.user)
	}
	s.stats.Closed[c.dialect].Add(1)
	s.wg.Done()
}

func (s *Server) each(f func(*Conn)) {
	for i := range slots {
		for _, c := range s.slot(i) {
			f(c)
		}
	}
}
