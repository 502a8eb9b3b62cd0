package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"hubbub/internal/chat"
)

// Appends of many callers to one or many rooms, each as durable as any: the figure is
// acknowledged messages per second. With HUBBUB_TEST_POSTGRES_DIR the server's data lies
// on a disk.
func BenchmarkAppend(b *testing.B) {
	for _, rooms := range []int{1, 100} {
		for _, flight := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("rooms=%d/flight=%d", rooms, flight), func(b *testing.B) {
				s := open(b, fresh(b))
				defer s.Close()
				k := newTalker(b, s)
				ids := make([]chat.RoomID, rooms)
				for i := range ids {
					r, err := s.EnsureRoom(b.Context(), named(fmt.Sprint("room", i)), "")
					if err != nil {
						b.Fatal(err)
					}
					ids[i] = r.ID
				}
				work := make(chan int)
				var wg sync.WaitGroup
				for range flight {
					wg.Go(func() {
						for n := range work {
							d := k.draft("seventy bytes of text, about what people write when they chat in a room")
							d.Room = ids[n%rooms]
							if r := s.Append(b.Context(), []chat.Draft{d})[0]; r.Err != nil {
								b.Error(r.Err)
							}
						}
					})
				}
				b.ResetTimer()
				for n := range b.N {
					work <- n
				}
				close(work)
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			})
		}
	}
}

// Reading the newest 50 events of a room.
func BenchmarkRead(b *testing.B) {
	s := open(b, fresh(b))
	defer s.Close()
	k := newTalker(b, s)
	for range 20 {
		drafts := make([]chat.Draft, 500)
		for i := range drafts {
			drafts[i] = k.draft("seventy bytes of text, about what people write when they chat in a room")
		}
		s.Append(b.Context(), drafts)
	}
	for b.Loop() {
		if events, err := s.Read(b.Context(), k.room, 9_950, 50); err != nil || len(events) != 50 {
			b.Fatal(len(events), err)
		}
	}
}
