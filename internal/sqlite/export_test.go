package sqlite

import (
	"context"
	"fmt"
	"strings"

	"hubbub/internal/sqlstore"
)

// LimitPages makes the database full at n pages more than it has.
func (s *Store) LimitPages(n int) error {
	return (*backend)(s).Change(context.Background(), false, func(t *sqlstore.Tx) error {
		var pages int
		if err := t.Query("PRAGMA page_count").Scan(&pages); err != nil {
			return err
		}
		return t.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+n))
	})
}

// BreakCommits makes every later group of appends fail, as a disk does that
// breaks: the last statement before the commit can not run.
func (s *Store) BreakCommits() error {
	return (*backend)(s).Change(context.Background(), false, func(*sqlstore.Tx) error { return s.committer.stmts.setHead.Close() })
}

// Pragma returns a setting of the connection that writes.
func (s *Store) Pragma(name string) (value string, err error) {
	err = (*backend)(s).Change(context.Background(), false, func(t *sqlstore.Tx) error { return t.Query("PRAGMA " + name).Scan(&value) })
	return value, err
}

// Mandatory are the pragmas; a test takes one away to see it missed.
var Mandatory = &pragmas

// Walks returns those of the reads so far that go through the events of a room one by
// one.
func (s *Store) Walks() (queries []string) {
	s.readers.prepared.Range(func(query, _ any) bool {
		for _, step := range s.plan(query.(string)) {
			if strings.HasPrefix(step, "SEARCH e USING PRIMARY KEY (room=?") && !strings.Contains(step, "seq=?") {
				queries = append(queries, query.(string))
			}
		}
		return true
	})
	return queries
}

// plan returns how SQLite goes about a query.
func (s *Store) plan(query string) (steps []string) {
	var args []any
	for range strings.Count(query, "?") {
		args = append(args, nil)
		rows, err := s.readers.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			continue // there are more arguments
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var step string
			rows.Scan(&id, &parent, &unused, &step)
			steps = append(steps, step)
		}
		break
	}
	return steps
}
