package cluster

import (
	"context"
	"io"
	"sync"
)

// holding is the answer of a node: it is closed when the node is gone, and says when it is
// closed.
type holding struct {
	io.ReadCloser
	stop func() bool
	done func()
	once sync.Once
}

// held returns a body that ends with ctx, and calls done once behind its end. A body that
// is a socket stays one.
func held(body io.ReadCloser, ctx context.Context, done func()) io.ReadCloser {
	h := &holding{ReadCloser: body, done: done}
	h.stop = context.AfterFunc(ctx, func() { body.Close() })
	if w, ok := body.(io.ReadWriteCloser); ok {
		return &socket{h, w}
	}
	return h
}

// Close implements io.Closer.
func (h *holding) Close() error {
	err := h.ReadCloser.Close()
	h.once.Do(func() {
		h.stop()
		h.done()
	})
	return err
}

// socket is such an answer that is written to as well.
type socket struct {
	*holding
	io.Writer
}
