package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
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
