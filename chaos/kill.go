package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/wire"
)

// killing is one run of chaos kill.
type killing struct {
	bin                   string
	kills, clients, rooms int
	seed                  uint64
	sabotage              string

	server *process
	rand   *rand.Rand
	names  []string // of the rooms
	ids    []chat.RoomID
	token  string // of somebody who looks at the heads
	people []*person
}

const (
	window     = 40               // messages a person has under way at most
	settleTime = 60 * time.Second // for everything to arrive once the killing is over
)

func (k *killing) run(ctx context.Context) error {
	if k.seed == 0 {
		k.seed = uint64(time.Now().UnixNano())
	}
	fmt.Printf("seed %d\n", k.seed)
	k.rand = rand.New(rand.NewPCG(k.seed, 1))
	dir, err := os.MkdirTemp("", "hubbub-chaos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, settleTime+time.Duration(k.kills)*5*time.Second)
	defer cancel()
	k.server = &process{bin: k.bin, data: dir, sabotage: k.sabotage}
	if err := k.server.start(ctx); err != nil {
		return err
	}
	defer k.server.kill()
	if err := k.invite(ctx); err != nil {
		return err
	}
	if k.sabotage != "" { // it can only be done to a file that is there
		k.server.kill()
		if err := k.server.start(ctx); err != nil {
			return err
		}
	}
	begun := time.Now()
	history, err := k.live(ctx)
	if err != nil {
		return err
	}
	if err := k.server.stop(); err != nil {
		return err
	}
	fmt.Printf("%d kills in %.1f s\n", k.kills, time.Since(begun).Seconds())
	return judge(ctx, dir, history, true)
}

// invite makes the rooms and the people.
func (k *killing) invite(ctx context.Context) error {
	for i := range k.rooms {
		k.names = append(k.names, fmt.Sprintf("room-%d", i))
	}
	for i := range k.clients {
		name := fmt.Sprintf("client-%d", i)
		token, _, err := client.NewGuest(ctx, k.server.url, name)
		if err != nil {
			return err
		}
		p := &person{name: name, meantBy: map[string]line{}, rand: rand.New(rand.NewPCG(k.seed, uint64(i)+2))}
		p.session = client.NewSession(k.server.url, token, k.names, p)
		k.people, k.token = append(k.people, p), token
	}
	conn, err := client.Dial(ctx, k.server.url, k.token)
	if err != nil {
		return err
	}
	defer conn.Cut()
	if err := conn.Write(ctx, &wire.Hello{}); err != nil {
		return err
	}
	for _, name := range k.names {
		if err := conn.Write(ctx, &wire.Open{Name: name}); err != nil {
			return err
		}
	}
	frames, err := conn.Sync(ctx)
	for _, f := range frames {
		if o, ok := f.(*wire.Opened); ok {
			k.ids = append(k.ids, o.Room)
		}
	}
	return err
}

// live lets everyone talk while the server is killed, then waits until
// everything has arrived, and returns what everybody lived through.
func (k *killing) live(ctx context.Context) ([]line, error) {
	connected, disconnect := context.WithCancel(ctx)
	defer disconnect()
	talking, silence := context.WithCancel(connected)
	defer silence()
	var running, talkers sync.WaitGroup
	for i, p := range k.people {
		running.Go(func() { p.session.Run(connected) })
		switch {
		case i%4 == 3: // reads only, over a bad network
			talkers.Go(func() { p.flap(talking) })
		case i%4 == 2:
			talkers.Go(func() { p.flap(talking) })
			fallthrough
		default:
			talkers.Go(func() { p.talk(talking, k.ids) })
		}
	}
	plain := []*plainPerson{{name: "plain-0"}, {name: "plain-1"}}
	for _, p := range plain {
		talkers.Go(func() { p.talk(talking, k.server.url, k.names[0], k.ids[0]) })
	}
	for n := range k.kills {
		if !pause(ctx, time.Duration(50+k.rand.IntN(350))*time.Millisecond) {
			return nil, ctx.Err()
		}
		k.server.kill()
		if err := k.server.start(ctx); err != nil {
			return nil, fmt.Errorf("after kill %d: %w", n+1, err)
		}
	}
	silence()
	talkers.Wait()
	err := k.settle(ctx)
	if err == nil {
		err = k.resend(ctx)
	}
	disconnect()
	running.Wait()
	var history []line
	for _, p := range k.people {
		history = append(history, p.lines...)
		if p.refused > 0 {
			err = errors.Join(err, fmt.Errorf("%s had %d messages refused", p.name, p.refused))
		}
	}
	for _, p := range plain {
		history = append(history, p.lines...)
	}
	return history, err
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
func (k *killing) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		late := k.late(ctx)
		if late == nil {
			return nil
		}
		if !pause(ctx, 20*time.Millisecond) {
			return fmt.Errorf("after %v: %w", settleTime, late)
		}
	}
}

// late says who is not done yet.
func (k *killing) late(ctx context.Context) error {
	for _, p := range k.people {
		if n := p.session.Waiting(); n > 0 {
			return fmt.Errorf("%s has %d messages that are not acknowledged", p.name, n)
		}
	}
	for _, id := range k.ids {
		head, err := k.head(ctx, id)
		if err != nil {
			return err
		}
		for _, p := range k.people {
			if seen := p.session.Seen(id); seen != head {
				return fmt.Errorf("%s has seen room %s up to %d of %d", p.name, id, seen, head)
			}
		}
	}
	return nil
}

func (k *killing) head(ctx context.Context, id chat.RoomID) (chat.Seq, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.server.url+"/api/rooms/"+string(id)+"/events?limit=0", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+k.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct{ Head chat.Seq }
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	return answer.Head, err
}

// resend sends old messages again: each must be where it was.
func (k *killing) resend(ctx context.Context) error {
	for _, p := range k.people {
		if err := p.resend(ctx, 100); err != nil {
			return err
		}
	}
	return nil
}
