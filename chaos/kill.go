package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// killing is one run of chaos kill.
type killing struct {
	bin                   string
	kills, clients, rooms int
	sabotage              string

	server *process
	rand   *rand.Rand
	crowd
}

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
	k.urls = []string{k.server.url}
	if err := k.invite(ctx, k.rooms, k.clients); err != nil {
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
	return judgeFolder(ctx, dir, history, true)
}

// live lets everyone talk while the server is killed, then waits until
// everything has arrived, and returns what everybody lived through.
func (k *killing) live(ctx context.Context) ([]line, error) {
	k.begin(ctx, true)
	defer k.leave()
	talking, silence := context.WithCancel(ctx)
	defer silence()
	var talkers sync.WaitGroup
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
	history, err := k.end(ctx)
	for _, p := range plain {
		history = append(history, p.lines...)
	}
	return history, err
}
