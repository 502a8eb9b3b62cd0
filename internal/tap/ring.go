package tap

import "sync"

// Ring keeps records for one reader. Whoever adds never waits: what does not fit
// is dropped and counted. Its methods may be called from any goroutine.
type Ring struct {
	most int // bytes
	wake chan struct{}
	gone chan struct{} // closed by Close

	mu      sync.Mutex // guards the following
	records []Record
	size    int
	skipped int
	closed  bool
}

// NewRing returns a ring for about so many bytes.
func NewRing(most int) *Ring {
	return &Ring{most: most, wake: make(chan struct{}, 1), gone: make(chan struct{})}
}

// Add takes a record, if there is room.
func (r *Ring) Add(rec Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := rec.size()
	switch {
	case r.closed:
		return
	case r.size+size > r.most && len(r.records) > 0:
		r.skipped++
		return
	}
	r.mention()
	r.records = append(r.records, rec)
	r.size += size
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// mention adds how many were skipped. r.mu is held.
func (r *Ring) mention() {
	if r.skipped > 0 {
		r.records = append(r.records, Record{Kind: KindSkipped, Count: r.skipped})
		r.skipped = 0
	}
}

// Take returns what there is, and makes room.
func (r *Ring) Take() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mention()
	all := r.records
	r.records, r.size = nil, 0
	return all
}

// Wake receives when something was added.
func (r *Ring) Wake() <-chan struct{} { return r.wake }

// Gone is closed when nobody will read any more.
func (r *Ring) Gone() <-chan struct{} { return r.gone }

// Close says that nobody will read any more.
func (r *Ring) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed, r.records, r.size = true, nil, 0
		close(r.gone)
	}
}

// Closed says whether Close was called.
func (r *Ring) Closed() bool {
	select {
	case <-r.gone:
		return true
	default:
		return false
	}
}
