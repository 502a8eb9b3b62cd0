package api

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/doctor"
	"hubbub/internal/wire"
)

// What the doctor asks for is open to everybody, as whoever sets a place up may not be
// able to sign in yet. So it tells only what came from whoever asks, with secrets left
// out, and holds little: a socket or a stream is one of few, and ends by itself.
const (
	doctorPath  = "/api/doctor"
	doctorLife  = 6 * time.Minute // of a test socket
	doctorPause = 5 * time.Second // the longest in a streamed answer
	perVisitor  = 8               // sockets and streams of an address
	forAll      = 64              // of all together
	triesKept   = 256             // attempts that did not become a socket
	tryKept     = time.Minute
	maxTry      = 64 // bytes of the name of an attempt
)

// waitingRoom is what the server holds for doctors.
type waitingRoom struct {
	mu    sync.Mutex // guards the following
	all   int        // sockets and streams
	by    map[netip.Addr]int
	tries []try // oldest first
}

// try is an attempt to open a socket that did not arrive as one. Browsers do not show
// their pages what came of that.
type try struct {
	name string
	at   time.Time
	was  doctor.Answer
}

// enter takes a place for a socket or a stream. Each that was taken needs a leave.
func (d *waitingRoom) enter(from netip.Addr) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= forAll || d.by[from] >= perVisitor {
		return false
	}
	if d.by == nil {
		d.by = make(map[netip.Addr]int)
	}
	d.all++
	d.by[from]++
	return true
}

func (d *waitingRoom) leave(from netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.by[from]--; d.by[from] == 0 {
		delete(d.by, from)
	}
}

// note keeps what arrived of an attempt. A name that is known already keeps what came
// first: nobody changes what somebody else is told.
func (d *waitingRoom) note(name string, was doctor.Answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	for _, t := range d.tries {
		if t.name == name {
			return
		}
	}
	if len(d.tries) >= triesKept {
		d.tries = d.tries[1:]
	}
	d.tries = append(d.tries, try{name, time.Now(), was})
}

// noted returns what arrived of an attempt; nil: nothing did.
func (d *waitingRoom) noted(name string) *doctor.Answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	for _, t := range d.tries {
		if t.name == name {
			return &t.was
		}
	}
	return nil
}

// forget drops what is too old. d.mu is held.
func (d *waitingRoom) forget() {
	for len(d.tries) > 0 && time.Since(d.tries[0].at) > tryKept {
		d.tries = d.tries[1:]
	}
}

// counted is the address that places are counted for: an IPv6 client has a whole /64.
func (h *handler) counted(r *http.Request) netip.Addr {
	a := h.client(r)
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.Addr()
	}
	return a
}

// examined is the answer to a doctor, of a request that was to become a socket or not.
func (h *handler) examined(r *http.Request, socket bool) (doctor.Answer, error) {
	a := doctor.Answer{Arrived: doctor.Arrive(r), Knows: doctor.Knows{
		Version: h.Sockets.Version(), Origin: h.origin(r), TLS: h.TLS, Trusted: h.cameBehind(r), Announced: h.Announced,
		Client: h.client(r).String(), Heartbeat: h.Sockets.Heartbeat().Milliseconds(), Time: doctor.Millis(time.Now()),
	}}
	q := r.URL.Query()
	if as := q.Get("as"); as != "" {
		u, err := url.Parse(as)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(as) > 300 {
			return a, chat.Errorf(chat.CodeBadFrame, "as is an address such as https://chat.example.org")
		}
		a.Checks = doctor.Examine(doctor.Sent{URL: u, Socket: socket, Origin: socket, Proxied: q.Has("proxied")}, a.Arrived, a.Knows)
	}
	if len(q.Get("try")) > maxTry {
		return a, chat.Errorf(chat.CodeBadFrame, "the name of an attempt has at most %d bytes", maxTry)
	}
	return a, nil
}

// cameBehind says whether a request came by a proxy of ours.
func (p *Place) cameBehind(r *http.Request) bool {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && p.Behind(ap.Addr())
}

// doctor tells what arrived, and what arrived of an attempt to open a socket.
func (h *handler) doctor(r *http.Request) (int, any, error) {
	a, err := h.examined(r, false)
	if err != nil {
		return 0, nil, err
	}
	answer := struct {
		doctor.Answer
		Try *doctor.Answer `json:"try,omitempty"`
	}{Answer: a}
	if name := r.URL.Query().Get("try"); name != "" {
		answer.Try = h.waiting.noted(name)
	}
	return http.StatusOK, answer, nil
}

// doctorSocket serves a socket that repeats what it is told and is silent otherwise. What
// does not arrive as one is answered with what arrived.
func (h *handler) doctorSocket(w http.ResponseWriter, r *http.Request) {
	a, err := h.examined(r, true)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	refused := h.Place.socket(r, false)
	if refused != nil || !doctor.Upgrades(r) {
		if name := r.URL.Query().Get("try"); name != "" {
			h.waiting.note(name, a)
		}
	}
	switch from := h.counted(r); {
	case refused != nil:
		h.Refused(refused.Code)
		writeJSON(w, http.StatusForbidden, struct {
			Error map[string]any `json:"error"`
			doctor.Answer
		}{map[string]any{"code": refused.Code, "message": refused.Message}, a})
	case !doctor.Upgrades(r):
		writeJSON(w, http.StatusOK, a)
	case !h.waiting.enter(from):
		h.refuse(w, r, crowded())
	default:
		h.Sockets.ServeEcho(w, r, wire.AppendText(nil, string(jsonOf(a))), doctorLife, func() { h.waiting.leave(from) })
	}
}

func crowded() error {
	e := chat.Errorf(chat.CodeRateLimited, "too many tests at a time")
	e.RetryAfter = 10 * time.Second
	return e
}

// doctorStream answers in two lines with a pause between, so that one sees whether the
// first arrives before the second is made.
func (h *handler) doctorStream(w http.ResponseWriter, r *http.Request) {
	pause := time.Duration(0)
	if text := r.URL.Query().Get("pause"); text != "" {
		ms, err := strconv.ParseUint(text, 10, 16)
		if pause = time.Duration(ms) * time.Millisecond; err != nil || pause > doctorPause {
			h.refuse(w, r, chat.Errorf(chat.CodeBadFrame, "pause is a number of milliseconds up to %d", doctorPause.Milliseconds()))
			return
		}
	}
	from := h.counted(r)
	if !h.waiting.enter(from) {
		h.refuse(w, r, crowded())
		return
	}
	defer h.waiting.leave(from)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, "{\"line\":1}\n")
	http.NewResponseController(w).Flush()
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		io.WriteString(w, "{\"line\":2}\n")
	case <-r.Context().Done():
	}
}

// remedies tells the lines that mend each fault, so that they stand in one place.
func (h *handler) remedies(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]any{"remedies": doctor.All(), "proxies": doctor.Proxies, "names": doctor.Names}, nil
}

// refuseHost refuses a request for a name that is not ours. It says which name arrived:
// a proxy that replaces it is what most often goes wrong.
func (h *handler) refuseHost(w http.ResponseWriter, r *http.Request, e *chat.Error) {
	h.Refused(e.Code)
	writeJSON(w, http.StatusForbidden, map[string]any{"error": map[string]any{
		"code": e.Code, "message": e.Message, "host": doctor.Arrive(r).Host,
	}})
}
