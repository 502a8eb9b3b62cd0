package server

import (
	"context"
	"sync"

	"hubbub/internal/chat"
)

// around looks at all rooms when hints of what other nodes stored may have been lost.
type around struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	heads  map[chat.RoomID]chat.Seq // as they were seen last; owned by run
	wake   chan struct{}            // capacity 1
}

// lookAround begins to wait for look.
func (s *Server) lookAround() {
	a := &s.around
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.heads, a.wake = make(map[chat.RoomID]chat.Seq), make(chan struct{}, 1)
	a.wg.Go(func() {
		for {
			select {
			case <-a.ctx.Done():
				return
			case <-a.wake:
			}
			if err := s.lookAtRooms(); err != nil && a.ctx.Err() == nil {
				s.log.Warn("look for what other nodes stored", "err", err)
			}
		}
	})
}

// look has it look soon. It does not block.
func (a *around) look() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *around) close() {
	a.cancel()
	a.wg.Wait()
}

func (s *Server) lookAtRooms() error {
	rooms, err := s.store.AllRooms(s.around.ctx)
	for _, r := range rooms {
		if s.around.heads[r.ID] != r.Head {
			s.around.heads[r.ID] = r.Head
			s.elsewhere(r.ID, r.Head)
		}
	}
	return err
}

// elsewhere is told of a room in which another node may have stored something.
func (s *Server) elsewhere(room chat.RoomID, head chat.Seq) {
	s.index.Stored(room)
	s.outward.new(room, head)
}
