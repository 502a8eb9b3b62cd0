package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hubbub/internal/chat"
)

// This file implements chat.Hooks.

// alias notes what a hook's bot called itself in a message.
func (t *Tx) alias(room *room, e chat.Event) error {
	return errors.Join(
		t.exec("INSERT INTO aliases (room, seq, name) VALUES (?, ?, ?)", room.key, e.Seq, e.As),
		t.exec("UPDATE events SET marks = marks | ? WHERE room = ? AND seq = ?", markAlias, room.key, e.Seq))
}

const selectHooks = `SELECT h.id, r.id, h.secret IS NOT NULL, p.id, p.name, p.role, p.bot, coalesce((SELECT id || ' ' || name FROM people WHERE key = h.by), ''),
	h.created, h.used, h.url, h.events, h.signing, h.seq, h.paused, h.tries, h.since, h.next
	FROM hooks h JOIN rooms r ON r.key = h.room JOIN people p ON p.key = h.bot WHERE p.removed IS NULL AND `

func scanHook(row Scanner) (h chat.Hook, err error) {
	err = row.Scan(&h.ID, &h.Room, &h.Incoming, &h.Bot.ID, &h.Bot.Name, &h.Bot.Role, &h.Bot.Bot, whom(&h.By),
		at(&h.Created), at(&h.Used), &h.URL, &h.Events, &h.Key, &h.Seq, &h.Paused, &h.Tries, at(&h.Since), at(&h.Next))
	if errors.Is(err, sql.ErrNoRows) {
		err = noHook()
	}
	return h, err
}

func noHook() error { return chat.Errorf(chat.CodeNotFound, "there is no such hook") }

// AddHook implements chat.Hooks.
func (s *Store) AddHook(ctx context.Context, n chat.NewHook) (chat.Hook, error) {
	n.ID, n.Bot = NewID(12), chat.Person{ID: chat.UserID(NewID(16)), Name: n.Name.Display, Role: chat.RoleMember, Bot: true}
	err := s.change(ctx, func(t *Tx) error {
		room, err := t.room(n.Room)
		if err != nil {
			return err
		}
		by, err := t.person(n.By.ID)
		if err != nil {
			return err
		}
		var count int
		if err := t.row("SELECT count(*) FROM hooks WHERE room = ?", room.key).Scan(&count); err != nil {
			return err
		}
		if count >= chat.MaxHooks {
			return chat.Errorf(chat.CodeTooMany, "a room has at most %d hooks", chat.MaxHooks)
		}
		bot, err := t.hookBot(n, by)
		if err != nil {
			return err
		}
		if err := t.stand(room, bot, chat.Standing{}, chat.Standing{State: chat.StateMember}); err != nil {
			return err
		}
		if err := t.changeBy(room, by.ID, chat.Draft{Kind: chat.KindHook, About: chat.Mention{ID: n.Bot.ID}, Body: n.Host()}); err != nil {
			return err
		}
		var secret any
		if n.Incoming {
			secret = n.Secret[:]
		}
		return t.exec("INSERT INTO hooks (id, room, bot, by, created, secret, url, events, signing, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			n.ID, room.key, bot.key, by.key, s.now(), secret, n.URL, n.Events, n.Key, room.Head)
	})
	if err != nil {
		return chat.Hook{}, err
	}
	return s.Hook(ctx, n.ID)
}

// hookBot makes the bot of a hook.
func (t *Tx) hookBot(n chat.NewHook, by *person) (*person, error) {
	key, err := t.addPerson(n.Bot, n.Name, false)
	if err != nil {
		return nil, err
	}
	if err := t.exec("UPDATE people SET bot = 1, role = ?, made_by = ? WHERE key = ?", n.Bot.Role, by.key, key); err != nil {
		return nil, err
	}
	return t.person(n.Bot.ID)
}

// Hooks implements chat.Hooks.
func (s *Store) Hooks(ctx context.Context, room chat.RoomID) ([]chat.Hook, error) {
	return list(ctx, s, scanHook, selectHooks+"r.id = ? ORDER BY h.created, h.id", room)
}

// Hook implements chat.Hooks.
func (s *Store) Hook(ctx context.Context, id string) (chat.Hook, error) {
	return scanHook(s.row(ctx, selectHooks+"h.id = ?", id))
}

// HookOf implements chat.Hooks.
func (s *Store) HookOf(ctx context.Context, secret chat.TokenHash) (chat.Hook, error) {
	return scanHook(s.row(ctx, selectHooks+"h.secret = ?", secret[:]))
}

// OutgoingHooks implements chat.Hooks.
func (s *Store) OutgoingHooks(ctx context.Context) ([]chat.Hook, error) {
	return list(ctx, s, scanHook, selectHooks+"h.secret IS NULL ORDER BY h.created, h.id")
}

// ChangeHook implements chat.Hooks.
func (s *Store) ChangeHook(ctx context.Context, id string, c chat.HookChange) (chat.Hook, error) {
	err := s.change(ctx, func(t *Tx) error {
		var bot chat.UserID
		err := t.row("SELECT p.id FROM hooks h JOIN people p ON p.key = h.bot WHERE h.id = ?", id).Scan(&bot)
		if errors.Is(err, sql.ErrNoRows) {
			return noHook()
		}
		if err != nil {
			return err
		}
		if c.Name != nil {
			if err := t.renameBot(bot, *c.Name); err != nil {
				return err
			}
		}
		if c.URL != nil {
			err = t.exec("UPDATE hooks SET url = ?, tries = 0, since = 0, next = 0 WHERE id = ?", *c.URL, id)
		}
		if c.Events != nil {
			err = errors.Join(err, t.exec("UPDATE hooks SET events = ? WHERE id = ?", *c.Events, id))
		}
		if c.Paused != nil {
			err = errors.Join(err, t.exec("UPDATE hooks SET paused = ?, tries = 0, since = 0, next = 0 WHERE id = ?", *c.Paused, id))
		}
		return err
	})
	if err != nil {
		return chat.Hook{}, err
	}
	return s.Hook(ctx, id)
}

func (t *Tx) renameBot(id chat.UserID, name chat.Name) error {
	p, err := t.person(id)
	if err != nil {
		return err
	}
	if err := t.awake(name.Key, p.key); err != nil {
		return err
	}
	if err := t.try("UPDATE people SET name = ?, name_key = ? WHERE key = ?", name.Display, name.Key, p.key); err != nil {
		return t.taken(err)
	}
	_, err = t.changed(id)
	return err
}

// RemoveHook implements chat.Hooks.
func (s *Store) RemoveHook(ctx context.Context, id string, by chat.UserID) error {
	return s.changeRights(ctx, func(t *Tx) error {
		var bot chat.UserID
		var in chat.RoomID
		var h chat.Hook
		err := t.row("SELECT p.id, r.id, h.url FROM hooks h JOIN people p ON p.key = h.bot JOIN rooms r ON r.key = h.room WHERE h.id = ?", id).Scan(&bot, &in, &h.URL)
		if errors.Is(err, sql.ErrNoRows) {
			return noHook()
		}
		if err != nil {
			return err
		}
		room, err := t.room(in)
		if err != nil {
			return err
		}
		p, err := t.person(bot)
		if err != nil {
			return err
		}
		if err := t.changeBy(room, by, chat.Draft{Kind: chat.KindHookGone, About: chat.Mention{ID: bot}, Body: h.Host()}); err != nil {
			return err
		}
		for _, query := range []string{"DELETE FROM hook_failures WHERE hook = ?", "DELETE FROM hooks WHERE id = ?"} {
			if err := t.exec(query, id); err != nil {
				return err
			}
		}
		before, err := t.standing(room, p)
		if err != nil {
			return err
		}
		after := before
		after.State, after.Moderator = chat.StateNone, false
		if err := t.stand(room, p, before, after); err != nil {
			return err
		}
		if err := t.leaveAll(p.key, bot); err != nil { // somebody may have put it into other rooms
			return err
		}
		if err := t.exec("UPDATE people SET name_key = NULL, role = ?, removed = ? WHERE key = ?", chat.RoleGuest, s.now(), p.key); err != nil {
			return err
		}
		_, err = t.changed(bot)
		return err
	})
}

// Delivered implements chat.Hooks.
func (s *Store) Delivered(ctx context.Context, id string, seq chat.Seq, used bool) error {
	return s.change(ctx, func(t *Tx) error {
		if !used {
			return t.exec("UPDATE hooks SET seq = max(seq, ?) WHERE id = ?", seq, id)
		}
		return t.exec("UPDATE hooks SET seq = max(seq, ?), tries = 0, since = 0, next = 0, used = ? WHERE id = ?", seq, s.now(), id)
	})
}

// HookFailed implements chat.Hooks.
func (s *Store) HookFailed(ctx context.Context, h chat.Hook, f chat.HookFailure) error {
	return s.change(ctx, func(t *Tx) error {
		if err := t.one("there is no such hook", "UPDATE hooks SET tries = ?, since = ?, next = ?, paused = ? WHERE id = ?",
			h.Tries, millis(h.Since), millis(h.Next), h.Paused, h.ID); err != nil {
			return err
		}
		return errors.Join(
			t.exec("INSERT INTO hook_failures (hook, seq, time, status, reason) VALUES (?, ?, ?, ?, ?)", h.ID, f.Seq, millis(f.Time), f.Status, f.Reason),
			t.exec(`DELETE FROM hook_failures WHERE hook = ?1 AND key NOT IN (SELECT key FROM hook_failures WHERE hook = ?1 ORDER BY key DESC LIMIT ?2)`, h.ID, chat.MaxFailures))
	})
}

// HookFailures implements chat.Hooks.
func (s *Store) HookFailures(ctx context.Context, id string) ([]chat.HookFailure, error) {
	scan := func(row Scanner) (f chat.HookFailure, err error) {
		return f, row.Scan(&f.Seq, at(&f.Time), &f.Status, &f.Reason)
	}
	return list(ctx, s, scan, "SELECT seq, time, status, reason FROM hook_failures WHERE hook = ? ORDER BY key DESC", id)
}

// HookUsed implements chat.Hooks.
func (s *Store) HookUsed(ctx context.Context, id string, at time.Time) error {
	return s.change(ctx, func(t *Tx) error { return t.exec("UPDATE hooks SET used = max(used, ?) WHERE id = ?", millis(at), id) })
}
