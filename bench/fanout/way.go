package fanout

import (
	"container/heap"
	"math/rand/v2"
	"slices"
)

// Room is a room whose readers are spread over nodes, and what is there for it.
type Room struct {
	Nodes   int
	Readers int     // of all nodes
	Rate    float64 // messages a second, each from any node
	Seconds float64
	Carried bool    // small events ride in the hints
	OneCore bool    // all share one core, as in the measurement; else each node has one, NATS too, and PostgreSQL has its own
	Cores   int     // of PostgreSQL
	Brokers int     // NATS servers, which the nodes share evenly
	Busy    float64 // the share of each processor that other rooms take
}

// Outcome is how that went.
type Outcome struct {
	P50, P99    float64 // milliseconds from sending to the sockets of other nodes, or of the only one
	Commits     float64 // for each message
	Fetches     float64 // likewise
	PostgreSQL  float64 // cores in use
	Node        float64 // cores in use, by the busiest node
	Undelivered int     // messages that were not with all when it ended
}

// way simulates one room, event by event.
type way struct {
	Room
	Costs
	now    float64 // milliseconds
	queue  events
	order  int
	rand   *rand.Rand
	nodes  []*node
	pg     *worker
	broker []*worker

	sent   []float64 // when each message was sent, by its number in the log
	locked bool      // the room's row
	want   []func()  // who waits for it

	commits, fetches int
	late             []float64
}

// node is one of them.
type node struct {
	core      *worker
	waiting   []float64 // when they were sent
	lane      bool      // a commit is under way
	hinted    int
	applied   int
	fetching  bool
	rounding  bool
	moved     bool
	delivered int
	readers   int
}

type event struct {
	at    float64
	order int
	do    func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	e := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return e
}

func (w *way) after(ms float64, do func()) {
	w.order++
	heap.Push(&w.queue, event{w.now + ms, w.order, do})
}

// worker is some cores, which take work in the order in which it comes.
type worker struct {
	free []float64 // when each is free again
	used float64
}

func newWorker(cores int) *worker { return &worker{free: make([]float64, max(1, cores))} }

// work has a worker do something. What others want of it meanwhile makes it slower.
func (w *way) work(by *worker, ms float64, then func()) {
	i := 0
	for k, at := range by.free {
		if at < by.free[i] {
			i = k
		}
	}
	by.used += ms
	by.free[i] = max(by.free[i], w.now) + ms/(1-w.Busy)
	w.after(by.free[i]-w.now, then)
}

// Simulate has people talk in a room.
func (c Costs) Simulate(r Room) Outcome {
	w := &way{Room: r, Costs: c, rand: rand.New(rand.NewPCG(1, 2)), pg: newWorker(r.Cores)}
	for range max(1, r.Brokers) {
		w.broker = append(w.broker, newWorker(1))
	}
	for i := range r.Nodes {
		w.nodes = append(w.nodes, &node{core: newWorker(1), readers: r.Readers / r.Nodes})
		if i < r.Readers%r.Nodes {
			w.nodes[i].readers++
		}
	}
	if r.OneCore {
		w.broker[0] = w.pg
		for _, n := range w.nodes {
			n.core = w.pg
		}
	}
	w.talk()
	end := r.Seconds*1000 + 10_000
	for len(w.queue) > 0 && w.now < end {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
	return w.outcome()
}

// talk sends messages, as people do who do not know of each other.
func (w *way) talk() {
	var next func()
	next = func() {
		n := w.nodes[w.rand.IntN(len(w.nodes))]
		n.waiting = append(n.waiting, w.now)
		w.commit(n)
		if gap := w.rand.ExpFloat64() * 1000 / w.Rate; w.now+gap < w.Seconds*1000 {
			w.after(gap, next)
		}
	}
	w.after(0, next)
}

const maxGroup = 512

// commit stores what waits at a node, one group at a time, while the room is locked.
func (w *way) commit(n *node) {
	if n.lane || len(n.waiting) == 0 {
		return
	}
	n.lane = true
	group := n.waiting[:min(len(n.waiting), maxGroup)]
	n.waiting = n.waiting[len(group):]
	w.work(n.core, w.Post*float64(len(group)), func() {
		w.lock(func() {
			w.commits++
			w.work(w.pg, w.Commit+w.Message*float64(len(group)), func() {
				w.after(w.Disk, func() {
					w.sent = append(w.sent, group...)
					head := len(w.sent)
					w.unlock()
					n.lane = false
					w.apply(n, head-len(group), head)
					w.tell(n, head-len(group), head)
					w.commit(n)
				})
			})
		})
	})
}

func (w *way) lock(f func()) {
	if w.locked {
		w.want = append(w.want, f)
		return
	}
	w.locked = true
	f()
}

func (w *way) unlock() {
	w.locked = false
	if len(w.want) > 0 {
		f := w.want[0]
		w.want = w.want[1:]
		w.lock(f)
	}
}

// tell gives the others a hint: by a node's broker to the other brokers, and by each to
// its nodes, one after the other.
func (w *way) tell(from *node, before, head int) {
	if len(w.nodes) == 1 {
		return
	}
	home := slices.Index(w.nodes, from) % len(w.broker)
	w.work(w.broker[home], w.Note*float64(len(w.broker)), func() {
		for k, b := range w.broker {
			for i := k; i < len(w.nodes); i += len(w.broker) {
				if n := w.nodes[i]; n != from && n.readers > 0 {
					w.work(b, w.Note, func() { w.after(w.Hop, func() { w.hear(n, before, head) }) })
				}
			}
		}
	})
}

// hear is what a node does with a hint.
func (w *way) hear(n *node, before, head int) {
	n.hinted = max(n.hinted, head)
	if w.Carried && !n.fetching && n.applied >= before {
		w.work(n.core, w.Hear/2, func() { w.apply(n, before, head) })
		return
	}
	w.fetch(n)
}

// fetch reads what is missing, one read at a time.
func (w *way) fetch(n *node) {
	if n.fetching || n.applied >= n.hinted {
		return
	}
	n.fetching = true
	w.fetches++
	w.work(w.pg, w.Fetch, func() {
		after, head := n.applied, len(w.sent)
		w.work(n.core, w.Hear, func() {
			n.fetching = false
			w.apply(n, after, head)
			w.fetch(n)
		})
	})
}

// apply gives a node's readers what is next for them.
func (w *way) apply(n *node, before, head int) {
	if head <= n.applied {
		return
	}
	if before > n.applied { // others stored something between
		n.hinted = max(n.hinted, head)
		w.fetch(n)
		return
	}
	n.applied = head
	n.moved = true
	if !n.rounding {
		n.rounding = true
		w.round(n)
	}
}

// breather is the hub's.
func breather(readers int) float64 {
	if readers < 100 {
		return 0
	}
	return min(float64(readers)*0.05, 50)
}

// A round drains 64 members at a time. Of large crowds the simulation takes more together.
const (
	batch = 64
	parts = 16
)

// round goes round a node's readers until nothing is new.
func (w *way) round(n *node) {
	begun := w.now
	n.moved = false
	first, last := n.delivered, n.applied
	n.delivered = last
	step := max(batch, n.readers/parts)
	var part func(done int)
	part = func(done int) {
		k := min(step, n.readers-done)
		if k <= 0 {
			w.after(max(0, breather(n.readers)-(w.now-begun)), func() {
				if n.moved {
					w.round(n)
				} else {
					n.rounding = false
				}
			})
			return
		}
		w.work(n.core, float64(k)*(w.Write+w.Frame*float64(last-first)), func() {
			for _, at := range w.sent[first:last] {
				w.late = append(w.late, w.now-at)
			}
			part(done + k)
		})
	}
	part(0)
}

func (w *way) outcome() Outcome {
	n := float64(len(w.sent))
	o := Outcome{Commits: float64(w.commits) / n, Fetches: float64(w.fetches) / n, PostgreSQL: w.pg.used / (w.Seconds * 1000)}
	for _, x := range w.nodes {
		o.Node = max(o.Node, x.core.used/(w.Seconds*1000))
		o.Undelivered = max(o.Undelivered, len(w.sent)-x.delivered)
		o.Undelivered += len(x.waiting)
	}
	slices.Sort(w.late)
	if len(w.late) > 0 {
		o.P50, o.P99 = w.late[len(w.late)/2], w.late[len(w.late)*99/100]
	}
	return o
}
