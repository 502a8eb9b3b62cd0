package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// This file has members talk, and checks what they hear.

const (
	textSize = 64
	head     = 4 + 8 + 16 // stream, number, time in nanoseconds: hexadecimal
)

func appendHex(dst []byte, v uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, "0123456789abcdef"[v>>(4*i)&15])
	}
	return dst
}

func parseHex(b []byte) (v uint64, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

var padding = bytes.Repeat([]byte("."), textSize-head)

// text is what a sender says.
func text(dst []byte, stream int, n uint32, at time.Time) []byte {
	dst = appendHex(dst, uint64(stream), 4)
	dst = appendHex(dst, uint64(n), 8)
	dst = appendHex(dst, uint64(at.UnixNano()), 16)
	return append(dst, padding...)
}

// quiet reads away what comes with the connections, such as signals.
func (l *load) quiet() error {
	l.begun = time.Now()
	return l.serve(time.Now().Add(300*time.Millisecond), nil)
}

// talk sends at the rate for the time, then waits for the stragglers.
func (l *load) talk() (*figures, error) {
	f := &l.figures
	*f = figures{}
	l.begun = time.Now()
	end := l.begun.Add(l.last)
	for _, m := range l.conns[l.members-l.deaf:] {
		m.deaf = true
	}
	total := 0
	send := func(now time.Time) error {
		due := int(float64(l.rate) * earlier(now, end).Sub(l.begun).Seconds())
		for ; total < due; total++ {
			l.say(l.conns[total%l.streams], now)
		}
		for _, m := range l.conns[:l.streams] {
			if err := l.flush(m); err != nil {
				return err
			}
		}
		return nil
	}
	if err := l.serve(end, send); err != nil {
		return nil, err
	}
	if err := send(end); err != nil { // what fell due since the last tick
		return nil, err
	}
	f.Messages = total
	others := l.members / l.rooms * l.open
	if !l.v1 && !l.fuge {
		others--
	}
	for _, m := range l.conns {
		if m.deaf {
			m.deaf = false // what it missed must come now
			if err := l.read(m, time.Now()); err != nil {
				return nil, err
			}
		}
	}
	for want := total * others; f.Deliveries < want && time.Since(later(f.lastHeard, end)) < l.patient; {
		if err := l.serve(time.Now().Add(20*time.Millisecond), send); err != nil {
			return nil, err
		}
	}
	f.Missing = total*others - f.Deliveries
	f.sum(l.begun)
	return f, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// say puts a message into the sender's buffer.
func (l *load) say(m *member, now time.Time) {
	t := string(text(nil, m.index, m.sent, now))
	if l.v1 {
		var id [32]byte
		appendHex(id[:0], uint64(now.UnixMilli()), 12)
		appendHex(id[:12], 0x7000, 4)
		appendHex(id[:16], 0x8000, 4)
		appendHex(id[:20], uint64(m.sent), 12)
		t = `{"send":{"room":"` + m.room + `","id":"` + string(id[:8]) + "-" + string(id[8:12]) + "-" + string(id[12:16]) + "-" +
			string(id[16:20]) + "-" + string(id[20:]) + `","text":"` + t + `"}}`
	}
	if l.fuge {
		t = fmt.Sprintf(`{"id":%d,"publish":{"channel":"lobby","data":"%s"}}`, m.sent+3, t)
	}
	m.out = append(m.out, mask(t)...)
	m.sent++
}

func (l *load) flush(m *member) error {
	if len(m.out) == 0 {
		return nil
	}
	n, err := syscall.Write(m.fd, m.out)
	if errors.Is(err, syscall.EAGAIN) {
		return nil
	}
	if err == nil {
		m.out = m.out[:copy(m.out, m.out[n:])]
	}
	return err
}

// serve reads what comes until the deadline, and calls tick every few
// milliseconds.
func (l *load) serve(end time.Time, tick func(time.Time) error) error {
	var events [512]syscall.EpollEvent
	for now := time.Now(); now.Before(end); {
		if tick != nil {
			if err := tick(now); err != nil {
				return err
			}
		}
		n, err := syscall.EpollWait(l.epoll, events[:], 0)
		if n == 0 && err == nil {
			before := time.Now()
			n, err = syscall.EpollWait(l.epoll, events[:], 1)
			l.figures.idle += time.Since(before)
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		now = time.Now()
		for _, e := range events[:max(n, 0)] {
			if err := l.read(l.byFD[e.Fd], now); err != nil {
				return err
			}
		}
	}
	return nil
}

// read takes what a member's socket holds.
func (l *load) read(m *member, now time.Time) error {
	if m.deaf {
		return nil
	}
	n := copy(l.buf, m.in)
	got, err := syscall.Read(m.fd, l.buf[n:])
	if errors.Is(err, syscall.EAGAIN) {
		return nil
	}
	if err != nil || got == 0 {
		return fmt.Errorf("the server hung up on a member (%v)", err)
	}
	data := l.buf[:n+got]
	for {
		payload, rest, op, ok := cut(data)
		if !ok {
			break
		}
		data = rest
		switch op {
		case 1, 2: // the tutorial's server relays a text as binary
			if l.fuge {
				if err := l.lines(m, payload, now); err != nil {
					return err
				}
				continue
			}
			l.heard(m, payload, now)
		case 9:
			m.out = append(append(m.out, 0x8a, 0x80|byte(len(payload)), 0, 0, 0, 0), payload...)
			if err := l.flush(m); err != nil {
				return err
			}
		case 8:
			return fmt.Errorf("the server closed: %q", payload)
		}
	}
	m.in = append(m.in[:0], data...)
	return nil
}

// lines takes a frame of Centrifugo's protocol: an object on each line.
func (l *load) lines(m *member, payload []byte, now time.Time) error {
	for line := range bytes.SplitSeq(payload, []byte("\n")) {
		if _, push, ok := bytes.Cut(line, []byte(`"data":"`)); ok {
			text, _, _ := bytes.Cut(push, []byte(`"`))
			l.heard(m, text, now)
		} else if string(line) == "{}" { // its ping
			m.out = append(m.out, mask("{}")...)
			return l.flush(m)
		}
	}
	return nil
}

// cut takes one server frame off the front of b.
func cut(b []byte) (payload, rest []byte, op byte, ok bool) {
	if len(b) < 2 {
		return nil, b, 0, false
	}
	n, at := int(b[1]), 2
	switch {
	case n == 126 && len(b) >= 4:
		n, at = int(binary.BigEndian.Uint16(b[2:])), 4
	case n == 127 && len(b) >= 10:
		n, at = int(binary.BigEndian.Uint64(b[2:])), 10
	case n >= 126:
		return nil, b, 0, false
	}
	if len(b) < at+n {
		return nil, b, 0, false
	}
	return b[at : at+n], b[at+n:], b[0] & 15, true
}

// heard checks one delivery.
func (l *load) heard(m *member, payload []byte, now time.Time) {
	if l.v1 {
		if !bytes.HasPrefix(payload, []byte(`{"event":`)) {
			return
		}
		if len(payload) < textSize+3 {
			l.figures.Wrong++
			return
		}
		payload = payload[len(payload)-3-textSize : len(payload)-3]
	}
	f := &l.figures
	if len(payload) != textSize || !bytes.Equal(payload[head:], padding) {
		f.Wrong++
		return
	}
	stream, ok1 := parseHex(payload[:4])
	n, ok2 := parseHex(payload[4:12])
	at, ok3 := parseHex(payload[12:28])
	i := int(stream)
	if l.rooms > 1 {
		i = (i - m.index%l.rooms + l.rooms) % l.rooms
	}
	if !ok1 || !ok2 || !ok3 || i >= len(m.next) || m.next[i] != uint32(n) {
		f.Wrong++
		return
	}
	m.next[i]++
	f.Deliveries++
	f.lastHeard = now
	if m.index >= l.members-l.deaf {
		return // it was told late because it asked late
	}
	late := now.Sub(time.Unix(0, int64(at)))
	f.all.add(late)
	if l.node(int(stream)) != l.node(m.index) {
		f.far.add(late)
	}
}
