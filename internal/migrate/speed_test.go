package migrate_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/migrate"
	"hubbub/internal/sqlite"
)

var (
	many   = flag.Int("messages", 20_000, "how many messages BenchmarkMove moves")
	filled = flag.String("filled", "", "folder in which BenchmarkMove leaves its place as it was before")
)

// A place of many messages, in 100 rooms, moves into PostgreSQL and back.
func BenchmarkMove(b *testing.B) {
	dir := *filled
	if dir == "" {
		dir = filepath.Join(b.TempDir(), "data")
	}
	s, err := sqlite.Open(b.Context(), dir, quiet, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	p := &builder{TB: b, Store: s}
	ann := p.guest("Ann")
	var rooms []chat.RoomID
	for i := range 100 {
		r, err := s.EnsureRoom(b.Context(), named(fmt.Sprint("room ", i)), ann.ID)
		p.must(err)
		rooms = append(rooms, r.ID)
	}
	for n := 0; n < *many; n += 500 {
		drafts := make([]chat.Draft, 500)
		for i := range drafts {
			drafts[i] = chat.Draft{Room: rooms[(n/50+i/50)%100], Author: ann.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())),
				Body: "seventy bytes of text, about what people write when they chat in a room"}
		}
		for _, r := range s.Append(b.Context(), drafts) {
			p.must(r.Err)
		}
	}
	p.must(s.Close())
	if *filled != "" {
		b.Skip("the place is in ", dir)
	}
	for b.Loop() {
		url, back := empty(b), filepath.Join(b.TempDir(), "back")
		begun := time.Now()
		moves(b, dir, url, whole)
		there := time.Since(begun)
		begun = time.Now()
		moves(b, url, back, whole)
		b.ReportMetric(float64(*many)/there.Seconds(), "messages/s-there")
		b.ReportMetric(float64(*many)/time.Since(begun).Seconds(), "messages/s-back")
		dir = back
	}
}

func whole(c *migrate.Config) { c.Batch = 0 }
