package ws_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/server"
	"hubbub/internal/wire"
	"hubbub/internal/ws"
)

func limited(l ws.Limits) func(*server.Config) {
	return func(c *server.Config) { c.Limits = l }
}

// One person's connections share a limit; another's do not.
func TestPersonLimit(t *testing.T) {
	r := serve(t, limited(ws.Limits{UserMessages: ws.Rate{PerSecond: 1, Burst: 10}}))
	one := r.guest("Ines")
	two, other := r.connect(one.token, one.you), r.guest("Tomás")
	room := one.open("lobby", 0).Room
	refused := func(c *v1Client, from, n int) (count int) {
		for i := range n {
			c.write(send(room, from+i, fmt.Sprint(from+i)))
		}
		for _, f := range c.sync() {
			if e, ok := f.(*wire.Error); ok {
				if e.Code != chat.CodeRateLimited || e.RetryAfter <= 0 {
					t.Fatalf("%+v", e)
				}
				count++
			}
		}
		return count
	}
	if n := refused(one, 0, 8); n != 0 {
		t.Errorf("%d of the first 8 were refused", n)
	}
	if n := refused(two, 100, 8); n < 4 {
		t.Errorf("on the second connection %d of 8 were refused", n)
	}
	if n := refused(other, 200, 8); n != 0 {
		t.Errorf("%d of somebody else's were refused", n)
	}
}

// A client that sends too many bytes is read more slowly. Nothing is lost.
func TestByteLimit(t *testing.T) {
	r := serve(t, limited(ws.Limits{Bytes: ws.Rate{PerSecond: 100_000, Burst: 50_000}}))
	c, listener := r.plain("/"), r.plain("/")
	var said []string
	for i := range 20 {
		said = append(said, fmt.Sprint(i, strings.Repeat(".", 10_000)))
	}
	begun := time.Now()
	c.say(said...)
	listener.hears(said...)
	if took := time.Since(begun); took < time.Second {
		t.Errorf("200 kB at 100 kB a second, 50 kB at once, took %v", took)
	}
}

// An address has so many connections without an identity. The answer to one more
// is clear, and one that ends makes room; who has said hello does not count.
func TestAddressLimit(t *testing.T) {
	r := serve(t, limited(ws.Limits{PerAddress: 6}))
	known := r.guest("Ines")
	http.DefaultClient.CloseIdleConnections()
	var held []*plainClient
	for range 5 {
		held = append(held, r.plain("/"))
	}
	idle := r.raw()
	refusal := r.raw()
	resp, err := http.ReadResponse(refusal.in, nil)
	if err != nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("%v, %v", resp, err)
	}
	if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), `"rate_limited"`) {
		t.Errorf("it says %q", body)
	}
	known.open("lobby", 0)
	idle.Close()
	held[0].Close()
	for deadline := time.Now().Add(patience); ; {
		c := r.raw()
		c.send([]byte(upgrade + "\r\n"))
		resp, err := http.ReadResponse(c.in, nil)
		if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
			return
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatalf("there is no room again: %v, %v", resp, err)
		}
	}
}
