// Package cluster runs what many machines would run, on this one: a PostgreSQL, a NATS
// server, hubbub's nodes as processes, and a balancer before them. It is for trying, for
// measuring, and for breaking things; no server that people use needs it.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"hubbub/internal/pgserver"
)

// Options say what is to run. The zero value is a balancer without nodes, on free ports of
// loopback, whose data goes with it.
type Options struct {
	Bin    string        // the program; empty: bin/hubbub
	Dir    string        // folder for everything, which is kept; empty: a temporary one
	Nodes  int           // how many to begin with
	Listen string        // address and port of the balancer; empty: 127.0.0.1:0
	Host   string        // address of PostgreSQL and NATS; empty: 127.0.0.1. Beyond loopback it is for network namespaces
	Proxy  string        // address that the balancer has for the nodes, or a network; empty: Host
	Flags  []string      // of all nodes, behind what this package gives them
	Files  string        // what --files gets; empty: a folder in Dir
	Each   func(*Config) // changes what one of the first nodes gets; nil: nothing

	PostgreSQL []string // settings, name=value
}

// Cluster is what runs. Its own methods are for one goroutine; those of its parts say.
type Cluster struct {
	PostgreSQL *pgserver.Server
	NATS       *NATS
	Balancer   *Balancer
	Nodes      []*Node
	Database   string // address of the nodes' database
	Dir        string

	options Options
	kept    bool
	lock    *flock.Flock
}

// Start starts everything and returns when the nodes are ready. What runs ends with Close,
// or when this process does.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	for text, or := range map[*string]string{&o.Bin: "bin/hubbub", &o.Host: "127.0.0.1", &o.Listen: "127.0.0.1:0"} {
		if *text == "" {
			*text = or
		}
	}
	if o.Proxy == "" {
		o.Proxy = o.Host
	}
	c := &Cluster{options: o, kept: o.Dir != ""}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	if err := c.folder(); err != nil {
		return err
	}
	if err := c.services(); err != nil {
		return err
	}
	for range c.options.Nodes {
		if _, err := c.Add(ctx, c.options.Each); err != nil {
			return err
		}
	}
	if err := c.letIn(ctx); err != nil {
		return err
	}
	return c.Ready(ctx)
}

// letIn lets guests in, unless an owner has a say in that. Through a balancer nobody is at
// this machine, so that each would need an invitation.
func (c *Cluster) letIn(ctx context.Context) error {
	if len(c.Nodes) == 0 || c.Nodes[0].OwnerLink() == "" {
		return nil
	}
	out, err := exec.CommandContext(ctx, c.options.Bin, "guests", "open", "--data", c.Nodes[0].Data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("let guests in: %w: %s", err, out)
	}
	return nil
}

func (c *Cluster) folder() (err error) {
	if c.Dir, err = filepath.Abs(c.options.Dir); !c.kept {
		c.Dir, err = os.MkdirTemp("", "hubbub-cluster-")
	}
	if err != nil {
		return err
	}
	err = os.MkdirAll(c.Dir, 0o711)
	if err == nil {
		err = os.Chmod(c.Dir, 0o711) // PostgreSQL's user passes through
	}
	if err != nil {
		return err
	}
	c.lock = flock.New(filepath.Join(c.Dir, "lock"))
	if locked, err := c.lock.TryLock(); !locked || err != nil {
		return errors.Join(fmt.Errorf("the folder %s is in use by another cluster", c.Dir), err)
	}
	return nil
}

// services starts what the nodes need.
func (c *Cluster) services() (err error) {
	o := pgserver.Options{Host: c.options.Host, Settings: c.options.PostgreSQL}
	if c.kept {
		o.Dir = filepath.Join(c.Dir, "postgres")
	}
	if c.PostgreSQL, err = pgserver.Start(o); err != nil {
		return err
	}
	if c.Database, err = c.PostgreSQL.Database("hubbub"); err != nil {
		return err
	}
	c.NATS = &NATS{host: c.options.Host}
	if err = c.NATS.Start(); err != nil {
		return err
	}
	c.Balancer, err = NewBalancer(c.options.Listen)
	return err
}

// URL returns where people find all nodes.
func (c *Cluster) URL() string { return c.Balancer.URL() }

// Add starts one more node and puts it behind the balancer. change may set what it gets.
func (c *Cluster) Add(ctx context.Context, change func(*Config)) (*Node, error) {
	n := len(c.Nodes) + 1
	conf := Config{
		Number: n, Bin: c.options.Bin, Data: filepath.Join(c.Dir, fmt.Sprintf("node%d", n)), Host: "127.0.0.1",
		Database: c.Database, NATS: c.NATS.URL(), Flags: c.options.Flags,
	}
	if change != nil {
		change(&conf)
	}
	files := c.options.Files
	if files == "" {
		files = filepath.Join(c.Dir, "files")
		if err := os.MkdirAll(files, 0o700); err != nil {
			return nil, err
		}
	}
	conf.Flags = append([]string{"--files", files, "--public-url", c.URL(), "--trusted-proxies", c.options.Proxy, "--drain", drainTime}, conf.Flags...)
	node := &Node{Config: conf}
	c.Nodes = append(c.Nodes, node)
	if err := node.Start(ctx); err != nil {
		return node, fmt.Errorf("node %d: %w", n, err)
	}
	c.Balancer.Add(node.URL)
	return node, nil
}

// drainTime is enough for our balancer, which looks every 200 ms.
const drainTime = "2s"

// Ready returns when the balancer has all nodes that run.
func (c *Cluster) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, n := range c.Nodes {
		for n.Running() && !c.Balancer.Up(n.URL) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("node %d is not ready: %w", n.Number, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// Close ends everything: nodes as an operator does, all at once, then what they need. What
// is not kept is removed.
func (c *Cluster) Close() error {
	done := make(chan error, len(c.Nodes))
	for _, n := range c.Nodes {
		go func() { done <- n.Stop() }()
	}
	var err error
	for range c.Nodes {
		err = errors.Join(err, <-done)
	}
	if c.Balancer != nil {
		c.Balancer.Close()
	}
	if c.NATS != nil {
		c.NATS.Stop()
	}
	if c.PostgreSQL != nil {
		c.PostgreSQL.Close()
	}
	if c.lock != nil {
		err = errors.Join(err, c.lock.Unlock())
	}
	if !c.kept && c.Dir != "" {
		err = errors.Join(err, os.RemoveAll(c.Dir))
	}
	return err
}

// ready asks a node whether it takes people.
func ready(ctx context.Context, url string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false, err
	}
	resp, err := direct.RoundTrip(r)
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK, nil
}
