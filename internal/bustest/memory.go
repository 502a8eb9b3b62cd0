// Package bustest has one test for each promise of a bus, for every bus, and a bus in
// memory for tests of those who use one.
package bustest

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Faults say how bad a network is. The zero value is a good one.
type Faults struct {
	Lose   float64       // how many notes of one are lost
	Double float64       // how many come twice
	Delay  time.Duration // the longest time that one takes, so that they overtake each other
	Seed   uint64
}

// Network joins buses in memory. Its methods may be called from any goroutine.
type Network struct {
	mu      sync.Mutex // guards the following
	faults  Faults
	rand    *rand.Rand
	nodes   []*Node
	flights sync.WaitGroup // notes on their way
}

// NewNetwork returns one without nodes.
func NewNetwork(f Faults) *Network {
	return &Network{faults: f, rand: rand.New(rand.NewPCG(f.Seed, f.Seed))}
}

// Set changes how bad it is.
func (n *Network) Set(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// Node is the chat.Bus of one process.
type Node struct {
	net       *Network
	listeners map[chat.Topic][]*listener
	cut       bool
	closed    bool
}

type listener struct{ f func(chat.Note) }

// Join adds a node.
func (n *Network) Join() *Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	node := &Node{net: n, listeners: make(map[chat.Topic][]*listener)}
	n.nodes = append(n.nodes, node)
	return node
}

// Cut takes the node off the network, or puts it back.
func (b *Node) Cut(off bool) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.cut = off
}

// Tell implements chat.Bus.
func (b *Node) Tell(t chat.Topic, note chat.Note) {
	n := b.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if b.cut || b.closed || len(note.Data) > chat.MaxNote {
		return
	}
	note.Data = slices.Clone(note.Data)
	for _, to := range n.nodes {
		if to == b || to.cut {
			continue
		}
		for _, l := range to.listeners[t] {
			n.send(to, t, l, note)
		}
	}
}

// send is the way of a note. n.mu is held.
func (n *Network) send(to *Node, t chat.Topic, l *listener, note chat.Note) {
	times := 1
	switch x := n.rand.Float64(); {
	case x < n.faults.Lose:
		return
	case n.rand.Float64() < n.faults.Double:
		times = 2
	}
	for range times {
		var delay time.Duration
		if n.faults.Delay > 0 {
			delay = time.Duration(n.rand.Int64N(int64(n.faults.Delay)))
		}
		n.flights.Go(func() {
			time.Sleep(delay)
			n.mu.Lock()
			hears := !to.cut && slices.Contains(to.listeners[t], l)
			n.mu.Unlock()
			if hears {
				l.f(note)
			}
		})
	}
}

// Listen implements chat.Bus.
func (b *Node) Listen(t chat.Topic, f func(chat.Note)) (stop func()) {
	l := &listener{f}
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if !b.closed {
		b.listeners[t] = append(b.listeners[t], l)
	}
	return func() {
		b.net.mu.Lock()
		defer b.net.mu.Unlock()
		left := slices.DeleteFunc(slices.Clone(b.listeners[t]), func(x *listener) bool { return x == l })
		if b.listeners[t] = left; len(left) == 0 {
			delete(b.listeners, t)
		}
	}
}

// Topics returns how many topics the node listens to.
func (b *Node) Topics() int {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	return len(b.listeners)
}

// Up implements chat.Bus.
func (b *Node) Up() bool {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	return !b.cut && !b.closed
}

// Close implements chat.Bus.
func (b *Node) Close() {
	b.net.mu.Lock()
	b.closed = true
	clear(b.listeners)
	b.net.mu.Unlock()
}

// Wait returns when no note is on its way any more.
func (n *Network) Wait() { n.flights.Wait() }
