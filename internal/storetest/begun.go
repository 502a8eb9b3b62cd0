package storetest

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// What was begun is finished once, by whoever has the secret, for what it was begun for,
// in time; and there is a limit to it.
func testBegun(t *testing.T, e *env) {
	ctx, soon := t.Context(), time.Now().Add(time.Minute)
	secret := chat.HashToken("secret")
	data := []byte{0, 0xff, '{'}
	e.must(e.Deposit(ctx, "link", secret, data, soon))
	e.must(e.Deposit(ctx, "link", chat.HashToken("late"), data, time.Now().Add(-time.Second)))
	_, err := e.Collect(ctx, "passkey", secret)
	e.wants(chat.CodeNotFound, err)
	_, err = e.Collect(ctx, "link", chat.HashToken("another"))
	e.wants(chat.CodeNotFound, err)
	_, err = e.Collect(ctx, "link", chat.HashToken("late"))
	e.wants(chat.CodeNotFound, err)
	e.reopen()
	var all sync.WaitGroup
	var done atomic.Int64
	for range 8 {
		all.Go(func() {
			what, err := e.Collect(ctx, "link", secret)
			if err == nil {
				done.Add(1)
				if !bytes.Equal(what, data) {
					t.Errorf("it was %q", what)
				}
			}
		})
	}
	all.Wait()
	if done.Load() != 1 {
		t.Errorf("it was finished %d times", done.Load())
	}
	if testing.Short() {
		return
	}
	for i := range chat.MaxBegun / 500 * 2 { // in parallel, since each is a commit
		all.Go(func() {
			for k := range 255 {
				if err := e.Deposit(ctx, "flood", chat.HashToken(fmt.Sprint(i, " ", k)), data, soon.Add(time.Duration(i*255+k)*time.Second)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	_, err = e.Collect(ctx, "flood", chat.HashToken("0 0")) // it ends first
	e.wants(chat.CodeNotFound, err)
	if _, err := e.Collect(ctx, "flood", chat.HashToken("39 254")); err != nil {
		t.Errorf("the last one is gone: %v", err)
	}
}
