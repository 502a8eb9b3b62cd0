package hub

import (
	"context"

	"hubbub/internal/chat"
)

// Reader is a connection that holds cursors.
type Reader interface {
	// Drain moves c forward as far as the reader's socket takes without
	// waiting. It is called by the round of c's room whenever the room moved,
	// by one goroutine at a time for each cursor. It must not block.
	Drain(c *Cursor)
}

// Cursor is a reader's place in a room. Its methods may be called by one
// goroutine at a time: the reader has a lock for that, and takes it before the
// room's.
type Cursor struct {
	// Fixed after construction.
	tail   *tail
	reader Reader

	// Guarded by the reader's lock.
	seq      chat.Seq    // the last event given to the socket
	signaled uint64      // the last signal given to the socket
	closed   bool        // there is nothing more to give: a round may still come by
	self     chat.UserID // whose messages (Plain) or signals (V1) to pass over; to write it takes room.mu too

	// Guarded by room.mu.
	index int32      // place in room.members; -1: gone
	role  chat.Role  // of self
	state chat.State // how self stands to the room
	known chat.Seq   // where the log ended when it was decided that self may read
}

// Room returns the room the cursor is in.
func (c *Cursor) Room() *Room { return c.tail.room }

// Seq returns the last event that was given to the socket.
func (c *Cursor) Seq() chat.Seq { return c.seq }

// SetSelf says who the reader is by now.
func (c *Cursor) SetSelf(p chat.Person) {
	c.tail.room.mu.Lock()
	defer c.tail.room.mu.Unlock()
	c.self, c.role = p.ID, p.Role
}

// State says what Next found.
type State int

// The states of a cursor.
const (
	Ready  State = iota // the chunk is next
	AtHead              // nothing to send
	Behind              // the cursor is older than the tail: Load
	Ended               // the reader may not read any further: Close
)

// Next returns what comes behind the cursor: one contiguous run of frames, of
// any length. Who was cut while behind the tail is not given the rest: the log has
// it as it reads today. It neither locks nor allocates.
func (c *Cursor) Next() (Chunk, State) {
	if c.closed {
		return Chunk{}, Ended
	}
	v := c.tail.now.Load()
	head, atHead, behind := v.head, AtHead, Behind
	if last, cut := v.cuts[c]; cut {
		head, atHead, behind = last, Ended, Ended
	}
	if c.seq >= head {
		return Chunk{}, atHead
	}
	s := v.find(c.seq)
	if s == nil {
		return Chunk{}, behind
	}
	return s.from(c.seq, head, c.self), Ready
}

// Load returns what comes behind the event after in the log, for a cursor that is
// Behind. It may be called without the reader's lock; it blocks.
func (c *Cursor) Load(ctx context.Context, after chat.Seq) (*Page, error) {
	return c.tail.shelf.load(ctx, c.tail, after)
}

// NextIn is Next for a page instead of the tail. AtHead: the page is used up. A page
// may hold what was stored a moment ago, before anybody was asked whether this reader
// may read on: so it is used up where the tail ends. And since it holds messages as
// they read today, nothing of it is for who was cut.
func (c *Cursor) NextIn(p *Page) (Chunk, State) {
	v := c.tail.now.Load()
	last := min(p.seg.last(), v.head)
	if _, cut := v.cuts[c]; cut || c.closed {
		return Chunk{}, AtHead
	}
	if c.seq+1 < p.seg.first || c.seq >= last {
		return Chunk{}, AtHead
	}
	return p.seg.from(c.seq, last, c.self), Ready
}

// Wrote moves the cursor after n bytes of the chunk went out, and returns how
// many events that were. If the socket took less than everything, rest is what
// is left of a frame that counts as begun and must be the next thing written. It
// refers to shared memory: copy it.
func (c *Cursor) Wrote(chunk Chunk, n int) (events int, rest []byte) {
	c.seq, rest = chunk.split(n)
	return int(c.seq+1-chunk.seg.first) - chunk.first, rest
}

// NextSignal returns a frame that is worth sending now, or nil. It counts as
// sent.
func (c *Cursor) NextSignal() []byte {
	v := c.tail.now.Load()
	if _, cut := v.cuts[c]; cut || c.closed {
		return nil
	}
	for c.signaled < v.signaled {
		kept := uint64(len(v.signals))
		c.signaled = v.signaled - min(v.signaled-c.signaled, kept) + 1
		s := v.signals[kept-1-(v.signaled-c.signaled)]
		if s.author != c.self {
			return s.frame
		}
	}
	return nil
}

// Close takes the cursor out of its room. A Drain may still come after it, of a round
// that is under way, and finds nothing.
func (c *Cursor) Close() {
	c.closed = true
	if c.tail.room.detach(c) {
		c.tail.room.Release()
	}
}
