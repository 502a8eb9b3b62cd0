package main

import (
	"fmt"
	"time"
)

// This file has the scenarios of the command bench cluster.

func (c *nodesBench) quiet(title string) error {
	c.table(title, "A room of ten, one message every few milliseconds; from sending at the first node to receipt at the last. Costs are for each message.",
		columns("nodes | p50 ms | p99 ms")...)
	return c.each(func(ns *nodes) error {
		var f figures
		d, err := c.attempt(ns, ns.all, &f, "idle")
		if err != nil {
			return err
		}
		key := fmt.Sprint("quiet/", len(ns.all))
		c.note(f.P50, "%s/p50", key)
		c.note(f.P99, "%s/p99", key)
		c.say("| %d | %.2f | %.2f | %s |", len(ns.all), f.P50, f.P99, c.costsOf(d, 500, key))
		return nil
	})
}

// shape runs the load in one shape of rooms on each number of nodes.
func (c *nodesBench) shape(key string, settings ...string) error {
	return c.each(func(ns *nodes) error {
		var f figures
		d, err := c.attempt(ns, ns.all, &f, "load", settings...)
		if err != nil || !f.sound() {
			c.void(fmt.Sprint(len(ns.all)), &f, err)
			return nil
		}
		k := fmt.Sprint(key, "/", len(ns.all))
		c.latencies(&f, k)
		c.note(f.PerSecond, "%s/deliveries", k)
		c.note(float64(f.Deliveries)/float64(f.Messages), "%s/readers", k)
		c.say("| %d | %.0f | %.1f | %.1f | %s | %s |", len(ns.all), f.PerSecond, f.P50, f.P99, far(&f), c.costsOf(d, float64(f.Messages), k))
		return nil
	})
}

func (c *nodesBench) latencies(f *figures, key string) {
	for name, v := range map[string]float64{"p50": f.P50, "p99": f.P99, "far_p50": f.FarP50, "far_p99": f.FarP99} {
		c.note(v, "%s/%s", key, name)
	}
}

// far says how late what came from other nodes was.
func far(f *figures) string {
	if f.far.n == 0 && f.FarP50 == 0 {
		return "- | -"
	}
	return fmt.Sprintf("%.1f | %.1f", f.FarP50, f.FarP99)
}

const shapeColumns = "nodes | deliveries/s | p50 ms | p99 ms | node to node p50 | p99"

func (c *nodesBench) hot(title string) error {
	c.table(title, "1,000 members, spread over all nodes, 100 messages a second for 5 seconds from 10 of them. Costs are for each message, which is 1,000 deliveries.", columns(shapeColumns)...)
	return c.shape("hot", "members=1000", "rate=100", "ms=5000")
}

func (c *nodesBench) small(title string) error {
	const what = "%s 300 rooms of 10, 3,000 connections, 300 messages a second for 5 seconds. Costs are for each message, which is 10 deliveries."
	settings := []string{"members=3000", "rooms=300", "rate=300", "ms=5000"}
	c.table(title, fmt.Sprintf(what, "Members of a room are spread over all nodes."), columns(shapeColumns)...)
	if err := c.shape("small", settings...); err != nil {
		return err
	}
	c.table("The same, each room at one node", fmt.Sprintf(what, "All members of a room are at the same node."), columns(shapeColumns)...)
	return c.shape("home", append(settings, "home=1")...)
}

func (c *nodesBench) saturate(title string) error {
	c.table(title, "1,000 members in a room, spread over all nodes, 10 of them talk; p99 under a second, nothing lost.", columns(shapeColumns)...)
	return c.each(func(ns *nodes) error {
		low, high, rate := 0, 0, 800
		var best *figures
		var cost counted
		for high == 0 || (high-low)*5 >= high {
			var f figures
			d, err := c.attempt(ns, ns.all, &f, "load", "members=1000", fmt.Sprint("rate=", rate), "ms=3000")
			if c.ctx.Err() != nil {
				return c.ctx.Err()
			}
			if err == nil && f.sound() && f.P99 < 1000 && f.Seconds < 4 {
				low, best, cost = rate, &f, d
			} else {
				high = rate
			}
			switch {
			case high == 0:
				rate = 2 * low
			case low == 0:
				rate = high / 2
				high = 0
			default:
				rate = (low + high) / 2
			}
			if rate < 20 {
				return fmt.Errorf("not even at 20 messages a second")
			}
		}
		k := fmt.Sprint("most/", len(ns.all))
		c.latencies(best, k)
		c.note(best.PerSecond, "%s/deliveries", k)
		c.say("| %d | %.0f | %.1f | %.1f | %s | %s |", len(ns.all), best.PerSecond, best.P50, best.P99, far(best), c.costsOf(cost, float64(best.Messages), k))
		return nil
	})
}

func (c *nodesBench) posts(title string) error {
	c.table(title, "64 messages in flight on 64 connections, spread over all nodes, into rooms that nobody reads: a new one is sent when one is acknowledged. Costs are for each message.",
		columns("nodes | rooms | acknowledged/s")...)
	return c.each(func(ns *nodes) error {
		for _, rooms := range []int{1, 100} {
			var f struct {
				PerSecond float64 `json:"per_second"`
				Total     float64 `json:"total"`
			}
			d, err := c.attempt(ns, ns.all, &f, "posts", "conns=64", fmt.Sprint("rooms=", rooms), "ms=4000")
			if err != nil {
				return err
			}
			k := fmt.Sprintf("posts%d/%d", rooms, len(ns.all))
			c.note(f.PerSecond, "%s/posts", k)
			c.say("| %d | %d | %.0f | %s |", len(ns.all), rooms, f.PerSecond, c.costsOf(d, f.Total, k))
		}
		return nil
	})
}

// unread has people talk at one node, which has an index for search, and nobody at another
// one that has one, and at one that has none.
func (c *nodesBench) unread(title string) error {
	c.table(title, "All 3,000 members of 300 rooms are at the first of three nodes, and nobody at the others, of which the second keeps an index for search. What each does for each message.",
		"messages/s", "the second: notes heard", "reads for readers", "processor ms", "the third: notes heard", "reads for readers", "processor ms", "the first: processor ms", "statements, of all", "PostgreSQL ms")
	return c.on(3, func(ns *nodes) error {
		first, err := ns.count()
		if err != nil {
			return err
		}
		for i, want := range []float64{1, 1, 0} {
			if first.metrics[i]["hubbub_search_index"] != want {
				return fmt.Errorf("node %d is not one that should keep an index, or is", i+1)
			}
		}
		for _, rate := range []int{10, 100, 300} {
			var f figures
			d, err := c.attempt(ns, ns.all[:1], &f, "load", "members=3000", "rooms=300", fmt.Sprint("rate=", rate), "ms=5000")
			if err != nil {
				return err
			}
			m := float64(f.Messages)
			k := fmt.Sprint("unread/", rate)
			c.note(d.statements/m, "%s/statements", k)
			c.note(d.postgres.Seconds()*1000/m, "%s/postgres_ms", k)
			line := fmt.Sprintf("| %d |", rate)
			for i, name := range []string{"second", "third"} {
				heard, reads, ms := d.metrics[i+1]["hubbub_nats_heard_total"]/m, d.metrics[i+1]["hubbub_elsewhere_reads_total"]/m, d.node[i+1].Seconds()*1000/m
				c.note(heard, "%s/%s/heard", k, name)
				c.note(reads, "%s/%s/reads", k, name)
				c.note(ms, "%s/%s/ms", k, name)
				line += fmt.Sprintf(" %.2f | %.2f | %.2f |", heard, reads, ms)
			}
			c.say("%s %.2f | %.1f | %.2f |", line, d.node[0].Seconds()*1000/m, d.statements/m, d.postgres.Seconds()*1000/m)
		}
		return nil
	})
}

// silence is what people cost who do nothing.
func (c *nodesBench) silence(title string) error {
	const last = 30 * time.Second
	c.table(title, fmt.Sprintf("People are connected, spread over three nodes, each with rooms open, and do nothing for %.0f seconds.", last.Seconds()),
		"people", "rooms", "statements/s", "NATS in/s", "NATS out/s", "NATS out bytes/s", "nodes ms/s", "PostgreSQL ms/s", "NATS ms/s", "memory of a node, MiB")
	for _, shape := range []struct{ people, rooms, open int }{{10, 1, 1}, {1000, 1, 1}, {5000, 1, 1}, {1000, 1000, 10}} {
		err := c.on(mostNodes, func(ns *nodes) error {
			h, err := ns.helper(c.ctx, ns.all, "load", fmt.Sprint("members=", shape.people), fmt.Sprint("rooms=", shape.rooms), fmt.Sprint("open=", shape.open), "v1=1", "hold=1")
			if err != nil {
				return err
			}
			h.says() // prepared
			if h.says() != "ready" {
				return fmt.Errorf("%s", h.errs.String())
			}
			time.Sleep(3 * time.Second)
			before, err := ns.count()
			if err != nil {
				return err
			}
			time.Sleep(last)
			after, err := ns.count()
			if err != nil {
				return err
			}
			memory := ns.all[0].memory() / (1 << 20)
			h.in.Close()
			if err := h.ends(new(figures)); err != nil {
				return err
			}
			d, s := after.since(before), last.Seconds()
			k := fmt.Sprintf("silence/%d-%d", shape.people, shape.rooms)
			ms := func(t time.Duration) float64 { return t.Seconds() * 1000 / s }
			for name, v := range map[string]float64{"statements": d.statements / s, "nats_in": d.in / s, "nats_out": d.out / s, "nats_bytes": d.sum("nats_heard_bytes_total") / s, "nodes_ms": ms(d.nodes()), "postgres_ms": ms(d.postgres)} {
				c.note(v, "%s/%s", k, name)
			}
			c.say("| %d | %d | %.1f | %.1f | %.1f | %.0f | %.1f | %.1f | %.1f | %.0f |", shape.people, shape.rooms, d.statements/s, d.in/s, d.out/s, d.sum("nats_heard_bytes_total")/s,
				ms(d.nodes()), ms(d.postgres), ms(d.nats), memory)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
