package ws_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// somebody has an account, and asks over HTTP too.
type somebody struct {
	r     *running
	token string
	you   wire.Person
}

func (r *running) somebody(name string) *somebody {
	r.t.Helper()
	s := &somebody{r: r}
	var made struct {
		You   wire.Person
		Token string
	}
	s.ask("POST", "/api/guests", map[string]any{"name": name, "password": "violet tugboat harbour 7", "token": true}, &made)
	s.token, s.you = made.Token, made.You
	return s
}

// ask makes a request that must succeed.
func (s *somebody) ask(method, path string, body, answer any) {
	s.r.t.Helper()
	if err := s.try(method, path, body, answer); err != nil {
		s.r.t.Fatal(err)
	}
}

func (s *somebody) try(method, path string, body, answer any) error {
	b, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(testContext(s.r.t), method, s.r.url+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, said)
	}
	if err == nil && answer != nil {
		err = json.Unmarshal(said, answer)
	}
	return err
}

func (s *somebody) room(kind, name string, people ...chat.UserID) chat.RoomID {
	s.r.t.Helper()
	var made struct{ Room struct{ ID chat.RoomID } }
	s.ask("POST", "/api/rooms", map[string]any{"kind": kind, "name": name, "people": append([]chat.UserID{}, people...)}, &made)
	return made.Room.ID
}

func (s *somebody) events(room chat.RoomID) []wire.Event {
	s.r.t.Helper()
	var page struct{ Events []wire.Event }
	s.ask("GET", "/api/rooms/"+string(room)+"/events?limit=500", nil, &page)
	return page.Events
}

func unlimited(c *server.Config) { c.NoLimits = true }

// follower is a connection of hubbub.v1 in either dialect.
type follower interface {
	put(frames ...any)
	get() any
}

func (c *v1Client) put(frames ...any) { c.t.Helper(); c.write(frames...) }
func (c *v1Client) get() any          { c.t.Helper(); return c.read() }

// flat is a connection without compression.
type flat struct{ *raw }

func (r *running) flat(token string) flat {
	r.t.Helper()
	c := flat{r.socket("Sec-WebSocket-Protocol: hubbub.v1\r\nAuthorization: Bearer " + token + "\r\n")}
	c.put(&wire.Hello{})
	c.get()
	return c
}

func (c flat) put(frames ...any) {
	c.t.Helper()
	for _, f := range frames {
		c.send(masked(0x81, string(wire.Encode(f))))
	}
}

func (c flat) get() any {
	c.t.Helper()
	c.SetDeadline(time.Now().Add(patience))
	for {
		op, payload, err := c.frame()
		if err != nil {
			c.t.Fatal(err)
		}
		if f, err := wire.DecodeServer(payload); op == 1 && f != nil && err == nil {
			if _, beat := f.(*wire.Heartbeat); !beat {
				return f
			}
		}
	}
}

// untilLeft returns the events that come before the room is off the list.
func untilLeft(f follower, room chat.RoomID) (seqs []chat.Seq) {
	for {
		switch f := f.get().(type) {
		case *wire.Event:
			seqs = append(seqs, f.Seq)
		case *wire.Left:
			if f.Room == room {
				return seqs
			}
		}
	}
}

// until reads to the answer of a fence, and returns the events before it.
func until(f follower, n uint64) (seqs []chat.Seq) {
	f.put(&wire.Fence{N: n})
	for {
		switch f := f.get().(type) {
		case *wire.Event:
			seqs = append(seqs, f.Seq)
		case *wire.Fence:
			if f.N == n {
				return seqs
			}
		}
	}
}

// ways are how somebody comes to be out of a room.
var ways = []struct {
	kind string
	do   func(room chat.RoomID, mia, ted *somebody) error
}{
	{"remove", func(room chat.RoomID, mia, ted *somebody) error {
		return mia.try("DELETE", "/api/rooms/"+string(room)+"/members/"+string(ted.you.ID), nil, nil)
	}},
	{"ban", func(room chat.RoomID, mia, ted *somebody) error {
		return mia.try("PUT", "/api/rooms/"+string(room)+"/bans/"+string(ted.you.ID), nil, nil)
	}},
	{"leave", func(room chat.RoomID, _, ted *somebody) error {
		return ted.try("POST", "/api/rooms/"+string(room)+"/leave", nil, nil)
	}},
}

// Whoever goes, or is put out, while others talk, and while they talk themselves, hears
// nothing that was said behind it on any connection, and has said nothing behind it.
func TestOutAmongMessages(t *testing.T) {
	r := serve(t, unlimited)
	mia, ben, ted := r.somebody("Mia"), r.somebody("Ben"), r.somebody("Ted")
	room := mia.room("private", "secret", ben.you.ID)
	at := "/api/rooms/" + string(room)
	talker, own := r.connect(ben.token, ben.you), r.connect(ted.token, ted.you)
	followers := []follower{r.connect(ted.token, ted.you), r.flat(ted.token)}
	opener := r.connect(ted.token, ted.you)
	say := func(c *v1Client, n int) {
		for range n {
			text := "hello"
			c.write(&wire.Send{Room: room, ID: uuid.NewString(), Text: &text})
		}
		c.sync()
	}
	for round := range 50 { // on each kind of socket
		way := ways[round%len(ways)]
		mia.ask("PUT", at+"/members/"+string(ted.you.ID), nil, nil)
		for _, f := range followers {
			f.put(&wire.Open{Room: room})
			until(f, 1)
		}
		var wg sync.WaitGroup
		wg.Go(func() { say(talker, 6) })
		wg.Go(func() { say(own, 3) })
		wg.Go(func() { last := 3; opener.write(&wire.Open{Room: room, Last: &last}) })
		wg.Go(func() {
			if err := way.do(room, mia, ted); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		say(talker, 1)

		var out chat.Seq
		for _, e := range mia.events(room) {
			switch {
			case e.Kind == way.kind:
				out = e.Seq
			case e.Kind == "add":
				out = 0
			case out > 0 && e.Author == ted.you.ID:
				t.Errorf("round %d, %s at %d: their message is at %d", round, way.kind, out, e.Seq)
			}
		}
		for i, f := range append(followers, opener) {
			seqs := untilLeft(f, room)
			if n := len(seqs); n > 0 && seqs[n-1] > out {
				t.Errorf("round %d, %s at %d: connection %d heard %v", round, way.kind, out, i, seqs)
			}
			if i < len(followers) && (len(seqs) == 0 || seqs[len(seqs)-1] != out) {
				t.Errorf("round %d, %s at %d: connection %d heard only %v", round, way.kind, out, i, seqs)
			}
			if more := until(f, 2); len(more) > 0 {
				t.Errorf("round %d, %s at %d: connection %d hears %v still", round, way.kind, out, i, more)
			}
		}
		if way.kind == "ban" {
			mia.ask("DELETE", at+"/bans/"+string(ted.you.ID), nil, nil)
		}
		if t.Failed() {
			return
		}
	}
}

// Who reads slowly, and is behind all that is kept in memory when they are put out, gets
// nothing of what was said or changed since.
func TestOutWhileBehind(t *testing.T) {
	r := serve(t, unlimited)
	mia, ted := r.somebody("Mia"), r.somebody("Ted")
	room := mia.room("private", "secret", ted.you.ID)
	talker := r.connect(mia.token, mia.you)
	say := func(text string, times int) (last chat.Seq) {
		for range times {
			talker.write(&wire.Send{Room: room, ID: uuid.NewString(), Text: &text})
		}
		for _, f := range talker.sync() {
			if sent, ok := f.(*wire.Sent); ok {
				last = sent.Seq
			}
		}
		return last
	}
	slow := r.flat(ted.token)
	buffer := func(size int) {
		if err := slow.Conn.(*net.TCPConn).SetReadBuffer(size); err != nil {
			t.Fatal(err)
		}
	}
	buffer(64 << 10)
	slow.put(&wire.Open{Room: room})
	until(slow, 1)
	const long = 450 // 7 MB, of which the socket takes some
	end := say(strings.Repeat("x", chat.MaxText), long)
	if err := ways[0].do(room, mia, ted); err != nil {
		t.Fatal(err)
	}
	secret := "canary"
	for target := end - 150; target <= end; target += 50 {
		talker.write(&wire.Edit{Room: room, ID: uuid.NewString(), Text: &secret, Target: target})
	}
	say(secret, 1)
	buffer(4 << 20)
	events := 0
	for open := true; open; {
		switch f := slow.get().(type) {
		case *wire.Event:
			if events++; strings.Contains(f.Text, secret) || f.Seq > end+1 {
				t.Fatalf("event %d came: %.40s", f.Seq, f.Text)
			}
		case *wire.Left:
			open = f.Room != room
		}
	}
	if n := len(until(slow, 9)); n > 0 {
		t.Errorf("%d events came behind it", n)
	}
	if events == 0 || events >= long {
		t.Errorf("the slow one got %d of %d events: it was not slow", events, long)
	}
}

// A mute, and a room that becomes read-only, are in the log where they count: nothing is
// behind them of those whom they concern.
func TestMutedAmongMessages(t *testing.T) {
	r := serve(t, unlimited)
	mia, ted := r.somebody("Mia"), r.somebody("Ted")
	room := mia.room("private", "secret", ted.you.ID)
	at := "/api/rooms/" + string(room)
	own := r.connect(ted.token, ted.you)
	for round := range 20 {
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 10 {
				text := "hello"
				own.write(&wire.Send{Room: room, ID: uuid.NewString(), Text: &text})
			}
			own.sync()
		})
		wg.Go(func() {
			var err error
			if round%2 == 0 {
				err = mia.try("PUT", at+"/mutes/"+string(ted.you.ID), nil, nil)
			} else {
				err = mia.try("PATCH", at, map[string]bool{"read_only": true}, nil)
			}
			if err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		quiet := false
		for _, e := range mia.events(room) {
			switch {
			case e.Kind == "mute" || e.Kind == "read_only" && e.Text == "on":
				quiet = true
			case e.Kind == "unmute" || e.Kind == "read_only":
				quiet = false
			case quiet && e.Author == ted.you.ID:
				t.Fatalf("round %d: they wrote %d", round, e.Seq)
			}
		}
		mia.ask("DELETE", at+"/mutes/"+string(ted.you.ID), nil, nil)
		mia.ask("PATCH", at, map[string]bool{"read_only": false}, nil)
	}
}

// Whoever talks in plain text is as much out as others.
func TestPlainOut(t *testing.T) {
	r := serve(t, unlimited)
	mia, ted := r.somebody("Mia"), r.somebody("Ted")
	room := mia.room("public", "kitchen")
	at := "/api/rooms/" + string(room)
	stays := r.plain("/rooms/kitchen?name=Stan")
	goes := r.plain("/rooms/kitchen?token=" + ted.token)
	stays.say("one")
	goes.hears("one")
	mia.ask("PUT", at+"/bans/"+string(ted.you.ID), map[string]string{"reason": "loud"}, nil)
	stays.say("two")
	if text, err := goes.Read(testContext(t)); err == nil {
		t.Errorf("who is banned heard %q", text)
	}
	if p, err := client.DialPlain(testContext(t), r.url, "/rooms/kitchen?token="+ted.token); err == nil {
		p.Close()
		t.Error("who is banned came in again")
	}
	mia.ask("PATCH", at, map[string]bool{"guests_wait": true}, nil)
	if text, err := stays.Read(testContext(t)); err == nil {
		t.Errorf("a guest heard %q where guests wait", text)
	}
}
