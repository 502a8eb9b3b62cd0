package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/postgres"
)

// answering has a store answer until the test ends, or stop is called.
func answering(t *testing.T, s *postgres.Store, late bool, f func(context.Context, []byte) []byte) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Answer(ctx, func() bool { return late }, f)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

func number(t *testing.T, url, query string) (n int) {
	t.Helper()
	if err := raw(t, url).QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func ask(t *testing.T, s *postgres.Store, what string) string {
	t.Helper()
	answer, err := s.Ask(t.Context(), []byte(what))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return string(answer)
}

func echo(as string, answered *atomic.Int64) func(context.Context, []byte) []byte {
	return func(_ context.Context, question []byte) []byte {
		answered.Add(1)
		return fmt.Appendf(nil, "%s: %s", as, question)
	}
}

// Each question is answered once, by some process that is not late, whoever else asks.
func TestQuestions(t *testing.T) {
	url := fresh(t)
	a, b, c := open(t, url), open(t, url), open(t, url)
	defer a.Close()
	defer b.Close()
	defer c.Close()
	var ready, late atomic.Int64
	answering(t, a, false, echo("a", &ready))
	answering(t, b, true, echo("b", &late))
	const n = 50
	var all sync.WaitGroup
	var again atomic.Int64 // may have been asked once more, on a machine that is busy
	for i := range n {
		all.Go(func() {
			begun := time.Now()
			defer func() {
				if time.Since(begun) > 2*time.Second {
					again.Add(1)
				}
			}()
			what := fmt.Sprint("question ", i, bytes.Repeat([]byte{0, 255, 'x'}, i*100))
			answer, err := c.Ask(t.Context(), []byte(what))
			if err != nil || string(answer) != "a: "+what && string(answer) != "b: "+what {
				t.Errorf("%.20s: %.20s, %v", what, answer, err)
			}
		})
	}
	all.Wait()
	if got := ready.Load() + late.Load(); got < n || got > n+again.Load() {
		t.Errorf("%d of %d were answered", got, n)
	}
	if left := number(t, url, "SELECT count(*) FROM questions"); left != 0 {
		t.Errorf("%d questions are left", left)
	}
}

// Who is late answers when nobody else does; if a process takes a question and says
// nothing, another one is asked; if none answers, who asks is told.
func TestQuestionsWait(t *testing.T) {
	url := fresh(t)
	a, b := open(t, url), open(t, url)
	defer a.Close()
	defer b.Close()
	var answered atomic.Int64
	late := answering(t, b, true, echo("late", &answered))
	if got := ask(t, a, "x"); got != "late: x" {
		t.Error(got)
	}
	silent := make(chan struct{})
	hangs := answering(t, a, false, func(ctx context.Context, _ []byte) []byte {
		close(silent) // once
		<-ctx.Done()
		return nil
	})
	got := make(chan string, 1)
	go func() { got <- ask(t, b, "y") }()
	<-silent
	if answer := <-got; answer != "late: y" {
		t.Error(answer)
	}
	hangs()
	late()
	begun := time.Now()
	if _, err := a.Ask(t.Context(), []byte("z")); err == nil || chat.AsError(err).Code != chat.CodeUnavailable {
		t.Error(err)
	}
	if took := time.Since(begun); took < chat.AnswerTime {
		t.Errorf("it was given up after %v", took)
	}
	if left := number(t, url, "SELECT count(*) FROM questions"); left != 0 {
		t.Errorf("%d questions are left", left)
	}
}

// What listens finds its way back when its connection is broken.
func TestQuestionsAfterBreak(t *testing.T) {
	url := fresh(t)
	a, b := open(t, url), open(t, url)
	defer a.Close()
	defer b.Close()
	var answered atomic.Int64
	answering(t, a, false, echo("a", &answered))
	ask(t, b, "before")
	if number(t, url, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%questions%' AND pid <> pg_backend_pid()") == 0 {
		t.Fatal("nothing was broken")
	}
	for late := time.Now().Add(20 * time.Second); ; {
		answer, err := b.Ask(t.Context(), []byte("after"))
		if err == nil {
			if string(answer) != "a: after" {
				t.Error(string(answer))
			}
			return
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
	}
}

// Who gives up leaves nothing behind, and the connections as they were.
func TestQuestionsGivenUp(t *testing.T) {
	url := fresh(t)
	a := open(t, url)
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Ask(ctx, []byte("a connection is there"))
	pids := "SELECT sum(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hubbub'"
	was := number(t, url, pids)
	for i := range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*200*time.Microsecond)
		a.Ask(ctx, []byte("given up"))
		cancel()
	}
	if is := number(t, url, pids); is != was {
		t.Error("the connections are not the same")
	}
	if left := number(t, url, "SELECT count(*) FROM questions"); left != 0 {
		t.Errorf("%d questions are left", left)
	}
}
