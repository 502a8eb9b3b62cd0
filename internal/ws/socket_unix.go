//go:build unix

package ws

import (
	"net"
	"syscall"
)

// tcpSocket writes to a TCP connection without waiting, past Go's net poller.
type tcpSocket struct {
	*net.TCPConn
	raw syscall.RawConn

	// Guarded by the connection's lock: the arguments and results of try,
	// which is a field so that a write allocates nothing.
	try func(fd uintptr) bool
	p   []byte
	n   int
	err error
}

func newSocket(nc net.Conn) socket {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return newPipeSocket(nc)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return newPipeSocket(nc)
	}
	s := &tcpSocket{TCPConn: tcp, raw: raw}
	s.try = func(fd uintptr) bool {
		for {
			s.n, s.err = syscall.Write(int(fd), s.p)
			if s.err != syscall.EINTR {
				return true // never wait for the socket to become writable
			}
		}
	}
	return s
}

func (s *tcpSocket) TryWrite(p []byte) (int, error) {
	s.p, s.n, s.err = p, 0, nil
	err := s.raw.Write(s.try)
	s.p = nil
	if err == nil && s.err != syscall.EAGAIN {
		err = s.err
	}
	return max(s.n, 0), err
}
