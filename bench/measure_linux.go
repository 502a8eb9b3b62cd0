package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// report collects lines for the terminal and for bench/RESULTS.md.
type report struct {
	strings.Builder
	all   []contender
	chart []bar
	apart string // when and where scenarios were measured that are not measured with the others
}

func (r *report) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Println(line)
	r.WriteString(line + "\n")
}

// table begins a scenario: its title, what is done, and the columns.
func (r *report) table(title, what string, columns ...string) {
	r.say("\n## %s\n%s%s\n", title, what, r.apart)
	r.say("| %s |", strings.Join(columns, " | "))
	r.say("|%s", strings.Repeat("---|", len(columns)))
}

// void reports a run that does not count.
func (r *report) void(name string, f *figures, err error) {
	if err != nil {
		r.say("| %s | void: %v |", name, err)
		return
	}
	r.say("| %s | void: %d missing, %d wrong; p99 %.0f ms |", name, f.Missing, f.Wrong, f.P99)
}

// ours returns the contenders that are hubbub.
func (r *report) ours() (list []contender) {
	for _, c := range r.all {
		if strings.HasPrefix(c.name, "hubbub") {
			list = append(list, c)
		}
	}
	return list
}

// measure runs the scenarios, and writes what it found to the file out, if that
// is not empty.
func measure(ctx context.Context, all []contender, only, out string) error {
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	node, _ := exec.Command("node", "--version").Output()
	modules, _ := exec.Command("go", "list", "-C", "bench/peers", "-m", "github.com/gorilla/websocket", "github.com/centrifugal/centrifuge").Output()
	r := &report{all: all}
	if only != "" {
		r.apart = fmt.Sprintf(" *Measured apart from the others: commit %s, %s, on %s.*",
			strings.TrimSpace(string(commit)), machine(), time.Now().UTC().Format("2 January 2006, 15:04 UTC"))
	}
	r.say("# Measured\n")
	r.say("`make bench`, commit %s, %s, Node %s with ws 8.23, %s, on %s. The server has one core, the load the other.\n",
		strings.TrimSpace(string(commit)), machine(), strings.TrimSpace(string(node)),
		strings.Join(strings.Split(strings.TrimSpace(string(modules)), "\n"), ", "), time.Now().UTC().Format("2 January 2006, 15:04 UTC"))
	r.say("hubbub stores every message, and it is on the disk before anyone sees it; the others store nothing. The tutorial's server relays texts as binary messages. " +
		"Every delivery is checked: of which stream it is, that it is the next of it, and its text. A run with one missing or wrong is void.")
	for _, s := range scenarios {
		if strings.Contains(s.title, only) {
			if err := s.run(ctx, r, s.title); err != nil {
				return fmt.Errorf("%s: %w", s.title, err)
			}
			if err := r.save(out); err != nil {
				return err
			}
		}
	}
	return nil
}

// save writes what was found so far, if it is wanted.
func (r *report) save(out string) error {
	if out == "" {
		return nil
	}
	if len(r.chart) > 0 {
		if err := os.WriteFile("docs/speed.svg", []byte(drawing(r.chart)), 0o644); err != nil {
			return err
		}
	}
	found := r.String()
	if old, err := os.ReadFile(out); err == nil && r.apart != "" {
		found = merged(string(old), found)
	}
	return os.WriteFile(out, []byte(found), 0o644)
}

// merged puts the scenarios of a report that has only some of them into an older one.
func merged(old, found string) string {
	const begins = "\n## "
	all := strings.Split(old, begins)
	for _, section := range strings.Split(found, begins)[1:] {
		title, _, _ := strings.Cut(section, "\n")
		at := 1
		for at < len(all) && !strings.HasPrefix(all[at], title+"\n") {
			at++
		}
		if at == len(all) {
			all = slices.Insert(all, place(all, title), section)
		} else {
			all[at] = section
		}
	}
	return strings.TrimRight(strings.Join(all, begins), "\n") + "\n"
}

// place returns where a scenario belongs that a report did not have: behind those that
// come before it.
func place(sections []string, title string) int {
	at := 1
	for _, s := range scenarios {
		if s.title == title {
			break
		}
		if i := slices.IndexFunc(sections, func(section string) bool { return strings.HasPrefix(section, s.title+"\n") }); i >= 0 {
			at = i + 1
		}
	}
	return at
}

func (f *figures) sound() bool { return f.Missing == 0 && f.Wrong == 0 }

// most finds the highest rate at which nothing is lost and p99 stays under the
// limit: by doubling, then by halving the gap until it is a tenth. nil: not even
// at the rate it begins with.
func (c contender) most(ctx context.Context, members, rate int, limit time.Duration) (best *figures, err error) {
	low, high := 0, 0
	for high == 0 || (high-low)*10 >= high {
		f, err := c.manages(ctx, members, rate, limit)
		if err != nil {
			return nil, err
		}
		if f != nil {
			low, best = rate, f
		} else {
			high = rate
		}
		switch {
		case high == 0:
			rate = 2 * low
		case low == 0:
			return nil, nil
		default:
			rate = (low + high) / 2
		}
	}
	return best, nil
}

// manages says how a server does at a rate, or returns nil if it fails twice: a
// moment in which the machine had something else to do decides nothing.
func (c contender) manages(ctx context.Context, members, rate int, limit time.Duration) (*figures, error) {
	const last = 3 * time.Second
	for range 2 {
		f, _, err := c.once(ctx, members, rate, last)
		if ctx.Err() != nil {
			return nil, err
		}
		if err == nil && f.sound() && f.P99 < float64(limit.Milliseconds()) && f.Seconds < (last+limit).Seconds() {
			return f, nil
		}
	}
	return nil, nil
}

// once runs a fresh server for one load in a single room.
func (c contender) once(ctx context.Context, members, rate int, last time.Duration, more ...string) (*figures, time.Duration, error) {
	s, err := c.start(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer s.stop()
	settings := []string{fmt.Sprint("members=", members), fmt.Sprint("rate=", rate), fmt.Sprint("ms=", last.Milliseconds())}
	return c.attempt(ctx, s, append(settings, more...)...)
}
