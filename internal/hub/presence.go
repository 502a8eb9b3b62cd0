package hub

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
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

// Each process tells the others who came and went, and from time to time, since that may
// be lost, how many are here and a sum of them. Whoever has another sum asks for all.
// Whoever was not confirmed for a while, by name or by a sum that is right, is gone.
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
	people map[chat.UserID][]sighting // one for each process at which they were
	nodes  map[string]*nodeOf         // the other processes

	saying sync.Mutex              // held while notes are made and told, before mu is taken; guards the following
	said   map[chat.UserID]present // who is here, as the others were told
	sum    tally                   // of those
}

// tally is how many are here at a process, and a sum of who they are and how.
type tally struct {
	Count int    `json:"count"`
	Sum   uint64 `json:"sum"`
}

// add takes somebody in, or with -1 out.
func (t *tally) add(p present, n int) {
	if !p.gone() {
		t.Count += n
		t.Sum += uint64(n) * p.hash()
	}
}

// nodeOf is another process.
type nodeOf struct {
	tally               // of those who are there, as far as is known here
	sightings int       // there, with those who went
	sure      time.Time // until when those who are there count without being mentioned
}

type sighting struct {
	present
	node  *nodeOf
	n     uint64 // of the note that said so: an older one is late
	until time.Time
}

// roster is a note about who is where.
type roster struct {
	Node   string    `json:"node"`
	N      uint64    `json:"n"`
	People []present `json:"people,omitempty"`
	All    *tally    `json:"all,omitempty"` // those who are here, in sum
	Ask    string    `json:"ask,omitempty"` // the process that is to say who is with it, or everybody
	Bye    bool      `json:"bye,omitempty"` // the process ends, and nobody is with it
}

const everyNode = "*"

type present struct {
	ID        chat.UserID `json:"id"`
	Name      string      `json:"name"`
	Here      bool        `json:"here,omitempty"`
	Attentive bool        `json:"attentive,omitempty"`
	Minds     bool        `json:"minds,omitempty"`
}

func (p present) presence() Presence { return Presence{p.Here, p.Attentive, p.Minds} }
func (p present) gone() bool         { return p.presence() == Presence{} }

// hash is the same in every process.
func (p present) hash() uint64 {
	h := sha256.Sum256(fmt.Appendf(make([]byte, 0, 256), "%s\x00%s\x00%t %t %t", p.ID, p.Name, p.Here, p.Attentive, p.Minds))
	return binary.LittleEndian.Uint64(h[:])
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
		p = p.and(s.presence())
	}
	return p
}

// PeopleElsewhere returns how many people are known of at other processes.
func (h *Hub) PeopleElsewhere() int {
	h.far.mu.Lock()
	defer h.far.mu.Unlock()
	return len(h.far.people)
}

// TellPresence tells the others how people are here, where that is not what they were
// told.
func (h *Hub) TellPresence(people []chat.Person) {
	if h.Bus == nil {
		return
	}
	h.far.saying.Lock()
	defer h.far.saying.Unlock()
	var news []present
	for _, who := range people {
		near := h.near(who.ID)
		is := present{who.ID, who.Name, near.Here, near.Attentive, near.Minds}
		if was, ok := h.far.said[who.ID]; is == was || !ok && is.gone() {
			continue
		}
		h.far.say(is)
		news = append(news, is)
	}
	h.tellPeople(news)
}

// say notes what is told of somebody. e.saying is held.
func (e *elsewhere) say(p present) {
	e.sum.add(e.said[p.ID], -1)
	e.sum.add(p, 1)
	if p.gone() {
		delete(e.said, p.ID)
	} else {
		e.said[p.ID] = p
	}
}

// tellPeople tells of some people. h.far.saying is held.
func (h *Hub) tellPeople(people []present) {
	for part := range slices.Chunk(people, statePeople) {
		h.tellRoster(roster{People: part})
	}
}

// tellAll tells who is here, to those who asked.
func (h *Hub) tellAll() {
	h.far.saying.Lock()
	defer h.far.saying.Unlock()
	h.tellPeople(slices.Collect(maps.Values(h.far.said)))
}

// tellSum tells how many are here, and what they come to. Who came or went without a word
// is told of first.
func (h *Hub) tellSum() {
	h.TellPresence(h.everybody())
	h.far.saying.Lock()
	defer h.far.saying.Unlock()
	var left []present
	for _, p := range h.far.said {
		if h.near(p.ID) == (Presence{}) {
			left = append(left, present{ID: p.ID, Name: p.Name})
		}
	}
	for _, p := range left {
		h.far.say(p)
	}
	h.tellPeople(left)
	all := h.far.sum
	h.tellRoster(roster{All: &all})
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
	h.tellRoster(roster{Ask: everyNode})
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
				h.tellSum()
			case <-h.asked:
				h.tellAll()
			}
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
	if r.Ask == everyNode || r.Ask == h.far.node {
		select {
		case h.asked <- struct{}{}:
		default:
		}
	}
	moved, ok := h.far.take(r, time.Now())
	for _, who := range moved {
		h.Moved(who)
	}
	if !ok {
		h.tellRoster(roster{Ask: r.Node})
	}
}

// take notes what a process says, and returns whose presence may have changed, and
// whether that is all there is to know of it.
func (e *elsewhere) take(r roster, now time.Time) (moved []chat.Person, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Bye {
		at := e.nodes[r.Node]
		return e.forget(func(s sighting) bool { return s.node == at && s.n < r.N }), true
	}
	at := e.nodes[r.Node]
	if at == nil {
		at = new(nodeOf)
		e.nodes[r.Node] = at
	}
	for _, p := range r.People {
		if e.see(sighting{p, at, r.N, now.Add(stateFor)}) {
			moved = append(moved, chat.Person{ID: p.ID, Name: p.Name})
		}
	}
	if r.All == nil {
		return moved, true
	}
	if *r.All != at.tally {
		return moved, false
	}
	at.sure = now.Add(stateFor)
	return moved, true
}

// see notes how somebody is at a process, and says whether that is news. Who went is kept
// for a while too, lest a late note brings them back. e.mu is held.
func (e *elsewhere) see(s sighting) (news bool) {
	all := e.people[s.ID]
	i := slices.IndexFunc(all, func(old sighting) bool { return old.node == s.node })
	if i < 0 {
		s.node.sightings++
		s.node.add(s.present, 1)
		e.people[s.ID] = append(slices.Clip(all), s)
		return !s.gone()
	}
	before := all[i]
	if before.n > s.n {
		return false
	}
	s.node.add(before.present, -1)
	s.node.add(s.present, 1)
	all[i] = s
	return before.presence() != s.presence()
}

// forget drops sightings, and returns whose presence may have changed. e.mu is held.
func (e *elsewhere) forget(gone func(sighting) bool) (moved []chat.Person) {
	for id, all := range e.people {
		left := slices.DeleteFunc(all, func(s sighting) bool {
			if !gone(s) {
				return false
			}
			s.node.sightings--
			s.node.add(s.present, -1)
			if !s.gone() {
				moved = append(moved, chat.Person{ID: id, Name: s.Name})
			}
			return true
		})
		if e.people[id] = left; len(left) == 0 {
			delete(e.people, id)
		}
	}
	return moved
}

// forgetElsewhere drops who was not mentioned for long, and processes that are gone.
func (h *Hub) forgetElsewhere(now time.Time) {
	e := &h.far
	e.mu.Lock()
	moved := e.forget(func(s sighting) bool {
		return now.After(s.until) && (s.gone() || now.After(s.node.sure))
	})
	maps.DeleteFunc(e.nodes, func(_ string, n *nodeOf) bool { return n.sightings == 0 && now.After(n.sure) })
	e.mu.Unlock()
	for _, who := range moved {
		h.Moved(who)
	}
}
