package api

import (
	"encoding/json"
	"net/http"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
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

// setLevel changes what somebody wants to hear of a room.
func (h *handler) setLevel(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Level *string `json:"level"`
		Quiet *bool   `json:"quiet"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	level, quiet := m.Level, m.Quiet
	if ask.Level != nil {
		var err error
		if level, err = chat.ParseLevel(*ask.Level); err != nil {
			return 0, nil, err
		}
	}
	if ask.Quiet != nil {
		quiet = *ask.Quiet
	}
	if err := h.Gate.Write(l.ID); err != nil {
		return 0, nil, err
	}
	if err := h.Attention.SetLevel(r.Context(), l.ID, m.ID, level, quiet); err != nil {
		return 0, nil, err
	}
	h.Sockets.Listed(l.ID, m.ID)
	return h.shown(r, l, m.ID)
}

// markUnread has the message and what follows it count as unread.
func (h *handler) markUnread(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Seq *chat.Seq `json:"seq"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if ask.Seq == nil || *ask.Seq == 0 {
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "seq is the first message that is to be unread")
	}
	if err := h.Gate.Write(l.ID); err != nil {
		return 0, nil, err
	}
	read, err := h.Attention.MarkUnread(r.Context(), l.ID, m.ID, *ask.Seq)
	if err != nil {
		return 0, nil, err
	}
	h.Hub.Tell(l.ID, m.ID, &wire.Read{Room: m.ID, Seq: read}, nil)
	return h.shown(r, l, m.ID)
}

// readAll has nothing count as unread.
func (h *handler) readAll(r *http.Request, l chat.Login) (int, any, error) {
	if err := scoped(l, func(s *chat.Scope) bool { return s.Read && len(s.Only) == 0 }); err != nil {
		return 0, nil, err
	}
	if err := h.Gate.Write(l.ID); err != nil {
		return 0, nil, err
	}
	moved, err := h.Attention.ReadAll(r.Context(), l.ID)
	if err != nil {
		return 0, nil, err
	}
	for _, m := range moved {
		h.Hub.Tell(l.ID, m.Room, &wire.Read{Room: m.Room, Seq: m.Seq, Thread: m.Thread}, nil)
	}
	return http.StatusOK, none{}, nil
}

// setDraft keeps what somebody has written and not sent. Whoever may not write in a
// room keeps no draft there, but may always empty one.
func (h *handler) setDraft(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Text *string     `json:"text"`
		Time wire.Millis `json:"time"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	switch {
	case ask.Text == nil:
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "a draft has a text")
	case len(*ask.Text) > chat.MaxText:
		return 0, nil, chat.Errorf(chat.CodeTooLong, "a message has at most %d bytes", chat.MaxText)
	case *ask.Text != "":
		if _, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), m.ID, chat.ActType); err != nil {
			return 0, nil, err
		}
	}
	now := time.Now()
	u := chat.Unsent{Room: m.ID, Text: *ask.Text, Time: now}
	if at := time.UnixMilli(int64(ask.Time)); ask.Time > 0 && at.Before(now) { // a clock that is ahead must not win for ever
		u.Time = at
	}
	if err := h.Gate.Write(l.ID); err != nil {
		return 0, nil, err
	}
	kept, err := h.Attention.SetUnsent(r.Context(), l.ID, u)
	if err != nil {
		return 0, nil, err
	}
	d := &wire.Draft{Room: m.ID, Unsent: wire.Unsent{Text: kept.Text, Time: wire.ToMillis(kept.Time)}}
	if kept.Text == u.Text && kept.Time.UnixMilli() == u.Time.UnixMilli() {
		h.Hub.Tell(l.ID, m.ID, d, nil)
	}
	return http.StatusOK, map[string]any{"draft": d}, nil
}

// withDrafts adds to rooms what somebody has written in them.
func (h *handler) withDrafts(r *http.Request, l chat.Login, rooms []wire.Joined) error {
	all, err := h.Attention.Unsent(r.Context(), l.ID)
	if err != nil || len(all) == 0 {
		return err
	}
	drafts := make(map[chat.RoomID]*wire.Unsent, len(all))
	for _, u := range all {
		drafts[u.Room] = &wire.Unsent{Text: u.Text, Time: wire.ToMillis(u.Time)}
	}
	for i := range rooms {
		rooms[i].Draft = drafts[rooms[i].ID]
	}
	return nil
}

// hours are some hours of each day.
type hours struct {
	From string `json:"from"` // "22:00"
	To   string `json:"to"`
	Zone string `json:"zone"` // "Europe/Zurich"
}

func shownHours(s chat.Silence) *hours {
	if s.From == s.To {
		return nil
	}
	day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func(minute int) string { return day.Add(time.Duration(minute) * time.Minute).Format("15:04") }
	return &hours{clock(s.From), clock(s.To), s.Zone}
}

// setSilence changes when somebody wants no alerts; what is not named stays.
func (h *handler) setSilence(r *http.Request, l chat.Login, until *wire.Millis, daily json.RawMessage) error {
	s, err := h.Attention.Silence(r.Context(), l.ID)
	if err != nil {
		return err
	}
	if until != nil {
		s.Until = time.Time{}
		switch {
		case *until < 0:
			s.Until = chat.Forever
		case *until > 0:
			s.Until = time.UnixMilli(int64(min(*until, wire.Millis(chat.Forever.UnixMilli()))))
		}
	}
	if len(daily) > 0 {
		var d hours // null: none
		if err := json.Unmarshal(daily, &d); err != nil {
			return chat.Errorf(chat.CodeBadFrame, "quiet_hours is null, or has from, to and zone")
		}
		if s.From, s.To, s.Zone = 0, 0, ""; d != (hours{}) {
			from, err1 := time.Parse("15:04", d.From)
			to, err2 := time.Parse("15:04", d.To)
			zone, err3 := time.LoadLocation(d.Zone)
			if err1 != nil || err2 != nil || err3 != nil || d.Zone == "" || d.Zone == "Local" {
				return chat.Errorf(chat.CodeBadFrame, "quiet_hours is from and to, such as 22:00, and zone, such as Europe/Zurich")
			}
			s.From, s.To, s.Zone = from.Hour()*60+from.Minute(), to.Hour()*60+to.Minute(), zone.String()
		}
	}
	return h.Attention.SetSilence(r.Context(), l.ID, s)
}
