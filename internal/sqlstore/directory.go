package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"hubbub/internal/chat"
)

// Welcome prepares for people, before the first use: names of visitors that a crash cut
// off are free again, and there is a lobby.
func (s *Store) Welcome(ctx context.Context) error {
	err := s.change(ctx, s.backend.FreeVisitors)
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
func (t *Tx) taken(err error) error {
	if t.isConstraint(err) {
		return chat.Errorf(chat.CodeNameTaken, "somebody else has that name")
	}
	return err
}

// AddVisitor implements chat.Directory.
func (s *Store) AddVisitor(ctx context.Context, name chat.Name) (chat.Person, error) {
	p := chat.Person{ID: chat.UserID(NewID(16)), Name: name.Display, Role: chat.RoleGuest}
	return p, s.change(ctx, func(t *Tx) error {
		_, err := t.addPerson(p, name, true)
		return err
	})
}

// addPerson returns the new person's key.
func (t *Tx) addPerson(p chat.Person, name chat.Name, visiting bool) (key int64, err error) {
	if err := t.awake(name.Key, 0); err != nil {
		return 0, err
	}
	err = t.row("INSERT INTO people (id, name, name_key, visiting, created) VALUES (?, ?, ?, ?, ?) RETURNING key",
		p.ID, name.Display, name.Key, visiting, t.now()).Scan(&key)
	return key, t.taken(err)
}

// awake refuses a name that somebody else gave up lately: who is called so might
// be taken for them.
func (t *Tx) awake(key string, person int64) error {
	var rests bool
	err := t.row("SELECT EXISTS (SELECT 1 FROM resting_names WHERE name_key = ? AND until > ? AND person != ?)", key, t.now(), person).Scan(&rests)
	if err == nil && rests {
		err = chat.Errorf(chat.CodeNameTaken, "somebody else had that name not long ago")
	}
	return err
}

// rest keeps a name that its holder gives up from others for a while.
func (t *Tx) rest(key string, person int64) error {
	if err := t.exec("DELETE FROM resting_names WHERE until <= ?", t.now()); err != nil {
		return err
	}
	return t.exec(`INSERT INTO resting_names (name_key, person, until) VALUES (?, ?, ?)
		ON CONFLICT (name_key) DO UPDATE SET person = excluded.person, until = excluded.until`,
		key, person, t.now()+chat.NameRest.Milliseconds())
}

// Login implements chat.Accounts.
func (s *Store) Login(ctx context.Context, token chat.TokenHash) (l chat.Login, err error) {
	var scope string
	err = s.row(ctx, `SELECT p.id, p.name, p.role, p.bot, s.id, coalesce(s.scope, '') FROM sessions s JOIN people p ON p.key = s.person
		WHERE s.token = ? AND (s.used > ? OR s.scope IS NOT NULL)`, token[:], s.now()-chat.SessionAge.Milliseconds()).
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
	return s.change(ctx, func(t *Tx) error {
		return t.exec("UPDATE people SET name_key = NULL WHERE id = ?", id)
	})
}
