package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"hubbub/internal/chat"
)

// welcomeVisitors prepares for guests: names of those that a crash cut off are
// free again, and there is a lobby.
func (s *Store) welcomeVisitors(ctx context.Context) error {
	err := s.change(ctx, func(t *tx) error {
		return t.exec("UPDATE people SET name_key = NULL WHERE visiting = 1 AND name_key IS NOT NULL")
	})
	if err == nil {
		_, err = s.EnsureRoom(ctx, chat.Lobby)
	}
	return err
}

// taken turns the violation of a unique name into what it means.
func taken(err error) error {
	if code(err) == sqlite3.SQLITE_CONSTRAINT {
		return chat.Errorf(chat.CodeNameTaken, "somebody else has that name")
	}
	return err
}

// AddGuest implements chat.Directory.
func (s *Store) AddGuest(ctx context.Context, name string, token *chat.TokenHash) (chat.Person, error) {
	p := chat.Person{ID: chat.UserID(newID(16)), Name: name}
	err := s.change(ctx, func(t *tx) error {
		err := t.exec("INSERT INTO people (id, name, name_key, visiting, created) VALUES (?, ?, ?, ?, ?)",
			p.ID, name, chat.NameKey(name), token == nil, now())
		if err != nil || token == nil {
			return taken(err)
		}
		return t.exec("INSERT INTO sessions (token, person, created) VALUES (?, last_insert_rowid(), ?)", token[:], now())
	})
	return p, err
}

// PersonByToken implements chat.Directory.
func (s *Store) PersonByToken(ctx context.Context, token chat.TokenHash) (p chat.Person, err error) {
	err = s.readers.row(ctx, `SELECT p.id, p.name FROM sessions s JOIN people p ON p.key = s.person
		WHERE s.token = ?`, token[:]).Scan(&p.ID, &p.Name)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.Errorf(chat.CodeUnauthorized, "that session is not known here")
	}
	return p, err
}

// Rename implements chat.Directory.
func (s *Store) Rename(ctx context.Context, id chat.UserID, name string) (chat.Person, error) {
	err := s.change(ctx, func(t *tx) error {
		key, err := t.person(id)
		if err != nil {
			return err
		}
		return taken(t.exec("UPDATE people SET name = ?, name_key = ? WHERE key = ?", name, chat.NameKey(name), key))
	})
	return chat.Person{ID: id, Name: name}, err
}

// ReleaseName implements chat.Directory.
func (s *Store) ReleaseName(ctx context.Context, id chat.UserID) error {
	return s.change(ctx, func(t *tx) error {
		return t.exec("UPDATE people SET name_key = NULL WHERE id = ?", id)
	})
}

const selectRoom = "SELECT id, name, head, created FROM rooms "

func scanRoom(row scanner) (r chat.Room, err error) {
	var created int64
	err = row.Scan(&r.ID, &r.Name, &r.Head, &created)
	r.Created = time.UnixMilli(created)
	if errors.Is(err, sql.ErrNoRows) {
		err = noRoom()
	}
	return r, err
}

// EnsureRoom implements chat.Directory. A room that is there costs no write.
func (s *Store) EnsureRoom(ctx context.Context, name string) (chat.Room, error) {
	find := func() (chat.Room, error) {
		return scanRoom(s.readers.row(ctx, selectRoom+"WHERE name = ?", name))
	}
	r, err := find()
	if chat.AsError(err).Code != chat.CodeNotFound || err == nil {
		return r, err
	}
	err = s.change(ctx, func(t *tx) error {
		return t.exec("INSERT INTO rooms (id, name, created) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING", newID(12), name, now())
	})
	if err != nil {
		return chat.Room{}, err
	}
	return find()
}

// Room implements chat.Directory.
func (s *Store) Room(ctx context.Context, id chat.RoomID) (chat.Room, error) {
	return scanRoom(s.readers.row(ctx, selectRoom+"WHERE id = ?", id))
}

// Rooms implements chat.Directory.
func (s *Store) Rooms(ctx context.Context, part string, limit int) ([]chat.Room, error) {
	rows, err := s.readers.rows(ctx, selectRoom+"WHERE instr(name, ?) > 0 ORDER BY name LIMIT ?", strings.ToLower(part), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var rooms []chat.Room
	for rows.Next() {
		r, err := scanRoom(rows)
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, r)
	}
	return rooms, rows.Err()
}

const selectMember = `SELECT r.id, r.name, r.head, r.created, m.read FROM memberships m
	JOIN rooms r ON r.key = m.room JOIN people p ON p.key = m.person WHERE p.id = ? `

func scanMember(row scanner) (m chat.Membership, err error) {
	var created int64
	err = row.Scan(&m.ID, &m.Name, &m.Head, &created, &m.Read)
	m.Created = time.UnixMilli(created)
	return m, err
}

// Join implements chat.Directory. A room that is on the list costs no write:
// after a restart everyone joins again.
func (s *Store) Join(ctx context.Context, id chat.UserID, room chat.RoomID) (chat.Membership, error) {
	find := func() (chat.Membership, error) {
		return scanMember(s.readers.row(ctx, selectMember+"AND r.id = ?", id, room))
	}
	m, err := find()
	if !errors.Is(err, sql.ErrNoRows) {
		return m, err
	}
	err = s.change(ctx, func(t *tx) error {
		r, err := t.room(room)
		if err != nil {
			return err
		}
		person, err := t.person(id)
		if err != nil {
			return err
		}
		return t.exec("INSERT INTO memberships (person, room, read) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", person, r.key, r.head)
	})
	if err != nil {
		return m, err
	}
	return find()
}

// Memberships implements chat.Directory.
func (s *Store) Memberships(ctx context.Context, id chat.UserID) ([]chat.Membership, error) {
	rows, err := s.readers.rows(ctx, selectMember+"ORDER BY r.name", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var members []chat.Membership
	for rows.Next() {
		m, err := scanMember(rows)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, rows.Err()
}

// MarkRead implements chat.Directory.
func (s *Store) MarkRead(ctx context.Context, id chat.UserID, room chat.RoomID, seq chat.Seq) (read chat.Seq, err error) {
	err = s.change(ctx, func(t *tx) error {
		r, err := t.room(room)
		if err != nil {
			return err
		}
		person, err := t.person(id)
		if err != nil {
			return err
		}
		err = t.row(`UPDATE memberships SET read = max(read, ?) WHERE person = ? AND room = ? RETURNING read`,
			min(seq, r.head), person, r.key).Scan(&read)
		if errors.Is(err, sql.ErrNoRows) {
			err = noRoom()
		}
		return err
	})
	return read, err
}
