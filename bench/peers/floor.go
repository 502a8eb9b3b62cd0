package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// floor relays by one system call for each delivery, without waiting, from the
// goroutine that read the message. It checks nothing and stores nothing.
type floor struct {
	mu    sync.Mutex
	conns map[net.Conn]syscall.RawConn
}

func serveFloor(addr string) error {
	return http.ListenAndServe(addr, &floor{conns: make(map[net.Conn]syscall.RawConn)})
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	// The load's key is always the example of RFC 6455, section 1.3.
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	f.mu.Lock()
	f.conns[conn] = raw
	f.mu.Unlock()
	for {
		frame, err := readFrame(rw)
		if err != nil {
			break
		}
		f.relay(conn, frame)
	}
	f.mu.Lock()
	delete(f.conns, conn)
	f.mu.Unlock()
}

func (f *floor) relay(from net.Conn, frame []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn, raw := range f.conns {
		if conn != from {
			rest := frame
			raw.Write(func(fd uintptr) bool {
				n, err := syscall.Write(int(fd), rest)
				rest = rest[max(n, 0):]
				return len(rest) == 0 || err != syscall.EAGAIN && err != nil
			})
		}
	}
}

// readFrame reads a text of less than 64 KiB and returns it as a server's frame.
func readFrame(r io.Reader) ([]byte, error) {
	var h [2]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	out := []byte{0x81, h[1] & 0x7f}
	n := int(h[1] & 0x7f)
	if n == 126 {
		var b [2]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, err
		}
		out, n = append(out, b[:]...), int(binary.BigEndian.Uint16(b[:]))
	}
	body := make([]byte, 4+n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	for i := range n {
		body[4+i] ^= body[i%4]
	}
	return append(out, body[4:]...), nil
}
