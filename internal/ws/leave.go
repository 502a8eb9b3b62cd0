package ws

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"hubbub/internal/hub"
	"hubbub/internal/wire"
)

// goodbye ends the connection. Clients come back spread over two seconds, so that not all
// do at once.
func (c *Conn) goodbye() { c.leave("restart", 0.5+2*rand.Float64(), "the server restarts") }

// move ends the connection of a client that is taken at once elsewhere.
func (c *Conn) move() { c.leave("move", 0.2*rand.Float64(), "another server takes over") }

// leave lets the frame that is being handled finish, and ends the connection. after: when
// the client should come back, in seconds.
func (c *Conn) leave(reason string, after float64, text string) {
	c.work.Lock()
	defer c.work.Unlock()
	var farewell []byte
	if c.dialect != hub.Plain {
		farewell = wire.AppendFrame(nil, &wire.Goodbye{Reason: reason, RetryAfter: math.Floor(after*1000) / 1000})
	}
	c.end(&closeError{closeRestart, text}, false, farewell...)
}

// Move tells all who are here, one after the other within the time, to come back at once:
// another server takes them. Who comes meanwhile stays until Close. It returns when all
// are told, or ctx ends.
func (s *Server) Move(ctx context.Context, within time.Duration) {
	var all []*Conn
	s.each(func(c *Conn) { all = append(all, c) })
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	begun := time.Now()
	for i, c := range all {
		due := within * time.Duration(i) / time.Duration(len(all))
		if wait := due - time.Since(begun); wait > time.Millisecond {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
		go c.move() // it may have to wait for a commit
	}
}

// Close stops taking work, tells every client when to come back, and returns
// when all connections have ended, or ctx has and they were cut.
func (s *Server) Close(ctx context.Context) {
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		close(s.done)
	}
	s.mu.Unlock()
	s.Restart()
	ended := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		s.cut()
		s.each((*Conn).broken)
		<-ended
	}
	s.cut()
	s.made.Load().close()
}
