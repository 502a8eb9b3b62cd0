// Command hubbub is a chat server in one file: server, page and database.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is what this build calls itself; `make build` may set it.
var version = "0.1.0"

func main() { os.Exit(run()) }

// run is main with an exit status: 0 done, 1 failed, 2 not understood.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := newRoot().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "hubbub:", err)
	var u *usageError
	if errors.As(err, &u) {
		fmt.Fprintln(os.Stderr, "Try 'hubbub help'.")
		return 2
	}
	return 1
}
