package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// nodesBench measures nodes that share a PostgreSQL and a NATS. All of it has one core, the
// load the other: what more nodes cost shows, not what more machines give.
type nodesBench struct {
	report
	ctx context.Context
	bin string
	few int // nodes to begin with, and to end with
	top int
	// numbers are what the arithmetic of docs/scaling.md begins with, by scenario, nodes and
	// name.
	numbers map[string]float64
}

const (
	mostNodes = 3
	settle    = 1500 * time.Millisecond // in which what goes on behind a message ends
)

var clusterScenarios = []struct {
	title string
	run   func(*nodesBench, string) error
}{
	{"A word in a quiet room", (*nodesBench).quiet},
	{"One hot room", (*nodesBench).hot},
	{"As many deliveries as one core gives", (*nodesBench).saturate},
	{"Many small rooms", (*nodesBench).small},
	{"Posts", (*nodesBench).posts},
	{"Rooms that nobody reads at a node", (*nodesBench).unread},
	{"Nobody says anything", (*nodesBench).silence},
}

// runCluster is the command bench cluster.
func runCluster(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("bench cluster", flag.ContinueOnError)
	just := f.String("scenario", "", "scenarios whose title contains this")
	out := f.String("out", "", "also write the tables to this file")
	numbers := f.String("numbers", "", "also write the numbers to this file, for docs/scaling.md")
	bin := f.String("bin", "bin/hubbub", "the program")
	few := f.Int("from", 1, "nodes to begin with")
	top := f.Int("to", mostNodes, "nodes to end with")
	beside := f.String("beside", "nothing", "what else the machine does meanwhile, for the report")
	if err := f.Parse(args); err != nil {
		return err
	}
	c := &nodesBench{ctx: ctx, bin: *bin, few: *few, top: *top, numbers: make(map[string]float64)}
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	c.say("# Several nodes, measured\n")
	c.say("`make bench-cluster`, commit %s, %s, on %s. The machine did %s besides.\n",
		strings.TrimSpace(string(commit)), machine(), time.Now().UTC().Format("2 January 2006, 15:04 UTC"), *beside)
	c.say("PostgreSQL, NATS and all nodes are processes that **share one core**; the load has the other. So more nodes give no more deliveries here: the tables say what another node costs, " +
		"and what each part spends. Everything is durable before it is seen, and every delivery is checked. *Statements* are all that PostgreSQL was asked, `BEGIN` and `COMMIT` too; a message that NATS hands to two nodes is one in and two out.")
	if *just != "" {
		c.apart = fmt.Sprintf(" *Measured apart from the others: commit %s, on %s, with %s besides.*", strings.TrimSpace(string(commit)), time.Now().UTC().Format("2 January 2006, 15:04 UTC"), *beside)
		if b, err := os.ReadFile(*numbers); err == nil {
			if err := json.Unmarshal(b, &c.numbers); err != nil {
				return err
			}
		}
	}
	for _, s := range clusterScenarios {
		if !strings.Contains(s.title, *just) {
			continue
		}
		if err := s.run(c, s.title); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
		if err := c.keep(*out, *numbers); err != nil {
			return err
		}
	}
	return nil
}

// keep writes what was found so far, if it is wanted.
func (c *nodesBench) keep(out, numbers string) error {
	if out != "" {
		found := c.String()
		if old, err := os.ReadFile(out); err == nil && c.apart != "" {
			found = merged(string(old), found)
		}
		if err := os.WriteFile(out, []byte(found), 0o644); err != nil {
			return err
		}
	}
	if numbers == "" {
		return nil
	}
	b, err := json.MarshalIndent(c.numbers, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(numbers, append(b, '\n'), 0o644)
}

func (c *nodesBench) note(value float64, name string, args ...any) {
	c.numbers[fmt.Sprintf(name, args...)] = value
}

// each runs something on fresh nodes: one, two, three.
func (c *nodesBench) each(f func(*nodes) error) error {
	for n := c.few; n <= c.top; n++ {
		if err := c.on(n, f); err != nil {
			return err
		}
	}
	return nil
}

func (c *nodesBench) on(n int, f func(*nodes) error) error {
	ns, err := startNodes(c.ctx, c.bin, n)
	if err != nil {
		return err
	}
	defer ns.stop()
	return f(ns)
}

// attempt runs a program against some of the nodes, and counts what it cost all of them
// from when it was prepared until all has settled.
func (c *nodesBench) attempt(ns *nodes, at []*server, result any, program string, settings ...string) (counted, error) {
	h, err := ns.helper(c.ctx, at, program, append(settings, "v1=1", "wait=1")...)
	if err != nil {
		return counted{}, err
	}
	for line := "prepared"; line == "prepared" && program == "load"; {
		line = h.says() // "ready"
	}
	if program != "load" {
		h.says()
	}
	time.Sleep(settle)
	before, err := ns.count()
	if err != nil {
		return before, err
	}
	h.in.Write([]byte("\n"))
	if err := h.ends(result); err != nil {
		return before, err
	}
	time.Sleep(settle)
	after, err := ns.count()
	return after.since(before), err
}

const costs = "statements | of them for readers elsewhere | NATS in | NATS out | WAL bytes | nodes ms | PostgreSQL ms | NATS ms"

// costsOf says what a message cost, in the columns of costs, and notes it.
func (c *nodesBench) costsOf(d counted, messages float64, key string) string {
	ms := func(t time.Duration) float64 { return t.Seconds() * 1000 / messages }
	for name, v := range map[string]float64{
		"statements": d.statements / messages, "commits": d.commits / messages, "reads": d.sum("elsewhere_reads_total") / messages,
		"nats_in": d.in / messages, "nats_out": d.out / messages, "wal": d.wal / messages,
		"nodes_ms": ms(d.nodes()), "postgres_ms": ms(d.postgres), "nats_ms": ms(d.nats),
	} {
		c.note(v, "%s/%s", key, name)
	}
	return fmt.Sprintf("%.1f | %.2f | %.2f | %.2f | %.0f | %.2f | %.2f | %.2f", d.statements/messages, d.sum("elsewhere_reads_total")/messages,
		d.in/messages, d.out/messages, d.wal/messages, ms(d.nodes()), ms(d.postgres), ms(d.nats))
}

func columns(before string) []string {
	return append(strings.Split(before, " | "), strings.Split(costs, " | ")...)
}
