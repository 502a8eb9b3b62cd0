package ws

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/tap"
	"hubbub/internal/wire"
)

// This file is what a connection tells those who watch it. While nobody does, that is
// one look at a pointer for each read and each write.

// tapped is one who watches a connection.
type tapped struct {
	*tap.Line
	person chat.UserID // who must be on the connection, once somebody is; "": anybody
}

// tapIn reports bytes that came, before they are unmasked. c.work is held.
func (c *Conn) tapIn(p []byte, now time.Time) {
	if all := c.taps.Load(); all != nil {
		for _, t := range *all {
			t.FromClient(p, now)
		}
		c.untap(func(t *tapped) bool { return t.Gone() })
	}
}

// tapOut reports bytes that were written. c.mu is held.
func (c *Conn) tapOut(p []byte) {
	if all := c.taps.Load(); all != nil {
		now := time.Now()
		for _, t := range *all {
			t.FromServer(p, now)
		}
	}
}

// tapEnd reports the end of the connection.
func (c *Conn) tapEnd() {
	if all := c.taps.Swap(nil); all != nil {
		for _, t := range *all {
			t.End(time.Now())
		}
	}
}

// retap changes who watches.
func (c *Conn) retap(change func([]*tapped) []*tapped) {
	for {
		old := c.taps.Load()
		var all []*tapped
		if old != nil {
			all = slices.Clone(*old)
		}
		all = change(all)
		next := &all
		if len(all) == 0 {
			next = nil
		}
		if c.taps.CompareAndSwap(old, next) {
			return
		}
	}
}

// untap takes off some of those who watch.
func (c *Conn) untap(which func(*tapped) bool) {
	if all := c.taps.Load(); all != nil && slices.ContainsFunc(*all, which) {
		c.retap(func(all []*tapped) []*tapped { return slices.DeleteFunc(all, which) })
	}
}

// belongs ends the reports to those who may not see the connections of a person.
func (c *Conn) belongs(id chat.UserID) {
	c.untap(func(t *tapped) bool { return t.person != "" && t.person != id })
}

// shake is what a handshake was, for the watch that it named.
type shake struct {
	http.ResponseWriter
	watch  *Watch
	head   tap.Handshake
	answer bytes.Buffer
}

// Hijack implements http.Hijacker: the answer is kept as it is sent.
func (s *shake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err == nil {
		rw = bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(io.MultiWriter(&s.answer, conn), 512))
	}
	return conn, rw, err
}

// newShake returns nil if the handshake names no watch that may be told of it.
func (s *Server) newShake(w http.ResponseWriter, r *http.Request, l chat.Login, plain bool) *shake {
	watch := s.watchOf(r, l, plain)
	if watch == nil {
		return nil
	}
	head, exact := requestHead(w, r)
	return &shake{ResponseWriter: w, watch: watch, head: tap.Handshake{Request: head, Exact: exact, Remote: r.RemoteAddr}}
}

// requestHead returns a request as its bytes came, if it came through the door, or
// built again from what the library kept of it.
func requestHead(w http.ResponseWriter, r *http.Request) (head string, exact bool) {
	if at, ok := w.(*reply); ok {
		return string(at.head), true
	}
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.RequestURI + " " + r.Proto + "\r\nHost: " + r.Host + "\r\n")
	r.Header.Write(&b)
	return b.String() + "\r\n", false
}

// reported begins to tell the watch of a handshake, if it named one. The connection
// has sent and received nothing yet.
func (c *Conn) reported(sh *shake) {
	if sh == nil {
		return
	}
	sh.head.Response, sh.head.Dialect = sh.answer.String(), c.name()
	opt := tap.Options{}
	if c.dialect == hub.Plain {
		opt.Text = plainText
	}
	t := &tapped{tap.NewLine(c.id, sh.watch.Ring, opt), sh.watch.person}
	t.Begin(sh.head, time.Now())
	c.taps.Store(&[]*tapped{t})
}

// name is what the dialect is called outside.
func (c *Conn) name() string {
	if c.dialect == hub.Plain {
		return "plain"
	}
	return wire.Subprotocol
}

// Connection is what the operator is told of one.
type Connection struct {
	ID      uint64
	Dialect string
	Person  chat.Person // without an id: nobody
	Address netip.Addr
	Since   time.Time
	Rooms   int // that are open on it
}

// Connections lists those there are, by their numbers.
func (s *Server) Connections() []Connection {
	var list []Connection
	s.each(func(c *Conn) { list = append(list, c.shown()) })
	slices.SortFunc(list, func(a, b Connection) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// shown is what the operator is told of a connection.
func (c *Conn) shown() Connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Connection{c.id, c.name(), c.person, c.address, time.UnixMilli(c.since), len(c.cursors)}
}

// WatchConnection reports a connection to a ring from now on, with the texts of its
// frames, and returns whose it is. It waits for the bytes that are being handled.
func (s *Server) WatchConnection(id uint64, ring *tap.Ring) (Connection, error) {
	var found *Conn
	s.each(func(c *Conn) {
		if c.id == id {
			found = c
		}
	})
	if found == nil || !found.join(ring) {
		return Connection{}, chat.Errorf(chat.CodeNotFound, "there is no connection %d", id)
	}
	return found.shown(), nil
}

// join adds a ring in the middle of the connection, unless that has ended.
func (c *Conn) join(ring *tap.Ring) bool {
	c.work.Lock()
	defer c.work.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	t := &tapped{Line: tap.NewLine(c.id, ring, tap.Options{Text: operatorText, Whole: c.dialect != hub.Plain})}
	p := &c.parser
	t.Resume(p.in, p.fragments > 0, p.msg, p.deflated, len(c.begun), time.Now())
	c.retap(func(all []*tapped) []*tapped { return append(all, t) })
	return true
}

// Ended is closed when the last connection has, and the server with it.
func (s *Server) Ended() <-chan struct{} { return s.ctx.Done() }
