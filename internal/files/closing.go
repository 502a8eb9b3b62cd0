package files

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// underWay is the uploads that are being written here, so that a server that stops keeps
// what has come of them.
type underWay struct {
	mu      sync.Mutex // guards the following
	closed  bool
	writing map[*body]struct{}
	over    chan struct{} // closed when there is none any more, once closed is set
}

// body is what an upload brings. It ends when the keeper closes.
type body struct {
	io.ReadCloser
	u *underWay
	c *http.ResponseController
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.u.mu.Lock()
	closed := b.u.closed
	b.u.mu.Unlock()
	if closed {
		return 0, io.ErrUnexpectedEOF
	}
	return b.ReadCloser.Read(p)
}

// watch has Close end the body of a request, and wait until end is called.
func (u *underWay) watch(w http.ResponseWriter, r *http.Request) (end func()) {
	b := &body{r.Body, u, http.NewResponseController(w)}
	r.Body = b
	u.mu.Lock()
	defer u.mu.Unlock()
	u.writing[b] = struct{}{}
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.writing, b)
		if u.closed && len(u.writing) == 0 {
			close(u.over)
		}
	}
}

// Close ends the uploads that are under way, and returns when what came of them is kept,
// or ctx ends. Later ones bring nothing. It is to be called once.
func (k *Keeper) Close(ctx context.Context) {
	u := &k.writing
	u.mu.Lock()
	u.closed = true
	idle := len(u.writing) == 0
	u.mu.Unlock()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for !idle {
		u.hurry()
		select {
		case <-u.over:
			return
		case <-ctx.Done():
			return
		case <-t.C: // the library may just have given it more time
		}
	}
}

// hurry ends reads that wait for a client.
func (u *underWay) hurry() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for b := range u.writing {
		b.c.SetReadDeadline(time.Now())
	}
}
