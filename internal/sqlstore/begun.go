package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hubbub/internal/chat"
)

// Deposit implements chat.Accounts.
func (s *Store) Deposit(ctx context.Context, kind string, secret chat.TokenHash, what []byte, ends time.Time) error {
	return s.change(ctx, func(t *Tx) error {
		if err := t.exec("DELETE FROM begun WHERE ends <= ?", t.now()); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM begun WHERE secret IN (SELECT secret FROM begun ORDER BY ends DESC LIMIT ? OFFSET ?)", chat.MaxBegun, chat.MaxBegun-1); err != nil {
			return err
		}
		return t.exec("INSERT INTO begun (secret, kind, what, ends) VALUES (?, ?, ?, ?)", secret[:], kind, what, millis(ends))
	})
}

// Collect implements chat.Accounts.
func (s *Store) Collect(ctx context.Context, kind string, secret chat.TokenHash) (what []byte, err error) {
	err = s.change(ctx, func(t *Tx) error {
		var ends int64
		err := t.row("DELETE FROM begun WHERE secret = ? AND kind = ? RETURNING what, ends", secret[:], kind).Scan(&what, &ends)
		if errors.Is(err, sql.ErrNoRows) || err == nil && ends <= t.now() {
			return chat.Errorf(chat.CodeNotFound, "that took too long; try again")
		}
		return err
	})
	return what, err
}
