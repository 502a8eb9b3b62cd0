package sqlite

import (
	"context"
	"fmt"
)

// LimitPages makes the database full at n pages more than it has.
func (s *Store) LimitPages(n int) error {
	return s.change(context.Background(), func(t *tx) error {
		var pages int
		if err := t.row("PRAGMA page_count").Scan(&pages); err != nil {
			return err
		}
		return t.exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+n))
	})
}

// BreakCommits makes every later group of appends fail, as a disk does that
// breaks: the last statement before the commit can not run.
func (s *Store) BreakCommits() error {
	return s.change(context.Background(), func(t *tx) error { return t.stmts.setHead.Close() })
}

// Pragma returns a setting of the connection that writes.
func (s *Store) Pragma(name string) (value string, err error) {
	err = s.change(context.Background(), func(t *tx) error { return t.row("PRAGMA " + name).Scan(&value) })
	return value, err
}

// Mandatory are the pragmas; a test takes one away to see it missed.
var Mandatory = &pragmas
