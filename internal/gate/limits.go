package gate

import (
	"net/netip"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/ledger"
)

// limits bound guesses and floods. Each is felt by who causes it.
type limits struct {
	guests      *limiter // new people, by network
	names       *limiter // changes of name, by person
	invites     *limiter // made, by person
	rooms       *limiter // made, by person
	writes      *limiter // by HTTP, by person
	searches    *limiter // by person
	pictures    *limiter // sent, by person
	guesses     *limiter // invitations and links that were wrong, by network
	attempts    *limiter // passwords, by account and network
	networks    *limiter // passwords, by network
	accounts    *limiter // passwords, by account, from networks that never got in
	knows       *limiter // remembers from where an account was signed in to
	credentials *limiter // passwords and passkeys set, by person; passkeys used, by network
	providers   *limiter // likewise
	hooks       *limiter // messages, by incoming hook
	hookGuesses *limiter // secrets of hooks that were wrong, by network
}

// Rate is so many at once, and then one every so often. The zero value lifts it.
type Rate struct {
	Burst int
	Every time.Duration
}

func newLimits(on bool, guests Rate) limits {
	l := func(burst int, every time.Duration) *limiter {
		return &limiter{on: on, burst: burst, every: every, full: make(map[string]time.Time)}
	}
	return limits{
		guests:      &limiter{on: on && guests.Burst > 0, burst: guests.Burst, every: guests.Every, full: make(map[string]time.Time)},
		names:       l(5, time.Minute),
		invites:     l(20, time.Minute),
		rooms:       l(30, 10*time.Second),
		writes:      l(200, 50*time.Millisecond),
		searches:    l(60, 100*time.Millisecond), // one for each letter that somebody types fast
		pictures:    l(10, 10*time.Second),
		guesses:     l(20, 10*time.Second),
		attempts:    l(5, 2*time.Minute),
		networks:    l(30, 10*time.Second),
		accounts:    l(20, time.Minute),
		knows:       l(1, 30*24*time.Hour),
		credentials: l(30, 5*time.Second),
		providers:   l(30, 5*time.Second),
		hooks:       l(60, time.Second),
		hookGuesses: l(30, 10*time.Second),
	}
}

// limiter has a token bucket for each key: burst at once, then one every so often.
// It keeps the moment at which each bucket will be full (the generic cell rate
// algorithm), and forgets full ones.
type limiter struct {
	on    bool
	burst int
	every time.Duration

	told    *ledger.Account // what other nodes are told of
	cleared *ledger.Account // likewise
	now     bool            // they are to know at once

	mu   sync.Mutex // guards the following
	full map[string]time.Time
}

// share has all nodes share the limits. Those of guesses are told at once.
func (l *limits) share(book *ledger.Ledger) {
	for name, one := range map[string]*limiter{
		"guests": l.guests, "names": l.names, "invites": l.invites, "rooms": l.rooms, "writes": l.writes, "searches": l.searches,
		"pictures": l.pictures, "guesses": l.guesses, "attempts": l.attempts, "networks": l.networks, "accounts": l.accounts,
		"knows": l.knows, "credentials": l.credentials, "providers": l.providers, "hooks": l.hooks, "hook guesses": l.hookGuesses,
	} {
		if one.on {
			one.told = book.Open("gate "+name, one.hear)
			one.cleared = book.Open("gate "+name+" cleared", func(key string, _ float64) { one.clearHere(key) })
		}
	}
	for _, one := range []*limiter{l.guesses, l.attempts, l.networks, l.accounts, l.knows, l.hookGuesses} {
		one.now = true
	}
}

// tell tells the other nodes what was taken here.
func (l *limiter) tell(key string) {
	if l.now {
		l.told.Now(key, 1)
		return
	}
	l.told.Spent(key, 1)
}

// hear takes what was taken elsewhere, as far as it is there: nobody owes more than all.
func (l *limiter) hear(key string, n float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	next := l.full[key]
	if next.Before(now) {
		next = now
	}
	l.forget(now)
	l.full[key] = next.Add(time.Duration(min(n, float64(l.burst)) * float64(l.every)))
	if most := now.Add(time.Duration(l.burst) * l.every); l.full[key].After(most) {
		l.full[key] = most
	}
}

// maxKeys bounds a limiter's memory, to some 10 MB. Whoever has that many
// addresses is let off lightly.
const maxKeys = 100_000

// take takes a token, or returns CodeRateLimited with how long to wait.
func (l *limiter) take(key string) error {
	if !l.on {
		return nil
	}
	err := l.takeHere(key)
	if err == nil {
		l.tell(key)
	}
	return err
}

func (l *limiter) takeHere(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	next := l.full[key]
	if next.Before(now) {
		next = now
	}
	next = next.Add(l.every)
	if wait := next.Sub(now) - time.Duration(l.burst)*l.every; wait > 0 {
		return tooOften(wait)
	}
	l.forget(now)
	l.full[key] = next
	return nil
}

// check is take without taking.
func (l *limiter) check(key string) error {
	if !l.on {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := max(time.Until(l.full[key]), 0) - time.Duration(l.burst-1)*l.every; wait > 0 {
		return tooOften(wait)
	}
	return nil
}

func tooOften(wait time.Duration) error {
	wait = max(wait.Round(time.Second), time.Second)
	return &chat.Error{Code: chat.CodeRateLimited, Message: "too many attempts; wait a moment", RetryAfter: wait}
}

// forget makes room. l.mu is held.
func (l *limiter) forget(now time.Time) {
	if len(l.full) < maxKeys {
		return
	}
	for key, t := range l.full {
		if t.Before(now) {
			delete(l.full, key)
		}
	}
	for key := range l.full {
		if len(l.full) < maxKeys {
			return
		}
		delete(l.full, key)
	}
}

// has says whether a key has taken something that is not refilled.
func (l *limiter) has(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.full[key].After(time.Now())
}

// note takes a token, there or not.
func (l *limiter) note(key string) {
	defer l.tell(key) // without the lock
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.forget(now)
	l.full[key] = now.Add(l.every)
}

// clear gives all tokens back.
func (l *limiter) clear(key string) {
	l.clearHere(key)
	l.cleared.Now(key, 1)
}

func (l *limiter) clearHere(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.full, key)
}

// network is what counts as one client: an IPv4 address, or the /64 that one
// customer of IPv6 has.
func network(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		return p.String()
	}
	return a.String()
}
