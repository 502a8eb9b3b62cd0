package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// scenarios are what is measured, in the order of the report.
var scenarios = []struct {
	title string
	run   func(context.Context, *report, string) error
}{
	{"As many deliveries as one core gives", saturate},
	{"The same, ten times the members", crowded},
	{"The same, none later than a tenth of a second", prompt},
	{"A busy evening", evening},
	{"A stadium", stadium},
	{"Nobody says anything", silence},
	{"All come back at once", storms},
	{"Many rooms", rooms},
	{"Large memberships", memberships},
	{"Posts", posts},
	{"A word in a quiet room", quiet},
	{"Some stop reading", deaf},
	{"A flood", flood},
}

// load is the share of time in which the load generator was at work.
func (f *figures) busy() float64 { return 100 - f.Idle*100 }

func saturate(ctx context.Context, r *report, title string) error {
	r.table(title, "1,000 members in a room, 10 of them talk, 64-byte texts; p99 under a second, nothing lost. Where the load is busy all the time, it is the limit.",
		"server", "deliveries/s", "p50 ms", "p99 ms", "times the tutorial's", "load busy")
	base := 0.0
	for _, c := range r.all {
		f, err := c.most(ctx, 1000, 20, time.Second)
		if err != nil {
			return err
		}
		if f == nil {
			r.say("| %s | never |", c.name)
			continue
		}
		if base == 0 {
			base = f.PerSecond
		}
		r.chart = append(r.chart, bar{c.name, f.PerSecond})
		r.say("| %s | %.0f | %.0f | %.0f | %.1f | %.0f %% |", c.name, f.PerSecond, f.P50, f.P99, f.PerSecond/base, f.busy())
	}
	return nil
}

func crowded(ctx context.Context, r *report, title string) error {
	r.table(title, "10,000 members in a room. *Never*: not even at 20 messages a second.", "server", "deliveries/s", "p50 ms", "p99 ms", "load busy")
	for _, c := range r.all {
		if c.name == hubbubV1 {
			continue
		}
		f, err := c.most(ctx, 10000, 20, time.Second)
		switch {
		case err != nil:
			return err
		case f == nil:
			r.say("| %s | never | | | |", c.name)
		default:
			r.say("| %s | %.0f | %.0f | %.0f | %.0f %% |", c.name, f.PerSecond, f.P50, f.P99, f.busy())
		}
	}
	return nil
}

func prompt(ctx context.Context, r *report, title string) error {
	r.table(title, "1,000 members; p99 under 100 ms.", "server", "deliveries/s", "p50 ms", "p99 ms")
	for i, c := range r.all {
		if i > 0 && !strings.HasPrefix(c.name, "hubbub") {
			continue
		}
		f, err := c.most(ctx, 1000, 20, 100*time.Millisecond)
		switch {
		case err != nil:
			return err
		case f == nil:
			r.say("| %s | never | | |", c.name)
		default:
			r.say("| %s | %.0f | %.0f | %.0f |", c.name, f.PerSecond, f.P50, f.P99)
		}
	}
	return nil
}

func evening(ctx context.Context, r *report, title string) error {
	r.table(title, "1,000 members, 100 messages a second, 5 seconds.", "server", "processor seconds per million deliveries", "p50 ms", "p99 ms")
	for _, c := range r.all {
		f, used, err := c.once(ctx, 1000, 100, 5*time.Second)
		if err != nil || !f.sound() {
			r.void(c.name, f, err)
			continue
		}
		r.say("| %s | %.1f | %.0f | %.0f |", c.name, perMillion(used, f), f.P50, f.P99)
	}
	return nil
}

func perMillion(used time.Duration, f *figures) float64 {
	return used.Seconds() / float64(f.Deliveries) * 1e6
}

func stadium(ctx context.Context, r *report, title string) error {
	r.table(title, "10,000 members, 200 messages a second, 5 seconds.", "server", "processor seconds per million deliveries", "p50 ms", "p99 ms", "load busy")
	for _, c := range r.all {
		f, used, err := c.once(ctx, 10000, 200, 5*time.Second)
		if err != nil || !f.sound() {
			r.void(c.name, f, err)
			continue
		}
		r.say("| %s | %.1f | %.0f | %.0f | %.0f %% |", c.name, perMillion(used, f), f.P50, f.P99, f.busy())
	}
	return nil
}

// silence measures what a connection costs that does nothing.
func silence(ctx context.Context, r *report, title string) error {
	r.table(title, "10,000 connections, idle for 10 seconds; growth of the server's resident memory.", "server", "KiB for each connection")
	for _, c := range r.all {
		settings := []string{"members=10000", "hold=1"}
		name := c.name
		if c.name == hubbubV1 {
			settings = append(settings, "rooms=1000", "open=10")
			name += ", 10 rooms open on each"
		}
		if err := c.idle(ctx, r, name, settings); err != nil {
			r.void(name, nil, err)
		}
	}
	return nil
}

func (c contender) idle(ctx context.Context, r *report, name string, settings []string) error {
	s, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	h, err := s.helper(ctx, "load", append(strings.Fields(c.dialect), settings...)...)
	if err != nil {
		return err
	}
	h.says() // "prepared"
	before := s.memory()
	if h.says() != "ready" {
		return fmt.Errorf("%s", h.errs.String())
	}
	time.Sleep(10 * time.Second)
	r.say("| %s | %.2f |", name, (s.memory()-before)/10000/1024)
	h.in.Close()
	return h.ends(new(figures))
}

func storms(ctx context.Context, r *report, title string) error {
	r.table(title, "10,000 connect at once. Over plain text, until all are in and have heard one message; over hubbub.v1, until all have resumed and have what they missed.",
		"server", "seconds")
	for _, c := range r.all {
		if c.name == hubbubV1 {
			r.storm(ctx, c, c.name+", nothing missed", "missed=0")
			r.storm(ctx, c, c.name+", 50 events missed", "missed=50")
		} else if !strings.Contains(c.dialect, "fuge") {
			r.storm(ctx, c, c.name, "missed=0")
		}
	}
	return ctx.Err()
}

func (r *report) storm(ctx context.Context, c contender, name, missed string) {
	var took struct{ Seconds float64 }
	s, err := c.start(ctx)
	if err == nil {
		defer s.stop()
		err = s.found(ctx, &took, "storm", append(strings.Fields(c.dialect), "members=10000", missed)...)
	}
	if err != nil {
		r.void(name, nil, err)
		return
	}
	r.say("| %s | %.2f |", name, took.Seconds)
}

// found runs a helper to its end.
func (s *server) found(ctx context.Context, result any, program string, settings ...string) error {
	h, err := s.helper(ctx, program, settings...)
	if err != nil {
		return err
	}
	h.says() // "prepared"
	return h.ends(result)
}

// rooms compares the same deliveries in one room and in many. In small rooms
// each delivery is a write of its own, so the fair comparison is one room of
// ten, then a thousand.
func rooms(ctx context.Context, r *report, title string) error {
	r.table(title, "The same deliveries a second, 5 seconds.", "server", "rooms", "deliveries/s", "processor seconds per million deliveries", "p99 ms")
	for _, c := range r.ours() {
		v1 := c.name == hubbubV1
		shapes := []struct {
			what     string
			rate     int
			settings []string
		}{
			{"one of 10", 2000, []string{"members=10"}},
			{"1,000 of 10, 10,000 connections", 2000, []string{"members=10000", "rooms=1000"}},
			{"one of 100", 1000, []string{"members=100"}},
			{"1,000 of 100, 1,000 connections with 100 rooms open", 1000, []string{"members=1000", "rooms=1000", "open=100"}},
		}
		for i, shape := range shapes {
			if i >= 2 && !v1 {
				break // plain text has one room on a connection
			}
			s, err := c.start(ctx)
			if err != nil {
				return err
			}
			f, used, err := c.attempt(ctx, s, append(shape.settings, fmt.Sprint("rate=", shape.rate), "ms=5000")...)
			s.stop()
			if err != nil || !f.sound() {
				r.void(c.name+" | "+shape.what, f, err)
				continue
			}
			r.say("| %s | %s | %.0f | %.1f | %.0f |", c.name, shape.what, f.PerSecond, perMillion(used, f), f.P99)
		}
	}
	return nil
}

func posts(ctx context.Context, r *report, title string) error {
	r.table(title, "64 messages of hubbub.v1 in flight, to durable storage in rooms that nobody reads: a new one is sent when one is acknowledged.", "connections", "rooms", "acknowledged/s")
	for _, conns := range []int{1, 64} {
		for _, n := range []int{1, 100} {
			var f struct {
				PerSecond float64 `json:"per_second"`
			}
			if err := r.fresh(ctx, &f, "posts", fmt.Sprint("conns=", conns), fmt.Sprint("rooms=", n), "ms=4000"); err != nil {
				return err
			}
			r.say("| %d | %d | %.0f |", conns, n, f.PerSecond)
		}
	}
	return nil
}

// fresh runs a helper against a fresh hubbub.
func (r *report) fresh(ctx context.Context, result any, program string, settings ...string) error {
	for _, c := range r.all {
		if c.name == hubbubV1 {
			s, err := c.start(ctx)
			if err != nil {
				return err
			}
			defer s.stop()
			return s.found(ctx, result, program, settings...)
		}
	}
	return nil
}

func quiet(ctx context.Context, r *report, title string) error {
	r.table(title, "A room of ten over hubbub.v1, one message every few milliseconds; from sending to receipt, stored in between. Beside it the disk alone: 4 KiB written and synced as often.",
		"what", "p50 ms", "p99 ms")
	for _, what := range []struct{ name, program string }{{"hubbub", "idle"}, {"the disk", "disk"}} {
		var f figures
		if err := r.fresh(ctx, &f, what.program); err != nil {
			return err
		}
		r.say("| %s | %.2f | %.2f |", what.name, f.P50, f.P99)
	}
	return nil
}

func deaf(ctx context.Context, r *report, title string) error {
	r.table(title, "1,000 members, 100 messages a second for a minute; 50 of them read nothing until it is over, and then must get everything.",
		"server", "who reads nothing", "p99 of the others, ms", "growth of memory, MiB")
	for _, c := range r.ours() {
		for _, n := range []int{0, 50} {
			s, err := c.start(ctx)
			if err != nil {
				return err
			}
			before, peak := s.memory(), 0.0
			watch, stop := context.WithCancel(ctx)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for watch.Err() == nil {
					peak = max(peak, s.memory())
					time.Sleep(50 * time.Millisecond)
				}
			}()
			f, _, err := c.attempt(ctx, s, "members=1000", "rate=100", "ms=60000", fmt.Sprint("deaf=", n))
			stop()
			<-done
			s.stop()
			if err != nil || !f.sound() {
				r.void(c.name, f, err)
				continue
			}
			r.say("| %s | %d | %.0f | %.1f |", c.name, n, f.P99, (peak-before)/(1<<20))
		}
	}
	return nil
}

// flood leaves the limits on.
func flood(ctx context.Context, r *report, title string) error {
	r.table(title, "1,000 members, 100 messages a second, 10 seconds, limits on; meanwhile 100 hostile connections: endless fragments, pings, half handshakes, junk, bombs. They share the load's core.",
		"server", "hostile", "p99 of the members, ms")
	for _, c := range r.ours() {
		for _, n := range []int{0, 100} {
			s, err := c.start(ctx, "--limits", "on", "--address-limit", "2000", "--handshake-rate", "0", "--guest-rate", "0")
			if err != nil {
				return err
			}
			var h *helper
			if n > 0 {
				if h, err = s.helper(ctx, "hostile", "ms=20000"); err != nil {
					return err
				}
			}
			f, _, err := c.attempt(ctx, s, "members=1000", "rate=100", "ms=10000")
			if h != nil {
				h.cmd.Process.Kill()
				h.cmd.Wait()
			}
			s.stop()
			if err != nil || !f.sound() {
				r.void(c.name, f, err)
				continue
			}
			r.say("| %s | %d | %.0f |", c.name, n, f.P99)
		}
	}
	return nil
}
