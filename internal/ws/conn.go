package ws

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/wire"
)

// Conn is one WebSocket connection. What its socket receives it takes apart and
// posts; whoever moves a room drains the connection's cursors. While nothing
// happens it is this struct and its cursors, no goroutine and no buffer.
type Conn struct {
	// Fixed after construction.
	server  *Server
	sock    socket
	speak   speaker
	dialect hub.Dialect
	slot    uint8 // of the server's wheel
	address netip.Addr
	id      uint64 // unique in this run
	since   int64  // Unix milliseconds

	taps atomic.Pointer[[]*tapped] // who watches; nil: nobody

	heard  atomic.Int64 // when the client was last heard, Unix nanoseconds
	silent atomic.Bool  // not for longer than a live client is: see Server.absence

	// work is held while received bytes are handled. It guards the following,
	// and is taken before mu.
	work     sync.Mutex
	parser   parser
	drafts   []chat.Draft // read, not posted yet
	messages bucket
	bytes    bucket
	user     *user // whose connection this is; nil: it has no identity

	mu      sync.Mutex // guards the following
	person  chat.Person
	session chat.SessionID
	scope   *chat.Scope // of a bot's token
	cursors []*hub.Cursor
	loading map[*hub.Cursor]bool // cursors that a goroutine moves through the log
	fences  []fence
	replies []byte // finished frames for this connection alone
	begun   []byte // what a full socket must be given next
	full    bool   // the socket is: it says when there is room
	stuffed bool   // too many replies wait: nothing is read
	resting bool   // the client sent too much: nothing is read
	closing bool   // a close frame is among the replies: nothing follows it
	parting bool   // the client is to say no more: our direction ends with the close frame
	closed  bool

	watches   bool // the client has said attend: it is told who is here
	attentive bool // and its person looks at it
}

// speaker is a dialect: what the messages of a client mean.
type speaker interface {
	// message takes one text message; an error ends the connection.
	message(text []byte) error
	// posted takes the results of c.drafts; an error ends the connection.
	posted(results []chat.Result) error
	// beat returns what to send with a ping. c.mu is held.
	beat(now time.Time) []byte
	// left is called once, when the connection has ended.
	left()
}

const (
	maxDrafts   = 256              // messages posted together
	maxReplies  = 64 << 10         // bytes waiting for a client before we stop reading from it
	linger      = 2 * time.Second  // how long a client has to answer a close frame
	helloTime   = 10 * time.Second // how long a hubbub.v1 client has to say hello
	typingPause = time.Second      // between two typing signals of a connection
)

// wants implements handler.
func (c *Conn) wants() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stuffed = len(c.replies) > maxReplies && !c.closing
	return !c.closed && !c.stuffed && !c.resting
}

// received implements handler: it handles the frames in data, in order, then
// posts what they say, then sends the answers.
func (c *Conn) received(data []byte) {
	now := time.Now()
	c.heard.Store(now.UnixNano())
	if c.silent.Load() && c.silent.CompareAndSwap(true, false) {
		c.server.presence.changed(c.whoami().Person)
	}
	c.server.stats.BytesIn.Add(int64(len(data)))
	err := c.handleAll(now, data)
	var ce *closeError
	switch {
	case errors.As(err, &ce):
		c.end(ce, true)
	case err != nil:
		c.broken()
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.flush()
	}
}

func (c *Conn) handleAll(now time.Time, data []byte) error {
	c.work.Lock()
	defer c.work.Unlock()
	c.tapIn(data, now)
	n := len(data)
	cost, err := c.parser.feed(data, c.handle)
	c.charge(now.UnixNano(), n+cost)
	return errors.Join(c.post(), err)
}

// handle takes one message or control frame.
func (c *Conn) handle(op ws.OpCode, payload []byte) error {
	c.mu.Lock()
	closing, parting := c.closing, c.parting
	c.mu.Unlock()
	switch {
	case parting:
		return nil
	case op == ws.OpClose:
		return errors.Join(c.post(), checkClose(payload))
	case closing: // what comes after our goodbye is not heard
		return nil
	case op == ws.OpPing:
		c.answer(appendControl(nil, ws.OpPong, payload))
		return nil
	case op == ws.OpPong:
		return nil
	}
	return c.speak.message(payload)
}

// draft adds a message to what will be posted together.
func (c *Conn) draft(d chat.Draft) error {
	c.drafts = append(c.drafts, d)
	if len(c.drafts) < maxDrafts {
		return nil
	}
	return c.post()
}

// post puts the drafts into the log and answers them.
func (c *Conn) post() error {
	if len(c.drafts) == 0 {
		return nil
	}
	c.server.stats.Messages.Add(int64(len(c.drafts)))
	results := c.server.hub.Post(c.server.ctx, c.drafts)
	err := c.speak.posted(results)
	c.drafts = nil
	return err
}

// answer adds finished frames to the replies; flush sends them.
func (c *Conn) answer(frames []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.replies = append(c.replies, frames...)
	}
}

// Tell sends a finished frame of hubbub.v1, from any goroutine. Plain text has no
// such thing.
func (c *Conn) Tell(frame []byte) {
	if c.dialect == hub.Plain {
		return
	}
	c.answer(frame)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
}

// Changed implements hub.Peer.
func (c *Conn) Changed(p chat.Person) {
	c.mu.Lock()
	c.person = p
	for _, cur := range c.cursors {
		cur.SetSelf(p)
	}
	c.mu.Unlock()
	you := wire.You(wire.PersonFrame(p))
	c.Tell(wire.AppendFrame(nil, &you))
}

// Dropped implements hub.Peer.
func (c *Conn) Dropped(room chat.RoomID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cur := c.cursor(room); cur != nil {
		c.drain(cur) // up to why
	}
	if cur := c.cursor(room); cur != nil {
		c.expel(cur)
	}
	c.flush()
}

// Actor implements hub.Peer.
func (c *Conn) Actor() chat.Actor { return c.whoami().Actor() }

// Person implements hub.Peer.
func (c *Conn) Person() chat.Person { return c.whoami().Person }

// Here implements hub.Peer.
func (c *Conn) Here() hub.Presence {
	here := !c.silent.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	return hub.Presence{Here: here, Attentive: here && c.attentive, Minds: c.watches}
}

// Address implements hub.Peer.
func (c *Conn) Address() netip.Addr { return c.address }

// login returns who is on the connection. c.mu is held.
func (c *Conn) login() chat.Login {
	return chat.Login{Person: c.person, Session: c.session, Scope: c.scope}
}

// whoami returns who is on the connection.
func (c *Conn) whoami() chat.Login {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.login()
}

// Session implements hub.Peer.
func (c *Conn) Session() chat.SessionID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Ended implements hub.Peer.
func (c *Conn) Ended() {
	c.end(&closeError{closeSignIn, "this session was ended"}, false)
}

// attend makes the connection one of its person's, unless the session ended a
// moment ago.
func (c *Conn) attend(l chat.Login) {
	s := c.server
	c.mu.Lock()
	c.person, c.session, c.scope = l.Person, l.Session, l.Scope
	c.mu.Unlock()
	c.belongs(l.ID)
	c.user = s.user(l.ID)
	s.depart(c.address)
	s.hub.Attend(l.ID, c)
	s.presence.changed(l.Person)
	if s.hasEnded(l.Session) {
		go c.Ended() // not within the frame that is being handled
	}
}

// end says goodbye: answers go out, then the close frame, then nothing. parting:
// the client has said goodbye too, or broke the protocol.
func (c *Conn) end(ce *closeError, parting bool, before ...byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if !c.closing {
		c.replies = appendClose(append(c.replies, before...), ce)
		c.closing = true
		c.leaveRooms()
		// The client may take its time to read, and to answer, but not for ever.
		time.AfterFunc(linger, c.broken)
	}
	c.parting = c.parting || parting
	c.flush()
}

// part ends our direction when the close frame is out, so that the client hangs
// up: closing a socket with unread data in it would reset the connection and
// destroy the frame. RFC 6455, section 7.1.1. c.mu is held.
func (c *Conn) part() {
	if c.parting && len(c.replies) == 0 && !c.full && !c.closed {
		c.sock.CloseWrite()
	}
}

// leaveRooms closes all cursors. c.mu is held.
func (c *Conn) leaveRooms() {
	for _, cur := range c.cursors {
		cur.Close()
	}
	c.cursors, c.fences = nil, nil
}

// cursor returns the cursor in a room, or nil. c.mu is held.
func (c *Conn) cursor(room chat.RoomID) *hub.Cursor {
	for _, cur := range c.cursors {
		if cur.Room().ID() == room {
			return cur
		}
	}
	return nil
}

// broken implements handler: it hangs up. It may be called by anyone, at any
// time.
func (c *Conn) broken() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hangUp()
}

// hangUp ends the connection at once. c.mu is held.
func (c *Conn) hangUp() {
	if c.closed {
		return
	}
	c.closed, c.closing = true, true
	c.leaveRooms()
	c.replies, c.begun = nil, nil
	c.sock.Close()
}

// ended implements handler.
func (c *Conn) ended() {
	c.speak.left()
	c.tapEnd()
	c.server.forget(c)
}

// beat sends a heartbeat, or drops a client that was not heard for long.
func (c *Conn) beat(now time.Time, silence time.Duration) {
	if now.Sub(time.Unix(0, c.heard.Load())) > silence {
		c.broken()
		return
	}
	if now.Sub(time.Unix(0, c.heard.Load())) > c.server.absence() && c.silent.CompareAndSwap(false, true) {
		c.server.presence.changed(c.whoami().Person)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full || c.closing {
		return
	}
	c.replies = append(c.replies, c.speak.beat(now)...)
	c.replies = appendControl(c.replies, ws.OpPing, nil)
	c.flush()
}

// fence is answered when each cursor has come as far as the room was.
type fence struct {
	n     uint64
	marks map[*hub.Cursor]chat.Seq
}

// passFences answers the fences whose time has come. c.mu is held.
func (c *Conn) passFences() {
	for len(c.fences) > 0 {
		for cur, seq := range c.fences[0].marks {
			if cur.Seq() < seq && slices.Contains(c.cursors, cur) {
				return
			}
		}
		c.replies = wire.AppendFrame(c.replies, &wire.Fence{N: c.fences[0].n})
		c.fences = c.fences[1:]
	}
}

// isGone says whether err is only the client having left.
func isGone(err error) bool {
	var ne net.Error
	return errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled) || errors.As(err, &ne)
}
