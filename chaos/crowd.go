package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/wire"
)

// crowd are people in some rooms, who write down what they live through.
type crowd struct {
	seed    uint64
	urls    []string      // of nodes, each as good as any other
	careful bool          // nobody sends the next message to a room before the one before is answered
	pace    time.Duration // between two messages of a person; 0: as fast as they are answered

	names  []string // of the rooms
	ids    []chat.RoomID
	token  string // of somebody who looks at the heads
	people []*person
	clock  postings

	connected  context.Context
	disconnect context.CancelFunc
	hush       context.CancelFunc
	running    sync.WaitGroup
	talkers    sync.WaitGroup
}

const (
	window     = 40               // messages a person has under way at most
	settleTime = 60 * time.Second // for everything to arrive once the breaking is over
)

// invite makes the rooms and the people.
func (c *crowd) invite(ctx context.Context, rooms, clients int) error {
	for i := range rooms {
		c.names = append(c.names, fmt.Sprintf("room-%d", i))
	}
	for i := range clients {
		name := fmt.Sprintf("client-%d", i)
		token, _, err := client.NewGuest(ctx, c.urls[0], name)
		if err != nil {
			return err
		}
		p := &person{name: name, meantBy: map[string]line{}, rand: rand.New(rand.NewPCG(c.seed, uint64(i)+2)), clock: &c.clock}
		first := i % len(c.urls)
		p.session = client.NewSession(c.urls[first], token, c.names, p)
		p.session.Also(c.urls[first+1:]...)
		p.session.Also(c.urls[:first]...)
		if c.careful {
			p.session.Carefully()
		}
		c.people, c.token = append(c.people, p), token
	}
	return c.openRooms(ctx)
}

func (c *crowd) openRooms(ctx context.Context) error {
	conn, err := client.Dial(ctx, c.urls[0], c.token)
	if err != nil {
		return err
	}
	defer conn.Cut()
	if err := conn.Write(ctx, &wire.Hello{}); err != nil {
		return err
	}
	for _, name := range c.names {
		if err := conn.Write(ctx, &wire.Open{Name: name}); err != nil {
			return err
		}
	}
	frames, err := conn.Sync(ctx)
	for _, f := range frames {
		if o, ok := f.(*wire.Opened); ok {
			c.ids = append(c.ids, o.Room)
		}
	}
	return err
}

// begin connects everybody and lets them talk. Of four, one reads only, and two break
// their own connections now and then, if flapping.
func (c *crowd) begin(ctx context.Context, flapping bool) {
	c.connected, c.disconnect = context.WithCancel(ctx)
	talking, hush := context.WithCancel(c.connected)
	c.hush = hush
	for i, p := range c.people {
		p.flaps = flapping && i%4 >= 2
		c.running.Go(func() { p.session.Run(c.connected) })
		if p.flaps {
			c.talkers.Go(func() { p.flap(talking) })
		}
		if i%4 != 3 {
			c.talkers.Go(func() { p.talk(talking, c.ids, c.pace) })
		}
	}
}

// end has everybody stop talking, waits until everything has arrived, sends old messages
// once more, and returns what everybody lived through.
func (c *crowd) end(ctx context.Context) ([]line, error) {
	c.hush()
	c.talkers.Wait()
	err := c.settle(ctx)
	for _, p := range c.people {
		if err == nil {
			err = p.resend(ctx, 100)
		}
	}
	c.leave()
	var history []line
	for _, p := range c.people {
		history = append(history, p.lines...)
		if p.refused > 0 {
			err = errors.Join(err, fmt.Errorf("%s had %d messages refused: %s: %s", p.name, p.refused, p.refusal.Code, p.refusal.Message))
		}
	}
	return history, err
}

// leave disconnects everybody.
func (c *crowd) leave() {
	c.disconnect()
	c.talkers.Wait()
	c.running.Wait()
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// settle waits until nothing is under way and every screen shows everything.
func (c *crowd) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		late := c.late(ctx)
		if late == nil {
			return nil
		}
		if !pause(ctx, 20*time.Millisecond) {
			return fmt.Errorf("after %v: %w", settleTime, late)
		}
	}
}

// late says who is not done yet.
func (c *crowd) late(ctx context.Context) error {
	for _, p := range c.people {
		if n := p.session.Waiting(); n > 0 {
			return fmt.Errorf("%s has %d messages that are not acknowledged", p.name, n)
		}
	}
	for _, id := range c.ids {
		head, err := c.head(ctx, id)
		if err != nil {
			return err
		}
		if err := c.shown(id, head); err != nil {
			return err
		}
	}
	return nil
}

// shown says whose screen of a room does not reach head.
func (c *crowd) shown(room chat.RoomID, head chat.Seq) error {
	var late []string
	for _, p := range c.people {
		if seen := p.session.Seen(room); seen < head {
			late = append(late, fmt.Sprintf("%s has seen room %s up to %d of %d", p.name, room, seen, head))
		}
	}
	if late != nil {
		return errors.New(strings.Join(late, "; "))
	}
	return nil
}

func (c *crowd) head(ctx context.Context, id chat.RoomID) (chat.Seq, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.urls[0]+"/api/rooms/"+string(id)+"/events?limit=0", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the head of %s: %s", id, resp.Status)
	}
	var answer struct{ Head chat.Seq }
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	return answer.Head, err
}
