package postgres_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// wire is a connection's way to the server, which can be cut where a commit passes.
type wire struct {
	to     string
	listen net.Listener

	// What happens to the next commits.
	mute  atomic.Int32 // so many reach the server, and their answers nobody
	lose  atomic.Int32 // so many do not reach it, and their connections end
	hold  atomic.Int32 // so many do not reach it, and their connections stay
	muted chan func()  // for each of those whose connection stays: cuts it

	mu    sync.Mutex
	conns []net.Conn
}

// boundCommit is in the message that binds a prepared COMMIT, as pgx calls it, and not in
// the one that prepares it.
var boundCommit = func() []byte {
	digest := sha256.Sum256([]byte("COMMIT"))
	return []byte("\x00stmtcache_" + hex.EncodeToString(digest[:24]) + "\x00")
}()

// newWire returns a way to a database, and the address at its near end.
func newWire(t *testing.T, to string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{to: u.Host, muted: make(chan func(), 100)}
	if w.listen, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.listen.Close()
		w.cut()
	})
	go func() {
		for {
			c, err := w.listen.Accept()
			if err != nil {
				return
			}
			go w.pass(c)
		}
	}()
	u.Host = w.listen.Addr().String()
	return w, u.String() + "?sslmode=disable"
}

// cut ends all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

func (w *wire) pass(near net.Conn) {
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		near.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, near, far)
	w.mu.Unlock()
	end := func() {
		near.Close()
		far.Close()
	}
	defer end()
	var silent atomic.Bool
	go func() {
		defer end()
		b := make([]byte, 64<<10)
		for {
			n, err := far.Read(b)
			if err != nil {
				return
			}
			if !silent.Load() {
				near.Write(b[:n])
			}
		}
	}()
	b := make([]byte, 1<<20)
	for {
		n, err := near.Read(b)
		if err != nil {
			return
		}
		if bytes.Contains(b[:n], boundCommit) {
			if w.lose.Add(-1) >= 0 {
				return
			}
			if w.hold.Add(-1) >= 0 {
				silent.Store(true)
				w.muted <- end
				continue
			}
			if w.mute.Add(-1) >= 0 {
				silent.Store(true)
				w.muted <- end
			}
		}
		far.Write(b[:n])
	}
}
