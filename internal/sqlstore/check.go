package sqlstore

import (
	"context"
	"fmt"
	"maps"
)

// contradictions are queries that find nothing in a sound database.
var contradictions = map[string]string{
	"a room's head is not its last event, or there is a hole": `SELECT r.name FROM rooms r LEFT JOIN
		(SELECT room, count(*) n, min(seq) low, max(seq) high FROM events GROUP BY room) e ON e.room = r.key
		WHERE r.head != coalesce(e.n, 0) OR r.head != coalesce(e.high, 0) OR coalesce(e.low, 1) != 1`,
	"an event came earlier than the one before it": `SELECT a.seq FROM events a JOIN events b ON b.room = a.room AND b.seq = a.seq + 1 WHERE b.time < a.time`,
	"a revision belongs to no message, or comes from no later event": `SELECT r.seq FROM revisions r
		LEFT JOIN events m ON m.room = r.room AND m.seq = r.seq AND m.kind = 1
		LEFT JOIN events c ON c.room = r.room AND c.seq = r.by AND c.target = r.seq
		WHERE m.seq IS NULL OR c.seq IS NULL OR c.seq <= m.seq`,
	"something deleted has a body": `SELECT e.seq FROM revisions r JOIN events e ON e.room = r.room AND (e.seq = r.seq OR (e.target = r.seq AND e.kind IN (2, 30)))
		WHERE r.body IS NULL AND e.body != ''`,
	"somebody has read beyond the head": `SELECT r.name FROM memberships m JOIN rooms r ON r.key = m.room WHERE m.read > r.head`,
	"a room counts its messages wrong":  `SELECT r.name FROM rooms r WHERE r.messages != (SELECT count(*) FROM events WHERE room = r.key AND kind = 1 AND thread = 0)`,
	"a room counts its people wrong":    `SELECT r.name FROM rooms r WHERE r.members != (SELECT count(*) FROM memberships WHERE room = r.key AND state = 1)`,
	"somebody's read messages are counted wrong": `SELECT r.name FROM memberships m JOIN rooms r ON r.key = m.room
		WHERE m.counted != (SELECT count(*) FROM events WHERE room = r.key AND kind = 1 AND thread = 0 AND seq <= m.read) AND m.state = 1`,
	"something that retention erased has a body": `SELECT e.seq FROM rooms r JOIN events e ON e.room = r.key AND e.seq <= r.floor WHERE e.kind = 1 AND e.body != ''`,
	"a private room has nobody to moderate it": `SELECT r.id FROM rooms r WHERE r.kind = 2 AND r.members > 0
		AND NOT EXISTS (SELECT 1 FROM memberships WHERE room = r.key AND state = 1 AND moderator = 1)`,
	"a thread counts its replies wrong": `SELECT h.root FROM threads h WHERE h.replies != (SELECT count(*) FROM events WHERE room = h.room AND thread = h.root)
		OR h.last != (SELECT max(seq) FROM events WHERE room = h.room AND thread = h.root)`,
	"a message is marked wrong": `SELECT e.seq FROM events e WHERE e.kind = 1 AND (
		(e.marks & 1 = 0 AND EXISTS (SELECT 1 FROM reactions WHERE room = e.room AND seq = e.seq)) OR
		(e.marks & 2 = 0) = EXISTS (SELECT 1 FROM threads WHERE room = e.room AND root = e.seq) OR
		(e.marks & 4 = 0) = EXISTS (SELECT 1 FROM pins WHERE room = e.room AND seq = e.seq) OR
		(e.marks & 16 = 0) = EXISTS (SELECT 1 FROM previews WHERE room = e.room AND seq = e.seq AND body IS NOT NULL))`,
	"a file is held by nobody, or by somebody while it is an upload": `SELECT id FROM files f WHERE (f.expires = 0) != EXISTS (SELECT 1 FROM held WHERE file = f.key) OR (f.expires = 0 AND f.done = 0)`,
	"something that is no message holds a file": `SELECT h.seq FROM held h JOIN events e ON e.room = h.room AND e.seq = h.seq LEFT JOIN revisions r ON r.room = h.room AND r.seq = h.seq
		JOIN rooms m ON m.key = h.room WHERE e.kind != 1 OR (r.seq IS NOT NULL AND r.body IS NULL) OR h.seq <= m.floor`,
	"an upload's pieces have a hole, or no upload": `SELECT p.upload FROM pieces p LEFT JOIN files f ON f.id = p.upload
		WHERE f.id IS NULL OR f.done = 1 OR p.start != (SELECT coalesce(sum(size), 0) FROM pieces WHERE upload = p.upload AND start < p.start)`,
	"a file is there and to be removed": `SELECT id FROM gone JOIN files USING (id)`,
}

// Check walks the whole database and reports contradictions: for tests, and for
// an operator who doubts a disk. It reads everything.
func (s *Store) Check(ctx context.Context) error {
	all := maps.Clone(contradictions)
	maps.Copy(all, s.backend.Contradictions())
	for what, query := range all {
		rows, err := s.backend.Rows(ctx, query)
		if err != nil {
			return fmt.Errorf("check whether %s: %w", what, err)
		}
		var where string
		if rows.Next() {
			err = rows.Scan(&where)
		}
		rows.Close()
		switch {
		case err != nil:
			return err
		case where != "":
			return fmt.Errorf("%s (%s)", what, where)
		case rows.Err() != nil:
			return rows.Err()
		}
	}
	return nil
}
