package server

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"hubbub/internal/pgtest"
)

// The operator's commands reach nodes by the database alone, and say no to one that nodes
// never used.
func TestOperatorOfNodes(t *testing.T) {
	ns := startNodes(t, 1)
	token, id := ns.guest(ns.all[0], "Put out")
	c := ns.dial(ns.all[0], token)
	quiet := slog.New(slog.DiscardHandler)
	a, err := OpenAdmin(t.Context(), "", ns.database, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Ask(context.Background(), "DELETE", "/api/people/"+string(id), nil, nil); err != nil {
		t.Fatal(err)
	}
	if code := ns.closed(c); code != 4401 {
		t.Errorf("somebody who was put out: %d", code)
	}
	if _, err := OpenAdmin(t.Context(), "", pgtest.Start(t).Database(t), quiet); err == nil || !strings.Contains(err.Error(), "no hubbub was ever started with this database") {
		t.Errorf("a database that is new: %v", err)
	}
}
