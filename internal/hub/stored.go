package hub

import (
	"encoding/json"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Some want to know of what is stored in any room, read or not: search, hooks, alerts. The
// processes tell each other in which rooms something is new, many at a time.
const (
	freshEvery = 100 * time.Millisecond
	freshRooms = 2000 // in a note: some 40 bytes each
)

var storedTopic = chat.Topic{About: chat.AboutStored}

// fresh is in which rooms something was stored here that others were not told of.
type fresh struct {
	mu    sync.Mutex // guards the following
	rooms map[chat.RoomID]chat.Seq
	wake  chan struct{} // capacity 1
}

func (f *fresh) add(room chat.RoomID, head chat.Seq) {
	f.mu.Lock()
	f.rooms[room] = head
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *fresh) take() map[chat.RoomID]chat.Seq {
	f.mu.Lock()
	defer f.mu.Unlock()
	rooms := make(map[chat.RoomID]chat.Seq)
	for room, head := range f.rooms {
		if len(rooms) == freshRooms {
			break
		}
		rooms[room] = head
		delete(f.rooms, room)
	}
	return rooms
}

// ListenStored begins to hear in which rooms others store something, and returns how to end
// that. Who does not ask for it is not told.
func (h *Hub) ListenStored() (stop func()) {
	return h.listen(storedTopic, func(n chat.Note) {
		var rooms map[chat.RoomID]chat.Seq
		if json.Unmarshal(n.Data, &rooms) == nil {
			for room, head := range rooms {
				h.Elsewhere(room, head)
			}
		}
	})
}

// startStored tells the others in which rooms something is new.
func (h *Hub) startStored() {
	h.crew.run(func() {
		for {
			select {
			case <-h.crew.ctx.Done():
				return
			case <-h.fresh.wake:
			}
			for rooms := h.fresh.take(); len(rooms) > 0; rooms = h.fresh.take() {
				h.passOn(storedTopic, rooms)
			}
			select {
			case <-h.crew.ctx.Done():
			case <-time.After(freshEvery):
			}
		}
	})
}
