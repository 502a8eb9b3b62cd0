package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

// This file is what a log does for other processes that share it.

var _ chat.SharedLog = (*Store)(nil)

// Watch implements chat.Log. f is told of what this process has changed.
func (s *Store) Watch(f func([]chat.Change)) { s.watch = f }

// Announce implements chat.Log.
func (s *Store) Announce(ctx context.Context, changes ...chat.Change) error {
	if len(changes) == 0 {
		return nil
	}
	return (*backend)(s).Change(ctx, false, func(t *sqlstore.Tx) error {
		t.Tell(changes...)
		return nil
	})
}

// Heads implements chat.SharedLog.
func (s *Store) Heads(ctx context.Context, rooms []chat.RoomID) (map[chat.RoomID]chat.Seq, error) {
	ids := make([]string, len(rooms))
	for i, id := range rooms {
		ids[i] = escape(string(id))
	}
	rows, err := (*backend)(s).Rows(ctx, "SELECT id, head FROM rooms WHERE id = ANY($1::text[])", ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	heads := make(map[chat.RoomID]chat.Seq, len(rooms))
	for rows.Next() {
		var id chat.RoomID
		var head chat.Seq
		if err := rows.Scan(&id, &head); err != nil {
			return nil, err
		}
		heads[id] = head
	}
	return heads, rows.Err()
}

// Changes implements chat.SharedLog.
func (s *Store) Changes(ctx context.Context, after chat.Seq, limit int) (all []chat.Change, err error) {
	rows, err := (*backend)(s).Rows(ctx, "SELECT seq, what FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c chat.Change
		var seq chat.Seq
		var what string
		if err := rows.Scan(&seq, &what); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(what), &c); err != nil {
			return nil, fmt.Errorf("change %d: %w", seq, err)
		}
		c.Seq = seq
		all = append(all, c)
	}
	return all, rows.Err()
}

// ChangesHead implements chat.SharedLog.
func (s *Store) ChangesHead(ctx context.Context) (head chat.Seq, err error) {
	return head, (*backend)(s).Row(ctx, "SELECT head FROM changes_head").Scan(&head)
}

// Sweep also erases changes that are older than they must be, and frees the names of
// visitors whose process has died. What was erased is gone from the tables when it
// returns, and not only from what they show; docs/adr/0020 says what is left of it.
func (s *Store) Sweep(ctx context.Context, place chat.Keep) (rooms int, err error) {
	b := (*backend)(s)
	err = b.Change(ctx, false, func(t *sqlstore.Tx) error {
		if err := b.FreeVisitors(t); err != nil {
			return err
		}
		return t.Exec("DELETE FROM changes WHERE time < ? AND seq < (SELECT head FROM changes_head)", t.Now()-chat.ChangesKept.Milliseconds())
	})
	if err != nil {
		return 0, err
	}
	rooms, err = s.Store.Sweep(ctx, place)
	if err == nil && s.erased.Swap(false) {
		if err = s.vacuum(ctx); err != nil {
			s.erased.Store(true)
		}
	}
	return rooms, err
}

// vacuum takes out of the tables what was written over or deleted. Pages in which there
// is nothing of the kind are not looked at.
func (s *Store) vacuum(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return meaning(err)
	}
	defer conn.Close()
	for _, table := range []string{"events", "revisions", "previews", "preview_cache", "mentions", "reactions", "unsent"} {
		if _, err := conn.ExecContext(ctx, "VACUUM (SKIP_LOCKED, TRUNCATE false) "+table); err != nil {
			return meaning(err)
		}
	}
	return nil
}
