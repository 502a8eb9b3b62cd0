package api

import (
	"net/http"
	"slices"
	"strconv"

	"hubbub/internal/chat"
	"hubbub/internal/gate"
	"hubbub/internal/wire"
)

// messageAsk is what a request says of a message. The id makes sending it again
// harmless.
type messageAsk struct {
	ID     string    `json:"id"`
	Text   string    `json:"text"`
	Reply  chat.Seq  `json:"reply"`
	Thread chat.Seq  `json:"thread"`
	Base   *chat.Seq `json:"base"` // an edit: the revised that was seen

	Files   []chat.FileID `json:"files"`   // an edit: those that stay
	Preview *bool         `json:"preview"` // false: nobody looks where its links lead
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
	d := chat.Draft{Kind: chat.KindMessage, ID: id, Body: ask.Text, Target: ask.Reply, Thread: ask.Thread}
	if len(ask.Files) == 0 {
		ask.Files = nil
	}
	if err := ask.fill(&d); err != nil {
		return 0, nil, err
	}
	return h.wrote(r, l, m, http.StatusCreated, d)
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
	d := chat.Draft{Kind: chat.KindEdit, ID: id, Target: target, Body: ask.Text, Base: ask.Base}
	if err := ask.fill(&d); err != nil {
		return 0, nil, err
	}
	return h.wrote(r, l, m, http.StatusOK, d)
}

// fill adds to a draft what it holds beside its text.
func (a messageAsk) fill(d *chat.Draft) error {
	if err := wire.CheckMessage(a.Text, a.Files); err != nil {
		return err
	}
	d.Files, d.NoPreview = wire.FilesOf(a.Files), a.Preview != nil && !*a.Preview
	return nil
}

// unpreview takes away what there is to show of a message's links, for good.
func (h *handler) unpreview(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	target, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	return h.did(r, l, m, chat.Draft{Kind: chat.KindUnpreview, Target: target})
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

// version is what a message once read like.
type version struct {
	Text string      `json:"text"`
	Time wire.Millis `json:"time"`
}

// history lists what a message read like, oldest first.
func (h *handler) history(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	seq, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	all, err := h.Directory.History(r.Context(), m.ID, seq)
	versions := make([]version, 0, len(all))
	for _, e := range all {
		versions = append(versions, version{e.Body, wire.ToMillis(e.Time)})
	}
	return http.StatusOK, map[string]any{"versions": versions}, err
}

// seen lists who has read a message, to those who show it themselves.
func (h *handler) seen(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	seq, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	people := []wire.Whom{}
	hides, err := h.Directory.HidesReads(r.Context(), l.ID)
	if err != nil || hides {
		return http.StatusOK, map[string]any{"people": people, "count": 0, "hidden": hides}, err
	}
	all, count, err := h.Directory.Seen(r.Context(), m.ID, seq, maxListed)
	for _, p := range all {
		people = append(people, wire.Whom(p))
	}
	return http.StatusOK, map[string]any{"people": people, "count": count, "hidden": false}, err
}

// thread answers with a message and what stands under it.
func (h *handler) thread(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	root, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	after, err := number(r, "after", 0)
	if err != nil {
		return 0, nil, err
	}
	limit, err := number(r, "limit", maxEvents)
	if err != nil {
		return 0, nil, err
	}
	first, err := h.Store.Read(r.Context(), m.ID, root-1, 1)
	if err != nil {
		return 0, nil, err
	}
	if len(first) == 0 || first[0].Kind != chat.KindMessage || first[0].Thread > 0 {
		return 0, nil, chat.Errorf(chat.CodeNotFound, "there is no such message")
	}
	replies, err := h.Directory.Thread(r.Context(), m.ID, root, chat.Seq(after), int(min(limit, maxEvents)))
	return http.StatusOK, map[string]any{"root": wire.EventFrame(first[0]), "replies": frames(upTo(replies, m.Head))}, err
}

// thread is a thread that somebody follows, in an answer.
type thread struct {
	Room   chat.RoomID `json:"room"`
	Root   *wire.Event `json:"root"`
	Read   chat.Seq    `json:"read"`
	Unread int         `json:"unread,omitempty"`
	Muted  bool        `json:"muted,omitempty"`
}

// threads lists those that somebody follows, in rooms that they may read: a bot's token
// may be for others.
func (h *handler) threads(r *http.Request, l chat.Login) (int, any, error) {
	all, err := h.Directory.Threads(r.Context(), l.ID, maxListed)
	if err != nil {
		return 0, nil, err
	}
	shown, why := make([]thread, 0, len(all)), make(map[chat.RoomID]error)
	for _, t := range all {
		room := t.Root.Room
		if _, asked := why[room]; !asked {
			_, why[room] = chat.Authorize(r.Context(), h.Directory, l.Actor(), room, chat.ActRead)
		}
		switch err := why[room]; {
		case err == nil:
			shown = append(shown, thread{room, wire.EventFrame(t.Root), t.Read, t.Unread, t.Muted})
		case chat.AsError(err).Code == chat.CodeInternal:
			return 0, nil, err
		}
	}
	return http.StatusOK, map[string]any{"threads": shown}, nil
}

// followThread has somebody follow a thread, or hear nothing of it.
func (h *handler) followThread(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Muted bool `json:"muted"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	root, err := seqOf(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, none{}, h.Directory.FollowThread(r.Context(), l.ID, m.ID, root, ask.Muted)
}

func (h *handler) pins(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	all, err := h.Directory.Pins(r.Context(), m.ID)
	return http.StatusOK, map[string]any{"events": frames(upTo(all, m.Head))}, err
}

// upTo leaves out what came after it was decided who asks.
func upTo(events []chat.Event, head chat.Seq) []chat.Event {
	return slices.DeleteFunc(events, func(e chat.Event) bool { return e.Seq > head })
}

// pin makes a handler that pins the message of the address, or does not any more.
func (h *handler) pin(kind chat.Kind) func(*http.Request, chat.Login, chat.Membership) (int, any, error) {
	return func(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
		target, err := seqOf(r)
		if err != nil {
			return 0, nil, err
		}
		return h.did(r, l, m, chat.Draft{Kind: kind, Target: target})
	}
}

// react makes a handler for the emoji in the body of a request.
func (h *handler) react(kind chat.Kind) func(*http.Request, chat.Login, chat.Membership) (int, any, error) {
	return func(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
		var ask struct {
			Emoji string `json:"emoji"`
		}
		if err := readJSON(r, &ask); err != nil {
			return 0, nil, err
		}
		if err := wire.CheckEmoji(ask.Emoji); err != nil {
			return 0, nil, err
		}
		target, err := seqOf(r)
		if err != nil {
			return 0, nil, err
		}
		return h.did(r, l, m, chat.Draft{Kind: kind, Target: target, Body: ask.Emoji})
	}
}
