// Package fanout says what a message needs on its way to readers on many machines: a
// simulation of the way through PostgreSQL, NATS and the nodes, and the arithmetic that
// docs/scaling.md stands on. It begins with what was measured on one machine, in
// bench/cluster.json, and its tables are those of the document:
//
//	make scaling
package fanout

import (
	"encoding/json"
	"fmt"
	"os"
)

// Measured are the numbers of bench/cluster.json, by scenario, nodes and name.
type Measured map[string]float64

// Read reads them.
func Read(file string) (Measured, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := make(Measured)
	return m, json.Unmarshal(b, &m)
}

// at returns a number of a scenario with so many nodes.
func (m Measured) at(scenario string, nodes int, name string) float64 {
	return m[fmt.Sprintf("%s/%d/%s", scenario, nodes, name)]
}

// Costs are what the parts of the way cost: milliseconds of a processor, if nothing else
// is said.
type Costs struct {
	Commit  float64 // PostgreSQL, for a transaction of messages
	Message float64 // PostgreSQL, for each message in it
	Fetch   float64 // PostgreSQL, for a node that reads what another one stored
	Check   float64 // PostgreSQL, for each room of a check of the heads
	Post    float64 // a node, to take a message and have it stored
	Hear    float64 // a node, to hear of a message that another one stored, and to read it
	Write   float64 // a node, for a write to a socket
	Frame   float64 // a node, for each event in it
	Note    float64 // NATS, for a note that it hands to a node

	Disk float64 // milliseconds that a commit waits for the disk, and everybody for each other
	Hop  float64 // milliseconds of a note's way that are nobody's work

	Statements float64 // of a transaction of messages
	WAL        float64 // bytes of a message

	// For the index of a node that has no readers of a message.
	Index           float64 // that node
	IndexRead       float64 // PostgreSQL
	IndexStatements float64
}

// hotBatch is how many events a write holds in the scenario of the hot room: those of the
// rest between two rounds, 50 ms of 100 a second.
const hotBatch = 5

// Costs finds the costs in what was measured with one node and with two. What was
// measured with three is left for comparison.
func (m Measured) Costs() Costs {
	quiet := func(nodes int, name string) float64 { return m.at("quiet", nodes, name) }
	var c Costs
	group := 1 / m.at("posts1", 1, "commits") // messages in a commit when many come
	c.Commit = max(0, (quiet(1, "postgres_ms")-m.at("posts1", 1, "postgres_ms"))/(1-1/group))
	c.Message = max(0, quiet(1, "postgres_ms")-c.Commit)
	c.Fetch = max(0, quiet(2, "postgres_ms")-quiet(1, "postgres_ms"))
	c.Hear = max(0, quiet(2, "nodes_ms")-quiet(1, "nodes_ms"))
	c.Frame = m.at("most", 1, "nodes_ms") / 1000
	c.Post = m.at("posts1", 1, "nodes_ms")
	c.Write = max(0, hotBatch*((m.at("hot", 1, "nodes_ms")-c.Post)/1000-c.Frame))
	c.Note = quiet(2, "nats_ms") / (quiet(2, "nats_in") + quiet(2, "nats_out"))
	const checked = 3 * 1000 / checkSeconds // rooms a second, by three nodes that have all of them open
	c.Check = max(0, (m["silence/1000-1000/postgres_ms"]-m["silence/1000-1/postgres_ms"])/checked)
	c.Disk = max(0, quiet(1, "p50")-quiet(1, "postgres_ms")-quiet(1, "nodes_ms")/2)
	c.Hop = max(0, quiet(2, "p50")-quiet(1, "p50")-c.Fetch-c.Hear)
	c.Statements = quiet(1, "statements")
	c.WAL = quiet(1, "wal")
	home := func(name string) float64 { return max(0, m.at("home", 2, name)-m.at("home", 1, name)) }
	c.Index, c.IndexRead, c.IndexStatements = home("nodes_ms"), home("postgres_ms"), home("statements")
	return c
}
