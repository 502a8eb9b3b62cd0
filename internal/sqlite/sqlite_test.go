package sqlite_test

import (
	"log/slog"
	"testing"

	"hubbub/internal/sqlite"
	"hubbub/internal/storetest"
)

func open(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, place string) storetest.Store { return open(t, place) })
}
