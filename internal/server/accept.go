package server

import (
	"net"
	"runtime"
	"sync"
)

// crowd is a listener for which ten thousand clients that come back at once are
// no storm. It empties the kernel's queue at once, because whoever finds that
// full tries again only seconds later; and it hands the connections on one by
// one, with a turn for everyone else in between, so that those who are in go on
// being served.
type crowd struct {
	net.Listener
	waiting chan arrival
	closed  chan struct{}
	close   func() error
}

type arrival struct {
	conn net.Conn
	err  error
}

// maxWaiting is how many connections wait in memory; more wait in the kernel.
const maxWaiting = 4096

func newCrowd(l net.Listener) *crowd {
	c := &crowd{Listener: l, waiting: make(chan arrival, maxWaiting), closed: make(chan struct{})}
	c.close = sync.OnceValue(func() error {
		close(c.closed)
		return l.Close()
	})
	go c.gather()
	return c
}

func (c *crowd) gather() {
	for {
		conn, err := c.Listener.Accept()
		select {
		case c.waiting <- arrival{conn, err}:
		case <-c.closed:
			if conn != nil {
				conn.Close()
			}
			return
		}
	}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	runtime.Gosched()
	select {
	case a := <-c.waiting:
		return a.conn, a.err
	case <-c.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Who still waits is turned away.
func (c *crowd) Close() error {
	err := c.close()
	for {
		select {
		case a := <-c.waiting:
			if a.conn != nil {
				a.conn.Close()
			}
		default:
			return err
		}
	}
}
