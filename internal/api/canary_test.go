package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"hubbub/internal/api"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// heard is all that came to somebody, from any goroutine.
type heard struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all.String()
}

// ear is a socket that keeps all that comes.
type ear struct {
	*rawSocket
	heard
	fenced chan struct{}
}

func listen(s *rawSocket) *ear {
	e := &ear{rawSocket: s, fenced: make(chan struct{}, 1)}
	go func() {
		defer close(e.fenced)
		for {
			_, data, err := s.ws.Read(context.Background())
			if err != nil {
				return
			}
			if string(data) == `{"fence":{"n":4711}}` {
				e.fenced <- struct{}{}
				continue
			}
			e.Write(append(data, '\n'))
		}
	}()
	return e
}

// say sends frames, and waits until all that was said before is answered.
func (e *ear) say(frames ...string) {
	e.t.Helper()
	for _, f := range append(frames, `{"fence":{"n":4711}}`) {
		if err := e.ws.Write(e.t.Context(), websocket.MessageText, []byte(f)); err != nil {
			e.t.Fatal(err)
		}
	}
	if _, open := <-e.fenced; !open {
		e.t.Fatal("the socket was closed")
	}
}

// gossip is what the people of a private room and of a conversation do, with a word in
// all that they can write.
func gossip(n *neighbourhood, word string) (direct string) {
	mia, ben := n.mia.header, n.ben.header
	in := "/api/rooms/" + n.room
	said := func(room, who, text string) (seq string) {
		var made struct{ Event wire.Event }
		n.ask("POST", "/api/rooms/"+room+"/messages", map[string]string{"text": text}, &made, who)
		return fmt.Sprint(made.Event.Seq)
	}
	var made struct{ Room struct{ ID string } }
	n.ask("POST", "/api/direct", map[string]any{"people": []string{n.ben.id}}, &made, mia)
	direct = made.Room.ID
	said(direct, mia, word)
	n.ask("PATCH", in, map[string]any{"topic": word, "name": word + "2", "slow": 1}, nil, mia)
	n.ask("PATCH", in, map[string]any{"slow": 0, "keep": map[string]int{"messages": 5}}, nil, mia)
	n.ask("PUT", in+"/moderators/"+n.outsiders["bot of another room"].id, nil, nil, mia) // its token hears nothing all the same
	first := said(n.room, mia, word+" @Ned @Ada @Olga")
	n.ask("PATCH", in+"/messages/"+first, map[string]string{"text": word + word}, nil, mia)
	n.ask("POST", in+"/messages/"+first+"/report", map[string]string{"reason": word}, nil, ben)
	n.ask("DELETE", in+"/messages/"+first, nil, nil, mia)
	n.ask("POST", in+"/messages/"+said(n.room, mia, word)+"/report", map[string]string{"reason": word}, nil, ben)
	for _, who := range []string{"left", "removed"} {
		h := n.outsiders[who]
		n.ask("PUT", in+"/mutes/"+h.id, map[string]any{"reason": word}, nil, mia)
		n.ask("DELETE", in+"/mutes/"+h.id, nil, nil, mia)
	}
	for _, who := range []string{"never", "guest", "owner", "bot"} { // nobody of that name is in the room
		for _, what := range []string{"PUT /mutes/", "PUT /bans/", "DELETE /members/", "PUT /moderators/", "DELETE /bans/"} {
			method, path, _ := strings.Cut(what, " ")
			if resp, body := n.do(method, in+path+n.outsiders[who].id, `{"reason":"`+word+`"}`, mia); resp.StatusCode < 400 {
				n.t.Errorf("%s %s: %d %s", what, who, resp.StatusCode, body)
			}
		}
	}
	n.ask("PUT", in+"/mutes/"+n.ben.id, map[string]any{"reason": word}, nil, mia)
	n.ask("DELETE", in+"/mutes/"+n.ben.id, nil, nil, mia)
	n.ask("PUT", in+"/moderators/"+n.ben.id, nil, nil, mia)
	n.invite(mia, map[string]any{"role": "member", "room": n.room, "note": word})
	n.botToken(n.ben, n.outsiders["bot"].id, everything, n.room)
	for _, h := range []*human{n.mia, n.ben} {
		s, _ := n.v1(h)
		for _, room := range []string{n.room, direct} {
			id := uuid.Must(uuid.NewV7()).String()
			s.tell(`{"open":{"room":"` + room + `","last":50}}`)
			s.tell(`{"typing":{"room":"` + room + `"}}`)
			s.tell(`{"send":{"room":"` + room + `","id":"` + id + `","text":"` + word + `"}}`)
			s.tell(`{"read":{"room":"` + room + `","seq":3}}`)
		}
	}
	if err := n.server.Sweep(n.t.Context()); err != nil {
		n.t.Error(err)
	}
	return direct
}

// pry does all that somebody can who is not in those rooms, and returns what they got.
func pry(n *neighbourhood, h *human, word string, rooms ...string) string {
	var got strings.Builder
	ask := func(method, path, body string) {
		resp, said := n.do(method, path, body, h.header)
		fmt.Fprintf(&got, "%s %v %s\n", path[:min(len(path), 11)], resp.Header, said)
	}
	for _, pattern := range api.Routes() {
		method, _, _ := strings.Cut(pattern, " ")
		switch {
		case inRoom(pattern):
			for _, room := range rooms {
				_, path := fill(pattern, map[string]string{"id": room, "seq": n.seq, "user": h.id, "report": n.report})
				ask(method, path, `{"text":"x","reason":"x","name":"x"}`)
			}
		case method == "GET":
			for _, id := range []string{n.mia.id, n.ben.id} {
				_, path := fill(pattern, map[string]string{"id": id})
				ask(method, path, "")
			}
		}
	}
	for _, path := range []string{"/api/rooms?q=", "/api/people?with=picture&q=", "/api/rooms/" + n.public + "/members?q=", "/r/"} {
		ask("GET", path+word, "")
	}
	for _, query := range searches(n, word) {
		ask("GET", "/api/search?limit=100&q="+url.QueryEscape(query), "")
	}
	ask("GET", "/api/rooms/"+n.public+"/events?limit=500", "")
	return got.String()
}

// searches are queries that find what was said in private, if one may read it. None has
// the whole word: the answer repeats what was asked for.
func searches(n *neighbourhood, word string) []string {
	return []string{word[:12], word[:12] + " -zzz", "-zzz", "from:Mia", "from:ben", "in:" + word[:12], "on:today", "is:pinned", "-has:link", "after:2026 -is:thread"}
}

// What is said in private is in nothing that anybody else gets, whatever they do: not in
// answers, nor on sockets, nor in what the operator's tools collect.
func TestCanary(t *testing.T) {
	word := "kanarie" + strings.ToLower(rand.Text()[:10])
	word = strings.Map(func(r rune) rune { return 'a' + r%26 }, word)
	log := new(heard)
	metrics := freeAddress(t)
	n := newNeighbourhood(t, word, func(c *server.Config) {
		c.Metrics = metrics
		c.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	n.ask("PATCH", "/api/people/"+n.ben.id, map[string]string{"role": "admin"}, nil, n.owner.header)
	n.settle()

	ears := map[string]*ear{"plain, lobby": listen(n.rawSocket("/", nil)), "plain, kitchen": listen(n.rawSocket("/rooms/kitchen", nil))}
	for who, h := range n.outsiders {
		if who == "ended session" {
			continue
		}
		s, _ := n.v1(h)
		ears[who] = listen(s)
		ears[who].say(`{"open":{"name":"lobby"}}`, `{"open":{"room":"`+n.public+`","last":50}}`)
		if who != "bot for little" { // its token is not for reading
			ears["plain, "+who] = listen(n.rawSocket("/rooms/kitchen?token="+h.token(), nil))
		}
	}
	direct := gossip(n, word)
	n.settle()
	hears := func(when string, attempts bool) {
		for who, e := range ears {
			if !strings.HasPrefix(who, "plain") {
				e.say()
			}
			for line := range strings.Lines(e.String()) {
				mine := attempts && strings.HasPrefix(line, `{"error":`) // it names what was asked about
				if strings.Contains(line, word) || !mine && (strings.Contains(line, n.room) || strings.Contains(line, direct)) {
					t.Errorf("%s, %s heard %s", when, who, line)
				}
			}
		}
	}
	hears("while it was said", false)

	if err := n.server.Indexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, query := range searches(n, word)[:5] {
		_, found := n.do("GET", "/api/search?limit=100&q="+url.QueryEscape(query), "", n.mia.header)
		if !strings.Contains(found, word) {
			t.Errorf("Mia does not find the word by %q: %s", query, found)
		}
	}
	for who, h := range n.outsiders {
		got := pry(n, h, word, n.room, direct)
		for line := range strings.Lines(got) {
			if strings.Contains(line, word) || strings.Contains(line, n.room) || strings.Contains(line, direct) {
				t.Errorf("%s got %s", who, line)
			}
		}
		if e := ears[who]; e != nil {
			for _, room := range []string{n.room, direct} {
				for _, all := range frames {
					for _, f := range all {
						e.say(strings.NewReplacer("ROOM", room, "SEQ", "1", "EPOCH", "x", "USED", uuid.NewString()).Replace(f))
					}
				}
			}
		}
	}
	hears("while they pried", true)

	resp, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Contains(page, []byte("hubbub_messages_total")) {
		t.Fatalf("%.200s, %v", page, err)
	}
	for what, all := range map[string]string{"metrics": string(page), "log": log.String()} {
		for _, secret := range []string{word, n.room, direct} {
			if strings.Contains(all, secret) {
				t.Errorf("the %s tell %s: %s", what, secret, all)
			}
		}
	}
	var events struct{ Events []json.RawMessage }
	n.ask("GET", "/api/rooms/"+n.room+"/events?limit=500", nil, &events, n.mia.header)
	if all := fmt.Sprintf("%s", events.Events); strings.Count(all, word) < 5 {
		t.Errorf("the word is not even where it was said: %s", all)
	}
}

// freeAddress is an address that nobody listens on.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
