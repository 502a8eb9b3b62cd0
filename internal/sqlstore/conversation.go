package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"hubbub/internal/chat"
)

// This file knows what comes to a message later: reactions, pins, replies in a
// thread, and who has seen it. events.marks says which of these there are, so that
// reading a message to which nothing came looks nowhere else.

const (
	markReactions = 1
	markThread    = 2
	markPinned    = 4
	markAlias     = 8
	markPreviews  = 16
)

// sensibleMark refuses a reaction or a pin that changes nothing, or that has no
// message.
func (t *Tx) sensibleMark(room *room, author *person, d *chat.Draft) error {
	if _, err := t.writer(room, author, &chat.Draft{Kind: chat.KindDelete, Target: d.Target}); err != nil {
		return err
	}
	var there bool
	var n int
	switch d.Kind {
	case chat.KindReact, chat.KindUnreact:
		var known bool
		err := t.row(`SELECT count(DISTINCT emoji), count(CASE WHEN emoji = ?1 THEN 1 END) > 0, count(CASE WHEN emoji = ?1 AND person = ?2 THEN 1 END) > 0 FROM reactions WHERE room = ?3 AND seq = ?4`,
			d.Body, author.key, room.key, d.Target).Scan(&n, &known, &there)
		if err != nil {
			return err
		}
		if d.Kind == chat.KindReact && n >= chat.MaxEmoji && !known {
			return chat.Errorf(chat.CodeTooMany, "a message has at most %d different reactions", chat.MaxEmoji)
		}
	default:
		err := t.row("SELECT count(*), count(CASE WHEN seq = ?1 THEN 1 END) > 0 FROM pins WHERE room = ?2", d.Target, room.key).Scan(&n, &there)
		if err != nil {
			return err
		}
		if d.Kind == chat.KindPin && n >= chat.MaxPins {
			return chat.Errorf(chat.CodeTooMany, "a room has at most %d pinned messages", chat.MaxPins)
		}
	}
	if there == (d.Kind == chat.KindReact || d.Kind == chat.KindPin) {
		return chat.Errorf(chat.CodeConflict, "that is so already")
	}
	return nil
}

// mark applies a reaction or a pin, or takes it back.
func (t *Tx) mark(room *room, author *person, e chat.Event) (err error) {
	mark := markReactions
	switch e.Kind {
	case chat.KindReact:
		err = t.exec("INSERT INTO reactions (room, seq, emoji, person, by) VALUES (?, ?, ?, ?, ?)", room.key, e.Target, e.Body, author.key, e.Seq)
	case chat.KindUnreact:
		return t.exec("DELETE FROM reactions WHERE room = ? AND seq = ? AND emoji = ? AND person = ?", room.key, e.Target, e.Body, author.key)
	case chat.KindPin:
		mark = markPinned
		err = t.exec("INSERT INTO pins (room, seq, by) VALUES (?, ?, ?)", room.key, e.Target, e.Seq)
	case chat.KindUnpin:
		return errors.Join(
			t.exec("DELETE FROM pins WHERE room = ? AND seq = ?", room.key, e.Target),
			t.exec("UPDATE events SET marks = marks & ? WHERE room = ? AND seq = ?", ^markPinned, room.key, e.Target))
	}
	if err != nil {
		return err
	}
	return t.exec("UPDATE events SET marks = marks | ? WHERE room = ? AND seq = ?", mark, room.key, e.Target)
}

// threaded counts a reply, and has those follow the thread who take part in it.
func (t *Tx) threaded(room *room, author *person, e chat.Event) error {
	if err := t.exec(`INSERT INTO threads (room, root, replies, last) VALUES (?, ?, 1, ?)
		ON CONFLICT (room, root) DO UPDATE SET replies = threads.replies + 1, last = excluded.last`, room.key, e.Thread, e.Seq); err != nil {
		return err
	}
	if err := t.exec("UPDATE events SET marks = marks | ? WHERE room = ? AND seq = ? AND marks & ? = 0", markThread, room.key, e.Thread, markThread); err != nil {
		return err
	}
	const follow = "INSERT INTO thread_marks (person, room, root, read) VALUES (?, ?, ?, ?) ON CONFLICT (person, room, root) DO "
	if err := t.exec(follow+"UPDATE SET read = excluded.read", author.key, room.key, e.Thread, e.Seq); err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO thread_marks (person, room, root, read) SELECT author, room, seq, ? FROM events WHERE room = ? AND seq = ?
		ON CONFLICT (person, room, root) DO NOTHING`, e.Seq-1, room.key, e.Thread); err != nil {
		return err
	}
	for _, m := range e.Mentions {
		p, err := t.person(m.ID)
		if err == nil {
			err = t.exec(follow+"NOTHING", p.key, room.key, e.Thread, e.Seq-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const roomKey = "(SELECT key FROM rooms WHERE id = ?1)"

// History implements chat.Directory.
func (s *Store) History(ctx context.Context, room chat.RoomID, seq chat.Seq) ([]chat.Event, error) {
	scan := func(row Scanner) (e chat.Event, err error) { return e, row.Scan(&e.Seq, at(&e.Time), &e.Body) }
	all, err := list(ctx, s, scan, `SELECT e.seq, e.time, e.body FROM events e WHERE e.room = `+roomKey+` AND (e.kind = 1 OR e.target = ?2)
		AND e.seq IN (SELECT ?2 UNION ALL SELECT seq FROM events INDEXED BY events_by_target WHERE room = `+roomKey+` AND target = ?2 AND target > 0 AND kind = 2)
		AND NOT EXISTS (SELECT 1 FROM revisions WHERE room = e.room AND seq = ?2 AND body IS NULL)
		AND ?2 > (SELECT floor FROM rooms WHERE key = e.room) ORDER BY e.seq`, room, seq)
	if err == nil && len(all) == 0 {
		err = chat.Errorf(chat.CodeNotFound, "there is no such message")
	}
	return all, err
}

// Thread implements chat.Directory.
func (s *Store) Thread(ctx context.Context, room chat.RoomID, root, after chat.Seq, limit int) ([]chat.Event, error) {
	return list(ctx, s, scanEvent, selectThread+"WHERE e.room = "+roomKey+" AND e.thread = ? AND e.thread > 0 AND e.seq > ? ORDER BY e.seq LIMIT ?", room, root, after, limit)
}

// Threads implements chat.Directory.
func (s *Store) Threads(ctx context.Context, id chat.UserID, limit int) ([]chat.Thread, error) {
	type mark struct {
		room chat.RoomID
		root chat.Seq
		chat.Thread
	}
	scan := func(row Scanner) (m mark, err error) {
		return m, row.Scan(&m.room, &m.root, &m.Read, &m.Muted, &m.Unread)
	}
	marks, err := list(ctx, s, scan, `SELECT r.id, k.root, k.read, k.muted,
		(SELECT count(*) FROM events e INDEXED BY events_by_thread WHERE e.room = k.room AND e.thread = k.root AND e.thread > 0 AND e.seq > k.read AND e.author != k.person)
		FROM thread_marks k JOIN threads h ON h.room = k.room AND h.root = k.root JOIN rooms r ON r.key = k.room
		JOIN memberships m ON m.room = k.room AND m.person = k.person AND m.state = 1
		WHERE k.person = (SELECT key FROM people WHERE id = ?)
		ORDER BY (SELECT time FROM events WHERE room = h.room AND seq = h.last) DESC LIMIT ?`, id, limit)
	if err != nil {
		return nil, err
	}
	var threads []chat.Thread
	for _, m := range marks {
		if m.Root, err = scanEvent(s.row(ctx, SelectEvents+"WHERE e.room = "+roomKey+" AND e.seq = ?", m.room, m.root)); err != nil {
			return nil, err
		}
		threads = append(threads, m.Thread)
	}
	return threads, nil
}

// FollowThread implements chat.Directory.
func (s *Store) FollowThread(ctx context.Context, id chat.UserID, room chat.RoomID, root chat.Seq, muted bool) error {
	return s.change(ctx, func(t *Tx) error {
		r, p, err := t.pair(room, id)
		if err != nil {
			return err
		}
		if err := t.answers(r, &chat.Draft{Thread: root}); err != nil {
			return err
		}
		return t.exec(`INSERT INTO thread_marks (person, room, root, read, muted) VALUES (?, ?, ?, coalesce((SELECT last FROM threads WHERE room = ?2 AND root = ?3), 0), ?4)
			ON CONFLICT (person, room, root) DO UPDATE SET muted = excluded.muted`, p.key, r.key, root, muted)
	})
}

// ReadThread implements chat.Directory.
func (s *Store) ReadThread(ctx context.Context, id chat.UserID, room chat.RoomID, root, seq chat.Seq) (read chat.Seq, err error) {
	err = s.change(ctx, func(t *Tx) error {
		r, p, err := t.pair(room, id)
		if err != nil {
			return err
		}
		if as, err := t.standing(r, p); err != nil || as.State != chat.StateMember {
			return errors.Join(err, chat.NoRoom())
		}
		err = t.row("UPDATE thread_marks SET read = max(read, ?) WHERE person = ? AND room = ? AND root = ? RETURNING read", min(seq, r.Head), p.key, r.key, root).Scan(&read)
		if errors.Is(err, sql.ErrNoRows) {
			err = chat.Errorf(chat.CodeNotFound, "you do not follow that thread")
		}
		return err
	})
	return read, err
}

// Pins implements chat.Directory.
func (s *Store) Pins(ctx context.Context, room chat.RoomID) ([]chat.Event, error) {
	return list(ctx, s, scanEvent, SelectEvents+"JOIN pins n ON n.room = e.room AND n.seq = e.seq WHERE n.room = "+roomKey+" ORDER BY n.by DESC", room)
}

// Seen implements chat.Directory.
func (s *Store) Seen(ctx context.Context, room chat.RoomID, seq chat.Seq, limit int) (people []chat.Mention, count int, err error) {
	from := `FROM memberships m JOIN people p ON p.key = m.person WHERE m.room = ` + roomKey + ` AND m.state = 1 AND m.read >= ?2
		AND p.hides_reads = 0 AND p.bot = 0 AND p.removed IS NULL AND m.person != (SELECT author FROM events WHERE room = m.room AND seq = ?2) `
	if err := s.row(ctx, "SELECT count(*) "+from, room, seq).Scan(&count); err != nil {
		return nil, 0, err
	}
	scan := func(row Scanner) (m chat.Mention, err error) { return m, row.Scan(&m.ID, &m.Name) }
	people, err = list(ctx, s, scan, "SELECT p.id, p.name "+from+"ORDER BY lower(p.name) LIMIT ?3", room, seq, limit)
	return people, count, err
}

// HidesReads implements chat.Directory.
func (s *Store) HidesReads(ctx context.Context, id chat.UserID) (hides bool, err error) {
	return hides, s.row(ctx, "SELECT hides_reads FROM people WHERE id = ?", id).Scan(&hides)
}

// HideReads implements chat.Directory.
func (s *Store) HideReads(ctx context.Context, id chat.UserID, hide bool) error {
	return s.change(ctx, func(t *Tx) error {
		return t.one("there is no such person", "UPDATE people SET hides_reads = ? WHERE id = ?", hide, id)
	})
}
