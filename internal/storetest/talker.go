package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
)

// Talker is somebody with a room.
type Talker struct {
	Store  chat.Store
	Room   chat.RoomID
	Author chat.UserID
}

// Named is a name that only looks like itself.
func Named(name string) chat.Name { return chat.Name{Display: name, Key: name} }

// NewTalker lets somebody into the lobby.
func NewTalker(t testing.TB, s chat.Store) Talker {
	t.Helper()
	r, err := s.EnsureRoom(context.Background(), Named("lobby"), "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.AddVisitor(context.Background(), Named(fmt.Sprint("talker ", time.Now().UnixNano())))
	if err != nil {
		t.Fatal(err)
	}
	return Talker{s, r.ID, p.ID}
}

// Draft returns a new message.
func (k Talker) Draft(body string) chat.Draft {
	return chat.Draft{Room: k.Room, Author: k.Author, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: body}
}

// Say appends a new message.
func (k Talker) Say(body string) chat.Result {
	return k.Store.Append(context.Background(), []chat.Draft{k.Draft(body)})[0]
}

// BenchmarkAppend measures appends of many callers to one or many rooms, each as durable
// as any: the figure is acknowledged messages per second.
func BenchmarkAppend(b *testing.B, open func(testing.TB) chat.Store) {
	for _, rooms := range []int{1, 100} {
		for _, flight := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("rooms=%d/flight=%d", rooms, flight), func(b *testing.B) {
				s := open(b)
				defer s.Close()
				k := NewTalker(b, s)
				ids := make([]chat.RoomID, rooms)
				for i := range ids {
					r, err := s.EnsureRoom(b.Context(), Named(fmt.Sprint("room", i)), "")
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
							d := k.Draft("seventy bytes of text, about what people write when they chat in a room")
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
