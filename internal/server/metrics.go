package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/natsbus"
	"hubbub/internal/search"
	"hubbub/internal/sqlstore"
	"hubbub/internal/ws"
)

// metrics are what an operator may want to know. No label comes from a client.
type metrics struct {
	registry *prometheus.Registry
	lag      prometheus.Histogram
	events   prometheus.Histogram
	took     prometheus.Histogram
	repeated prometheus.Counter
	refusals *prometheus.CounterVec
	alerts   *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hubbub_drain_lag_seconds", Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8),
			Help: "From a room's having moved to the end of the round that told its readers.",
		}),
		events: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hubbub_commit_events", Buckets: []float64{0, 1, 4, 16, 64, 256, 512},
			Help: "Events stored by a commit; 0 for changes of people and rooms.",
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hubbub_commit_seconds", Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8),
			Help: "Time of a commit, with its disk sync.",
		}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hubbub_duplicates_suppressed_total",
			Help: "Messages sent again that were stored already.",
		}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hubbub_alerts_total",
			Help: "Alerts that push services took, or that did not get there.",
		}, []string{"result"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hubbub_refusals_total",
			Help: "Frames and requests refused, by error code.",
		}, []string{"code"}),
	}
	m.registry.MustRegister(m.lag, m.events, m.took, m.repeated, m.refusals, m.alerts,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) lagged(d time.Duration) { m.lag.Observe(d.Seconds()) }

// alerted counts an alert that left, or did not.
func (m *metrics) alerted(ok bool) {
	result := "dropped"
	if ok {
		result = "sent"
	}
	m.alerts.WithLabelValues(result).Inc()
}

func (m *metrics) refused(code chat.Code) { m.refusals.WithLabelValues(string(code)).Inc() }

func (m *metrics) committed(c sqlstore.Commit) {
	m.events.Observe(float64(c.Events))
	m.took.Observe(c.Took.Seconds())
	m.repeated.Add(float64(c.Repeated))
}

// count adds a counter that is kept elsewhere.
func (m *metrics) count(name, help string, v *atomic.Int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "hubbub_" + name, Help: help},
		func() float64 { return float64(v.Load()) }))
}

// gauge adds a value that is kept elsewhere.
func (m *metrics) gauge(name, help string, labels prometheus.Labels, v func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hubbub_" + name, Help: help, ConstLabels: labels}, v))
}

func (m *metrics) watch(h *hub.Hub, sockets *ws.Server, store store) {
	s := sockets.Stats()
	for d, name := range map[hub.Dialect]string{hub.Plain: "plain", hub.V1: "hubbub.v1", hub.V1Deflated: "hubbub.v1, deflated"} {
		m.gauge("connections", "Open WebSocket connections.", prometheus.Labels{"dialect": name},
			func() float64 { return float64(s.Opened[d].Load() - s.Closed[d].Load()) })
	}
	m.gauge("rooms_live", "Rooms that somebody reads.", nil, func() float64 { return float64(h.Rooms()) })
	m.gauge("posts_waiting", "Requests that wait for the next commit.", nil, func() float64 { return float64(store.Waiting()) })
	m.count("messages_total", "Messages received and posted.", &s.Messages)
	m.count("deliveries_total", "Events handed to sockets.", &s.Deliveries)
	m.count("bytes_received_total", "Bytes from WebSocket clients.", &s.BytesIn)
	m.count("bytes_sent_total", "Bytes to WebSocket clients.", &s.BytesOut)
	m.count("resumes_total", "Rooms opened behind an event that the client had.", &s.Resumes)
	m.count("resets_total", "Rooms that a client had to load anew.", &s.Resets)
	m.count("catch_ups_total", "Readers that were older than their room's memory and read the log.", &s.CatchUps)
	m.count("slow_readers_total", "Times that a reader's socket took no more.", &s.Full)
}

// watchNodes counts what it takes to have what other nodes stored.
func (m *metrics) watchNodes(h *hub.Hub, index *search.Node) {
	s := h.Stats()
	m.gauge("search_index", "Whether this node keeps a search index, as two of them do.", nil, func() float64 { return oneIf(index.Keeps()) })
	m.count("elsewhere_reads_total", "Reads of the log for what other nodes stored in rooms that are read here.", &s.Reads)
	m.count("elsewhere_events_total", "Events that came by those reads.", &s.Fetched)
	m.count("head_checks_total", "Statements that asked how far the rooms are that are read here.", &s.Checks)
	m.count("hints_missed_total", "Rooms in which such a check found what no hint had told of.", &s.Found)
	m.gauge("elsewhere_people", "People who are at other nodes, as far as is known here.", nil, func() float64 { return float64(h.PeopleElsewhere()) })
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// watchBus counts what goes from node to node, if there is anything to count.
func (m *metrics) watchBus(bus chat.Bus) {
	b, ok := bus.(*natsbus.Bus)
	if !ok {
		return
	}
	s := b.Stats()
	m.gauge("nats_up", "Whether NATS is connected.", nil, func() float64 { return oneIf(b.Up()) })
	m.count("nats_sent_total", "Notes sent to other nodes.", &s.Sent)
	m.count("nats_heard_total", "Notes heard of other nodes.", &s.Heard)
	m.count("nats_sent_bytes_total", "Bytes of those that were sent.", &s.SentBytes)
	m.count("nats_heard_bytes_total", "Bytes of those that were heard.", &s.HeardBytes)
	m.gauge("nats_topics", "What is listened to: a room that is read here, a person who is here, and what concerns all.", nil, func() float64 { return float64(b.Topics()) })
	m.count("nats_lost_total", "Notes that could not be sent; what they said is noticed a little later.", &s.Lost)
	m.count("nats_slow_total", "Times that more notes came than could be heard.", &s.Slow)
	m.count("nats_bad_total", "Messages of NATS that were no notes.", &s.Bad)
	m.count("nats_reconnects_total", "Times that NATS came back.", &s.Reconnects)
}

// private is the operator's own listener.
type private struct {
	listener net.Listener
	http     *http.Server
}

// listen opens the operator's listener, if it is wanted.
func (m *metrics) listen(addr string, h *hub.Hub, sockets *ws.Server, store store) (*private, error) {
	if addr == "" {
		return nil, nil
	}
	if host, _, err := net.SplitHostPort(addr); err != nil || !loopback(host) {
		return nil, fmt.Errorf("--metrics %s: profiles hold what is in memory, so they are served on this machine alone, such as 127.0.0.1:9100", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--metrics %s: %w", addr, err)
	}
	m.watch(h, sockets, store)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return &private{l, &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}}, nil
}

func (p *private) serve() {
	if p != nil {
		go p.http.Serve(p.listener)
	}
}

func (p *private) close() {
	if p != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.http.Shutdown(ctx)
		p.http.Close()
	}
}
