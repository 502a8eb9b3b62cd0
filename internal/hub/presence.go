package hub

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Presence is what connections show of a person: whether any client was heard lately,
// whether the person looks at one, and whether any says such things at all. Programs do
// not, nor do pages of old.
type Presence struct{ Here, Attentive, Minds bool }

func (p Presence) and(q Presence) Presence {
	return Presence{p.Here || q.Here, p.Attentive || q.Attentive, p.Minds || q.Minds}
}

// Each process tells the others who came and went, and, since that may be lost, all who
// are here from time to time. Whoever was not mentioned for a while is gone.
const (
	stateEvery  = 10 * time.Second
	stateFor    = 25 * time.Second
	statePeople = 400 // in a note: 128 bytes of name and 70 around them each, at most
)

// elsewhere is who is connected to other processes.
type elsewhere struct {
	node string // this process

	mu     sync.Mutex // guards the following
	told   uint64
	people map[chat.UserID]map[string]sighting // by process
}

type sighting struct {
	Presence
	name  string
	n     uint64 // of the note that said so: an older one is late
	until time.Time
}

// roster is a note about who is where.
type roster struct {
	Node   string    `json:"node"`
	N      uint64    `json:"n"`
	People []present `json:"people,omitempty"`
	Ask    bool      `json:"ask,omitempty"` // say who is with you
	Bye    bool      `json:"bye,omitempty"` // the process ends, and nobody is with it
}

type present struct {
	ID        chat.UserID `json:"id"`
	Name      string      `json:"name"`
	Here      bool        `json:"here,omitempty"`
	Attentive bool        `json:"attentive,omitempty"`
	Minds     bool        `json:"minds,omitempty"`
}

var presenceTopic = chat.Topic{About: chat.AboutPresence}

// Presence returns how somebody is here, by all of their connections everywhere.
func (h *Hub) Presence(id chat.UserID) Presence { return h.near(id).and(h.far.of(id)) }

// near is Presence of the connections here.
func (h *Hub) near(id chat.UserID) (p Presence) {
	for _, peer := range h.Peers(id) {
		p = p.and(peer.Here())
	}
	return p
}

// Here says whether somebody is here, and looks at one of their pages.
func (h *Hub) Here(id chat.UserID) (here, attentive bool) {
	p := h.Presence(id)
	return p.Here, p.Attentive
}

func (e *elsewhere) of(id chat.UserID) (p Presence) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.people[id] {
		p = p.and(s.Presence)
	}
	return p
}

// PeopleElsewhere returns how many people are known of at other processes.
func (h *Hub) PeopleElsewhere() int {
	h.far.mu.Lock()
	defer h.far.mu.Unlock()
	return len(h.far.people)
}

// TellPresence tells the others how people are here.
func (h *Hub) TellPresence(people []chat.Person) {
	if h.Bus == nil {
		return
	}
	for part := range slices.Chunk(people, statePeople) {
		r := roster{}
		for _, who := range part {
			p := h.near(who.ID)
			r.People = append(r.People, present{who.ID, who.Name, p.Here, p.Attentive, p.Minds})
		}
		h.tellRoster(r)
	}
}

func (h *Hub) tellRoster(r roster) {
	h.far.mu.Lock()
	h.far.told++
	r.Node, r.N = h.far.node, h.far.told
	h.far.mu.Unlock()
	h.passOn(presenceTopic, r)
}

// startPresence tells and hears who is where.
func (h *Hub) startPresence() {
	stop := h.Bus.Listen(presenceTopic, h.hearRoster)
	h.tellRoster(roster{Ask: true})
	h.crew.run(func() {
		defer h.tellRoster(roster{Bye: true})
		defer stop()
		t := time.NewTicker(stateEvery)
		defer t.Stop()
		for {
			select {
			case <-h.crew.ctx.Done():
				return
			case now := <-t.C:
				h.forgetElsewhere(now)
			case <-h.asked:
			}
			h.TellPresence(h.everybody())
		}
	})
}

// everybody returns who is connected here.
func (h *Hub) everybody() []chat.Person {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]chat.Person, 0, len(h.peers))
	for _, who := range h.peers {
		all = append(all, who.peers[0].Person())
	}
	return all
}

// hearRoster takes what another process says.
func (h *Hub) hearRoster(n chat.Note) {
	var r roster
	if json.Unmarshal(n.Data, &r) != nil || r.Node == "" {
		return
	}
	if r.Ask {
		select {
		case h.asked <- struct{}{}:
		default:
		}
	}
	for _, who := range h.far.take(r, time.Now()) {
		h.Moved(who)
	}
}

// take notes what a process says, and returns whose presence may have changed.
func (e *elsewhere) take(r roster, now time.Time) (moved []chat.Person) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Bye {
		return e.forget(func(node string, s sighting) bool { return node == r.Node && s.n < r.N })
	}
	for _, p := range r.People {
		at := e.people[p.ID]
		if at == nil {
			at = make(map[string]sighting)
			e.people[p.ID] = at
		}
		before := at[r.Node]
		if before.n > r.N {
			continue
		}
		is := Presence{p.Here, p.Attentive, p.Minds}
		at[r.Node] = sighting{is, p.Name, r.N, now.Add(stateFor)} // who went is kept too, lest a late note brings them back
		if before.Presence != is {
			moved = append(moved, chat.Person{ID: p.ID, Name: p.Name})
		}
	}
	return moved
}

// forget drops sightings, and returns whose presence may have changed. e.mu is held.
func (e *elsewhere) forget(gone func(node string, s sighting) bool) (moved []chat.Person) {
	for id, at := range e.people {
		for node, s := range at {
			if !gone(node, s) {
				continue
			}
			delete(at, node)
			if s.Presence != (Presence{}) {
				moved = append(moved, chat.Person{ID: id, Name: s.name})
			}
		}
		if len(at) == 0 {
			delete(e.people, id)
		}
	}
	return moved
}

// forgetElsewhere drops who was not mentioned for long.
func (h *Hub) forgetElsewhere(now time.Time) {
	h.far.mu.Lock()
	moved := h.far.forget(func(_ string, s sighting) bool { return now.After(s.until) })
	h.far.mu.Unlock()
	for _, who := range moved {
		h.Moved(who)
	}
}
