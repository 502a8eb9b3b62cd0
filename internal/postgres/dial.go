package postgres

import (
	"net"
	"time"
)

// lostAfter is how long the other side's machine may say nothing to what it was sent, or
// was asked. TCP alone would go on for a quarter of an hour, trying more and more seldom,
// and what waits for an answer with it, so long as nobody looks at the time; and when the
// way is open again, for as long again as it was cut. A server that is only busy is not
// meant: its machine answers.
const lostAfter = 2 * time.Second

// dialer connects so that a way that was cut is noticed.
func dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         lostAfter / 2, // TCP asks a second time no sooner
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: lostAfter / 2, Interval: lostAfter / 2, Count: 2},
		Control:         giveUp,
	}
}
