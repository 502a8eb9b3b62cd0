package hub

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// Other processes append to the log too. A room here hears that its head moved, by a hint
// or, since hints get lost, by the check of all heads; or it sees that one of its own
// events has a number too high. Then it reads what is missing, once, and gives its
// readers that and all that comes behind it, as ever.

// announce tells the others how far a room is.
func (h *Hub) announce(room chat.RoomID, head chat.Seq) {
	if h.Bus != nil {
		h.Bus.Tell(chat.RoomTopic(room), chat.Note{Head: head})
		h.fresh.add(room, head)
	}
}

// listen listens to a topic, if there is anybody to hear.
func (h *Hub) listen(t chat.Topic, f func(chat.Note)) (stop func()) {
	if h.Bus == nil {
		return func() {}
	}
	return h.Bus.Listen(t, f)
}

// passOn tells the others something that is worth knowing only now.
func (h *Hub) passOn(t chat.Topic, what any) {
	if h.Bus == nil {
		return
	}
	if data, err := json.Marshal(what); err == nil {
		h.Bus.Tell(t, chat.Note{Data: data})
	}
}

// note takes what another process says of the room.
func (r *Room) note(n chat.Note) {
	if n.Head > 0 {
		r.mu.Lock()
		r.hinted = max(r.hinted, n.Head)
		r.fetch()
		r.mu.Unlock()
	}
	var author wire.Person
	if len(n.Data) > 0 && json.Unmarshal(n.Data, &author) == nil && author.ID != "" {
		r.signal(author)
	}
}

// known says that the room has at least so many events, by the log itself. It returns
// whether that is news.
func (r *Room) known(head chat.Seq) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	news := r.ready() && head > max(r.seen, r.hinted)
	r.seen = max(r.seen, head)
	r.fetch()
	return news
}

// Ask looks into the log how far the room is, for Head: somebody has been told more of it
// elsewhere.
func (r *Room) Ask(ctx context.Context) error {
	head, err := r.hub.log.Head(ctx, r.id)
	if err == nil {
		r.known(head.Seq)
	}
	return err
}

// fetch has read what is missing, by one goroutine at a time. r.mu is held.
func (r *Room) fetch() {
	if !r.fetching && r.misses() {
		r.fetching = r.hub.crew.run(r.catchUp)
	}
}

// misses says whether there is more than readers have. r.mu is held.
func (r *Room) misses() bool {
	return r.ready() && !r.gone && r.applied < max(r.seen, r.hinted)
}

// catchUp reads what is missing until nothing is. If the log can not be read, the next
// hint or the next check begins anew.
func (r *Room) catchUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.fetching = false }()
	for r.misses() {
		after, hinted := r.applied, r.hinted
		r.mu.Unlock()
		events, err := r.hub.readMissing(r.id, after)
		r.mu.Lock()
		switch {
		case err != nil:
			return
		case len(events) > 0:
			r.seen = max(r.seen, events[len(events)-1].Seq)
			r.take(events)
		case r.hinted > hinted: // while the log was read
		default:
			r.hinted = 0 // nobody has stored that
			return
		}
	}
}

// readMissing reads a page of what others appended.
func (h *Hub) readMissing(room chat.RoomID, after chat.Seq) ([]chat.Event, error) {
	select {
	case h.loads <- struct{}{}:
		defer func() { <-h.loads }()
	case <-h.crew.ctx.Done():
		return nil, h.crew.ctx.Err()
	}
	events, err := h.log.Read(h.crew.ctx, room, after, pageEvents)
	h.stats.Reads.Add(1)
	h.stats.Fetched.Add(int64(len(events)))
	if err != nil && h.crew.ctx.Err() == nil {
		h.Trouble(err)
	}
	h.Fetched(events)
	return events, err
}

// How often it is asked how far the live rooms are: while hints come, so that what is
// lost is noticed, within two seconds with the reading; while none do, since then it is
// all that is noticed. Each is one statement, whatever the number of rooms: 11 ms for
// 10,000, with PostgreSQL on the same two cores.
const (
	checkEvery = time.Second
	checkAlone = 500 * time.Millisecond
	unsureFor  = 10 * time.Second // between two looks at all rooms, while hints are lost
	sureFor    = 5 * time.Minute  // and while they come
)

// watchHeads checks the heads until the hub closes. After an outage of the bus, or of the
// log, it does so at once.
func (h *Hub) watchHeads(log chat.SharedLog) {
	t := time.NewTicker(checkAlone)
	defer t.Stop()
	last, well := time.Now(), false
	looked, sure := time.Now(), false
	for {
		select {
		case <-h.crew.ctx.Done():
			return
		case <-t.C:
		}
		up := h.Bus.Up()
		sure = sure && up
		if since := time.Since(looked); since >= sureFor || since >= unsureFor && !sure {
			looked, sure = time.Now(), up
			h.Unsure()
		}
		if up && well && time.Since(last) < checkEvery {
			continue
		}
		err := h.checkHeads(log)
		if err != nil && h.crew.ctx.Err() == nil {
			h.Trouble(err)
		}
		h.changes.look()
		last, well = time.Now(), up && err == nil
	}
}

func (h *Hub) checkHeads(log chat.SharedLog) error {
	h.mu.RLock()
	rooms := make(map[chat.RoomID]*Room, len(h.rooms))
	ids := make([]chat.RoomID, 0, len(h.rooms))
	for id, r := range h.rooms {
		rooms[id] = r
		ids = append(ids, id)
	}
	h.mu.RUnlock()
	if len(ids) == 0 {
		return nil
	}
	heads, err := log.Heads(h.crew.ctx, ids)
	h.stats.Checks.Add(1)
	for id, head := range heads {
		if r := rooms[id]; r != nil && r.known(head) {
			h.stats.Found.Add(1)
		}
	}
	return err
}

// told is a frame about a room for a person's connections.
type told struct {
	Room  chat.RoomID     `json:"room"`
	Frame json.RawMessage `json:"frame"`
}

// Tell sends a frame about a room to all connections of a person, here and elsewhere,
// but the one it comes from and those whose token is for other rooms.
func (h *Hub) Tell(id chat.UserID, room chat.RoomID, frame any, from Peer) {
	t := told{room, wire.Encode(frame)}
	h.tellPeers(id, t, from)
	h.passOn(chat.PersonTopic(id), t)
}

// tellHere is Tell of another process.
func (h *Hub) tellHere(id chat.UserID, n chat.Note) {
	var t told
	if json.Unmarshal(n.Data, &t) == nil && len(t.Frame) > 0 {
		h.tellPeers(id, t, nil)
	}
}

func (h *Hub) tellPeers(id chat.UserID, t told, from Peer) {
	peers := h.Peers(id)
	if len(peers) == 0 {
		return
	}
	frame := wire.AppendText(nil, []byte(t.Frame))
	for _, p := range peers {
		if p != from && p.Actor().Scope.Covers(t.Room) {
			p.Tell(frame)
		}
	}
}

// crew are goroutines that end with the hub.
type crew struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex // guards the following
	closed bool
	wg     sync.WaitGroup
}

// run has f run, unless the hub is closed.
func (c *crew) run(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.wg.Go(f)
	}
	return !c.closed
}

func (c *crew) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wg.Wait()
}
