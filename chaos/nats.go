package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Ports of a NATS server that stands beside a node, on the node's machine.
const (
	besidePort = 4222
	routePort  = 6222
)

// serveNATS is chaos nats: one server of several that pass on to each other what they
// hear. It runs until it is told to end.
func serveNATS(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("nats", flag.ContinueOnError)
	host := f.String("host", "127.0.0.1", "where the others reach it")
	if err := f.Parse(args); err != nil {
		return err
	}
	o := &server.Options{
		Host: "127.0.0.1", Port: besidePort, NoLog: true, NoSigs: true, ServerName: *host,
		Cluster: server.ClusterOpts{Name: "chaos", Host: *host, Port: routePort},
	}
	for _, other := range f.Args() {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("%s:%d", other, routePort)})
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("NATS did not start")
	}
	fmt.Println("ready")
	<-ctx.Done()
	return nil
}

// startBeside starts a NATS server on each machine, which ends with it.
func (n *network) startBeside() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for i, m := range n.machines {
		args := append(m.wrap(), self, "nats", "--host", machineAddress(i+1))
		for j := range n.machines {
			if i != j {
				args = append(args, machineAddress(j+1))
			}
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stderr = os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		n.beside = append(n.beside, cmd)
		if !bufio.NewScanner(out).Scan() {
			return fmt.Errorf("NATS on machine %d did not start", i+1)
		}
	}
	return nil
}
