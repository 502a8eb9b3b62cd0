package api

import (
	"net/http"
	"strconv"

	"hubbub/internal/chat"
	"hubbub/internal/gate"
	"hubbub/internal/wire"
)

// messageAsk is what a request says of a message. The id makes sending it again
// harmless.
type messageAsk struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func (a messageAsk) eventID() (chat.EventID, error) {
	if a.ID == "" {
		return chat.EventID{}, nil
	}
	id, ok := wire.ParseID(a.ID)
	if !ok {
		return id, chat.Errorf(chat.CodeBadID, "the id must be a UUID")
	}
	return id, nil
}

// wrote answers with the event of one draft.
func (h *handler) wrote(r *http.Request, l chat.Login, m chat.Membership, status int, d chat.Draft) (int, any, error) {
	events, err := h.post(r, l, m.ID, d)
	if err != nil {
		return 0, nil, err
	}
	return status, map[string]any{"event": wire.EventFrame(events[0])}, nil
}

func (h *handler) addMessage(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask messageAsk
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	id, err := ask.eventID()
	if err != nil {
		return 0, nil, err
	}
	if err := wire.CheckText(ask.Text); err != nil {
		return 0, nil, err
	}
	return h.wrote(r, l, m, http.StatusCreated, chat.Draft{Kind: chat.KindMessage, ID: id, Body: ask.Text})
}

func (h *handler) editMessage(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask messageAsk
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	target, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	id, err := ask.eventID()
	if err != nil {
		return 0, nil, err
	}
	if err := wire.CheckText(ask.Text); err != nil {
		return 0, nil, err
	}
	return h.wrote(r, l, m, http.StatusOK, chat.Draft{Kind: chat.KindEdit, ID: id, Target: target, Body: ask.Text})
}

func (h *handler) deleteMessage(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	target, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	status, answer, err := h.wrote(r, l, m, http.StatusOK, chat.Draft{Kind: chat.KindDelete, Target: target})
	if err == nil {
		h.Sockets.Pending(m.ID) // it settles reports
	}
	return status, answer, err
}

// seqOf reads the number of a message from the address.
func seqOf(r *http.Request) (chat.Seq, error) {
	n, err := strconv.ParseUint(r.PathValue("seq"), 10, 62)
	if err != nil || n == 0 {
		return 0, chat.Errorf(chat.CodeNotFound, "there is no such message")
	}
	return chat.Seq(n), nil
}

func (h *handler) reportMessage(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	seq, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	if err := h.Gate.Write(l.ID); err != nil {
		return 0, nil, err
	}
	err = h.Directory.AddReport(r.Context(), m.ID, seq, l.ID, gate.CleanLabel(ask.Reason, chat.MaxReason))
	if err == nil {
		h.Sockets.Pending(m.ID)
	}
	return http.StatusOK, none{}, err
}

// report is a report in an answer, with the message as it reads now.
type report struct {
	ID     string      `json:"id"`
	Seq    chat.Seq    `json:"seq"`
	By     wire.Whom   `json:"by"`
	Reason string      `json:"reason"`
	Time   wire.Millis `json:"time"`
	Event  *wire.Event `json:"event,omitempty"`
}

func (h *handler) reports(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	all, err := h.Directory.Reports(r.Context(), m.ID)
	if err != nil {
		return 0, nil, err
	}
	shown := make([]report, 0, len(all))
	for _, one := range all {
		events, err := h.Store.Read(r.Context(), m.ID, one.Seq-1, 1)
		if err != nil {
			return 0, nil, err
		}
		s := report{ID: one.ID, Seq: one.Seq, By: wire.Whom(one.By), Reason: one.Reason, Time: wire.ToMillis(one.Time)}
		if len(events) == 1 {
			s.Event = wire.EventFrame(events[0])
		}
		shown = append(shown, s)
	}
	return http.StatusOK, map[string]any{"reports": shown}, nil
}

func (h *handler) closeReport(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	err := h.Directory.CloseReport(r.Context(), m.ID, r.PathValue("report"))
	if err == nil {
		h.Sockets.Pending(m.ID)
	}
	return http.StatusOK, none{}, err
}
