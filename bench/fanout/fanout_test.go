package fanout

import (
	"flag"
	"math"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables into docs/scaling.md")

const (
	numbers  = "../cluster.json"
	document = "../../docs/scaling.md"
)

// The tables of docs/scaling.md are what is computed from what was measured.
func TestTables(t *testing.T) {
	m, err := Read(numbers)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for name, table := range m.Tables() {
		before, rest, ok := strings.Cut(text, "<!-- "+name+" -->\n")
		old, after, ended := strings.Cut(rest, "<!-- end -->")
		if !ok || !ended {
			t.Errorf("docs/scaling.md has no place for the table %q", name)
			continue
		}
		if old != table && !*update {
			t.Errorf("the table %q is not what make scaling says:\n%s", name, table)
		}
		text = before + "<!-- " + name + " -->\n" + table + "<!-- end -->" + after
	}
	if *update {
		if err := os.WriteFile(document, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// plain are costs by which the way can be added up by hand.
var plain = Costs{Commit: 0.5, Message: 0.1, Fetch: 0.2, Post: 0.1, Hear: 0.3, Write: 0.01, Frame: 0.001, Note: 0.01, Disk: 1, Hop: 0.5}

// A message alone takes the sum of its parts.
func TestWayOfOneMessage(t *testing.T) {
	r := Room{Nodes: 2, Readers: 2, Rate: 0.001, Seconds: 1, Cores: 4}
	o := plain.Simulate(r)
	first := 0.1 + 0.5 + 0.1 + 1 // stored, and told to the sender's node
	socket := 0.011
	if want := first + 0.02 + 0.5 + 0.2 + 0.3 + socket; math.Abs(o.P99-want) > 1e-9 && math.Abs(o.P50-want) > 1e-9 {
		t.Errorf("it took %v and %v, not %v", o.P50, o.P99, want)
	}
	if o.Commits != 1 || o.Fetches != 1 || o.Undelivered != 0 {
		t.Errorf("%+v", o)
	}
	r.Carried = true
	if o := plain.Simulate(r); o.Fetches != 0 || o.Undelivered != 0 {
		t.Errorf("carried: %+v", o)
	}
}

// Whatever comes at once, everything arrives, in groups, and a node reads it once at most.
func TestWayOfMany(t *testing.T) {
	for _, carried := range []bool{false, true} {
		r := Room{Nodes: 7, Readers: 1001, Rate: 2000, Seconds: 2, Cores: 2, Brokers: 2, Carried: carried}
		o := plain.Simulate(r)
		if o.Undelivered != 0 || o.Commits > 0.5 || o.Fetches > 6 {
			t.Errorf("carried %t: %+v", carried, o)
		}
	}
}

// More than a processor can do does not arrive.
func TestTooMuch(t *testing.T) {
	c := plain
	c.Message = 3
	if o := c.Simulate(Room{Nodes: 3, Readers: 30, Rate: 1000, Seconds: 20, Cores: 1}); o.Undelivered < 1000 {
		t.Errorf("%+v", o)
	}
}

// What is shared out by chance reaches as many nodes as it should.
func TestReached(t *testing.T) {
	for _, c := range []struct{ nodes, readers, want float64 }{{1, 50, 1}, {2, 1, 1}, {2, 2, 1.5}, {1000, 1, 1}} {
		if got := reached(c.nodes, c.readers); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v readers are at %v of %v nodes, not %v", c.readers, got, c.nodes, c.want)
		}
	}
	if got := reached(10, 1e6); got < 9.999 {
		t.Errorf("a crowd is at %v of 10 nodes", got)
	}
}

// Twice the people need twice of everything that is theirs.
func TestPlaceGrows(t *testing.T) {
	h := Assumed
	h.Connections = 1e6
	one := plain.Place(h, Changed)
	h.Connections = 2e6
	two := plain.Place(h, Changed)
	for what, grew := range map[string]float64{
		"messages": two.Messages / one.Messages, "deliveries": two.Deliveries / one.Deliveries, "nodes": two.Nodes / one.Nodes, "log": two.WAL / max(1, one.WAL), "committing": two.Committing / one.Committing,
	} {
		if what != "log" && math.Abs(grew-2) > 0.1 {
			t.Errorf("%s: %v times as much", what, grew)
		}
	}
}
