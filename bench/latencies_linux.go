package main

import (
	"math/bits"
	"time"
)

// latencies is a histogram: sixteen steps for each doubling of microseconds.
type latencies struct {
	steps [64 * 16]int
	n     int
}

func (l *latencies) add(d time.Duration) {
	l.n++
	us := uint64(d.Microseconds())
	if us < 16 {
		l.steps[us]++
		return
	}
	e := bits.Len64(us) - 5
	l.steps[min(e*16+int(us>>e), len(l.steps)-1)]++
}

// at returns a percentile in milliseconds: the largest latency of its step.
func (l *latencies) at(percent int) float64 {
	seen := 0
	for i, n := range l.steps {
		seen += n
		if n > 0 && seen*100 >= l.n*percent {
			return upper(i)
		}
	}
	return 0
}

// upper returns the largest latency of a step in milliseconds.
func upper(i int) float64 {
	if i < 32 {
		return float64(i+1) / 1000
	}
	e := i/16 - 1
	return float64(uint64(i%16+17)<<e) / 1000
}
