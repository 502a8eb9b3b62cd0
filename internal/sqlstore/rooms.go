package sqlstore

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubbub/internal/chat"
)

// This file finds and makes rooms, and knows who is in them.

// RoomColumns are the columns of a room that is called r; StandingColumns those of a
// membership that is called m.
const (
	RoomColumns = `r.id, r.kind, r.name, r.topic, r.archived, r.read_only, r.guests_wait, r.slow, r.keep_days, r.keep_messages, r.floor,
	coalesce((SELECT p.id || ' ' || p.name FROM people p WHERE p.key = r.by), ''), r.created, r.members, r.head`
	StandingColumns = "coalesce(m.state, 0), coalesce(m.moderator, 0), coalesce(m.muted, 0), coalesce(m.banned, 0), coalesce(m.spoke, 0)"
)

// fields takes a row apart into what is not a plain value.
type fields []any

func (f fields) all() []any { return f }

// field reads one column by a function.
type field[T any] func(T)

// Scan implements sql.Scanner.
func (f field[T]) Scan(v any) error {
	t, ok := v.(T)
	if !ok {
		return fmt.Errorf("a column holds %T", v)
	}
	f(t)
	return nil
}

func at(to *time.Time) field[int64] { return func(ms int64) { *to = moment(ms) } }

func whom(to *chat.Mention) field[string] {
	return func(v string) {
		id, name, _ := strings.Cut(v, " ")
		*to = chat.Mention{ID: chat.UserID(id), Name: name}
	}
}

func roomFields(r *chat.Room) fields {
	return fields{
		&r.ID, &r.Kind, &r.Name, &r.Topic, &r.Archived, &r.ReadOnly, &r.GuestsWait,
		field[int64](func(s int64) { r.Slow = time.Duration(s) * time.Second }), &r.Keep.Days, &r.Keep.Messages, &r.Floor,
		whom(&r.By), at(&r.Created), &r.Members, &r.Head,
	}
}

func standingFields(s *chat.Standing) fields {
	return fields{&s.State, &s.Moderator, at(&s.Muted), at(&s.Banned), at(&s.Spoke)}
}

// scanStanding reads a standing; none is a stranger's.
func scanStanding(row Scanner) (s chat.Standing, err error) {
	err = row.Scan(standingFields(&s)...)
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Standing{}, nil
	}
	return s, err
}

const selectRoom = "SELECT " + RoomColumns + " FROM rooms r "

func scanRoom(row Scanner) (r chat.Room, err error) {
	err = row.Scan(roomFields(&r)...)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.NoRoom()
	}
	return r, err
}

// EnsureRoom implements chat.Directory. A room that is there costs no write.
func (s *Store) EnsureRoom(ctx context.Context, name chat.Name, by chat.UserID) (chat.Room, error) {
	r, err := s.RoomByName(ctx, name.Display)
	if chat.AsError(err).Code != chat.CodeNotFound || err == nil {
		return r, err
	}
	err = s.change(ctx, func(t *Tx) error {
		var there bool
		if err := t.row("SELECT EXISTS (SELECT 1 FROM rooms WHERE name = ? AND kind = 1)", name.Display).Scan(&there); err != nil || there {
			return err
		}
		err := t.try("INSERT INTO rooms (id, kind, name, name_key, by, created) VALUES (?, 1, ?, ?, (SELECT key FROM people WHERE id = ?), ?)",
			NewID(12), name.Display, name.Key, by, s.now())
		if t.isConstraint(err) {
			return roomExists(name.Display)
		}
		return err
	})
	r, e := s.RoomByName(ctx, name.Display)
	if e == nil {
		return r, nil // somebody else may have made it meanwhile
	}
	if err == nil {
		err = e
	}
	return chat.Room{}, err
}

// RoomByName implements chat.Directory.
func (s *Store) RoomByName(ctx context.Context, name string) (chat.Room, error) {
	return scanRoom(s.row(ctx, selectRoom+"WHERE r.name = ? AND r.kind = 1", name))
}

// NameRooms gives keys to rooms that were made before there were any.
func (s *Store) NameRooms(ctx context.Context, key func(name string) string) error {
	return s.change(ctx, func(t *Tx) error {
		names, err := column[string](t, "SELECT name FROM rooms WHERE kind = 1 AND name_key IS NULL ORDER BY key")
		for _, name := range names {
			// Of two that look the same, the older one has the key.
			err = errors.Join(err, t.exec("UPDATE rooms SET name_key = ?1 WHERE kind = 1 AND name = ?2 AND NOT EXISTS (SELECT 1 FROM rooms WHERE name_key = ?1)", key(name), name))
		}
		return err
	})
}

// column reads all rows of a query for one column.
func column[T any](t *Tx, query string, args ...any) (all []T, err error) {
	rows, err := t.session.Query(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// NewRoom implements chat.Directory.
func (s *Store) NewRoom(ctx context.Context, n chat.NewRoom) (id chat.RoomID, err error) {
	err = s.change(ctx, func(t *Tx) error {
		id = chat.RoomID(NewID(12))
		var key any
		if n.Kind == chat.RoomDirect {
			all := append([]chat.UserID{n.By.ID}, n.People...)
			slices.Sort(all)
			key = fmt.Sprint(slices.Compact(all))
			err := t.row("SELECT id FROM rooms WHERE direct_key = ?", key).Scan(&id)
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		err := t.exec("INSERT INTO rooms (id, kind, name, topic, direct_key, by, created) VALUES (?, ?, ?, ?, ?, (SELECT key FROM people WHERE id = ?), ?)",
			id, n.Kind, n.Name, n.Topic, key, n.By.ID, s.now())
		if err != nil {
			return err
		}
		return t.settle(id, n)
	})
	return id, err
}

// settle puts the first people into a new room.
func (t *Tx) settle(id chat.RoomID, n chat.NewRoom) error {
	room, err := t.room(id)
	if err != nil {
		return err
	}
	maker, err := t.person(n.By.ID)
	if err != nil {
		return err
	}
	if err := t.stand(room, maker, chat.Standing{}, chat.Standing{State: chat.StateMember, Moderator: n.Kind == chat.RoomPrivate}); err != nil {
		return err
	}
	for _, other := range n.People {
		if other == maker.ID {
			continue
		}
		if err := t.stays(other); err != nil {
			return err
		}
		p, err := t.person(other)
		if err != nil {
			return err
		}
		s, err := t.standing(room, p)
		switch {
		case err != nil || s.State == chat.StateMember: // named twice
		case n.Kind == chat.RoomDirect:
			err = t.stand(room, p, s, chat.Standing{State: chat.StateMember})
		default:
			err = t.changeBy(room, maker.ID, chat.Draft{Kind: chat.KindAdd, About: chat.Mention{ID: other}})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Room implements chat.Directory.
func (s *Store) Room(ctx context.Context, id chat.RoomID) (chat.Room, error) {
	return scanRoom(s.row(ctx, selectRoom+"WHERE r.id = ?", id))
}

// Rooms implements chat.Directory.
func (s *Store) Rooms(ctx context.Context, part string, limit int) ([]chat.Room, error) {
	return list(ctx, s, scanRoom, selectRoom+"WHERE r.kind = 1 AND r.archived = 0 AND instr(r.name, ?) > 0 ORDER BY r.name LIMIT ?", strings.ToLower(part), limit)
}

// AllRooms implements chat.Directory.
func (s *Store) AllRooms(ctx context.Context) ([]chat.Room, error) {
	return list(ctx, s, scanRoom, selectRoom+"WHERE r.kind < 4 ORDER BY r.kind, r.name, r.key")
}

// memberColumns are a room as the person with the key m.person has it.
const (
	memberColumns = RoomColumns + ", " + StandingColumns + `, coalesce(m.read, r.head), r.messages - coalesce(m.counted, r.messages),
	(SELECT count(DISTINCT x.seq) FROM mentions x CROSS JOIN events e ON e.room = x.room AND e.seq = x.seq
		WHERE x.person IN (0, m.person) AND x.room = r.key AND x.seq > m.read AND e.author != m.person), ` + othersColumn + choiceColumns
	knownColumns = RoomColumns + ", " + StandingColumns + ", 0, 0, 0, " + othersColumn + choiceColumns // without counts
	othersColumn = `CASE r.kind WHEN 3 THEN coalesce((SELECT group_concat(p.id || ' ' || p.name, char(10)) FROM memberships o JOIN people p ON p.key = o.person
		WHERE o.room = r.key AND o.person != m.person AND o.state = 1), '') ELSE '' END`
	choiceColumns = ", coalesce(m.level, 0), coalesce(m.quiet, 0) "
)

func scanMember(row Scanner) (m chat.Membership, err error) {
	others := field[string](func(v string) {
		for line := range strings.Lines(v) {
			var one chat.Mention
			whom(&one)(strings.TrimSuffix(line, "\n"))
			m.People = append(m.People, one)
		}
		slices.SortFunc(m.People, func(a, b chat.Mention) int { return strings.Compare(a.Name, b.Name) })
	})
	into := append(append(roomFields(&m.Room), standingFields(&m.Standing)...), &m.Read, &m.Unread, &m.Mentions, others, &m.Level, &m.Quiet)
	err = row.Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.NoRoom()
	}
	return m, err
}

// Access implements chat.Directory.
func (s *Store) Access(ctx context.Context, id chat.UserID, room chat.RoomID) (chat.Membership, error) {
	return scanMember(s.row(ctx, "SELECT "+memberColumns+`FROM rooms r LEFT JOIN memberships m
		ON m.room = r.key AND m.person = (SELECT key FROM people WHERE id = ?) WHERE r.id = ?`, id, room))
}

// Memberships implements chat.Directory.
func (s *Store) Memberships(ctx context.Context, id chat.UserID) ([]chat.Membership, error) {
	return list(ctx, s, scanMember, "SELECT "+memberColumns+`FROM memberships m JOIN rooms r ON r.key = m.room
		WHERE m.person = (SELECT key FROM people WHERE id = ?) AND m.state = 1 ORDER BY r.name`, id)
}

// Known implements chat.Directory.
func (s *Store) Known(ctx context.Context, id chat.UserID) ([]chat.Membership, error) {
	return list(ctx, s, scanMember, "SELECT "+knownColumns+`FROM rooms r LEFT JOIN memberships m
		ON m.room = r.key AND m.person = (SELECT key FROM people WHERE id = ?) WHERE r.kind = 1 OR (r.kind < 4 AND m.state = 1)`, id)
}

// ask decides about somebody in a transaction.
func (t *Tx) ask(who chat.Actor, id chat.RoomID, act chat.Act) (*room, *person, chat.Standing, error) {
	room, err := t.room(id)
	if err != nil {
		return nil, nil, chat.Standing{}, err
	}
	p, err := t.person(who.ID)
	if err != nil {
		return nil, nil, chat.Standing{}, err
	}
	s, err := t.standing(room, p)
	if err != nil {
		return nil, nil, s, err
	}
	who.Role = p.Role
	q := chat.Question{Who: who, Act: act, Room: &room.Room, As: s, At: time.UnixMilli(t.now())}
	return room, p, s, q.Decide().Err(&q)
}

// Join implements chat.Directory. A room that is on the list costs no write:
// after a restart everyone joins again.
func (s *Store) Join(ctx context.Context, who chat.Actor, id chat.RoomID) (chat.Membership, error) {
	m, err := chat.Authorize(ctx, s, who, id, chat.ActJoin)
	if err != nil || m.State == chat.StateMember {
		return m, err
	}
	err = s.change(ctx, func(t *Tx) error {
		room, p, before, err := t.ask(who, id, chat.ActJoin)
		if err != nil {
			return err
		}
		after := before
		after.State = chat.Entry(who, &room.Room, before)
		if after.State == before.State {
			return nil
		}
		return t.stand(room, p, before, after)
	})
	if err != nil {
		return m, err
	}
	return s.Access(ctx, who.ID, id)
}

// Leave implements chat.Directory.
func (s *Store) Leave(ctx context.Context, who chat.Actor, id chat.RoomID) error {
	return s.change(ctx, func(t *Tx) error {
		room, p, before, err := t.ask(who, id, chat.ActLeave)
		switch {
		case err != nil:
			return err
		case room.Kind == chat.RoomPrivate:
			return t.changeBy(room, p.ID, chat.Draft{Kind: chat.KindLeave})
		}
		after := before
		after.State, after.Moderator = chat.StateLeft, false
		return t.stand(room, p, before, after)
	})
}

// Members implements chat.Directory.
func (s *Store) Members(ctx context.Context, room chat.RoomID, w chat.Members) (page []chat.Member, count int, next string, err error) {
	where := "FROM rooms r JOIN memberships m ON m.room = r.key JOIN people p ON p.key = m.person WHERE r.id = ? AND p.removed IS NULL "
	args := []any{room}
	switch { // each so that an index has it
	case w.Muted:
		where += "AND m.muted > ? "
		args = append(args, s.now())
	case w.Ranks:
		where += "AND m.moderator = 1 AND +m.state = 1 " // the plus is for the index of moderators
	case w.Show == chat.StateBanned:
		where += "AND m.state = 4 AND m.banned > ? "
		args = append(args, s.now())
	default:
		where += "AND m.state = ? "
		args = append(args, w.Show)
	}
	if w.Part != "" {
		where += "AND instr(lower(p.name), ?) > 0 "
		args = append(args, w.Part)
	}
	if err := s.row(ctx, "SELECT count(*) "+where, args...).Scan(&count); err != nil {
		return nil, 0, "", err
	}
	if w.After != "" {
		b, e := base64.RawURLEncoding.DecodeString(w.After)
		var after [2]string
		if e != nil || json.Unmarshal(b, &after) != nil {
			return nil, 0, "", chat.Errorf(chat.CodeBadFrame, "after is what the page before gave as next")
		}
		where += "AND (lower(p.name), p.id) > (?, ?) "
		args = append(args, after[0], after[1])
	}
	scan := func(row Scanner) (m chat.Member, err error) {
		into := append(fields{&m.ID, &m.Name, &m.Role, &m.Bot, &m.Picture}, standingFields(&m.Standing)...)
		return m, row.Scan(into...)
	}
	page, err = list(ctx, s, scan, "SELECT p.id, p.name, p.role, p.bot, coalesce((SELECT name FROM pictures WHERE person = p.key), ''), "+StandingColumns+" "+where+
		"ORDER BY lower(p.name), p.id LIMIT ?", append(args, w.Limit+1)...)
	if err == nil && len(page) > w.Limit {
		page = page[:w.Limit]
		last := page[len(page)-1]
		b, e := json.Marshal([2]string{lower(last.Name), string(last.ID)})
		next, err = base64.RawURLEncoding.EncodeToString(b), e
	}
	return page, count, next, err
}

// lower is what lower() of SQLite does: only A to Z.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Moderators implements chat.Directory.
func (s *Store) Moderators(ctx context.Context, room chat.RoomID) ([]chat.UserID, error) {
	scan := func(row Scanner) (id chat.UserID, err error) { return id, row.Scan(&id) }
	return list(ctx, s, scan, `SELECT p.id FROM rooms r JOIN memberships m ON m.room = r.key JOIN people p ON p.key = m.person
			WHERE r.id = ?1 AND +m.state = 1 AND m.moderator = 1
		UNION SELECT p.id FROM rooms r JOIN people p ON p.key = r.by JOIN memberships m ON m.room = r.key AND m.person = p.key WHERE r.id = ?1 AND m.state = 1
		UNION SELECT p.id FROM people p, rooms r WHERE r.id = ?1 AND r.kind = 1 AND p.role >= 3 AND p.visiting = 0 AND p.removed IS NULL`, room)
}

// MarkRead implements chat.Directory.
func (s *Store) MarkRead(ctx context.Context, id chat.UserID, room chat.RoomID, seq chat.Seq) (read chat.Seq, err error) {
	err = s.change(ctx, func(t *Tx) error {
		r, p, err := t.pair(room, id)
		if err != nil {
			return err
		}
		err = t.row("SELECT read FROM memberships WHERE person = ? AND room = ? AND state = 1", p.key, r.key).Scan(&read)
		if errors.Is(err, sql.ErrNoRows) {
			return chat.NoRoom()
		}
		to := min(seq, r.Head)
		if err != nil || to <= read {
			return err
		}
		counted, err := t.counted(r, read, to, p.key)
		if err != nil {
			return err
		}
		read = to
		return errors.Join(
			t.exec("UPDATE memberships SET read = ?1, counted = ?2 WHERE person = ?3 AND room = ?4 AND read < ?1", to, counted, p.key, r.key),
			t.exec("DELETE FROM mentions WHERE person = ? AND room = ? AND seq <= ?", p.key, r.key, to))
	})
	return read, err
}

// counted returns how many messages there are up to a place, from the nearer of two
// where that is known: where the person has read to, and the head.
func (t *Tx) counted(r *room, read, to chat.Seq, person int64) (n int64, err error) {
	if r.Head-to < to-read {
		return n, t.row("SELECT ? - count(*) FROM events WHERE room = ? AND seq > ? AND seq <= ? AND kind = 1 AND thread = 0", r.messages, r.key, to, r.Head).Scan(&n)
	}
	return n, t.row(`SELECT m.counted + (SELECT count(*) FROM events e WHERE e.room = m.room AND e.seq > m.read AND e.seq <= ? AND e.kind = 1 AND e.thread = 0)
		FROM memberships m WHERE m.person = ? AND m.room = ?`, to, person, r.key).Scan(&n)
}

// Audit implements chat.Directory.
func (s *Store) Audit(ctx context.Context, room chat.RoomID, before chat.Seq, limit int) ([]chat.Event, error) {
	return list(ctx, s, scanEvent, selectChanges+`WHERE e.room = (SELECT key FROM rooms WHERE id = ?) AND e.seq < ?
		AND (e.kind > 3 OR e.about > 0) AND e.kind NOT BETWEEN 24 AND 31 ORDER BY e.seq DESC LIMIT ?`, room, int64(min(before, 1<<62)), limit)
}

// AddReport implements chat.Directory.
func (s *Store) AddReport(ctx context.Context, room chat.RoomID, seq chat.Seq, by chat.UserID, reason string) error {
	return s.change(ctx, func(t *Tx) error {
		r, p, err := t.pair(room, by)
		if err != nil {
			return err
		}
		if _, err := t.writer(r, p, &chat.Draft{Kind: chat.KindDelete, Target: seq}); err != nil {
			return err
		}
		return t.exec("INSERT INTO reports (id, room, seq, by, reason, time) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (room, seq, by) DO NOTHING",
			NewID(12), r.key, seq, p.key, reason, s.now())
	})
}

// Reports implements chat.Directory.
func (s *Store) Reports(ctx context.Context, room chat.RoomID) ([]chat.Report, error) {
	scan := func(row Scanner) (r chat.Report, err error) {
		return r, row.Scan(&r.ID, &r.Seq, &r.By.ID, &r.By.Name, &r.Reason, at(&r.Time))
	}
	return list(ctx, s, scan, `SELECT x.id, x.seq, p.id, p.name, x.reason, x.time FROM reports x JOIN people p ON p.key = x.by
		WHERE x.room = (SELECT key FROM rooms WHERE id = ?) AND x.closed = 0 ORDER BY x.time, x.id LIMIT 200`, room)
}

// CloseReport implements chat.Directory.
func (s *Store) CloseReport(ctx context.Context, room chat.RoomID, id string) error {
	return s.change(ctx, func(t *Tx) error {
		return t.one("there is no such report", "UPDATE reports SET closed = ? WHERE id = ? AND closed = 0 AND room = (SELECT key FROM rooms WHERE id = ?)", s.now(), id, room)
	})
}

// Pending implements chat.Directory.
func (s *Store) Pending(ctx context.Context, room chat.RoomID) (reports, guests int, err error) {
	err = s.row(ctx, `SELECT (SELECT count(*) FROM reports WHERE room = r.key AND closed = 0),
		(SELECT count(*) FROM memberships WHERE room = r.key AND state = 5) FROM rooms r WHERE r.id = ?`, room).Scan(&reports, &guests)
	return reports, guests, err
}
