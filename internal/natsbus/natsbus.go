// Package natsbus is a chat.Bus on NATS: core NATS alone, without streams, since notes
// may be lost.
//
// A note about a topic goes to one subject:
//
//	hubbub.CLUSTER.room.ID      hubbub.CLUSTER.changes
//	hubbub.CLUSTER.person.ID    hubbub.CLUSTER.presence    hubbub.CLUSTER.limits    hubbub.CLUSTER.stored
//
// CLUSTER is the epoch of the log, so that places which share a NATS, or a place and what
// it was before it was restored, never hear each other. A payload is a byte that says in
// which form it is, 1; then the head as a varint, 0 for none; then the data. What is in
// another form is dropped.
package natsbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"hubbub/internal/chat"
)

// Config says where the servers are, and as whom to go there.
type Config struct {
	URL     string // nats://, tls:// or wss://, with a user or a token in it if need be; several with commas between
	Creds   string // file with a user's JWT and key, read anew for each connection; empty: none
	CA      string // file of certificates to check the servers by; empty: the system's
	Cert    string // file with our certificate; empty: none
	Key     string // file with its key
	Cluster string // who hears each other: the epoch of the log
	Log     *slog.Logger

	// InProcess connects without a network, for tests.
	InProcess interface{ InProcessConn() (net.Conn, error) }
}

// Bounds. Whatever is over them is lost, which costs a check of the heads.
const (
	maxOut    = 16 << 10        // notes that wait to be sent
	maxIn     = 16 << 10        // notes that wait to be heard
	dialTime  = 2 * time.Second // for one server
	writeTime = 2 * time.Second // then the connection counts as broken
	pingEvery = 2 * time.Second // and so it does when two of them are not answered
	backEvery = 250 * time.Millisecond
)

// Stats count what was on the way.
type Stats struct {
	Sent, Heard atomic.Int64
	SentBytes   atomic.Int64 // of their payloads
	HeardBytes  atomic.Int64
	Lost        atomic.Int64 // could not be sent: no connection, or too many waited
	Slow        atomic.Int64 // times that more came than could be heard: some were lost
	Bad         atomic.Int64 // were no notes
	Reconnects  atomic.Int64
}

// Bus implements chat.Bus.
type Bus struct {
	// Fixed after construction.
	log    *slog.Logger
	prefix string
	nc     *nats.Conn
	out    chan packet
	in     chan *nats.Msg
	wake   chan struct{} // capacity 1: there is something in changed
	done   chan struct{}
	wg     sync.WaitGroup
	stats  Stats
	state  atomic.Int32 // unknown, then up or away: the library's own answer may have to wait for the network

	mu      sync.Mutex // guards the following
	topics  map[string]*topic
	changed map[string]struct{} // subjects whose subscription may be to be made, or ended
	closed  bool
}

const (
	unknown = iota
	up
	down
)

type packet struct {
	subject string
	payload []byte
}

// topic is what is listened to.
type topic struct {
	listeners []*listener
	sub       *nats.Subscription // of the goroutine that subscribes alone
}

type listener struct{ f func(chat.Note) }

// Open connects. While no server can be reached it goes on trying, for ever; what is
// wrong about the configuration, and a server that refuses us at the start, are errors
// for the operator.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	b := &Bus{
		log: cfg.Log, prefix: "hubbub." + cfg.Cluster + ".",
		out: make(chan packet, maxOut), in: make(chan *nats.Msg, maxIn), wake: make(chan struct{}, 1), done: make(chan struct{}),
		topics: make(map[string]*topic), changed: make(map[string]struct{}),
	}
	if !isToken(cfg.Cluster) {
		return nil, fmt.Errorf("%q can not be part of a NATS subject", cfg.Cluster)
	}
	opts, err := b.options(cfg)
	if err != nil {
		return nil, err
	}
	b.nc, err = nats.Connect(cfg.URL, opts...)
	if away(err) {
		cfg.Log.Warn("NATS can not be reached; messages of other nodes come later until it can", "err", err)
		b.nc, err = nats.Connect(cfg.URL, append(opts, nats.RetryOnFailedConnect(true))...)
	}
	if err != nil {
		return nil, fmt.Errorf("NATS at %s: %w", redact(cfg.URL), err)
	}
	if b.nc.IsConnected() {
		b.state.CompareAndSwap(unknown, up)
	}
	b.wg.Go(b.send)
	b.wg.Go(b.subscribe)
	b.wg.Go(b.hear)
	return b, nil
}

// away says whether a server could not be reached, as opposed to: it refused us.
func away(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op == "dial" || op.Op == "read" || op.Op == "write" // and no alert of TLS
	}
	return errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, io.EOF)
}

// redact takes passwords out of addresses.
func redact(urls string) string {
	parts := strings.Split(urls, ",")
	for i, p := range parts {
		if u, err := url.Parse(strings.TrimSpace(p)); err == nil && u.User != nil {
			u.User = url.User("xxx")
			parts[i] = u.String()
		}
	}
	return strings.Join(parts, ",")
}

func (b *Bus) options(cfg Config) ([]nats.Option, error) {
	for _, u := range strings.Split(cfg.URL, ",") {
		if _, err := url.Parse(strings.TrimSpace(u)); err != nil {
			return nil, errors.New("the address of NATS is like nats://HOST:4222")
		}
	}
	for _, file := range []string{cfg.Creds, cfg.CA, cfg.Cert, cfg.Key} {
		if file == "" {
			continue
		}
		if _, err := os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("for NATS: %w", err)
		}
	}
	opts := []nats.Option{
		nats.Name("hubbub"), nats.NoEcho(), nats.Timeout(dialTime), nats.FlusherTimeout(writeTime),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		nats.MaxReconnects(-1), nats.ReconnectWait(backEvery), nats.ReconnectJitter(backEvery, backEvery), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1), // a buffer would hide an outage, and bring old hints after it
		nats.ConnectHandler(b.connected), nats.DisconnectErrHandler(b.disconnected), nats.ReconnectHandler(b.reconnected), nats.ErrorHandler(b.failed),
	}
	if cfg.Creds != "" {
		opts = append(opts, nats.UserCredentials(cfg.Creds))
	}
	if cfg.CA != "" {
		opts = append(opts, nats.RootCAs(cfg.CA))
	}
	if cfg.Cert != "" {
		opts = append(opts, nats.ClientCert(cfg.Cert, cfg.Key))
	}
	if cfg.InProcess != nil {
		opts = append(opts, nats.InProcessServer(cfg.InProcess))
	}
	return opts, nil
}

func (b *Bus) connected(*nats.Conn) { b.state.Store(up) }

func (b *Bus) disconnected(_ *nats.Conn, err error) {
	b.state.Store(down)
	if !b.isClosed() {
		b.log.Warn("NATS is away; messages of other nodes come later until it is back", "err", err)
	}
}

func (b *Bus) reconnected(nc *nats.Conn) {
	b.state.Store(up)
	b.stats.Reconnects.Add(1)
	b.log.Info("NATS is back", "at", nc.ConnectedUrlRedacted())
}

// failed is told of what goes wrong beside a call.
func (b *Bus) failed(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) {
		if b.stats.Slow.Add(1) > 1 {
			return // once is enough to know; the count tells the rest
		}
	}
	subject := ""
	if sub != nil {
		subject = sub.Subject
	}
	b.log.Warn("NATS", "err", err, "subject", subject)
}

func (b *Bus) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// Topics returns how many topics are listened to.
func (b *Bus) Topics() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.topics)
}

// Stats returns the counters.
func (b *Bus) Stats() *Stats { return &b.stats }

// Up implements chat.Bus.
func (b *Bus) Up() bool { return b.state.Load() == up }

// Close implements chat.Bus.
func (b *Bus) Close() {
	b.mu.Lock()
	was := b.closed
	b.closed = true
	clear(b.topics)
	b.mu.Unlock()
	if !was {
		close(b.done)
	}
	b.wg.Wait()
	b.nc.Close() // what was sent goes out first
}
