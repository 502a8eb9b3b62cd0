package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"hubbub/internal/chat"
)

// This file implements chat.Attention.

// placed finds a room, and somebody who has it on their list (CodeNotFound).
func (t *Tx) placed(id chat.UserID, room chat.RoomID) (*room, *person, error) {
	r, p, err := t.pair(room, id)
	if err != nil {
		return nil, nil, err
	}
	as, err := t.standing(r, p)
	if err == nil && as.State != chat.StateMember {
		err = chat.NoRoom()
	}
	return r, p, err
}

// SetLevel implements chat.Attention.
func (s *Store) SetLevel(ctx context.Context, id chat.UserID, room chat.RoomID, level chat.Level, quiet bool) error {
	return s.change(ctx, func(t *Tx) error {
		r, p, err := t.placed(id, room)
		if err != nil {
			return err
		}
		return t.exec("UPDATE memberships SET level = ?, quiet = ? WHERE person = ? AND room = ?", level, quiet, p.key, r.key)
	})
}

// MarkUnread implements chat.Attention.
func (s *Store) MarkUnread(ctx context.Context, id chat.UserID, room chat.RoomID, seq chat.Seq) (read chat.Seq, err error) {
	err = s.change(ctx, func(t *Tx) error {
		r, p, err := t.placed(id, room)
		if err != nil {
			return err
		}
		if read = min(seq-min(seq, 1), r.Head); r.Head-read > chat.MaxUnread {
			return chat.Errorf(chat.CodeTooMany, "at most %d events can be marked unread", chat.MaxUnread)
		}
		if err := t.moveRead(r, p, read); err != nil {
			return err
		}
		return t.exec(`INSERT INTO mentions (person, room, seq) SELECT ?1, e.room, e.seq FROM events e
			WHERE e.room = ?2 AND e.seq > ?3 AND e.kind = 1 AND e.mentions IS NOT NULL AND e.author != ?1
			AND EXISTS (SELECT 1 FROM json_each(e.mentions) WHERE value ->> 'id' = ?4) ON CONFLICT DO NOTHING`, p.key, r.key, read, id)
	})
	return read, err
}

// moveRead puts a read mark somewhere, and counts anew from the head.
func (t *Tx) moveRead(r *room, p *person, to chat.Seq) error {
	var behind int64
	err := t.row("SELECT count(*) FROM events WHERE room = ? AND seq > ? AND seq <= ? AND kind = 1 AND thread = 0", r.key, to, r.Head).Scan(&behind)
	return errors.Join(err,
		t.exec("UPDATE memberships SET read = ?, counted = ? WHERE person = ? AND room = ?", to, r.messages-behind, p.key, r.key),
		t.exec("DELETE FROM mentions WHERE person = ? AND room = ? AND seq <= ?", p.key, r.key, to))
}

// ReadAll implements chat.Attention.
func (s *Store) ReadAll(ctx context.Context, id chat.UserID) (moved []chat.ReadMark, err error) {
	err = s.change(ctx, func(t *Tx) error {
		moved = nil
		p, err := t.person(id)
		if err != nil {
			return err
		}
		rooms, err := column[chat.RoomID](t, "SELECT r.id FROM memberships m JOIN rooms r ON r.key = m.room WHERE m.person = ? AND m.state = 1", p.key)
		if err != nil {
			return err
		}
		for _, room := range rooms {
			r, err := t.look(room)
			if err != nil {
				return err
			}
			var read chat.Seq
			if err := t.row("SELECT read FROM memberships WHERE person = ? AND room = ?", p.key, r.key).Scan(&read); err != nil {
				return err
			}
			if read == r.Head {
				continue
			}
			if err := t.moveRead(r, p, r.Head); err != nil {
				return err
			}
			moved = append(moved, chat.ReadMark{Room: room, Seq: r.Head})
		}
		threads, err := t.readThreads(p)
		moved = append(moved, threads...)
		return err
	})
	return moved, err
}

// readThreads moves the marks of all threads that somebody follows.
func (t *Tx) readThreads(p *person) (moved []chat.ReadMark, err error) {
	rows, err := t.session.Query(t.ctx, `SELECT r.id, k.root, h.last FROM thread_marks k JOIN threads h ON h.room = k.room AND h.root = k.root
		JOIN rooms r ON r.key = k.room JOIN memberships m ON m.room = k.room AND m.person = k.person AND m.state = 1
		WHERE k.person = ? AND k.read < h.last`, p.key)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m chat.ReadMark
		if err := rows.Scan(&m.Room, &m.Thread, &m.Seq); err != nil {
			return nil, err
		}
		moved = append(moved, m)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return moved, t.exec(`UPDATE thread_marks SET read = max(read, coalesce((SELECT last FROM threads h WHERE h.room = thread_marks.room AND h.root = thread_marks.root), 0))
		WHERE person = ?`, p.key)
}

// SetUnsent implements chat.Attention.
func (s *Store) SetUnsent(ctx context.Context, id chat.UserID, u chat.Unsent) (kept chat.Unsent, err error) {
	kept.Room = u.Room
	err = s.change(ctx, func(t *Tx) error {
		r, p, err := t.placed(id, u.Room)
		if err != nil {
			return err
		}
		err = t.exec(`INSERT INTO unsent (person, room, text, time) VALUES (?, ?, ?, ?) ON CONFLICT (person, room) DO UPDATE
			SET text = excluded.text, time = excluded.time WHERE excluded.time >= unsent.time`, p.key, r.key, u.Text, millis(u.Time))
		if err != nil {
			return err
		}
		return t.row("SELECT text, time FROM unsent WHERE person = ? AND room = ?", p.key, r.key).Scan(&kept.Text, at(&kept.Time))
	})
	return kept, err
}

// Unsent implements chat.Attention.
func (s *Store) Unsent(ctx context.Context, id chat.UserID) ([]chat.Unsent, error) {
	scan := func(row Scanner) (u chat.Unsent, err error) { return u, row.Scan(&u.Room, &u.Text, at(&u.Time)) }
	return list(ctx, s, scan, `SELECT r.id, u.text, u.time FROM unsent u JOIN rooms r ON r.key = u.room
		WHERE u.person = (SELECT key FROM people WHERE id = ?) AND u.text != ''`, id)
}

func silenceFields(s *chat.Silence) fields { return fields{at(&s.Until), &s.From, &s.To, &s.Zone} }

const silenceColumns = "p.silent_until, p.silent_from, p.silent_to, p.silent_zone"

// Silence implements chat.Attention.
func (s *Store) Silence(ctx context.Context, id chat.UserID) (x chat.Silence, err error) {
	err = s.row(ctx, "SELECT "+silenceColumns+" FROM people p WHERE p.id = ?", id).Scan(silenceFields(&x)...)
	if errors.Is(err, sql.ErrNoRows) {
		err = noPerson()
	}
	return x, err
}

// SetSilence implements chat.Attention.
func (s *Store) SetSilence(ctx context.Context, id chat.UserID, x chat.Silence) error {
	return s.change(ctx, func(t *Tx) error {
		return t.one("there is no such person", "UPDATE people SET silent_until = ?, silent_from = ?, silent_to = ?, silent_zone = ? WHERE id = ?",
			millis(x.Until), x.From, x.To, x.Zone, id)
	})
}

// Company implements chat.Attention.
func (s *Store) Company(ctx context.Context, id chat.UserID, most int) ([]chat.RoomID, error) {
	scan := func(row Scanner) (id chat.RoomID, err error) { return id, row.Scan(&id) }
	return list(ctx, s, scan, `SELECT r.id FROM memberships m JOIN rooms r ON r.key = m.room
		WHERE m.person = (SELECT key FROM people WHERE id = ?) AND m.state = 1 AND r.members <= ?`, id, most)
}

// AddDevice implements chat.Attention. The oldest ones make room.
func (s *Store) AddDevice(ctx context.Context, id chat.UserID, session chat.SessionID, d chat.Device) error {
	return s.change(ctx, func(t *Tx) error {
		key, _, err := t.account(id)
		if err != nil {
			return err
		}
		err = t.exec(`INSERT INTO devices (endpoint, person, session, key, auth, created) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint) DO UPDATE
			SET person = excluded.person, session = excluded.session, key = excluded.key, auth = excluded.auth,
				created = CASE devices.person WHEN excluded.person THEN devices.created ELSE excluded.created END`,
			d.Endpoint, key, session, d.Key, d.Auth, s.now())
		if err != nil {
			return err
		}
		return t.exec("DELETE FROM devices WHERE person = ?1 AND endpoint NOT IN (SELECT endpoint FROM devices WHERE person = ?1 ORDER BY created DESC, endpoint = ?2 DESC LIMIT ?3)",
			key, d.Endpoint, chat.MaxDevices)
	})
}

// RemoveDevice implements chat.Attention.
func (s *Store) RemoveDevice(ctx context.Context, id chat.UserID, endpoint string) error {
	return s.change(ctx, func(t *Tx) error {
		return t.exec("DELETE FROM devices WHERE endpoint = ?1 AND (?2 = '' OR person = (SELECT key FROM people WHERE id = ?2))", endpoint, id)
	})
}

// Devices implements chat.Attention.
func (s *Store) Devices(ctx context.Context) (n int, err error) {
	return n, s.row(ctx, "SELECT count(*) FROM devices").Scan(&n)
}

// Listeners implements chat.Attention.
func (s *Store) Listeners(ctx context.Context, room chat.RoomID) ([]chat.Listener, error) {
	scan := func(row Scanner) (l chat.Listener, err error) {
		var devices, threads string
		into := append(fields{&l.ID, &l.Name, &l.Role, &l.Bot, &l.Level, &l.Quiet, &l.Read, &devices, &threads}, standingFields(&l.Standing)...)
		if err := row.Scan(append(into, silenceFields(&l.Silence)...)...); err != nil {
			return l, err
		}
		if l.Devices, err = devicesOf(devices); err == nil {
			l.Threads, err = threadsOf(threads)
		}
		return l, err
	}
	return list(ctx, s, scan, `SELECT p.id, p.name, p.role, p.bot, m.level, m.quiet, m.read,
		coalesce((SELECT CAST(json_group_array(json_array(d.endpoint, d.key, d.auth, d.created)) AS TEXT) FROM devices d JOIN sessions s ON s.id = d.session WHERE d.person = p.key AND s.used > ?2), '[]'),
		coalesce((SELECT CAST(json_group_array(json_array(k.root, k.muted)) AS TEXT) FROM thread_marks k WHERE k.person = p.key AND k.room = m.room), '[]'),
		`+StandingColumns+", "+silenceColumns+`
		FROM memberships m JOIN people p ON p.key = m.person
		WHERE m.room = `+roomKey+` AND m.state = 1 AND p.removed IS NULL AND EXISTS (SELECT 1 FROM devices WHERE person = p.key)`,
		room, s.now()-chat.SessionAge.Milliseconds())
}

func devicesOf(rows string) (all []chat.Device, err error) {
	var raw [][4]json.RawMessage
	if err := json.Unmarshal([]byte(rows), &raw); err != nil {
		return nil, err
	}
	for _, r := range raw {
		var d chat.Device
		var created int64
		for i, into := range []any{&d.Endpoint, &d.Key, &d.Auth, &created} {
			err = errors.Join(err, json.Unmarshal(r[i], into))
		}
		d.Created = time.UnixMilli(created)
		all = append(all, d)
	}
	return all, err
}

func threadsOf(rows string) (map[chat.Seq]bool, error) {
	var raw [][2]chat.Seq
	if err := json.Unmarshal([]byte(rows), &raw); err != nil {
		return nil, err
	}
	all := make(map[chat.Seq]bool, len(raw))
	for _, r := range raw {
		all[r[0]] = r[1] == 1
	}
	return all, nil
}

// Alerted implements chat.Attention.
func (s *Store) Alerted(ctx context.Context) (map[chat.RoomID]chat.Seq, error) {
	type mark struct {
		room chat.RoomID
		seq  chat.Seq
	}
	scan := func(row Scanner) (m mark, err error) { return m, row.Scan(&m.room, &m.seq) }
	marks, err := list(ctx, s, scan, "SELECT r.id, a.seq FROM alerted a JOIN rooms r ON r.key = a.room")
	all := make(map[chat.RoomID]chat.Seq, len(marks))
	for _, m := range marks {
		all[m.room] = m.seq
	}
	return all, err
}

// SetAlerted implements chat.Attention.
func (s *Store) SetAlerted(ctx context.Context, room chat.RoomID, seq chat.Seq) error {
	return s.change(ctx, func(t *Tx) error {
		return t.exec("INSERT INTO alerted (room, seq) VALUES ("+roomKey+", ?) ON CONFLICT (room) DO UPDATE SET seq = max(alerted.seq, excluded.seq)", room, seq)
	})
}
