package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/pgtest"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// Through whichever of several nodes something is said, it alerts once: also where the
// device was made known through another one.
func TestPushThroughNodes(t *testing.T) {
	s, database := newService(t), pgtest.Start(t).Database(t)
	run := func() *running {
		cfg := server.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: database, AllowNull: true, Log: quiet(t)}
		pushing(s)(&cfg)
		srv, err := server.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- srv.Serve(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return &running{t: t, url: srv.URL(), server: srv}
	}
	a, b := run(), run()
	owner, ben := a.owner(), a.member("Ben")
	var here, there struct{ Key string }
	a.ask("GET", "/api/me/push", nil, &here, ben)
	b.ask("GET", "/api/me/push", nil, &there, ben)
	if here != there || here.Key == "" {
		t.Fatalf("the nodes sign with %q and %q", here, there)
	}
	s.browser(a, "Ben", ben)
	var made struct{ Room wire.Joined }
	a.ask("POST", "/api/direct", map[string]any{"people": []chat.UserID{a.id(ben)}}, &made, owner)
	want := map[string]bool{}
	for first := true; first; { // until the other node has counted the devices
		e := b.speak(owner, made.Room.ID, "is anybody there?")
		want[fmt.Sprintf("%s-%d", e.Room, e.Seq)] = true
		select {
		case got := <-s.got:
			if first = false; !want[got.Tag] {
				t.Errorf("%s came unasked", got.Tag)
			}
			delete(want, got.Tag)
		case <-time.After(time.Second):
		case <-t.Context().Done():
			t.Fatal("the other node never alerts")
		}
	}
	for i := range 3 {
		for _, r := range []*running{a, b} {
			e := r.speak(owner, made.Room.ID, fmt.Sprint("once ", i))
			want[fmt.Sprintf("%s-%d", e.Room, e.Seq)] = true
		}
	}
	for range len(want) { // what was said before it had counted too
		got := s.next(t)
		if !want[got.Tag] {
			t.Errorf("%s came again, or unasked", got.Tag)
		}
		delete(want, got.Tag)
	}
	newFence(a, s, owner)()
}
