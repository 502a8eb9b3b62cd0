package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/gate"
)

// This file is about signing in and out.

func (h *handler) signIn(r *http.Request) (int, any, error) {
	var ask struct {
		Name     string `json:"name"`
		Password string `json:"password"`
		Token    bool   `json:"token"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	s, err := h.Gate.SignIn(r.Context(), h.visitor(r), ask.Name, ask.Password)
	return h.arrived(r, s, err, ask.Token)
}

// arrived ends the session that the browser had before: nobody else may have
// planted it, and nobody shall find it.
func (h *handler) arrived(r *http.Request, s gate.Signed, err error, program bool) (int, any, error) {
	if err != nil {
		return 0, nil, err
	}
	if token, cookie := h.token(r); cookie && !program {
		if old, err := h.Gate.Login(r.Context(), token, h.client(r)); err == nil {
			if err := h.Gate.EndSession(r.Context(), old.ID, old.Session); err != nil && chat.AsError(err).Code != chat.CodeNotFound {
				return 0, nil, err
			}
		}
	}
	return http.StatusOK, h.signed(r, s, program), nil
}

func (h *handler) signInByLink(r *http.Request) (int, any, error) {
	var ask struct {
		Link  string `json:"link"`
		Token bool   `json:"token"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	s, err := h.Gate.SignInByLink(r.Context(), h.visitor(r), ask.Link)
	return h.arrived(r, s, err, ask.Token)
}

func (h *handler) beginPasskeySignIn(r *http.Request) (int, any, error) {
	options, ceremony, err := h.Gate.BeginSignIn(r.Context(), h.visitor(r), h.origin(r))
	return http.StatusOK, map[string]any{"options": options, "ceremony": ceremony}, err
}

// ceremony is what a browser brings back from a passkey.
type ceremony struct {
	Ceremony   string          `json:"ceremony"`
	Credential json.RawMessage `json:"credential"`
	Label      string          `json:"label"`
}

func (h *handler) signInByPasskey(r *http.Request) (int, any, error) {
	var ask ceremony
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	s, err := h.Gate.SignInByPasskey(r.Context(), h.visitor(r), h.origin(r), ask.Ceremony, ask.Credential)
	return h.arrived(r, s, err, false)
}

func (h *handler) beginPasskey(r *http.Request, l chat.Login) (int, any, error) {
	options, ceremony, err := h.Gate.BeginPasskey(r.Context(), l, h.origin(r))
	return http.StatusOK, map[string]any{"options": options, "ceremony": ceremony}, err
}

func (h *handler) addPasskey(r *http.Request, l chat.Login) (int, any, error) {
	var ask ceremony
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	p, err := h.Gate.AddPasskey(r.Context(), l, h.origin(r), ask.Ceremony, ask.Label, ask.Credential)
	return http.StatusCreated, newYou(p), err
}

func (h *handler) removePasskey(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		ID []byte `json:"id"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, none{}, h.Gate.RemovePasskey(r.Context(), l.ID, ask.ID)
}

func (h *handler) setPassword(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Current  string `json:"current"`
		Password string `json:"password"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	p, err := h.Gate.SetPassword(r.Context(), h.visitor(r), l, ask.Current, ask.Password)
	return http.StatusOK, newYou(p), err
}

func (h *handler) signOut(r *http.Request, l chat.Login) (int, any, error) {
	err := h.Gate.EndSession(r.Context(), l.ID, l.Session)
	return http.StatusOK, none{session: h.newCookie(r, "", -1)}, err
}

// newLink makes the link and the QR code that sign in another device.
func (h *handler) newLink(r *http.Request, l chat.Login) (int, any, error) {
	token, ends, err := h.Gate.NewLink(r.Context(), l)
	if err != nil {
		return 0, nil, err
	}
	link := h.outside(r) + "/link#" + token
	return http.StatusCreated, map[string]any{"link": link, "qr": qrPicture(link), "expires": ends.UTC()}, nil
}

// session is a session in a list.
type session struct {
	ID      chat.SessionID `json:"id"`
	Device  string         `json:"device"`
	Created time.Time      `json:"created"`
	Used    time.Time      `json:"used"`
	This    bool           `json:"this"`
	Online  bool           `json:"online"`
}

func (h *handler) listSessions(r *http.Request, id chat.UserID, this chat.SessionID) (int, any, error) {
	all, err := h.Gate.Accounts.Sessions(r.Context(), id)
	if err != nil {
		return 0, nil, err
	}
	var online []chat.SessionID
	for _, p := range h.Hub.Peers(id) {
		online = append(online, p.Session())
	}
	shown := make([]session, 0, len(all))
	for _, s := range all {
		shown = append(shown, session{s.ID, s.Device, s.Created.UTC(), s.Used.UTC(), s.ID == this, slices.Contains(online, s.ID)})
	}
	return http.StatusOK, map[string]any{"sessions": shown}, nil
}

func (h *handler) mySessions(r *http.Request, l chat.Login) (int, any, error) {
	return h.listSessions(r, l.ID, l.Session)
}

func (h *handler) endMySession(r *http.Request, l chat.Login) (int, any, error) {
	return http.StatusOK, none{}, h.Gate.EndSession(r.Context(), l.ID, chat.SessionID(r.PathValue("session")))
}

func (h *handler) endOtherSessions(r *http.Request, l chat.Login) (int, any, error) {
	return http.StatusOK, none{}, h.Gate.EndSessions(r.Context(), l.ID, l.Session)
}

// The sessions of others are the operator's business alone.
// restart has the server start again. It is for owners in the page: on the machine itself
// there are other ways.
func (h *handler) restart(r *http.Request, l chat.Login) (int, any, error) {
	if err := h.Gate.Restarted(r.Context(), l.Person); err != nil {
		return 0, nil, err
	}
	h.Log.Info("the server starts again", "by", l.Name)
	h.Restart()
	return http.StatusAccepted, none{}, nil
}

func operatorOnly(l chat.Login) error {
	if l.ID != chat.OperatorID {
		return chat.Errorf(chat.CodeForbidden, "that is done on the machine itself")
	}
	return nil
}

func (h *handler) sessionsOf(r *http.Request, l chat.Login) (int, any, error) {
	if err := operatorOnly(l); err != nil {
		return 0, nil, err
	}
	return h.listSessions(r, chat.UserID(r.PathValue("id")), "")
}

func (h *handler) endSessionsOf(r *http.Request, l chat.Login) (int, any, error) {
	if err := operatorOnly(l); err != nil {
		return 0, nil, err
	}
	id := chat.UserID(r.PathValue("id"))
	if s := r.PathValue("session"); s != "" {
		return http.StatusOK, none{}, h.Gate.EndSession(r.Context(), id, chat.SessionID(s))
	}
	return http.StatusOK, none{}, h.Gate.EndSessions(r.Context(), id, "")
}

const stateCookie = "hubbub_errand"

// toProvider sends the browser to the other place where people sign in.
func (h *handler) toProvider(w http.ResponseWriter, r *http.Request) {
	var l chat.Login
	if r.URL.Query().Get("claim") != "" {
		l, _ = h.login(r)
	}
	invite := ""
	if c, err := r.Cookie(inviteCookieName); err == nil {
		invite = c.Value
	}
	to, state, err := h.Gate.BeginProvider(r.Context(), h.visitor(r), h.origin(r)+"/api/sign-in/provider/back", l, invite)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: stateCookie, Value: state, Path: "/api/sign-in/provider", MaxAge: 300,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: h.scheme(r.Host) == "https",
	})
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// fromProvider takes them back.
func (h *handler) fromProvider(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	c, err := r.Cookie(stateCookie)
	if err != nil || c.Value == "" || c.Value != q.Get("state") {
		h.refuse(w, r, chat.Errorf(chat.CodeBadSignIn, "that answer belongs to another browser; sign in again"))
		return
	}
	http.SetCookie(w, &http.Cookie{Name: stateCookie, Path: "/api/sign-in/provider", MaxAge: -1})
	s, err := h.Gate.FinishProvider(r.Context(), h.visitor(r), c.Value, q.Get("code"))
	if err != nil {
		http.Redirect(w, r, "/sign-in#"+string(chat.AsError(err).Code), http.StatusSeeOther)
		return
	}
	if s.Token != "" {
		http.SetCookie(w, h.newCookie(r, s.Token, sessionAge))
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
