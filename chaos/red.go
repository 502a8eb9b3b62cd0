package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// reds are runs with something taken away, and what must be said of each.
var reds = []struct {
	args string
	want string
}{
	{"duel --lasts 3s --sabotage gap", "was sent"},
	{"kill --times 5 --sabotage dedup", "is stored at"},
	{"kill --times 5 --sabotage fetch", "has seen room"},
	{"nats --lasts 15s --pace 4s --sabotage heads", "without NATS, on a screen: it took"},
	{"power --times 10 --pace 0 --sabotage settle", "what is not there"},
	{"power --times 10 --sabotage sync", "was told that"},
	{"partitions --times 12 --lasts 15s --pace 5s --sabotage heads", "level after healing: it took"},
	{"roll --times 1 --sabotage goodbye", "ended without a goodbye"},
	{"clock --lasts 5s --sabotage own-clock", "of another time"},
}

// command is this command once more.
func command(ctx context.Context, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return exec.CommandContext(ctx, self, args...)
}

// red runs them, and fails if one of them finds nothing.
func red(ctx context.Context) (err error) {
	for _, r := range reds {
		begun := time.Now()
		out, failed := command(ctx, append([]string{"cluster"}, strings.Fields(r.args)...)...).CombinedOutput()
		said := strings.TrimSpace(string(out))
		fmt.Printf("chaos cluster %s (%.0f s)\n  %s\n", r.args, time.Since(begun).Seconds(), strings.ReplaceAll(said, "\n", "\n  "))
		if failed == nil || !strings.Contains(said, r.want) {
			err = errors.Join(err, fmt.Errorf("chaos cluster %s: %q was not found out", r.args, r.want))
		}
	}
	return err
}
