package fanout

import (
	"fmt"
	"math"
	"strings"
)

// Tables are those of docs/scaling.md, by name.
func (m Measured) Tables() map[string]string {
	c := m.Costs()
	return map[string]string{"costs": c.table(), "check": m.check(c), "limits": m.limits(c), "room": c.room(), "place": c.place()}
}

// rows makes a table of lines of cells with | between.
func rows(head string, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|%s\n", head, strings.Repeat("---|", strings.Count(head, "|")+1))
	for _, line := range lines {
		fmt.Fprintf(&b, "| %s |\n", line)
	}
	return b.String()
}

func (c Costs) table() string {
	us := func(what string, ms float64) string { return fmt.Sprintf("%s | %.1f", what, ms*1000) }
	return rows("what | microseconds",
		us("PostgreSQL: a transaction of messages", c.Commit),
		us("PostgreSQL: each message in it", c.Message),
		us("PostgreSQL: a node reads what another one stored", c.Fetch),
		us("PostgreSQL: a room in a check of the heads", c.Check),
		us("a node: takes a message and has it stored", c.Post),
		us("a node: hears of a message elsewhere, and reads it", c.Hear),
		us("a node: its index for search, of a message that it has no readers for", c.Index),
		us("PostgreSQL: for that index", c.IndexRead),
		us("a node: a write to a socket", c.Write),
		us("a node: each event in a write", c.Frame),
		us("NATS: a note taken, or handed to a node", c.Note),
		us("waiting: a commit for the disk and for the others who share the processor", c.Disk),
		us("waiting: a note on its way", c.Hop))
}

// limits are what one of each can do at most, by these costs.
func (m Measured) limits(c Costs) string {
	line := func(what string, v float64) string { return what + " | " + thousands(v) }
	database := AsIs.Database * AsIs.Full * 1000 // milliseconds of its processors in a second
	alone := c.Commit + c.Message
	return rows("what | a second",
		line("one room: messages that were acknowledged, from one node, measured", m.at("posts1", 1, "posts")),
		line("one room: the same, from three nodes", m.at("posts1", 3, "posts")),
		line("one room: transactions, of all nodes, since each has the room's row to itself until it is on the disk", 1000/(alone+c.Disk)),
		line("one room at one node: deliveries, since one core goes round its readers; 100 messages a second", 1000/(c.Frame+c.Write/hotBatch)),
		line("one room at one node: the same, when it is as busy as can be", 1000/c.Frame),
		line("a node's core: messages taken, nobody reading", 1000/c.Post),
		line("a node's core: messages of other nodes, heard and read", 1000/c.Hear),
		line("a node's core: messages that its index takes from rooms nobody reads there", 1000/c.Index),
		line("one PostgreSQL, 32 cores, half busy: messages, each in a transaction of its own, read at one node", database/alone),
		line("the same, read at three nodes", database/(alone+2*c.Fetch)),
		line("the same, read at 20 nodes", database/(alone+19*c.Fetch)),
		line("the same, 20 nodes, 20 messages in a transaction", database/(c.Commit/20+c.Message+19*c.Fetch)),
		line("a core of NATS: notes handed out", 1000/c.Note))
}

// check compares what is predicted with what was measured.
func (m Measured) check(c Costs) string {
	var lines []string
	line := func(what string, nodes int, predicted, measured float64) {
		if measured == 0 {
			lines = append(lines, fmt.Sprintf("%s | %d | %.2f | - | ", what, nodes, predicted))
			return
		}
		lines = append(lines, fmt.Sprintf("%s | %d | %.2f | %.2f | %+.0f %%", what, nodes, predicted, measured, (predicted/measured-1)*100))
	}
	for n := 1; n <= 3; n++ {
		k := float64(n - 1)
		line("quiet room: statements for a message", n, c.Statements+k*(m.at("quiet", 2, "statements")-c.Statements), m.at("quiet", n, "statements"))
		line("quiet room: PostgreSQL, ms for a message", n, c.Commit+c.Message+k*c.Fetch, m.at("quiet", n, "postgres_ms"))
		line("quiet room: nodes, ms for a message", n, m.at("quiet", 1, "nodes_ms")+k*c.Hear, m.at("quiet", n, "nodes_ms"))
		o := c.Simulate(Room{Nodes: n, Readers: 10, Rate: 20, Seconds: 20, OneCore: true})
		line("quiet room: ms until another has it, p50", n, o.P50, m.at("quiet", n, "p50"))
		o = c.Simulate(Room{Nodes: n, Readers: 1000, Rate: 100, Seconds: 10, OneCore: true})
		line("hot room: commits for a message", n, o.Commits, m.at("hot", n, "commits"))
		line("hot room: reads elsewhere for a message", n, o.Fetches, m.at("hot", n, "reads"))
		line("hot room: ms until the others have it, p50", n, o.P50, m.at("hot", n, "p50"))
	}
	return rows("what | nodes | predicted | measured | off by", lines...)
}

// room is what one large room needs.
func (c Costs) room() string {
	var lines []string
	for _, r := range []Room{
		{Nodes: 3, Readers: 10_000, Rate: 10, Brokers: 1},
		{Nodes: 3, Readers: 10_000, Rate: 100, Brokers: 1},
		{Nodes: 20, Readers: 1_000_000, Rate: 10, Brokers: 3},
		{Nodes: 100, Readers: 1_000_000, Rate: 10, Brokers: 5},
		{Nodes: 100, Readers: 1_000_000, Rate: 100, Brokers: 5},
		{Nodes: 1000, Readers: 10_000_000, Rate: 10, Brokers: 20},
		{Nodes: 1000, Readers: 10_000_000, Rate: 100, Brokers: 20},
		{Nodes: 1000, Readers: 50_000_000, Rate: 5, Brokers: 20},
	} {
		r.Seconds, r.Cores, r.Busy = 1, 16, 0.3
		cells := []string{fmt.Sprintf("%s | %d | %.0f | %d", thousands(float64(r.Readers)), r.Nodes, r.Rate, r.Brokers)}
		for _, carried := range []bool{false, true} {
			r.Carried = carried
			o := c.Simulate(r)
			if o.Undelivered > int(r.Rate) {
				cells = append(cells, "never | never | - | -")
				continue
			}
			cells = append(cells, fmt.Sprintf("%.0f | %.0f | %.1f | %.2f", o.P50, o.P99, o.Fetches, o.PostgreSQL))
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	return rows("readers | nodes | messages/s | NATS servers | p50 ms | p99 ms | reads for a message | PostgreSQL cores | hints carry: p50 ms | p99 ms | reads for a message | PostgreSQL cores", lines...)
}

// Assumed are the people and the machines of the table of places.
var (
	Assumed = Habits{Every: 300, Readers: 50, Open: 10, Stay: 1800}
	AsIs    = Machines{Crowd: 50_000, Cores: 8, Database: 32, Full: 0.5}
	Changed = Machines{Crowd: 50_000, Cores: 8, Database: 32, Full: 0.5, Carried: true, IndexSpread: true, PresentNear: true}
)

func (c Costs) place() string {
	var all []Place
	for _, n := range []float64{1e6, 50e6} {
		h := Assumed
		h.Connections = n
		all = append(all, c.Place(h, AsIs), c.Place(h, Changed))
	}
	line := func(what string, f func(Place) float64) string {
		cells := []string{what}
		for _, p := range all {
			if p.Nodes > 1e6 && what != "messages/s" && what != "deliveries/s" {
				cells = append(cells, "never")
			} else {
				cells = append(cells, thousands(f(p)))
			}
		}
		return strings.Join(cells, " | ")
	}
	return rows("what | 1 million, as it is | 1 million, changed | 50 million, as it is | 50 million, changed",
		line("messages/s", func(p Place) float64 { return p.Messages }),
		line("deliveries/s", func(p Place) float64 { return p.Deliveries }),
		line("nodes", func(p Place) float64 { return p.Nodes }),
		line("cores that they use", func(p Place) float64 { return p.NodeCores }),
		line("nodes that a message goes to", func(p Place) float64 { return p.Reached }),
		line("statements/s", func(p Place) float64 { return p.Statements }),
		line("of them reads for readers elsewhere", func(p Place) float64 { return p.Fetches }),
		line("of them for the indexes", func(p Place) float64 { return p.IndexStatements }),
		line("of them for who comes and goes", func(p Place) float64 { return p.Company }),
		line("PostgreSQL cores: commits", func(p Place) float64 { return p.Committing }),
		line("PostgreSQL cores: reads for readers elsewhere", func(p Place) float64 { return p.Fetching }),
		line("PostgreSQL cores: reads for the indexes", func(p Place) float64 { return p.Indexing }),
		line("PostgreSQL cores: checks of heads", func(p Place) float64 { return p.Checking }),
		line("PostgreSQL instances, of 32 cores, half busy", func(p Place) float64 { return p.Databases }),
		line("write-ahead log, MB/s", func(p Place) float64 { return p.WAL / 1e6 }),
		line("NATS hands out: hints/s", func(p Place) float64 { return p.Notes }),
		line("NATS hands out: where something is new/s", func(p Place) float64 { return p.Stored }),
		line("NATS hands out: who comes and goes/s", func(p Place) float64 { return p.Moves }),
		line("indexes for search", func(p Place) float64 { return p.Indexes }),
		line("events/s that each follows", func(p Place) float64 { return p.Followed }),
		line("cores that each would need, of which it has one", func(p Place) float64 { return p.IndexCore }),
		line("memory of each node for who is elsewhere, MB", func(p Place) float64 { return p.Known / 1e6 }))
}

// thousands writes a number for people: three digits that count, and commas.
func thousands(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1000:
		step := math.Pow(10, math.Floor(math.Log10(v))-2)
		v = math.Round(v/step) * step
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
