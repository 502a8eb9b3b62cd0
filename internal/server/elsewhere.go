package server

import (
	"context"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// around knows whether anything here wants to know what other nodes store, in rooms that
// nobody reads here: an index for search, hooks and alerts. It looks at all rooms when
// hints may have been lost.
type around struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	heads  map[chat.RoomID]chat.Seq // as they were seen last; owned by the goroutine that looks
	wake   chan struct{}            // capacity 1

	mu             sync.Mutex // guards the following
	attend         func() (stop func())
	stop           func() // nil: nothing wants it
	index, outward bool   // want it
	anew           bool   // something wants it that did not: of all rooms
}

func newAround() *around {
	a := &around{heads: make(map[chat.RoomID]chat.Seq), wake: make(chan struct{}, 1)}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// lookAround begins to hear what other nodes store, and to look.
func (s *Server) lookAround() {
	a := s.around
	a.through(s.hub.ListenStored)
	a.wg.Go(func() {
		for {
			select {
			case <-a.ctx.Done():
				return
			case <-a.wake:
			}
			again, err := s.lookAtRooms()
			if err != nil && a.ctx.Err() == nil {
				s.log.Warn("look for what other nodes stored", "err", err)
			}
			if again {
				time.AfterFunc(lookAgain, a.look)
			}
		}
	})
}

// want says whether one of those wants to know.
func (a *around) want(who *bool, yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.anew = a.anew || yes && !*who; a.anew {
		a.look()
	}
	*who = yes
	a.listen()
}

// through says how hints are heard, and begins to; nil: no more.
func (a *around) through(attend func() (stop func())) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attend = attend
	a.listen()
}

// listen begins to hear hints, or ends that. a.mu is held.
func (a *around) listen() {
	switch wanted := a.attend != nil && (a.index || a.outward); {
	case wanted && a.stop == nil:
		a.stop = a.attend()
	case !wanted && a.stop != nil:
		a.stop()
		a.stop = nil
	}
}

// asked says whether to look at rooms, and whether at all of them.
func (a *around) asked() (wanted, all bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all, a.anew = a.anew, false
	return a.index || a.outward, all
}

// look has it look soon. It does not block.
func (a *around) look() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *around) close() {
	a.through(nil)
	a.cancel()
	a.wg.Wait()
}

// lookAgain is how long after a look that failed another one follows, and after the first
// one: hints are heard some time after they were asked for.
const lookAgain = 2 * time.Second

// lookAtRooms tells of all rooms that have moved since it looked last. again says that it
// should do so once more.
func (s *Server) lookAtRooms() (again bool, err error) {
	wanted, all := s.around.asked()
	if !wanted {
		return false, nil
	}
	if all {
		clear(s.around.heads)
	}
	rooms, err := s.store.AllRooms(s.around.ctx)
	for _, r := range rooms {
		if s.around.heads[r.ID] != r.Head {
			s.around.heads[r.ID] = r.Head
			s.elsewhere(r.ID, r.Head)
		}
	}
	return all || err != nil, err
}

// elsewhere is told of a room in which another node may have stored something.
func (s *Server) elsewhere(room chat.RoomID, head chat.Seq) {
	s.index.Stored(room, head)
	s.outward.new(room, head)
}
