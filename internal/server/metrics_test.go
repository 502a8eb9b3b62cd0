package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"hubbub/internal/client"
	"hubbub/internal/wire"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// What happens is counted, on a listener of its own, and says nothing of whom
// and what.
func TestMetrics(t *testing.T) {
	s, err := New(t.Context(), Config{
		Listen: "127.0.0.1:0", Metrics: "127.0.0.1:0", Data: t.TempDir(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	private := "http://" + s.private.listener.Addr().String()

	token, _, err := client.NewGuest(ctx, s.URL(), "Canary Keeper")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(ctx, s.URL(), token)
	if err != nil {
		t.Fatal(err)
	}
	text := "canary"
	send := &wire.Send{ID: "0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01", Text: &text}
	for _, f := range []any{&wire.Hello{}, &wire.Open{Name: "lobby"}} {
		if err := c.Write(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	frames, err := c.Sync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if o, ok := f.(*wire.Opened); ok {
			send.Room = o.Room
		}
	}
	for _, f := range []any{send, send, &wire.Close{Room: "nowhere"}} { // the second send is a repetition
		if err := c.Write(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	defer c.Cut()

	status, page := get(t, private+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{
		`hubbub_connections\{dialect="hubbub.v1, deflated"\} 1`, `hubbub_messages_total 2`, `hubbub_deliveries_total 1`,
		`hubbub_duplicates_suppressed_total 1`, `hubbub_refusals_total\{code="not_open"\} 1`, `hubbub_bytes_received_total [1-9]`,
		`hubbub_bytes_sent_total [1-9]`, `hubbub_drain_lag_seconds_count [1-9]`, `hubbub_commit_events_sum 1`, `hubbub_commit_seconds_count [1-9]`,
		`hubbub_resumes_total 0`, `hubbub_resets_total 0`, `hubbub_slow_readers_total 0`, `hubbub_rooms_live 1`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(page) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, secret := range []string{"canary", "Canary", token, "lobby", string(send.Room)} {
		if strings.Contains(page, secret) {
			t.Errorf("the metrics tell %q", secret)
		}
	}
	if status, body := get(t, private+"/debug/pprof/goroutine?debug=1"); status != http.StatusOK || !strings.Contains(body, "goroutine profile") {
		t.Errorf("profiles: %d", status)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		if _, body := get(t, s.URL()+path); strings.Contains(body, "hubbub_connections") || strings.Contains(body, "goroutine") {
			t.Errorf("%s is public", path)
		}
	}
}
