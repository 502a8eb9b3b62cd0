package ws

import (
	"net"
	"sync"
)

// socket is all that a connection needs of its transport. Reading, waiting and
// closing are net.Conn's; what is special is writing without waiting.
type socket interface {
	net.Conn
	// TryWrite writes as much of p as fits without waiting: n < len(p) without
	// an error means that the socket is full. The caller holds the
	// connection's lock.
	TryWrite(p []byte) (n int, err error)
	// CloseWrite ends our direction, where the transport can do that.
	CloseWrite() error
}

// pipeSocket gives TryWrite to a transport that can only block: TLS, the pipes
// of tests, and TCP on systems without a non-blocking write. A goroutine writes
// what a bounded buffer holds.
type pipeSocket struct {
	net.Conn

	mu      sync.Mutex
	more    sync.Cond // buf grew, or done
	less    sync.Cond // buf shrank, or err
	buf     []byte
	writing bool
	done    bool
	err     error
}

// pipeBuffer is how much waits in memory for the goroutine, in bytes.
const pipeBuffer = 64 << 10

func newPipeSocket(nc net.Conn) *pipeSocket {
	s := &pipeSocket{Conn: nc}
	s.more.L, s.less.L = &s.mu, &s.mu
	go s.pump()
	return s
}

func (s *pipeSocket) TryWrite(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(p)
}

// put buffers what fits. s.mu is held.
func (s *pipeSocket) put(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n := min(len(p), pipeBuffer-len(s.buf))
	s.buf = append(s.buf, p[:n]...)
	s.more.Signal()
	return n, nil
}

// Write waits until all of p is buffered.
func (s *pipeSocket) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for done := 0; ; s.less.Wait() {
		n, err := s.put(p[done:])
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

func (s *pipeSocket) pump() {
	for {
		s.mu.Lock()
		for len(s.buf) == 0 && !s.done {
			s.more.Wait()
		}
		if s.done {
			s.mu.Unlock()
			return
		}
		p := s.buf
		s.buf, s.writing = nil, true
		s.mu.Unlock()
		_, err := s.Conn.Write(p)
		s.mu.Lock()
		s.writing = false
		if err != nil {
			s.err = err
		}
		s.less.Broadcast()
		s.mu.Unlock()
	}
}

// CloseWrite waits until the buffer is written.
func (s *pipeSocket) CloseWrite() error {
	s.mu.Lock()
	for (len(s.buf) > 0 || s.writing) && s.err == nil {
		s.less.Wait()
	}
	s.mu.Unlock()
	if c, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

func (s *pipeSocket) Close() error {
	s.mu.Lock()
	s.done = true
	if s.err == nil {
		s.err = net.ErrClosed
	}
	s.more.Signal()
	s.less.Broadcast()
	s.mu.Unlock()
	return s.Conn.Close()
}
