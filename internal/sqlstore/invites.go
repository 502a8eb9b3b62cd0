package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hubbub/internal/chat"
)

func badInvite() error {
	return chat.Errorf(chat.CodeBadInvite, "that invitation lets nobody in; ask for another one")
}

// An invitation that still lets somebody in; the argument is the time.
const liveInvite = "(i.uses = 0 OR i.used < i.uses) AND (i.expires = 0 OR i.expires > ?) "

const selectInvites = `SELECT i.id, i.role, coalesce(r.id, ''), coalesce(p.id, ''), i.uses, i.used, i.expires, i.created, i.note
	FROM invites i LEFT JOIN rooms r ON r.key = i.room LEFT JOIN people p ON p.key = i.by WHERE ` + liveInvite

func scanInvite(row Scanner) (i chat.Invite, err error) {
	var expires, created int64
	err = row.Scan(&i.ID, &i.Role, &i.Room, &i.By, &i.Uses, &i.Used, &expires, &created, &i.Note)
	if errors.Is(err, sql.ErrNoRows) {
		err = badInvite()
	}
	i.Expires, i.Created = moment(expires), time.UnixMilli(created)
	return i, err
}

// AddInvite implements chat.Accounts.
func (s *Store) AddInvite(ctx context.Context, token chat.TokenHash, i chat.Invite) (chat.Invite, error) {
	i.ID, i.Created = chat.InviteID(NewID(12)), time.UnixMilli(s.now())
	err := s.change(ctx, func(t *Tx) error {
		var room, by sql.NullInt64
		if i.Room != "" {
			r, err := t.look(i.Room)
			if err != nil {
				return err
			}
			room = sql.NullInt64{Int64: r.key, Valid: true}
		}
		if i.By != "" {
			key, p, err := t.account(i.By)
			if err != nil {
				return err
			}
			if err := t.mayInvite(p, i.Room); err != nil {
				return err
			}
			by = sql.NullInt64{Int64: key, Valid: true}
		}
		return t.exec("INSERT INTO invites (token, id, role, room, by, uses, used, expires, created, note) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
			token[:], i.ID, i.Role, room, by, i.Uses, millis(i.Expires), millis(i.Created), i.Note)
	})
	return i, err
}

// mayInvite asks again, where who makes an invitation may have been removed from the
// room a moment ago: a private one, for which those of who is not in it end.
func (t *Tx) mayInvite(p chat.Person, id chat.RoomID) error {
	if id == "" {
		return nil
	}
	room, err := t.look(id)
	if err != nil || room.Kind == chat.RoomPublic {
		return err
	}
	_, _, _, err = t.ask(p.Actor(), id, chat.ActInvite)
	return err
}

// Invites implements chat.Accounts.
func (s *Store) Invites(ctx context.Context) ([]chat.Invite, error) {
	return list(ctx, s, scanInvite, selectInvites+"ORDER BY i.created DESC, i.id", s.now())
}

// Invite implements chat.Accounts.
func (s *Store) Invite(ctx context.Context, token chat.TokenHash) (chat.Invite, error) {
	return scanInvite(s.row(ctx, selectInvites+"AND i.token = ?", s.now(), token[:]))
}

// UseInvite implements chat.Accounts.
func (s *Store) UseInvite(ctx context.Context, token chat.TokenHash, id chat.UserID) (p chat.Person, i chat.Invite, err error) {
	err = s.change(ctx, func(t *Tx) error {
		key, _, err := t.account(id)
		if err != nil {
			return err
		}
		if i, err = t.useInvite(token, key, false); err != nil {
			return err
		}
		p, err = t.again(id)
		return err
	})
	return p, i, err
}

// useInvite lets a person in. Who is known already and does not rise by it uses
// nothing up, such as somebody who opens the link that they made.
func (t *Tx) useInvite(token chat.TokenHash, person int64, fresh bool) (chat.Invite, error) {
	if err := t.exec("DELETE FROM invites WHERE (uses > 0 AND used >= uses) OR (expires > 0 AND expires <= ?)", t.now()); err != nil {
		return chat.Invite{}, err
	}
	i, err := scanInvite(t.row(selectInvites+"AND i.token = ?", t.now(), token[:]))
	if err != nil {
		return i, err
	}
	var has chat.Role
	if err := t.row("SELECT promised FROM people WHERE key = ?", person).Scan(&has); err != nil {
		return i, err
	}
	if fresh || has < i.Role {
		done, err := t.session.Exec(t.ctx, "UPDATE invites SET used = used + 1 WHERE token = ? AND (uses = 0 OR used < uses)", token[:])
		if err != nil {
			return i, err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return i, errors.Join(err, badInvite()) // somebody else has used it up meanwhile
		}
	}
	err = t.exec("UPDATE people SET promised = max(promised, ?), role = CASE role WHEN ? THEN role ELSE max(role, ?) END WHERE key = ?",
		i.Role, chat.RoleGuest, i.Role, person)
	if err == nil && i.Room != "" {
		err = t.enterBy(i, person)
	}
	return i, err
}

// enterBy takes somebody into the room of an invitation. A ban is stronger.
func (t *Tx) enterBy(i chat.Invite, key int64) error {
	room, err := t.room(i.Room)
	if err != nil {
		return err
	}
	var id chat.UserID
	if err := t.row("SELECT id FROM people WHERE key = ?", key).Scan(&id); err != nil {
		return err
	}
	p, err := t.person(id)
	if err != nil {
		return err
	}
	before, err := t.standing(room, p)
	if err != nil || before.State == chat.StateMember || (before.State == chat.StateBanned && time.UnixMilli(t.now()).Before(before.Banned)) {
		return err
	}
	if room.Kind == chat.RoomPrivate {
		return t.changeBy(room, id, chat.Draft{Kind: chat.KindJoin})
	}
	after := before
	after.State = chat.StateMember
	return t.stand(room, p, before, after)
}

// RevokeInvite implements chat.Accounts.
func (s *Store) RevokeInvite(ctx context.Context, id chat.InviteID) error {
	return s.change(ctx, func(t *Tx) error {
		return t.one("there is no such invitation", "DELETE FROM invites WHERE id = ?", id)
	})
}
