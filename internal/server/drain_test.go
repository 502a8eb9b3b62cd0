package server

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"hubbub/internal/client"
	"hubbub/internal/wire"
)

// ask makes a request and returns what came.
func ask(t *testing.T, method, url string, body io.Reader) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(said)
}

// A node that stops is taken out by balancers first, then its people go elsewhere, and what
// was asked is answered.
func TestLeaving(t *testing.T) {
	noticed := make(chan time.Time)
	data := t.TempDir()
	ns := startNodes(t, 1, func(c *Config) { c.Data, c.Drain, c.Noticed = data, 2*time.Second, noticed })
	n := ns.all[0]
	token, _ := ns.guest(n, "ann")
	v1 := ns.dial(n, token)
	plain, err := client.DialPlain(t.Context(), n.URL(), "/")
	if err != nil {
		t.Fatal(err)
	}
	body, write := io.Pipe()
	answered := make(chan string, 1)
	go func() {
		resp, said := ask(t, "POST", n.URL()+"/api/guests", body)
		answered <- resp.Status + said
	}()
	io.WriteString(write, `{"name":`) // returns when the request is being sent
	stopped := make(chan error, 1)
	go func() { stopped <- n.stop() }()

	for resp, _ := ask(t, "GET", n.URL()+"/readyz", nil); resp.StatusCode != http.StatusServiceUnavailable; {
		resp, _ = ask(t, "GET", n.URL()+"/readyz", nil)
	}
	if resp, said := ask(t, "GET", n.URL()+"/healthz", nil); resp.StatusCode != http.StatusOK || !resp.Close {
		t.Errorf("it lives, and says that it closes: %s %s, close %v", resp.Status, said, resp.Close)
	}
	ns.dial(n, token).Cut() // balancers that have not noticed send people
	noticed <- time.Time{}

	if f := last(t, v1); f == nil || f.Reason != "move" || f.RetryAfter > 0.2 {
		t.Errorf("it said %+v", f)
	}
	if _, err := plain.Read(t.Context()); client.CloseCode(err) != 1012 {
		t.Errorf("plain text ended with %v", err)
	}
	for begun := time.Now(); time.Since(begun) < 30*time.Second; { // until only what was asked is left
		if _, err := os.Stat(AdminSocket(data)); err != nil {
			break
		}
	}
	io.WriteString(write, `"ben","token":true}`)
	write.Close()
	if said := <-answered; !strings.HasPrefix(said, "201") {
		t.Errorf("what was being asked: %s", said)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if c, err := client.Dial(context.Background(), n.URL(), token); err == nil {
		c.Cut()
		t.Error("it still takes people")
	}
}

// last reads to the end of a connection and returns the farewell.
func last(t *testing.T, c *client.Conn) (farewell *wire.Goodbye) {
	t.Helper()
	for {
		f, err := c.Read(t.Context())
		if err != nil {
			if client.CloseCode(err) != 1012 {
				t.Errorf("it ended with %v", err)
			}
			return farewell
		}
		farewell, _ = f.(*wire.Goodbye)
	}
}
