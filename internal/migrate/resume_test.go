package migrate_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/migrate"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// screen is what a client shows.
type screen struct {
	mu      sync.Mutex // guards the following
	room    chat.RoomID
	shown   []string
	reloads int
	moved   chan struct{} // closed when something is new
}

func (s *screen) Acked(chat.RoomID, string, chat.Seq) {}
func (s *screen) Refused(string, *wire.Error)         {}
func (s *screen) Showed(e *wire.Event)                { s.move(func() { s.shown = append(s.shown, e.Text) }) }
func (s *screen) Reloaded(room chat.RoomID, _ chat.Seq) {
	s.move(func() { s.room, s.reloads = room, s.reloads+1 })
}

func (s *screen) move(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *screen) until(t *testing.T, is func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		ok, moved := is(), s.moved
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-moved:
		case <-late:
			t.Fatalf("it shows %q", s.shown)
		}
	}
}

// serve runs a server until the function that it returns is called.
func serve(t *testing.T, c server.Config) (url string, stop func()) {
	t.Helper()
	c.Log = quiet
	s, err := server.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s.URL(), stop
}

// say stores something in the lobby while no server runs.
func say(t *testing.T, place, text string) {
	t.Helper()
	s, err := open(t, place)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ben, err := s.Login(t.Context(), chat.HashToken("hbt_Ben"))
	if err != nil {
		t.Fatal(err)
	}
	lobby, err := s.RoomByName(t.Context(), chat.Lobby)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Append(t.Context(), []chat.Draft{{Room: lobby.ID, Author: ben.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: text}})[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
}

// Whoever was connected before the place moved goes on where they were, there and back: they
// are shown what they missed, once and in order, and begin nothing anew.
func TestResume(t *testing.T) {
	dir, url := build(t), empty(t)
	node, back := t.TempDir(), t.TempDir()
	address, stop := serve(t, server.Config{Listen: "127.0.0.1:0", Data: dir})
	at := address[len("http://localhost"):]
	s := &screen{moved: make(chan struct{})}
	session := client.NewSession(address, "hbt_Ann", []string{chat.Lobby}, s)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		session.Run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	s.until(t, func() bool { return s.reloads == 1 })
	var want []string
	for i, step := range []struct {
		from, to, files string
		config          server.Config
	}{
		{dir, url, filepath.Join(dir, "files"), server.Config{Data: node, Database: url}},
		{url, back, filepath.Join(node, "files"), server.Config{Data: back}},
	} {
		stop()
		for n := range 3 {
			want = append(want, fmt.Sprint("missed ", i, n))
			say(t, step.from, want[len(want)-1])
		}
		moves(t, step.from, step.to, func(c *migrate.Config) {
			c.FromFiles, c.ToFiles = step.files, filepath.Join(step.config.Data, "files")
		})
		step.config.Listen = "127.0.0.1" + at
		_, stop = serve(t, step.config)
		s.until(t, func() bool { return len(s.shown) >= len(want) })
		text := fmt.Sprint("said there ", i)
		want = append(want, text)
		session.Post(s.room, text)
		s.until(t, func() bool { return len(s.shown) >= len(want) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.shown, want) || s.reloads != 1 {
		t.Errorf("it shows %q after %d reloads, not %q", s.shown, s.reloads, want)
	}
}
