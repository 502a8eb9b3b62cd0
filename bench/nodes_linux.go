package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"
)

// nodes are a PostgreSQL, a NATS and some hubbubs that share them, each a process of its
// own and all on core 0.
type nodes struct {
	dir     string
	all     []*node
	nats    *exec.Cmd
	natsWeb string // its monitoring
	stopPG  *exec.Cmd
	pgPID   int
	pgPort  int
	psql    string
}

type node struct {
	*server
	metrics string // address of its counters
}

// startNodes starts n of them with nothing in the database, which is on the disk and
// synced as ever.
func startNodes(ctx context.Context, bin string, n int) (*nodes, error) {
	ns := new(nodes)
	var err error
	if ns.dir, err = os.MkdirTemp("", "hubbub-bench-"); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return os.Chmod(ns.dir, 0o755) }, // PostgreSQL may be another user
		ns.startPostgres,
		func() error { return ns.startNATS(ctx) },
	} {
		if err := step(); err != nil {
			ns.stop()
			return nil, err
		}
	}
	for range n {
		if err := ns.add(ctx, bin); err != nil {
			ns.stop()
			return nil, err
		}
	}
	return ns, nil
}

func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// asPostgres is a program of PostgreSQL's, which does not run as root.
func asPostgres(name string, args ...string) *exec.Cmd {
	args = append([]string{"-c", "0", name}, args...)
	if os.Getuid() == 0 {
		return exec.Command("runuser", append([]string{"-u", "postgres", "--", "taskset"}, args...)...)
	}
	return exec.Command("taskset", args...)
}

func (ns *nodes) startPostgres() error {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		return errors.New("there is no PostgreSQL: install Debian's package postgresql")
	}
	bin, data := slices.Max(found), filepath.Join(ns.dir, "postgres")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(data, uid, gid); err != nil {
			return err
		}
	}
	ns.psql, ns.pgPort = filepath.Join(bin, "psql"), freePort()
	options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories='' -c max_connections=200 -c shared_preload_libraries=pg_stat_statements "+
		"-c pg_stat_statements.track_utility=off -c shared_buffers=512MB -c max_wal_size=4GB", ns.pgPort)
	ns.stopPG = asPostgres(filepath.Join(bin, "pg_ctl"), "stop", "-w", "-m", "immediate", "-D", data)
	for _, c := range []*exec.Cmd{
		asPostgres(filepath.Join(bin, "initdb"), "-D", data, "-U", "hubbub", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"),
		asPostgres(filepath.Join(bin, "pg_ctl"), "start", "-w", "-D", data, "-l", filepath.Join(data, "log"), "-o", options),
	} {
		c.Dir = "/"
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", c.Args, err, out)
		}
	}
	pid, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return err
	}
	ns.pgPID, _ = strconv.Atoi(strings.SplitN(string(pid), "\n", 2)[0])
	_, err = ns.ask("CREATE EXTENSION pg_stat_statements")
	return err
}

// ask asks PostgreSQL for one line of numbers.
func (ns *nodes) ask(query string) (numbers []float64, err error) {
	c := exec.Command(ns.psql, "-X", "-A", "-t", "-F", " ", "-h", "127.0.0.1", "-p", strconv.Itoa(ns.pgPort), "-U", "hubbub", "-d", "postgres", "-c", query)
	out, err := c.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("psql: %w: %s", err, out)
	}
	for _, f := range strings.Fields(string(out)) {
		n, _ := strconv.ParseFloat(f, 64)
		numbers = append(numbers, n)
	}
	return numbers, nil
}

func (ns *nodes) database() string {
	return fmt.Sprintf("postgres://hubbub@127.0.0.1:%d/postgres", ns.pgPort)
}

// startNATS starts this program as a NATS server on core 0.
func (ns *nodes) startNATS(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	port, web := freePort(), freePort()
	ns.natsWeb = fmt.Sprintf("http://127.0.0.1:%d/varz", web)
	ns.nats = exec.CommandContext(ctx, "taskset", "-c", "0", self, "nats", fmt.Sprint("port=", port), fmt.Sprint("web=", web))
	ns.nats.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := ns.nats.StdoutPipe()
	if err != nil {
		return err
	}
	if err := ns.nats.Start(); err != nil {
		return err
	}
	if !bufio.NewScanner(out).Scan() {
		return errors.New("NATS does not start")
	}
	return nil
}

func (ns *nodes) natsURL() string {
	for _, a := range ns.nats.Args {
		if port, ok := strings.CutPrefix(a, "port="); ok {
			return "nats://127.0.0.1:" + port
		}
	}
	return ""
}

// runNATS is the program of the NATS server's own process.
func runNATS(s map[string]int) error {
	n, err := nats.NewServer(&nats.Options{Host: "127.0.0.1", Port: s["port"], HTTPHost: "127.0.0.1", HTTPPort: s["web"], NoLog: true, NoSigs: true})
	if err != nil {
		return err
	}
	n.Start()
	if !n.ReadyForConnections(10 * time.Second) {
		return errors.New("NATS does not start")
	}
	fmt.Println("ready")
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	<-end
	n.Shutdown()
	return nil
}

// add starts one more hubbub.
func (ns *nodes) add(ctx context.Context, bin string) error {
	n := &node{metrics: fmt.Sprintf("127.0.0.1:%d", freePort())}
	c := contender{hubbubV1, func(port int, dir string) *exec.Cmd {
		return exec.Command(bin, "serve", "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--data", dir, "--limits", "off", "--log-level", "warn",
			"--database", ns.database(), "--nats", ns.natsURL(), "--metrics", n.metrics)
	}, "v1=1"}
	var err error
	if n.server, err = c.start(ctx); err != nil {
		return err
	}
	ns.all = append(ns.all, n)
	return nil
}

func (ns *nodes) stop() {
	for _, n := range ns.all {
		n.stop()
	}
	if ns.nats != nil && ns.nats.Process != nil {
		ns.nats.Process.Kill()
		ns.nats.Wait()
	}
	if ns.stopPG != nil {
		ns.stopPG.Dir = "/"
		ns.stopPG.Run()
	}
	os.RemoveAll(ns.dir)
}

// helper is one of this program's processes on the other core, told of all nodes.
func (ns *nodes) helper(ctx context.Context, program string, settings ...string) (*helper, error) {
	for i, n := range ns.all[1:] {
		settings = append(settings, fmt.Sprintf("port%d=%d", i+1, n.port))
	}
	return ns.all[0].helper(ctx, program, settings...)
}

// counted is what all parts have counted since they started.
type counted struct {
	statements, commits, wal float64 // of PostgreSQL: commits of messages and changes; wal in bytes
	in, out, outBytes        float64 // messages into NATS, out of it
	postgres, nats           time.Duration
	node                     []time.Duration
	metrics                  []map[string]float64 // of each node
}

// count asks all parts. What asking costs itself is a few statements.
func (ns *nodes) count() (c counted, err error) {
	rows, err := ns.ask("SELECT sum(calls), sum(calls) FILTER (WHERE query LIKE 'UPDATE lanes%'), pg_current_wal_lsn() - '0/0' FROM pg_stat_statements")
	if err != nil {
		return c, err
	}
	c.commits, c.wal = rows[1], rows[2]
	c.statements = rows[0] + 2*c.commits // BEGIN and COMMIT, which it does not count when they were prepared
	resp, err := http.Get(ns.natsWeb)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	var v struct {
		In    float64 `json:"in_msgs"`
		Out   float64 `json:"out_msgs"`
		Bytes float64 `json:"out_bytes"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		return c, err
	}
	c.in, c.out, c.outBytes = v.In, v.Out, v.Bytes
	c.postgres, c.nats = usedBelow(ns.pgPID), used(ns.nats.Process.Pid)
	for _, n := range ns.all {
		m, err := n.read()
		if err != nil {
			return c, err
		}
		c.node, c.metrics = append(c.node, n.cpu()), append(c.metrics, m)
	}
	return c, nil
}

// usedBelow is used of a process and its children, with those that have ended.
func usedBelow(pid int) time.Duration {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	sum := used(pid)
	for _, child := range strings.Fields(string(b)) {
		n, _ := strconv.Atoi(child)
		sum += used(n)
	}
	return sum
}

// read reads a node's counters, without their labels.
func (n *node) read() (map[string]float64, error) {
	resp, err := http.Get("http://" + n.metrics + "/metrics")
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
	c.in, c.out, c.outBytes = c.in-b.in, c.out-b.out, c.outBytes-b.outBytes
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
