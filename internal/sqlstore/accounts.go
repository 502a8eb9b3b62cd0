package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"time"

	"hubbub/internal/chat"
)

// This file implements chat.Accounts, but for invitations.

// AddGuest implements chat.Accounts.
func (s *Store) AddGuest(ctx context.Context, n chat.Newcomer) (l chat.Login, err error) {
	l.Person = chat.Person{ID: chat.UserID(NewID(16)), Name: n.Name.Display, Role: chat.RoleGuest}
	err = s.change(ctx, func(t *Tx) error {
		key, err := t.addPerson(l.Person, n.Name, false)
		if err != nil {
			return err
		}
		if n.Invite != nil {
			if _, err := t.useInvite(*n.Invite, key, true); err != nil {
				return err
			}
		}
		l.Session, err = t.addSession(key, n.Token, n.Device, n.Address)
		return err
	})
	return l, err
}

func noPerson() error { return chat.Errorf(chat.CodeNotFound, "there is no such person") }

const selectAccount = `SELECT p.id, p.name, p.role, p.bot, coalesce(p.password, ''), coalesce(i.name, ''), p.created,
	coalesce((SELECT max(used) FROM sessions WHERE person = p.key), 0)
	FROM people p LEFT JOIN pictures i ON i.person = p.key WHERE p.removed IS NULL AND `

func scanAccount(row Scanner) (a chat.Account, err error) {
	var created, used int64
	err = row.Scan(&a.ID, &a.Name, &a.Role, &a.Bot, &a.Password, &a.Picture, &created, &used)
	if errors.Is(err, sql.ErrNoRows) {
		err = noPerson()
	}
	a.Created, a.Used = time.UnixMilli(created), moment(used)
	return a, err
}

// moment is a time of which 0 means never.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Person implements chat.Accounts.
func (s *Store) Person(ctx context.Context, id chat.UserID) (chat.Account, error) {
	return scanAccount(s.row(ctx, selectAccount+"p.id = ?", id))
}

// PersonByName implements chat.Accounts.
func (s *Store) PersonByName(ctx context.Context, key string) (chat.Account, error) {
	return scanAccount(s.row(ctx, selectAccount+"p.name_key = ?", key))
}

// People implements chat.Accounts.
func (s *Store) People(ctx context.Context) ([]chat.Account, error) {
	return list(ctx, s, scanAccount, selectAccount+`p.visiting = 0 AND p.bot = 0
		AND (p.role > ? OR EXISTS (SELECT 1 FROM sessions WHERE person = p.key)) ORDER BY p.name_key`, chat.RoleGuest)
}

// Rename implements chat.Accounts.
func (s *Store) Rename(ctx context.Context, id chat.UserID, name chat.Name) (p chat.Person, err error) {
	err = s.change(ctx, func(t *Tx) error {
		known, err := t.person(id)
		if err != nil {
			return err
		}
		key := known.key
		var before string
		if err := t.row("SELECT coalesce(name_key, ''), role, bot FROM people WHERE key = ?", key).Scan(&before, &p.Role, &p.Bot); err != nil {
			return err
		}
		if before != name.Key {
			if err := errors.Join(t.awake(name.Key, key), t.rest(before, key)); err != nil {
				return err
			}
		}
		if err := t.try("UPDATE people SET name = ?, name_key = ? WHERE key = ?", name.Display, name.Key, key); err != nil {
			return t.taken(err)
		}
		if _, err := t.changed(id); err != nil || known.Name == name.Display {
			return err
		}
		return t.note(id, chat.Draft{Kind: chat.KindName, Body: known.Name + " → " + name.Display})
	})
	p.ID, p.Name = id, name.Display
	return p, err
}

// SetRole implements chat.Accounts.
func (s *Store) SetRole(ctx context.Context, by, id chat.UserID, role chat.Role) (p chat.Person, err error) {
	err = s.changeRights(ctx, func(t *Tx) error {
		key, before, err := t.account(id)
		if err != nil {
			return err
		}
		if before.Role == chat.RoleOwner && role != chat.RoleOwner {
			if err := t.anotherOwner(key); err != nil {
				return err
			}
		}
		err = t.exec("UPDATE people SET promised = max(?, ?), role = CASE role WHEN ? THEN role ELSE max(?, ?) END WHERE key = ?",
			role, chat.RoleMember, chat.RoleGuest, role, chat.RoleMember, key)
		if err == nil {
			p, err = t.again(id)
		}
		if err != nil || before.Role == role {
			return err
		}
		return t.note(by, chat.Draft{Kind: chat.KindRole, About: chat.Mention{ID: id}, Body: role.String()})
	})
	return p, err
}

// account finds a person that was not removed.
func (t *Tx) account(id chat.UserID) (key int64, p chat.Person, err error) {
	err = t.row("SELECT key, id, name, role, bot FROM people WHERE id = ? AND removed IS NULL AND visiting = 0", id).Scan(&key, &p.ID, &p.Name, &p.Role, &p.Bot)
	if errors.Is(err, sql.ErrNoRows) {
		err = noPerson()
	}
	return key, p, err
}

// again reads a person anew who was changed.
func (t *Tx) again(id chat.UserID) (chat.Person, error) {
	p, err := t.changed(id)
	return p.Person, err
}

func (t *Tx) anotherOwner(key int64) error {
	var others bool
	err := t.row("SELECT EXISTS (SELECT 1 FROM people WHERE role = ? AND key != ? AND removed IS NULL AND visiting = 0)", chat.RoleOwner, key).Scan(&others)
	if err == nil && !others {
		err = chat.Errorf(chat.CodeConflict, "that is the last owner; make somebody else an owner first")
	}
	return err
}

// Remove implements chat.Accounts.
func (s *Store) Remove(ctx context.Context, by, id chat.UserID) (ended []chat.SessionID, err error) {
	err = s.changeRights(ctx, func(t *Tx) error {
		key, p, err := t.account(id)
		if err != nil {
			return err
		}
		if p.Role == chat.RoleOwner {
			if err := t.anotherOwner(key); err != nil {
				return err
			}
		}
		var name string
		if err := t.row("SELECT coalesce(name_key, '') FROM people WHERE key = ?", key).Scan(&name); err != nil {
			return err
		}
		if err := t.rest(name, key); err != nil {
			return err
		}
		if ended, err = t.endSessions(id, key, ""); err != nil {
			return err
		}
		for _, query := range []string{
			"DELETE FROM passkeys WHERE person = ?",
			"DELETE FROM identities WHERE person = ?", "DELETE FROM pictures WHERE person = ?",
			"DELETE FROM invites WHERE by = ?", "DELETE FROM unsent WHERE person = ?",
			"DELETE FROM hook_failures WHERE hook = (SELECT id FROM hooks WHERE bot = ?)", "DELETE FROM hooks WHERE bot = ?",
		} {
			if err := t.exec(query, key); err != nil {
				return err
			}
		}
		if err := t.leaveAll(key, id); err != nil {
			return err
		}
		if err := t.exec("UPDATE people SET name_key = NULL, password = NULL, role = ?, removed = ? WHERE key = ?", chat.RoleGuest, s.now(), key); err != nil {
			return err
		}
		if _, err := t.changed(id); err != nil {
			return err
		}
		d := chat.Draft{Kind: chat.KindPutOut, About: chat.Mention{ID: id}}
		if p.Bot {
			d.Kind = chat.KindBotGone
		}
		return t.note(by, d)
	})
	return ended, err
}

// leaveAll takes somebody who goes for good out of their rooms, so that no private one
// is left without a moderator.
func (t *Tx) leaveAll(key int64, id chat.UserID) error {
	rooms, err := column[chat.RoomID](t, "SELECT r.id FROM memberships m JOIN rooms r ON r.key = m.room WHERE m.person = ? AND m.state = 1 AND r.kind < 3 ORDER BY r.key", key)
	if err != nil {
		return err
	}
	p, err := t.person(id)
	if err != nil {
		return err
	}
	for _, id := range rooms {
		room, err := t.room(id)
		if err != nil {
			return err
		}
		if room.Kind == chat.RoomPrivate {
			err = t.changeBy(room, p.ID, chat.Draft{Kind: chat.KindLeave})
		} else if before, e := t.standing(room, p); e != nil {
			err = e
		} else {
			after := before
			after.State, after.Moderator = chat.StateLeft, false
			err = t.stand(room, p, before, after)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) addSession(person int64, token chat.TokenHash, device string, from netip.Addr) (chat.SessionID, error) {
	id := chat.SessionID(NewID(16))
	return id, t.exec("INSERT INTO sessions (token, person, created, id, device, used, address) VALUES (?, ?, ?, ?, ?, ?, ?)",
		token[:], person, t.now(), id, device, t.now(), written(from))
}

// written is an address as it is stored.
func written(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// AddSession implements chat.Accounts.
func (s *Store) AddSession(ctx context.Context, id chat.UserID, token chat.TokenHash, device string, from netip.Addr) (session chat.SessionID, err error) {
	err = s.change(ctx, func(t *Tx) error {
		key, _, err := t.account(id)
		if err == nil {
			session, err = t.addSession(key, token, device, from)
		}
		return err
	})
	return session, err
}

// Sessions implements chat.Accounts.
func (s *Store) Sessions(ctx context.Context, id chat.UserID) ([]chat.Session, error) {
	scan := func(row Scanner) (o chat.Session, err error) {
		var address string
		err = row.Scan(&o.ID, &o.Device, &address, at(&o.Created), at(&o.Used))
		o.Address, _ = netip.ParseAddr(address)
		return o, err
	}
	return list(ctx, s, scan, `SELECT s.id, s.device, s.address, s.created, s.used FROM sessions s JOIN people p ON p.key = s.person
		WHERE p.id = ? AND s.used > ? ORDER BY s.used DESC, s.created DESC`, id, s.now()-chat.SessionAge.Milliseconds())
}

// EndSession implements chat.Accounts.
func (s *Store) EndSession(ctx context.Context, id chat.UserID, session chat.SessionID) error {
	return s.change(ctx, func(t *Tx) error {
		t.tell(chat.Change{Kind: chat.ChangeSessions, Person: chat.Person{ID: id}, Sessions: []chat.SessionID{session}})
		return t.one("there is no such session", "DELETE FROM sessions WHERE id = ? AND person = (SELECT key FROM people WHERE id = ?)", session, id)
	})
}

// one runs a statement that must change a row.
func (t *Tx) one(otherwise, query string, args ...any) error {
	done, err := t.session.Exec(t.ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, chat.Errorf(chat.CodeNotFound, "%s", otherwise))
	}
	return nil
}

// EndSessions implements chat.Accounts.
func (s *Store) EndSessions(ctx context.Context, id chat.UserID, but chat.SessionID) (ended []chat.SessionID, err error) {
	err = s.change(ctx, func(t *Tx) error {
		key, _, err := t.account(id)
		if err == nil {
			ended, err = t.endSessions(id, key, but)
		}
		return err
	})
	return ended, err
}

func (t *Tx) endSessions(whose chat.UserID, person int64, but chat.SessionID) (ended []chat.SessionID, err error) {
	rows, err := t.session.Query(t.ctx, "DELETE FROM sessions WHERE person = ? AND id != ? RETURNING id", person, but)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id chat.SessionID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ended = append(ended, id)
	}
	if len(ended) > 0 {
		t.tell(chat.Change{Kind: chat.ChangeSessions, Person: chat.Person{ID: whose}, Sessions: ended})
	}
	return ended, rows.Err()
}

// Used implements chat.Accounts.
func (s *Store) Used(ctx context.Context, at time.Time, sessions map[chat.SessionID]netip.Addr) error {
	return s.change(ctx, func(t *Tx) error {
		for id, from := range sessions {
			if err := t.exec("UPDATE sessions SET used = max(used, ?), address = coalesce(nullif(?, ''), address) WHERE id = ?", at.UnixMilli(), written(from), id); err != nil {
				return err
			}
		}
		return nil
	})
}

// credential runs a change that gives somebody a way to sign in, and with it an
// account.
func (s *Store) credential(ctx context.Context, id chat.UserID, f func(t *Tx, key int64) error) error {
	return s.change(ctx, func(t *Tx) error {
		key, _, err := t.account(id)
		if err != nil {
			return err
		}
		if err := f(t, key); err != nil {
			return err
		}
		if err := t.exec("UPDATE people SET role = max(role, promised) WHERE key = ?", key); err != nil {
			return err
		}
		_, err = t.changed(id)
		return err
	})
}

// SetPassword implements chat.Accounts.
func (s *Store) SetPassword(ctx context.Context, id chat.UserID, password string) error {
	return s.credential(ctx, id, func(t *Tx, key int64) error {
		return t.exec("UPDATE people SET password = nullif(?, '') WHERE key = ?", password, key)
	})
}

// AddPasskey implements chat.Accounts.
func (s *Store) AddPasskey(ctx context.Context, id chat.UserID, k chat.Passkey) error {
	return s.credential(ctx, id, func(t *Tx, key int64) error {
		err := t.try("INSERT INTO passkeys (id, person, data, label, created, used) VALUES (?, ?, ?, ?, ?, 0)", k.ID, key, k.Data, k.Label, s.now())
		return t.conflict(err, "that passkey is there already")
	})
}

// conflict turns the violation of a key into what it means.
func (t *Tx) conflict(err error, meaning string) error {
	if t.isConstraint(err) {
		return chat.Errorf(chat.CodeConflict, "%s", meaning)
	}
	return err
}

// Passkeys implements chat.Accounts.
func (s *Store) Passkeys(ctx context.Context, id chat.UserID) ([]chat.Passkey, error) {
	scan := func(row Scanner) (k chat.Passkey, err error) {
		var created, used int64
		err = row.Scan(&k.ID, &k.Data, &k.Label, &created, &used)
		k.Created, k.Used = time.UnixMilli(created), moment(used)
		return k, err
	}
	return list(ctx, s, scan, `SELECT k.id, k.data, k.label, k.created, k.used FROM passkeys k JOIN people p ON p.key = k.person
		WHERE p.id = ? ORDER BY k.created, k.id`, id)
}

// UsePasskey implements chat.Accounts.
func (s *Store) UsePasskey(ctx context.Context, id chat.UserID, k chat.Passkey) error {
	return s.change(ctx, func(t *Tx) error {
		return t.one("there is no such passkey", "UPDATE passkeys SET data = ?, used = ? WHERE id = ? AND person = (SELECT key FROM people WHERE id = ?)",
			k.Data, s.now(), k.ID, id)
	})
}

// RemovePasskey implements chat.Accounts.
func (s *Store) RemovePasskey(ctx context.Context, id chat.UserID, key []byte) error {
	return s.change(ctx, func(t *Tx) error {
		return t.one("there is no such passkey", "DELETE FROM passkeys WHERE id = ? AND person = (SELECT key FROM people WHERE id = ?)", key, id)
	})
}

// PersonByIdentity implements chat.Accounts.
func (s *Store) PersonByIdentity(ctx context.Context, issuer, subject string) (p chat.Person, err error) {
	err = s.row(ctx, `SELECT p.id, p.name, p.role, p.bot FROM identities i JOIN people p ON p.key = i.person
		WHERE i.issuer = ? AND i.subject = ?`, issuer, subject).Scan(&p.ID, &p.Name, &p.Role, &p.Bot)
	if errors.Is(err, sql.ErrNoRows) {
		err = noPerson()
	}
	return p, err
}

// AddIdentity implements chat.Accounts.
func (s *Store) AddIdentity(ctx context.Context, id chat.UserID, issuer, subject string) error {
	return s.credential(ctx, id, func(t *Tx, key int64) error {
		err := t.try("INSERT INTO identities (issuer, subject, person) VALUES (?, ?, ?)", issuer, subject, key)
		return t.conflict(err, "that account belongs to somebody here already")
	})
}

// SetPicture implements chat.Accounts.
func (s *Store) SetPicture(ctx context.Context, id chat.UserID, kind string, data []byte) (name string, err error) {
	if len(data) > 0 {
		name = NewID(12)
	}
	err = s.change(ctx, func(t *Tx) error {
		key, _, err := t.account(id)
		if err == nil {
			err = t.exec("DELETE FROM pictures WHERE person = ?", key)
		}
		if err == nil && name != "" {
			err = t.exec("INSERT INTO pictures (person, name, kind, data) VALUES (?, ?, ?, ?)", key, name, kind, data)
		}
		return err
	})
	return name, err
}

// Picture implements chat.Accounts.
func (s *Store) Picture(ctx context.Context, id chat.UserID) (kind string, data []byte, err error) {
	err = s.row(ctx, "SELECT i.kind, i.data FROM pictures i JOIN people p ON p.key = i.person WHERE p.id = ?", id).Scan(&kind, &data)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.Errorf(chat.CodeNotFound, "there is no such picture")
	}
	return kind, data, err
}

// Setting implements chat.Accounts.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.row(ctx, "SELECT value FROM settings WHERE name = ?", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return value, err
}

// SetSetting implements chat.Accounts.
func (s *Store) SetSetting(ctx context.Context, by chat.UserID, kind chat.Kind, name, value string) error {
	return s.change(ctx, func(t *Tx) error {
		err := t.exec("INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
		if err != nil || kind == 0 {
			return err
		}
		t.tell(chat.Change{Kind: chat.ChangeSetting, Name: name})
		return t.note(by, chat.Draft{Kind: kind, Body: value})
	})
}
