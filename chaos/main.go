// Command chaos breaks things around a real server and judges what its clients
// saw. docs/faults.md says what each run breaks, and what came of it.
//
//	chaos kill --bin bin/hubbub --kills 100
//	chaos cluster kill|nats|postgres|power|partitions|clock|roll|duel|mixed
//	chaos check --data DIR HISTORY.jsonl...
//	chaos check --database postgres://… HISTORY.jsonl...
//
// A history is what one or more clients lived through, one JSON object a line, in
// the order of each client:
//
//	{"what":"meant","client":"c1","room":"ROOM","id":"UUID","hash":"HASH"}   wanted to send; plain clients have no id
//	{"what":"acked","client":"c1","room":"ROOM","id":"UUID","seq":7}         was told that it is stored there
//	{"what":"showed","client":"c1","room":"ROOM","id":"UUID","seq":7,"hash":"HASH"}
//	{"what":"reload","client":"c1","room":"ROOM","seq":7}                    the screen begins anew behind 7
//	{"what":"again","client":"c1","id":"UUID"}                               was told to send it again later
//	{"what":"jumped","client":"c1","room":"ROOM","seq":9}                    was sent what is not the next; it was not shown
//
// HASH is the first 16 hexadecimal digits of the text's SHA-256.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say kill, cluster or check")
	}
	switch args[0] {
	case "cluster":
		return breakCluster(ctx, args[1:])
	case "nats": // for cluster
		return serveNATS(ctx, args[1:])
	}
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "kill":
		var o killing
		f.StringVar(&o.bin, "bin", "bin/hubbub", "the program")
		f.IntVar(&o.kills, "kills", 100, "how often to kill it")
		f.IntVar(&o.clients, "clients", 8, "clients of hubbub.v1; two more speak plain text")
		f.IntVar(&o.rooms, "rooms", 3, "rooms")
		f.Uint64Var(&o.seed, "seed", 0, "of all that is random; 0: the clock")
		f.StringVar(&o.sabotage, "sabotage", "", "dedup: switch off what keeps resent messages single; the check must fail")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		return o.run(ctx)
	case "check":
		data := f.String("data", "data", "the server's folder; it must have stopped")
		database := f.String("database", "", "the database that nodes share, instead of a folder")
		complete := f.Bool("complete", false, "every screen must reach the end of its room")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		h, err := readHistory(f.Args()...)
		if err != nil {
			return err
		}
		if *database == "" {
			return judgeFolder(ctx, *data, h, *complete)
		}
		s, err := openDatabase(ctx, *database)
		if err != nil {
			return err
		}
		return judge(ctx, s, h, *complete)
	}
	return fmt.Errorf("there is no %q; say kill, cluster or check", args[0])
}
