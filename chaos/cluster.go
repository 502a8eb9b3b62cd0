package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hubbub/internal/cluster"
	"hubbub/internal/postgres"
)

// breaking is one run of chaos cluster: nodes that share a PostgreSQL and a NATS, people
// who talk at all of them, and something that breaks meanwhile.
type breaking struct {
	bin                          string
	nodes, clients, rooms, times int
	lasts, within                time.Duration
	sabotage                     string
	isolated, beside             bool

	*cluster.Cluster
	network *network        // nil: all is on loopback
	disk    *disk           // of PostgreSQL; nil: the machine's
	log     *postgres.Store // the same log, read beside the nodes
	rand    *rand.Rand
	slow    error           // what took too long
	levels  []time.Duration // how long it took until all screens were level again
	crowd
}

// fault is something that breaks.
type fault struct {
	what     string
	breaks   func(*breaking, context.Context) error
	alone    bool   // in namespaces
	disk     bool   // PostgreSQL has one of its own
	balanced bool   // people come by way of the balancer
	program  string // the mutant that it takes, if it is the program's own clock that is wrong

	nodes, clients, rooms, times int
	lasts, pace, within          time.Duration
	flapping                     bool
}

var faults = map[string]fault{
	"kill": {what: "a node is killed", breaks: (*breaking).kill, flapping: true,
		nodes: 3, clients: 12, rooms: 3, times: 200, pace: 10 * time.Millisecond, within: 2 * time.Second},
	"nats": {what: "NATS goes, and comes back", breaks: (*breaking).loseNATS,
		nodes: 3, clients: 12, rooms: 3, times: 1, lasts: 10 * time.Minute, pace: 200 * time.Millisecond, within: 2 * time.Second},
	"postgres": {what: "PostgreSQL goes, and comes back", breaks: (*breaking).losePostgreSQL,
		nodes: 3, clients: 12, rooms: 3, times: 1, lasts: time.Minute, pace: 50 * time.Millisecond},
	"power": {what: "the current of PostgreSQL's machine goes", breaks: (*breaking).cutPower, alone: true, disk: true,
		nodes: 2, clients: 8, rooms: 3, times: 100, pace: 5 * time.Millisecond},
	"partitions": {what: "ways between machines are cut, and processes stand still", breaks: (*breaking).partition, alone: true,
		nodes: 3, clients: 12, rooms: 3, times: 150, lasts: 4 * time.Second, pace: 50 * time.Millisecond, within: 2 * time.Second},
	"clock": {what: "clocks are off by hours", breaks: (*breaking).wait, program: "clock", flapping: true,
		nodes: 3, clients: 12, rooms: 3, lasts: time.Minute, pace: 20 * time.Millisecond},
	"mixed": {what: "one thing after the other", breaks: (*breaking).mix, alone: true, disk: true, flapping: true,
		nodes: 3, clients: 8, rooms: 2, times: 2, lasts: time.Second, pace: 5 * time.Millisecond},
	"roll": {what: "nodes are restarted, one after the other", breaks: (*breaking).roll, balanced: true,
		nodes: 3, clients: 12, rooms: 3, times: 3, pace: 20 * time.Millisecond, within: 2 * time.Second},
	"duel": {what: "two nodes append to one room as fast as they can", breaks: (*breaking).wait,
		nodes: 2, clients: 8, rooms: 1, lasts: 30 * time.Second},
}

// breakCluster is chaos cluster.
func breakCluster(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "red" {
		return red(ctx)
	}
	if len(args) == 0 || faults[args[0]].breaks == nil {
		return fmt.Errorf("say what is to break, or red, to see that the check fails when it must: %s", strings.Join(slices.Sorted(maps.Keys(faults)), ", "))
	}
	of := faults[args[0]]
	b := &breaking{}
	f := flag.NewFlagSet("cluster "+args[0], flag.ContinueOnError)
	f.StringVar(&b.bin, "bin", "bin/hubbub", "the program")
	f.IntVar(&b.nodes, "nodes", of.nodes, "nodes")
	f.IntVar(&b.clients, "clients", of.clients, "clients")
	f.IntVar(&b.rooms, "rooms", of.rooms, "rooms")
	f.IntVar(&b.times, "times", of.times, "how often it breaks")
	f.DurationVar(&b.lasts, "lasts", of.lasts, "how long it lasts, at most where that is random")
	f.DurationVar(&b.pace, "pace", of.pace, "between two messages of a person, on average; 0: as fast as they are answered")
	f.DurationVar(&b.within, "within", of.within, "how soon all must be well again; 0: that is only printed")
	f.Uint64Var(&b.seed, "seed", 0, "of all that is random; 0: the clock")
	f.StringVar(&b.sabotage, "sabotage", "", "what to take away from the program, so that the check must fail: "+strings.Join(slices.Sorted(maps.Keys(mutants)), ", "))
	f.BoolVar(&b.beside, "beside", false, "in namespaces: each machine has a NATS server, so that nodes can be cut off from each other")
	f.BoolVar(&b.isolated, "isolated", false, "it runs in namespaces of its own already")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	if of.alone && !b.isolated {
		return isolate(append([]string{"cluster"}, args...))
	}
	return b.run(ctx, of)
}

func (b *breaking) run(ctx context.Context, of fault) (err error) {
	if b.seed == 0 {
		b.seed = uint64(time.Now().UnixNano())
	}
	fmt.Printf("%s; seed %d\n", of.what, b.seed)
	b.rand = rand.New(rand.NewPCG(b.seed, 1))
	dir, err := os.MkdirTemp("", "hubbub-chaos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL's user passes through
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.set(ctx, of, dir); err != nil {
		return err
	}
	begun := time.Now()
	b.begin(ctx, of.flapping)
	if err := of.breaks(b, ctx); err != nil {
		return err
	}
	fmt.Printf("%.1f s\n", time.Since(begun).Seconds())
	history, err := b.crowd.end(ctx)
	b.phase("at the end")
	fmt.Println(summary("without a connection", b.gaps()))
	return errors.Join(err, b.judge(ctx, begun, history), b.slow)
}

// set starts everything.
func (b *breaking) set(ctx context.Context, of fault, dir string) (err error) {
	if b.sabotage == "" {
		b.sabotage = of.program
	}
	if b.sabotage != "" {
		if b.bin, err = build(ctx, b.sabotage, dir); err != nil {
			return err
		}
	}
	o := cluster.Options{Bin: b.bin, Dir: filepath.Join(dir, "cluster"), Nodes: b.nodes, Flags: []string{"--limits", "off"}, Each: b.each}
	if of.alone {
		if b.network, err = newNetwork(b.nodes); err != nil {
			return err
		}
		o.Host, o.Proxy = homeAddress, allMachines
		if b.beside {
			if err := b.network.startBeside(); err != nil {
				return err
			}
		}
	}
	if of.disk && os.Getuid() == 0 {
		if b.disk, err = newDisk(dir, filepath.Join(o.Dir, "postgres")); err != nil {
			return err
		}
	}
	if b.Cluster, err = cluster.Start(ctx, o); err != nil {
		return err
	}
	if b.log, err = postgres.Open(ctx, b.Database, quiet(), postgres.Options{}); err != nil {
		return err
	}
	b.careful = b.pace > 0
	for _, n := range b.Nodes {
		b.urls = append(b.urls, n.URL)
	}
	if of.balanced {
		b.urls = []string{b.URL()}
	}
	if err := b.invite(ctx, b.rooms, b.clients); err != nil {
		return err
	}
	if b.disk != nil { // what was set up is there, as long ago as it seems
		if err := b.disk.sync(); err != nil {
			return err
		}
	}
	return b.execute(ctx, mutants[b.sabotage].sql)
}

// execute runs a statement in the nodes' database.
func (b *breaking) execute(ctx context.Context, statement string) error {
	if statement == "" {
		return nil
	}
	db, err := sql.Open("pgx", b.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// each says what a node gets: its machine, and its clock.
func (b *breaking) each(c *cluster.Config) {
	if b.network != nil {
		c.Host, c.Wrap = machineAddress(c.Number), b.network.machines[c.Number-1].wrap()
	}
	if b.beside {
		c.NATS = fmt.Sprint("nats://127.0.0.1:", besidePort)
	}
	if off := []int{5 * 3600, -7 * 3600, 0}[(c.Number-1)%3]; strings.Contains(b.sabotage, "clock") {
		c.Env = append(c.Env, fmt.Sprint("CHAOS_CLOCK=", off))
	}
}

// judge stops the nodes, and holds the history against the log.
func (b *breaking) judge(ctx context.Context, begun time.Time, history []line) error {
	for _, n := range b.Nodes {
		if err := n.Stop(); err != nil {
			return err
		}
	}
	log, err := readLog(ctx, b.log)
	if err != nil {
		return err
	}
	v := verdict{log: log, complete: true, begun: begun}
	v.judge(history)
	return v.report(os.Stdout)
}

func (b *breaking) close() (err error) {
	if b.connected != nil {
		b.leave()
	}
	if b.log != nil {
		err = b.log.Close()
	}
	if b.Cluster != nil {
		err = errors.Join(err, b.Cluster.Close())
	}
	if b.disk != nil {
		err = errors.Join(err, b.disk.away())
	}
	if b.network != nil {
		b.network.close()
	}
	return err
}
