package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/tap"
	"hubbub/internal/wire"
)

// This file is the report of what passes on sockets: docs/wire-view.md.

// newWatch makes a watch, which the page's sockets then name.
func (h *handler) newWatch(_ *http.Request, l chat.Login) (int, any, error) {
	id, err := h.Sockets.NewWatch(l)
	return http.StatusCreated, map[string]any{"id": id}, err
}

// human is login for answers that are not for bots.
func (h *handler) human(r *http.Request) (chat.Login, error) {
	l, err := h.login(r)
	if err == nil && l.Bot {
		err = chat.Errorf(chat.CodeForbidden, "that is for people, not for bots")
	}
	return l, err
}

// watch reports to the session that made the watch.
func (h *handler) watch(w http.ResponseWriter, r *http.Request) {
	l, err := h.human(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	watch, release, err := h.Sockets.ReadWatch(r.PathValue("id"), l)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	defer release()
	h.stream(w, r, watch.Ring, false)
}

// connection is one of those that the operator is told of.
type connection struct {
	ID      uint64       `json:"id"`
	Dialect string       `json:"dialect"`
	Person  *wire.Person `json:"person,omitempty"`
	Address string       `json:"address"`
	Since   int64        `json:"since"` // Unix milliseconds
	Rooms   int          `json:"rooms"`
}

// connections lists the sockets there are.
func (h *handler) connections(_ *http.Request, l chat.Login) (int, any, error) {
	if err := operatorOnly(l); err != nil {
		return 0, nil, err
	}
	list := []connection{}
	for _, c := range h.Sockets.Connections() {
		shown := connection{ID: c.ID, Dialect: c.Dialect, Address: c.Address.String(), Since: c.Since.UnixMilli(), Rooms: c.Rooms}
		if c.Person.ID != "" {
			shown.Person = &wire.Person{ID: c.Person.ID, Name: c.Person.Name}
		}
		list = append(list, shown)
	}
	return http.StatusOK, map[string]any{"connections": list}, nil
}

// operatorBytes wait for the operator, at most.
const operatorBytes = 2 << 20

// watchConnection reports a socket to the operator, once the log of the place says so.
func (h *handler) watchConnection(w http.ResponseWriter, r *http.Request) {
	l, err := h.human(r)
	if err == nil {
		err = operatorOnly(l)
	}
	ring := tap.NewRing(operatorBytes)
	defer ring.Close()
	if err == nil {
		id, e := strconv.ParseUint(r.PathValue("id"), 10, 64)
		if e == nil {
			err = h.follow(r.Context(), id, ring)
		} else {
			err = chat.Errorf(chat.CodeNotFound, "connections have numbers")
		}
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.stream(w, r, ring, true)
}

// follow has a socket reported, and notes it.
func (h *handler) follow(ctx context.Context, id uint64, ring *tap.Ring) error {
	c, err := h.Sockets.WatchConnection(id, ring)
	if err != nil {
		return err
	}
	whose := c.Person.Name
	if c.Person.ID == "" {
		whose = c.Address.String()
	}
	return h.Gate.Watched(ctx, whose)
}

const (
	beatEvery   = 15 * time.Second // says that the report goes on
	streamStall = 30 * time.Second // a reader may take nothing
	streamEnd   = 250 * time.Millisecond
)

// stream writes what comes into a ring, one record a line, until the reader leaves,
// the ring is closed or the server ends; or, one, until the one connection has
// ended. The deadlines of other answers do not hold for it, but each write has one.
func (h *handler) stream(w http.ResponseWriter, r *http.Request, ring *tap.Ring, one bool) {
	out := http.NewResponseController(w)
	out.SetReadDeadline(time.Time{})
	ended, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() { // whoever does not read is not waited for
		select {
		case <-h.Sockets.Ended():
			out.SetWriteDeadline(time.Now().Add(streamEnd))
		case <-ended.Done():
		}
	}()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for more := true; more; {
		if !h.pass(w, out, ring.Take(), one) {
			return
		}
		select {
		case <-ring.Wake():
		case <-beat.C:
			more = h.pass(w, out, []tap.Record{{Kind: tap.KindBeat}}, one)
		case <-ring.Gone():
			more = false
		case <-r.Context().Done():
			more = false
		case <-h.Sockets.Ended():
			h.pass(w, out, ring.Take(), one)
			more = false
		}
	}
}

// pass writes records, and says whether the report goes on.
func (h *handler) pass(w http.ResponseWriter, out *http.ResponseController, records []tap.Record, one bool) bool {
	select {
	case <-h.Sockets.Ended(): // which has set the deadline
	default:
		out.SetWriteDeadline(time.Now().Add(streamStall))
	}
	ended := false
	for _, rec := range records {
		if _, err := w.Write(rec.Line()); err != nil {
			return false
		}
		ended = ended || one && rec.Kind == tap.KindEnd
	}
	return out.Flush() == nil && !ended
}
