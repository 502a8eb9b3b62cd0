package ws

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/time/rate"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/wire"
)

// Conn is one WebSocket connection. Its reading goroutine takes frames in and
// posts what they say; whoever moves a room drains the connection's cursors.
type Conn struct {
	// Fixed after construction.
	server  *Server
	ctx     context.Context // ends when the connection is closed
	cancel  context.CancelFunc
	sock    socket
	dialect hub.Dialect
	slot    int // of the server's wheel

	heard atomic.Int64 // when the client was last heard, Unix nanoseconds

	// work is held while the reading goroutine handles what it read. It guards
	// the following, and is taken before mu.
	work      sync.Mutex
	parser    parser
	speak     speaker
	drafts    []chat.Draft  // read, not posted yet
	limit     *rate.Limiter // messages; nil: no limit
	refusedTo time.Time     // refuse messages until then, to keep their order

	mu      sync.Mutex // guards the following
	person  chat.Person
	cursors map[chat.RoomID]*hub.Cursor
	loading map[*hub.Cursor]bool // cursors that a goroutine moves through the log
	fences  []fence
	replies []byte     // finished frames for this connection alone
	eased   *sync.Cond // no longer full, or closed
	full    bool       // the socket is: a goroutine writes what was begun
	typed   time.Time  // when a typing signal was last passed on
	closing bool       // a close frame is among the replies: nothing follows it
	closed  bool
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
	readBuffer  = 4 << 10          // bytes taken from the socket at a time
	maxDrafts   = 256              // messages posted together
	maxReplies  = 64 << 10         // bytes waiting for a client before we stop reading from it
	linger      = 2 * time.Second  // how long a client has to answer a close frame
	helloTime   = 10 * time.Second // how long a hubbub.v1 client has to say hello
	typingPause = time.Second      // between two typing signals of a connection
)

// read handles what the client sends until the connection ends.
func (c *Conn) read(first []byte) {
	err := c.take(first)
	buf := make([]byte, readBuffer)
	for err == nil {
		var n int
		if n, err = c.sock.Read(buf); err == nil {
			err = c.take(buf[:n])
		}
	}
	var ce *closeError
	if errors.As(err, &ce) {
		c.end(ce)
		c.awaitEnd(buf)
	}
	c.close()
}

// take handles some bytes: the frames in them, in order, then what they ask to
// be posted, then the answers. While it waits for the log, or for a client that
// does not read its answers, nothing more is read: that is the back-pressure a
// busy sender feels.
func (c *Conn) take(data []byte) error {
	c.heard.Store(time.Now().UnixNano())
	err := c.handleAll(data)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
	for len(c.replies) > maxReplies && !c.closed && !c.closing {
		c.eased.Wait()
	}
	return err
}

func (c *Conn) handleAll(data []byte) error {
	c.work.Lock()
	defer c.work.Unlock()
	err := c.parser.feed(data, c.handle)
	return errors.Join(c.post(), err)
}

// handle takes one message or control frame.
func (c *Conn) handle(op ws.OpCode, payload []byte) error {
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	switch {
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
	results := c.server.hub.Post(c.ctx, c.drafts)
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

// Tell sends a finished frame, from any goroutine.
func (c *Conn) Tell(frame []byte) {
	c.answer(frame)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
}

// Renamed says what the person is called now.
func (c *Conn) Renamed(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.person.Name = name
}

// end says goodbye: answers go out, then the close frame, then nothing.
func (c *Conn) end(ce *closeError, before ...byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.replies = appendClose(append(c.replies, before...), ce)
	c.closing = true
	c.eased.Broadcast()
	c.leaveRooms()
	c.flush()
	// The client may take its time to read, and to answer, but not for ever.
	c.sock.SetDeadline(time.Now().Add(linger))
}

// awaitEnd gives the client time to read our close frame: closing a socket with
// unread data in it would reset the connection and destroy the frame. RFC 6455,
// section 7.1.1.
func (c *Conn) awaitEnd(buf []byte) {
	c.mu.Lock()
	for c.full && !c.closed {
		c.eased.Wait()
	}
	c.mu.Unlock()
	c.sock.CloseWrite()
	for {
		if _, err := c.sock.Read(buf); err != nil {
			return
		}
	}
}

// leaveRooms closes all cursors. c.mu is held.
func (c *Conn) leaveRooms() {
	for id, cur := range c.cursors {
		cur.Close()
		delete(c.cursors, id)
	}
	c.fences = nil
}

// close ends the connection at once. It may be called more than once, by
// anyone.
func (c *Conn) close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed, c.closing = true, true
	c.leaveRooms()
	c.replies = nil
	c.eased.Broadcast()
	c.mu.Unlock()
	c.cancel()
	c.sock.Close()
}

// beat sends a heartbeat, or drops a client that was not heard for long.
func (c *Conn) beat(now time.Time, silence time.Duration) {
	if now.Sub(time.Unix(0, c.heard.Load())) > silence {
		c.close()
		return
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
			if cur.Seq() < seq && c.cursors[cur.Room().ID()] == cur {
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
