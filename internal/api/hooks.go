package api

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/hooks"
	"hubbub/internal/names"
	"hubbub/internal/outside"
	"hubbub/internal/wire"
)

// hook is a hook in an answer.
type hook struct {
	ID       string      `json:"id"`
	Kind     string      `json:"kind"` // "in" or "out"
	Name     string      `json:"name"`
	Bot      chat.UserID `json:"bot"`
	By       wire.Whom   `json:"by"`
	Created  wire.Millis `json:"created"`
	Used     wire.Millis `json:"used,omitempty"`
	URL      string      `json:"url,omitempty"`
	Events   string      `json:"events,omitempty"`
	State    string      `json:"state,omitempty"` // "active", "failing" or "paused"
	Next     wire.Millis `json:"next,omitempty"`  // when it is tried again
	Seq      chat.Seq    `json:"seq,omitempty"`
	Failures []failure   `json:"failures,omitempty"`
}

type failure struct {
	Seq    chat.Seq    `json:"seq"`
	Time   wire.Millis `json:"time"`
	Status int         `json:"status,omitempty"`
	Error  string      `json:"error"`
}

func shownHook(h chat.Hook) hook {
	s := hook{ID: h.ID, Kind: "in", Name: h.Bot.Name, Bot: h.Bot.ID, By: wire.Whom(h.By), Created: wire.ToMillis(h.Created)}
	if !h.Used.IsZero() {
		s.Used = wire.ToMillis(h.Used)
	}
	if h.Incoming {
		return s
	}
	s.Kind, s.URL, s.Events, s.State, s.Seq = "out", h.URL, h.Events, "active", h.Seq
	switch {
	case h.Paused:
		s.State = "paused"
	case h.Tries > 0:
		s.State, s.Next = "failing", wire.ToMillis(h.Next)
	}
	return s
}

// hooking is an answer about the hooks of a room, for people who manage it. Not for the
// operator, who does not read along.
func (h *handler) hooking(f func(*http.Request, chat.Login, chat.Membership) (int, any, error)) http.HandlerFunc {
	return h.in(chat.ActManage, func(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
		if l.Bot || l.ID == chat.OperatorID {
			return 0, nil, chat.Errorf(chat.CodeForbidden, "hooks are made by people who are here")
		}
		return f(r, l, m)
	})
}

// hookOf finds the hook of the address, which must be in the room.
func (h *handler) hookOf(r *http.Request, m chat.Membership) (chat.Hook, error) {
	found, err := h.Hooks.Hook(r.Context(), r.PathValue("hook"))
	if err == nil && found.Room != m.ID {
		err = chat.Errorf(chat.CodeNotFound, "there is no such hook")
	}
	return found, err
}

func (h *handler) shownWithFailures(r *http.Request, found chat.Hook) (hook, error) {
	s := shownHook(found)
	if found.Incoming {
		return s, nil
	}
	all, err := h.Hooks.HookFailures(r.Context(), found.ID)
	for _, f := range all {
		s.Failures = append(s.Failures, failure{f.Seq, wire.ToMillis(f.Time), f.Status, f.Reason})
	}
	return s, err
}

func (h *handler) listHooks(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	all, err := h.Hooks.Hooks(r.Context(), m.ID)
	if err != nil {
		return 0, nil, err
	}
	shown := make([]hook, 0, len(all))
	for _, one := range all {
		s, err := h.shownWithFailures(r, one)
		if err != nil {
			return 0, nil, err
		}
		shown = append(shown, s)
	}
	return http.StatusOK, map[string]any{"hooks": shown}, nil
}

func cleanHookURL(text string) error {
	if _, ok := outside.Address(text, "https", "http"); !ok {
		return chat.Errorf(chat.CodeBadFrame, "url is an address that begins with https:// or http://, without a name and password in it")
	}
	return nil
}

func cleanHookEvents(what string) error {
	switch what {
	case chat.HookMessages, chat.HookMentions, chat.HookAll:
		return nil
	}
	return chat.Errorf(chat.CodeBadFrame, "events is message, mention or all")
}

// addHook makes a hook. Only this answer holds its secret.
func (h *handler) addHook(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Kind   string `json:"kind"`
		Name   string `json:"name"`
		URL    string `json:"url"`
		Events string `json:"events"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	name, err := names.Clean(ask.Name)
	if err != nil {
		return 0, nil, err
	}
	if m.Archived {
		return 0, nil, chat.Archived.Err(nil)
	}
	n := chat.NewHook{Name: name, Hook: chat.Hook{Room: m.ID, By: chat.Mention{ID: l.ID}}}
	secret := ""
	switch ask.Kind {
	case "in":
		secret = chat.NewToken(chat.HookPrefix, 32)
		n.Incoming, n.Secret = true, chat.HashToken(secret)
	case "out":
		if ask.Events == "" {
			ask.Events = chat.HookMessages
		}
		if err := errors.Join(cleanHookURL(ask.URL), cleanHookEvents(ask.Events)); err != nil {
			return 0, nil, err
		}
		secret = chat.NewToken(chat.SigningPrefix, 32)
		n.URL, n.Events, n.Key = ask.URL, ask.Events, secret
	default:
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "kind is in or out")
	}
	if err := h.Gate.MakeHook(l.ID); err != nil {
		return 0, nil, err
	}
	made, err := h.Hooks.AddHook(r.Context(), n)
	if err != nil {
		return 0, nil, err
	}
	h.tellOfHook(r, made)
	answer := map[string]any{"hook": shownHook(made), "secret": secret}
	if made.Incoming {
		url := h.outside(r) + "/hooks/" + secret
		answer["url"] = url
		answer["curl"] = fmt.Sprintf(`curl -d '{"text":"Hello from curl"}' %s`, url)
	}
	return http.StatusCreated, answer, nil
}

func (h *handler) changeHook(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	var ask struct {
		Name   *string `json:"name"`
		URL    *string `json:"url"`
		Events *string `json:"events"`
		Paused *bool   `json:"paused"`
	}
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	found, err := h.hookOf(r, m)
	if err != nil {
		return 0, nil, err
	}
	if found.Incoming && (ask.URL != nil || ask.Events != nil || ask.Paused != nil) {
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "an incoming hook has a name only")
	}
	c := chat.HookChange{URL: ask.URL, Events: ask.Events, Paused: ask.Paused}
	if ask.Name != nil {
		name, err := names.Clean(*ask.Name)
		if err != nil {
			return 0, nil, err
		}
		c.Name = &name
	}
	if c.URL != nil {
		if err := cleanHookURL(*c.URL); err != nil {
			return 0, nil, err
		}
	}
	if c.Events != nil {
		if err := cleanHookEvents(*c.Events); err != nil {
			return 0, nil, err
		}
	}
	return h.changedHook(r, found.ID, c)
}

// tellOfHook has whoever delivers look at a hook.
func (h *handler) tellOfHook(r *http.Request, hook chat.Hook) {
	if hook.Incoming {
		return
	}
	if err := h.Hub.Announce(r.Context(), chat.Change{Kind: chat.ChangeHook, Room: hook.Room, Name: hook.ID}); err != nil {
		h.Log.Warn("tell of a hook; it is looked at a little later", "err", err)
	}
}

func (h *handler) changedHook(r *http.Request, id string, c chat.HookChange) (int, any, error) {
	changed, err := h.Hooks.ChangeHook(r.Context(), id, c)
	if err != nil {
		return 0, nil, err
	}
	h.tellOfHook(r, changed)
	s, err := h.shownWithFailures(r, changed)
	return http.StatusOK, map[string]any{"hook": s}, err
}

// retryHook tries what failed at once.
func (h *handler) retryHook(r *http.Request, _ chat.Login, m chat.Membership) (int, any, error) {
	found, err := h.hookOf(r, m)
	if err != nil {
		return 0, nil, err
	}
	if found.Incoming {
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "an incoming hook delivers nothing")
	}
	goOn := false
	return h.changedHook(r, found.ID, chat.HookChange{Paused: &goOn})
}

func (h *handler) removeHook(r *http.Request, l chat.Login, m chat.Membership) (int, any, error) {
	found, err := h.hookOf(r, m)
	if err == nil {
		err = h.Hooks.RemoveHook(r.Context(), found.ID, l.ID)
	}
	if err != nil {
		return 0, nil, err
	}
	h.tellOfHook(r, found)
	return http.StatusOK, none{}, nil
}

// incoming takes a message for a room. Its answers are those of Slack's incoming
// webhooks, word for word, because the programs that ask were made for these.
func (h *handler) incoming(w http.ResponseWriter, r *http.Request) {
	status, word := http.StatusOK, "ok"
	if err := h.takeIncoming(w, r); err != nil {
		status, word = h.slackError(w, err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, word)
}

func (h *handler) takeIncoming(w http.ResponseWriter, r *http.Request) error {
	found, err := h.Gate.HookOf(r.Context(), r.PathValue("secret"), h.client(r))
	if err != nil {
		return err
	}
	if err := h.Gate.HookSays(found.ID); err != nil {
		return err
	}
	said, err := hooks.ReadRequest(w, r, func(id string) (string, bool) {
		a, err := h.Gate.Accounts.Person(r.Context(), chat.UserID(id))
		return a.Name, err == nil
	})
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	d := chat.Draft{
		Room: found.Room, Author: found.Bot.ID, Name: found.Bot.Name, Bot: true,
		As: h.alias(r, found, said.As), Kind: chat.KindMessage, ID: chat.EventID(id), Body: said.Text,
	}
	if err := h.Hub.Post(r.Context(), []chat.Draft{d})[0].Err; err != nil {
		return err
	}
	if now := time.Now(); now.Sub(found.Used) > time.Minute { // for people to see that it works; each message need not be written twice
		return h.Hooks.HookUsed(r.Context(), found.ID, now)
	}
	return nil
}

// alias is what a hook's bot may call itself in a message: what anybody might be
// called, and nobody is.
func (h *handler) alias(r *http.Request, found chat.Hook, as string) string {
	name, err := names.Clean(as)
	if err != nil || name.Display == found.Bot.Name {
		return ""
	}
	_, err = h.Gate.Accounts.PersonByName(r.Context(), name.Key)
	if err == nil || chat.AsError(err).Code != chat.CodeNotFound {
		return ""
	}
	return name.Display
}

// slackError is how an error is told to a program that was made for Slack.
func (h *handler) slackError(w http.ResponseWriter, err error) (status int, word string) {
	var refusal *hooks.Refusal
	if errors.As(err, &refusal) {
		h.Refused(chat.CodeBadFrame)
		return refusal.Status, refusal.Word
	}
	e := chat.AsError(err)
	h.Refused(e.Code)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(math.Ceil(e.RetryAfter.Seconds())))
	}
	switch e.Code {
	case chat.CodeNotFound, chat.CodeBanned, chat.CodeRemoved, chat.CodeForbidden, chat.CodeUnauthorized, chat.CodeWaiting:
		return http.StatusNotFound, "no_service"
	case chat.CodeArchived:
		return http.StatusGone, "channel_is_archived"
	case chat.CodeReadOnly, chat.CodeMuted:
		return http.StatusForbidden, "action_prohibited"
	case chat.CodeRateLimited, chat.CodeSlowMode:
		return http.StatusTooManyRequests, "rate_limited"
	case chat.CodeUnavailable:
		return http.StatusServiceUnavailable, "service_unavailable"
	}
	h.Log.Error("take a message of a hook", "err", err) // without the address, which is a secret
	return http.StatusInternalServerError, "internal_error"
}

// logged is the path of a request without the secret that it may hold.
func logged(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/hooks/") {
		return "/hooks/…"
	}
	return r.URL.Path
}
