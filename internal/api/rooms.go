package api

import (
	"net/http"
	"strconv"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// room is a room in an answer. Read is there for the person's own rooms.
type room struct {
	ID   chat.RoomID `json:"id"`
	Name string      `json:"name"`
	Head chat.Seq    `json:"head"`
	Read *chat.Seq   `json:"read,omitempty"`
}

func ofMember(m chat.Membership) room {
	return room{ID: m.ID, Name: m.Name, Head: m.Head, Read: &m.Read}
}

const (
	maxListed = 100 // rooms in one answer of the directory
	maxEvents = 500 // events in one answer
	fewEvents = 50  // without a limit in the request
)

func (h *handler) myRooms(r *http.Request, l chat.Login) (int, any, error) {
	members, err := h.Directory.Memberships(r.Context(), l.ID)
	if err != nil {
		return 0, nil, err
	}
	rooms := make([]room, 0, len(members))
	for _, m := range members {
		rooms = append(rooms, ofMember(m))
	}
	return http.StatusOK, map[string]any{"epoch": h.epoch, "rooms": rooms}, nil
}

func (h *handler) rooms(r *http.Request, _ chat.Login) (int, any, error) {
	part := r.URL.Query().Get("q")
	if len(part) > 4*chat.MaxRoomName {
		return 0, nil, chat.Errorf(chat.CodeBadRoomName, "no room's name is that long")
	}
	found, err := h.Directory.Rooms(r.Context(), part, maxListed)
	if err != nil {
		return 0, nil, err
	}
	rooms := make([]room, 0, len(found))
	for _, f := range found {
		rooms = append(rooms, room{ID: f.ID, Name: f.Name, Head: f.Head})
	}
	return http.StatusOK, map[string]any{"rooms": rooms}, nil
}

func (h *handler) joinRoom(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Name string `json:"name"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	name, err := chat.CleanRoomName(ask.Name)
	if err != nil {
		return 0, nil, err
	}
	made, err := h.Directory.EnsureRoom(r.Context(), name)
	if err != nil {
		return 0, nil, err
	}
	m, err := h.Directory.Join(r.Context(), l.ID, made.ID)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"room": ofMember(m)}, nil
}

// events answers a page of history. Since a log has no holes, the page before a
// place is arithmetic.
func (h *handler) events(r *http.Request, _ chat.Login) (int, any, error) {
	id := chat.RoomID(r.PathValue("id"))
	head, err := h.Store.Head(r.Context(), id)
	if err != nil {
		return 0, nil, err
	}
	limit, err := number(r, "limit", fewEvents)
	if err != nil {
		return 0, nil, err
	}
	before, err := number(r, "before", uint64(head.Seq)+1)
	if err != nil {
		return 0, nil, err
	}
	limit = min(limit, maxEvents)
	last := min(before-min(before, 1), uint64(head.Seq))
	after := last - min(last, limit)
	page := make([]*wire.Event, 0, last-after)
	if last > after {
		found, err := h.Store.Read(r.Context(), id, chat.Seq(after), int(last-after))
		if err != nil {
			return 0, nil, err
		}
		for _, e := range found {
			page = append(page, wire.EventFrame(e))
		}
	}
	return http.StatusOK, map[string]any{"epoch": head.Epoch, "head": head.Seq, "events": page}, nil
}

// number reads a whole number from the query.
func number(r *http.Request, name string, absent uint64) (uint64, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return absent, nil
	}
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil {
		return 0, chat.Errorf(chat.CodeBadFrame, "%s must be a whole number from 0", name)
	}
	return n, nil
}
