package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"syscall"
	"time"
)

// load is one run of members who all listen, and some of whom talk. One thread
// does everything, so that what it measures is not its own scheduling. It checks
// every delivery: who sent it, that it is that sender's next, and that the text
// is whole.
type load struct {
	port    int
	path    string
	v1      bool
	members int
	senders int
	rate    int           // messages per second, of all senders together
	last    time.Duration // how long they talk
	patient time.Duration // how long stragglers are waited for

	epoll   int
	conns   []*member
	byFD    map[int32]*member
	buf     []byte
	begun   time.Time
	figures figures
}

// member is one connection.
type member struct {
	fd     int
	in     []byte   // the beginning of a frame that is not complete
	next   []uint32 // by sender: which of its messages comes next
	out    []byte   // what the socket did not take yet
	sender int      // -1: only listens
	sent   uint32
	room   string
}

// figures are what a run found.
type figures struct {
	Messages   int     `json:"messages"`
	Deliveries int     `json:"deliveries"`
	Seconds    float64 `json:"seconds"` // from the first message to the last delivery
	PerSecond  float64 `json:"per_second"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	Worst      float64 `json:"worst_ms"`
	Missing    int     `json:"missing"`
	Wrong      int     `json:"wrong"`
	Idle       float64 `json:"idle"` // share of the time in which the load had nothing to do
	histogram  [64 * 16]int
	idle       time.Duration
	lastHeard  time.Time
}

const (
	textSize = 64
	head     = 2 + 8 + 16 // sender, number, time in nanoseconds: hexadecimal
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
func text(dst []byte, sender int, n uint32, at time.Time) []byte {
	dst = appendHex(dst, uint64(sender), 2)
	dst = appendHex(dst, uint64(n), 8)
	dst = appendHex(dst, uint64(at.UnixNano()), 16)
	return append(dst, padding...)
}

func (l *load) run() (*figures, error) {
	var err error
	if l.epoll, err = syscall.EpollCreate1(0); err != nil {
		return nil, err
	}
	defer syscall.Close(l.epoll)
	l.byFD, l.buf = make(map[int32]*member), make([]byte, 1<<20)
	for i := range l.members {
		m, err := l.connect(i)
		if err != nil {
			return nil, fmt.Errorf("member %d: %w", i, err)
		}
		defer syscall.Close(m.fd)
	}
	if err := l.quiet(); err != nil {
		return nil, err
	}
	fmt.Println("ready")
	return l.talk()
}

// connect shakes hands, blocking, and leaves the socket ready for epoll.
func (l *load) connect(i int) (*member, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	m := &member{fd: fd, next: make([]uint32, l.senders), sender: -1}
	if i < l.senders {
		m.sender = i
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: l.port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	request := "GET " + l.path + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	if l.v1 {
		token, err := guest(l.port, fmt.Sprintf("member %d", i))
		if err != nil {
			return nil, err
		}
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
		hello := append(mask(`{"hello":{}}`), mask(`{"open":{"name":"lobby"}}`)...)
		if _, err := syscall.Write(fd, hello); err != nil {
			return nil, err
		}
		if rest, err = until(fd, rest, `"opened":{"room":"`); err != nil {
			return nil, err
		}
		room, _, _ := bytes.Cut(rest, []byte(`"`))
		m.room = string(room)
		if rest, err = until(fd, rest, `}}`); err != nil {
			return nil, err
		}
	}
	m.in = bytes.Clone(rest)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	l.conns, l.byFD[int32(fd)] = append(l.conns, m), m
	return m, syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
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
	total := 0
	send := func(now time.Time) error {
		due := int(float64(l.rate) * earlier(now, end).Sub(l.begun).Seconds())
		for ; total < due; total++ {
			l.say(l.conns[total%l.senders], now)
		}
		for _, m := range l.conns[:l.senders] {
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
	others := l.members
	if !l.v1 {
		others--
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
	t := string(text(nil, m.sender, m.sent, now))
	if l.v1 {
		var id [32]byte
		appendHex(id[:0], uint64(now.UnixMilli()), 12)
		appendHex(id[:12], 0x7000, 4)
		appendHex(id[:16], 0x8000, 4)
		appendHex(id[:20], uint64(m.sent), 12)
		t = `{"send":{"room":"` + m.room + `","id":"` + string(id[:8]) + "-" + string(id[8:12]) + "-" + string(id[12:16]) + "-" +
			string(id[16:20]) + "-" + string(id[20:]) + `","text":"` + t + `"}}`
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
	sender, ok1 := parseHex(payload[:2])
	n, ok2 := parseHex(payload[2:10])
	at, ok3 := parseHex(payload[10:26])
	if !ok1 || !ok2 || !ok3 || int(sender) >= l.senders || m.next[sender] != uint32(n) {
		f.Wrong++
		return
	}
	m.next[sender]++
	f.Deliveries++
	f.lastHeard = now
	f.add(now.Sub(time.Unix(0, int64(at))))
}

// add puts a latency into the histogram: sixteen steps for each doubling of
// microseconds.
func (f *figures) add(d time.Duration) {
	us := uint64(d.Microseconds())
	if us < 16 {
		f.histogram[us]++
		return
	}
	e := bits.Len64(us) - 5
	i := e*16 + int(us>>e)
	if i >= len(f.histogram) {
		i = len(f.histogram) - 1
	}
	f.histogram[i]++
}

// upper returns the largest latency of a step in milliseconds.
func upper(i int) float64 {
	if i < 32 {
		return float64(i+1) / 1000
	}
	e := i/16 - 1
	return float64(uint64(i%16+17)<<e) / 1000
}

func (f *figures) sum(begun time.Time) {
	seen := 0
	for i, n := range f.histogram {
		if n == 0 {
			continue
		}
		seen += n
		if f.P50 == 0 && seen*2 >= f.Deliveries {
			f.P50 = upper(i)
		}
		if f.P99 == 0 && seen*100 >= f.Deliveries*99 {
			f.P99 = upper(i)
		}
		f.Worst = upper(i)
	}
	f.Seconds = f.lastHeard.Sub(begun).Seconds()
	if f.Seconds > 0 {
		f.PerSecond = float64(f.Deliveries) / f.Seconds
		f.Idle = f.idle.Seconds() / f.Seconds
	}
}

// runLoad is the program of the load's own process.
func runLoad(args map[string]string) error {
	number := func(key string) int {
		n, err := strconv.Atoi(args[key])
		if err != nil {
			panic(key + ": " + err.Error())
		}
		return n
	}
	l := &load{
		port: number("port"), path: args["path"], v1: args["dialect"] == "v1", members: number("members"), senders: number("senders"),
		rate: number("rate"), last: time.Duration(number("ms")) * time.Millisecond, patient: 2 * time.Second,
	}
	f, err := l.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}
