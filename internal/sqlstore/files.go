package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"hubbub/internal/chat"
)

// This file knows files: uploads, what messages hold, and what is to be removed.

const fileColumns = "f.id, f.name, f.type, f.size, f.width, f.height, f.thumb, f.duration"

func fileFields(f *chat.File) fields {
	return fields{&f.ID, &f.Name, &f.Type, &f.Size, &f.Width, &f.Height, &f.Thumb, &f.Duration}
}

// AddUpload implements chat.Files. What a person removes again does not count.
func (s *Store) AddUpload(ctx context.Context, u chat.Upload, most int64) error {
	return s.change(ctx, func(t *Tx) error {
		owner, err := t.person(u.Owner)
		if err != nil {
			return err
		}
		// One at a time for a person, at any node, or two would both find room.
		if err := t.exec("UPDATE people SET key = key WHERE key = ?", owner.key); err != nil {
			return err
		}
		var sum int64
		err = t.row("SELECT coalesce(sum(length), 0) FROM files WHERE owner = ? AND created > ?", owner.key, s.now()-chat.UploadMemory.Milliseconds()).Scan(&sum)
		if err != nil {
			return err
		}
		if most > 0 && u.Length > most-sum {
			return chat.Errorf(chat.CodeTooLarge, "you have sent as many files as one person may in a day")
		}
		return t.exec(`INSERT INTO files (id, owner, session, name, type, length, size, width, height, duration, created, expires)
			VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`,
			u.ID, owner.key, u.Session, u.Name, u.Type, u.Length, u.Width, u.Height, u.Duration, s.now(), millis(u.Expires))
	})
}

// Upload implements chat.Files.
func (s *Store) Upload(ctx context.Context, id chat.FileID) (u chat.Upload, err error) {
	into := append(fileFields(&u.File), &u.Owner, &u.Session, &u.Length, &u.Done, at(&u.Expires))
	err = s.row(ctx, "SELECT "+fileColumns+`, p.id, f.session, f.length, f.done, f.expires FROM files f JOIN people p ON p.key = f.owner
		WHERE f.id = ? AND f.expires > 0`, id).Scan(into...)
	return u, noFile(err)
}

func noFile(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return chat.NoFile()
	}
	return err
}

// FinishUpload implements chat.Files.
func (s *Store) FinishUpload(ctx context.Context, f chat.File) error {
	return s.change(ctx, func(t *Tx) error {
		err := t.one("there is no such file", `UPDATE files SET type = ?, size = ?, width = ?, height = ?, thumb = ?, duration = ?, done = 1 WHERE id = ? AND expires > 0`,
			f.Type, f.Size, f.Width, f.Height, f.Thumb, f.Duration, f.ID)
		if err != nil {
			return err
		}
		return errors.Join(
			t.exec("INSERT INTO gone (id) SELECT DISTINCT CAST(? AS TEXT) FROM pieces WHERE upload = ? ON CONFLICT DO NOTHING", f.ID+chat.PiecesOf, f.ID),
			t.exec("DELETE FROM pieces WHERE upload = ?", f.ID))
	})
}

// AddPiece implements chat.Files.
func (s *Store) AddPiece(ctx context.Context, id chat.FileID, from int64, p chat.Piece, most int) error {
	return s.change(ctx, func(t *Tx) error {
		if err := t.exec("UPDATE files SET done = done WHERE id = ?", id); err != nil { // another node that finishes it waits, or this one
			return err
		}
		var length int64
		var whole bool
		if err := t.row("SELECT length, done FROM files WHERE id = ? AND expires > 0", id).Scan(&length, &whole); err != nil {
			return noFile(err)
		}
		if whole { // another node may just have finished it
			return elsewhere()
		}
		var there int64
		var n int
		if err := t.row("SELECT coalesce(sum(size), 0), count(*) FROM pieces WHERE upload = ?", id).Scan(&there, &n); err != nil {
			return err
		}
		switch {
		case there != from || p.Size <= 0:
			return elsewhere()
		case p.Size > length-from:
			return chat.Errorf(chat.CodeTooLarge, "the upload would be longer than it said")
		case most > 0 && n >= most:
			return chat.Errorf(chat.CodeTooMany, "the upload came in more than %d pieces; begin anew", most)
		}
		// Another node may have taken a piece meanwhile: at that very place.
		done, err := t.session.Exec(t.ctx, "INSERT INTO pieces (upload, start, size, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", id, from, p.Size, p.Name)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, elsewhere())
		}
		return nil
	})
}

func elsewhere() error {
	return chat.Errorf(chat.CodeConflict, "the upload goes on at another place; ask where")
}

// Pieces implements chat.Files.
func (s *Store) Pieces(ctx context.Context, id chat.FileID) ([]chat.Piece, error) {
	scan := func(row Scanner) (p chat.Piece, err error) { return p, row.Scan(&p.Name, &p.Size) }
	return list(ctx, s, scan, "SELECT name, size FROM pieces WHERE upload = ? ORDER BY start", id)
}

// DropUpload implements chat.Files.
func (s *Store) DropUpload(ctx context.Context, id chat.FileID) error {
	return s.change(ctx, func(t *Tx) error {
		if err := t.exec("DELETE FROM pieces WHERE upload = ?", id); err != nil {
			return err
		}
		if err := t.one("there is no such file", "DELETE FROM files WHERE id = ? AND expires > 0", id); err != nil {
			return err
		}
		return t.exec("INSERT INTO gone (id) VALUES (?), (?) ON CONFLICT DO NOTHING", id, id+chat.PiecesOf)
	})
}

// ExpireUploads implements chat.Files.
func (s *Store) ExpireUploads(ctx context.Context, when time.Time) error {
	const late = "FROM files WHERE expires > 0 AND expires <= ?"
	var any bool
	if err := s.row(ctx, "SELECT EXISTS (SELECT 1 "+late+")", millis(when)).Scan(&any); err != nil || !any {
		return err
	}
	return s.change(ctx, func(t *Tx) error {
		return errors.Join(
			t.exec("INSERT INTO gone (id) SELECT id "+late+" ON CONFLICT DO NOTHING", millis(when)),
			t.exec("INSERT INTO gone (id) SELECT id || CAST(? AS TEXT) "+late+" ON CONFLICT DO NOTHING", chat.PiecesOf, millis(when)),
			t.exec("DELETE FROM pieces WHERE upload IN (SELECT id "+late+")", millis(when)),
			t.exec("DELETE "+late, millis(when)))
	})
}

// File implements chat.Files.
func (s *Store) File(ctx context.Context, id chat.FileID) (f chat.File, rooms []chat.RoomID, err error) {
	err = s.row(ctx, "SELECT "+fileColumns+" FROM files f WHERE f.id = ? AND f.expires = 0", id).Scan(fileFields(&f)...)
	if err != nil {
		return f, nil, noFile(err)
	}
	scan := func(row Scanner) (id chat.RoomID, err error) { return id, row.Scan(&id) }
	rooms, err = list(ctx, s, scan, `SELECT DISTINCT r.id FROM files f JOIN held h ON h.file = f.key JOIN rooms r ON r.key = h.room WHERE f.id = ?`, id)
	return f, rooms, err
}

// Gone implements chat.Files.
func (s *Store) Gone(ctx context.Context, limit int) ([]chat.FileID, error) {
	scan := func(row Scanner) (id chat.FileID, err error) { return id, row.Scan(&id) }
	return list(ctx, s, scan, "SELECT id FROM gone LIMIT ?", limit)
}

// Removed implements chat.Files.
func (s *Store) Removed(ctx context.Context, ids []chat.FileID) error {
	return s.change(ctx, func(t *Tx) error {
		for _, id := range ids {
			if err := t.exec("DELETE FROM gone WHERE id = ?", id); err != nil {
				return err
			}
		}
		return nil
	})
}

// bring looks at the files that a draft names, and fills in what there is to say of
// them. Whoever writes must have sent them, or be able to read them in a room: for
// everybody else they are not there.
func (t *Tx) bring(author *person, d *chat.Draft) (keys []int64, err error) {
	if len(d.Files) > chat.MaxFiles {
		return nil, chat.Errorf(chat.CodeTooMany, "a message has at most %d files", chat.MaxFiles)
	}
	files := make([]chat.File, len(d.Files)) // the caller's stay as they were
	for i, f := range d.Files {
		var key, owner int64
		var done, held bool
		err := t.row("SELECT key, owner, done, expires = 0, "+fileColumns+" FROM files f WHERE f.id = ?", f.ID).
			Scan(append(fields{&key, &owner, &done, &held}, fileFields(&files[i])...)...)
		if err != nil {
			return nil, noFile(err)
		}
		switch {
		case held:
			err = t.mayForward(author, d.Scope, key)
		case owner != author.key:
			err = chat.NoFile()
		case !done:
			err = chat.Errorf(chat.CodeNotFinished, "an upload is not finished yet")
		}
		if err != nil {
			return nil, err
		}
		if slices.Contains(keys, key) {
			return nil, chat.Errorf(chat.CodeConflict, "a message holds a file once")
		}
		keys = append(keys, key)
	}
	d.Files = files
	return keys, nil
}

// mayForward asks whether there is a room in which somebody can read a file.
func (t *Tx) mayForward(who *person, scope *chat.Scope, file int64) error {
	rooms, err := column[chat.RoomID](t, "SELECT DISTINCT r.id FROM held h JOIN rooms r ON r.key = h.room WHERE h.file = ?", file)
	if err != nil {
		return err
	}
	for _, id := range rooms {
		room, err := t.look(id)
		if err != nil {
			return err
		}
		q := chat.Question{Who: who.Actor(), Act: chat.ActRead, Room: &room.Room, At: time.UnixMilli(t.now())}
		q.Who.Scope = scope
		if q.As, err = t.standing(room, who); err != nil {
			return err
		}
		if q.Decide() == chat.Allowed {
			return nil
		}
	}
	return chat.NoFile()
}

// hold has a message hold files, from a place among those it holds.
func (t *Tx) hold(room *room, seq chat.Seq, from int, keys []int64) error {
	for i, key := range keys {
		if err := t.exec("INSERT INTO held (room, seq, n, file) VALUES (?, ?, ?, ?)", room.key, seq, from+i, key); err != nil {
			return err
		}
		if err := t.exec("UPDATE files SET expires = 0 WHERE key = ?", key); err != nil {
			return err
		}
	}
	return nil
}

// release has the messages behind a place, up to another, hold nothing any more that
// the condition names. A file that nobody holds then goes.
func (t *Tx) release(room *room, after, to chat.Seq, condition string, args ...any) error {
	where := " FROM held WHERE room = ? AND seq > ? AND seq <= ? AND " + condition
	args = append([]any{room.key, after, to}, args...)
	keys, err := column[int64](t, "SELECT DISTINCT file"+where, args...)
	if err != nil || len(keys) == 0 {
		return err
	}
	if err := t.exec("DELETE"+where, args...); err != nil {
		return err
	}
	for _, key := range keys {
		const alone = "key = ? AND NOT EXISTS (SELECT 1 FROM held WHERE file = files.key)"
		if err := t.exec("INSERT INTO gone (id) SELECT id FROM files WHERE "+alone+" ON CONFLICT DO NOTHING", key); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM files WHERE "+alone, key); err != nil {
			return err
		}
	}
	return nil
}

// pictures are those of links, behind a message's own files.
const pictures = 100

// stay looks at the files that an edit leaves to a message: some of those it has.
func (t *Tx) stay(room *room, d *chat.Draft) (keys []int64, err error) {
	files := make([]chat.File, len(d.Files))
	for i, f := range d.Files {
		var key int64
		err := t.row("SELECT f.key, "+fileColumns+" FROM held h JOIN files f ON f.key = h.file WHERE h.room = ? AND h.seq = ? AND h.n < ? AND f.id = ?",
			room.key, d.Target, pictures, f.ID).Scan(append(fields{&key}, fileFields(&files[i])...)...)
		if err != nil {
			return nil, noFile(err)
		}
		keys = append(keys, key)
	}
	d.Files = files
	return keys, nil
}

// shrink takes those files off a message that an edit does not leave to it.
func (t *Tx) shrink(room *room, target chat.Seq, keep []int64) error {
	b, err := json.Marshal(append([]int64{}, keep...)) // null is not in, and not out
	if err != nil {
		return err
	}
	return t.release(room, target-1, target, "n < ? AND file NOT IN (SELECT CAST(value AS BIGINT) FROM json_each(?))", pictures, string(b))
}

// idsOf writes the ids of a draft's files for events.files; nil where it names none.
func idsOf(files []chat.File) (any, error) {
	if files == nil {
		return nil, nil
	}
	b, err := json.Marshal(chat.FileIDs(files))
	return string(b), err
}

// unpreview takes away what there is to show of a message's links, on screens by the
// event that the caller has written, and in the file.
func (t *Tx) unpreview(room *room, seq chat.Seq, forGood bool) error {
	var body sql.NullString
	err := t.row("SELECT body FROM previews WHERE room = ? AND seq = ?", room.key, seq).Scan(&body)
	known := err == nil
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case known && !body.Valid && !forGood:
		return nil // its author wants none, and that stays
	case forGood:
		err = t.exec("INSERT INTO previews (room, seq) VALUES (?, ?) ON CONFLICT (room, seq) DO UPDATE SET body = NULL", room.key, seq)
	default:
		err = t.exec("DELETE FROM previews WHERE room = ? AND seq = ?", room.key, seq)
	}
	if err != nil || !body.Valid {
		return err
	}
	for _, p := range chat.ParsePreviews(body.String) {
		hash := sha256.Sum256([]byte(p.URL))
		if err := t.exec("DELETE FROM preview_cache WHERE url = ?", hash[:]); err != nil {
			return err
		}
	}
	return errors.Join(
		t.exec("UPDATE events SET body = '' WHERE room = ? AND target = ? AND target > 0 AND kind = ?", room.key, seq, chat.KindPreview),
		t.exec("UPDATE events SET marks = marks & ? WHERE room = ? AND seq = ?", ^markPreviews, room.key, seq),
		t.release(room, seq-1, seq, "n >= ?", pictures))
}

// ShowPreviews implements chat.Files.
func (s *Store) ShowPreviews(ctx context.Context, id chat.RoomID, seq, revised chat.Seq, all []chat.Preview) error {
	return s.change(ctx, func(t *Tx) error {
		room, err := t.room(id)
		if err != nil {
			return err
		}
		if wanted, err := t.wantsPreviews(room, seq, revised); err != nil || !wanted {
			return err
		}
		var keys []int64
		for _, p := range all {
			if p.Picture == nil {
				continue
			}
			var key int64
			if err := t.row("SELECT key FROM files WHERE id = ? AND done = 1 AND expires > 0", p.Picture.ID).Scan(&key); err != nil {
				return noFile(err)
			}
			keys = append(keys, key)
		}
		b, err := json.Marshal(all)
		if err != nil {
			return err
		}
		if err := t.hold(room, seq, pictures, keys); err != nil {
			return err
		}
		if err := t.exec("INSERT INTO previews (room, seq, body) VALUES (?, ?, ?)", room.key, seq, string(b)); err != nil {
			return err
		}
		if err := t.exec("UPDATE events SET marks = marks | ? WHERE room = ? AND seq = ?", markPreviews, room.key, seq); err != nil {
			return err
		}
		by, err := t.person(chat.OperatorID)
		if err != nil {
			return err
		}
		return t.record(room, by, chat.Draft{Kind: chat.KindPreview, Target: seq, Body: string(b)})
	})
}

// wantsPreviews says whether a message still reads as it did when its links were
// followed, and has no previews yet.
func (t *Tx) wantsPreviews(room *room, seq, revised chat.Seq) (wanted bool, err error) {
	err = t.row(`SELECT e.kind = 1 AND coalesce(r.by, 0) = ?1 AND (r.seq IS NULL OR r.body IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM previews WHERE room = e.room AND seq = e.seq)
		FROM events e LEFT JOIN revisions r ON r.room = e.room AND r.seq = e.seq WHERE e.room = ?2 AND e.seq = ?3`, revised, room.key, seq).Scan(&wanted)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return wanted && seq > room.Floor, err
}

// CachedPreview implements chat.Files.
func (s *Store) CachedPreview(ctx context.Context, url string) (p chat.CachedPreview, ok bool, err error) {
	hash := sha256.Sum256([]byte(url))
	var body string
	err = s.row(ctx, "SELECT body, image, expires FROM preview_cache WHERE url = ? AND expires > ?", hash[:], s.now()).Scan(&body, &p.Image, at(&p.Expires))
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), &p.Preview)
	}
	return p, err == nil, err
}

// maxCached bounds the cache, to some 50 MB of pictures.
const maxCached = 1000

// CachePreview implements chat.Files.
func (s *Store) CachePreview(ctx context.Context, url string, p chat.CachedPreview) error {
	hash := sha256.Sum256([]byte(url))
	p.Preview.URL, p.Picture = "", nil
	b, err := json.Marshal(p.Preview)
	if err != nil {
		return err
	}
	return s.change(ctx, func(t *Tx) error {
		return errors.Join(
			t.exec("DELETE FROM preview_cache WHERE expires <= ? OR url NOT IN (SELECT url FROM preview_cache ORDER BY expires DESC LIMIT ?)", s.now(), maxCached-1),
			t.exec(`INSERT INTO preview_cache (url, body, image, expires) VALUES (?, ?, ?, ?)
				ON CONFLICT (url) DO UPDATE SET body = excluded.body, image = excluded.image, expires = excluded.expires`, hash[:], string(b), p.Image, millis(p.Expires)))
	})
}
