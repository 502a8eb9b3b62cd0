package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// load is one run of members who all listen, and some of whom talk. One thread
// does everything, so that what it measures is not its own scheduling. It checks
// every delivery: of which stream it is, that it is that stream's next, and that
// the text is whole. A stream is what one member says in one room: in a single
// room a few members talk; of many rooms each has one member who does, and
// member i is in the rooms i, i+1, … i+open-1.
type load struct {
	ports   []int // of the nodes: member i is at the node that node says
	v1      bool
	fuge    bool // the protocol of Centrifugo
	members int
	streams int           // senders, or rooms
	rooms   int           // 1: the lobby
	open    int           // rooms of a member
	rate    int           // messages per second, of all senders together
	last    time.Duration // how long they talk
	patient time.Duration // how long stragglers are waited for
	deaf    int           // members that stop reading while the others talk
	hold    bool          // only connect, and stay until standard input ends
	home    bool          // all members of a room are at one node
	wait    bool          // talk only when standard input says so

	epoll   int
	conns   []*member
	byFD    map[int32]*member
	buf     []byte
	begun   time.Time
	figures figures
}

// member is one connection.
type member struct {
	fd    int
	in    []byte // the beginning of a frame that is not complete
	index int
	next  []uint32 // by stream, from the member's first on: the number that comes next
	out   []byte   // what the socket did not take yet
	sent  uint32
	room  string // where it talks
	deaf  bool
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
	Idle       float64 `json:"idle"`       // share of the time in which the load had nothing to do
	FarP50     float64 `json:"far_p50_ms"` // of what was sent at another node
	FarP99     float64 `json:"far_p99_ms"`
	all, far   latencies
	idle       time.Duration
	lastHeard  time.Time
}

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

func (l *load) run() (*figures, error) {
	var err error
	if l.epoll, err = syscall.EpollCreate1(0); err != nil {
		return nil, err
	}
	defer syscall.Close(l.epoll)
	l.byFD, l.buf = make(map[int32]*member), make([]byte, 1<<20)
	tokens := make([]string, l.members)
	if l.v1 {
		if tokens, err = guests(l.ports[0], l.members); err != nil {
			return nil, err
		}
	}
	fmt.Println("prepared")
	if err := l.connectAll(tokens); err != nil {
		return nil, err
	}
	if err := l.quiet(); err != nil {
		return nil, err
	}
	fmt.Println("ready")
	if l.hold {
		return &l.figures, l.stay()
	}
	if l.wait {
		bufio.NewReader(os.Stdin).ReadString('\n')
		if err := l.quiet(); err != nil {
			return nil, err
		}
	}
	return l.talk()
}

// stay answers pings until standard input ends.
func (l *load) stay() error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, os.Stdin)
	}()
	for {
		select {
		case <-ended:
			return nil
		default:
		}
		if err := l.serve(time.Now().Add(100*time.Millisecond), nil); err != nil {
			return err
		}
	}
}

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

// sum makes the figures of what was noted.
func (f *figures) sum(begun time.Time) {
	f.P50, f.P99, f.Worst = f.all.at(50), f.all.at(99), f.all.at(100)
	f.FarP50, f.FarP99 = f.far.at(50), f.far.at(99)
	f.Seconds = f.lastHeard.Sub(begun).Seconds()
	if f.Seconds > 0 {
		f.PerSecond = float64(f.Deliveries) / f.Seconds
		f.Idle = f.idle.Seconds() / f.Seconds
	}
}

// name returns a room's name.
func (l *load) name(room int) string {
	if l.rooms == 1 {
		return "lobby"
	}
	return fmt.Sprintf("room-%d", room%l.rooms)
}

// ports are those of the nodes: port, port1, port2.
func ports(s map[string]int) []int {
	all := []int{s["port"]}
	for i := 1; s[fmt.Sprint("port", i)] > 0; i++ {
		all = append(all, s[fmt.Sprint("port", i)])
	}
	return all
}

// runLoad is the program of the load's own process.
func runLoad(s map[string]int) error {
	l := &load{
		ports: ports(s), home: s["home"] == 1, wait: s["wait"] == 1, v1: s["v1"] == 1, fuge: s["fuge"] == 1, members: s["members"], streams: 10, rooms: max(s["rooms"], 1), open: max(s["open"], 1),
		rate: s["rate"], last: time.Duration(s["ms"]) * time.Millisecond, patient: 2 * time.Second, deaf: s["deaf"], hold: s["hold"] == 1,
	}
	if l.rooms > 1 {
		l.streams = l.rooms
	}
	if l.deaf > 0 {
		l.patient = 20 * time.Second
	}
	f, err := l.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}
