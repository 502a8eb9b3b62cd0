package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/wire"
)

// Observer is told what a session's person would see. Its methods are called by
// one goroutine at a time.
type Observer interface {
	// Acked: the server says that the message is in the log at seq.
	Acked(room chat.RoomID, id string, seq chat.Seq)
	// Refused: the server will not store the message.
	Refused(id string, e *wire.Error)
	// Showed: the event is the next on the screen.
	Showed(e *wire.Event)
	// Reloaded: the screen of the room begins anew behind the event after.
	Reloaded(room chat.RoomID, after chat.Seq)
}

// Watcher is an Observer that wants to know how its connections fare too.
type Watcher interface {
	Observer
	// Resumed: all rooms are open again, over a connection to url.
	Resumed(url string)
	// Broken: that connection has ended, or could not be made.
	Broken(url string, err error)
	// TryAgain: the server can not do something now, and says so.
	TryAgain(e *wire.Error)
	// Jumped: what came is not the next, which a server never does. It is not shown.
	Jumped(room chat.RoomID, had, came chat.Seq)
}

// Session is a client that does not give up: it reconnects, goes on where it
// was, and sends what was not acknowledged again, with the same ids.
type Session struct {
	// Fixed after construction.
	urls     []string // of nodes, each as good as any other
	token    string
	rooms    []string
	observer Observer
	watcher  Watcher       // nil: the observer is none
	wake     chan struct{} // capacity 1: the outbox has something to send
	careful  bool

	at, open int  // of Run alone: which url, and how many rooms are open there
	told     bool // likewise: the server said goodbye
	unasked  atomic.Int64

	mu       sync.Mutex // guards the following
	outbox   []*queued
	retrying bool // all of it will go out once more
	places   map[chat.RoomID]place
	conn     *Conn
}

// queued is a message that is not acknowledged.
type queued struct {
	*wire.Send
	sent bool // on this connection
}

type place struct {
	epoch chat.Epoch
	seq   chat.Seq
}

// NewSession returns a session that follows the rooms of those names from where
// they end now. Run connects it.
func NewSession(url, token string, rooms []string, o Observer) *Session {
	w, _ := o.(Watcher)
	return &Session{
		urls: []string{url}, token: token, rooms: rooms, observer: o, watcher: w,
		wake: make(chan struct{}, 1), places: make(map[chat.RoomID]place),
	}
}

// Also gives the session more places to go to: when a connection has ended, or could not
// be made, it tries the next. It is called before Run.
func (s *Session) Also(urls ...string) { s.urls = append(s.urls, urls...) }

// Carefully has the session send one message at a time in each room, as the page does. What
// is refused for now, and sent again, is then never overtaken by what was said behind it.
// It is called before Run.
func (s *Session) Carefully() { s.careful = true }

// Post queues a message and returns its id. It goes out when it can.
func (s *Session) Post(room chat.RoomID, text string) string {
	f := &wire.Send{Room: room, ID: uuid.Must(uuid.NewV7()).String(), Text: &text}
	s.mu.Lock()
	s.outbox = append(s.outbox, &queued{Send: f})
	s.mu.Unlock()
	s.nudge()
	return f.ID
}

func (s *Session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Waiting returns how many messages are not acknowledged yet.
func (s *Session) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.outbox)
}

// Seen returns the last event of a room that is on the screen.
func (s *Session) Seen(room chat.RoomID) chat.Seq {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.places[room].seq
}

// Cut breaks the connection, as a bad network would. The session reconnects.
func (s *Session) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Cut()
	}
}

// Run keeps the session connected until ctx ends.
func (s *Session) Run(ctx context.Context) {
	for ; ctx.Err() == nil; s.at = (s.at + 1) % len(s.urls) {
		s.told = false
		err := s.connect(ctx)
		if !s.told && ctx.Err() == nil {
			s.unasked.Add(1)
		}
		if s.watcher != nil {
			s.watcher.Broken(s.urls[s.at], err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(5+rand.IntN(40)) * time.Millisecond):
		}
	}
}

// dialTime is how long a node that may be gone is waited for, where there are others.
const dialTime = time.Second

// connect goes on until the connection breaks.
func (s *Session) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dialing := ctx
	if len(s.urls) > 1 {
		var stop context.CancelFunc
		dialing, stop = context.WithTimeout(ctx, dialTime)
		defer stop()
	}
	conn, err := Dial(dialing, s.urls[s.at], s.token)
	if err != nil {
		return err
	}
	defer conn.Cut()
	s.open = 0
	s.mu.Lock()
	s.conn = conn
	s.unsend()
	s.mu.Unlock()
	if err := s.greet(ctx, conn); err != nil {
		return err
	}
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		defer conn.Cut() // so that reading ends too
		s.write(ctx, conn)
	}()
	for err == nil {
		err = s.read(ctx, conn)
	}
	cancel()
	<-writing
	return err
}

// greet says hello and opens the rooms where the screen ends.
func (s *Session) greet(ctx context.Context, conn *Conn) error {
	frames := []any{&wire.Hello{}}
	s.mu.Lock()
	for room, p := range s.places {
		frames = append(frames, &wire.Open{Room: room, Epoch: p.epoch, After: &p.seq})
	}
	if len(s.places) < len(s.rooms) {
		for _, name := range s.rooms {
			frames = append(frames, &wire.Open{Name: name})
		}
	}
	s.mu.Unlock()
	for _, f := range frames {
		if err := conn.Write(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// write sends what the outbox holds, in its order, whenever there is more.
func (s *Session) write(ctx context.Context, conn *Conn) {
	for {
		if next := s.next(); next != nil {
			if conn.Write(ctx, next) != nil {
				return
			}
			continue
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
	}
}

// next returns what is to be sent now, or nil.
func (s *Session) next() *wire.Send {
	s.mu.Lock()
	defer s.mu.Unlock()
	busy := map[chat.RoomID]bool{}
	for _, q := range s.outbox {
		if !q.sent && !(s.careful && busy[q.Room]) {
			q.sent = true
			return q.Send
		}
		busy[q.Room] = true
	}
	return nil
}

// unsend has everything sent once more. s.mu is held.
func (s *Session) unsend() {
	for _, q := range s.outbox {
		q.sent = false
	}
}

// read handles one frame.
func (s *Session) read(ctx context.Context, conn *Conn) error {
	f, err := conn.Read(ctx)
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case *wire.Opened:
		s.opened(f)
	case *wire.Event:
		return s.event(ctx, conn, f)
	case *wire.Reset:
		last := 50
		return conn.Write(ctx, &wire.Open{Room: f.Room, Last: &last})
	case *wire.Sent:
		if s.settle(f.ID) {
			s.observer.Acked(f.Room, f.ID, f.Seq)
		}
	case *wire.Error:
		return s.refused(f)
	case *wire.Goodbye:
		s.told = true
	}
	return nil
}

// Unasked returns how many connections ended, or could not be made, without a goodbye.
func (s *Session) Unasked() int { return int(s.unasked.Load()) }

func (s *Session) opened(f *wire.Opened) {
	s.mu.Lock()
	p, known := s.places[f.Room]
	s.places[f.Room] = place{f.Epoch, f.After}
	s.mu.Unlock()
	if !known || p.seq != f.After {
		s.observer.Reloaded(f.Room, f.After)
	}
	if s.open++; s.open == len(s.rooms) && s.watcher != nil {
		s.watcher.Resumed(s.urls[s.at])
	}
}

// event shows the next event, drops a known one, and asks for what is missing.
func (s *Session) event(ctx context.Context, conn *Conn, f *wire.Event) error {
	s.mu.Lock()
	p := s.places[f.Room]
	next := f.Seq == p.seq+1
	if next {
		s.places[f.Room] = place{p.epoch, f.Seq}
	}
	s.mu.Unlock()
	if !next && s.watcher != nil {
		s.watcher.Jumped(f.Room, p.seq, f.Seq)
	}
	switch {
	case next:
		s.observer.Showed(f)
	case f.Seq > p.seq:
		return conn.Write(ctx, &wire.Open{Room: f.Room, Epoch: p.epoch, After: &p.seq})
	}
	return nil
}

// settle takes a message out of the outbox, and says whether it was there.
func (s *Session) settle(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, q := range s.outbox {
		if q.ID == id {
			s.outbox = append(s.outbox[:i], s.outbox[i+1:]...)
			if s.careful {
				s.nudge() // it was in the way of the next
			}
			return true
		}
	}
	return false
}

// retryAfter is how long a session waits before it tries again, if nobody says.
const retryAfter = 250 * time.Millisecond

// refused sends again later if the server asks for that, or gives up the message.
func (s *Session) refused(f *wire.Error) error {
	if f.Code == chat.CodeRateLimited || f.Code == chat.CodeUnavailable {
		if s.watcher != nil {
			s.watcher.TryAgain(f)
		}
		s.retry(time.Duration(f.RetryAfter * float64(time.Second)))
		if f.Frame == "open" && len(s.urls) > 1 {
			return errors.New(f.Message) // another node may be better off
		}
		return nil
	}
	if f.Frame == "send" && s.settle(f.ID) {
		s.observer.Refused(f.ID, f)
	}
	return nil
}

// retry sends the outbox again after a while, all that is refused meanwhile with it.
func (s *Session) retry(wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retrying {
		return
	}
	s.retrying = true
	if wait <= 0 {
		wait = retryAfter
	}
	time.AfterFunc(wait, func() {
		s.mu.Lock()
		s.retrying = false
		s.unsend()
		s.mu.Unlock()
		s.nudge()
	})
}

// Again sends messages once more on a connection of its own, and returns where
// the server says they are. Run may go on meanwhile.
func (s *Session) Again(ctx context.Context, messages []*wire.Send) (answers []*wire.Sent, err error) {
	conn, err := Dial(ctx, s.urls[0], s.token)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.Write(ctx, &wire.Hello{}); err != nil {
		return nil, err
	}
	for _, m := range messages {
		if err := conn.Write(ctx, m); err != nil {
			return nil, err
		}
	}
	frames, err := conn.Sync(ctx)
	for _, f := range frames {
		if sent, ok := f.(*wire.Sent); ok {
			answers = append(answers, sent)
		}
	}
	return answers, err
}
