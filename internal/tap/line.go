package tap

import "time"

// Line reports one connection to one ring. Each direction may be fed by one
// goroutine at a time.
type Line struct {
	conn           uint64
	ring           *Ring
	client, server Stream
}

// NewLine reports the connection of a number.
func NewLine(conn uint64, ring *Ring, opt Options) *Line {
	return &Line{conn: conn, ring: ring, client: NewStream(Client, opt), server: NewStream(Server, opt)}
}

// NewLineOf is NewLine with options for each side.
func NewLineOf(conn uint64, ring *Ring, client, server Options) *Line {
	return &Line{conn: conn, ring: ring, client: NewStream(Client, client), server: NewStream(Server, server)}
}

// Resume begins in the middle of a connection: the client has sent the beginning of
// a frame, and before it, if a message is under way, some of its frames; and of
// what the server has begun, some bytes are still to come.
func (l *Line) Resume(begun []byte, under bool, message []byte, deflated bool, toCome int, now time.Time) {
	if under {
		l.client.Resume(message, deflated)
	}
	l.FromClient(begun, now)
	l.server.Skip(toCome)
}

// Gone says that nobody reads the report any more.
func (l *Line) Gone() bool { return l.ring.Closed() }

// Begin reports the handshake. Secrets in it are hidden here.
func (l *Line) Begin(h Handshake, now time.Time) {
	h.Request, h.Response = MaskHead(h.Request), MaskHead(h.Response)
	l.ring.Add(Record{Conn: l.conn, At: Millis(now), Kind: KindHandshake, Handshake: &h})
}

// FromClient takes bytes that the client sent.
func (l *Line) FromClient(p []byte, now time.Time) { l.feed(&l.client, p, now) }

// FromServer takes bytes that the server sent.
func (l *Line) FromServer(p []byte, now time.Time) { l.feed(&l.server, p, now) }

func (l *Line) feed(s *Stream, p []byte, now time.Time) {
	s.Feed(p, func(f *Frame) {
		l.ring.Add(Record{Conn: l.conn, At: Millis(now), Kind: KindFrame, Frame: f})
	})
}

// End reports that the connection has ended.
func (l *Line) End(now time.Time) {
	l.ring.Add(Record{Conn: l.conn, At: Millis(now), Kind: KindEnd})
}
