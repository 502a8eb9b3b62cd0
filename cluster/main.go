// Command cluster runs many machines on one: PostgreSQL, NATS, hubbub's nodes, and a
// balancer before them, which has the one address to open. It is for trying: kill a node
// and see that nobody notices.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"hubbub/internal/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		stop()
		os.Exit(1)
	}
}

// again is how long a node stays away that has ended: long enough to look around.
const again = 10 * time.Second

// show is what runs, and where that is told.
type show struct {
	*cluster.Cluster
	screen

	mu sync.Mutex // one line at a time
}

func run(ctx context.Context, args []string, out *os.File) error {
	f := flag.NewFlagSet("cluster", flag.ContinueOnError)
	o := cluster.Options{}
	f.StringVar(&o.Bin, "bin", "bin/hubbub", "the program")
	f.StringVar(&o.Dir, "data", "data-cluster", "folder that holds everything, and is kept")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:3000", "address and port to open; port 0 takes a free one")
	f.IntVar(&o.Nodes, "nodes", 3, "how many nodes")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || o.Nodes < 1 || o.Nodes > 20 {
		return errors.New("cluster takes flags alone, and 1 to 20 nodes")
	}
	fmt.Fprintln(out, "starting PostgreSQL, NATS and", o.Nodes, "nodes")
	c, err := cluster.Start(ctx, o)
	if ctx.Err() != nil {
		return nil // interrupted; what had begun is over
	}
	if err != nil {
		return err
	}
	s := &show{Cluster: c, screen: screenOf(out)}
	s.greet()
	var watching sync.WaitGroup
	for _, n := range c.Nodes {
		watching.Go(func() { s.watch(ctx, n) })
	}
	<-ctx.Done()
	watching.Wait()
	fmt.Fprintln(out, "\nstopping")
	return c.Close()
}

func (s *show) greet() {
	fmt.Fprintf(s.out, "\n  %s  %s\n", s.bold("open"), s.bold(s.URL()))
	fmt.Fprintf(s.out, "        Open it in three windows, talk, and end a node: nobody loses anything.\n")
	if link := s.Nodes[0].OwnerLink(); link != "" {
		fmt.Fprintf(s.out, "  %s   %s\n        This link makes you the owner. It works once, for a day.\n", s.bold("own"), link)
	}
	fmt.Fprintln(s.out)
	for _, n := range s.Nodes {
		s.node(n)
	}
	data, err := filepath.Abs(s.Dir)
	if err != nil {
		data = s.Dir
	}
	fmt.Fprintf(s.out, "\n  %s\n", s.dim("PostgreSQL  "+s.Database))
	fmt.Fprintf(s.out, "  %s\n", s.dim("NATS        "+s.NATS.URL()))
	fmt.Fprintf(s.out, "  %s\n\n", s.dim("data        "+data+", kept; logs are in node1/log and so on"))
	fmt.Fprintf(s.out, "  %s  Ctrl+C ends everything\n\n", s.bold("stop"))
}

// node says where a node is and how one ends it.
func (s *show) node(n *cluster.Node) {
	fmt.Fprintf(s.out, "  %s  %-24s %s  %s\n", s.bold(fmt.Sprint("node ", n.Number)), n.URL,
		s.red(fmt.Sprintf("kill -9 %d", n.Pid())), s.dim(fmt.Sprintf("or kill %d to have it say goodbye", n.Pid())))
}

// watch starts a node again that has ended, until ctx ends.
func (s *show) watch(ctx context.Context, n *cluster.Node) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.Ended():
		}
		s.say("%s has ended; it starts again in %v", n, again)
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
		if err := n.Start(ctx); err != nil {
			if ctx.Err() == nil {
				s.say("%s does not start, and stays away: %v", n, err)
			}
			return
		}
		s.mu.Lock()
		s.node(n)
		s.mu.Unlock()
	}
}

func (s *show) say(format string, n *cluster.Node, what any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "  "+format+"\n", s.bold(fmt.Sprint("node ", n.Number)), what)
}

// screen is where a person looks, if one does.
type screen struct {
	out      io.Writer
	coloured bool
}

func screenOf(f *os.File) screen {
	info, err := f.Stat()
	return screen{f, err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""}
}

func (s screen) in(code, text string) string {
	if !s.coloured {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s screen) bold(text string) string { return s.in("1", text) }
func (s screen) dim(text string) string  { return s.in("2", text) }
func (s screen) red(text string) string  { return s.in("31", text) }
