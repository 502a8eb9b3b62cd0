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
	if isConstraint(err) {
		return chat.Errorf(chat.CodeNameTaken, "somebody else has that name")
	}
	return err
}

func isConstraint(err error) bool { return code(err) == sqlite3.SQLITE_CONSTRAINT }

// AddVisitor implements chat.Directory.
func (s *Store) AddVisitor(ctx context.Context, name chat.Name) (chat.Person, error) {
	p := chat.Person{ID: chat.UserID(newID(16)), Name: name.Display, Role: chat.RoleGuest}
	return p, s.change(ctx, func(t *tx) error {
		_, err := t.addPerson(p, name, true)
		return err
	})
}

// addPerson returns the new person's key.
func (t *tx) addPerson(p chat.Person, name chat.Name, visiting bool) (key int64, err error) {
	if err := t.awake(name.Key, 0); err != nil {
		return 0, err
	}
	err = t.row("INSERT INTO people (id, name, name_key, visiting, created) VALUES (?, ?, ?, ?, ?) RETURNING key",
		p.ID, name.Display, name.Key, visiting, now()).Scan(&key)
	return key, taken(err)
}

// awake refuses a name that somebody else gave up lately: who is called so might
// be taken for them.
func (t *tx) awake(key string, person int64) error {
	var rests bool
	err := t.row("SELECT EXISTS (SELECT 1 FROM resting_names WHERE name_key = ? AND until > ? AND person != ?)", key, now(), person).Scan(&rests)
	if err == nil && rests {
		err = chat.Errorf(chat.CodeNameTaken, "somebody else had that name not long ago")
	}
	return err
}

// rest keeps a name that its holder gives up from others for a while.
func (t *tx) rest(key string, person int64) error {
	if err := t.exec("DELETE FROM resting_names WHERE until <= ?", now()); err != nil {
		return err
	}
	return t.exec(`INSERT INTO resting_names (name_key, person, until) VALUES (?, ?, ?)
		ON CONFLICT (name_key) DO UPDATE SET person = excluded.person, until = excluded.until`,
		key, person, now()+chat.NameRest.Milliseconds())
}

// Login implements chat.Accounts.
func (s *Store) Login(ctx context.Context, token chat.TokenHash) (l chat.Login, err error) {
	err = s.readers.row(ctx, `SELECT p.id, p.name, p.role, s.id FROM sessions s JOIN people p ON p.key = s.person
		WHERE s.token = ? AND s.used > ?`, token[:], now()-chat.SessionAge.Milliseconds()).Scan(&l.ID, &l.Name, &l.Role, &l.Session)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.Errorf(chat.CodeUnauthorized, "that session is not known here")
	}
	return l, err
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
	return list(ctx, s, scanRoom, selectRoom+"WHERE instr(name, ?) > 0 ORDER BY name LIMIT ?", strings.ToLower(part), limit)
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
	return list(ctx, s, scanMember, selectMember+"ORDER BY r.name", id)
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
