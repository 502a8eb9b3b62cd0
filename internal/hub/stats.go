package hub

import "sync/atomic"

// Stats count what it takes to have what other processes stored. They may be read at any
// time.
type Stats struct {
	Reads   atomic.Int64 // of the log, for what others stored
	Fetched atomic.Int64 // events that came by those reads
	Checks  atomic.Int64 // statements that asked how far the live rooms are
	Found   atomic.Int64 // rooms in which such a check saw what no hint had told of
}

// Stats returns the counters.
func (h *Hub) Stats() *Stats { return &h.stats }
