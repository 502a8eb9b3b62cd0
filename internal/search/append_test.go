package search

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/sqlite"
)

// What a sender feels of the index: appends a second, and how long one waits, with and
// without an index that follows.
func BenchmarkAppend(b *testing.B) {
	for _, flight := range []int{1, 64, 512} {
		for _, with := range []bool{false, true} {
			b.Run(fmt.Sprintf("flight=%d/index=%v", flight, with), func(b *testing.B) { benchmarkAppend(b, flight, with) })
		}
	}
}

func benchmarkAppend(b *testing.B, flight int, with bool) {
	w := &world{TB: b, dir: b.TempDir()}
	var err error
	w.store, err = sqlite.Open(b.Context(), w.dir, slog.New(slog.DiscardHandler), sqlite.Options{})
	w.must(err)
	defer w.store.Close()
	if with {
		w.index, err = Open(b.Context(), w.dir, Config{Log: w.store, Directory: w.store, Logger: slog.New(slog.DiscardHandler)})
		w.must(err)
		defer w.index.Close()
		w.store.Follow(w.index.Follow)
	}
	ines := w.person("Ines")
	var rooms []chat.RoomID
	for i := range 100 {
		rooms = append(rooms, w.public(fmt.Sprint("room", i)))
	}
	work := make(chan int)
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for range flight {
		wg.Go(func() {
			var took []time.Duration
			for n := range work {
				d := chat.Draft{Room: rooms[n%100], Author: ines.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())),
					Body: fmt.Sprintf("seventy bytes of text number %d, about what people write in room %d", n, n%100)}
				begun := time.Now()
				if r := w.store.Append(b.Context(), []chat.Draft{d})[0]; r.Err != nil {
					b.Error(r.Err)
				}
				took = append(took, time.Since(begun))
			}
			mu.Lock()
			all = append(all, took...)
			mu.Unlock()
		})
	}
	b.ResetTimer()
	for n := range b.N {
		work <- n
	}
	close(work)
	wg.Wait()
	b.StopTimer()
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	b.ReportMetric(all[len(all)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(all[len(all)*99/100].Seconds()*1000, "p99-ms")
}
