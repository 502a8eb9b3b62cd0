package postgres_test

import (
	"testing"

	"hubbub/internal/chat"
	"hubbub/internal/storetest"
)

// Appends of many callers to one or many rooms, each as durable as any: the figure is
// acknowledged messages per second. With HUBBUB_TEST_POSTGRES_DIR the server's data lies
// on a disk.
func BenchmarkAppend(b *testing.B) {
	storetest.BenchmarkAppend(b, func(t testing.TB) chat.Store { return open(t, fresh(t)) })
}

// Reading the newest 50 events of a room.
func BenchmarkRead(b *testing.B) {
	s := open(b, fresh(b))
	defer s.Close()
	k := storetest.NewTalker(b, s)
	for range 20 {
		drafts := make([]chat.Draft, 500)
		for i := range drafts {
			drafts[i] = k.Draft("seventy bytes of text, about what people write when they chat in a room")
		}
		s.Append(b.Context(), drafts)
	}
	for b.Loop() {
		if events, err := s.Read(b.Context(), k.Room, 9_950, 50); err != nil || len(events) != 50 {
			b.Fatal(len(events), err)
		}
	}
}
