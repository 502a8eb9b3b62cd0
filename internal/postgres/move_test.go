package postgres_test

import (
	"strings"
	"testing"

	"hubbub/internal/postgres"
	"hubbub/internal/sqlstore"
)

// A process whose sign of life was cut does not get it back while the place moves, nor a
// turn at anything; when nothing moved after all, it goes on.
func TestNoSignOfLifeInAMove(t *testing.T) {
	url := fresh(t)
	s := open(t, url)
	defer s.Close()
	for {
		raw(t, url).Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		m, err := postgres.OpenMover(t.Context(), url)
		if err != nil {
			continue // the process was quicker
		}
		if turn, err := s.Take(t.Context(), "work"); err == nil {
			t.Errorf("it has a turn: %v", turn)
		}
		if err := s.Look(t.Context()); err == nil || !strings.Contains(err.Error(), sqlstore.BeingMoved) {
			t.Errorf("it may live: %v", err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := s.Look(t.Context()); err != nil {
		t.Error(err)
	}
}
