package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"

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
	storetest.Run(t, func(t *testing.T, place string) chat.Store { return openPlace(t, place) })
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
