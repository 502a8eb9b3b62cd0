package ws

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"hubbub/internal/bustest"
	"hubbub/internal/chat"
	"hubbub/internal/ledger"
)

// What somebody spends at one node they owe at all, whether they are there or come later.
func TestLimitsOfAllNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := bustest.NewNetwork(bustest.Faults{})
		var servers []*Server
		for range 2 {
			s := &Server{
				limits: DefaultLimits(), users: make(map[chat.UserID]*user), addresses: make(map[netip.Addr]*source),
				behind: func(netip.Addr) bool { return false },
			}
			book := ledger.New(net.Join())
			defer book.Close()
			s.told.open(s, book)
			servers = append(servers, s)
		}
		defer net.Wait()
		here, there, l := servers[0], servers[1], DefaultLimits()
		u, address := here.user("ines"), netip.MustParseAddr("192.0.2.1")
		for range 3 { // and nobody owes more than all
			for range int(l.UserMessages.Burst) {
				u.mu.Lock()
				here.told.spendMessage(u)
				here.told.spendBytes(u, 1<<10)
				u.mu.Unlock()
			}
			for range 100 {
				here.arrive(address)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		now := time.Now().UnixNano()
		v := there.user("ines")
		if v.messages.wait(now, 1, l.UserMessages) <= 0 || v.messages.wait(now, 1, l.UserMessages) > time.Second {
			t.Errorf("she waits %v for a message", v.messages.wait(now, 1, l.UserMessages))
		}
		if v.bytes <= bucket(now) {
			t.Error("she owes no bytes")
		}
		if there.addresses[address].rate <= bucket(now) || there.addresses[address].conns != 0 {
			t.Error("her address owes no connections, or has some")
		}
		here.forgetUser("ines", u)
		there.forgetUser("ines", v)
		time.Sleep(time.Minute) // all is paid
		synctest.Wait()
		if len(here.users)+len(there.users) > 0 {
			t.Errorf("%d and %d people are remembered", len(here.users), len(there.users))
		}
	})
}
