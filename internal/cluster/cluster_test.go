package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/pgserver"
	"hubbub/internal/wire"
)

func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "hubbub")
	if out, err := exec.Command("go", "build", "-o", bin, "hubbub/cmd/hubbub").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	o.Bin = build(t)
	c, err := Start(t.Context(), o)
	if errors.Is(err, pgserver.ErrNone) && os.Getenv("HUBBUB_TEST_NEEDS") == "" {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// talker speaks by way of the balancer, and comes back where it is cut.
type talker struct {
	*testing.T
	session *client.Session
	lobby   chan chat.RoomID
	acked   chan string
}

func (k *talker) Acked(_ chat.RoomID, id string, _ chat.Seq) { k.acked <- id }
func (k *talker) Refused(_ string, e *wire.Error)            { k.Error(e) }
func (k *talker) Showed(*wire.Event)                         {}
func (k *talker) Reloaded(room chat.RoomID, _ chat.Seq)      { k.lobby <- room }

func newTalker(t *testing.T, url string) *talker {
	t.Helper()
	token, _, err := client.NewGuest(t.Context(), url, "ann")
	must(t, err)
	k := &talker{T: t, lobby: make(chan chat.RoomID, 100), acked: make(chan string, 100)}
	k.session = client.NewSession(url, token, []string{chat.Lobby}, k)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.session.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return k
}

// say says something and waits until it is stored.
func (k *talker) say(room chat.RoomID) {
	k.Helper()
	id := k.session.Post(room, "hello")
	for acked := range k.acked {
		if acked == id {
			return
		}
	}
}

// at returns the node that has the socket.
func (k *talker) at(c *Cluster) *Node {
	k.Helper()
	i := slices.IndexFunc(c.Nodes, func(n *Node) bool { return c.Balancer.Open(n.URL) > 0 })
	if i < 0 {
		k.Fatal("no node has the socket")
	}
	return c.Nodes[i]
}

func TestNodesComeAndGo(t *testing.T) {
	c := start(t, Options{Nodes: 2})
	k := newTalker(t, c.URL())
	room := <-k.lobby
	k.say(room)
	first := k.at(c)
	must(t, first.Kill())
	k.say(room)
	second := k.at(c)
	if second == first {
		t.Fatal("a node that was killed has a socket")
	}
	must(t, first.Start(t.Context()))
	must(t, c.Ready(t.Context()))
	must(t, second.Pause())
	k.say(room)
	must(t, second.Resume())
	must(t, c.Ready(t.Context()))
	c.NATS.Stop()
	k.say(room)
	must(t, c.NATS.Start())
	must(t, c.PostgreSQL.Kill())
	must(t, c.PostgreSQL.Up())
	k.say(room)
	must(t, second.Stop())
	k.say(room)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A request that reached nobody is made of another node, with its body.
func TestAnotherNodeIsAsked(t *testing.T) {
	b, err := NewBalancer("127.0.0.1:0")
	must(t, err)
	defer b.Close()
	asked := make(chan string, 10)
	answer := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			body, _ := io.ReadAll(r.Body)
			asked <- string(body)
		}
	})
	alive, dying := httptest.NewServer(answer), httptest.NewServer(answer)
	defer alive.Close()
	for _, s := range []*httptest.Server{alive, dying} {
		b.Add(s.URL)
		for !b.Up(s.URL) {
			runtime.Gosched()
		}
	}
	dying.Close()
	for range 4 {
		resp, err := http.Post(b.URL()+"/x", "text/plain", strings.NewReader("body"))
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
		if body := <-asked; body != "body" {
			t.Fatalf("asked with %q", body)
		}
	}
}
