package ws

import (
	"net/netip"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/ledger"
)

// accounts tell other nodes what people and addresses spent of their limits here. The
// connections that one address may have are counted at each node.
type accounts struct {
	messages, bytes, handshakes *ledger.Account // nil: the limit is lifted, or there are no others
}

// spending is what a person has spent and others have not been told. It is worth telling
// from somewhat more than what a person needs who writes.
type spending struct{ messages, bytes float64 }

const (
	worthMessages = 10
	worthBytes    = 64 << 10
)

func (a *accounts) open(s *Server, book *ledger.Ledger) {
	now := func() int64 { return time.Now().UnixNano() }
	if l := s.limits.UserMessages; l.PerSecond > 0 {
		a.messages = book.Open("messages", func(id string, n float64) {
			s.owe(chat.UserID(id), func(u *user) { u.messages.owe(now(), n, l) })
		})
	}
	if l := s.limits.UserBytes; l.PerSecond > 0 {
		a.bytes = book.Open("bytes", func(id string, n float64) {
			s.owe(chat.UserID(id), func(u *user) { u.bytes.owe(now(), n, l) })
		})
	}
	if l := s.limits.Handshakes; l.PerSecond > 0 {
		a.handshakes = book.Open("handshakes", func(address string, n float64) {
			if from, err := netip.ParseAddr(address); err == nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.source(from).rate.owe(now(), n, l)
			}
		})
	}
}

// owe has somebody owe what was spent elsewhere, whether they are here or not.
func (s *Server) owe(id chat.UserID, f func(*user)) {
	u := s.user(id)
	u.mu.Lock()
	f(u)
	u.mu.Unlock()
	s.forgetUser(id, u)
}

// owe is take, but nobody owes more than all.
func (b *bucket) owe(now int64, n float64, r Rate) {
	b.take(now, min(n, r.Burst), r)
	*b = min(*b, bucket(now+r.span(r.Burst)))
}

// spendMessage notes a message. u.mu is held.
func (a *accounts) spendMessage(u *user) {
	if a.messages == nil {
		return
	}
	if u.spent.messages++; u.spent.messages >= worthMessages {
		a.messages.Spent(string(u.id), u.spent.messages)
		u.spent.messages = 0
	}
}

// spendBytes likewise.
func (a *accounts) spendBytes(u *user, n float64) {
	if a.bytes == nil {
		return
	}
	if u.spent.bytes += n; u.spent.bytes >= worthBytes {
		a.bytes.Spent(string(u.id), u.spent.bytes)
		u.spent.bytes = 0
	}
}
