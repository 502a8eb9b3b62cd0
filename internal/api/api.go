// Package api is the way in over HTTP: sockets, identity, rooms, history, the
// page, health. docs/protocol.md, section 3, lists what it answers.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"strings"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/ws"
)

// Config is what the handlers stand on.
type Config struct {
	Hub       *hub.Hub
	Sockets   *ws.Server
	Store     chat.Log
	Directory chat.Directory
	Page      fs.FS // the built page
	Log       *slog.Logger
	Port      string          // that the server listens on
	Refused   func(chat.Code) // told of every refusal
	AllowNull bool            // accept plain text from pages on disk
}

type handler struct {
	Config
	origins origins
	epoch   chat.Epoch
}

// New returns the server's handler.
func New(cfg Config, epoch chat.Epoch) http.Handler {
	h := &handler{Config: cfg, epoch: epoch, origins: origins{port: cfg.Port, allowNull: cfg.AllowNull}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/guests", h.answer(h.addGuest))
	mux.HandleFunc("GET /api/me", h.answer(h.me))
	mux.HandleFunc("PATCH /api/me", h.answer(h.rename))
	mux.HandleFunc("GET /api/me/rooms", h.answer(h.myRooms))
	mux.HandleFunc("GET /api/rooms", h.answer(h.rooms))
	mux.HandleFunc("POST /api/rooms", h.answer(h.joinRoom))
	mux.HandleFunc("GET /api/rooms/{id}/events", h.answer(h.events))
	mux.HandleFunc("/api/", h.answer(func(*http.Request) (int, any, error) {
		return 0, nil, chat.Errorf(chat.CodeNotFound, "there is nothing at that address")
	}))
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.HandleFunc("GET /rooms/{name}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/r/"+r.PathValue("name"), http.StatusSeeOther)
	})
	mux.Handle("/", newPage(cfg.Page))

	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(h.answer(func(*http.Request) (int, any, error) {
		return 0, nil, chat.Errorf(chat.CodeForbidden, "requests from other sites are refused")
	}))
	guarded := csrf.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		switch err := h.origins.host(r); {
		case err != nil:
			h.refuse(w, r, err)
		case ws.IsUpgrade(r):
			h.socket(w, r)
		default:
			guarded.ServeHTTP(w, r)
		}
	})
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' blob: data:; manifest-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types svelte-trusted-html hubbub"

// secure sets the headers of every answer. The page holds no inline script or
// style, and its scripts can make no HTML from strings.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// socket takes a request that wants to become a WebSocket to its dialect.
func (h *handler) socket(w http.ResponseWriter, r *http.Request) {
	v1, err := ws.OffersV1(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if err := h.origins.socket(r, !v1); err != nil {
		h.refuse(w, r, err)
		return
	}
	if v1 {
		person, _ := h.person(r) // nobody yet: hello may bring a token
		h.Sockets.ServeV1(w, r, person)
		return
	}
	if err := h.plainSocket(w, r); err != nil {
		h.refuse(w, r, err)
	}
}

// plainSocket serves the dialect of the tutorial. No cookie is looked at: a page
// on disk could be anybody's.
func (h *handler) plainSocket(w http.ResponseWriter, r *http.Request) error {
	name, ok := strings.CutPrefix(r.URL.Path, "/rooms/")
	if r.URL.Path == "/" {
		name, ok = chat.Lobby, true
	}
	if !ok {
		return chat.Errorf(chat.CodeNotFound, "sockets are at / and /rooms/NAME")
	}
	name, err := chat.CleanRoomName(name)
	if err != nil {
		return err
	}
	want := r.URL.Query().Get("name")
	if want != "" {
		if want, err = chat.CleanName(want); err != nil {
			return err
		}
	}
	room, err := h.Directory.EnsureRoom(r.Context(), name)
	if err != nil {
		return err
	}
	return h.Sockets.ServePlain(w, r, room.ID, want)
}

// answer turns a function of a request into a handler: a status and a body to
// be written as JSON, or an error.
func (h *handler) answer(f func(*http.Request) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		status, body, err := f(r)
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		if c, ok := body.(interface{ cookie() *http.Cookie }); ok && c.cookie() != nil {
			http.SetCookie(w, c.cookie())
		}
		writeJSON(w, status, body)
	}
}

// maxBody bounds the body of a request in bytes.
const maxBody = 64 << 10

// statuses maps codes to HTTP. docs/protocol.md, section 2.7.
var statuses = map[chat.Code]int{
	chat.CodeNameTaken:    http.StatusConflict,
	chat.CodeConflict:     http.StatusConflict,
	chat.CodeTooLong:      http.StatusRequestEntityTooLarge,
	chat.CodeNotFound:     http.StatusNotFound,
	chat.CodeUnauthorized: http.StatusUnauthorized,
	chat.CodeForbidden:    http.StatusForbidden,
	chat.CodeRateLimited:  http.StatusTooManyRequests,
	chat.CodeUnavailable:  http.StatusServiceUnavailable,
	chat.CodeInternal:     http.StatusInternalServerError,
}

// refuse answers with an error. The cause of a defect goes to the log.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return // nobody listens any more
	}
	e := chat.AsError(err)
	if e.Code == chat.CodeInternal {
		h.Log.Error("answer a request", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	h.Refused(e.Code)
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusBadRequest
	}
	type body struct {
		Code       chat.Code `json:"code"`
		Message    string    `json:"message"`
		RetryAfter float64   `json:"retry_after,omitempty"`
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(math.Ceil(e.RetryAfter.Seconds())))
	}
	writeJSON(w, status, map[string]body{"error": {e.Code, e.Message, e.RetryAfter.Seconds()}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.Encode(body)
}

// readJSON reads the body of a request into v.
func readJSON(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	err := d.Decode(v)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("something follows the object")
		}
	}
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return chat.Errorf(chat.CodeTooLong, "the request has at most %d bytes", maxBody)
	case err != nil:
		e := chat.Errorf(chat.CodeBadFrame, "the request is not the JSON object that is expected here")
		e.Cause = err
		return e
	}
	return nil
}

func (h *handler) healthz(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") }

func (h *handler) readyz(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-h.Store.Failed():
		http.Error(w, "messages can not be stored", http.StatusServiceUnavailable)
	default:
		io.WriteString(w, "ok\n")
	}
}
