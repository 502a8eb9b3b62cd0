package api

import (
	"net/http"

	"hubbub/internal/chat"
)

// stored shows the row of the log that holds an event.
func (h *handler) stored(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	seq, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	row, err := h.Store.Stored(r.Context(), m.ID, seq)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, row, nil
}
