package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// gaps returns how long people had no connection.
func (c *crowd) gaps() (all []time.Duration) {
	for _, p := range c.people {
		p.mu.Lock()
		all = append(all, p.gaps...)
		p.mu.Unlock()
	}
	return all
}

// tries returns how often somebody was told to try again.
func (c *crowd) tries() (n int) {
	for _, p := range c.people {
		p.mu.Lock()
		n += p.tries
		p.mu.Unlock()
	}
	return n
}

// phase prints how long messages took to each screen since the phase before, and begins
// another.
func (c *crowd) phase(name string) (all []time.Duration) {
	for _, p := range c.people {
		p.mu.Lock()
		all = append(all, p.delays...)
		p.delays = nil
		p.mu.Unlock()
	}
	fmt.Println(summary(name+", from the wish to a screen", all))
	return all
}

// soon prints how long things took, and notes it if one took longer than it may.
func (b *breaking) soon(what string, took []time.Duration) {
	fmt.Println(summary(what, took))
	if b.within > 0 && len(took) > 0 && slices.Max(took) > b.within {
		b.slow = errors.Join(b.slow, fmt.Errorf("%s: it took up to %v, more than %v", what, slices.Max(took), b.within))
	}
}

// connections waits until the database has no more connections than the nodes may have:
// those that were cut off are noticed.
func (b *breaking) connections(ctx context.Context) error {
	db, err := sql.Open("pgx", b.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	const each = 20 // of a process
	for begun := time.Now(); ; {
		var n int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hubbub'").Scan(&n); err != nil {
			return err
		}
		if n <= each*(len(b.Nodes)+1) { // and this process
			fmt.Printf("%d connections of %d processes after %v\n", n, len(b.Nodes)+1, time.Since(begun).Round(time.Second))
			return nil
		}
		if time.Since(begun) > settleTime {
			return fmt.Errorf("the database has %d connections of %d processes", n, len(b.Nodes)+1)
		}
		if !pause(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
}

func summary(what string, took []time.Duration) string {
	if len(took) == 0 {
		return what + ": never"
	}
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(time.Millisecond / 10)
	}
	return fmt.Sprintf("%s: %d times, half within %v, 99 of 100 within %v, all within %v", what, len(took), at(0.5), at(0.99), at(1))
}
