package api

import (
	"net/http"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/names"
	"hubbub/internal/wire"
)

// invite is an invitation in an answer. Link and QR are there only when it is made.
type invite struct {
	ID      chat.InviteID `json:"id"`
	Role    string        `json:"role"`
	Room    string        `json:"room,omitempty"` // by name
	RoomID  chat.RoomID   `json:"room_id,omitempty"`
	By      string        `json:"by,omitempty"` // by name; none: the operator
	Uses    int           `json:"uses"`         // 0: any number
	Used    int           `json:"used"`
	Expires *time.Time    `json:"expires"`
	Created time.Time     `json:"created"`
	Note    string        `json:"note,omitempty"`
	Link    string        `json:"link,omitempty"`
	QR      string        `json:"qr,omitempty"` // an SVG picture
}

// shownInvite puts names where an invitation has ids. The room is named only to those
// who may see it, and to who was invited; for them who is everybody.
func (h *handler) shownInvite(r *http.Request, i chat.Invite, who *chat.Login) (invite, error) {
	s := invite{
		ID: i.ID, Role: i.Role.String(), Uses: i.Uses, Used: i.Used,
		Expires: ever(i.Expires), Created: i.Created.UTC(), Note: i.Note,
	}
	if i.Room != "" {
		room, err := h.Directory.Room(r.Context(), i.Room)
		if err != nil {
			return s, err
		}
		if who != nil {
			_, err = chat.Authorize(r.Context(), h.Directory, who.Actor(), i.Room, chat.ActSee)
		}
		if err == nil {
			s.Room, s.RoomID = room.Name, room.ID
		} else {
			s.Note = "" // it may say what the room is for
		}
	}
	if i.By != "" {
		a, err := h.Gate.Accounts.Person(r.Context(), i.By)
		if err != nil {
			return s, err
		}
		s.By = a.Name
	}
	return s, nil
}

func (h *handler) addInvite(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Role    string  `json:"role"`
		Room    string  `json:"room"` // by name, or by id
		Uses    int     `json:"uses"`
		Expires float64 `json:"expires"` // in seconds from now; 0: never
		Note    string  `json:"note"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	i := chat.Invite{Role: chat.RoleMember, Uses: ask.Uses, Note: ask.Note}
	var err error
	if ask.Role != "" {
		if i.Role, err = chat.ParseRole(ask.Role); err != nil {
			return 0, nil, err
		}
	}
	if ask.Expires < 0 || ask.Expires > 1e9 {
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "expires is in seconds from now, or 0")
	}
	if ask.Expires > 0 {
		i.Expires = time.Now().Add(time.Duration(ask.Expires * float64(time.Second)))
	}
	if ask.Room != "" {
		if i.Room, err = h.invitedTo(r, l, ask.Room); err != nil {
			return 0, nil, err
		}
	}
	i, token, err := h.Gate.AddInvite(r.Context(), l.Person, i)
	if err != nil {
		return 0, nil, err
	}
	s, err := h.shownInvite(r, i, &l)
	s.Link = h.outside(r) + "/join#" + token
	s.QR = qrPicture(s.Link)
	return http.StatusCreated, map[string]any{"invite": s}, err
}

// invitedTo finds the room of an invitation: one that whoever makes it may invite to,
// by its id, or a public one by its name, made if need be.
func (h *handler) invitedTo(r *http.Request, l chat.Login, text string) (chat.RoomID, error) {
	id := chat.RoomID(text)
	_, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), id, chat.ActSee)
	if err != nil && chat.AsError(err).Code == chat.CodeNotFound {
		n, err := names.Room(text)
		if err != nil {
			return "", err
		}
		room, made, err := h.Gate.PublicRoom(r.Context(), n, l.ID, h.client(r))
		if err != nil {
			return "", err
		}
		if id = room.ID; made && l.ID != chat.OperatorID {
			if err := h.enter(r, l, id); err != nil {
				return "", err
			}
		}
	}
	m, err := chat.Authorize(r.Context(), h.Directory, l.Actor(), id, chat.ActInvite)
	if m.Kind == chat.RoomPublic && m.Room.ID != "" && m.State != chat.StateBanned { // everybody who is in can go there anyway
		return id, nil
	}
	return id, err
}

func (h *handler) listInvites(r *http.Request, l chat.Login) (int, any, error) {
	all, err := h.Gate.Invites(r.Context(), l.Person)
	if err != nil {
		return 0, nil, err
	}
	shown := make([]invite, 0, len(all))
	for _, i := range all {
		s, err := h.shownInvite(r, i, &l)
		if err != nil {
			return 0, nil, err
		}
		shown = append(shown, s)
	}
	return http.StatusOK, map[string]any{"invites": shown}, nil
}

func (h *handler) revokeInvite(r *http.Request, l chat.Login) (int, any, error) {
	return http.StatusOK, none{}, h.Gate.RevokeInvite(r.Context(), l.Person, chat.InviteID(r.PathValue("id")))
}

// looked is what an invitation is for.
type looked struct {
	Role   string      `json:"role"`
	Room   string      `json:"room"`
	RoomID chat.RoomID `json:"room_id,omitempty"`
	By     string      `json:"by"`
	keep   *http.Cookie
}

func (l looked) cookie() *http.Cookie { return l.keep }

const inviteCookieName = "hubbub_invite"

// inviteCookie keeps an invitation over a visit to the provider.
func (h *handler) inviteCookie(r *http.Request, secret string) *http.Cookie {
	if h.Gate.Provider == nil {
		return nil
	}
	return &http.Cookie{
		Name: inviteCookieName, Value: secret, Path: "/api/sign-in/provider", MaxAge: 600,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: h.scheme(r.Host) == "https",
	}
}

// lookAtInvite says what an invitation is for, to whoever has it.
func (h *handler) lookAtInvite(r *http.Request) (int, any, error) {
	var ask struct {
		Invite string `json:"invite"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	i, err := h.Gate.Invite(r.Context(), h.visitor(r), ask.Invite)
	if err != nil {
		return 0, nil, err
	}
	s, err := h.shownInvite(r, i, nil)
	return http.StatusOK, looked{s.Role, s.Room, s.RoomID, s.By, h.inviteCookie(r, ask.Invite)}, err
}

// accepted is the answer to somebody who used an invitation.
type accepted struct {
	You    wire.Person `json:"you"`
	Room   string      `json:"room"`
	RoomID chat.RoomID `json:"room_id,omitempty"`
}

// acceptInvite is for somebody who is here already.
func (h *handler) acceptInvite(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Invite string `json:"invite"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	p, i, err := h.Gate.Accept(r.Context(), h.visitor(r), l, ask.Invite)
	if err != nil {
		return 0, nil, err
	}
	s, err := h.shownInvite(r, i, nil)
	if i.Room != "" {
		h.Sockets.Listed(l.ID, i.Room)
	}
	return http.StatusOK, accepted{newYou(p).You, s.Room, s.RoomID}, err
}

// ownerLink makes the one-time link for the owner.
func (h *handler) ownerLink(r *http.Request, l chat.Login) (int, any, error) {
	if err := operatorOnly(l); err != nil {
		return 0, nil, err
	}
	token, err := h.Gate.OwnerLink(r.Context())
	link := h.outside(r) + "/join#" + token
	return http.StatusCreated, map[string]any{"link": link}, err
}
