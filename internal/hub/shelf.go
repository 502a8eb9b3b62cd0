package hub

import (
	"context"
	"fmt"
	"sync"
	"weak"

	"hubbub/internal/chat"
)

// Page is a run of events read from the log for cursors that are behind the tail.
// It never changes.
type Page struct {
	seg     segment
	erasure uint64 // tail.erasure before it was read
}

// pageEvents is how many events are read from the log at a time.
const pageEvents = 256

// shelf holds the pages that somebody uses now, so that those who are behind
// together read the log once. A room whose readers fall behind because there is too
// much to say would else fall further: each of a thousand would read and encode the
// same for itself (bench: past its limit, a room of 1,000 over hubbub.v1 went from 12
// to 3 million deliveries a second).
type shelf struct {
	mu    sync.Mutex // held while a page is read: who waits finds it
	pages [4]weak.Pointer[Page]
	next  int
}

// load returns a page that holds the event behind after.
func (s *shelf) load(ctx context.Context, t *tail, after chat.Seq) (*Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.pages {
		if p := w.Value(); p != nil && p.erasure == t.erasure.Load() && p.seg.first <= after+1 && after < p.seg.last() {
			return p, nil
		}
	}
	p, err := t.read(ctx, after)
	if err != nil {
		return nil, err
	}
	s.pages[s.next] = weak.Make(p)
	s.next = (s.next + 1) % len(s.pages)
	return p, nil
}

// read reads a page from the log.
func (t *tail) read(ctx context.Context, after chat.Seq) (*Page, error) {
	h := t.room.hub
	select {
	case h.loads <- struct{}{}:
		defer func() { <-h.loads }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	erasure := t.erasure.Load()
	events, err := h.log.Read(ctx, t.room.id, after, pageEvents)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("room %s ends at %d, its tail goes on", t.room.id, after)
	}
	p := &Page{erasure: erasure, seg: segment{dialect: t.dialect, first: after + 1}}
	for _, e := range events {
		p.seg.append(e)
	}
	return p, nil
}
