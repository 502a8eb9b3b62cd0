package ws_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// portable says which of the two sockets the servers use.
var portable = os.Getenv(portableVariable) != ""

// portableVariable is set in the process that runs all tests on portable sockets.
const portableVariable = "HUBBUB_TEST_PORTABLE_SOCKETS"

// twice runs all tests on both sockets: side by side in two processes, since they wait
// more than they work, and what is measured or searched for one after the other.
type twice struct{ m *testing.M }

func (t twice) Run() int {
	flag.Parse()
	if portable {
		return t.m.Run()
	}
	if flag.Lookup("test.bench").Value.String() != "" || flag.Lookup("test.fuzz").Value.String() != "" {
		code := t.m.Run()
		portable = true
		return max(code, t.m.Run())
	}
	wait := elsewhere()
	code := t.m.Run()
	return max(code, wait())
}

// elsewhere starts the tests on portable sockets. What it returns waits for their end,
// tells what they said, and returns their code.
func elsewhere() (wait func() int) {
	// What Go reads and what it writes is of the first process alone.
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool {
		return strings.HasPrefix(arg, "-test.testlogfile=") || strings.Contains(arg, "profile=") || strings.HasPrefix(arg, "-test.trace=")
	})
	var said bytes.Buffer
	run := exec.Command(os.Args[0], args...)
	run.Env = append(os.Environ(), portableVariable+"=1")
	run.Stdout, run.Stderr = &said, &said
	if err := run.Start(); err != nil {
		fmt.Println("on portable sockets:", err)
		return func() int { return 1 }
	}
	return func() int {
		if err := run.Wait(); err != nil {
			fmt.Printf("%son portable sockets: %v\n", &said, err)
			return 1
		}
		fmt.Print(&said)
		return 0
	}
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(twice{m}, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// patience is how long a test waits for what must come. It is never waited for
// when all is well.
const patience = time.Minute

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// running is a whole server on a real port with a real database.
type running struct {
	t    testing.TB
	url  string
	stop func()
	log  *bytes.Buffer
}

func serve(t testing.TB, change ...func(*server.Config)) *running {
	t.Helper()
	r := &running{t: t, log: new(bytes.Buffer)}
	cfg := server.Config{
		Listen: "127.0.0.1:0", Data: t.TempDir(), AllowNull: true, Version: "test", Portable: portable,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := server.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.url = s.URL()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	r.stop = sync.OnceFunc(func() {
		if err := s.Check(context.Background()); err != nil {
			t.Errorf("self check: %v", err)
		}
		begun := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("it took %v to stop", took)
		}
		if r.log.Len() > 0 {
			t.Errorf("errors in the log:\n%s", r.log)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *running) addr() string {
	return strings.Replace(strings.TrimPrefix(r.url, "http://"), "localhost", "127.0.0.1", 1)
}

// plain connects a plain client.
func (r *running) plain(path string) *plainClient {
	r.t.Helper()
	p, err := client.DialPlain(testContext(r.t), r.url, path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { p.Close() })
	return &plainClient{p, r.t}
}

type plainClient struct {
	*client.Plain
	t testing.TB
}

func (p *plainClient) say(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if err := p.Write(testContext(p.t), text); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *plainClient) hears(texts ...string) {
	p.t.Helper()
	for i, want := range texts {
		got, err := p.Read(testContext(p.t))
		if err != nil || got != want {
			p.t.Fatalf("message %d: got %q, %v; want %q", i, got, err, want)
		}
	}
}

// guest makes a guest and connects it, with hello said and answered.
func (r *running) guest(name string) *v1Client {
	r.t.Helper()
	token, you, err := client.NewGuest(testContext(r.t), r.url, name)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.connect(token, you)
}

func (r *running) connect(token string, you wire.Person) *v1Client {
	r.t.Helper()
	c := r.dial(token)
	c.token, c.you = token, you
	c.write(&wire.Hello{})
	if w := next[*wire.Welcome](c); w.You != you {
		r.t.Fatalf("welcomed as %v, not %v", w.You, you)
	}
	return c
}

func (r *running) dial(token string) *v1Client {
	r.t.Helper()
	c, err := client.Dial(testContext(r.t), r.url, token)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Cut() })
	return &v1Client{Conn: c, t: r.t}
}

type v1Client struct {
	*client.Conn
	t     testing.TB
	token string
	you   wire.Person
}

func (c *v1Client) write(frames ...any) {
	c.t.Helper()
	for _, f := range frames {
		if err := c.Write(testContext(c.t), f); err != nil {
			c.t.Fatal(err)
		}
	}
}

// read returns the next frame that is not a heartbeat.
func (c *v1Client) read() any {
	c.t.Helper()
	for {
		f, err := c.Read(testContext(c.t))
		if err != nil {
			c.t.Fatal(err)
		}
		if _, ok := f.(*wire.Heartbeat); !ok {
			return f
		}
	}
}

// next reads a frame and wants it to be a T.
func next[T any](c *v1Client) T {
	c.t.Helper()
	f := c.read()
	got, ok := f.(T)
	if !ok {
		c.t.Fatalf("got %T %s, not a %T", f, wire.Encode(f), got)
	}
	return got
}

// sync returns the frames that come until all before is answered.
func (c *v1Client) sync() []any {
	c.t.Helper()
	frames, err := c.Sync(testContext(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	return slices.DeleteFunc(frames, func(f any) bool { _, ok := f.(*wire.Heartbeat); return ok })
}

// open opens a room by name with its last events.
func (c *v1Client) open(name string, last int) *wire.Opened {
	c.t.Helper()
	c.write(&wire.Open{Name: name, Last: &last})
	return next[*wire.Opened](c)
}

// texts returns what the events among frames say, and checks that they follow
// one another from seq on.
func texts(t testing.TB, frames []any, seq uint64) []string {
	t.Helper()
	var said []string
	for _, f := range frames {
		if e, ok := f.(*wire.Event); ok {
			if uint64(e.Seq) != seq {
				t.Fatalf("event %d where %d comes next", e.Seq, seq)
			}
			seq++
			said = append(said, e.Text)
		}
	}
	return said
}

// raw is a client that may break every rule.
type raw struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func (r *running) raw() *raw {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &raw{c, r.t, bufio.NewReader(c)}
}

const upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

// socket shakes hands; more holds further header lines.
func (r *running) socket(more string) *raw {
	r.t.Helper()
	c := r.raw()
	c.send([]byte(upgrade + more + "\r\n"))
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		r.t.Fatalf("handshake: %v, %v", resp, err)
	}
	return c
}

func (c *raw) send(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// frame reads one frame of the server, which is never masked nor fragmented.
func (c *raw) frame() (op byte, payload []byte, err error) {
	var h [2]byte
	if _, err := io.ReadFull(c.in, h[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(h[1])
	switch n {
	case 126:
		var b [2]byte
		_, err = io.ReadFull(c.in, b[:])
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, err = io.ReadFull(c.in, b[:])
		n = binary.BigEndian.Uint64(b[:])
	}
	if err == nil && (h[0]&0xf0 != 0x80 || n > 1<<20) {
		err = fmt.Errorf("frame header % x", h)
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(c.in, payload)
	return h[0] & 0x0f, payload, err
}

// closed reads until the server's close frame, wants the code in it, and wants
// the connection to end then.
func (c *raw) closed(code int) {
	c.t.Helper()
	for {
		op, payload, err := c.frame()
		if err != nil {
			c.t.Fatalf("instead of a close frame: %v", err)
		}
		if op != 8 {
			continue
		}
		got := 0
		if len(payload) >= 2 {
			got = int(binary.BigEndian.Uint16(payload))
		}
		if got != code {
			c.t.Fatalf("closed with %d %q, not %d", got, payload, code)
		}
		if _, _, err := c.frame(); err == nil || errors.Is(err, context.DeadlineExceeded) {
			c.t.Fatalf("after the close frame: %v", err)
		}
		return
	}
}
