package ws

import (
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// news is what people's connections must be told that is no event in a room they
// have open: that a room came to their list, or went, or has something for its
// moderators. It says only whom to tell about what; what there is to say is read when
// it is said, so that the last word is always right.
type news struct {
	mu    sync.Mutex // guards the following
	queue []item
	wake  chan struct{} // capacity 1: there is something in the queue
}

// item is about a person and a room; "" for the person is the room's moderators.
type item struct {
	person chat.UserID
	room   chat.RoomID
}

func (n *news) add(i item) {
	n.mu.Lock()
	n.queue = append(n.queue, i)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *news) take() (all []item) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all, n.queue = n.queue, nil
	return all
}

// Changed is told of each event that changes a room or who is in it.
func (s *Server) Changed(e chat.Event) {
	if id, ok := e.Concerns(); ok {
		s.news.add(item{id, e.Room})
	}
}

// Listed has a person's connections told how a room stands on their list now.
func (s *Server) Listed(id chat.UserID, room chat.RoomID) { s.news.add(item{id, room}) }

// Pending has a room's moderators told what waits for them.
func (s *Server) Pending(room chat.RoomID) { s.news.add(item{"", room}) }

// spread tells the news, in their order.
func (s *Server) spread() {
	for {
		select {
		case <-s.done:
			return
		case <-s.news.wake:
		}
		for _, i := range s.news.take() {
			var err error
			if i.person == "" {
				err = s.tellModerators(i.room)
			} else {
				err = s.tellListed(i.person, i.room)
			}
			if err != nil && !isGone(err) {
				s.log.Error("tell about a room", "err", err)
			}
		}
	}
}

func (s *Server) tellListed(id chat.UserID, room chat.RoomID) error {
	peers := s.hub.Peers(id)
	if len(peers) == 0 {
		return nil
	}
	m, err := s.dir.Access(s.ctx, id, room)
	if err != nil {
		return err
	}
	for _, p := range peers {
		if m.State != chat.StateMember {
			p.Dropped(room)
			p.Tell(wire.AppendFrame(nil, &wire.Left{Room: room, Reason: m.State.String()}))
			continue
		}
		who := p.Actor()
		if q := (chat.Question{Who: who, Act: chat.ActRead, Room: &m.Room, As: m.Standing, At: time.Now()}); q.Decide() == chat.Allowed {
			p.Tell(wire.AppendFrame(nil, &wire.Joined{ID: room, RoomInfo: wire.RoomFrame(m, who, time.Now())}))
		}
	}
	return nil
}

func (s *Server) tellModerators(room chat.RoomID) error {
	reports, guests, err := s.dir.Pending(s.ctx, room)
	if err != nil {
		return err
	}
	who, err := s.dir.Moderators(s.ctx, room)
	if err != nil {
		return err
	}
	frame := wire.AppendFrame(nil, &wire.Report{Room: room, Open: reports, Waiting: guests})
	for _, id := range who {
		for _, p := range s.hub.Peers(id) {
			p.Tell(frame)
		}
	}
	return nil
}
