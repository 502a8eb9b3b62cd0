package api

import (
	"net/http"

	"hubbub/internal/chat"
)

// listedRoom is an answer for somebody about a room that is on their list.
func (h *handler) listedRoom(act chat.Act, f func(*http.Request, chat.Login, chat.Membership) (int, any, error)) http.HandlerFunc {
	return h.in(act, func(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
		switch {
		case l.ID == chat.OperatorID:
			return 0, nil, chat.Errorf(chat.CodeForbidden, "the operator is nobody in particular")
		case m.State != chat.StateMember:
			return 0, nil, chat.Errorf(chat.CodeForbidden, "that room is not on your list")
		}
		return f(r, l, m)
	})
}

// setQuiet mutes a room for somebody, or does not any more. All their connections are
// told how it stands on their list now.
func (h *handler) setQuiet(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Quiet *bool `json:"quiet"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if ask.Quiet == nil {
		return h.shown(r, l, m.ID)
	}
	if err := h.Gate.Write(l.ID); err != nil {
		return 0, nil, err
	}
	if err := h.Directory.SetQuiet(r.Context(), l.ID, m.ID, *ask.Quiet); err != nil {
		return 0, nil, err
	}
	h.Sockets.Listed(l.ID, m.ID)
	return h.shown(r, l, m.ID)
}
