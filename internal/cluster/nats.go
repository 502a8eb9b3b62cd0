package cluster

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS is a NATS server in this process. Its methods are for one goroutine.
type NATS struct {
	host   string
	port   int // known after the first start
	server *server.Server
}

// Start starts it, at the same address as before.
func (n *NATS) Start() error {
	if n.server != nil {
		return nil
	}
	port := n.port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{Host: n.host, Port: port, NoLog: true, NoSigs: true})
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return errors.New("NATS did not start")
	}
	n.port, n.server = s.Addr().(*net.TCPAddr).Port, s
	return nil
}

// Stop ends it. All connections break.
func (n *NATS) Stop() {
	if n.server != nil {
		n.server.Shutdown()
		n.server.WaitForShutdown()
		n.server = nil
	}
}

// URL returns its address.
func (n *NATS) URL() string { return "nats://" + net.JoinHostPort(n.host, fmt.Sprint(n.port)) }

// Stats returns what it has carried since it was started.
func (n *NATS) Stats() (in, out int64) {
	v, err := n.server.Varz(nil)
	if err != nil {
		return 0, 0
	}
	return v.InMsgs, v.OutMsgs
}
