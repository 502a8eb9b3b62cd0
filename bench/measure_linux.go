package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// report collects lines for the terminal and for bench/RESULTS.md.
type report struct{ strings.Builder }

func (r *report) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Println(line)
	r.WriteString(line + "\n")
}

// measure runs every scenario and writes what it found to the file out, if that
// is not empty.
func measure(ctx context.Context, all []contender, out string) error {
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	node, _ := exec.Command("node", "--version").Output()
	var r report
	r.say("# Measured")
	r.say("")
	r.say("`make bench`, commit %s, %s, Node %s, %s. Server on one core, load on the other.",
		strings.TrimSpace(string(commit)), machine(), strings.TrimSpace(string(node)), time.Now().UTC().Format(time.DateOnly))
	if err := saturate(ctx, &r, all); err != nil {
		return err
	}
	if err := evening(ctx, &r, all); err != nil {
		return err
	}
	r.say("")
	r.say("hubbub stores every message and is on the disk before anyone sees it; the others store nothing. The tutorial's server relays texts as binary messages.")
	r.say("Every delivery is checked: by whom, that it is the next of that sender, and its text. A run with one missing or wrong is void.")
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(r.String()), 0o644)
}

// saturate finds how much one core can deliver.
func saturate(ctx context.Context, r *report, all []contender) error {
	r.say("")
	r.say("## As many deliveries as one core gives")
	r.say("1,000 members in a room, 10 of them talk, 64-byte texts; p99 under a second, nothing lost. *Idle* is the load's: near 0, the load is the limit.")
	r.say("")
	r.say("| server | deliveries/s | p50 ms | p99 ms | times the tutorial's | load idle |")
	r.say("|---|---|---|---|---|---|")
	base := 0.0
	for _, c := range all {
		f, err := most(ctx, c, 1000, time.Second)
		if err != nil {
			return err
		}
		if base == 0 {
			base = f.PerSecond
		}
		r.say("| %s | %.0f | %.0f | %.0f | %.1f | %.0f %% |", c.name, f.PerSecond, f.P50, f.P99, f.PerSecond/base, f.Idle*100)
	}
	return nil
}

// evening measures what a load costs that everyone can bear.
func evening(ctx context.Context, r *report, all []contender) error {
	r.say("")
	r.say("## A busy evening")
	r.say("1,000 members, 100 messages a second, 5 seconds.")
	r.say("")
	r.say("| server | processor seconds per million deliveries | p50 ms | p99 ms |")
	r.say("|---|---|---|---|")
	for _, c := range all {
		f, used, err := once(ctx, c, 1000, 100, 5*time.Second)
		switch {
		case err != nil:
			return err
		case !f.sound():
			r.say("| %s | void: %d missing, %d wrong | | |", c.name, f.Missing, f.Wrong)
		default:
			r.say("| %s | %.1f | %.0f | %.0f |", c.name, used.Seconds()/float64(f.Deliveries)*1e6, f.P50, f.P99)
		}
	}
	return nil
}

func (f *figures) sound() bool { return f.Missing == 0 && f.Wrong == 0 }

// most finds the highest rate at which nothing is lost and p99 stays under the
// limit: by doubling, then by halving the gap until it is a tenth.
func most(ctx context.Context, c contender, members int, limit time.Duration) (*figures, error) {
	const last = 3 * time.Second
	best := &figures{}
	low, high := 0, 0
	for rate := 20; high == 0 || (high-low)*10 >= high; {
		f, _, err := once(ctx, c, members, rate, last)
		if err != nil {
			return nil, err
		}
		if f.sound() && f.P99 < float64(limit.Milliseconds()) && f.Seconds < (last+limit).Seconds() {
			low, best = rate, f
		} else {
			high = rate
		}
		switch {
		case high == 0:
			rate = 2 * low
		case low == 0:
			return best, nil
		default:
			rate = (low + high) / 2
		}
	}
	return best, nil
}

// once runs a contender for one load, and returns the processor time it took
// without what the connections cost.
func once(ctx context.Context, c contender, members, rate int, last time.Duration) (*figures, time.Duration, error) {
	s, err := c.start(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer s.stop()
	return attempt(ctx, c, s, members, rate, last)
}
