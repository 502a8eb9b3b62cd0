package postgres

import (
	"context"
	"database/sql"
)

// DB is the store's.
func (s *Store) DB() *sql.DB { return s.db }

// Look has the keeper look after what it holds, as it does each second.
func (s *Store) Look(ctx context.Context) error { return s.keeper.look(ctx) }
