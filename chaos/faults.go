package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// between waits a random while.
func (b *breaking) between(ctx context.Context, least, most time.Duration) error {
	if !pause(ctx, least+time.Duration(b.rand.Int64N(int64(most-least)+1))) {
		return ctx.Err()
	}
	return nil
}

// wait breaks nothing more than is broken from the start.
func (b *breaking) wait(ctx context.Context) error { return b.between(ctx, b.lasts, b.lasts) }

// kill kills one node after the other, and starts it again a little later.
func (b *breaking) kill(ctx context.Context) error {
	for range b.times {
		if err := b.between(ctx, 50*time.Millisecond, 400*time.Millisecond); err != nil {
			return err
		}
		n := b.Nodes[b.rand.IntN(len(b.Nodes))]
		if err := n.Kill(); err != nil {
			return err
		}
		if err := b.between(ctx, 0, 500*time.Millisecond); err != nil {
			return err
		}
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	b.soon("back on another node", b.gaps())
	return nil
}

// loseNATS ends NATS, and starts it again later.
func (b *breaking) loseNATS(ctx context.Context) error {
	before := min(b.lasts, 5*time.Second)
	if err := b.between(ctx, before, before); err != nil {
		return err
	}
	b.phase("with NATS")
	for range b.times {
		b.NATS.Stop()
		if err := b.wait(ctx); err != nil {
			return err
		}
		without := b.phase("without NATS")
		if err := b.NATS.Start(); err != nil {
			return err
		}
		if err := b.between(ctx, before, before); err != nil {
			return err
		}
		b.soon("without NATS, on a screen", without)
		b.phase("with NATS again")
	}
	return nil
}

// losePostgreSQL ends PostgreSQL, and starts it again later.
func (b *breaking) losePostgreSQL(ctx context.Context) error {
	for range b.times {
		if err := b.between(ctx, time.Second, time.Second); err != nil {
			return err
		}
		broken, tries := len(b.gaps()), b.tries()
		if err := b.PostgreSQL.Kill(); err != nil {
			return err
		}
		if err := b.wait(ctx); err != nil {
			return err
		}
		fmt.Printf("%d times somebody was told to try again; %d connections broke\n", b.tries()-tries, len(b.gaps())-broken)
		switch {
		case b.tries() == tries:
			return errors.New("nobody was told to try again")
		case len(b.gaps()) > broken:
			return errors.New("readers were sent away")
		}
		if err := b.PostgreSQL.Up(); err != nil {
			return err
		}
		if err := b.level(ctx); err != nil {
			return err
		}
	}
	b.soon("level after a start", b.levels)
	return nil
}

// mix breaks one thing after the other: a little of everything.
func (b *breaking) mix(ctx context.Context) error {
	for _, breaks := range []func(context.Context) error{b.kill, b.partition, b.cutPower} {
		if err := breaks(ctx); err != nil {
			return err
		}
	}
	b.times = 1
	if err := b.loseNATS(ctx); err != nil {
		return err
	}
	b.lasts = max(b.lasts, patience)
	return b.losePostgreSQL(ctx)
}

// patience is for how long a sender waits for a database that has gone, and a little.
const patience = 3 * time.Second

// cutPower takes the current from PostgreSQL's machine again and again: what was not
// synced is gone, and all processes are.
func (b *breaking) cutPower(ctx context.Context) error {
	if b.disk == nil {
		fmt.Println("not root: PostgreSQL is killed, and its disk keeps what was written and not synced")
	}
	for range b.times {
		if err := b.between(ctx, 100*time.Millisecond, time.Second); err != nil {
			return err
		}
		if b.disk == nil {
			if err := b.PostgreSQL.Kill(); err != nil {
				return err
			}
		} else if err := b.crash(); err != nil {
			return err
		}
		if err := b.PostgreSQL.Up(); err != nil {
			return err
		}
		if err := b.level(ctx); err != nil {
			return err
		}
	}
	b.soon("level after a start", b.levels)
	return nil
}

// crash takes the current from PostgreSQL, and gives it back.
func (b *breaking) crash() error {
	postmaster, err := b.PostgreSQL.Pid()
	if err != nil {
		return err
	}
	pids := append(descendants(postmaster), postmaster)
	if err := b.disk.off(); err != nil {
		return err
	}
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for begun := time.Now(); b.disk.umount() != nil; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			return b.disk.umount()
		}
	}
	if err := b.disk.on(); err != nil {
		return err
	}
	err = os.Remove(filepath.Join(b.PostgreSQL.Folder(), "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // it had not been synced
	}
	return err
}

// descendants are the processes that one has started.
func descendants(pid int) (all []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// level waits until every screen shows what the log has now.
func (b *breaking) level(ctx context.Context) error {
	begun := time.Now()
	heads, err := b.log.Heads(ctx, b.ids)
	if err != nil {
		return err
	}
	for room, head := range heads {
		for {
			late := b.shown(room, head)
			if late == nil {
				break
			}
			if time.Since(begun) > settleTime {
				return fmt.Errorf("%v after healing, %w", settleTime, late)
			}
			if !pause(ctx, 5*time.Millisecond) {
				return ctx.Err()
			}
		}
	}
	b.levels = append(b.levels, time.Since(begun))
	return nil
}

// partition cuts ways and stops processes, up to three at a time, and lets all go on
// again.
func (b *breaking) partition(ctx context.Context) error {
	for n := range b.times {
		if err := b.between(ctx, 100*time.Millisecond, 500*time.Millisecond); err != nil {
			return err
		}
		d := b.disturbance()
		begun := time.Now()
		err := errors.Join(b.network.cut(d.cuts...), d.signal(syscall.SIGSTOP), b.between(ctx, 100*time.Millisecond, b.lasts))
		lasted := time.Since(begun)
		if err := errors.Join(err, b.network.heal(), d.signal(syscall.SIGCONT)); err != nil { // in any case: what stands could not be stopped
			return err
		}
		if err := b.level(ctx); err != nil {
			return fmt.Errorf("disturbance %d (%s, %v): %w", n+1, d.said, lasted, err)
		}
		if took := b.levels[len(b.levels)-1]; b.within > 0 && took > b.within {
			fmt.Printf("disturbance %d (%s) lasted %v; level %v after it\n", n+1, d.said, lasted.Round(time.Millisecond), took.Round(time.Millisecond))
		}
	}
	b.soon("level after healing", b.levels)
	return b.connections(ctx)
}

// disturbance is what is wrong at a time.
type disturbance struct {
	said    string
	cuts    []cut
	stopped []int // processes
}

func (d *disturbance) signal(s syscall.Signal) error {
	for _, pid := range d.stopped {
		if pid <= 0 { // it is not there
			continue
		}
		if err := syscall.Kill(pid, s); err != nil && err != syscall.ESRCH { // a helper of PostgreSQL may have ended
			return err
		}
	}
	return nil
}

// disturbance chooses one to three things to be wrong.
func (b *breaking) disturbance() *disturbance {
	d := &disturbance{}
	for range 1 + b.rand.IntN(3) {
		n := 1 + b.rand.IntN(len(b.Nodes))
		switch b.rand.IntN(8) {
		case 0:
			d.stop(fmt.Sprintf("node %d stands", n), b.Nodes[n-1].Pid())
		case 1:
			if pid, err := b.PostgreSQL.Pid(); err == nil {
				d.stop("PostgreSQL stands", append(descendants(pid), pid)...)
			}
		case 2, 3, 4:
			d.part(b.rand.IntN(3), n, "PostgreSQL", b.PostgreSQL.URL("hubbub"))
		default:
			if b.beside {
				d.divide(b.rand.IntN(3), n, 1+n%len(b.Nodes))
				continue
			}
			d.part(b.rand.IntN(3), n, "NATS", b.NATS.URL())
		}
	}
	return d
}

// divide cuts two nodes off from each other.
func (d *disturbance) divide(how, n, m int) {
	d.sever(how, fmt.Sprint("node ", n), fmt.Sprint("node ", m), cut{machineAddress(n), machineAddress(m), ""}, cut{machineAddress(m), machineAddress(n), ""})
}

func (d *disturbance) stop(what string, pids ...int) {
	d.say(what)
	d.stopped = append(d.stopped, pids...)
}

func (d *disturbance) say(what string) {
	if d.said != "" {
		d.said += ", "
	}
	d.said += what
}

// part cuts a node off a service: what it sends, what it is sent, or both.
func (d *disturbance) part(how, n int, name, service string) {
	port := "0"
	if u, err := url.Parse(service); err == nil {
		port = u.Port()
	}
	there := cut{machineAddress(n), homeAddress, "ipproto tcp dport " + port}
	back := cut{homeAddress, machineAddress(n), "ipproto tcp sport " + port}
	d.sever(how, fmt.Sprint("node ", n), name, there, back)
}

// sever cuts one way, the way back, or both.
func (d *disturbance) sever(how int, a, b string, there, back cut) {
	switch how {
	case 0:
		d.say(a + " -x-> " + b)
		d.cut(there)
	case 1:
		d.say(a + " <-x- " + b)
		d.cut(back)
	default:
		d.say(a + " <-x-> " + b)
		d.cut(there, back)
	}
}

func (d *disturbance) cut(cuts ...cut) {
	for _, c := range cuts {
		if !slices.Contains(d.cuts, c) {
			d.cuts = append(d.cuts, c)
		}
	}
}
