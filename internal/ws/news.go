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
	gone   bool // they were in the room, and perhaps are not any more
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

// Changed is told of each change, and has the connections told that it concerns. It does
// not block.
func (s *Server) Changed(c chat.Change) {
	switch c.Kind {
	case chat.ChangeSessions:
		s.endSessions(c.Person.ID, c.Sessions)
	case chat.ChangeBlocks:
		s.Shut(c.Range)
	case chat.ChangePerson:
		for _, p := range s.hub.Peers(c.Person.ID) {
			p.Changed(c.Person)
		}
	case chat.ChangeListed:
		s.news.add(item{c.Person.ID, c.Room, c.Gone})
	case chat.ChangePending:
		s.news.add(item{room: c.Room})
	}
}

// Listed has a person's connections told how a room stands on their list now.
func (s *Server) Listed(id chat.UserID, room chat.RoomID) {
	s.announce(chat.Change{Kind: chat.ChangeListed, Person: chat.Person{ID: id}, Room: room, Gone: true})
}

// Pending has a room's moderators told what waits for them.
func (s *Server) Pending(room chat.RoomID) {
	s.announce(chat.Change{Kind: chat.ChangePending, Room: room})
}

// announce: what is not told now is seen when somebody looks.
func (s *Server) announce(c chat.Change) {
	if err := s.hub.Announce(s.ctx, c); err != nil && !isGone(err) {
		s.log.Error("tell about a room", "err", err)
	}
}

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
				err = s.tellListed(i)
			}
			if err != nil && !isGone(err) {
				s.log.Error("tell about a room", "err", err)
			}
		}
	}
}

// tellListed tells of a room that is on a list, or was. Of one that somebody may not
// know of, and did not know of, there is nothing to tell, nor to a token that is for
// other rooms.
func (s *Server) tellListed(i item) error {
	peers := s.hub.Peers(i.person)
	if len(peers) == 0 {
		return nil
	}
	m, err := s.dir.Access(s.ctx, i.person, i.room)
	if err != nil {
		return err
	}
	for _, p := range peers {
		who, now := p.Actor(), time.Now()
		q := chat.Question{Who: who, Act: chat.ActRead, Room: &m.Room, As: m.Standing, At: now}
		reads := q.Decide() == chat.Allowed
		switch {
		case m.State == chat.StateMember && reads:
			p.Tell(wire.AppendFrame(nil, &wire.Joined{ID: i.room, RoomInfo: wire.RoomFrame(m, who, now)}))
		case m.State != chat.StateMember && who.Scope.Covers(i.room) && (i.gone || m.Kind == chat.RoomPublic && !reads):
			p.Dropped(i.room)
			p.Tell(wire.AppendFrame(nil, &wire.Left{Room: i.room, Reason: m.State.String()}))
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
			switch _, err := chat.Authorize(s.ctx, s.dir, p.Actor(), room, chat.ActAudit); {
			case err == nil:
				p.Tell(frame)
			case chat.AsError(err).Code == chat.CodeInternal:
				return err
			}
		}
	}
	return nil
}
