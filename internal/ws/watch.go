package ws

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/tap"
)

// Watch is what a page, or whoever has its id, sees of the frames of its own
// connections. A connection names it in its handshake. docs/wire-view.md.
type Watch struct {
	Ring    *tap.Ring
	id      string
	person  chat.UserID
	session chat.SessionID

	// Guarded by watches.mu.
	read bool        // somebody reads it
	idle *time.Timer // forgets it when nobody does
}

// watches are all watches by their ids.
type watches struct {
	mu  sync.Mutex // guards the following
	all map[string]*Watch
}

const (
	maxWatches   = 8                // of a person
	allWatches   = 256              // of everybody: with watchBytes that is 128 MiB, if nobody reads
	watchBytes   = 512 << 10        // that wait for a reader
	watchIdle    = 30 * time.Second // a watch is kept that nobody reads
	plainText    = 4 << 10          // bytes of a plain text that a watch shows
	operatorText = 64 << 10         // bytes of any text that the operator sees
)

// NewWatch makes a watch for a session and returns its id.
func (s *Server) NewWatch(l chat.Login) (string, error) {
	b := make([]byte, 16)
	rand.Read(b)
	w := &Watch{Ring: tap.NewRing(watchBytes), id: base64.RawURLEncoding.EncodeToString(b), person: l.ID, session: l.Session}
	if err := s.watches.add(w); err != nil {
		return "", err
	}
	if s.hasEnded(l.Session) {
		s.watches.forget(w)
	}
	return w.id, nil
}

func (ws *watches) add(w *Watch) error {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	own := 0
	for _, other := range ws.all {
		if other.person == w.person {
			own++
		}
	}
	if own >= maxWatches || len(ws.all) >= allWatches {
		err := chat.Errorf(chat.CodeRateLimited, "too many watches at a time; those that nobody reads end soon")
		err.RetryAfter = watchIdle
		return err
	}
	if ws.all == nil {
		ws.all = make(map[string]*Watch)
	}
	ws.all[w.id] = w
	w.idle = time.AfterFunc(watchIdle, func() { ws.lapse(w) })
	return nil
}

// lapse forgets a watch that nobody reads.
func (ws *watches) lapse(w *Watch) {
	ws.mu.Lock()
	read := w.read
	ws.mu.Unlock()
	if !read {
		ws.forget(w)
	}
}

// forget ends a watch.
func (ws *watches) forget(w *Watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.all, w.id)
	w.idle.Stop()
	w.Ring.Close()
}

// endOf ends the watches of sessions that ended.
func (ws *watches) endOf(ended func(chat.SessionID) bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for id, w := range ws.all {
		if ended(w.session) {
			delete(ws.all, id)
			w.idle.Stop()
			w.Ring.Close()
		}
	}
}

// ReadWatch has a session read its watch until release. To others there is none.
func (s *Server) ReadWatch(id string, l chat.Login) (w *Watch, release func(), err error) {
	ws := &s.watches
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w = ws.all[id]
	switch {
	case w == nil || w.person != l.ID || w.session != l.Session || l.Session == "":
		return nil, nil, chat.Errorf(chat.CodeNotFound, "there is no such watch")
	case w.read:
		return nil, nil, chat.Errorf(chat.CodeConflict, "somebody reads that watch")
	}
	w.read = true
	w.idle.Stop()
	return w, func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		w.read = false
		if ws.all[id] == w {
			w.idle.Reset(watchIdle)
		}
	}, nil
}

// watchOf returns the watch that a handshake names, if it may be told of the
// connection: it is of the same person, or the connection is nobody's and plain. A
// hubbub.v1 connection becomes somebody's by its hello, so until it is it is not told.
func (s *Server) watchOf(r *http.Request, l chat.Login, plain bool) *Watch {
	if !strings.Contains(r.URL.RawQuery, "wire=") {
		return nil
	}
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	w := s.watches.all[r.URL.Query().Get("wire")]
	if w == nil || w.person != l.ID && (l.ID != "" || !plain) {
		return nil
	}
	return w
}
