package hub

import (
	"maps"
	"slices"
	"sync/atomic"

	"hubbub/internal/chat"
)

// A tail is the newest events of a room in one dialect, encoded once and shared
// by all readers. It is a window: a reader whose cursor is older than the
// window reads from the log until it reaches it.
type tail struct {
	// Fixed after construction.
	room    *Room
	dialect Dialect

	// Guarded by the room's mu.
	segs     []segment            // ascending, without holes
	signals  []signal             // the newest few, V1 only
	signaled uint64               // number of the last signal, counted from 1
	cuts     map[*Cursor]chat.Seq // readers who may read no further than there; replaced whole

	shelf   shelf         // what readers behind the window read
	erasure atomic.Uint64 // counts what was taken out of the log

	// What readers look at, without a lock: replaced whole by publish.
	now atomic.Pointer[view]
}

// view is a tail as readers see it. It never changes.
type view struct {
	segs     []segment
	head     chat.Seq
	signals  []signal
	signaled uint64
	cuts     map[*Cursor]chat.Seq
}

// cut has a reader's view end at an event. It shows with the next publish.
func (t *tail) cut(c *Cursor, last chat.Seq) {
	if _, ok := t.cuts[c]; ok {
		return
	}
	cuts := map[*Cursor]chat.Seq{c: last}
	maps.Copy(cuts, t.cuts)
	t.cuts = cuts
}

// uncut forgets a reader who is gone.
func (t *tail) uncut(c *Cursor) {
	if _, ok := t.cuts[c]; !ok {
		return
	}
	cuts := maps.Clone(t.cuts)
	delete(cuts, c)
	if len(cuts) == 0 {
		cuts = nil
	}
	t.cuts = cuts
	t.publish()
}

// signal is a frame that is worth sending only now.
type signal struct {
	author chat.UserID
	frame  []byte
}

const (
	minSegment  = 4 << 10  // bytes of a room's first segment
	maxSegment  = 64 << 10 // bytes; a longer frame has a segment to itself
	maxSegments = 16       // so a busy room keeps about 1 MiB in each dialect
	maxSignals  = 16
)

// newTail returns an empty window behind the event after.
func newTail(r *Room, d Dialect, after chat.Seq) *tail {
	t := &tail{room: r, dialect: d}
	t.restart(after)
	t.publish()
	return t
}

// restart empties the window: it goes on behind the event after.
func (t *tail) restart(after chat.Seq) {
	t.segs = []segment{{dialect: t.dialect, first: after + 1}}
}

// forget empties the window up to an event that takes something out of the log: who
// comes later, or is behind, is given what is left of it.
func (t *tail) forget(seq chat.Seq) {
	if seq <= t.head() {
		return
	}
	t.erasure.Add(1)
	t.restart(seq - 1)
}

func (t *tail) head() chat.Seq { return t.segs[len(t.segs)-1].last() }

// append adds an event: one that the window has is dropped; one that leaves a
// gap restarts the window, and readers fetch what is missing from the log.
func (t *tail) append(e chat.Event) {
	switch head := t.head(); {
	case e.Seq <= head:
		return
	case e.Seq > head+1:
		t.restart(e.Seq - 1)
	}
	s := &t.segs[len(t.segs)-1]
	switch used := len(s.buf); {
	case cap(s.buf) == 0:
		s.buf = make([]byte, 0, max(minSegment, frameBound(e)))
	case used > 0 && used+frameBound(e) > cap(s.buf):
		s = t.grow(frameBound(e))
	}
	s.append(e)
}

// frameBound is an estimate of an event's frame in bytes. If it is too low the
// segment's buffer is copied once, which does no harm to readers.
func frameBound(e chat.Event) int { return 320 + len(e.Body) + len(e.Body)/8 }

// grow begins a segment, twice as long as the last within the bounds, and lets
// go of the oldest.
func (t *tail) grow(need int) *segment {
	last := t.segs[len(t.segs)-1]
	size := max(min(2*cap(last.buf), maxSegment), need)
	t.segs = append(t.segs, segment{dialect: t.dialect, first: last.last() + 1, buf: make([]byte, 0, size)})
	if len(t.segs) > maxSegments {
		t.segs = slices.Clone(t.segs[1:]) // so that the oldest is freed
	}
	return &t.segs[len(t.segs)-1]
}

// signal adds a signal and forgets the oldest.
func (t *tail) signal(s signal) {
	if len(t.signals) == maxSignals {
		t.signals = slices.Clone(t.signals[1:])
	}
	t.signals = append(t.signals, s)
	t.signaled++
}

// publish shows readers what was added. It allocates once for each batch of
// events, never for a reader.
func (t *tail) publish() {
	t.now.Store(&view{segs: slices.Clone(t.segs), head: t.head(), signals: t.signals, signaled: t.signaled, cuts: t.cuts})
}

// find returns the segment that holds the event behind after, or nil if the
// window begins later. after must be before the head. Most readers are near
// the head, so it looks from there.
func (v *view) find(after chat.Seq) *segment {
	for i := len(v.segs) - 1; i >= 0; i-- {
		if s := &v.segs[i]; after+1 >= s.first {
			return s
		}
	}
	return nil
}
