package natsbus

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"hubbub/internal/bustest"
	"hubbub/internal/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a NATS server; a zero port takes a free one.
func start(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	o.NoLog, o.NoSigs = true, true
	if o.Host = "127.0.0.1"; o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	return s
}

func end(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func open(t *testing.T, cfg Config) *Bus {
	t.Helper()
	if cfg.Cluster == "" {
		cfg.Cluster = "w9xk27"
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// The promises of a bus, on a server that goes and comes back at its port.
func TestBus(t *testing.T) {
	bustest.Run(t, func(t *testing.T) bustest.Bed {
		s := start(t, server.Options{})
		url, port := s.ClientURL(), s.Addr().(*net.TCPAddr).Port
		t.Cleanup(func() { end(s) })
		return bustest.Bed{
			Join:     func() chat.Bus { return open(t, Config{URL: url}) },
			Stranger: func() chat.Bus { return open(t, Config{URL: url, Cluster: "another"}) },
			Break:    func() { end(s) },
			Mend:     func() { s = start(t, server.Options{Port: port}) },
		}
	})
}

// A server that hangs keeps nobody waiting.
func TestServerHangs(t *testing.T) {
	s := start(t, server.Options{DontListen: true})
	defer end(s)
	g := &gated{Server: s}
	bustest.NeverWaits(t, bustest.Bed{
		Join:  func() chat.Bus { return open(t, Config{InProcess: g}) },
		Break: g.shut, Mend: g.open,
	})
}

// gated connects to a server in the process; while it is shut, what is written waits.
type gated struct {
	*server.Server
	mu   sync.Mutex // guards the following
	wait chan struct{}
}

func (g *gated) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wait = make(chan struct{})
}

func (g *gated) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.wait)
	g.wait = nil
}

func (g *gated) InProcessConn() (net.Conn, error) {
	c, err := g.Server.InProcessConn()
	if err != nil {
		return nil, err
	}
	return &gatedConn{Conn: c, gate: g, closed: make(chan struct{})}, nil
}

type gatedConn struct {
	net.Conn
	gate   *gated
	once   sync.Once
	closed chan struct{}
}

func (c *gatedConn) Write(p []byte) (int, error) {
	c.gate.mu.Lock()
	wait := c.gate.wait
	c.gate.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	return c.Conn.Write(p)
}

func (c *gatedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// What is no note is dropped and counted, and those behind it come.
func TestJunk(t *testing.T) {
	s := start(t, server.Options{})
	defer end(s)
	b := open(t, Config{URL: s.ClientURL()})
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	notes := make(chan chat.Note, 100)
	b.Listen(chat.RoomTopic("r"), func(n chat.Note) { notes <- n })
	good := appendNote(nil, chat.Note{Head: 5})
	for first := false; !first; {
		nc.Publish("hubbub.w9xk27.room.r", good)
		select {
		case <-notes:
			first = true
		case <-time.After(5 * time.Millisecond): // it does not listen yet
		}
	}
	junk := []string{"", "\x01", "\x02\x05", "{}", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x01\x01" + strings.Repeat("x", chat.MaxNote+1)}
	for _, p := range junk {
		nc.Publish("hubbub.w9xk27.room.r", []byte(p))
	}
	last := appendNote(nil, chat.Note{Head: 9})
	nc.Publish("hubbub.w9xk27.room.r", last)
	for n := range notes {
		if n.Head == 9 {
			break
		}
		if n.Head != 5 {
			t.Errorf("a note came that says %d", n.Head)
		}
	}
	if n := b.Stats().Bad.Load(); n != int64(len(junk)) {
		t.Errorf("%d were counted, not %d", n, len(junk))
	}
}

// A topic that would be a wildcard, or another subject, is none.
func TestSubjects(t *testing.T) {
	s := start(t, server.Options{})
	defer end(s)
	b := open(t, Config{URL: s.ClientURL()})
	for _, id := range []string{"*", ">", "a.b", "", "a b", "ä", "a\r\nPUB x"} {
		if subject, ok := b.subject(chat.Topic{About: chat.AboutRoom, ID: id}); ok {
			t.Errorf("%q became %q", id, subject)
		}
		b.Listen(chat.Topic{About: chat.AboutRoom, ID: id}, func(chat.Note) {})()
		b.Tell(chat.Topic{About: chat.AboutRoom, ID: id}, chat.Note{Head: 1})
	}
	if _, err := Open(t.Context(), Config{URL: s.ClientURL(), Cluster: "a.*", Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a cluster may be called a.*")
	}
}

// A server that can not be reached at the start is waited for.
func TestServerComesLater(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	url := "nats://" + l.Addr().String()
	a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
	if a.Up() {
		t.Fatal("it is up without a server")
	}
	came := make(chan chat.Note, 1000)
	b.Listen(chat.RoomTopic("r"), func(n chat.Note) { came <- n })
	a.Tell(chat.RoomTopic("r"), chat.Note{Head: 1})
	s := start(t, server.Options{Port: port})
	defer end(s)
	for heard := false; !heard; {
		a.Tell(chat.RoomTopic("r"), chat.Note{Head: 2})
		select {
		case n := <-came:
			if heard = true; n.Head != 2 {
				t.Error("a note came from before")
			}
		case <-time.After(5 * time.Millisecond): // not yet
		}
	}
	if a.Stats().Lost.Load() == 0 {
		t.Error("what was lost was not counted")
	}
}

// What an operator has to mend is said at the start, without secrets.
func TestRefusals(t *testing.T) {
	s := start(t, server.Options{Username: "hubbub", Password: "right"})
	defer end(s)
	host := strings.TrimPrefix(s.ClientURL(), "nats://")
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]Config{
		"wrong password":   {URL: "nats://hubbub:secret@" + host},
		"nobody":           {URL: "nats://" + host},
		"no credentials":   {URL: "nats://" + host, Creds: filepath.Join(dir, "none")},
		"bad credentials":  {URL: "nats://" + host, Creds: junk},
		"no certificates":  {URL: "nats://" + host, CA: filepath.Join(dir, "none")},
		"bad certificates": {URL: "nats://" + host, CA: junk},
		"no address":       {URL: "nats://hub:secret@bub:x:y"},
	} {
		cfg.Cluster, cfg.Log = "c", slog.New(slog.NewTextHandler(io.Discard, nil))
		b, err := Open(context.Background(), cfg)
		if err == nil {
			b.Close()
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := open(t, Config{URL: "nats://hubbub:right@" + host})
	if !b.Up() {
		t.Error("the right password is refused")
	}
}

// Who does not come after with hearing loses some, which is counted, and hears again.
func TestSlow(t *testing.T) {
	s := start(t, server.Options{})
	defer end(s)
	a, b := open(t, Config{URL: s.ClientURL()}), open(t, Config{URL: s.ClientURL()})
	busy, again := make(chan struct{}), make(chan struct{}, 1)
	b.Listen(chat.RoomTopic("r"), func(n chat.Note) {
		<-busy
		if n.Head == 2 {
			select {
			case again <- struct{}{}:
			default:
			}
		}
	})
	for b.Stats().Slow.Load() == 0 {
		a.Tell(chat.RoomTopic("r"), chat.Note{Head: 1})
	}
	close(busy)
	for {
		a.Tell(chat.RoomTopic("r"), chat.Note{Head: 2})
		select {
		case <-again:
			return
		case <-time.After(5 * time.Millisecond): // still full
		}
	}
}
