package ws

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Limits bound what clients may ask of a server. The zero value of a part lifts
// that limit.
type Limits struct {
	Messages     Rate // of one connection
	Bytes        Rate // of one connection; see readPrice
	UserMessages Rate // of one person's connections together, hubbub.v1
	UserBytes    Rate
	PerAddress   int  // connections of one address without an identity, HTTP and plain text
	Handshakes   Rate // new connections of one address
}

// DefaultLimits leave room for people and modest programs. People stay far
// below; a script that floods is slowed down.
func DefaultLimits() Limits {
	return Limits{
		Messages:     Rate{50, 400},
		Bytes:        Rate{256 << 10, 1 << 20},
		UserMessages: Rate{100, 800},
		UserBytes:    Rate{512 << 10, 2 << 20},
		PerAddress:   1000,
		Handshakes:   Rate{50, 1000},
	}
}

// Rate is so much per second, after a burst of so much. As text, and so as a
// flag, it is both with a comma between; 0 is no limit.
type Rate struct{ PerSecond, Burst float64 }

func (r Rate) String() string { return fmt.Sprintf("%.f,%.f", r.PerSecond, r.Burst) }

// Set implements flag.Value.
func (r *Rate) Set(text string) error {
	if text == "0" {
		*r = Rate{}
		return nil
	}
	rate, burst, _ := strings.Cut(text, ",")
	a, err1 := strconv.ParseUint(rate, 10, 40)
	b, err2 := strconv.ParseUint(burst, 10, 40)
	if err1 != nil || err2 != nil || a == 0 || b == 0 {
		return errors.New("a rate is how many per second, a comma, and how many at once, such as 50,400; or 0 for no limit")
	}
	*r = Rate{float64(a), float64(b)}
	return nil
}

// Type is what help calls it.
func (r *Rate) Type() string { return "rate" }

func (r Rate) span(n float64) int64 {
	if r.PerSecond <= 0 {
		return 0
	}
	return int64(n / r.PerSecond * 1e9)
}

// bucket is a token bucket by the moment at which it will be full, in Unix
// nanoseconds: the generic cell rate algorithm. Zero is full.
type bucket int64

// take takes n tokens, there or not.
func (b *bucket) take(now int64, n float64, r Rate) {
	*b = bucket(max(int64(*b), now) + r.span(n))
}

// wait returns how long until n tokens are there; not positive: they are.
func (b bucket) wait(now int64, n float64, r Rate) time.Duration {
	return time.Duration(max(int64(b), now) + r.span(n) - now - r.span(r.Burst))
}

// What reading costs beyond the bytes themselves, in bytes: whoever sends a
// message in a thousand fragments, or byte by byte, has us work more than their
// bytes say.
const (
	readPrice  = 1 << 10 // each read(2) with its wake-up
	framePrice = 128     // each frame; unpacking costs the bytes that come out
)

// user is what the connections of one person share.
type user struct {
	id chat.UserID

	mu       sync.Mutex // guards the following
	messages bucket
	bytes    bucket
	spent    spending

	conns int // guarded by Server.mu
}

// user returns the shared limits of a person, until forgetUser.
func (s *Server) user(id chat.UserID) *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[id]
	if u == nil {
		u = &user{id: id}
		s.users[id] = u
	}
	u.conns++
	return u
}

// forgetUser takes a connection off. Who leaves in debt stays known until it is
// paid: coming back does not help.
func (s *Server) forgetUser(id chat.UserID, u *user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.conns--
	drop := func() {
		if u.conns == 0 && s.users[id] == u && u.debt() <= 0 { // more debt has a timer of its own
			delete(s.users, id)
		}
	}
	full := u.debt()
	if full <= 0 {
		drop()
		return
	}
	time.AfterFunc(full, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		drop()
	})
}

// debt is how long it takes until all is paid.
func (u *user) debt() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Duration(max(u.messages, u.bytes)) - time.Duration(time.Now().UnixNano())
}

// charge takes what reading cost, in bytes, and has the
// connection rest while it is in debt. Nothing is lost by that: what the client
// sends meanwhile waits in its own socket. c.work is held.
func (c *Conn) charge(now int64, n int) {
	l := &c.server.limits
	price := float64(n + readPrice)
	c.bytes.take(now, price, l.Bytes)
	rest := max(c.bytes.wait(now, 0, l.Bytes), c.messages.wait(now, 0, l.Messages))
	if u := c.user; u != nil {
		u.mu.Lock()
		u.bytes.take(now, price, l.UserBytes)
		c.server.told.spendBytes(u, price)
		rest = max(rest, u.bytes.wait(now, 0, l.UserBytes))
		u.mu.Unlock()
	}
	if rest > 0 {
		c.rest(rest)
	}
}

// rest has nothing read for a while.
func (c *Conn) rest(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resting = true
	time.AfterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.resting = false; !c.closed {
			c.sock.Resume()
		}
	})
}

// allow takes a token for one message from the connection and its person, or
// returns how long until there is one. c.work is held.
func (c *Conn) allow(now int64) time.Duration {
	l := &c.server.limits
	wait := c.messages.wait(now, 1, l.Messages)
	if u := c.user; u != nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		if wait = max(wait, u.messages.wait(now, 1, l.UserMessages)); wait <= 0 {
			u.messages.take(now, 1, l.UserMessages)
			c.server.told.spendMessage(u)
		}
	}
	if wait <= 0 {
		c.messages.take(now, 1, l.Messages)
	}
	return wait
}

// ConnState is http.Server's hook: it counts down what the door has counted. A
// connection that becomes a WebSocket stays counted until it says who it is or
// ends.
func (s *Server) ConnState(nc net.Conn, state http.ConnState) {
	_, known := nc.(*begunConn)
	switch {
	case state == http.StateClosed:
		s.depart(address(nc))
	case state == http.StateNew && !known && !s.arrive(address(nc)): // it did not come by the door: TLS
		s.refused(chat.CodeRateLimited)
		nc.Close()
	}
}

// source is what the connections of an address share.
type source struct {
	conns int    // without an identity
	rate  bucket // of new ones
}

// arrive counts a connection without an identity, and says whether it is within
// the limits. Each needs a depart.
func (s *Server) arrive(a netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, now := s.source(a), time.Now().UnixNano()
	from.conns++
	switch {
	case s.behind(a):
		return true
	case s.limits.PerAddress > 0 && from.conns > s.limits.PerAddress, from.rate.wait(now, 1, s.limits.Handshakes) > 0:
		return false
	}
	from.rate.take(now, 1, s.limits.Handshakes)
	s.told.handshakes.Spent(a.String(), 1)
	return true
}

// source returns an address's. s.mu is held.
func (s *Server) source(a netip.Addr) *source {
	from := s.addresses[a]
	if from == nil {
		from = new(source)
		s.addresses[a] = from
	}
	return from
}

func (s *Server) depart(a netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.source(a)
	if from.conns--; from.conns <= 0 && int64(from.rate) <= time.Now().UnixNano() {
		delete(s.addresses, a)
	}
}

// forgetSources drops those that left and have paid.
func (s *Server) forgetSources(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, from := range s.addresses {
		if from.conns <= 0 && int64(from.rate) <= now.UnixNano() {
			delete(s.addresses, a)
		}
	}
}

// address returns where a connection comes from. An IPv6 customer has a whole
// /64, so that counts as one.
func address(nc net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(bare(nc).RemoteAddr().String())
	if err != nil {
		return netip.Addr{} // the pipes of tests
	}
	return customer(ap.Addr())
}

// bare takes off what stands before a connection: only a bare one says at once
// where it comes from, and not after the client has said something.
func bare(nc net.Conn) net.Conn {
	for {
		switch c := nc.(type) {
		case *begunConn:
			nc = c.Conn
		case interface{ NetConn() net.Conn }: // TLS
			nc = c.NetConn()
		case interface{ Raw() net.Conn }: // the PROXY protocol
			nc = c.Raw()
		default:
			return nc
		}
	}
}

func customer(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.Addr()
	}
	return a
}
