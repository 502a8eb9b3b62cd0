package api

import (
	"net/http"
	"net/netip"
	"slices"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/names"
	"hubbub/internal/wire"
)

// block is a range of addresses that is kept out, in an answer.
type block struct {
	ID      string      `json:"id"`
	Range   string      `json:"range"`
	Reason  string      `json:"reason,omitempty"`
	By      wire.Whom   `json:"by"`
	Created wire.Millis `json:"created"`
	Until   wire.Millis `json:"until,omitempty"`
}

func shownBlock(b chat.Block) block {
	s := block{ID: b.ID, Range: b.Range.String(), Reason: b.Reason, By: wire.Whom(b.By), Created: wire.ToMillis(b.Created)}
	if !b.Until.IsZero() {
		s.Until = wire.ToMillis(b.Until)
	}
	return s
}

func (h *handler) listBlocks(r *http.Request, l chat.Login) (int, any, error) {
	all, err := h.Gate.Blocks(r.Context(), l.Person)
	if err != nil {
		return 0, nil, err
	}
	shown := make([]block, 0, len(all))
	for _, b := range all {
		shown = append(shown, shownBlock(b))
	}
	return http.StatusOK, map[string]any{"blocks": shown}, nil
}

func (h *handler) addBlock(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Range  string  `json:"range"`
		For    float64 `json:"for"`
		Reason string  `json:"reason"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	var own netip.Addr
	if l.ID != chat.OperatorID {
		own = h.client(r)
	}
	b, err := h.Gate.AddBlock(r.Context(), l.Person, own, ask.Range, ask.Reason, ask.For)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, map[string]any{"block": shownBlock(b)}, nil
}

func (h *handler) removeBlock(r *http.Request, l chat.Login) (int, any, error) {
	return http.StatusOK, none{}, h.Gate.RemoveBlock(r.Context(), l.Person, r.PathValue("id"))
}

// address is where somebody is, or was.
type address struct {
	Address string      `json:"address"`
	Range   string      `json:"range"` // what a ban of it would keep out
	Used    wire.Millis `json:"used"`
	Online  bool        `json:"online"`
}

// addresses tells admins from where somebody comes, so that they can ban a range.
func (h *handler) addresses(r *http.Request, l chat.Login) (int, any, error) {
	if l.Role < chat.RoleAdmin {
		return 0, nil, chat.Errorf(chat.CodeForbidden, "that needs the role admin")
	}
	id := chat.UserID(r.PathValue("id"))
	if _, err := h.Gate.Accounts.Person(r.Context(), id); err != nil {
		return 0, nil, err
	}
	sessions, err := h.Gate.Accounts.Sessions(r.Context(), id)
	if err != nil {
		return 0, nil, err
	}
	shown := []address{}
	add := func(a netip.Addr, used time.Time, online bool) {
		if !a.IsValid() || slices.ContainsFunc(shown, func(s address) bool { return s.Address == a.String() }) {
			return
		}
		of := netip.PrefixFrom(a, a.BitLen())
		if a.Is6() {
			of = netip.PrefixFrom(a, 64).Masked()
		}
		shown = append(shown, address{a.String(), of.String(), wire.ToMillis(used), online})
	}
	for _, p := range h.Hub.Peers(id) {
		add(p.Address(), time.Now(), true)
	}
	for _, s := range sessions {
		add(s.Address, s.Used, false)
	}
	return http.StatusOK, map[string]any{"addresses": shown}, nil
}

// bot is a bot in an answer.
type bot struct {
	ID      chat.UserID `json:"id"`
	Name    string      `json:"name"`
	By      *wire.Whom  `json:"by,omitempty"`
	Created wire.Millis `json:"created"`
	Tokens  []botToken  `json:"tokens"`
}

type botToken struct {
	ID      chat.SessionID `json:"id"`
	Label   string         `json:"label"`
	Scopes  []string       `json:"scopes"`
	Rooms   []wire.Whom    `json:"rooms"` // those that who asks may not see have neither id nor name
	Created wire.Millis    `json:"created"`
	Used    wire.Millis    `json:"used,omitempty"`
}

func (h *handler) shownToken(r *http.Request, l chat.Login, t chat.BotToken) botToken {
	s := botToken{ID: t.ID, Label: t.Label, Scopes: scopeNames(t.Scope), Rooms: []wire.Whom{}, Created: wire.ToMillis(t.Created)}
	if !t.Used.IsZero() {
		s.Used = wire.ToMillis(t.Used)
	}
	for _, id := range t.Scope.Only {
		var one wire.Whom
		if m, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), id, chat.ActSee); err == nil {
			one = wire.Whom{ID: chat.UserID(id), Name: m.Name}
		}
		s.Rooms = append(s.Rooms, one)
	}
	return s
}

func scopeNames(s chat.Scope) []string {
	all := []string{}
	for _, one := range []struct {
		name string
		on   bool
	}{{"read", s.Read}, {"write", s.Write}, {"rooms", s.Rooms}, {"moderate", s.Moderate}} {
		if one.on {
			all = append(all, one.name)
		}
	}
	return all
}

func (h *handler) listBots(r *http.Request, l chat.Login) (int, any, error) {
	all, err := h.Gate.Bots(r.Context(), l.Person)
	if err != nil {
		return 0, nil, err
	}
	shown := make([]bot, 0, len(all))
	for _, b := range all {
		s := bot{ID: b.ID, Name: b.Name, Created: wire.ToMillis(b.Created), Tokens: []botToken{}}
		if b.By.ID != "" {
			s.By = &wire.Whom{ID: b.By.ID, Name: b.By.Name}
		}
		for _, t := range b.Tokens {
			s.Tokens = append(s.Tokens, h.shownToken(r, l, t))
		}
		shown = append(shown, s)
	}
	return http.StatusOK, map[string]any{"bots": shown}, nil
}

func (h *handler) addBot(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Name string `json:"name"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	name, err := names.Clean(ask.Name)
	if err != nil {
		return 0, nil, err
	}
	p, err := h.Gate.AddBot(r.Context(), l.Person, name)
	if err != nil {
		return 0, nil, err
	}
	made := bot{ID: p.ID, Name: p.Name, Created: wire.ToMillis(time.Now()), Tokens: []botToken{}}
	return http.StatusCreated, map[string]any{"bot": made}, nil
}

func (h *handler) removeBot(r *http.Request, l chat.Login) (int, any, error) {
	return http.StatusOK, none{}, h.Gate.RemoveBot(r.Context(), l.Person, chat.UserID(r.PathValue("id")))
}

// addBotToken gives a bot a token for what the admin names. A token can be for rooms
// that the admin may add people to, and for no others.
func (h *handler) addBotToken(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Label  string        `json:"label"`
		Scopes []string      `json:"scopes"`
		Rooms  []chat.RoomID `json:"rooms"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if len(ask.Rooms) > chat.MaxAdded {
		return 0, nil, chat.Errorf(chat.CodeTooMany, "at most %d rooms", chat.MaxAdded)
	}
	t := chat.BotToken{Label: ask.Label, Scope: chat.Scope{Only: ask.Rooms}}
	for _, name := range ask.Scopes {
		switch name {
		case "read":
			t.Scope.Read = true
		case "write":
			t.Scope.Write = true
		case "rooms":
			t.Scope.Rooms = true
		case "moderate":
			t.Scope.Moderate = true
		default:
			return 0, nil, chat.Errorf(chat.CodeBadFrame, "the scopes are read, write, rooms and moderate")
		}
	}
	if len(ask.Scopes) == 0 {
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "a token is for something: read, write, rooms or moderate")
	}
	for _, id := range ask.Rooms {
		if _, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), id, chat.ActSee); err != nil {
			return 0, nil, err
		}
	}
	t, secret, err := h.Gate.AddBotToken(r.Context(), l.Person, chat.UserID(r.PathValue("id")), t)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, map[string]any{"token": h.shownToken(r, l, t), "secret": secret}, nil
}

func (h *handler) endBotToken(r *http.Request, l chat.Login) (int, any, error) {
	return http.StatusOK, none{}, h.Gate.EndBotToken(r.Context(), l.Person, chat.UserID(r.PathValue("id")), chat.SessionID(r.PathValue("token")))
}
