package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

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
		err = s.openPlace(ctx)
	}
	if err == nil {
		_, err = s.EnsureRoom(ctx, chat.Name{Display: chat.Lobby, Key: s.options.RoomKey(chat.Lobby)}, "")
	}
	if err == nil {
		err = s.NameRooms(ctx, s.options.RoomKey)
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
	var scope string
	err = s.readers.row(ctx, `SELECT p.id, p.name, p.role, p.bot, s.id, coalesce(s.scope, '') FROM sessions s JOIN people p ON p.key = s.person
		WHERE s.token = ? AND (s.used > ? OR s.scope IS NOT NULL)`, token[:], now()-chat.SessionAge.Milliseconds()).
		Scan(&l.ID, &l.Name, &l.Role, &l.Bot, &l.Session, &scope)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.Errorf(chat.CodeUnauthorized, "that session is not known here")
	}
	if err == nil && scope != "" {
		l.Scope = new(chat.Scope)
		err = json.Unmarshal([]byte(scope), l.Scope)
	}
	return l, err
}

// ReleaseName implements chat.Directory.
func (s *Store) ReleaseName(ctx context.Context, id chat.UserID) error {
	return s.change(ctx, func(t *tx) error {
		return t.exec("UPDATE people SET name_key = NULL WHERE id = ?", id)
	})
}
