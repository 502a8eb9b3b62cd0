package main

import (
	"bytes"
	"fmt"
	"sync"
	"syscall"
)

// This file connects the members of a load, one after the other.

// connectAll connects many at a time: each person's first visit to a room is
// stored.
func (l *load) connectAll(tokens []string) error {
	l.conns = make([]*member, l.members)
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < l.members; i += 64 {
				m, err := l.connect(i, tokens[i])
				if err != nil {
					errs <- fmt.Errorf("member %d: %w", i, err)
					return
				}
				l.conns[i] = m
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
	}
	for _, m := range l.conns {
		l.byFD[int32(m.fd)] = m
		if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, m.fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(m.fd)}); err != nil {
			return err
		}
	}
	return nil
}

// connect shakes hands, blocking, and leaves the socket ready for epoll.
func (l *load) connect(i int, token string) (*member, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	m := &member{fd: fd, index: i, next: make([]uint32, l.streams)}
	path := "/"
	if l.fuge {
		path = "/connection/websocket"
	}
	if l.rooms > 1 {
		m.next = m.next[:l.open:l.open]
		path = "/rooms/" + l.name(i)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: l.ports[l.node(i)], Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	request := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	if l.v1 {
		request += "Sec-WebSocket-Protocol: hubbub.v1\r\nAuthorization: Bearer " + token + "\r\n"
	}
	if _, err := syscall.Write(fd, []byte(request+"\r\n")); err != nil {
		return nil, err
	}
	rest, err := until(fd, nil, "\r\n\r\n")
	if err != nil {
		return nil, err
	}
	if l.v1 {
		frames := mask(`{"hello":{}}`)
		for k := range l.open {
			frames = append(frames, mask(`{"open":{"name":"`+l.name(i+k)+`"}}`)...)
		}
		if _, err := syscall.Write(fd, frames); err != nil {
			return nil, err
		}
		for k := range l.open {
			var opened []byte
			for !bytes.HasPrefix(opened, []byte(`{"opened":{"room":"`)) {
				if opened, rest, err = next(fd, rest); err != nil {
					return nil, err
				}
			}
			if k == 0 {
				m.room = string(bytes.Split(opened, []byte(`"`))[5])
			}
		}
	}
	if l.fuge {
		hello := mask(`{"id":1,"connect":{}}` + "\n" + `{"id":2,"subscribe":{"channel":"lobby"}}`)
		if _, err := syscall.Write(fd, hello); err != nil {
			return nil, err
		}
		if rest, err = until(fd, rest, `"subscribe":{}}`); err != nil {
			return nil, err
		}
	}
	m.in = bytes.Clone(rest)
	return m, syscall.SetNonblock(fd, true)
}

// node returns where a member is: those of a room are spread over the nodes, unless they
// are at home.
func (l *load) node(i int) int {
	switch n := len(l.ports); {
	case l.home:
		return i % l.rooms % n
	case l.rooms > 1:
		return (i + i/l.rooms) % n
	default:
		return i % n
	}
}

// until reads to the mark and returns what follows it.
func until(fd int, have []byte, mark string) ([]byte, error) {
	buf := make([]byte, 4096)
	for {
		if _, rest, ok := bytes.Cut(have, []byte(mark)); ok {
			return rest, nil
		}
		n, err := syscall.Read(fd, buf)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("closed after %q (%v)", have, err)
		}
		have = append(have, buf[:n]...)
	}
}

// next reads a frame and returns it, and what follows it.
func next(fd int, have []byte) (payload, rest []byte, err error) {
	buf := make([]byte, 4096)
	for {
		if payload, rest, _, ok := cut(have); ok {
			return payload, rest, nil
		}
		n, err := syscall.Read(fd, buf)
		if err != nil || n == 0 {
			return nil, nil, fmt.Errorf("closed after %q (%v)", have, err)
		}
		have = append(have, buf[:n]...)
	}
}

// mask builds a client's text frame. A key of zeros leaves the text as it is,
// which costs the server the same.
func mask(text string) []byte {
	b := []byte{0x81}
	if n := len(text); n < 126 {
		b = append(b, 0x80|byte(n))
	} else {
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	}
	return append(append(b, 0, 0, 0, 0), text...)
}
