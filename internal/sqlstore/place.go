package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"hubbub/internal/chat"
)

// This file knows the log of the place, and what belongs to no room: blocks, bots, and
// how long messages are kept.

// openPlace finds the log of the place, or makes it.
func (s *Store) openPlace(ctx context.Context) error {
	return s.change(ctx, func(t *Tx) error {
		const find = "SELECT id FROM rooms WHERE kind = 4"
		err := t.row(find).Scan(&s.place)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := t.exec("INSERT INTO rooms (id, kind, name, created) VALUES (?, 4, '', ?) ON CONFLICT DO NOTHING", NewID(12), t.now()); err != nil {
			return err
		}
		return t.row(find).Scan(&s.place)
	})
}

// Place implements chat.Directory.
func (s *Store) Place(context.Context) (chat.RoomID, error) { return s.place, nil }

// note puts a change of the place into its log.
func (t *Tx) note(by chat.UserID, d chat.Draft) error {
	room, err := t.room(t.store.place)
	if err != nil {
		return err
	}
	if by == "" {
		by = chat.OperatorID
	}
	author, err := t.person(by)
	if err != nil {
		return err
	}
	return t.record(room, author, d)
}

// AddBlock implements chat.Accounts.
func (s *Store) AddBlock(ctx context.Context, b chat.Block) (chat.Block, error) {
	b.ID, b.Created = NewID(12), time.UnixMilli(s.now())
	err := s.change(ctx, func(t *Tx) error {
		if b.By.ID == "" {
			b.By.ID = chat.OperatorID
		}
		by, err := t.person(b.By.ID)
		if err != nil {
			return err
		}
		b.By.Name = by.Name
		if err := t.exec("INSERT INTO blocks (id, range, reason, by, created, until) VALUES (?, ?, ?, ?, ?, ?)",
			b.ID, b.Range.String(), b.Reason, by.key, millis(b.Created), millis(b.Until)); err != nil {
			return err
		}
		t.tell(chat.Change{Kind: chat.ChangeBlocks, Range: b.Range})
		text := b.Range.String()
		if b.Reason != "" {
			text += " " + b.Reason
		}
		return t.note(b.By.ID, chat.Draft{Kind: chat.KindBlock, Body: text, Until: b.Until})
	})
	return b, err
}

// Blocks implements chat.Accounts.
func (s *Store) Blocks(ctx context.Context) ([]chat.Block, error) {
	scan := func(row Scanner) (b chat.Block, err error) {
		var text string
		if err := row.Scan(&b.ID, &text, &b.Reason, &b.By.ID, &b.By.Name, at(&b.Created), at(&b.Until)); err != nil {
			return b, err
		}
		b.Range, err = netip.ParsePrefix(text)
		return b, err
	}
	return list(ctx, s, scan, `SELECT b.id, b.range, b.reason, p.id, p.name, b.created, b.until FROM blocks b JOIN people p ON p.key = b.by
		WHERE b.until = 0 OR b.until > ? ORDER BY b.created DESC, b.id`, s.now())
}

// RemoveBlock implements chat.Accounts.
func (s *Store) RemoveBlock(ctx context.Context, by chat.UserID, id string) error {
	return s.change(ctx, func(t *Tx) error {
		var text string
		err := t.row("DELETE FROM blocks WHERE id = ? RETURNING range", id).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return chat.Errorf(chat.CodeNotFound, "there is no such ban")
		}
		if err != nil {
			return err
		}
		t.tell(chat.Change{Kind: chat.ChangeBlocks})
		return t.note(by, chat.Draft{Kind: chat.KindUnblock, Body: text})
	})
}

// AddBot implements chat.Accounts.
func (s *Store) AddBot(ctx context.Context, by chat.UserID, name chat.Name) (p chat.Person, err error) {
	p = chat.Person{ID: chat.UserID(NewID(16)), Name: name.Display, Role: chat.RoleMember, Bot: true}
	return p, s.change(ctx, func(t *Tx) error {
		key, err := t.addPerson(p, name, false)
		if err != nil {
			return err
		}
		if by == "" {
			by = chat.OperatorID
		}
		if err := t.exec("UPDATE people SET bot = 1, role = ?, made_by = (SELECT key FROM people WHERE id = ?) WHERE key = ?", p.Role, by, key); err != nil {
			return err
		}
		return t.note(by, chat.Draft{Kind: chat.KindBot, About: chat.Mention{ID: p.ID}})
	})
}

// AddBotToken implements chat.Accounts.
func (s *Store) AddBotToken(ctx context.Context, bot chat.UserID, hash chat.TokenHash, k chat.BotToken) (chat.BotToken, error) {
	scope, err := json.Marshal(k.Scope)
	if err != nil {
		return k, err
	}
	k.Created = time.UnixMilli(s.now())
	return k, s.change(ctx, func(t *Tx) error {
		key, _, err := t.account(bot)
		if err != nil {
			return err
		}
		if p, err := t.person(bot); err != nil || !p.Bot {
			return errors.Join(err, noPerson())
		}
		var hook bool // whose bot may be where the admin may not look
		if err := t.row("SELECT EXISTS (SELECT 1 FROM hooks WHERE bot = ?)", key).Scan(&hook); err != nil || hook {
			return errors.Join(err, noPerson())
		}
		if k.ID, err = t.addSession(key, hash, k.Label, netip.Addr{}); err != nil {
			return err
		}
		return t.exec("UPDATE sessions SET scope = ?, used = 0 WHERE id = ?", string(scope), k.ID)
	})
}

// Bots implements chat.Accounts.
func (s *Store) Bots(ctx context.Context) ([]chat.Bot, error) {
	scan := func(row Scanner) (b chat.Bot, err error) {
		return b, row.Scan(&b.ID, &b.Name, &b.Role, &b.Bot, whom(&b.By), at(&b.Created))
	}
	bots, err := list(ctx, s, scan, `SELECT p.id, p.name, p.role, p.bot, coalesce((SELECT id || ' ' || name FROM people WHERE key = p.made_by), ''), p.created
		FROM people p WHERE p.bot = 1 AND p.removed IS NULL AND NOT EXISTS (SELECT 1 FROM hooks WHERE bot = p.key) ORDER BY p.name_key`)
	for i := range bots {
		if err != nil {
			break
		}
		bots[i].Tokens, err = list(ctx, s, scanToken, `SELECT s.id, s.device, s.scope, s.created, s.used FROM sessions s
			JOIN people p ON p.key = s.person WHERE p.id = ? AND s.scope IS NOT NULL ORDER BY s.created, s.id`, bots[i].ID)
	}
	return bots, err
}

func scanToken(row Scanner) (k chat.BotToken, err error) {
	var scope string
	if err := row.Scan(&k.ID, &k.Label, &scope, at(&k.Created), at(&k.Used)); err != nil {
		return k, err
	}
	return k, json.Unmarshal([]byte(scope), &k.Scope)
}

// eraseStep is how many events a change erases at most, so that no commit is long.
const eraseStep = 2000

// Sweep erases the messages that are older than their room keeps them, or than the
// place does where the room says nothing, and says how many rooms had any. What was
// erased is gone from the file when it returns.
func (s *Store) Sweep(ctx context.Context, place chat.Keep) (rooms int, err error) {
	due, err := list(ctx, s, scanRoom, selectRoom+"WHERE r.kind < 4 AND r.head > r.floor AND (r.keep_days > 0 OR r.keep_messages > 0 OR ? = 1)", place != chat.Keep{})
	for _, r := range due {
		keep := r.Keep
		if keep == (chat.Keep{}) {
			keep = place
		}
		to, e := s.outlived(ctx, r, keep)
		if err = errors.Join(err, e); err != nil || to <= r.Floor {
			continue
		}
		rooms++
		for floor := r.Floor; floor < to && err == nil; {
			floor = min(to, floor+eraseStep)
			err = s.erase(ctx, r.ID, floor, floor == to)
		}
	}
	return rooms, err
}

// outlived returns the last message of a room that is to be erased.
func (s *Store) outlived(ctx context.Context, r chat.Room, keep chat.Keep) (to chat.Seq, err error) {
	of := "WHERE e.room = (SELECT key FROM rooms WHERE id = ?) "
	if keep.Messages > 0 {
		err = s.row(ctx, "SELECT coalesce((SELECT e.seq FROM events e "+of+"AND e.kind = 1 ORDER BY e.seq DESC LIMIT 1 OFFSET ?), 0)", r.ID, keep.Messages).Scan(&to)
	}
	if err != nil || keep.Days == 0 {
		return to, err
	}
	// Time never goes back within a room, so the place can be found by halving.
	before := s.now() - int64(keep.Days)*24*int64(time.Hour/time.Millisecond)
	low, high := max(to, r.Floor), r.Head // low is old, as far as is known; what is behind high is not
	for low < high && err == nil {
		middle := (low + high + 1) / 2
		var when int64
		if err = s.row(ctx, "SELECT e.time FROM events e "+of+"AND e.seq = ?", r.ID, middle).Scan(&when); when < before {
			low = middle
		} else {
			high = middle - 1
		}
	}
	if err != nil {
		return 0, err
	}
	// What was no message needs no erasing.
	err = s.row(ctx, "SELECT coalesce((SELECT e.seq FROM events e "+of+"AND e.kind = 1 AND e.seq <= ? ORDER BY e.seq DESC LIMIT 1), 0)", r.ID, low).Scan(&to)
	return to, err
}

// erase erases the messages of a room up to a place. The event comes with the last step.
func (s *Store) erase(ctx context.Context, id chat.RoomID, to chat.Seq, last bool) error {
	return s.change(ctx, func(t *Tx) error {
		room, err := t.room(id)
		if err != nil {
			return err
		}
		if to <= room.Floor {
			return nil // another process has done it
		}
		if err := t.wipe(room, room.Floor, to); err != nil {
			return err
		}
		for _, query := range []string{
			"UPDATE revisions SET body = NULL WHERE room = ?1 AND seq > ?2 AND seq <= ?3",
			"DELETE FROM reports WHERE room = ?1 AND seq > ?2 AND seq <= ?3",
		} {
			if err := t.exec(query, room.key, room.Floor, to); err != nil {
				return err
			}
		}
		t.Rewrite = last
		if last {
			return t.changeBy(room, chat.OperatorID, chat.Draft{Kind: chat.KindErase, Target: to})
		}
		room.Floor = to
		t.moved[id] = room
		return t.exec("UPDATE rooms SET floor = ? WHERE key = ?", to, room.key)
	})
}
