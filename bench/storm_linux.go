package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// A storm is a crowd that connects all at once. Over plain text each is in when
// the handshake is answered; then one says something and all hear it. Over
// hubbub.v1 each resumes behind the event after, and is done when it has
// everything up to the head. It checks that the events come without a gap.

type storm struct {
	port, members, after, head int
	v1                         bool
	tokens                     []string
	room, epoch                string

	epoll int
	conns map[int32]*drop
	in    int // members that have shaken hands, and said hello
	done  int
	begun time.Time
}

// drop is one connection of a storm.
type drop struct {
	fd, next int
	token    string
	asked    bool // the request is out
	upgraded bool
	opened   bool
	done     bool
	in       []byte
}

// runStorm makes the identities and some history, then prints how long the
// storm took: in seconds until all were in, and until all had all.
func runStorm(s map[string]int) error {
	t := &storm{port: s["port"], members: s["members"], v1: s["v1"] == 1, conns: map[int32]*drop{}}
	missed := s["missed"]
	if t.v1 {
		var err error
		if t.tokens, err = guests(t.port, t.members); err != nil {
			return err
		}
		if err := t.history(missed); err != nil {
			return err
		}
	}
	fmt.Println("prepared")
	if err := t.rage(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{"seconds": time.Since(t.begun).Seconds()})
}

// history opens the lobby once for each member, as having been there before, and
// stores missed events.
func (t *storm) history(missed int) error {
	for _, token := range t.tokens {
		c, err := dialV1(t.port, token, "lobby")
		if err != nil {
			return err
		}
		t.room, t.epoch, t.after = c.room, c.epoch, c.head
		if token == t.tokens[t.members-1] {
			for i := range missed {
				if err := c.post(fmt.Sprintf("what was said in the tunnel, part %d of %d", i+1, missed)); err != nil {
					return err
				}
			}
		}
		c.close()
	}
	t.head = t.after + missed
	return nil
}

func (t *storm) rage() (err error) {
	if t.epoll, err = syscall.EpollCreate1(0); err != nil {
		return err
	}
	defer syscall.Close(t.epoll)
	t.begun = time.Now()
	for i := range t.members {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
		err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: t.port, Addr: [4]byte{127, 0, 0, 1}})
		if err != nil && !errors.Is(err, syscall.EINPROGRESS) {
			return err
		}
		d := &drop{fd: fd, next: t.after + 1}
		if t.v1 {
			d.token = t.tokens[i]
		}
		t.conns[int32(fd)] = d
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT | 1<<31, Fd: int32(fd)}
		if err := syscall.EpollCtl(t.epoll, syscall.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return err
		}
		if i%64 == 63 { // a network card does not deliver ten thousand at once either
			if err := t.look(0); err != nil {
				return err
			}
		}
	}
	for t.done < t.members {
		if time.Since(t.begun) > time.Minute {
			return fmt.Errorf("after a minute %d of %d were in, and %d had all", t.in, t.members, t.done)
		}
		if err := t.look(100); err != nil {
			return err
		}
	}
	return nil
}

func (t *storm) look(ms int) error {
	var events [512]syscall.EpollEvent
	n, err := syscall.EpollWait(t.epoll, events[:], ms)
	if err != nil && !errors.Is(err, syscall.EINTR) {
		return err
	}
	for _, e := range events[:max(n, 0)] {
		d := t.conns[e.Fd]
		if e.Events&syscall.EPOLLOUT != 0 && !d.asked {
			d.asked = true
			if err := t.ask(d); err != nil {
				return err
			}
		}
		if e.Events&syscall.EPOLLIN != 0 {
			if err := t.read(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *storm) ask(d *drop) error {
	request := upgrade("/")
	if t.v1 {
		request += "Sec-WebSocket-Protocol: hubbub.v1\r\nAuthorization: Bearer " + d.token + "\r\n"
	}
	_, err := syscall.Write(d.fd, []byte(request+"\r\n"))
	return err
}

func (t *storm) read(d *drop) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(d.fd, buf)
		if errors.Is(err, syscall.EAGAIN) {
			return nil
		}
		if err != nil || n == 0 {
			return fmt.Errorf("the server hung up after %q (%v)", d.in, err)
		}
		d.in = append(d.in, buf[:n]...)
		if err := t.digest(d); err != nil {
			return err
		}
	}
}

func (t *storm) digest(d *drop) error {
	if !d.upgraded {
		_, rest, ok := bytes.Cut(d.in, []byte("\r\n\r\n"))
		if !ok {
			return nil
		}
		if !bytes.HasPrefix(d.in, []byte("HTTP/1.1 101 ")) {
			return fmt.Errorf("refused: %q", d.in)
		}
		d.upgraded, d.in = true, rest
		if err := t.upgraded(d); err != nil {
			return err
		}
	}
	for {
		payload, rest, op, ok := cut(d.in)
		if !ok {
			return nil
		}
		d.in = rest
		if op == 1 {
			if err := t.heard(d, payload); err != nil {
				return err
			}
		}
	}
}

func (t *storm) upgraded(d *drop) error {
	t.in++
	if t.v1 {
		open := fmt.Sprintf(`{"open":{"room":"%s","epoch":"%s","after":%d}}`, t.room, t.epoch, t.after)
		_, err := syscall.Write(d.fd, append(mask(`{"hello":{}}`), mask(open)...))
		return err
	}
	if t.in == t.members { // all are in: the last one says so
		t.done++ // it does not hear itself
		_, err := syscall.Write(d.fd, mask("all here"))
		return err
	}
	return nil
}

func (t *storm) heard(d *drop, payload []byte) error {
	switch {
	case !t.v1:
		t.done++
		return nil
	case bytes.HasPrefix(payload, []byte(`{"error"`)), bytes.HasPrefix(payload, []byte(`{"reset"`)):
		return fmt.Errorf("refused: %s", payload)
	case bytes.HasPrefix(payload, []byte(`{"opened"`)):
		d.opened = true
	case bytes.HasPrefix(payload, []byte(`{"event"`)):
		if !bytes.Contains(payload, fmt.Appendf(nil, `"seq":%d,`, d.next)) {
			return fmt.Errorf("%s where event %d comes next", payload, d.next)
		}
		d.next++
	}
	if d.opened && !d.done && d.next > t.head {
		d.done = true
		t.done++
	}
	return nil
}
