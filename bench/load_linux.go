package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
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
