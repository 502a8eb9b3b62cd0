package sqlstore

import (
	"context"
	"encoding/hex"

	"hubbub/internal/chat"
)

// Stored implements chat.Log.
func (s *Store) Stored(ctx context.Context, room chat.RoomID, seq chat.Seq) (row chat.StoredRow, err error) {
	none := chat.Errorf(chat.CodeNotFound, "there is no such event")
	if seq > 1<<62 {
		return row, none
	}
	// Erased messages keep their number and nothing else, so there is nothing to show.
	rows, err := s.backend.Rows(ctx, `SELECT e.* FROM events e JOIN rooms m ON m.key = e.room
		WHERE m.id = ? AND e.seq = ? AND NOT (e.kind = 1 AND e.seq <= m.floor)`, room, seq)
	if err != nil {
		return row, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return row, err
	}
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return row, err
		}
		return row, none
	}
	values, at := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		at[i] = &values[i]
	}
	if err := rows.Scan(at...); err != nil {
		return row, err
	}
	row.Table = "events"
	for i, name := range names {
		if b, ok := values[i].([]byte); ok {
			values[i] = hex.EncodeToString(b)
		}
		row.Row = append(row.Row, chat.Column{Name: name, Value: values[i]})
	}
	return row, rows.Err()
}
