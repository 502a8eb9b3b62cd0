package ws

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/sqlite"
	"hubbub/internal/wire"
)

// bubble is a server in which time passes as soon as nothing else happens. Its
// clients are on pipes, since a real socket never counts as idle.
type bubble struct {
	t      *testing.T
	server *Server
	login  chat.Login
	end    func()
}

func newBubble(t *testing.T) *bubble {
	t.Helper()
	s, err := sqlite.Open(context.Background(), t.TempDir(), slog.New(slog.DiscardHandler), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	login, err := s.AddGuest(context.Background(), chat.Newcomer{Name: chat.Name{Display: "Ines", Key: "ines"}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bubble{t: t, login: login, server: New(Config{
		Hub: hub.New(s, hub.Options{}), Directory: s, Attention: s, Epoch: "m4t8zq1x", Log: slog.New(slog.DiscardHandler),
	})}
	b.end = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		begun := time.Now()
		b.server.Close(ctx)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("it took %v to stop", took)
		}
		s.Close()
	}
	return b
}

// pipe is a client of hubbub.v1.
type pipe struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func (b *bubble) connect() *pipe {
	ours, theirs := net.Pipe()
	b.server.enter()
	b.server.startV1(theirs, nil, netip.Addr{}, b.login, hub.V1, nil)
	return &pipe{ours, b.t, bufio.NewReader(ours)}
}

func (p *pipe) send(f frame) {
	p.t.Helper()
	if _, err := p.Write(f.bytes()); err != nil {
		p.t.Fatal(err)
	}
}

// next reads the server's next frame.
func (p *pipe) next() (op ws.OpCode, payload []byte, err error) {
	h, err := ws.ReadHeader(p.in)
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, h.Length)
	_, err = io.ReadFull(p.in, payload)
	return h.OpCode, payload, err
}

// A client that answers pings stays, and is told where its rooms stand.
func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		defer b.end()
		c := b.connect()
		c.send(frame{payload: `{"hello":{}}`})
		c.send(frame{payload: `{"open":{"name":"lobby"}}`})
		begun, beats := time.Now(), 0
		for time.Since(begun) < time.Hour {
			op, payload, err := c.next()
			if err != nil {
				t.Fatalf("after %v: %v", time.Since(begun), err)
			}
			if op == ws.OpPing {
				c.send(frame{first: 0x8a})
			}
			f, err := wire.DecodeServer(payload)
			if h, ok := f.(*wire.Heartbeat); ok && err == nil {
				beats++
				if len(h.Heads) != 1 {
					t.Errorf("heads %v", h.Heads)
				}
			}
		}
		if want := int(time.Hour / (25 * time.Second)); beats < want-1 || beats > want+1 {
			t.Errorf("%d heartbeats in an hour, not %d", beats, want)
		}
		c.Close()
	})
}

// Who loses the network counts as gone within a minute, though the connection waits
// longer, and as here with the first word after that. Who answers pings is never gone.
func TestPresenceAfterAHardDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		defer b.end()
		c := b.connect()
		c.send(frame{payload: `{"hello":{}}`})
		c.send(frame{payload: `{"attend":{"on":true}}`})
		begun := time.Now()
		var mute atomic.Bool
		heard := make(chan struct{})
		go func() {
			defer close(heard)
			for {
				op, _, err := c.next()
				if err != nil {
					return
				}
				if op == ws.OpPing && !mute.Load() {
					c.send(frame{first: 0x8a})
				}
			}
		}()
		here := func(want bool) {
			t.Helper()
			synctest.Wait()
			if is, attentive := b.server.hub.Here(b.login.ID); is != want || attentive != want {
				t.Errorf("after %v: here %v, attentive %v", time.Since(begun), is, attentive)
			}
		}
		for range 100 {
			time.Sleep(7 * time.Second)
			here(true)
		}
		mute.Store(true)
		time.Sleep(time.Minute)
		here(false)
		c.send(frame{payload: `{"fence":{"n":1}}`})
		here(true)
		c.Close()
		<-heard
	})
}

// A client that is gone without a word is dropped after four intervals.
func TestSilentClientIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		defer b.end()
		c := b.connect()
		c.send(frame{payload: `{"hello":{}}`})
		begun := time.Now()
		for {
			if _, _, err := c.next(); err != nil {
				break
			}
		}
		if took := time.Since(begun); took < 100*time.Second || took > 130*time.Second {
			t.Errorf("dropped after %v", took)
		}
	})
}

func TestNoHelloInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		defer b.end()
		c := b.connect()
		begun := time.Now()
		op, payload, err := c.next()
		for op == ws.OpPing && err == nil {
			op, payload, err = c.next()
		}
		if err != nil || op != ws.OpClose || binary.BigEndian.Uint16(payload) != 1008 {
			t.Errorf("got %v %q, %v", op, payload, err)
		}
		if took := time.Since(begun); took != helloTime {
			t.Errorf("after %v", took)
		}
		c.Close()
	})
}

// Who reads nothing at all is dropped like any silent client, and until then
// cannot hold up a stop.
func TestStopWithADeafClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		c := b.connect()
		c.send(frame{payload: `{"hello":{}}`})
		big := bytes.Repeat(frame{first: 0x89, payload: string(make([]byte, 125))}.bytes(), 2000)
		go c.Write(big) // until the server stops reading
		synctest.Wait()
		b.end()
		c.Close()
	})
}

// A close frame is answered, and the connection ends though the client does not
// hang up.
func TestCloseHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		defer b.end()
		c := b.connect()
		c.send(frame{first: 0x88, payload: "\x03\xe8"})
		if op, payload, err := c.next(); err != nil || op != ws.OpClose || binary.BigEndian.Uint16(payload) != 1000 {
			t.Errorf("got %v %q, %v", op, payload, err)
		}
		begun := time.Now()
		if _, _, err := c.next(); err == nil || time.Since(begun) > linger {
			t.Errorf("still open after %v: %v", time.Since(begun), err)
		}
	})
}
