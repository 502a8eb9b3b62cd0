package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	programs := map[string]func(map[string]int) error{
		"load": runLoad, "storm": runStorm, "posts": runPosts, "idle": runIdle, "disk": runDisk, "hostile": runHostile,
		"memberships": runMemberships,
	}
	if len(args) > 0 && programs[args[0]] != nil { // a process of its own, for the other core
		settings := map[string]int{}
		for _, a := range args[1:] {
			key, value, _ := strings.Cut(a, "=")
			n, err := strconv.Atoi(value)
			if err != nil {
				return err
			}
			settings[key] = n
		}
		return programs[args[0]](settings)
	}
	if len(args) > 0 && args[0] == "cluster" {
		return runCluster(ctx, args[1:])
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := f.String("only", "", "servers whose name contains this")
	just := f.String("scenario", "", "scenarios whose title contains this")
	out := f.String("out", "", "also write the tables to this file")
	bin := f.String("bin", "bin/hubbub", "the program")
	peers := f.String("peers", "bin/peers", "the other servers' program")
	if err := f.Parse(args); err != nil {
		return err
	}
	var chosen []contender
	for _, c := range contenders(*bin, *peers) {
		if strings.Contains(c.name, *only) {
			chosen = append(chosen, c)
		}
	}
	return measure(ctx, chosen, *just, *out)
}
