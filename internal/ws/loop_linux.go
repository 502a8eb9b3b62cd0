package ws

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// loops serve the TCP sockets: one epoll instance and one goroutine for each
// core. A loop only says which socket has something to read or has room again;
// a goroutine then handles that, so that no loop ever waits for the log.
type loops struct {
	each  []*loop
	wg    sync.WaitGroup
	idle  chan *loopSocket // to a goroutine that waits in work
	spare chan struct{}    // a token for each of them
}

// maxSpare goroutines wait for the next socket with their stacks grown, which a
// new one would have to grow first.
const maxSpare = 16

func newLoops(gate chan struct{}) (*loops, error) {
	ls := &loops{idle: make(chan *loopSocket), spare: make(chan struct{}, maxSpare)}
	n := runtime.GOMAXPROCS(0)
	for range n {
		l, err := newLoop(gate, n)
		if err != nil {
			ls.close()
			return nil, err
		}
		ls.each = append(ls.each, l)
		ls.wg.Go(l.run)
	}
	return ls, nil
}

// close ends the loops; their sockets have ended.
func (ls *loops) close() {
	if ls == nil {
		return
	}
	for _, l := range ls.each {
		l.file.Close()
	}
	ls.wg.Wait()
	close(ls.idle)
}

// hand has a goroutine read a socket. It does not wait.
func (ls *loops) hand(s *loopSocket) {
	select {
	case ls.idle <- s:
	default:
		go ls.work(s)
	}
}

// work reads one socket after the other.
func (ls *loops) work(s *loopSocket) {
	for s != nil {
		s.read()
		select {
		case ls.spare <- struct{}{}:
			s = <-ls.idle
			<-ls.spare
		default:
			return
		}
	}
}

// take moves a TCP connection out of Go's poller, which would keep 200 bytes
// for it, into a loop. nil: it stays where it is.
func (ls *loops) take(tcp *net.TCPConn, h handler) socket {
	if ls == nil {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	fd := -1
	raw.Control(func(old uintptr) {
		if n, _, e := syscall.Syscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0); e == 0 {
			fd = int(n)
		}
	})
	if fd < 0 {
		return nil
	}
	tcp.Close()
	return &loopSocket{fd: fd, h: h, loop: ls.each[fd%len(ls.each)], loops: ls}
}

// loop waits for one epoll instance.
type loop struct {
	fd     int
	file   *os.File        // fd in Go's own poller, so that waiting holds no thread
	gate   chan struct{}   // a token for each handler at work
	stride int             // how many loops there are
	raw    syscall.RawConn // of file

	mu    sync.RWMutex  // guards the following
	socks []*loopSocket // by file descriptor / stride
}

func newLoop(gate chan struct{}, stride int) (*loop, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // for os.NewFile: it is to be polled
		syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	l := &loop{fd: fd, file: os.NewFile(uintptr(fd), "epoll"), gate: gate, stride: stride}
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.file.Close()
		return nil, err
	}
	return l, nil
}

// edges are what a socket is watched for. Edge-triggered, so that nothing needs
// to be armed again: epoll(7).
const edges = syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | 1<<31 // EPOLLET

func (l *loop) run() {
	events := make([]syscall.EpollEvent, 128)
	n := 0
	look := func(uintptr) bool {
		n, _ = syscall.EpollWait(l.fd, events, 0)
		return n > 0
	}
	for l.raw.Read(look) == nil {
		for i := range n {
			if s := l.at(int(events[i].Fd)); s != nil {
				s.happened(events[i].Events)
			}
		}
	}
}

func (l *loop) at(fd int) *loopSocket {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if i := fd / l.stride; i < len(l.socks) {
		return l.socks[i]
	}
	return nil
}

func (l *loop) put(fd int, s *loopSocket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for fd/l.stride >= len(l.socks) {
		l.socks = append(l.socks, nil)
	}
	l.socks[fd/l.stride] = s
}

// buffers are for sockets that have something to read, while it is read.
var buffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

// loopSocket is a TCP connection served by a loop. Writing is safe from Close
// by the connection's lock, reading by the flags below.
type loopSocket struct {
	fd    int
	h     handler
	loop  *loop
	loops *loops

	full atomic.Bool // h wants to know when there is room
	gone atomic.Bool // the client hung up: read to the end

	mu      sync.Mutex // guards the following
	reading bool       // a goroutine is in read
	again   bool       // something came since it looked
	closed  bool
}

func (s *loopSocket) Serve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.loop.put(s.fd, s)
	err := syscall.EpollCtl(s.loop.fd, syscall.EPOLL_CTL_ADD, s.fd, &syscall.EpollEvent{Events: edges, Fd: int32(s.fd)})
	if err != nil {
		go s.h.broken()
	}
}

// happened takes what epoll says.
func (s *loopSocket) happened(events uint32) {
	if events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		s.gone.Store(true)
	}
	if events&^syscall.EPOLLOUT != 0 {
		s.Resume()
	}
	if events&(syscall.EPOLLOUT|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 && s.full.CompareAndSwap(true, false) {
		go s.h.writable()
	}
}

// Resume has a goroutine read, or tells the one that does to look again.
func (s *loopSocket) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
	case s.reading:
		s.again = true
	default:
		s.reading = true
		s.loops.hand(s)
	}
}

func (s *loopSocket) read() {
	s.loop.gate <- struct{}{}
	buf := buffers.Get().(*[readBuffer]byte)
	for {
		s.readAll(buf[:])
		if s.rest() {
			break
		}
	}
	buffers.Put(buf)
	<-s.loop.gate
}

// readAll reads until there is nothing more, or nothing more is wanted.
func (s *loopSocket) readAll(buf []byte) {
	for s.h.wants() {
		n, err := syscall.Read(s.fd, buf)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return
		case err != nil || n == 0:
			s.h.broken()
			return
		}
		s.h.received(buf[:n])
		// A short read has emptied the socket; what comes later is a new edge.
		// That does not hold for the end, which may have come with the data.
		if n < len(buf) && !s.gone.Load() {
			return
		}
	}
}

// rest ends the goroutine's work, unless something came meanwhile.
func (s *loopSocket) rest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again && !s.closed {
		s.again = false
		return false
	}
	s.reading = false
	if s.closed {
		s.release()
	}
	return true
}

// release gives the descriptor back. Nobody uses it any more. s.mu is held.
func (s *loopSocket) release() {
	s.loop.put(s.fd, nil)
	syscall.Close(s.fd)
	go s.h.ended()
}

func (s *loopSocket) TryWrite(p []byte) (n int, err error) {
	for n < len(p) {
		k, err := syscall.Write(s.fd, p[n:])
		switch {
		case err == syscall.EINTR:
		case err == nil:
			n += k
		case !errors.Is(err, syscall.EAGAIN):
			return n, err
		case s.full.Swap(true):
			return n, nil
			// else: room may have come before we said that we wait for it, so try once more
		}
	}
	s.full.Store(false)
	return n, nil
}

func (s *loopSocket) CloseWrite() { syscall.Shutdown(s.fd, syscall.SHUT_WR) }

func (s *loopSocket) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if s.reading {
		syscall.Shutdown(s.fd, syscall.SHUT_RDWR) // the client hears of it now; the goroutine that reads releases
		return
	}
	s.release()
}
