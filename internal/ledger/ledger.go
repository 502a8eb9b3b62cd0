// Package ledger has the nodes that share a database share their limits too: each tells
// the others what was spent at it, and takes what they say from its own buckets. So a
// limit holds for all nodes together, but for what is spent within a second.
package ledger

import (
	"crypto/rand"
	"encoding/json"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Ledger belongs to one node. A nil one tells nobody: its methods do nothing. They may be
// called from any goroutine.
type Ledger struct {
	bus  chat.Bus
	node string
	stop func()
	done chan struct{}
	wg   sync.WaitGroup

	mu       sync.Mutex // guards the following
	accounts map[string]*Account
	spent    map[string]map[string]float64 // not told yet, by account and key
	keys     int                           // in spent
	told     uint64                        // notes so far
	heard    map[string]window             // by node
}

// Account is one limit. A nil one tells nobody.
type Account struct {
	ledger *Ledger
	name   string
	hear   func(key string, n float64)
}

const (
	every   = time.Second
	maxKeys = 1000 // in a note; a thousand keys of 100 bytes are within MaxNote
	maxKey  = 100  // bytes
	most    = 1e9  // of one key in a note
)

var topic = chat.Topic{About: chat.AboutLimits}

// note is what a node tells.
type note struct {
	Node  string                        `json:"node"`
	N     uint64                        `json:"n"` // a note that comes twice, or far too late, is dropped
	Spent map[string]map[string]float64 `json:"spent"`
}

// New returns the ledger of a node; nil, if it is alone. Close ends it.
func New(bus chat.Bus) *Ledger {
	if bus == nil {
		return nil
	}
	l := &Ledger{
		bus: bus, node: rand.Text(), done: make(chan struct{}),
		accounts: make(map[string]*Account), spent: make(map[string]map[string]float64), heard: make(map[string]window),
	}
	l.stop = bus.Listen(topic, l.take)
	l.wg.Go(l.run)
	return l
}

// Close tells what was not told yet.
func (l *Ledger) Close() {
	if l == nil {
		return
	}
	l.stop()
	close(l.done)
	l.wg.Wait()
}

// Open returns the account of a limit. What is spent elsewhere is handed to hear, which
// must not block.
func (l *Ledger) Open(name string, hear func(key string, n float64)) *Account {
	if l == nil {
		return nil
	}
	a := &Account{l, name, hear}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts[name] = a
	return a
}

// Spent notes what somebody spent. The others hear of it within a second.
func (a *Account) Spent(key string, n float64) {
	if a == nil || len(key) > maxKey {
		return
	}
	l := a.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := l.spent[a.name]
	if keys == nil {
		keys = make(map[string]float64)
		l.spent[a.name] = keys
	}
	if _, known := keys[key]; !known {
		l.keys++
	}
	keys[key] += n
	if l.keys >= maxKeys {
		l.tell()
	}
}

// Now is Spent for what the others should hear of at once: a guess.
func (a *Account) Now(key string, n float64) {
	a.Spent(key, n)
	if a != nil {
		a.ledger.mu.Lock()
		defer a.ledger.mu.Unlock()
		a.ledger.tell()
	}
}

func (l *Ledger) run() {
	t := time.NewTicker(every)
	defer t.Stop()
	for last := false; !last; {
		select {
		case <-t.C:
		case <-l.done:
			last = true
		}
		l.mu.Lock()
		l.tell()
		l.mu.Unlock()
	}
}

// tell passes on what was spent. l.mu is held.
func (l *Ledger) tell() {
	if l.keys == 0 {
		return
	}
	l.told++
	data, err := json.Marshal(note{l.node, l.told, l.spent})
	l.spent, l.keys = make(map[string]map[string]float64), 0
	if err == nil {
		l.bus.Tell(topic, chat.Note{Data: data})
	}
}

// take hands on what another node says.
func (l *Ledger) take(n chat.Note) {
	var told note
	if json.Unmarshal(n.Data, &told) != nil || !l.isNew(told) {
		return
	}
	for name, keys := range told.Spent {
		l.mu.Lock()
		a := l.accounts[name]
		l.mu.Unlock()
		if a == nil {
			continue
		}
		for key, spent := range keys {
			if spent > 0 && spent <= most && len(key) <= maxKey {
				a.hear(key, spent)
			}
		}
	}
}

// maxNodes bounds what is remembered of nodes, which have a new name at each start.
const maxNodes = 1000

func (l *Ledger) isNew(n note) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.heard[n.Node]
	if n.Node == "" || !w.add(n.N) {
		return false
	}
	if len(l.heard) >= maxNodes {
		clear(l.heard)
	}
	l.heard[n.Node] = w
	return true
}

// window is which of the newest notes of a node came: they may overtake each other.
type window struct{ last, came uint64 } // came: bit i for last-i

func (w *window) add(n uint64) bool {
	switch {
	case n > w.last:
		w.came = w.came<<(n-w.last) | 1
		w.last = n
		return true
	case w.last-n >= 64 || w.came&(1<<(w.last-n)) != 0:
		return false
	}
	w.came |= 1 << (w.last - n)
	return true
}
