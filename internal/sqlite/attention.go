package sqlite

import (
	"context"

	"hubbub/internal/chat"
)

// This file knows what people want to notice of their rooms.

// placed finds a room, and somebody who has it on their list (CodeNotFound).
func (t *tx) placed(id chat.UserID, room chat.RoomID) (*room, *person, error) {
	r, err := t.room(room)
	if err != nil {
		return nil, nil, err
	}
	p, err := t.person(id)
	if err != nil {
		return nil, nil, err
	}
	as, err := t.standing(r, p)
	if err == nil && as.State != chat.StateMember {
		err = chat.NoRoom()
	}
	return r, p, err
}

// SetQuiet implements chat.Directory.
func (s *Store) SetQuiet(ctx context.Context, id chat.UserID, room chat.RoomID, quiet bool) error {
	return s.change(ctx, func(t *tx) error {
		r, p, err := t.placed(id, room)
		if err != nil {
			return err
		}
		return t.exec("UPDATE memberships SET quiet = ? WHERE person = ? AND room = ?", quiet, p.key, r.key)
	})
}
