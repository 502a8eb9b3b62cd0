package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubbub/internal/chat"
)

// SelectEvents reads events as they stand today. scanEvent knows its columns. What is
// not a range of a room's log names the index by which to find it: SQLite, which has
// counted nothing, takes each room for ten events, and would walk through them all.
const SelectEvents = eventColumns + "FROM events e " + eventTables

const (
	selectThread  = eventColumns + "FROM events e INDEXED BY events_by_thread " + eventTables
	selectChanges = eventColumns + "FROM events e INDEXED BY events_of_change " + eventTables
)

const eventColumns = `SELECT m.id, e.seq, e.id, p.id, p.name, p.role = 1, p.bot, e.kind, e.target, e.time,
	CASE WHEN r.seq IS NULL THEN e.body ELSE coalesce(r.body, '') END, coalesce(r.by, 0),
	(r.seq IS NOT NULL AND r.body IS NULL) OR (e.kind = 1 AND e.seq <= m.floor),
	CASE e.about WHEN 0 THEN '' ELSE (SELECT id || ' ' || name FROM people WHERE key = e.about) END, e.until, coalesce(e.mentions, ''),
	e.thread, e.everyone, (e.marks & 4) > 0,
	CASE e.marks & 2 WHEN 0 THEN '' ELSE (SELECT replies || ' ' || last FROM threads WHERE room = e.room AND root = e.seq) END,
	CASE e.marks & 1 WHEN 0 THEN '' ELSE coalesce((SELECT CAST(json_group_array(json_array(x.emoji, q.id, q.name) ORDER BY x.by) AS TEXT)
		FROM reactions x JOIN people q ON q.key = x.person WHERE x.room = e.room AND x.seq = e.seq), '') END,
	CASE WHEN e.files IS NULL THEN '' ELSE coalesce((SELECT CAST(json_group_array(json_object('id', f.id, 'name', f.name, 'type', f.type, 'size', f.size,
		'width', f.width, 'height', f.height, 'thumb', f.thumb, 'duration', f.duration) ORDER BY h.n) AS TEXT)
		FROM held h JOIN files f ON f.key = h.file WHERE h.room = e.room AND h.seq = CASE e.kind WHEN 2 THEN e.target ELSE e.seq END
		AND f.id IN (SELECT value FROM json_each(e.files))), '[]') END,
	CASE e.marks & 16 WHEN 0 THEN '' ELSE coalesce((SELECT body FROM previews WHERE room = e.room AND seq = e.seq), '') END,
	CASE e.marks & 8 WHEN 0 THEN '' ELSE coalesce((SELECT name FROM aliases WHERE room = e.room AND seq = e.seq), '') END `

const eventTables = `JOIN rooms m ON m.key = e.room JOIN people p ON p.key = e.author
	LEFT JOIN revisions r ON r.room = e.room AND r.seq = e.seq `

func scanEvent(row Scanner) (e chat.Event, err error) {
	var id []byte
	var at, until int64
	var about, mentions, thread, reactions, files, previews string
	err = row.Scan(&e.Room, &e.Seq, &id, &e.Author, &e.Name, &e.Guest, &e.Bot, &e.Kind, &e.Target, &at, &e.Body, &e.Revised, &e.Deleted,
		&about, &until, &mentions, &e.Thread, &e.Everyone, &e.Pinned, &thread, &reactions, &files, &previews, &e.As)
	if err != nil {
		return e, err
	}
	if thread != "" {
		fmt.Sscan(thread, &e.Replies, &e.LastReply)
	}
	if reactions != "" && !e.Deleted {
		if e.Reactions, err = gather(reactions); err != nil {
			return e, err
		}
	}
	copy(e.ID[:], id)
	e.Time, e.Until = time.UnixMilli(at), moment(until)
	if about != "" {
		id, name, _ := strings.Cut(about, " ")
		e.About = chat.Mention{ID: chat.UserID(id), Name: name}
	}
	if mentions != "" && !e.Deleted {
		err = json.Unmarshal([]byte(mentions), &e.Mentions)
	}
	if files != "" && err == nil {
		e.Files, err = filesOf(files)
	}
	e.Previews = chat.ParsePreviews(previews)
	return e, err
}

// filesOf reads files from JSON, in which whether there is a small picture is a number.
func filesOf(rows string) ([]chat.File, error) {
	var found []struct {
		chat.File
		Thumb int `json:"thumb"`
	}
	if err := json.Unmarshal([]byte(rows), &found); err != nil {
		return nil, err
	}
	all := make([]chat.File, len(found))
	for i, f := range found {
		all[i] = f.File
		all[i].Thumb = f.Thumb == 1
	}
	return all, nil
}

// gather makes reactions of rows of emoji, id and name, in the order of the first of
// each emoji.
func gather(rows string) (all []chat.Reaction, err error) {
	var found [][3]string
	if err := json.Unmarshal([]byte(rows), &found); err != nil {
		return nil, err
	}
	for _, row := range found {
		i := slices.IndexFunc(all, func(r chat.Reaction) bool { return r.Emoji == row[0] })
		if i < 0 {
			i = len(all)
			all = append(all, chat.Reaction{Emoji: row[0]})
		}
		all[i].People = append(all[i].People, chat.Mention{ID: chat.UserID(row[1]), Name: row[2]})
	}
	return all, nil
}

// Read implements chat.Log. Numbers have no holes, so a page is a range: no database can
// take a longer way to it.
func (s *Store) Read(ctx context.Context, room chat.RoomID, after chat.Seq, limit int) ([]chat.Event, error) {
	after = min(after, 1<<62)
	return list(ctx, s, scanEvent, SelectEvents+"WHERE e.room = (SELECT key FROM rooms WHERE id = ?) AND e.seq > ? AND e.seq <= ? ORDER BY e.seq",
		room, after, after+chat.Seq(limit))
}

// Head implements chat.Log.
func (s *Store) Head(ctx context.Context, room chat.RoomID) (chat.Position, error) {
	p := chat.Position{Epoch: s.Epoch}
	err := s.row(ctx, "SELECT head FROM rooms WHERE id = ?", room).Scan(&p.Seq)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.NoRoom()
	}
	return p, err
}
