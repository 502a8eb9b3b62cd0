package ws

import "sync/atomic"

// Stats count what the connections do since the start. They may be read at any
// time.
type Stats struct {
	Opened     [3]atomic.Int64 // connections, by hub.Dialect
	Closed     [3]atomic.Int64
	Messages   atomic.Int64 // received and posted
	Deliveries atomic.Int64 // events handed to sockets
	BytesIn    atomic.Int64
	BytesOut   atomic.Int64
	Resumes    atomic.Int64 // rooms opened behind an event the client had
	Resets     atomic.Int64 // rooms that a client had to load anew
	CatchUps   atomic.Int64 // cursors older than their tail, that read the log
	Full       atomic.Int64 // times that a socket took no more: slow readers
}

// Stats returns the counters of all connections.
func (s *Server) Stats() *Stats { return s.stats }
