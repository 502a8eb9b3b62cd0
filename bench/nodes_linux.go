package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubbub/internal/cluster"
)

// nodes are a PostgreSQL, a NATS and some hubbubs that share them, all on core 0. NATS is
// in this process, which does nothing else while something is measured.
type nodes struct {
	*cluster.Cluster
	all  []*server // the hubbubs
	pgID int
}

// startNodes starts n of them with nothing in the database, which is on the disk and
// synced as ever.
func startNodes(ctx context.Context, bin string, n int) (*nodes, error) {
	dir, err := os.MkdirTemp("", "hubbub-bench-")
	if err != nil {
		return nil, err
	}
	os.Chmod(dir, 0o711) // PostgreSQL's user passes through
	ns := new(nodes)
	ns.Cluster, err = cluster.Start(ctx, cluster.Options{
		Bin: bin, Dir: dir, Nodes: n, Flags: []string{"--limits", "off", "--log-level", "warn"},
		Each:       func(c *cluster.Config) { c.Wrap, c.Env = []string{"taskset", "-c", "0"}, []string{"GOMAXPROCS=1"} },
		PostgreSQL: []string{"shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_utility=off", "shared_buffers=512MB", "max_wal_size=4GB"},
	})
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	for _, n := range ns.Nodes {
		ns.all = append(ns.all, &server{pid: n.Pid(), port: n.Port})
	}
	ns.Balancer.Close() // it would ask the nodes how they are
	if ns.pgID, err = ns.PostgreSQL.Pid(); err == nil {
		err = ns.PostgreSQL.Exec("CREATE EXTENSION pg_stat_statements")
	}
	for _, pid := range append(children(ns.pgID), ns.pgID, os.Getpid()) {
		if err == nil {
			err = exec.Command("taskset", "-a", "-p", "-c", "0", strconv.Itoa(pid)).Run()
		}
	}
	if err != nil {
		ns.stop()
		return nil, err
	}
	return ns, nil
}

func (ns *nodes) stop() {
	for _, n := range ns.Nodes {
		n.Kill()
	}
	ns.Close()
	os.RemoveAll(ns.Dir)
}

// ask asks PostgreSQL for one line of numbers.
func (ns *nodes) ask(query string) (numbers []float64, err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if len(found) == 0 {
		found = []string{"psql"}
	}
	out, err := exec.Command(slices.Max(found), "-X", "-A", "-t", "-F", " ", "-c", query, ns.PostgreSQL.URL("postgres")).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("psql: %w: %s", err, out)
	}
	for _, f := range strings.Fields(string(out)) {
		n, _ := strconv.ParseFloat(f, 64)
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// helper is one of this program's processes on the other core, told of some nodes.
func (ns *nodes) helper(ctx context.Context, of []*server, program string, settings ...string) (*helper, error) {
	for i, n := range of[1:] {
		settings = append(settings, fmt.Sprintf("port%d=%d", i+1, n.port))
	}
	return of[0].helper(ctx, program, settings...)
}

// counted is what all parts have counted since they started.
type counted struct {
	statements, commits, wal float64 // of PostgreSQL: commits of messages and changes; wal in bytes
	in, out                  float64 // messages into NATS, out of it
	postgres, nats           time.Duration
	node                     []time.Duration
	metrics                  []map[string]float64 // of each node
}

// count asks all parts. What asking costs itself is a few statements.
func (ns *nodes) count() (c counted, err error) {
	rows, err := ns.ask("SELECT sum(calls), coalesce(sum(calls) FILTER (WHERE query LIKE 'UPDATE lanes%'), 0), pg_current_wal_lsn() - '0/0' FROM pg_stat_statements")
	if err != nil {
		return c, err
	}
	c.commits, c.wal = rows[1], rows[2]
	c.statements = rows[0] + 2*c.commits // BEGIN and COMMIT, which it does not count when they were prepared
	in, out := ns.NATS.Stats()
	c.in, c.out = float64(in), float64(out)
	c.postgres, c.nats = used(ns.pgID), used(os.Getpid())
	for _, child := range children(ns.pgID) {
		c.postgres += used(child)
	}
	for i, n := range ns.all {
		m, err := read(ns.Nodes[i].Metrics)
		if err != nil {
			return c, err
		}
		c.node, c.metrics = append(c.node, n.cpu()), append(c.metrics, m)
	}
	return c, nil
}

func children(pid int) (all []int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, child := range strings.Fields(string(b)) {
		n, _ := strconv.Atoi(child)
		all = append(all, n)
	}
	return all
}

// read reads a node's counters, without their labels.
func read(address string) (map[string]float64, error) {
	resp, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	m := make(map[string]float64)
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if name, _, _ = strings.Cut(name, "{"); ok && name != "#" {
			v, _ := strconv.ParseFloat(value, 64)
			m[name] += v
		}
	}
	return m, nil
}

// since returns what was counted after an earlier count.
func (c counted) since(b counted) counted {
	c.statements -= b.statements
	c.commits -= b.commits
	c.wal -= b.wal
	c.in, c.out = c.in-b.in, c.out-b.out
	c.postgres, c.nats = c.postgres-b.postgres, c.nats-b.nats
	c.node, c.metrics = slices.Clone(c.node), slices.Clone(c.metrics)
	for i := range c.node {
		c.node[i] -= b.node[i]
		m := make(map[string]float64)
		for name, v := range c.metrics[i] {
			m[name] = v - b.metrics[i][name]
		}
		c.metrics[i] = m
	}
	return c
}

// sum adds up a counter of all nodes.
func (c counted) sum(name string) (sum float64) {
	for _, m := range c.metrics {
		sum += m["hubbub_"+name]
	}
	return sum
}

// nodes is the processor time of all nodes.
func (c counted) nodes() (sum time.Duration) {
	for _, d := range c.node {
		sum += d
	}
	return sum
}
