package main

import "fmt"

// Where things are: machine n has 10.77.n.2, and this process 10.77.0.2.
const (
	homeAddress = "10.77.0.2"
	allMachines = "10.77.0.0/16"
)

func machineAddress(n int) string { return fmt.Sprintf("10.77.%d.2", n) }

// cut is what does not come through.
type cut struct{ from, to, ports string }

// rule says it to the router: it throws away, and tells nobody.
func (c cut) rule(do string) string {
	return fmt.Sprintf("rule %s pref 100 from %s to %s %s blackhole\n", do, c.from, c.to, c.ports)
}
