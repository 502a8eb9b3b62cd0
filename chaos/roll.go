package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"hubbub/internal/client"
)

// roll restarts one node after the other, as a new release would, and wants nobody to see
// an error: no connection that ends without a goodbye, no request that fails.
func (b *breaking) roll(ctx context.Context) error {
	asking, enough := context.WithCancel(ctx)
	defer enough()
	var asked askers
	var running sync.WaitGroup
	for i := range 2 {
		running.Go(func() { asked.run(asking, b.URL(), fmt.Sprint("visitor-", i)) })
	}
	for range b.times {
		for _, n := range b.Nodes {
			if err := errors.Join(n.Stop(), n.Start(ctx), b.Ready(ctx)); err != nil {
				return err
			}
		}
	}
	enough()
	running.Wait()
	unasked := 0
	for _, p := range b.people {
		unasked += p.session.Unasked()
	}
	fmt.Printf("%d restarts; people were asked to move %d times; %d requests\n", b.times*len(b.Nodes), len(b.gaps()), asked.done)
	if unasked > 0 {
		asked.failed = errors.Join(asked.failed, fmt.Errorf("%d connections ended without a goodbye, or could not be made", unasked))
	}
	if len(b.gaps()) == 0 || asked.done == 0 {
		return errors.New("nobody was there to be moved")
	}
	b.soon("moved to another node", b.gaps())
	return asked.failed
}

// askers ask for pages and come in, again and again.
type askers struct {
	mu     sync.Mutex
	done   int
	failed error
}

func (a *askers) run(ctx context.Context, url, name string) {
	for n := 0; ctx.Err() == nil; n++ {
		_, _, err := client.NewGuest(ctx, url, fmt.Sprintf("%s-%d", name, n))
		if err == nil {
			err = get(ctx, url+"/")
		}
		a.mu.Lock()
		if ctx.Err() == nil {
			a.done += 2
			a.failed = errors.Join(a.failed, err)
		}
		a.mu.Unlock()
		pause(ctx, 20*time.Millisecond)
	}
}

func get(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, strings.TrimSpace(resp.Status))
	}
	return nil
}
