package api

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

const (
	sessionCookie = "hubbub_session"
	sessionAge    = 400 * 24 * 3600 // seconds: the longest that browsers keep a cookie
)

// you is the answer about the person who asks.
type you struct {
	You     wire.Person `json:"you"`
	Token   string      `json:"token,omitempty"`
	session *http.Cookie
}

func (y you) cookie() *http.Cookie { return y.session }

func newYou(p chat.Person) you { return you{You: wire.Person{ID: p.ID, Name: p.Name}} }

// person returns who sent the request.
func (h *handler) person(r *http.Request) (chat.Person, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		c, err := r.Cookie(sessionCookie)
		if err != nil {
			return chat.Person{}, chat.Errorf(chat.CodeUnauthorized, "choose a name first")
		}
		token = c.Value
	}
	return h.Directory.PersonByToken(r.Context(), chat.HashToken(token))
}

// newToken returns 256 random bits, recognisable as ours.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return "hbt_" + base64.RawURLEncoding.EncodeToString(b)
}

// addGuest makes an identity: for a browser in a cookie that scripts cannot
// read, for a program in the answer.
func (h *handler) addGuest(r *http.Request) (int, any, error) {
	var ask struct {
		Name  string `json:"name"`
		Token bool   `json:"token"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	name, err := chat.CleanName(ask.Name)
	if err != nil {
		return 0, nil, err
	}
	token := newToken()
	hash := chat.HashToken(token)
	p, err := h.Directory.AddGuest(r.Context(), name, &hash)
	if err != nil {
		return 0, nil, err
	}
	y := newYou(p)
	if ask.Token {
		y.Token = token
	} else {
		y.session = &http.Cookie{
			Name: sessionCookie, Value: token, Path: "/", MaxAge: sessionAge,
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
		}
	}
	return http.StatusCreated, y, nil
}

func (h *handler) me(r *http.Request) (int, any, error) {
	p, err := h.person(r)
	return http.StatusOK, newYou(p), err
}

func (h *handler) rename(r *http.Request) (int, any, error) {
	p, err := h.person(r)
	if err != nil {
		return 0, nil, err
	}
	var ask struct {
		Name string `json:"name"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	name, err := chat.CleanName(ask.Name)
	if err != nil {
		return 0, nil, err
	}
	if p, err = h.Directory.Rename(r.Context(), p.ID, name); err != nil {
		return 0, nil, err
	}
	for _, peer := range h.Hub.Peers(p.ID) {
		peer.Renamed(p.Name)
	}
	return http.StatusOK, newYou(p), nil
}
