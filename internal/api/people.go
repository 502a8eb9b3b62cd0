package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/gate"
	"hubbub/internal/wire"
)

// A cookie whose name begins with __Host- is kept by browsers only if it came over
// HTTPS from this very host; without HTTPS there can be none.
const (
	sessionCookie = "hubbub_session"
	secureCookie  = "__Host-hubbub_session"
	sessionAge    = 400 * 24 * 3600 // seconds: the longest that browsers keep a cookie
)

// you is the answer about the person who asks.
type you struct {
	You     wire.Person `json:"you"`
	Token   string      `json:"token,omitempty"`
	session *http.Cookie
}

func (y you) cookie() *http.Cookie { return y.session }

func newYou(p chat.Person) you { return you{You: wire.PersonFrame(p)} }

// signed is the answer to somebody who has just come in: a browser has the session
// in a cookie that scripts cannot read, a program in the answer.
func (h *handler) signed(r *http.Request, s gate.Signed, program bool) you {
	y := newYou(s.Person)
	if program {
		y.Token = s.Token
	} else {
		y.session = h.newCookie(r, s.Token, sessionAge)
	}
	return y
}

func (h *handler) newCookie(r *http.Request, token string, age int) *http.Cookie {
	c := &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if h.scheme(r.Host) == "https" {
		c.Name, c.Secure = secureCookie, true
	}
	return c
}

// token returns the secret that a request brings, and whether by a cookie.
func (h *handler) token(r *http.Request) (token string, cookie bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token, false
	}
	name := sessionCookie
	if h.scheme(r.Host) == "https" {
		name = secureCookie
	}
	if c, err := r.Cookie(name); err == nil {
		return c.Value, true
	}
	return "", false
}

type operatorKey struct{}

// login returns who sent the request.
func (h *handler) login(r *http.Request) (chat.Login, error) {
	if r.Context().Value(operatorKey{}) != nil {
		return chat.Login{Person: gate.Operator}, nil
	}
	token, _ := h.token(r)
	if token == "" {
		return chat.Login{}, chat.Errorf(chat.CodeUnauthorized, "choose a name first")
	}
	return h.Gate.Login(r.Context(), token, h.client(r))
}

type answerer = func(*http.Request, chat.Login) (int, any, error)

// mine is an answer for a person, of themselves.
func (h *handler) mine(f answerer) http.HandlerFunc {
	return h.self(func(r *http.Request, l chat.Login) (int, any, error) {
		if l.Bot {
			return 0, nil, chat.Errorf(chat.CodeForbidden, "that is for people, not for bots")
		}
		return f(r, l)
	})
}

// self is mine for bots too.
func (h *handler) self(f answerer) http.HandlerFunc {
	return h.any(func(r *http.Request, l chat.Login) (int, any, error) {
		if l.ID == chat.OperatorID {
			return 0, nil, chat.Errorf(chat.CodeForbidden, "the operator is nobody in particular")
		}
		return f(r, l)
	})
}

// by is an answer for a person, or the operator.
func (h *handler) by(f answerer) http.HandlerFunc {
	return h.any(func(r *http.Request, l chat.Login) (int, any, error) {
		if l.Bot {
			return 0, nil, chat.Errorf(chat.CodeForbidden, "that is for people, not for bots")
		}
		return f(r, l)
	})
}

// reading is an answer for everybody with an identity, and for tokens that may read.
func (h *handler) reading(f answerer) http.HandlerFunc {
	return h.any(func(r *http.Request, l chat.Login) (int, any, error) {
		if err := scoped(l, func(s *chat.Scope) bool { return s.Read }); err != nil {
			return 0, nil, err
		}
		return f(r, l)
	})
}

// any is an answer for everybody with an identity, or the operator.
func (h *handler) any(f answerer) http.HandlerFunc {
	return h.answer(func(r *http.Request) (int, any, error) {
		l, err := h.login(r)
		if err != nil {
			return 0, nil, err
		}
		return f(r, l)
	})
}

// none is the answer where there is nothing to say, but perhaps a cookie to set.
type none struct{ session *http.Cookie }

func (n none) cookie() *http.Cookie { return n.session }

// addGuest makes an identity.
func (h *handler) addGuest(r *http.Request) (int, any, error) {
	var ask struct {
		Name     string `json:"name"`
		Invite   string `json:"invite"`
		Password string `json:"password"`
		Token    bool   `json:"token"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	s, err := h.Gate.Enter(r.Context(), h.visitor(r), ask.Name, ask.Invite, ask.Password)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, h.signed(r, s, ask.Token), nil
}

// place tells how to come in, and who asks, if that is known.
func (h *handler) place(r *http.Request) (int, any, error) {
	policy, err := h.Gate.Policy(r.Context())
	if err != nil {
		return 0, nil, err
	}
	needs, err := h.Gate.NeedsInvite(r.Context(), h.visitor(r))
	if err != nil {
		return 0, nil, err
	}
	keep, err := h.Gate.Keep(r.Context())
	if err != nil {
		return 0, nil, err
	}
	previews, err := h.Gate.Previews(r.Context())
	if err != nil {
		return 0, nil, err
	}
	answer := map[string]any{
		"guests": policy, "keep": keep, "previews": previews, "needs_invite": needs, "passkeys": gate.CanPasskey(h.origin(r)), "provider": nil, "you": nil,
	}
	switch l, err := h.login(r); {
	case err == nil:
		answer["you"] = wire.PersonFrame(l.Person)
	case chat.AsError(err).Code != chat.CodeUnauthorized:
		return 0, nil, err
	}
	if p := h.Gate.Provider; p != nil {
		answer["provider"] = p.Label
	}
	return http.StatusOK, answer, nil
}

func (h *handler) setPlace(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Guests *string    `json:"guests"`
		Keep   *chat.Keep `json:"keep"`

		Previews *bool `json:"previews"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if ask.Guests != nil {
		if err := h.Gate.SetPolicy(r.Context(), l.Person, *ask.Guests); err != nil {
			return 0, nil, err
		}
	}
	if ask.Previews != nil {
		if err := h.Gate.SetPreviews(r.Context(), l.Person, *ask.Previews); err != nil {
			return 0, nil, err
		}
	}
	if ask.Keep != nil {
		return http.StatusOK, none{}, h.Gate.SetKeep(r.Context(), l.Person, *ask.Keep)
	}
	return http.StatusOK, none{}, nil
}

type passkey struct {
	ID      []byte     `json:"id"`
	Label   string     `json:"label"`
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used"`
}

func ever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (h *handler) me(r *http.Request, l chat.Login) (int, any, error) {
	a, err := h.Gate.Accounts.Person(r.Context(), l.ID)
	if err != nil {
		return 0, nil, err
	}
	keys, err := h.Gate.Accounts.Passkeys(r.Context(), l.ID)
	if err != nil {
		return 0, nil, err
	}
	shown := make([]passkey, 0, len(keys))
	for _, k := range keys {
		shown = append(shown, passkey{k.ID, k.Label, k.Created.UTC(), ever(k.Used)})
	}
	hides, err := h.Directory.HidesReads(r.Context(), l.ID)
	if err != nil {
		return 0, nil, err
	}
	silence, err := h.Attention.Silence(r.Context(), l.ID)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{
		"share_reads": !hides, "silent_until": wire.End(silence.Until, time.Now()), "quiet_hours": shownHours(silence),
		"you": wire.PersonFrame(l.Person), "password": a.Password != "", "passkeys": shown, "picture": a.Picture,
	}, nil
}

func (h *handler) rename(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Name       *string `json:"name"`
		ShareReads *bool   `json:"share_reads"`

		SilentUntil *wire.Millis    `json:"silent_until"`
		QuietHours  json.RawMessage `json:"quiet_hours"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	if ask.ShareReads != nil {
		if err := h.Directory.HideReads(r.Context(), l.ID, !*ask.ShareReads); err != nil {
			return 0, nil, err
		}
	}
	silence := ask.SilentUntil != nil || len(ask.QuietHours) > 0
	if silence {
		if err := h.setSilence(r, l, ask.SilentUntil, ask.QuietHours); err != nil {
			return 0, nil, err
		}
	}
	if ask.Name == nil && (ask.ShareReads != nil || silence) {
		return http.StatusOK, newYou(l.Person), nil
	}
	name := ""
	if ask.Name != nil {
		name = *ask.Name
	}
	p, err := h.Gate.Rename(r.Context(), l.ID, name)
	return http.StatusOK, newYou(p), err
}

// person is somebody in a list.
type person struct {
	wire.Person
	Account bool       `json:"account"`
	Picture string     `json:"picture,omitempty"`
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used"`
}

func (h *handler) people(r *http.Request, _ chat.Login) (int, any, error) {
	all, err := h.Gate.Accounts.People(r.Context())
	if err != nil {
		return 0, nil, err
	}
	shown := make([]person, 0, len(all))
	pictures := r.URL.Query().Get("with") == "picture"
	for _, a := range all {
		if pictures && a.Picture == "" {
			continue
		}
		shown = append(shown, person{wire.PersonFrame(a.Person), a.Role > chat.RoleGuest, a.Picture, a.Created.UTC(), ever(a.Used)})
	}
	return http.StatusOK, map[string]any{"people": shown}, nil
}

func (h *handler) setRole(r *http.Request, l chat.Login) (int, any, error) {
	var ask struct {
		Role string `json:"role"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	role, err := chat.ParseRole(ask.Role)
	if err != nil {
		return 0, nil, err
	}
	p, err := h.Gate.SetRole(r.Context(), l.Person, chat.UserID(r.PathValue("id")), role)
	return http.StatusOK, map[string]any{"person": wire.PersonFrame(p)}, err
}

func (h *handler) removePerson(r *http.Request, l chat.Login) (int, any, error) {
	return http.StatusOK, none{}, h.Gate.Remove(r.Context(), l.Person, chat.UserID(r.PathValue("id")))
}

func (h *handler) setPicture(r *http.Request, l chat.Login) (int, any, error) {
	name, err := h.Gate.SetPicture(r.Context(), l.ID, r.Body)
	return http.StatusOK, map[string]any{"picture": name}, err
}

func (h *handler) removePicture(r *http.Request, l chat.Login) (int, any, error) {
	return http.StatusOK, none{}, h.Gate.RemovePicture(r.Context(), l.ID)
}

// picture answers with somebody's picture. Its address holds its name, so browsers
// may keep it.
func (h *handler) picture(w http.ResponseWriter, r *http.Request) {
	if _, err := h.login(r); err != nil {
		h.refuse(w, r, err)
		return
	}
	kind, data, err := h.Gate.Accounts.Picture(r.Context(), chat.UserID(r.PathValue("id")))
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	w.Write(data)
}

// asOperator has a handler believe that the operator asks.
func asOperator(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), operatorKey{}, true)))
	})
}
