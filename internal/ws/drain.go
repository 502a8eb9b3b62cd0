package ws

import (
	"bytes"
	"slices"

	"github.com/gobwas/ws"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
)

// This file is the way out of a connection. There is one: replies first, then
// what the cursors have not seen, both written without waiting. When the socket
// is full, what is left of the frame that was begun is kept until there is room,
// and nothing else: the cursors remember the rest. Live readers, those who catch
// up and slow ones differ only in where the next chunk comes from.

// Drain moves a cursor as far as the socket takes. Rooms call it.
func (c *Conn) Drain(cur *hub.Cursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain(cur)
	c.flushReplies()
}

// drain is Drain. c.mu is held.
func (c *Conn) drain(cur *hub.Cursor) {
	for !c.full && !c.closing {
		chunk, state := cur.Next()
		switch state {
		case hub.Ready:
			c.send(cur, chunk)
		case hub.Behind:
			c.catchUp(cur)
			return
		case hub.AtHead:
			c.sendSignals(cur)
			c.passFences()
			return
		case hub.Ended:
			c.expel(cur)
			return
		}
	}
}

// expel closes a cursor whose reader may read no further. A plain connection is in
// one room, and ends with it. c.mu is held.
func (c *Conn) expel(cur *hub.Cursor) {
	c.closeCursor(cur)
	c.passFences()
	if c.dialect == hub.Plain {
		go c.end(errExpelled, false) // not within the round
	}
}

var errExpelled = &closeError{ws.StatusPolicyViolation, "this room is not open to you any more"}

// closeCursor takes a cursor off. c.mu is held.
func (c *Conn) closeCursor(cur *hub.Cursor) {
	cur.Close()
	c.cursors = slices.DeleteFunc(c.cursors, func(other *hub.Cursor) bool { return other == cur })
}

// send writes a chunk and moves the cursor. c.mu is held.
func (c *Conn) send(cur *hub.Cursor, chunk hub.Chunk) {
	n, ok := c.write(chunk.Bytes())
	if !ok {
		return
	}
	events, rest := cur.Wrote(chunk, n)
	c.server.stats.Deliveries.Add(int64(events))
	if len(rest) > 0 {
		c.finish(bytes.Clone(rest))
	}
}

// sendSignals writes what is worth saying only now. c.mu is held.
func (c *Conn) sendSignals(cur *hub.Cursor) {
	for !c.full && !c.closing {
		frame := cur.NextSignal()
		if frame == nil {
			return
		}
		if n, ok := c.write(frame); ok && n < len(frame) {
			c.finish(bytes.Clone(frame[n:]))
		}
	}
}

// flush writes the replies, then whatever the cursors have not seen. c.mu is
// held.
func (c *Conn) flush() {
	c.passFences()
	c.flushReplies()
	c.part()
}

// flushReplies writes the replies. c.mu is held.
func (c *Conn) flushReplies() {
	if c.full || c.closed || len(c.replies) == 0 {
		return
	}
	p := c.replies
	n, ok := c.write(p)
	if !ok {
		return
	}
	c.replies = nil
	if n < len(p) {
		c.finish(p[n:])
	}
	if c.stuffed {
		c.stuffed = false
		c.sock.Resume()
	}
}

// write writes what fits; not ok: the connection is broken. c.mu is held.
func (c *Conn) write(p []byte) (n int, ok bool) {
	if len(p) == 0 {
		return 0, true
	}
	n, err := c.sock.TryWrite(p)
	if err != nil {
		c.hangUp()
		return 0, false
	}
	c.server.stats.BytesOut.Add(int64(n))
	c.tapOut(p[:n])
	return n, true
}

// finish keeps what a full socket must be given next. c.mu is held.
func (c *Conn) finish(rest []byte) {
	c.begun, c.full = rest, true
	c.server.stats.Full.Add(1)
}

// writable implements handler: it goes on where a full socket stopped it.
func (c *Conn) writable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.full || c.closed {
		return
	}
	n, ok := c.write(c.begun)
	if !ok || n < len(c.begun) {
		c.begun = c.begun[n:]
		return
	}
	c.begun, c.full = nil, false
	c.flushReplies()
	for _, cur := range slices.Clone(c.cursors) { // drain may close some
		c.drain(cur)
	}
	c.flush()
}

// catchUp reads the log for a cursor that is behind its room's tail, until it
// is not, or the socket is full. c.mu is held.
func (c *Conn) catchUp(cur *hub.Cursor) {
	if c.loading[cur] {
		return
	}
	if c.loading == nil {
		c.loading = make(map[*hub.Cursor]bool)
	}
	c.loading[cur] = true
	c.server.stats.CatchUps.Add(1)
	after := cur.Seq()
	c.server.wg.Go(func() {
		for more := true; more; {
			page, err := cur.Load(c.server.ctx, after)
			if err != nil {
				c.unread(err)
				return
			}
			after, more = c.sendPage(cur, page)
		}
	})
}

// sendPage writes a page from the log. More: the cursor is still behind the
// tail and the socket takes more.
func (c *Conn) sendPage(cur *hub.Cursor, page *hub.Page) (after chat.Seq, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.full && !c.closing && slices.Contains(c.cursors, cur) {
		chunk, state := cur.NextIn(page)
		if state == hub.Ready {
			c.send(cur, chunk)
			continue
		}
		if _, state := cur.Next(); state == hub.Behind {
			return cur.Seq(), true
		}
		break
	}
	delete(c.loading, cur)
	if slices.Contains(c.cursors, cur) {
		c.drain(cur)
	}
	c.flushReplies()
	return 0, false
}

// unread ends the connection because the log could not be read.
func (c *Conn) unread(err error) {
	if !isGone(err) {
		c.server.log.Error("read the log for a client", "err", err)
	}
	c.broken()
}
