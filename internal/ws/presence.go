package ws

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// presence tells who is here, and who only has a page open. It is never stored, and
// told only to connections that have said attend, in rooms they have open that are not
// large: in a room of ten thousand, everybody's coming and going would be fifty million
// frames.
type presence struct {
	watchers atomic.Int64 // connections that are told

	mu    sync.Mutex // guards the following
	moved map[chat.UserID]mover
	wake  chan struct{} // capacity 1

	last map[chat.UserID]state // of those who are here, as it was told last; owned by watch
}

// mover is somebody whose presence may have changed.
type mover struct {
	chat.Person
	near bool // by a connection here: other processes are to know
}

// state is what is told of somebody; the zero value is gone.
type state struct{ here, attentive bool }

const (
	maxCompany    = 500         // people in a room in which presence is told
	presencePause = time.Second // so that who reloads a page does not blink
)

// changed notes that somebody may have come, gone, or looked up.
func (p *presence) changed(who chat.Person) { p.add(mover{who, true}) }

func (p *presence) add(m mover) {
	if m.ID == "" {
		return
	}
	p.mu.Lock()
	m.near = m.near || p.moved[m.ID].near
	p.moved[m.ID] = m
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *presence) take() map[chat.UserID]mover {
	p.mu.Lock()
	defer p.mu.Unlock()
	moved := p.moved
	p.moved = make(map[chat.UserID]mover)
	return moved
}

// absence is how long a client may say nothing, not even pong, before its person counts
// as gone. With a look at each heartbeat that is less than a minute in all.
func (s *Server) absence() time.Duration { return s.heartbeat * 7 / 5 }

// Presence says whether somebody is here, and looks at none of their pages.
func (s *Server) Presence(id chat.UserID) (online, away bool) {
	p := s.hub.Presence(id)
	return p.Here, p.Here && !p.Attentive && p.Minds
}

// Moved notes that somebody may have come, gone or looked up elsewhere.
func (s *Server) Moved(who chat.Person) { s.presence.add(mover{who, false}) }

func (c *Conn) isWatching() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watches
}

// watch tells what moved, a second's worth at a time.
func (s *Server) watch() {
	for {
		select {
		case <-s.done:
			return
		case <-s.presence.wake:
		}
		moved := s.presence.take()
		var near []chat.Person
		for _, m := range moved {
			if m.near {
				near = append(near, m.Person)
			}
		}
		s.hub.TellPresence(near)
		s.tellPresence(moved)
		select {
		case <-s.done:
			return
		case <-time.After(presencePause):
		}
	}
}

func (s *Server) tellPresence(moved map[chat.UserID]mover) {
	frames := make(map[*Conn][]byte)
	for id, who := range moved {
		online, away := s.Presence(id)
		now := state{online, online && !away}
		if s.presence.last[id] == now {
			continue
		}
		s.presence.last[id] = now
		if !online {
			delete(s.presence.last, id)
		}
		if s.presence.watchers.Load() == 0 {
			continue
		}
		frame := wire.AppendFrame(nil, &wire.Presence{Person: wire.Whom{ID: id, Name: who.Name}, Online: online, Away: away})
		for c := range s.company(id) {
			frames[c] = append(frames[c], frame...)
		}
	}
	for c, b := range frames {
		c.Tell(b)
	}
}

// company returns the connections that are to know of somebody: each reads a room that
// this person has on their list.
func (s *Server) company(id chat.UserID) map[*Conn]bool {
	all := make(map[*Conn]bool)
	rooms, err := s.attention.Company(s.ctx, id, maxCompany)
	if err != nil && !isGone(err) {
		s.log.Error("find who shares a room", "err", err)
	}
	for _, room := range rooms {
		for _, r := range s.hub.Readers(room) {
			if c, ok := r.(*Conn); ok && c.isWatching() {
				all[c] = true
			}
		}
	}
	maps.DeleteFunc(all, func(c *Conn, _ bool) bool { return c.whoami().ID == id })
	return all
}
