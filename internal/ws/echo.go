package ws

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"hubbub/internal/wire"
)

// Version returns what the server calls itself.
func (s *Server) Version() string { return s.version }

// Heartbeat returns how long a connection is silent at most.
func (s *Server) Heartbeat() time.Duration { return s.heartbeat }

// What a client may say on an echo socket.
const (
	maxEcho    = 4 << 10 // bytes of a message
	maxEchoes  = 64      // messages
	echoSilent = "the test is over"
)

// ServeEcho takes over a request as a connection that is told hello, a frame, and then
// repeats what it says: it has no heartbeat, so that silence can be tried, and ends
// after life at the latest. It returns after the handshake; a bad one has been
// answered. done is called once, at the end.
func (s *Server) ServeEcho(w http.ResponseWriter, r *http.Request, hello []byte, life time.Duration, done func()) {
	deflate := new(wsflate.Extension)
	nc, first, err := s.handshake(w, r, nil, ws.HTTPUpgrader{Negotiate: negotiate(deflate)})
	if err != nil {
		done()
		return
	}
	_, packed := deflate.Accepted()
	e := &echo{nc: nc, parser: parser{limit: maxEcho, deflate: packed}}
	over := make(chan struct{})
	go func() {
		select {
		case <-s.done:
			e.end(&closeError{closeRestart, "the server restarts"})
		case <-over:
		}
	}()
	go func() {
		defer s.wg.Done()
		defer done()
		defer s.depart(address(nc))
		defer nc.Close()
		defer close(over)
		nc.SetDeadline(time.Now().Add(life))
		e.end(e.run(hello, first))
	}()
}

// echo is a connection that repeats what it is told.
type echo struct {
	nc     net.Conn
	parser parser
	said   int
	ended  sync.Once
}

// run serves the connection until it ends, and says how.
func (e *echo) run(hello, first []byte) error {
	if _, err := e.nc.Write(hello); err != nil {
		return err
	}
	buf := make([]byte, 4<<10)
	for n := copy(buf, first); ; {
		if _, err := e.parser.feed(buf[:n], e.handle); err != nil {
			return err
		}
		var err error
		if n, err = e.nc.Read(buf); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return &closeError{ws.StatusNormalClosure, echoSilent}
			}
			return err
		}
	}
}

func (e *echo) handle(op ws.OpCode, payload []byte) error {
	var frame []byte
	switch op {
	case ws.OpPing:
		frame = appendControl(nil, ws.OpPong, payload)
	case ws.OpPong:
		return nil
	case ws.OpClose:
		return checkClose(payload)
	default:
		if e.said++; e.said > maxEchoes {
			return &closeError{ws.StatusPolicyViolation, "that is enough for a test"}
		}
		frame = wire.AppendText(nil, payload)
	}
	_, err := e.nc.Write(frame)
	return err
}

// end says goodbye as err asks for, once, and has the reading end.
func (e *echo) end(err error) {
	e.ended.Do(func() {
		var c *closeError
		if errors.As(err, &c) {
			e.nc.SetDeadline(time.Now().Add(farewell))
			e.nc.Write(appendClose(nil, c))
		}
		e.nc.SetReadDeadline(time.Now())
	})
}
