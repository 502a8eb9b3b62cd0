package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hubbub/internal/chat"
)

// This file asks chat.Question.Decide about each draft, with what the transaction
// knows, and applies what the draft changes.

// check finds out what a draft concerns, and whether its author may write it now.
func (t *Tx) check(room *room, author *person, d *chat.Draft) (c change, err error) {
	act, ok := d.Kind.Act()
	if !ok {
		return c, fmt.Errorf("kind %d can not be appended", d.Kind)
	}
	q := chat.Question{Who: author.Actor(), Act: act, Room: &room.Room, At: time.UnixMilli(max(t.now(), room.time))}
	q.Who.Scope = d.Scope
	if q.As, err = t.standing(room, author); err != nil {
		return c, err
	}
	if d.Kind == chat.KindMessage { // no need to look further
		if why := q.Decide(); why != chat.Allowed {
			return c, why.Err(&q)
		}
		if d.Target > 0 || d.Thread > 0 {
			if err := t.answers(room, d); err != nil {
				return c, err
			}
		}
		if d.Mentions, err = t.reached(room, d.Mentions); err == nil && len(d.Files) > 0 {
			c.files, err = t.bring(author, d)
		}
		return c, err
	}
	if d.Kind == chat.KindEdit || d.Kind == chat.KindDelete || d.Kind == chat.KindUnpreview {
		if c.about, err = t.writer(room, author, d); err != nil {
			if why := q.Decide(); why != chat.Allowed { // nobody learns what is in a hidden room
				err = why.Err(&q)
			}
			return c, err
		}
		if c.about != nil {
			q.Act = chat.ActErase
		}
	} else if d.About.ID != "" {
		if c.about, err = t.person(d.About.ID); err != nil {
			var e *chat.Error
			if !errors.As(err, &e) {
				return c, err
			}
			err = chat.Errorf(chat.CodeNotFound, "there is no such person")
		}
	}
	if c.about != nil {
		d.About = chat.Mention{ID: c.about.ID, Name: c.about.Name}
		q.Target = &chat.Target{ID: c.about.ID, Role: c.about.Role}
		var e error
		if q.Target.As, e = t.standing(room, c.about); e != nil {
			return c, e
		}
	}
	if why := q.Decide(); why != chat.Allowed {
		return c, why.Err(&q)
	}
	if err == nil && d.Kind == chat.KindEdit && d.Files != nil {
		c.files, err = t.stay(room, d)
	}
	if err == nil {
		err = t.sensible(room, author, d, q.Target)
	}
	return c, err
}

// answers wants the messages that a message answers, or stands under, in its room.
// There are no threads under threads.
func (t *Tx) answers(room *room, d *chat.Draft) error {
	if d.Thread > 0 {
		var ok bool
		err := t.row("SELECT kind = 1 AND thread = 0 FROM events WHERE room = ? AND seq = ?", room.key, d.Thread).Scan(&ok)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !ok {
			return chat.Errorf(chat.CodeNotFound, "there is no such thread")
		}
		if err != nil {
			return err
		}
	}
	if d.Target == 0 {
		return nil
	}
	var ok bool
	err := t.row("SELECT kind = 1 FROM events WHERE room = ? AND seq = ?", room.key, d.Target).Scan(&ok)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !ok {
		return chat.Errorf(chat.CodeNotFound, "the message that you answer is not there")
	}
	return err
}

// writer finds the message that an edit or a delete changes, and its author if that
// is somebody else.
func (t *Tx) writer(room *room, author *person, d *chat.Draft) (*person, error) {
	var kind chat.Kind
	var id chat.UserID
	var gone bool
	var revised chat.Seq
	err := t.row(`SELECT e.kind, p.id, r.body IS NULL AND r.seq IS NOT NULL, coalesce(r.by, 0) FROM events e JOIN people p ON p.key = e.author
		LEFT JOIN revisions r ON r.room = e.room AND r.seq = e.seq WHERE e.room = ? AND e.seq = ?`, room.key, d.Target).Scan(&kind, &id, &gone, &revised)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return nil, err
	case err != nil, kind != chat.KindMessage, gone, d.Target <= room.Floor:
		return nil, chat.Errorf(chat.CodeNotFound, "there is no such message")
	case d.Base != nil && *d.Base != revised && id == author.ID:
		return nil, chat.Errorf(chat.CodeConflict, "the message was changed meanwhile; look at it again")
	case id == author.ID:
		return nil, nil
	case d.Kind == chat.KindEdit, d.Kind == chat.KindUnpreview:
		return nil, chat.NotYours.Err(nil)
	}
	return t.person(id)
}

// sensible refuses changes that change nothing, or not for the better.
func (t *Tx) sensible(room *room, author *person, d *chat.Draft, target *chat.Target) error {
	conflict := func(format string, args ...any) error { return chat.Errorf(chat.CodeConflict, format, args...) }
	isLobby := room.Kind == chat.RoomPublic && room.Name == chat.Lobby
	switch d.Kind {
	case chat.KindName:
		if isLobby {
			return conflict("the lobby keeps its name")
		}
		return t.freeRoomName(room, d)
	case chat.KindArchive:
		if isLobby || room.Archived {
			return conflict("the lobby is always open, and an archived room is archived")
		}
	case chat.KindRestore:
		if !room.Archived {
			return conflict("the room is not archived")
		}
	case chat.KindAdd:
		if target == nil {
			return chat.Errorf(chat.CodeNotFound, "there is no such person")
		}
		if target.As.State == chat.StateMember {
			return conflict("%s is in the room already", d.About.Name)
		}
		return t.stays(target.ID)
	case chat.KindAdmit:
		if target == nil || target.As.State != chat.StateWaiting {
			return conflict("nobody of that name waits here")
		}
	case chat.KindRemove, chat.KindModerator:
		if target == nil || (target.As.State != chat.StateMember && !(d.Kind == chat.KindRemove && room.Kind == chat.RoomPublic)) {
			return chat.Errorf(chat.CodeNotFound, "they are not in this room")
		}
		if d.Kind == chat.KindModerator && target.Role < chat.RoleMember {
			return conflict("a guest can not be a moderator; that needs an account")
		}
	case chat.KindUnban:
		if target == nil || target.As.State != chat.StateBanned {
			return conflict("they are not banned")
		}
	case chat.KindReact, chat.KindUnreact, chat.KindPin, chat.KindUnpin:
		return t.sensibleMark(room, author, d)
	case chat.KindUnmute, chat.KindMute, chat.KindBan, chat.KindDismiss:
		if target == nil {
			return chat.Errorf(chat.CodeNotFound, "there is no such person")
		}
		if room.Kind == chat.RoomPrivate && target.As.State == chat.StateNone { // they would hear of it
			return chat.Errorf(chat.CodeNotFound, "they are not in this room")
		}
		if d.Kind == chat.KindDismiss && room.Kind == chat.RoomPrivate {
			return t.anotherModerator(room, target.ID)
		}
	}
	return nil
}

// anotherModerator refuses to leave a room without a moderator.
func (t *Tx) anotherModerator(room *room, but chat.UserID) error {
	var others bool
	err := t.row(`SELECT EXISTS (SELECT 1 FROM memberships m JOIN people p ON p.key = m.person
		WHERE m.room = ? AND +m.state = 1 AND m.moderator = 1 AND p.id != ?)`, room.key, but).Scan(&others)
	if err == nil && !others {
		err = chat.Errorf(chat.CodeConflict, "that is the last moderator; make somebody else one first")
	}
	return err
}

// stays wants somebody who can come back.
func (t *Tx) stays(id chat.UserID) error {
	_, _, err := t.account(id)
	return err
}

// freeRoomName refuses the name of another public room.
func (t *Tx) freeRoomName(room *room, d *chat.Draft) error {
	if room.Kind != chat.RoomPublic {
		return nil
	}
	var taken bool
	err := t.row("SELECT EXISTS (SELECT 1 FROM rooms WHERE kind = 1 AND (name = ? OR name_key = ?) AND key != ?)", d.Body, d.Key, room.key).Scan(&taken)
	if err == nil && taken {
		err = roomExists(d.Body)
	}
	return err
}

func roomExists(name string) error {
	return chat.Errorf(chat.CodeRoomExists, "there is a room whose name is or looks like %q", name)
}

// reached leaves those out whom a message can not reach.
func (t *Tx) reached(room *room, all []chat.Mention) (some []chat.Mention, err error) {
	for _, m := range all {
		p, err := t.person(m.ID)
		if err != nil {
			return nil, err
		}
		s, err := t.standing(room, p)
		if err != nil {
			return nil, err
		}
		if s.State == chat.StateMember || (room.Kind == chat.RoomPublic && s.State != chat.StateBanned) {
			some = append(some, m)
		}
	}
	return some, nil
}

// project applies what an event changes.
func (t *Tx) project(room *room, author *person, e chat.Event, c change) error {
	switch e.Kind {
	case chat.KindMessage:
		if err := t.hold(room, e.Seq, 0, c.files); err != nil {
			return err
		}
		return t.said(room, author, e)
	case chat.KindEdit, chat.KindDelete:
		if e.Kind == chat.KindEdit && e.Files != nil {
			if err := t.shrink(room, e.Target, c.files); err != nil {
				return err
			}
		}
		return t.revise(room, e)
	case chat.KindUnpreview:
		return t.unpreview(room, e.Target, true)
	case chat.KindReact, chat.KindUnreact, chat.KindPin, chat.KindUnpin:
		return t.mark(room, author, e)
	}
	if id, ok := e.Concerns(); ok {
		who := author
		if id != author.ID {
			who = c.about
		}
		before, err := t.standing(room, who)
		if err != nil {
			return err
		}
		return t.stand(room, who, before, before.Apply(e))
	}
	return t.apply(room, e)
}

// apply changes a room.
func (t *Tx) apply(room *room, e chat.Event) error {
	room.Apply(e)
	if e.Kind == chat.KindName && room.Kind == chat.RoomPublic {
		if err := t.exec("UPDATE rooms SET name_key = ? WHERE key = ?", e.Key, room.key); err != nil {
			return err
		}
	}
	return t.exec(`UPDATE rooms SET name = ?, topic = ?, archived = ?, read_only = ?, guests_wait = ?, slow = ?, keep_days = ?, keep_messages = ?, floor = ?
		WHERE key = ?`, room.Name, room.Topic, room.Archived, room.ReadOnly, room.GuestsWait, int(room.Slow/time.Second),
		room.Keep.Days, room.Keep.Messages, room.Floor, room.key)
}

// said notes whom a message addresses, and in slow mode when it came.
func (t *Tx) said(room *room, author *person, e chat.Event) error {
	const address = "INSERT INTO mentions (person, room, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
	if e.Everyone != chat.Nobody {
		if err := t.exec(address, 0, room.key, e.Seq); err != nil {
			return err
		}
	}
	for _, m := range e.Mentions {
		p, err := t.person(m.ID)
		if err != nil {
			return err
		}
		if s, err := t.standing(room, p); err != nil || s.State != chat.StateMember || p.ID == author.ID {
			if err != nil {
				return err
			}
			continue
		}
		if err := t.exec(address, p.key, room.key, e.Seq); err != nil {
			return err
		}
	}
	if e.As != "" {
		if err := t.alias(room, e); err != nil {
			return err
		}
	}
	if e.NoPreview {
		if err := t.unpreview(room, e.Seq, true); err != nil {
			return err
		}
	}
	if e.Thread > 0 {
		if err := t.threaded(room, author, e); err != nil {
			return err
		}
	}
	if room.Slow == 0 {
		return nil
	}
	before, err := t.standing(room, author)
	if err != nil {
		return err
	}
	after := before
	after.Spoke = e.Time
	return t.stand(room, author, before, after)
}

// revise applies an edit or a delete to the message it changes. What is
// deleted is really erased: from the event, and from the edits that led there.
func (t *Tx) revise(room *room, e chat.Event) error {
	var body any = e.Body
	if err := t.unpreview(room, e.Target, e.NoPreview); err != nil {
		return err
	}
	if e.Kind == chat.KindDelete {
		body = nil
		if err := t.wipe(room, e.Target-1, e.Target); err != nil {
			return err
		}
		if err := t.exec("UPDATE reports SET closed = ? WHERE room = ? AND seq = ?", t.now(), room.key, e.Target); err != nil {
			return err
		}
	}
	return t.exec(`INSERT INTO revisions (room, seq, by, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (room, seq) DO UPDATE SET by = excluded.by, body = excluded.body`, room.key, e.Target, e.Seq, body)
}

// wipe erases what the messages behind a place said, up to another, and what came to
// them, but for what was said under them.
func (t *Tx) wipe(room *room, after, to chat.Seq) error {
	for _, query := range []string{
		"UPDATE events SET body = '', mentions = NULL, files = NULL, everyone = 0, marks = marks & 2 WHERE room = ?1 AND seq > ?2 AND seq <= ?3 AND kind = 1",
		"UPDATE events SET body = '', files = NULL WHERE room = ?1 AND target > ?2 AND target <= ?3 AND target > 0 AND kind IN (2, 30)",
		"DELETE FROM mentions WHERE room = ?1 AND seq > ?2 AND seq <= ?3",
		"DELETE FROM reactions WHERE room = ?1 AND seq > ?2 AND seq <= ?3",
		"DELETE FROM pins WHERE room = ?1 AND seq > ?2 AND seq <= ?3",
		"DELETE FROM previews WHERE room = ?1 AND seq > ?2 AND seq <= ?3",
		"DELETE FROM aliases WHERE room = ?1 AND seq > ?2 AND seq <= ?3",
	} {
		if err := t.exec(query, room.key, after, to); err != nil {
			return err
		}
	}
	return t.release(room, after, to, "n >= 0")
}

// stand changes how somebody stands to a room, and what follows from that.
func (t *Tx) stand(room *room, p *person, before, after chat.Standing) error {
	t.stood[place{room.key, p.key}] = after
	was, is := before.State == chat.StateMember, after.State == chat.StateMember
	err := t.exec(`INSERT INTO memberships (person, room, read, state, moderator, muted, banned, spoke, since, counted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (person, room) DO UPDATE SET state = excluded.state, moderator = excluded.moderator, muted = excluded.muted,
			banned = excluded.banned, spoke = excluded.spoke,
			since = CASE WHEN memberships.state = excluded.state THEN memberships.since ELSE excluded.since END,
			read = CASE WHEN memberships.state != 1 AND excluded.state = 1 THEN excluded.read ELSE memberships.read END,
			counted = CASE WHEN memberships.state != 1 AND excluded.state = 1 THEN excluded.counted ELSE memberships.counted END`,
		p.key, room.key, room.Head, after.State, after.Moderator, millis(after.Muted), millis(after.Banned), millis(after.Spoke), t.now(), room.messages)
	switch {
	case err != nil:
		return err
	case was == is:
		return nil
	case is:
		room.Members++
	default:
		room.Members--
	}
	t.moved[room.ID] = room
	if err := t.exec("UPDATE rooms SET members = ? WHERE key = ?", room.Members, room.key); err != nil {
		return err
	}
	if is {
		if room.Kind == chat.RoomPrivate && room.Members == 1 { // the operator let them into an empty room
			return t.succeed(room)
		}
		return nil
	}
	for _, query := range []string{"DELETE FROM mentions WHERE person = ? AND room = ?", "DELETE FROM unsent WHERE person = ? AND room = ?"} {
		if err := t.exec(query, p.key, room.key); err != nil {
			return err
		}
	}
	if room.Kind != chat.RoomPrivate {
		return nil
	}
	if err := t.exec("DELETE FROM invites WHERE by = ? AND room = ?", p.key, room.key); err != nil {
		return err
	}
	return t.succeed(room)
}

// succeed sees to it that a private room in which somebody is left has a moderator:
// the one who has been there longest.
func (t *Tx) succeed(room *room) error {
	switch err := t.anotherModerator(room, ""); {
	case err == nil:
		return nil
	case chat.AsError(err).Code != chat.CodeConflict:
		return err
	}
	var id chat.UserID
	err := t.row(`SELECT p.id FROM memberships m JOIN people p ON p.key = m.person WHERE m.room = ? AND m.state = 1
		ORDER BY p.role < 2, p.bot, m.since, p.key LIMIT 1`, room.key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.changeBy(room, chat.OperatorID, chat.Draft{Kind: chat.KindModerator, About: chat.Mention{ID: id}})
}

// changeBy records an event that concerns somebody, and applies it, without asking
// whether it is allowed.
func (t *Tx) changeBy(room *room, by chat.UserID, d chat.Draft) error {
	author, err := t.person(by)
	if err != nil {
		return err
	}
	if err := t.record(room, author, d); err != nil {
		return err
	}
	var c change
	if d.About.ID != "" {
		if c.about, err = t.person(d.About.ID); err != nil {
			return err
		}
	}
	return t.project(room, author, t.events[len(t.events)-1], c)
}
