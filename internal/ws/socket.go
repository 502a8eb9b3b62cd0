package ws

import (
	"net"
	"sync"
	"time"
)

// socket is all that a connection needs of its transport: to be told when
// something came, to write without waiting, to be told when it can write again,
// to close. There are two: loopSocket for TCP on Linux, where an idle connection
// is neither a goroutine nor a buffer, and streamSocket for everything else. The
// tests run on both.
type socket interface {
	// Serve begins to read, and returns. It is called once. Writing is possible
	// before.
	Serve()
	// TryWrite writes as much of p as fits without waiting. If that is less
	// than all, h.writable is called when there is room again. The caller holds
	// the connection's lock, and does not call it after Close.
	TryWrite(p []byte) (n int, err error)
	// CloseWrite ends our direction after what was written. The caller holds
	// the connection's lock.
	CloseWrite()
	// Resume says that h may want to read again. It does not wait.
	Resume()
	// Close hangs up, without waiting; h.ended follows. The caller holds the
	// connection's lock.
	Close()
}

// handler is told what happens on a socket. wants, received and broken are
// called by one goroutine at a time.
type handler interface {
	// wants says whether to read on. After a no, Resume must be called.
	wants() bool
	// received takes bytes that came; they may be changed, but not kept. It may
	// wait for the log, which is the back-pressure that a busy sender feels.
	received(data []byte)
	// broken says that nothing more will come: it must Close the socket.
	broken()
	// writable says that a socket that was full has room. It must not wait.
	writable()
	// ended is called once, last, when the socket is closed.
	ended()
}

const (
	readBuffer = 16 << 10 // bytes taken from a socket at a time
	maxBusy    = 256      // sockets whose bytes are handled at a time; the others wait in the kernel
)

// streamSocket serves a transport that can only block, by a goroutine that reads
// and, while there is something to write, one that writes.
type streamSocket struct {
	nc   net.Conn
	h    handler
	gate chan struct{} // a token for each handler at work
	wake chan struct{} // Resume or Close was called

	mu      sync.Mutex // guards the following
	buf     []byte     // for the writing goroutine
	writing bool       // there is one
	full    bool       // the buffer was: h wants to know when it is not
	fin     bool       // CloseWrite was called
	err     error      // of the writing goroutine
}

// streamBuffer is how many bytes wait in memory for the goroutine that writes.
const streamBuffer = 64 << 10

func newStreamSocket(nc net.Conn, h handler, gate chan struct{}) *streamSocket {
	return &streamSocket{nc: nc, h: h, gate: gate, wake: make(chan struct{}, 1)}
}

func (s *streamSocket) Serve() { go s.read() }

func (s *streamSocket) read() {
	buf := make([]byte, readBuffer/4)
	for s.waits() {
		n, err := s.nc.Read(buf)
		if n > 0 {
			s.gate <- struct{}{}
			s.h.received(buf[:n])
			<-s.gate
		}
		if err != nil {
			s.h.broken()
			break
		}
	}
	s.nc.Close()
	s.h.ended()
}

// waits returns true when it is time to read, false when the socket is closed.
func (s *streamSocket) waits() bool {
	for !s.h.wants() {
		s.mu.Lock()
		closed := s.err != nil
		s.mu.Unlock()
		if closed {
			return false
		}
		<-s.wake
	}
	return true
}

func (s *streamSocket) Resume() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *streamSocket) TryWrite(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n := min(len(p), streamBuffer-len(s.buf))
	s.buf = append(s.buf, p[:n]...)
	s.full = n < len(p)
	s.start()
	return n, nil
}

// start has a goroutine write the buffer. s.mu is held.
func (s *streamSocket) start() {
	if !s.writing {
		s.writing = true
		go s.write()
	}
}

func (s *streamSocket) write() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) > 0 && s.err == nil {
		p, full := s.buf, s.full
		s.buf, s.full = nil, false
		s.mu.Unlock()
		_, err := s.nc.Write(p)
		if full && err == nil {
			s.h.writable()
		}
		s.mu.Lock()
		if err != nil && s.err == nil {
			s.err = err // the reading goroutine finds out by itself
		}
	}
	if c, ok := s.nc.(interface{ CloseWrite() error }); ok && s.fin {
		c.CloseWrite()
	}
	s.writing = false
}

func (s *streamSocket) CloseWrite() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fin = true
	s.start()
}

func (s *streamSocket) Close() {
	s.mu.Lock()
	s.err = net.ErrClosed
	s.mu.Unlock()
	s.nc.SetDeadline(time.Unix(1, 0)) // wakes both goroutines; the reader closes
	s.Resume()
}
