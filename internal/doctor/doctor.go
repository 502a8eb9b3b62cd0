// Package doctor finds out whether WebSockets work through whatever stands between a
// client and a server: what to look at, what can be wrong, and the lines that mend it.
// The server says what arrived (Arrive), one function compares that with what was
// sent (Examine), and Run does it all from the outside. It knows nothing of chat.
package doctor

import "strings"

// State is what became of a check.
type State string

// The states of a check.
const (
	OK       State = "ok"
	Faulty   State = "fault"
	Untested State = "untested"
)

// The checks, in the order in which they are shown.
const (
	CheckReach       = "reach"       // a hubbub answers at that address
	CheckCertificate = "certificate" // its name, its chain, its time
	CheckHTTP        = "http"        // the version that arrives
	CheckHost        = "host"        // arrives as it was sent, and is known
	CheckOrigin      = "origin"      // arrives as it was sent, and is the server's own
	CheckScheme      = "scheme"      // the server knows how it is seen from outside
	CheckForwarded   = "forwarded"   // the server knows where clients come from
	CheckUpgrade     = "upgrade"     // Upgrade, Connection, Sec-WebSocket-*
	CheckSocket      = "socket"      // messages there and back, and the chat's own socket
	CheckCompression = "compression" // permessage-deflate
	CheckBuffering   = "buffering"   // a streamed answer comes while it is made
	CheckClock       = "clock"       // the server's against the one here
	CheckIdle        = "idle"        // a silent socket lives longer than a heartbeat
)

// Order lists all checks.
var Order = []string{
	CheckReach, CheckCertificate, CheckHTTP, CheckHost, CheckOrigin, CheckScheme, CheckForwarded,
	CheckUpgrade, CheckSocket, CheckCompression, CheckBuffering, CheckClock, CheckIdle,
}

// Values are what a text says of this very case: {host} in a text is Values["host"].
type Values map[string]string

// Check is a check and what came of it.
type Check struct {
	ID    string `json:"id"`
	State State  `json:"state"`
	Why   Why    `json:"why"` // the fault, or which of the ways to be well or untested
	With  Values `json:"with,omitempty"`
}

func ok(id string, why Why, with Values) Check       { return Check{id, OK, why, with} }
func untested(id string, why Why, with Values) Check { return Check{id, Untested, why, with} }
func fault(id string, why Why, with Values) Check    { return Check{id, Faulty, why, with} }

// fill puts values into a text.
func fill(text string, with Values) string {
	pairs := make([]string, 0, 2*len(with))
	for name, value := range with {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Sentence says what came of a check, in English. Others have texts of their own by Why.
func (c Check) Sentence() string { return fill(sentences[c.Why], c.With) }

// Mends returns the lines that mend a fault, for each of the proxies and for hubbub
// itself; none for a check that is no fault.
func (c Check) Mends() []Remedy {
	if c.State != Faulty {
		return nil
	}
	var all []Remedy
	for _, r := range remedies[c.Why] {
		all = append(all, r.with(c.With))
	}
	return all
}

// Report is what a doctor found.
type Report struct {
	URL     string  `json:"url"`
	Version string  `json:"version,omitempty"` // of the server
	Checks  []Check `json:"checks"`
}

// Sound says whether there is no fault.
func (r Report) Sound() bool {
	for _, c := range r.Checks {
		if c.State == Faulty {
			return false
		}
	}
	return true
}

// Check returns a check by its id.
func (r Report) Check(id string) Check {
	for _, c := range r.Checks {
		if c.ID == id {
			return c
		}
	}
	return Check{}
}
