package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// selectEvents reads events as they stand today. scanEvent knows its columns. What is
// not a range of a room's log names the index by which to find it: SQLite, which has
// counted nothing, takes each room for ten events, and would walk through them all.
const selectEvents = eventColumns + "FROM events e " + eventTables

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
	CASE e.marks & 1 WHEN 0 THEN '' ELSE (SELECT json_group_array(json_array(x.emoji, q.id, q.name))
		FROM (SELECT * FROM reactions WHERE room = e.room AND seq = e.seq ORDER BY by) x JOIN people q ON q.key = x.person) END,
	CASE WHEN e.files IS NULL THEN '' ELSE (SELECT json_group_array(json_object('id', f.id, 'name', f.name, 'type', f.type, 'size', f.size,
		'width', f.width, 'height', f.height, 'thumb', json(iif(f.thumb, 'true', 'false')), 'duration', f.duration))
		FROM (SELECT * FROM held WHERE room = e.room AND seq = iif(e.kind = 2, e.target, e.seq) ORDER BY n) h JOIN files f ON f.key = h.file
		WHERE f.id IN (SELECT value FROM json_each(e.files))) END,
	CASE e.marks & 16 WHEN 0 THEN '' ELSE coalesce((SELECT body FROM previews WHERE room = e.room AND seq = e.seq), '') END,
	CASE e.marks & 8 WHEN 0 THEN '' ELSE coalesce((SELECT name FROM aliases WHERE room = e.room AND seq = e.seq), '') END `

const eventTables = `JOIN rooms m ON m.key = e.room JOIN people p ON p.key = e.author
	LEFT JOIN revisions r ON r.room = e.room AND r.seq = e.seq `

func scanEvent(row scanner) (e chat.Event, err error) {
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
		err = json.Unmarshal([]byte(files), &e.Files)
	}
	e.Previews = chat.ParsePreviews(previews)
	return e, err
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

// Read implements chat.Log.
func (s *Store) Read(ctx context.Context, room chat.RoomID, after chat.Seq, limit int) ([]chat.Event, error) {
	return list(ctx, s, scanEvent, selectEvents+`
		WHERE e.room = (SELECT key FROM rooms WHERE id = ?) AND e.seq > ? ORDER BY e.seq LIMIT ?`, room, after, limit)
}

// Head implements chat.Log.
func (s *Store) Head(ctx context.Context, room chat.RoomID) (chat.Position, error) {
	p := chat.Position{Epoch: s.epoch}
	err := s.readers.row(ctx, "SELECT head FROM rooms WHERE id = ?", room).Scan(&p.Seq)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.NoRoom()
	}
	return p, err
}

// readers are the connections that only read, with their statements prepared:
// for a small query that is most of the work (a handshake's three lookups took
// 70 µs without it).
type readers struct {
	*sql.DB
	prepared sync.Map // of *sql.Stmt, by query; closed with DB
}

func (r *readers) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := r.prepared.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	made, err := r.DB.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, err
	}
	s, other := r.prepared.LoadOrStore(query, made)
	if other {
		made.Close()
	}
	return s.(*sql.Stmt), nil
}

// The end of ctx does not end a query: they are all small, and to watch for it
// costs two goroutines for each, a third of a lookup's time.
func (r *readers) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := r.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.WithoutCancel(ctx), args...)
}

// list reads all rows of a query.
func list[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.readers.rows(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// row is rows for one; Scan returns the error.
func (r *readers) row(ctx context.Context, query string, args ...any) scanner {
	s, err := r.stmt(ctx, query)
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(context.WithoutCancel(ctx), args...)
}

type scanner interface{ Scan(...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }
