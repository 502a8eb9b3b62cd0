package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
)

// Of nodes that share a log one at a time delivers for a hook: whatever is said through
// whichever node comes once and in order, also where the node is gone through which the
// hook was made.
func TestOneNodeDelivers(t *testing.T) {
	delivered := make(chan chat.Seq, 1000)
	answers := make(chan struct{}, 1000) // one for each delivery
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, seq, _ := strings.Cut(r.Header.Get("X-Hubbub-Delivery"), "-")
		n, err := strconv.Atoi(seq)
		if err != nil {
			t.Error(err)
		}
		delivered <- chat.Seq(n)
		<-answers
	}))
	t.Cleanup(receiver.Close) // behind the nodes
	ns := startNodes(t, 3)
	ctx := t.Context()
	owner, err := ns.all[0].store.AddGuest(ctx, chat.Newcomer{Name: chat.Name{Display: "Ines", Key: "ines"}, Token: chat.HashToken("x"), Device: "a device"})
	if err == nil {
		_, err = ns.all[0].store.SetRole(ctx, "", owner.ID, chat.RoleOwner)
	}
	if err == nil {
		err = ns.all[0].store.SetPassword(ctx, owner.ID, "hashed")
	}
	if err == nil {
		_, err = ns.all[0].store.Join(ctx, chat.Actor{ID: owner.ID, Role: chat.RoleOwner}, ns.lobby)
	}
	if err != nil {
		t.Fatal(err)
	}
	h, err := ns.all[0].store.AddHook(ctx, chat.NewHook{
		Hook: chat.Hook{Room: ns.lobby, By: chat.Mention{ID: owner.ID}, URL: receiver.URL, Events: chat.HookMessages, Key: "key"},
		Name: chat.Name{Display: "Relay", Key: "relay"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range ns.all[:2] { // the third finds it by itself
		n.outward.hooks.Changed(h)
	}
	var want []chat.Seq
	say := func(nodes []*node) {
		t.Helper()
		for i := range 10 * len(nodes) {
			d := chat.Draft{Room: ns.lobby, Author: owner.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: fmt.Sprint(i)}
			r := nodes[i%len(nodes)].store.Append(ctx, []chat.Draft{d})[0]
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			want = append(want, r.Event.Seq)
		}
		// Nothing was answered yet, so every node has had something to deliver.
		for len(want) > 0 {
			select {
			case seq := <-delivered:
				if seq != want[0] {
					t.Fatalf("%d is delivered where %d comes next", seq, want[0])
				}
				want = want[1:]
				answers <- struct{}{}
			case <-time.After(time.Minute):
				t.Fatalf("%d is not delivered", want[0])
			}
		}
	}
	say(ns.all)
	if err := ns.all[0].stop(); err != nil {
		t.Fatal(err)
	}
	say(ns.all[1:])
	say(ns.all[2:])
}
