package postgres

import "database/sql"

// DB is the store's.
func (s *Store) DB() *sql.DB { return s.db }
