package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// serveAgain serves as cmd/hubbub does, until ctx ends, and says which server it is.
// between is called while there is none.
func serveAgain(ctx context.Context, cfg server.Config, at chan<- *server.Server, between func()) error {
	for {
		s, err := server.New(ctx, cfg)
		if err != nil {
			return err
		}
		at <- s
		if err := s.Serve(ctx); err != server.ErrRestart {
			return err
		}
		between()
		cfg = s.Again(cfg)
	}
}

// asks makes a request as somebody, and returns the status and the answer.
func asks(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(said)
}

// owns makes the owner, and returns a token.
func owns(t *testing.T, s *server.Server) string {
	t.Helper()
	link, err := s.OwnerLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(link, "#")
	_, said := asks(t, "POST", s.URL()+"/api/guests", "", `{"name":"Olga","password":"violet tugboat harbour 7","token":true,"invite":"`+secret+`"}`)
	var made struct{ Token string }
	if json.Unmarshal([]byte(said), &made); made.Token == "" {
		t.Fatal(said)
	}
	return made.Token
}

// screen is what a session shows.
type screen struct {
	t     *testing.T
	shown chan *wire.Event
}

func (s *screen) Acked(chat.RoomID, string, chat.Seq) {}
func (s *screen) Refused(id string, e *wire.Error)    { s.t.Errorf("%s is refused: %s", id, e.Message) }
func (s *screen) Showed(e *wire.Event)                { s.shown <- e }
func (s *screen) Reloaded(chat.RoomID, chat.Seq)      {}

// An owner has the server start again, twice, while somebody talks: it comes back at its
// port, though any was asked for, who connects meanwhile is not refused, and nothing that
// was said is lost, or said twice.
func TestRestart(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	serving, stop := context.WithCancel(ctx)
	cfg := server.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test"}
	at, done := make(chan *server.Server, 1), make(chan error, 1)
	var early []net.Conn
	url := ""
	go func() {
		done <- serveAgain(serving, cfg, at, func() {
			if runtime.GOOS != "linux" {
				return
			}
			c, err := net.Dial("tcp", strings.Replace(url, "http://localhost", "127.0.0.1", 1))
			if err != nil {
				t.Errorf("between two servers: %v", err)
				return
			}
			io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
			early = append(early, c)
		})
	}()
	s := <-at
	url = s.URL()
	owner := owns(t, s)
	guest, _, err := client.NewGuest(ctx, url, "Ann")
	if err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]int{guest: 403, "nobody": 401} {
		if status, said := asks(t, "POST", url+"/api/restart", who, ""); status != want {
			t.Errorf("%d %s", status, said)
		}
	}
	_, said := asks(t, "GET", url+"/api/rooms?q=lobby", guest, "")
	var list struct{ Rooms []struct{ ID chat.RoomID } }
	if json.Unmarshal([]byte(said), &list); len(list.Rooms) != 1 {
		t.Fatal(said)
	}
	screen := &screen{t, make(chan *wire.Event, 1000)}
	session := client.NewSession(url, guest, []string{"lobby"}, screen)
	running := make(chan struct{})
	go func() { defer close(running); session.Run(ctx) }()
	next, seq := 0, chat.Seq(0)
	shows := func(to int) {
		for next < to {
			select {
			case e := <-screen.shown:
				if e.Text != fmt.Sprint(next) || seq > 0 && e.Seq != seq+1 {
					t.Fatalf("%q at %d, not %d behind %d", e.Text, e.Seq, next, seq)
				}
				next, seq = next+1, e.Seq
			case <-ctx.Done():
				t.Fatalf("%d did not come", next)
			}
		}
	}
	posted := 0
	post := func(n int) {
		for range n {
			session.Post(list.Rooms[0].ID, fmt.Sprint(posted))
			posted++
		}
	}
	for range 2 {
		post(20)
		shows(posted)
		post(20) // are under way
		if status, said := asks(t, "POST", url+"/api/restart", owner, ""); status != http.StatusAccepted {
			t.Fatalf("the owner: %d %s", status, said)
		}
		post(20) // have to wait
		if s = <-at; s.URL() != url {
			t.Fatalf("it was at %s and is at %s", url, s.URL())
		}
		shows(posted)
	}
	for _, c := range early {
		c.SetDeadline(time.Now().Add(20 * time.Second))
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("who came between two servers got %v, %v", resp, err)
		}
		c.Close()
	}
	if status, said := asks(t, "GET", url+"/api/audit", owner, ""); strings.Count(said, `"kind":"restart"`) != 2 {
		t.Errorf("noted: %d %s", status, said)
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	cancel()
	<-running
}
