package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/gate"
	"hubbub/internal/names"
	"hubbub/internal/wire"
)

// listing is a room in the directory of public rooms.
type listing struct {
	ID      chat.RoomID `json:"id"`
	Name    string      `json:"name"`
	Kind    string      `json:"kind,omitempty"` // only the operator sees other kinds
	Topic   string      `json:"topic,omitempty"`
	Members int         `json:"members"`
	Head    chat.Seq    `json:"head"`
	Created wire.Millis `json:"created"`
	Archive bool        `json:"archived,omitempty"`
}

func listed(r chat.Room) listing {
	return listing{ID: r.ID, Name: r.Name, Topic: r.Topic, Members: r.Members, Head: r.Head, Created: wire.ToMillis(r.Created), Archive: r.Archived}
}

const (
	maxListed = 100 // rooms in one answer of the directory
	maxEvents = 500 // events in one answer
	fewEvents = 50  // without a limit in the request
)

// in is an answer about the room of the address, for whom the one decision allows
// the act. Whatever they may not know of does not exist.
func (h *handler) in(act chat.Act, f func(*http.Request, chat.Login, chat.Membership) (int, any, error)) http.HandlerFunc {
	return h.answer(func(r *http.Request) (int, any, error) {
		l, err := h.login(r)
		if err != nil {
			return 0, nil, err
		}
		m, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), chat.RoomID(r.PathValue("id")), act)
		if err != nil {
			return 0, nil, err
		}
		return f(r, l, m)
	})
}

// shown answers with a room as it is now.
func (h *handler) shown(r *http.Request, l chat.Login, id chat.RoomID) (int, any, error) {
	m, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), id, chat.ActSee)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"room": joined(m, l)}, nil
}

func joined(m chat.Membership, l chat.Login) wire.Joined {
	return wire.Joined{ID: m.ID, RoomInfo: wire.RoomFrame(m, l.Actor(), time.Now())}
}

func (h *handler) myRooms(r *http.Request, l chat.Login) (int, any, error) {
	members, err := h.Directory.Memberships(r.Context(), l.ID)
	if err != nil {
		return 0, nil, err
	}
	who, now := l.Actor(), time.Now()
	rooms := make([]wire.Joined, 0, len(members))
	for _, m := range members {
		q := chat.Question{Who: who, Act: chat.ActSee, Room: &m.Room, As: m.Standing, At: now}
		if q.Decide() == chat.Allowed {
			rooms = append(rooms, joined(m, l))
		}
	}
	if err := h.withDrafts(r, l, rooms); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"epoch": h.epoch, "rooms": rooms}, nil
}

// rooms is the directory of public rooms.
func (h *handler) rooms(r *http.Request, l chat.Login) (int, any, error) {
	if l.ID == chat.OperatorID {
		return h.allRooms(r)
	}
	part := r.URL.Query().Get("q")
	if len(part) > 4*chat.MaxRoomName {
		return 0, nil, chat.Errorf(chat.CodeBadRoomName, "no room's name is that long")
	}
	found, err := h.Directory.Rooms(r.Context(), part, maxListed)
	if err != nil {
		return 0, nil, err
	}
	rooms := make([]listing, 0, len(found))
	for _, f := range found {
		if l.Scope.Covers(f.ID) {
			rooms = append(rooms, listed(f))
		}
	}
	return http.StatusOK, map[string]any{"rooms": rooms}, nil
}

// allRooms is for the operator, who keeps all rooms in order without reading them.
func (h *handler) allRooms(r *http.Request) (int, any, error) {
	all, err := h.Directory.AllRooms(r.Context())
	rooms := make([]listing, 0, len(all))
	for _, f := range all {
		one := listed(f)
		one.Kind = f.Kind.String()
		rooms = append(rooms, one)
	}
	return http.StatusOK, map[string]any{"rooms": rooms}, err
}

func (h *handler) newRoom(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Name   string        `json:"name"`
		Kind   string        `json:"kind"`
		Topic  string        `json:"topic"`
		People []chat.UserID `json:"people"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if err := scoped(l, func(s *chat.Scope) bool { return s.Makes() && s.Read }); err != nil {
		return 0, nil, err
	}
	if len(ask.People) > chat.MaxAdded {
		return 0, nil, chat.Errorf(chat.CodeTooMany, "at most %d people at a time", chat.MaxAdded)
	}
	topic, err := cleanTopic(ask.Topic)
	if err != nil {
		return 0, nil, err
	}
	switch ask.Kind {
	case "", "public":
		return h.publicRoom(r, l, ask.Name, topic, ask.People)
	case "private":
		return h.privateRoom(r, l, ask.Name, topic, ask.People)
	}
	return 0, nil, chat.Errorf(chat.CodeBadFrame, "a room is public or private")
}

// publicRoom finds or makes a public room, and puts it on the list.
func (h *handler) publicRoom(r *http.Request, l chat.Login, name, topic string, people []chat.UserID) (int, any, error) {
	n, err := names.Room(name)
	if err != nil {
		return 0, nil, err
	}
	room, made, err := h.Gate.PublicRoom(r.Context(), n, l.ID, h.client(r))
	if err != nil {
		return 0, nil, err
	}
	if !made {
		topic, people = "", nil
	}
	if err := h.enter(r, l, room.ID); err != nil {
		return 0, nil, err
	}
	var drafts []chat.Draft
	if topic != "" {
		drafts = append(drafts, chat.Draft{Kind: chat.KindTopic, Body: topic})
	}
	for _, id := range people {
		if id != l.ID {
			drafts = append(drafts, chat.Draft{Kind: chat.KindAdd, About: chat.Mention{ID: id}})
		}
	}
	if _, err := h.post(r, l, room.ID, drafts...); err != nil {
		return 0, nil, err
	}
	return h.shown(r, l, room.ID)
}

func (h *handler) privateRoom(r *http.Request, l chat.Login, name, topic string, people []chat.UserID) (int, any, error) {
	name, err := names.PrivateRoom(name)
	if err != nil {
		return 0, nil, err
	}
	if l.Role < chat.RoleMember {
		return 0, nil, chat.NoAccount.Err(nil)
	}
	return h.roomOf(r, l, chat.NewRoom{Kind: chat.RoomPrivate, Name: name, Topic: topic, By: l.Person, People: people})
}

// direct finds or makes the conversation of some people.
func (h *handler) direct(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		People []chat.UserID `json:"people"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if err := scoped(l, func(s *chat.Scope) bool { return s.Makes() && s.Read }); err != nil {
		return 0, nil, err
	}
	slices.Sort(ask.People)
	others := slices.DeleteFunc(slices.Compact(ask.People), func(id chat.UserID) bool { return id == l.ID })
	if len(others) == 0 || len(others) > chat.MaxDirect {
		return 0, nil, chat.Errorf(chat.CodeTooMany, "a direct conversation is with 1 to %d others", chat.MaxDirect)
	}
	return h.roomOf(r, l, chat.NewRoom{Kind: chat.RoomDirect, By: l.Person, People: others})
}

func (h *handler) roomOf(r *http.Request, l chat.Login, n chat.NewRoom) (int, any, error) {
	if err := h.Gate.MakeRoom(l.ID); err != nil {
		return 0, nil, err
	}
	id, err := h.Directory.NewRoom(r.Context(), n)
	if err != nil {
		return 0, nil, err
	}
	for _, p := range append([]chat.UserID{l.ID}, n.People...) {
		h.Sockets.Listed(p, id)
	}
	return h.shown(r, l, id)
}

// enter puts a room on somebody's list.
func (h *handler) enter(r *http.Request, l chat.Login, id chat.RoomID) error {
	m, err := h.Directory.Join(r.Context(), l.Actor(), id)
	if err != nil {
		return err
	}
	h.Sockets.Listed(l.ID, id)
	if m.State == chat.StateWaiting {
		h.Sockets.Pending(id)
	}
	return nil
}

func (h *handler) room(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	return http.StatusOK, map[string]any{"room": joined(m, l)}, nil
}

func (h *handler) joinRoom(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	if err := scoped(l, func(s *chat.Scope) bool { return s.Read }); err != nil {
		return 0, nil, err
	}
	if err := h.enter(r, l, m.ID); err != nil {
		return 0, nil, err
	}
	return h.shown(r, l, m.ID)
}

func (h *handler) leaveRoom(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	err := h.Directory.Leave(r.Context(), l.Actor(), m.ID)
	if err == nil && m.Kind != chat.RoomPrivate { // where it is an event, that tells them
		h.Sockets.Listed(l.ID, m.ID)
	}
	return http.StatusOK, none{}, err
}

// changeRoom changes what a room is like: each change is an event of its own.
func (h *handler) changeRoom(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Name       *string    `json:"name"`
		Topic      *string    `json:"topic"`
		Archived   *bool      `json:"archived"`
		ReadOnly   *bool      `json:"read_only"`
		GuestsWait *bool      `json:"guests_wait"`
		Slow       *int       `json:"slow"`
		Keep       *chat.Keep `json:"keep"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	var drafts []chat.Draft
	if ask.Name != nil {
		d, err := nameDraft(&m.Room, *ask.Name)
		if err != nil {
			return 0, nil, err
		}
		if d.Body != m.Name {
			drafts = append(drafts, d)
		}
	}
	if ask.Topic != nil {
		topic, err := cleanTopic(*ask.Topic)
		if err != nil {
			return 0, nil, err
		}
		if topic != m.Topic {
			drafts = append(drafts, chat.Draft{Kind: chat.KindTopic, Body: topic})
		}
	}
	if ask.ReadOnly != nil && *ask.ReadOnly != m.ReadOnly {
		drafts = append(drafts, chat.Draft{Kind: chat.KindReadOnly, Body: onOff(*ask.ReadOnly)})
	}
	if ask.GuestsWait != nil && *ask.GuestsWait != m.GuestsWait {
		drafts = append(drafts, chat.Draft{Kind: chat.KindGuestsWait, Body: onOff(*ask.GuestsWait)})
	}
	if ask.Slow != nil {
		if *ask.Slow < 0 || *ask.Slow > int(chat.MaxSlow/time.Second) {
			return 0, nil, chat.Errorf(chat.CodeBadFrame, "slow is 0 to %d seconds", int(chat.MaxSlow/time.Second))
		}
		if time.Duration(*ask.Slow)*time.Second != m.Slow {
			drafts = append(drafts, chat.Draft{Kind: chat.KindSlow, Body: strconv.Itoa(*ask.Slow)})
		}
	}
	if ask.Keep != nil {
		if err := gate.CheckKeep(*ask.Keep); err != nil {
			return 0, nil, err
		}
		if *ask.Keep != m.Keep {
			drafts = append(drafts, chat.Draft{Kind: chat.KindKeep, Body: ask.Keep.String()})
		}
	}
	if ask.Archived != nil && *ask.Archived != m.Archived {
		kind := chat.KindRestore
		if *ask.Archived {
			kind = chat.KindArchive
		}
		drafts = append(drafts, chat.Draft{Kind: kind})
	}
	if _, err := h.post(r, l, m.ID, drafts...); err != nil {
		return 0, nil, err
	}
	return h.shown(r, l, m.ID)
}

func nameDraft(room *chat.Room, name string) (chat.Draft, error) {
	if room.Kind == chat.RoomPrivate {
		clean, err := names.PrivateRoom(name)
		return chat.Draft{Kind: chat.KindName, Body: clean}, err
	}
	n, err := names.Room(name)
	return chat.Draft{Kind: chat.KindName, Body: n.Display, Key: n.Key}, err
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func cleanTopic(text string) (string, error) {
	clean := gate.CleanLabel(text, chat.MaxTopic+1)
	if len([]rune(clean)) > chat.MaxTopic {
		return "", chat.Errorf(chat.CodeTooLong, "a topic has at most %d characters", chat.MaxTopic)
	}
	return clean, nil
}

// scoped refuses what a bot's token is not for, where no room is asked about. Where the
// answer shows a room, the token must be for reading too: what is refused has not
// happened.
func scoped(l chat.Login, may func(*chat.Scope) bool) error {
	if l.Scope != nil && !may(l.Scope) {
		return chat.OutOfScope.Err(nil)
	}
	return nil
}

// post puts drafts of somebody into a room's log, all together. The first refusal is
// the error; what came before it is stored.
func (h *handler) post(r *http.Request, l chat.Login, room chat.RoomID, drafts ...chat.Draft) ([]chat.Event, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	if err := h.Gate.Write(l.ID); err != nil {
		return nil, err
	}
	for i := range drafts {
		d := &drafts[i]
		d.Room, d.Author, d.Name, d.Guest, d.Bot, d.Scope = room, l.ID, l.Name, l.Role == chat.RoleGuest, l.Bot, l.Scope
		if d.ID == (chat.EventID{}) {
			id, err := uuid.NewV7()
			if err != nil {
				return nil, err
			}
			d.ID = chat.EventID(id)
		}
	}
	var events []chat.Event
	for _, result := range h.Hub.Post(r.Context(), drafts) {
		if result.Err != nil {
			return events, result.Err
		}
		events = append(events, result.Event)
	}
	return events, nil
}

// did is post of one draft that is answered with nothing.
func (h *handler) did(r *http.Request, l chat.Login, m chat.Membership, d chat.Draft) (int, any, error) {
	_, err := h.post(r, l, m.ID, d)
	return http.StatusOK, none{}, err
}

// about makes a handler that does something to the person of the address.
func (h *handler) about(kind chat.Kind) func(*http.Request, chat.Login, chat.Membership) (int, any, error) {
	return func(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
		var ask struct {
			For    float64 `json:"for"`
			Reason string  `json:"reason"`
		}
		if r.ContentLength != 0 {
			if err := readJSON(r, &ask); err != nil {
				return 0, nil, err
			}
		}
		d := chat.Draft{Kind: kind, About: chat.Mention{ID: chat.UserID(r.PathValue("user"))}}
		var err error
		switch kind {
		case chat.KindBan, chat.KindMute:
			if d.Until, err = gate.End(ask.For); err != nil {
				return 0, nil, err
			}
			fallthrough
		case chat.KindRemove:
			d.Body = gate.CleanLabel(ask.Reason, chat.MaxReason)
		}
		status, answer, err := h.did(r, l, m, d)
		if err == nil && (kind == chat.KindAdmit || kind == chat.KindRemove || kind == chat.KindBan) {
			h.Sockets.Pending(m.ID) // it may have been somebody who waited
		}
		return status, answer, err
	}
}

// member is somebody in a list of a room's people.
type member struct {
	ID        chat.UserID `json:"id"`
	Name      string      `json:"name"`
	Role      string      `json:"role"`
	Bot       bool        `json:"bot,omitempty"`
	State     string      `json:"state"`
	Moderator bool        `json:"moderator,omitempty"`
	Muted     wire.Millis `json:"muted,omitempty"`
	Banned    wire.Millis `json:"banned,omitempty"`
	Online    bool        `json:"online,omitempty"`
	Away      bool        `json:"away,omitempty"`
	Picture   string      `json:"picture,omitempty"`
}

// roomMembers lists people of a room for those who may read it. The operator may know
// who moderates any room, since they appoint moderators, and nothing else of a private
// one.
func (h *handler) roomMembers(w http.ResponseWriter, r *http.Request) {
	act := chat.ActRead
	if r.Context().Value(operatorKey{}) != nil && r.URL.Query().Get("show") == "moderators" {
		act = chat.ActSee
	}
	h.in(act, h.members)(w, r)
}

// members lists the people of a room.
func (h *handler) members(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	q := r.URL.Query()
	want := chat.Members{Show: chat.StateMember, Part: strings.ToLower(q.Get("q")), After: q.Get("after")}
	secret := false
	switch q.Get("show") {
	case "", "members":
	case "moderators":
		want.Ranks = true
	case "muted":
		want.Muted, secret = true, true
	case "banned":
		want.Show, secret = chat.StateBanned, true
	case "waiting":
		want.Show, secret = chat.StateWaiting, true
	default:
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "show is members, moderators, muted, banned or waiting")
	}
	if secret {
		if _, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), m.ID, chat.ActAudit); err != nil {
			return 0, nil, err
		}
	}
	limit, err := number(r, "limit", maxListed)
	if err != nil {
		return 0, nil, err
	}
	want.Limit = int(min(max(limit, 1), maxEvents))
	if len(want.Part) > 4*chat.MaxName || len(want.After) > 1000 {
		return 0, nil, chat.Errorf(chat.CodeTooLong, "no name is that long")
	}
	page, count, next, err := h.Directory.Members(r.Context(), m.ID, want)
	if err != nil {
		return 0, nil, err
	}
	now, shown := time.Now(), make([]member, 0, len(page))
	for _, p := range page {
		one := member{
			ID: p.ID, Name: p.Name, Role: p.Role.String(), Bot: p.Bot, State: p.State.String(), Moderator: p.Moderator,
			Picture: p.Picture,
		}
		one.Online, one.Away = h.Sockets.Presence(p.ID)
		if p.State == chat.StateBanned {
			one.Banned = wire.End(p.Banned, now)
		}
		if secret || p.ID == l.ID || chat.Governs(l.Actor(), &m.Room, m.Standing, now) {
			one.Muted = wire.End(p.Muted, now)
		}
		shown = append(shown, one)
	}
	answer := map[string]any{"members": shown, "count": count}
	if next != "" {
		answer["next"] = next
	}
	return http.StatusOK, answer, nil
}

// events answers a page of history. Since a log has no holes, the page before a
// place is arithmetic. It ends where the log did when it was decided who asks: what
// came behind it may have come behind their removal.
func (h *handler) events(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	limit, err := number(r, "limit", fewEvents)
	if err != nil {
		return 0, nil, err
	}
	before, err := number(r, "before", uint64(m.Head)+1)
	if err != nil {
		return 0, nil, err
	}
	limit = min(limit, maxEvents)
	last := min(before-min(before, 1), uint64(m.Head))
	after := last - min(last, limit)
	if r.URL.Query().Get("after") != "" { // forward instead
		if after, err = number(r, "after", 0); err != nil {
			return 0, nil, err
		}
		last = min(after+limit, uint64(m.Head))
	}
	page := []*wire.Event{}
	if last > after {
		found, err := h.Store.Read(r.Context(), m.ID, chat.Seq(after), int(last-after))
		if err != nil {
			return 0, nil, err
		}
		page = frames(found)
	}
	return http.StatusOK, map[string]any{"epoch": h.epoch, "head": m.Head, "events": page}, nil
}

func frames(events []chat.Event) []*wire.Event {
	all := make([]*wire.Event, 0, len(events))
	for _, e := range events {
		all = append(all, wire.EventFrame(e))
	}
	return all
}

// audit lists what was changed in a room, newest first.
func (h *handler) audit(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	before, err := number(r, "before", 1<<62)
	if err != nil {
		return 0, nil, err
	}
	limit, err := number(r, "limit", fewEvents)
	if err != nil {
		return 0, nil, err
	}
	events, err := h.Directory.Audit(r.Context(), m.ID, chat.Seq(before), int(min(limit, maxEvents)))
	return http.StatusOK, map[string]any{"events": frames(events)}, err
}

// placeAudit lists what was changed in the place.
func (h *handler) placeAudit(r *http.Request, l chat.Login) (int, any, error) {
	id, err := h.Directory.Place(r.Context())
	if err != nil {
		return 0, nil, err
	}
	m, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), id, chat.ActAudit)
	if err != nil {
		return 0, nil, chat.Errorf(chat.CodeForbidden, "that needs the role admin")
	}
	return h.audit(r, l, m)
}

// number reads a whole number from the query.
func number(r *http.Request, name string, absent uint64) (uint64, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return absent, nil
	}
	n, err := strconv.ParseUint(v, 10, 62)
	if err != nil {
		return 0, chat.Errorf(chat.CodeBadFrame, "%s must be a whole number from 0", name)
	}
	return n, nil
}
