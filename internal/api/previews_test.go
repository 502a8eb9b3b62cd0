package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// site is a page of the open web, as far as a test has that.
type site struct {
	url string

	mu    sync.Mutex // guards the following
	asked []string
}

func (s *site) paths() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.asked)
}

func newSite(t *testing.T) (*site, func(*server.Config)) {
	s := new(site)
	var drawing bytes.Buffer
	png.Encode(&drawing, image.NewRGBA(image.Rect(0, 0, 1000, 500)))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		if r.URL.Path == "/p.png" {
			w.Write(append(drawing.Bytes(), where...))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<title>%s</title><meta name=description content="What it is about"><meta property="og:image" content="/p.png">`, r.URL.Path)
	}))
	t.Cleanup(web.Close)
	s.url = web.URL
	return s, func(c *server.Config) {
		c.Outbound = func(_, address string, _ syscall.RawConn) error {
			if "http://"+address == s.url {
				return nil
			}
			return errors.New("only the test's own site")
		}
	}
}

// until reads frames of a room until an event of some kind.
func until(t *testing.T, c *client.Conn, kind string) *wire.Event {
	t.Helper()
	for {
		f, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := f.(*wire.Event); ok && e.Kind == kind {
			return e
		}
	}
}

func (r *running) socket(who string) *client.Conn {
	r.t.Helper()
	c, err := client.Dial(r.t.Context(), r.url, bearer(who))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Cut)
	if err := c.Write(r.t.Context(), &wire.Hello{}); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// Where links lead comes behind the message, as an event; it is read from the log with
// the message, has the message's rights, and goes with it.
func TestPreviews(t *testing.T) {
	s, reachable := newSite(t)
	r := serve(t, taking, reachable)
	ines, mallory := r.member("Ines"), r.member("Mallory")
	room := r.place(ines, "private")
	c := r.socket(ines)
	if err := c.Write(t.Context(), &wire.Open{Room: chat.RoomID(room)}); err != nil {
		t.Fatal(err)
	}
	e := r.tell(ines, room, map[string]any{"text": "look: " + s.url + "/a and `" + s.url + "/code`"})
	p := until(t, c, "preview")
	if p.Target != e.Seq || p.Author != "operator" || p.Text != "" || len(p.Previews) != 1 {
		t.Fatalf("%+v", p)
	}
	one := p.Previews[0]
	if one.URL != s.url+"/a" || one.Title != "/a" || one.Description != "What it is about" || one.Picture == nil || one.Picture.Width != 480 {
		t.Fatalf("%+v", one)
	}
	picture := "/api/files/" + string(one.Picture.ID) + "/x"
	if resp, body := r.do("GET", picture, "", ines); resp.StatusCode != 200 || strings.Contains(body, where) || !strings.HasPrefix(resp.Header.Get("Content-Type"), "image/") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if resp, _ := r.do("GET", picture, "", mallory); resp.StatusCode != 404 {
		t.Errorf("an outsider: %d", resp.StatusCode)
	}
	read := func() wire.Event {
		var page struct{ Events []wire.Event }
		r.ask("GET", fmt.Sprintf("/api/rooms/%s/events?after=%d&limit=1", room, e.Seq-1), nil, &page, ines)
		return page.Events[0]
	}
	if got := read(); len(got.Previews) != 1 || got.Previews[0].Title != "/a" || len(got.Files) > 0 {
		t.Errorf("%+v", got)
	}
	path := fmt.Sprintf("/api/rooms/%s/messages/%d", room, e.Seq)
	r.ask("PATCH", path, map[string]any{"text": "rather " + s.url + "/b"}, nil, ines)
	if p := until(t, c, "preview"); p.Target != e.Seq || p.Previews[0].Title != "/b" {
		t.Errorf("%+v", p)
	}
	if resp, _ := r.do("GET", picture, "", ines); resp.StatusCode != 404 {
		t.Errorf("the picture of what is no longer linked: %d", resp.StatusCode)
	}
	if resp, _ := r.do("DELETE", path+"/previews", "", mallory); resp.StatusCode != 404 {
		t.Errorf("an outsider took it away: %d", resp.StatusCode)
	}
	r.ask("DELETE", path+"/previews", nil, nil, ines)
	if u := until(t, c, "unpreview"); u.Target != e.Seq || len(read().Previews) > 0 {
		t.Errorf("%+v", u)
	}
	r.ask("PATCH", path, map[string]any{"text": "again " + s.url + "/never"}, nil, ines)
	other := r.tell(ines, room, map[string]any{"text": s.url + "/c"})
	until(t, c, "preview")
	r.ask("DELETE", fmt.Sprintf("/api/rooms/%s/messages/%d", room, other.Seq), nil, nil, ines)
	if err := r.server.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.server.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if len(read().Previews) > 0 {
		t.Error("its author wanted none")
	}
}

// Nobody is asked for bots, for who does not want it, and where the owner said no.
func TestNoPreviews(t *testing.T) {
	s, reachable := newSite(t)
	t.Cleanup(func() { // the server has stopped by now
		if got := s.paths(); strings.Contains(got, "no") || !strings.Contains(got, "/yes") {
			t.Errorf("asked for %s", got)
		}
	})
	r := serve(t, taking, reachable)
	owner := r.owner()
	room := r.place(owner, "private")
	c := r.socket(owner)
	if err := c.Write(t.Context(), &wire.Open{Room: chat.RoomID(room)}); err != nil {
		t.Fatal(err)
	}
	var place struct{ Previews bool }
	if r.ask("GET", "/api/place", nil, &place, owner); !place.Previews {
		t.Error("off")
	}
	r.tell(owner, room, map[string]any{"text": s.url + "/no-thanks", "preview": false})
	no := false
	text := s.url + "/no-by-socket"
	if err := c.Write(t.Context(), &wire.Send{Room: chat.RoomID(room), ID: "0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01", Text: &text, Preview: &no}); err != nil {
		t.Fatal(err)
	}
	var bot struct{ Bot wire.Person }
	r.ask("POST", "/api/bots", map[string]any{"name": "linker"}, &bot, owner)
	r.ask("PUT", "/api/rooms/"+room+"/members/"+string(bot.Bot.ID), nil, nil, owner)
	var made struct{ Secret string }
	r.ask("POST", "/api/bots/"+string(bot.Bot.ID)+"/tokens", map[string]any{"label": "x", "scopes": []string{"read", "write"}}, &made, owner)
	r.tell("Authorization: Bearer "+made.Secret, room, map[string]any{"text": s.url + "/no-bot"})
	plain, err := client.DialPlain(t.Context(), r.url, "/")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if err := plain.Write(t.Context(), s.url+"/no-plain"); err != nil {
		t.Fatal(err)
	}
	r.tell(owner, room, map[string]any{"text": s.url + "/yes"})
	until(t, c, "preview")
	if resp, _ := r.do("PATCH", "/api/place", `{"previews":false}`, r.member("Ines")); resp.StatusCode != 403 {
		t.Errorf("not the owner: %d", resp.StatusCode)
	}
	r.ask("PATCH", "/api/place", map[string]any{"previews": false}, nil, owner)
	if r.ask("GET", "/api/place", nil, &place, owner); place.Previews {
		t.Error("on")
	}
	r.tell(owner, room, map[string]any{"text": s.url + "/no-place"})
}

// What a message says in the meantime does not wait for a page that says nothing.
func TestPreviewsDelayNothing(t *testing.T) {
	stuck := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}))
	defer web.Close()
	defer close(stuck)
	r := serve(t, func(c *server.Config) { c.Outbound = func(string, string, syscall.RawConn) error { return nil } })
	ines := r.member("Ines")
	room := r.place(ines, "private")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // 50 pages would take four
	defer cancel()
	for i := range 50 {
		r.tell(ines, room, map[string]any{"text": fmt.Sprintf("%s/%d %s/a%d", web.URL, i, web.URL, i)})
	}
	if ctx.Err() != nil {
		t.Error("the messages waited")
	}
}
