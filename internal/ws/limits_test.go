package ws

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	r := Rate{PerSecond: 10, Burst: 5}
	now := time.Now().UnixNano()
	var b bucket
	for i := range 5 {
		if w := b.wait(now, 1, r); w > 0 {
			t.Fatalf("token %d: wait %v", i, w)
		}
		b.take(now, 1, r)
	}
	if w := b.wait(now, 1, r); w != 100*time.Millisecond {
		t.Errorf("after the burst: wait %v", w)
	}
	b.take(now, 20, r) // into debt
	if w := b.wait(now, 0, r); w != 2*time.Second {
		t.Errorf("in debt: wait %v", w)
	}
	if w := b.wait(now+int64(time.Minute), 5, r); w > 0 {
		t.Errorf("a minute later the burst is not there: wait %v", w)
	}
	b.take(now, 1e9, Rate{})
	if w := b.wait(now, 1, Rate{}); w > 3*time.Second {
		t.Errorf("without a limit: wait %v", w)
	}
}

func TestRateAsText(t *testing.T) {
	for text, want := range map[string]Rate{"50,400": {50, 400}, "0": {}} {
		r := Rate{1, 1}
		if err := r.Set(text); err != nil || r != want {
			t.Errorf("%q is %v, %v", text, r, err)
		}
		if again := (&Rate{}); again.Set(r.String()) == nil && *again != want {
			t.Errorf("%v reads as %v", r, *again)
		}
	}
	for _, text := range []string{"", "50", "50,", ",400", "0,0", "-1,5", "50,400,3", "many"} {
		r := Rate{1, 2}
		if err := r.Set(text); err == nil || r != (Rate{1, 2}) {
			t.Errorf("%q is %v", text, r)
		}
	}
}
