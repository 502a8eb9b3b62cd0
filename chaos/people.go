package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/wire"
)

// person is a client of hubbub.v1 who writes down everything.
type person struct {
	name    string
	session *client.Session
	rand    *rand.Rand // owned by talk, then by resend
	clock   *postings

	mu      sync.Mutex // guards the following
	lines   []line
	meantBy map[string]line // by id
	refused int
	refusal *wire.Error     // the last
	tries   int             // times that somebody was told to try again
	flaps   bool            // breaks connections itself
	broken  time.Time       // since when there is no connection; zero: there is one
	gaps    []time.Duration // how long there was none
	delays  []time.Duration // of what was shown, from the wish on
}

// postings say when a message was meant, whoever sees it.
type postings struct{ at sync.Map } // id to time.Time

func (p *person) note(l line) {
	l.Client = p.name
	p.lines = append(p.lines, l)
}

// Acked implements client.Observer.
func (p *person) Acked(room chat.RoomID, id string, seq chat.Seq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(line{What: "acked", Room: room, ID: id, Seq: seq})
}

// Refused implements client.Observer.
func (p *person) Refused(_ string, e *wire.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused++
	p.refusal = e
}

// Showed implements client.Observer.
func (p *person) Showed(e *wire.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(line{What: "showed", Room: e.Room, ID: e.ID, Seq: e.Seq, Hash: hash(e.Text)})
	if at, ok := p.clock.at.Load(e.ID); ok {
		p.delays = append(p.delays, time.Since(at.(time.Time)))
	}
}

// Broken implements client.Watcher.
func (p *person) Broken(string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken.IsZero() {
		p.broken = time.Now()
	}
}

// Resumed implements client.Watcher.
func (p *person) Resumed(string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.broken.IsZero() && !p.flaps { // who breaks connections does so before they are of use, too
		p.gaps = append(p.gaps, time.Since(p.broken))
	}
	p.broken = time.Time{}
}

// Jumped implements client.Watcher.
func (p *person) Jumped(room chat.RoomID, had, came chat.Seq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(line{What: "jumped", Room: room, Seq: came})
}

// TryAgain implements client.Watcher.
func (p *person) TryAgain(e *wire.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	p.note(line{What: "again", ID: e.ID})
}

// Reloaded implements client.Observer.
func (p *person) Reloaded(room chat.RoomID, after chat.Seq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(line{What: "reload", Room: room, Seq: after})
}

// talk posts until ctx ends, in bursts if there is no pace.
func (p *person) talk(ctx context.Context, rooms []chat.RoomID, pace time.Duration) {
	for n := 0; ctx.Err() == nil; n++ {
		if p.session.Waiting() >= window {
			pause(ctx, time.Millisecond)
			continue
		}
		if pace > 0 && !pause(ctx, time.Duration(p.rand.Int64N(2*int64(pace)))) {
			return
		}
		room := rooms[p.rand.IntN(len(rooms))]
		text := fmt.Sprintf("%s says %d to %s", p.name, n, room)
		// Held over Post, so that the acknowledgement is noted after the intention.
		p.mu.Lock()
		meant := time.Now()
		l := line{What: "meant", Room: room, ID: p.session.Post(room, text), Hash: hash(text)}
		p.note(l)
		p.clock.at.Store(l.ID, meant)
		p.meantBy[l.ID] = line{Room: room, Hash: text}
		p.mu.Unlock()
	}
}

// flap breaks the own connection now and then.
func (p *person) flap(ctx context.Context) {
	for pause(ctx, time.Duration(20+rand.IntN(200))*time.Millisecond) {
		p.session.Cut()
	}
}

// resend sends up to n old messages again, over a session of its own, and notes
// where the server says they are.
func (p *person) resend(ctx context.Context, n int) error {
	p.mu.Lock()
	var old []*wire.Send
	for id, l := range p.meantBy {
		if len(old) == n {
			break
		}
		old = append(old, &wire.Send{Room: l.Room, ID: id, Text: &l.Hash})
	}
	p.mu.Unlock()
	answers, err := p.session.Again(ctx, old)
	for _, a := range answers {
		p.Acked(a.Room, a.ID, a.Seq)
	}
	if err == nil && len(answers) != len(old) {
		err = fmt.Errorf("%s sent %d messages again and got %d answers", p.name, len(old), len(answers))
	}
	return err
}

// plainPerson talks plain text. Nothing is acknowledged: a message may be lost
// with the connection, but may not be doubled or overtaken.
type plainPerson struct {
	name  string
	lines []line
}

func (p *plainPerson) talk(ctx context.Context, url, room string, id chat.RoomID) {
	for n := 0; ctx.Err() == nil; {
		c, err := client.DialPlain(ctx, url, "/rooms/"+room+"?name="+p.name)
		if err != nil {
			pause(ctx, 20*time.Millisecond)
			continue
		}
		for err == nil && pause(ctx, 2*time.Millisecond) {
			text := fmt.Sprintf("%s says %d", p.name, n)
			n++
			p.lines = append(p.lines, line{What: "meant", Client: p.name, Room: id, Hash: hash(text)})
			err = c.Write(ctx, text)
		}
		c.Close()
	}
}
