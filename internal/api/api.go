// Package api is the way in over HTTP: sockets, identity, rooms, history, the
// page, health. docs/protocol.md, section 3, lists what it answers.
package api

import (
	"bytes"
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

	"hubbub/internal/alert"
	"hubbub/internal/chat"
	"hubbub/internal/files"
	"hubbub/internal/gate"
	"hubbub/internal/hub"
	"hubbub/internal/names"
	"hubbub/internal/search"
	"hubbub/internal/ws"
)

// Config is what the handlers stand on.
type Config struct {
	Hub       *hub.Hub
	Sockets   *ws.Server
	Gate      *gate.Gate
	Store     chat.Log
	Directory chat.Directory
	Files     chat.Files
	Attention chat.Attention
	Hooks     chat.Hooks
	Keeper    *files.Keeper // nil: there are no files
	Index     *search.Node
	Page      fs.FS // the built page
	Log       *slog.Logger
	Place     Place
	Refused   func(chat.Code) // told of every refusal

	Alerts  *alert.Alerts
	Restart func()      // has the server stop and start again; it does not wait
	Leaving func() bool // the server takes nobody any more; nil: it does
}

type handler struct {
	Config
	Place
	epoch   chat.Epoch
	waiting waitingRoom // of doctors
}

// route is one thing that can be asked for.
type route struct {
	pattern string
	answer  http.HandlerFunc
}

func (h *handler) routes() []route {
	return []route{
		{"GET /api/openapi.yaml", h.openapi},

		{"GET /api/doctor", h.answer(h.doctor)},
		{"GET /api/doctor/stream", h.doctorStream},
		{"GET /api/doctor/remedies", h.answer(h.remedies)},

		{"GET /api/place", h.answer(h.place)},
		{"PATCH /api/place", h.by(h.setPlace)},

		{"POST /api/guests", h.answer(h.addGuest)},
		{"POST /api/sign-in", h.answer(h.signIn)},
		{"POST /api/sign-in/link", h.answer(h.signInByLink)},
		{"POST /api/sign-in/passkey/begin", h.answer(h.beginPasskeySignIn)},
		{"POST /api/sign-in/passkey", h.answer(h.signInByPasskey)},
		{"GET /api/sign-in/provider", h.toProvider},
		{"GET /api/sign-in/provider/back", h.fromProvider},
		{"POST /api/sign-out", h.mine(h.signOut)},

		{"GET /api/me", h.self(h.me)},
		{"PATCH /api/me", h.mine(h.rename)},
		{"PUT /api/me/password", h.mine(h.setPassword)},
		{"POST /api/me/passkeys/begin", h.mine(h.beginPasskey)},
		{"POST /api/me/passkeys", h.mine(h.addPasskey)},
		{"DELETE /api/me/passkeys", h.mine(h.removePasskey)},
		{"POST /api/me/invite", h.mine(h.acceptInvite)},
		{"POST /api/me/link", h.mine(h.newLink)},
		{"GET /api/me/sessions", h.mine(h.mySessions)},
		{"DELETE /api/me/sessions", h.mine(h.endOtherSessions)},
		{"DELETE /api/me/sessions/{session}", h.mine(h.endMySession)},
		{"PUT /api/me/picture", h.mine(h.setPicture)},
		{"DELETE /api/me/picture", h.mine(h.removePicture)},
		{"GET /api/me/threads", h.self(h.threads)},
		{"GET /api/me/rooms", h.self(h.myRooms)},
		{"PATCH /api/me/rooms/{id}", h.listedRoom(chat.ActRead, h.setLevel)},
		{"POST /api/me/rooms/{id}/unread", h.listedRoom(chat.ActRead, h.markUnread)},
		{"GET /api/me/push", h.mine(h.pushKey)},
		{"POST /api/me/push", h.mine(h.addDevice)},
		{"DELETE /api/me/push", h.mine(h.removeDevice)},
		{"POST /api/me/read", h.self(h.readAll)},
		{"PUT /api/me/drafts/{id}", h.listedRoom(chat.ActRead, h.setDraft)},

		{"GET /api/people", h.reading(h.people)},
		{"PATCH /api/people/{id}", h.by(h.setRole)},
		{"DELETE /api/people/{id}", h.by(h.removePerson)},
		{"GET /api/people/{id}/picture", h.picture},
		{"GET /api/people/{id}/addresses", h.by(h.addresses)},
		{"GET /api/people/{id}/sessions", h.by(h.sessionsOf)},
		{"DELETE /api/people/{id}/sessions", h.by(h.endSessionsOf)},
		{"DELETE /api/people/{id}/sessions/{session}", h.by(h.endSessionsOf)},

		{"GET /api/invites", h.by(h.listInvites)},
		{"POST /api/invites", h.by(h.addInvite)},
		{"DELETE /api/invites/{id}", h.by(h.revokeInvite)},
		{"POST /api/invites/look", h.answer(h.lookAtInvite)},
		{"POST /api/owner-link", h.by(h.ownerLink)},

		{"GET /api/search", h.self(h.search)},

		{"GET /api/rooms", h.reading(h.rooms)},
		{"POST /api/rooms", h.self(h.newRoom)},
		{"POST /api/direct", h.self(h.direct)},
		{"GET /api/rooms/{id}", h.in(chat.ActSee, h.room)},
		{"PATCH /api/rooms/{id}", h.in(chat.ActSee, h.changeRoom)},
		{"POST /api/rooms/{id}/join", h.in(chat.ActJoin, h.joinRoom)},
		{"POST /api/rooms/{id}/leave", h.in(chat.ActLeave, h.leaveRoom)},
		{"GET /api/rooms/{id}/events", h.in(chat.ActRead, h.events)},
		{"POST /api/rooms/{id}/messages", h.in(chat.ActSend, h.addMessage)},
		{"PATCH /api/rooms/{id}/messages/{seq}", h.in(chat.ActEdit, h.editMessage)},
		{"DELETE /api/rooms/{id}/messages/{seq}", h.in(chat.ActDelete, h.deleteMessage)},
		{"POST /api/rooms/{id}/messages/{seq}/report", h.in(chat.ActReport, h.reportMessage)},
		{"GET /api/rooms/{id}/messages/{seq}/history", h.in(chat.ActRead, h.history)},
		{"GET /api/rooms/{id}/messages/{seq}/seen", h.in(chat.ActRead, h.seen)},
		{"PUT /api/rooms/{id}/messages/{seq}/reactions", h.in(chat.ActReact, h.react(chat.KindReact))},
		{"DELETE /api/rooms/{id}/messages/{seq}/reactions", h.in(chat.ActReact, h.react(chat.KindUnreact))},
		{"GET /api/rooms/{id}/threads/{seq}", h.in(chat.ActRead, h.thread)},
		{"PUT /api/rooms/{id}/threads/{seq}", h.in(chat.ActRead, h.followThread)},
		{"GET /api/rooms/{id}/pins", h.in(chat.ActRead, h.pins)},
		{"PUT /api/rooms/{id}/pins/{seq}", h.in(chat.ActPin, h.pin(chat.KindPin))},
		{"DELETE /api/rooms/{id}/pins/{seq}", h.in(chat.ActPin, h.pin(chat.KindUnpin))},
		{"GET /api/rooms/{id}/reports", h.in(chat.ActAudit, h.reports)},
		{"DELETE /api/rooms/{id}/reports/{report}", h.in(chat.ActAudit, h.closeReport)},
		{"GET /api/rooms/{id}/audit", h.in(chat.ActAudit, h.audit)},
		{"GET /api/rooms/{id}/members", h.roomMembers},
		{"PUT /api/rooms/{id}/members/{user}", h.in(chat.ActAdd, h.about(chat.KindAdd))},
		{"DELETE /api/rooms/{id}/members/{user}", h.in(chat.ActModerate, h.about(chat.KindRemove))},
		{"PUT /api/rooms/{id}/moderators/{user}", h.in(chat.ActManage, h.about(chat.KindModerator))},
		{"DELETE /api/rooms/{id}/moderators/{user}", h.in(chat.ActSee, h.about(chat.KindDismiss))},
		{"PUT /api/rooms/{id}/mutes/{user}", h.in(chat.ActModerate, h.about(chat.KindMute))},
		{"DELETE /api/rooms/{id}/mutes/{user}", h.in(chat.ActModerate, h.about(chat.KindUnmute))},
		{"PUT /api/rooms/{id}/bans/{user}", h.in(chat.ActModerate, h.about(chat.KindBan))},
		{"DELETE /api/rooms/{id}/bans/{user}", h.in(chat.ActModerate, h.about(chat.KindUnban))},
		{"PUT /api/rooms/{id}/waiting/{user}", h.in(chat.ActModerate, h.about(chat.KindAdmit))},
		{"DELETE /api/rooms/{id}/waiting/{user}", h.in(chat.ActModerate, h.about(chat.KindRemove))},

		{"DELETE /api/rooms/{id}/messages/{seq}/previews", h.in(chat.ActEdit, h.unpreview)},

		{"POST /api/uploads", h.upload},
		{"HEAD /api/uploads/{upload}", h.upload},
		{"PATCH /api/uploads/{upload}", h.upload},
		{"DELETE /api/uploads/{upload}", h.upload},
		{"GET /api/files/{file}/thumb", h.thumb},
		{"GET /api/files/{file}/{name}", h.file},

		{"GET /api/rooms/{id}/hooks", h.hooking(h.listHooks)},
		{"POST /api/rooms/{id}/hooks", h.hooking(h.addHook)},
		{"PATCH /api/rooms/{id}/hooks/{hook}", h.hooking(h.changeHook)},
		{"DELETE /api/rooms/{id}/hooks/{hook}", h.hooking(h.removeHook)},
		{"POST /api/rooms/{id}/hooks/{hook}/retry", h.hooking(h.retryHook)},

		{"POST /api/restart", h.mine(h.restart)},
		{"POST /api/wire", h.mine(h.newWatch)},
		{"GET /api/wire/{id}", h.watch},
		{"GET /api/connections", h.by(h.connections)},
		{"GET /api/connections/{id}/wire", h.watchConnection},
		{"GET /api/rooms/{id}/events/{seq}/stored", h.in(chat.ActRead, h.stored)},

		{"GET /api/audit", h.by(h.placeAudit)},
		{"GET /api/blocks", h.by(h.listBlocks)},
		{"POST /api/blocks", h.by(h.addBlock)},
		{"DELETE /api/blocks/{id}", h.by(h.removeBlock)},
		{"GET /api/bots", h.by(h.listBots)},
		{"POST /api/bots", h.by(h.addBot)},
		{"DELETE /api/bots/{id}", h.by(h.removeBot)},
		{"POST /api/bots/{id}/tokens", h.by(h.addBotToken)},
		{"DELETE /api/bots/{id}/tokens/{token}", h.by(h.endBotToken)},

		{"/api/", h.answer(func(*http.Request) (int, any, error) {
			return 0, nil, chat.Errorf(chat.CodeNotFound, "there is nothing at that address")
		})},
	}
}

// New returns the server's handler, and the operator's: the same answers, asked
// for on a private socket.
func New(cfg Config, epoch chat.Epoch) (public, operator http.Handler) {
	cfg.Place.learn()
	h := &handler{Config: cfg, Place: cfg.Place, epoch: epoch}
	mux := http.NewServeMux()
	for _, r := range h.routes() {
		mux.HandleFunc(r.pattern, r.answer)
	}
	operator = asOperator(mux)
	outside := http.NewServeMux()
	outside.Handle("/api/", h.guarded(mux))
	outside.HandleFunc("POST /hooks/{secret}", h.incoming)
	outside.HandleFunc("GET /healthz", h.healthz)
	outside.HandleFunc("GET /readyz", h.readyz)
	outside.HandleFunc("GET /rooms/{name}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/r/"+r.PathValue("name"), http.StatusSeeOther)
	})
	outside.Handle("/", newPage(cfg.Page))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		https := h.scheme(r.Host) == "https"
		if https {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		if https || isLoopbackHost(r.Host) { // elsewhere browsers ignore it, loudly
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		}
		if err := h.host(r); err != nil {
			h.refuseHost(w, r, err)
			return
		}
		switch err := h.Gate.Blocked(r.Context(), h.client(r)); {
		case err != nil:
			h.refuse(w, r, err)
		case ws.IsUpgrade(r) && r.URL.Path == doctorPath:
			h.doctorSocket(w, r)
		case ws.IsUpgrade(r):
			h.socket(w, r)
			h.recheck(r)
		default:
			outside.ServeHTTP(w, r)
		}
	}), operator
}

// guarded refuses requests from other sites. The library lets through what says
// nothing about where it comes from, as programs do; so nobody is let in by a
// cookie alone.
func (h *handler) guarded(next http.Handler) http.Handler {
	foreign := h.answer(func(*http.Request) (int, any, error) {
		return 0, nil, chat.Errorf(chat.CodeForbidden, "requests from other sites are refused")
	})
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(foreign)
	checked := csrf.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
		silent := r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == ""
		if _, cookie := h.token(r); cookie && !safe && silent {
			foreign(w, r)
			return
		}
		checked.ServeHTTP(w, r)
	})
}

// outside is the address that links lead to: for others, so it is not this
// machine's name for itself where there is a better one.
func (h *handler) outside(r *http.Request) string {
	if h.Public != nil || h.Network && isLoopbackHost(r.Host) || r.Context().Value(operatorKey{}) != nil {
		return h.Base
	}
	return h.origin(r)
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' blob: data:; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types svelte-trusted-html hubbub"

// secure sets the headers of every answer. The page holds no inline script or
// style, and its scripts can make no HTML from strings.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// socket takes a request that wants to become a WebSocket to its dialect.
func (h *handler) socket(w http.ResponseWriter, r *http.Request) {
	v1, err := ws.OffersV1(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if err := h.Place.socket(r, !v1); err != nil {
		h.refuse(w, r, err)
		return
	}
	if v1 {
		l, _ := h.login(r) // nobody yet: hello may bring a token
		h.Sockets.ServeV1(w, r, h.client(r), l)
		return
	}
	if err := h.plainSocket(w, r); err != nil {
		h.refuse(w, r, err)
	}
}

// recheck asks once more about the address of a socket: a ban that came during its
// handshake did not find it.
func (h *handler) recheck(r *http.Request) {
	a := h.client(r)
	if err := h.Gate.Blocked(r.Context(), a); err != nil && chat.AsError(err).Code == chat.CodeBanned {
		bits := min(a.BitLen(), 64) // a socket counts for its network in IPv6
		if p, err := a.Prefix(bits); err == nil {
			h.Sockets.Shut(p)
		}
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
	roomName, err := names.Room(name)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	var l chat.Login
	if token := q.Get("token"); token != "" {
		l, err = h.Gate.Login(r.Context(), token, h.client(r))
	} else {
		err = h.Gate.CheckPlain(r.Context(), h.visitor(r), q.Get("invite"))
	}
	if err != nil {
		return err
	}
	want := q.Get("name")
	if want != "" {
		clean, err := names.Clean(want)
		if err != nil {
			return err
		}
		want = clean.Display
	}
	var room chat.Room
	if l.Scope.Makes() {
		room, _, err = h.Gate.PublicRoom(r.Context(), roomName, l.ID, h.client(r))
	} else {
		room, err = h.Directory.RoomByName(r.Context(), roomName.Display)
	}
	if err != nil {
		return err
	}
	return h.Sockets.ServePlain(w, r, h.client(r), room.ID, want, l)
}

// answer turns a function of a request into a handler: a status and a body to
// be written as JSON, or an error.
func (h *handler) answer(f func(*http.Request) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxBody)
		if strings.HasSuffix(r.URL.Path, "/picture") {
			most = gate.MaxPicture + 1
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
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
	chat.CodeTooLarge:     http.StatusRequestEntityTooLarge,
	chat.CodeNoFiles:      http.StatusForbidden,
	chat.CodeNotFinished:  http.StatusConflict,
	chat.CodeUnauthorized: http.StatusUnauthorized,
	chat.CodeBadSignIn:    http.StatusUnauthorized,
	chat.CodeForbidden:    http.StatusForbidden,
	chat.CodeNeedInvite:   http.StatusForbidden,
	chat.CodeBadInvite:    http.StatusForbidden,
	chat.CodeRateLimited:  http.StatusTooManyRequests,
	chat.CodeUnavailable:  http.StatusServiceUnavailable,
	chat.CodeRoomExists:   http.StatusConflict,
	chat.CodeBanned:       http.StatusForbidden,
	chat.CodeRemoved:      http.StatusForbidden,
	chat.CodeMuted:        http.StatusForbidden,
	chat.CodeReadOnly:     http.StatusForbidden,
	chat.CodeArchived:     http.StatusForbidden,
	chat.CodeWaiting:      http.StatusForbidden,
	chat.CodeSlowMode:     http.StatusTooManyRequests,
	chat.CodeInternal:     http.StatusInternalServerError,
}

// refuse answers with an error. The cause of a defect goes to the log.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return // nobody listens any more
	}
	e := chat.AsError(err)
	if e.Code == chat.CodeInternal {
		h.Log.Error("answer a request", "method", r.Method, "path", logged(r), "err", err)
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
	w.Write(jsonOf(body))
}

// jsonOf returns a body as a line of JSON.
func jsonOf(body any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(body)
	return b.Bytes()
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
	if h.Leaving != nil && h.Leaving() {
		http.Error(w, "this server stops", http.StatusServiceUnavailable)
		return
	}
	select {
	case <-h.Store.Failed():
		http.Error(w, "messages can not be stored", http.StatusServiceUnavailable)
	default:
		io.WriteString(w, "ok\n")
	}
}
