package ws

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Door stands between a listener and http.Server, and sees to it that ten
// thousand clients who come back at once are no storm. It empties the kernel's
// queue at once, because whoever finds that full tries again only seconds later;
// and it lets them in one by one, with a turn for everyone else in between, so
// that those who are in go on being served.
//
// A connection whose first bytes are a whole handshake goes to the handler from
// here, without the buffers, timers and goroutines that http.Server has for a
// connection on which more requests may follow (bench, "All come back at once").
// All others, a handshake that comes in pieces too, are left to http.Server,
// whose net.Listener the door is.
type Door struct {
	net.Listener
	sockets *Server
	handler http.Handler
	waiting chan net.Conn
	others  chan net.Conn // for Accept
	closed  chan struct{}
	shut    func() error
}

const (
	maxWaiting = 4096            // connections that wait in memory; more wait in the kernel
	firstBytes = 4096            // of a handshake that is taken at the door
	firstTime  = 5 * time.Second // how long a client may say nothing
	farewell   = 500 * time.Millisecond
)

// NewDoor accepts connections of l until Close. h answers handshakes.
func NewDoor(l net.Listener, s *Server, h http.Handler) *Door {
	d := &Door{
		Listener: l, sockets: s, handler: h,
		waiting: make(chan net.Conn, maxWaiting), others: make(chan net.Conn), closed: make(chan struct{}),
	}
	d.shut = sync.OnceValue(func() error {
		close(d.closed)
		return l.Close()
	})
	go d.gather()
	go d.usher()
	return d
}

// gather takes connections out of the kernel's queue.
func (d *Door) gather() {
	defer close(d.waiting)
	failing := false
	for {
		nc, err := d.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no files left, most likely
			if !failing {
				d.sockets.log.Log(d.sockets.ctx, slog.LevelWarn, "nobody can connect now", "err", err)
			}
			time.Sleep(50 * time.Millisecond)
		default:
			d.waiting <- nc
		}
		failing = err != nil
	}
}

// usher lets them in. When the door is closed, who still waits is turned away.
func (d *Door) usher() {
	for nc := range d.waiting {
		runtime.Gosched()
		select {
		case <-d.closed:
			nc.Close()
			continue
		default:
		}
		if !d.sockets.arrive(address(nc)) {
			d.sockets.refused(chat.CodeRateLimited)
			io.WriteString(nc, tooMany)
			d.leave(nc)
			continue
		}
		go d.look(nc)
	}
}

// leave hangs up on a connection that was counted.
func (d *Door) leave(nc net.Conn) {
	d.sockets.depart(address(nc))
	nc.Close()
}

// tooMany is an answer before the question: reading that would be too much.
const tooMany = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: 5\r\nConnection: close\r\n\r\n" +
	`{"error":{"code":"rate_limited","message":"too many connections from this address","retry_after":5}}` + "\n"

var firsts = sync.Pool{New: func() any { return new([firstBytes]byte) }}

// look decides by the first bytes who serves a connection.
func (d *Door) look(nc net.Conn) {
	buf := firsts.Get().(*[firstBytes]byte)
	defer firsts.Put(buf)
	nc.SetReadDeadline(time.Now().Add(firstTime))
	n, err := nc.Read(buf[:])
	select {
	case <-d.closed:
		err = net.ErrClosed
	default:
	}
	if err != nil {
		d.leave(nc)
		return
	}
	if r, rest := wholeHandshake(buf[:n]); r != nil {
		r.RemoteAddr = nc.RemoteAddr().String()
		w := &reply{nc: nc, head: buf[:n-len(rest)], rest: rest, header: make(http.Header)}
		d.handler.ServeHTTP(w, r)
		if !w.hijacked {
			w.send(r)
			d.leave(nc)
		}
		return
	}
	select {
	case d.others <- &begunConn{nc, bytes.Clone(buf[:n])}:
	case <-d.closed:
		d.leave(nc)
	}
}

var headReaders = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// wholeHandshake returns the request that b begins with, and what follows it, or
// nil if that is not plainly a handshake.
func wholeHandshake(b []byte) (r *http.Request, rest []byte) {
	head, rest, whole := bytes.Cut(b, []byte("\r\n\r\n"))
	if !whole || !bytes.HasPrefix(b, []byte("GET ")) {
		return nil, nil
	}
	in := headReaders.Get().(*bufio.Reader)
	defer headReaders.Put(in)
	in.Reset(bytes.NewReader(b[:len(head)+4]))
	r, err := http.ReadRequest(in)
	if err != nil || r.Proto != "HTTP/1.1" || r.Host == "" || r.Body != http.NoBody || !IsUpgrade(r) {
		return nil, nil
	}
	return r, rest
}

// reply takes the answer to a handshake: most often, the connection.
type reply struct {
	nc       net.Conn
	head     []byte // the request as it came; valid while it is answered
	rest     []byte // came behind the request
	hijacked bool
	header   http.Header
	status   int
	body     bytes.Buffer
}

func (w *reply) Header() http.Header { return w.header }

func (w *reply) WriteHeader(status int) { w.status = status }

func (w *reply) Write(p []byte) (int, error) { return w.body.Write(p) }

// Hijack implements http.Hijacker.
func (w *reply) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	in := bufio.NewReaderSize(bytes.NewReader(w.rest), len(w.rest))
	in.Peek(len(w.rest))
	return w.nc, bufio.NewReadWriter(in, bufio.NewWriterSize(w.nc, 512)), nil
}

// send refuses the handshake. It waits a moment for the client to hang up: to
// close a socket with unread data in it would destroy the answer.
func (w *reply) send(r *http.Request) {
	answer := http.Response{
		StatusCode: max(w.status, http.StatusOK), ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Close: true,
	}
	w.nc.SetDeadline(time.Now().Add(firstTime))
	answer.Write(w.nc)
	if half, ok := w.nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		w.nc.SetReadDeadline(time.Now().Add(farewell))
		io.Copy(io.Discard, io.LimitReader(w.nc, 1<<20))
	}
}

// begunConn is a connection of which first was read already.
type begunConn struct {
	net.Conn
	first []byte
}

func (c *begunConn) Read(p []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.first)
	c.first = c.first[n:]
	return n, nil
}

// CloseWrite is for http.Server, which ends a refused request as reply.send does.
func (c *begunConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Accept implements net.Listener.
func (d *Door) Accept() (net.Conn, error) {
	select {
	case nc := <-d.others:
		return nc, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections that have said nothing yet are
// turned away when they do, or when their time is over.
func (d *Door) Close() error { return d.shut() }
