package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	nats "github.com/nats-io/nats-server/v2/server"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/gate"
	"hubbub/internal/natsbus"
	"hubbub/internal/pgtest"
	"hubbub/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// nodes are servers on one PostgreSQL and one NATS.
type nodes struct {
	*testing.T
	database string
	nats     *nats.Server
	port     int
	all      []*node
	lobby    chat.RoomID
}

type node struct {
	*Server
	stop func() error
}

func startNATS(t *testing.T, port int) *nats.Server {
	t.Helper()
	s, err := nats.NewServer(&nats.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	return s
}

func startNodes(t *testing.T, n int, options ...func(*Config)) *nodes {
	t.Helper()
	ns := &nodes{T: t, database: pgtest.Start(t).Database(t), nats: startNATS(t, nats.RANDOM_PORT)}
	ns.port = ns.nats.Addr().(*net.TCPAddr).Port
	t.Cleanup(func() { ns.nats.Shutdown() })
	for range n {
		ns.add(NATS{URL: ns.nats.ClientURL()}, options...)
	}
	lobby, err := ns.all[0].store.RoomByName(ns.Context(), chat.Lobby)
	if err != nil {
		t.Fatal(err)
	}
	ns.lobby = lobby.ID
	return ns
}

// add starts one more node, which the test's end stops.
func (ns *nodes) add(bus NATS, options ...func(*Config)) *node {
	ns.Helper()
	c := Config{Listen: "127.0.0.1:0", Data: ns.TempDir(), Database: ns.database, NATS: bus, Log: slog.New(slog.DiscardHandler), Limits: DefaultLimits(), HooksPrivate: true}
	for _, option := range options {
		option(&c)
	}
	s, err := New(ns.Context(), c)
	if err != nil {
		ns.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	n := &node{s, sync.OnceValue(func() error {
		err := s.Check(context.Background())
		cancel()
		return errors.Join(err, <-done)
	})}
	ns.all = append(ns.all, n)
	ns.Cleanup(func() {
		if err := n.stop(); err != nil {
			ns.Error(err)
		}
	})
	return n
}

// screen is what a client shows.
type screen struct {
	*client.Session
	mu    sync.Mutex // guards the following
	moved chan struct{}
	from  chat.Seq
	shown []*wire.Event
	again int // times that it began anew
	acked map[string]chat.Seq
}

func (s *screen) Acked(_ chat.RoomID, id string, seq chat.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[id] = seq
	s.move()
}
func (s *screen) Refused(string, *wire.Error) {}
func (s *screen) Showed(e *wire.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = append(s.shown, e)
	s.move()
}
func (s *screen) Reloaded(_ chat.RoomID, after chat.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.shown = after, nil
	s.again++
	s.move()
}

// move says that something is new. mu is held.
func (s *screen) move() {
	close(s.moved)
	s.moved = make(chan struct{})
}

// until waits for something to be so, which is asked with the lock held.
func (s *screen) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
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
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("%s: it shows %d events from %d on, %d were acknowledged", what, len(s.shown), s.from, len(s.acked))
		}
	}
}

// follow connects somebody to the lobby at an address.
func (ns *nodes) follow(url, token string) *screen {
	ns.Helper()
	s := &screen{moved: make(chan struct{}), acked: make(map[string]chat.Seq)}
	s.Session = client.NewSession(url, token, []string{chat.Lobby}, s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	ns.Cleanup(func() {
		cancel()
		<-done
	})
	s.until(ns.T, "the lobby opens", func() bool { return s.again > 0 })
	return s
}

func (ns *nodes) guest(at *node, name string) (string, chat.UserID) {
	ns.Helper()
	token, you, err := client.NewGuest(ns.Context(), at.URL(), name)
	if err != nil {
		ns.Fatal(err)
	}
	return token, you.ID
}

// log returns the texts that are in the lobby.
func (ns *nodes) log() (texts []string) {
	ns.Helper()
	events, err := ns.all[len(ns.all)-1].store.Read(ns.Context(), ns.lobby, 0, 100_000)
	if err != nil {
		ns.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == chat.KindMessage {
			texts = append(texts, e.Body)
		}
	}
	return texts
}

// wants waits until a screen shows what is in the log, in order, from its beginning.
func (s *screen) wants(t *testing.T, what string, texts []string) {
	t.Helper()
	s.until(t, what, func() bool { return len(s.shown) >= len(texts) })
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []string
	for i, e := range s.shown {
		if e.Seq != s.from+chat.Seq(i)+1 {
			t.Fatalf("%s: event %d where %d comes next", what, e.Seq, s.from+chat.Seq(i)+1)
		}
		got = append(got, e.Text)
	}
	if !slices.Equal(got, texts) {
		t.Errorf("%s: it shows %q, not %q", what, got, texts)
	}
}

// People on two nodes write as fast as they can, in both dialects: everybody reads the
// same, in the same order.
func TestTwoNodes(t *testing.T) {
	ns := startNodes(t, 2)
	var screens []*screen
	var plains []*client.Plain
	for i, n := range ns.all {
		token, _ := ns.guest(n, fmt.Sprint("Writer ", i))
		screens = append(screens, ns.follow(n.URL(), token), ns.follow(ns.all[1-i].URL(), token)) // a session is known everywhere
		p, err := client.DialPlain(t.Context(), n.URL(), "/?name=plain"+fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		plains = append(plains, p)
	}
	const each = 50
	for k := range each {
		for i, s := range screens {
			s.Post(ns.lobby, fmt.Sprint("from screen ", i, ": ", k))
		}
		for i, p := range plains {
			if err := p.Write(t.Context(), fmt.Sprint("from plain ", i, ": ", k)); err != nil {
				t.Fatal(err)
			}
		}
	}
	const all = 6 * each
	for i, s := range screens {
		s.until(t, fmt.Sprint("screen ", i), func() bool { return len(s.shown) == all && len(s.acked) == each })
	}
	texts := ns.log()
	if len(texts) != all {
		t.Fatalf("%d messages are in the log, not %d", len(texts), all)
	}
	for i, s := range screens {
		s.wants(t, fmt.Sprint("screen ", i), texts)
	}
	for i, n := range ns.all {
		if heard := n.bus.(*natsbus.Bus).Stats().Heard.Load(); heard == 0 {
			t.Errorf("node %d heard nothing over NATS", i)
		}
	}
	for i, p := range plains {
		own := fmt.Sprint("from plain ", i)
		for _, want := range texts {
			if strings.HasPrefix(want, own) {
				continue
			}
			if got, err := p.Read(t.Context()); err != nil || got != want {
				t.Fatalf("plain %d reads %q, %v, not %q", i, got, err, want)
			}
		}
	}
}

// dial opens the lobby on a connection that does not come back.
func (ns *nodes) dial(at *node, token string) *client.Conn {
	ns.Helper()
	c, err := client.Dial(ns.Context(), at.URL(), token)
	if err != nil {
		ns.Fatal(err)
	}
	for _, f := range []any{&wire.Hello{}, &wire.Open{Name: chat.Lobby}} {
		if err := c.Write(ns.Context(), f); err != nil {
			ns.Fatal(err)
		}
	}
	if _, err := c.Sync(ns.Context()); err != nil {
		ns.Fatal(err)
	}
	return c
}

// closed reads until the connection ends, and returns with which code.
func (ns *nodes) closed(c *client.Conn) int {
	ns.Helper()
	ctx, cancel := context.WithTimeout(ns.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, err := c.Read(ctx); err != nil {
			if ctx.Err() != nil {
				ns.Error("it was not closed")
			}
			return client.CloseCode(err)
		}
	}
}

// What is done at one node reaches the sockets of another.
func TestBansOnAllNodes(t *testing.T) {
	ns := startNodes(t, 2)
	a, b := ns.all[0], ns.all[1]
	ctx := t.Context()

	token, id := ns.guest(a, "Ended")
	c := ns.dial(b, token)
	if err := a.gate.EndSessions(ctx, id, ""); err != nil {
		t.Fatal(err)
	}
	if code := ns.closed(c); code != 4401 {
		t.Errorf("a session that ended: %d", code)
	}

	token, id = ns.guest(a, "Put out")
	c = ns.dial(b, token)
	if err := a.gate.Remove(ctx, gate.Operator, id); err != nil {
		t.Fatal(err)
	}
	if code := ns.closed(c); code != 4401 {
		t.Errorf("somebody who was put out: %d", code)
	}

	token, id = ns.guest(a, "Banned")
	writer, _ := ns.guest(a, "Writer")
	c = ns.dial(b, token)
	other := ns.follow(b.URL(), writer)
	ban := chat.Draft{Room: ns.lobby, Author: chat.OperatorID, Kind: chat.KindBan, ID: chat.EventID(uuid.New()), About: chat.Mention{ID: id}}
	if r := a.hub.Post(ctx, []chat.Draft{ban}); r[0].Err != nil {
		t.Fatal(r[0].Err)
	}
	other.Post(ns.lobby, "canary")
	other.until(t, "the others read on", func() bool { return len(other.shown) == 2 })
	for left := false; !left; {
		f, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := f.(*wire.Event); ok && e.Text == "canary" {
			t.Error("who was banned read on")
		}
		_, left = f.(*wire.Left)
	}
	c.Close()

	renamed, id := ns.guest(a, "Before")
	c = ns.dial(b, renamed)
	if _, err := a.gate.Rename(ctx, id, "After"); err != nil {
		t.Fatal(err)
	}
	for named := false; !named; {
		f, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		you, ok := f.(*wire.You)
		named = ok && you.Name == "After"
	}
	if _, err := a.gate.AddBlock(ctx, gate.Operator, gate.Visitor{}.Address, "127.0.0.0/8", "", 60); err != nil {
		t.Fatal(err)
	}
	if code := ns.closed(c); code != 1008 {
		t.Errorf("an address that was banned: %d", code)
	}
}

// Without NATS messages come a little later, bans too; and it comes back by itself.
func TestWithoutNATS(t *testing.T) {
	ns := startNodes(t, 2)
	a, b := ns.all[0], ns.all[1]
	token, id := ns.guest(a, "Writer")
	here, there := ns.follow(a.URL(), token), ns.follow(b.URL(), token)
	ns.nats.Shutdown()
	ns.nats.WaitForShutdown()
	for i := range 5 {
		here.Post(ns.lobby, fmt.Sprint("without ", i))
		there.Post(ns.lobby, fmt.Sprint("from there ", i))
	}
	for _, s := range []*screen{here, there} {
		s.until(t, "without NATS", func() bool { return len(s.shown) == 10 })
		s.wants(t, "without NATS", ns.log())
	}
	ns.nats = startNATS(t, ns.port)
	for !a.bus.Up() || !b.bus.Up() {
		time.Sleep(time.Millisecond) // until both are connected, which nothing tells
	}
	silent := ns.add(NATS{}) // it never had any
	third := ns.follow(silent.URL(), token)
	here.Post(ns.lobby, "with NATS again")
	there.until(t, "with NATS again", func() bool { return len(there.shown) == 11 })
	third.until(t, "a node without NATS", func() bool { return len(third.shown) == 1 })
	ns.finds(silent, token, "NATS again", 1, 2)
	here.Post(ns.lobby, "much later")
	ns.finds(silent, token, "much later", 1, 2)
	c := ns.dial(silent, token)
	if err := a.gate.EndSessions(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
	if code := ns.closed(c); code != 4401 {
		t.Errorf("a session that ended, at a node without NATS: %d", code)
	}
}

// balance is one address for all nodes: a connection goes to the first that takes it.
func (ns *nodes) balance() string {
	ns.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		ns.Fatal(err)
	}
	ns.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go ns.pass(in)
		}
	}()
	return "http://" + l.Addr().String()
}

func (ns *nodes) pass(in net.Conn) {
	defer in.Close()
	for _, n := range ns.all {
		out, err := net.Dial("tcp", n.listener.Addr().String())
		if err != nil {
			continue
		}
		defer out.Close()
		go func() {
			io.Copy(out, in)
			out.Close()
		}()
		io.Copy(in, out)
		return
	}
}

// A node that stops sends its clients to another, where they go on: they lose nothing,
// see nothing twice, and need not load anything anew.
func TestNodeStops(t *testing.T) {
	ns := startNodes(t, 2)
	url := ns.balance()
	token, _ := ns.guest(ns.all[0], "Writer")
	moving, staying := ns.follow(url, token), ns.follow(ns.all[1].URL(), token)
	var ids []string
	for i := range 100 {
		if i == 50 {
			moving.until(t, "half", func() bool { return len(moving.shown) > 10 })
			if err := ns.all[0].stop(); err != nil {
				t.Fatal(err)
			}
		}
		ids = append(ids, moving.Post(ns.lobby, fmt.Sprint(i)))
	}
	moving.until(t, "the rest", func() bool { return len(moving.acked) == len(ids) })
	texts := ns.log()
	if len(texts) != len(ids) {
		t.Errorf("%d messages are in the log, not %d", len(texts), len(ids))
	}
	moving.wants(t, "who moved", texts)
	staying.wants(t, "who stayed", texts)
	if moving.again != 1 {
		t.Errorf("who moved began anew %d times", moving.again)
	}
}

// What does not go together is refused at the start, in a sentence without secrets.
func TestRefusedNodes(t *testing.T) {
	for want, cfg := range map[string]Config{
		"--nats is for nodes that share a database": {NATS: NATS{URL: "nats://127.0.0.1:4222"}},
		"go with --nats":                         {Database: "postgres://127.0.0.1/x", NATS: NATS{Creds: "file"}},
		"--nats-cert and --nats-key go together": {Database: "postgres://127.0.0.1/x", NATS: NATS{URL: "nats://x", Key: "file"}},
		"--database: ":                           {Database: "postgres://hubbub:secret@127.0.0.1:1/hubbub?connect_timeout=2"},
	} {
		cfg.Listen, cfg.Data, cfg.Log = "127.0.0.1:0", t.TempDir(), slog.New(slog.DiscardHandler)
		_, err := New(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// What is said at any node goes out by a hook once, by one node at a time; when that
// one stops another goes on. And it is found at any node.
func TestWorkOfOneNode(t *testing.T) {
	ns := startNodes(t, 3)
	delivered := make(chan string, 100)
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		delivered <- r.Header.Get("X-Hubbub-Delivery")
	}))
	defer program.Close()
	token, id := ns.guest(ns.all[2], "Ines")
	made, err := ns.all[2].store.AddHook(t.Context(), chat.NewHook{
		Hook: chat.Hook{Room: ns.lobby, By: chat.Mention{ID: id}, URL: program.URL, Events: chat.HookMessages, Key: "key"},
		Name: chat.Name{Display: "Caller", Key: "caller"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.all[2].hub.Announce(t.Context(), chat.Change{Kind: chat.ChangeHook, Room: ns.lobby, Name: made.ID}); err != nil { // as the route does
		t.Fatal(err)
	}
	var screens []*screen
	for _, n := range ns.all {
		screens = append(screens, ns.follow(n.URL(), token))
	}
	next := made.Seq
	say := func(by []*screen) {
		t.Helper()
		for i, s := range by {
			s.Post(ns.lobby, fmt.Sprint("said there: ", i))
		}
		for range by {
			next++
			select {
			case got := <-delivered:
				if want := fmt.Sprint(made.ID, "-", next); got != want {
					t.Errorf("delivered %s, not %s", got, want)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("nothing was delivered")
			}
		}
	}
	say(screens)
	turn := slices.IndexFunc(ns.all, func(n *node) bool { return n.outward.mine.Load() })
	if turn < 0 {
		t.Fatal("it is nobody's turn")
	}
	if err := ns.all[turn].stop(); err != nil {
		t.Fatal(err)
	}
	ns.all, screens = slices.Delete(ns.all, turn, turn+1), slices.Delete(screens, turn, turn+1)
	say(screens)
	say(screens[:1]) // the other node hears of it alone
	texts := ns.log()
	for i, n := range ns.all {
		ns.finds(n, token, "said there", len(texts), i)
	}
	if len(delivered) > 0 {
		t.Errorf("%s was delivered too", <-delivered)
	}
}

// finds waits until a search at a node finds so many messages.
func (ns *nodes) finds(n *node, token, what string, want, i int) {
	ns.Helper()
	var found struct {
		Hits []any `json:"hits"`
	}
	for late := time.After(30 * time.Second); len(found.Hits) != want; {
		r, err := http.NewRequestWithContext(ns.Context(), http.MethodGet, n.URL()+"/api/search?limit=50&q="+url.QueryEscape(what), nil)
		if err != nil {
			ns.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			ns.Fatal(err)
		}
		err = json.NewDecoder(resp.Body).Decode(&found)
		resp.Body.Close()
		if err != nil {
			ns.Fatal(err)
		}
		select {
		case <-late:
			ns.Fatalf("node %d finds %d messages of %d", i, len(found.Hits), want)
		case <-time.After(50 * time.Millisecond): // the index is behind the log
		}
	}
}

// What was begun at one node is finished at another, once.
func TestBegunElsewhere(t *testing.T) {
	ns := startNodes(t, 2)
	token, id := ns.guest(ns.all[0], "Ines")
	l, err := ns.all[1].gate.Login(t.Context(), token, gate.Visitor{}.Address)
	if err != nil {
		t.Fatal(err)
	}
	link, _, err := ns.all[0].gate.NewLink(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ns.all[1].gate.SignInByLink(t.Context(), gate.Visitor{}, link)
	if err != nil || s.ID != id {
		t.Errorf("it signed %q in, %v", s.ID, err)
	}
	if _, err := ns.all[0].gate.SignInByLink(t.Context(), gate.Visitor{}, link); err == nil {
		t.Error("it signed somebody in twice")
	}
}

// A node's costs follow its readers: it listens to what somebody there reads, reads each
// event of that once, however many people read it, and none of what nobody there reads,
// unless it is one of the two with an index for search.
func TestCostsFollowReaders(t *testing.T) {
	ns := startNodes(t, 3, func(c *Config) { c.Metrics = "127.0.0.1:0" })
	a, b := ns.all[0], ns.all[2]
	token, _ := ns.guest(a, "Writer")
	var readers []*screen
	for i := range 3 {
		reader, _ := ns.guest(b, fmt.Sprint("Reader ", i))
		readers = append(readers, ns.follow(b.URL(), reader))
	}
	topics := b.bus.(*natsbus.Bus).Topics()
	const rooms, each = 10, 20
	c := ns.dial(a, token)
	defer c.Cut()
	for i := range rooms {
		if err := c.Write(t.Context(), &wire.Open{Name: fmt.Sprint("elsewhere-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	frames, err := c.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := []chat.RoomID{ns.lobby}
	for _, f := range frames {
		if o, ok := f.(*wire.Opened); ok {
			all = append(all, o.Room)
		}
	}
	if len(all) != rooms+1 {
		t.Fatalf("%d rooms are open", len(all))
	}
	for i := range each {
		for _, room := range all {
			text := fmt.Sprint("message ", i)
			if err := c.Write(t.Context(), &wire.Send{Room: room, ID: uuid.NewString(), Text: &text}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range readers {
		r.until(t, "a reader of the lobby", func() bool { return len(r.shown) == each })
	}
	s := b.hub.Stats()
	if fetched, reads := s.Fetched.Load(), s.Reads.Load(); fetched != each || reads > each+1 {
		t.Errorf("%d events were read by %d reads, not %d", fetched, reads, each)
	}
	if got := b.bus.(*natsbus.Bus).Topics(); got != topics {
		t.Errorf("%d topics are listened to, and %d before there were other rooms", got, topics)
	}
	_, page := get(t, "http://"+b.private.listener.Addr().String()+"/metrics")
	for _, want := range []string{
		fmt.Sprint("hubbub_elsewhere_events_total ", each), "hubbub_elsewhere_reads_total ", "hubbub_head_checks_total ", "hubbub_hints_missed_total ",
		"hubbub_elsewhere_people ", "hubbub_search_index 0", fmt.Sprint("hubbub_nats_topics ", topics), "hubbub_nats_heard_bytes_total ", "hubbub_nats_sent_bytes_total ",
	} {
		if !strings.Contains(page, "\n"+want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
}
