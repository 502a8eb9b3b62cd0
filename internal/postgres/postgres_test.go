package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"hubbub/internal/chat"
	"hubbub/internal/pgtest"
	"hubbub/internal/postgres"
	"hubbub/internal/storetest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("VISIT_UNTIL_KILLED"); url != "" {
		visitUntilKilled(url)
	}
	code := pgtest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

var quiet = slog.New(slog.DiscardHandler)

func open(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(context.Background(), url, quiet, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fresh makes a database that a store has been opened on.
func fresh(t testing.TB) (url string) {
	t.Helper()
	return pgtest.Start(t).From(t, "opened", func(url string) error {
		s, err := postgres.Open(context.Background(), url, quiet, postgres.Options{})
		if err != nil {
			return err
		}
		return s.Close()
	})
}

func TestStore(t *testing.T) {
	pgtest.Start(t)
	storetest.Run(t, func(t *testing.T, place string) storetest.Store { return openPlace(t, place) })
}

func TestShared(t *testing.T) {
	pgtest.Start(t)
	storetest.RunShared(t, func(t *testing.T, place string) storetest.Shared { return openPlace(t, place) })
}

var places sync.Map // of addresses, by the place of a test

func openPlace(t *testing.T, place string) *postgres.Store {
	url, ok := places.Load(place)
	if !ok {
		url = fresh(t)
		places.Store(place, url)
	}
	return open(t, url.(string))
}

// talker is somebody with a room.
type talker struct {
	s      *postgres.Store
	room   chat.RoomID
	author chat.UserID
}

func named(name string) chat.Name { return chat.Name{Display: name, Key: name} }

func newTalker(t testing.TB, s *postgres.Store) talker {
	t.Helper()
	r, err := s.EnsureRoom(context.Background(), named("lobby"), "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.AddVisitor(context.Background(), named(fmt.Sprint("talker ", time.Now().UnixNano())))
	if err != nil {
		t.Fatal(err)
	}
	return talker{s, r.ID, p.ID}
}

func (k talker) draft(body string) chat.Draft {
	return chat.Draft{Room: k.room, Author: k.author, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: body}
}

func (k talker) say(body string) chat.Result {
	return k.s.Append(context.Background(), []chat.Draft{k.draft(body)})[0]
}
