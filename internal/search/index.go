// Package search finds messages by what is in them. It follows the log into an index of
// its own, which can be made anew at any time; docs/adr/0011-search.md says why it is as
// it is.
//
// The index proposes, the log decides: each hit is read from the log as it is now, looked
// at again, and given only to whom Decide allows the room now.
package search

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"hubbub/internal/chat"
)

const (
	fileName = "search.db"
	// version is that of the tokens and the tables. Another one is made anew.
	version    = 2
	maxReaders = 3 // searches at a time; others wait for their turn
)

// schema: messages that can be found, their tokens, and how far each log was followed.
// The text is here once more because FTS5 takes out of an index only what it is shown
// again, and in the log the text is gone by then.
const schema = `
CREATE TABLE about (version INTEGER NOT NULL, epoch TEXT NOT NULL);
CREATE TABLE rooms (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL) STRICT;
CREATE TABLE people (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;
CREATE TABLE messages (
	id     INTEGER PRIMARY KEY, -- by time, see firstID
	room   INTEGER NOT NULL,
	seq    INTEGER NOT NULL,
	author INTEGER NOT NULL,
	flags  INTEGER NOT NULL,
	text   TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_place ON messages (room, seq);
CREATE VIRTUAL TABLE words USING fts5 (tokens, content = '', columnsize = 0, prefix = '1 2 3 4 5', tokenize = 'ascii');
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
`

// pragmas: after a power cut the index may be a little older, and follows the log from
// there; to wait for the disk would slow those who do.
var pragmas = []string{
	"journal_mode(wal)", "synchronous(normal)", "wal_autocheckpoint(4000)", "secure_delete(1)", "busy_timeout(200)", "cache_size(-16000)",
}

// Config is what an index stands on.
type Config struct {
	Log       chat.Log
	Directory chat.Directory
	Logger    *slog.Logger
}

// Index finds messages. Its methods may be called from any goroutine.
type Index struct {
	Config
	path string
	follower
	stopped chan struct{} // closed when the follower has ended
	stop    context.CancelFunc

	mu     sync.RWMutex // guards the following; held for reading while a search is prepared
	reader *sql.DB
	rooms  map[chat.RoomID]int64
	people map[chat.UserID]person
	counts map[int64]int64 // messages of a room
	total  int64
	behind bool // what was there at the start is not all in yet
}

// person is somebody who wrote.
type person struct {
	key         int64
	name, plain string
}

// Open opens the index in the data folder, or makes it, and follows the log from where
// it was until Close.
func Open(ctx context.Context, dir string, c Config) (*Index, error) {
	x := newIndex(dir, c)
	if err := x.open(ctx); err != nil {
		x.closeFiles()
		if errors.Is(err, errLog) || ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", x.path, err) // there is nothing wrong with it
		}
		if !errors.Is(err, errAnew) {
			x.Logger.Warn("the search index can not be used and is made anew", "err", err)
		}
		if err := x.anew(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", x.path, err)
		}
	}
	x.start()
	return x, nil
}

func newIndex(dir string, c Config) *Index {
	x := &Index{Config: c, path: filepath.Join(dir, fileName), stopped: make(chan struct{})}
	x.dirty, x.wake, x.hurry, x.fences = make(map[chat.RoomID]*news), make(chan struct{}, 1), make(chan struct{}, 1), make(chan chan struct{})
	return x
}

func (x *Index) start() {
	run, stop := context.WithCancel(context.Background())
	x.stop = stop
	go x.run(run)
}

// Close ends the index. What it has not followed yet it follows next time.
func (x *Index) Close() error {
	x.stop()
	<-x.stopped
	return x.closeFiles()
}

var (
	errAnew = errors.New("it is not there, of another version or log, or most of it is to go")
	errLog  = errors.New("the log can not be read")
)

// anew throws the files away and begins again. If that fails there is no index, until it
// is tried again.
func (x *Index) anew(ctx context.Context) (err error) {
	x.closeFiles()
	defer func() {
		if err != nil {
			x.closeFiles()
		}
	}()
	if err := removeFiles(x.path); err != nil {
		return err
	}
	f, err := os.OpenFile(x.path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite itself would let others read
	if err != nil {
		return err
	}
	f.Close()
	db, err := openDB(x.path, 1)
	if err != nil {
		return err
	}
	epoch, err := x.epoch(ctx)
	if err == nil {
		_, err = db.ExecContext(ctx, schema)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "INSERT INTO about (version, epoch) VALUES (?, ?)", version, epoch)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return x.open(ctx)
}

// removeFiles removes an index.
func removeFiles(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// epoch returns the incarnation of the log.
func (x *Index) epoch(ctx context.Context) (chat.Epoch, error) {
	place, err := x.Directory.Place(ctx)
	if err != nil {
		return "", errors.Join(errLog, err)
	}
	head, err := x.Log.Head(ctx, place)
	if err != nil {
		return "", errors.Join(errLog, err)
	}
	return head.Epoch, nil
}

// open opens the files that are there, and finds out what is missing in them.
func (x *Index) open(ctx context.Context) error {
	if _, err := os.Stat(x.path); err != nil {
		return errors.Join(errAnew, err)
	}
	writer, err := openDB(x.path, 1)
	if err != nil {
		return err
	}
	x.writer = writer
	if x.conn, err = writer.Conn(ctx); err != nil {
		return err
	}
	reader, err := openDB(x.path, maxReaders)
	if err != nil {
		return err
	}
	epoch, err := x.epoch(ctx)
	if err != nil {
		return errors.Join(err, reader.Close())
	}
	rooms, err := x.Directory.AllRooms(ctx)
	if err != nil {
		return errors.Join(errLog, err, reader.Close())
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reader = reader
	var is int
	var of chat.Epoch
	if err := x.conn.QueryRowContext(ctx, "SELECT version, epoch FROM about").Scan(&is, &of); err != nil {
		return err
	}
	if is != version || of != epoch {
		return errAnew
	}
	if err := x.stmts.prepare(ctx, x.conn); err != nil {
		return err
	}
	if err := x.load(ctx); err != nil {
		return err
	}
	return x.compare(rooms)
}

// load reads what is kept in memory. x.mu is held.
func (x *Index) load(ctx context.Context) error {
	x.rooms, x.people, x.counts, x.total = make(map[chat.RoomID]int64), make(map[chat.UserID]person), make(map[int64]int64), 0
	x.cursors = make(map[int64]chat.Seq)
	err := each(ctx, x.conn, func(row *sql.Rows) error {
		var id chat.RoomID
		var key, count int64
		var seq chat.Seq
		err := row.Scan(&key, &id, &seq, &count)
		x.rooms[id], x.cursors[key], x.counts[key] = key, seq, count
		x.total += count
		return err
	}, "SELECT key, id, seq, (SELECT count(*) FROM messages WHERE room = key) FROM rooms")
	if err != nil {
		return err
	}
	return each(ctx, x.conn, func(row *sql.Rows) error {
		var id chat.UserID
		var p person
		err := row.Scan(&p.key, &id, &p.name)
		p.plain = plain(p.name)
		x.people[id] = p
		return err
	}, "SELECT key, id, name FROM people")
}

// compare finds the rooms whose logs go on behind the index. x.mu is held.
func (x *Index) compare(all []chat.Room) error {
	heads := make(map[chat.RoomID]chat.Seq, len(all))
	for _, r := range all {
		heads[r.ID] = r.Head
		if r.Head > x.cursors[x.rooms[r.ID]] {
			x.behind = true
			x.Stored(r.ID, r.Head)
		}
	}
	for id, key := range x.rooms {
		if head, known := heads[id]; known && x.cursors[key] > head {
			return fmt.Errorf("room %s ends before the index does: %w", id, errAnew)
		}
	}
	return nil
}

func (x *Index) closeFiles() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var errs []error
	if x.conn != nil {
		x.stmts.close() // else SQLite keeps the file open
		errs = append(errs, x.conn.Close())
		x.conn = nil
	}
	for _, db := range []*sql.DB{x.reader, x.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	x.reader, x.writer = nil, nil
	return errors.Join(errs...)
}

func openDB(path string, conns int) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// each calls f for each row.
func each(ctx context.Context, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, f func(*sql.Rows) error, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// The number of a message in the index: its time, so that newest first is the order of
// the index itself and a day is a range; some bits of its room, so that whether somebody
// may read it is known for most without a look at the message; and a counter.
const (
	counterBits = 8
	roomBits    = 14
	roomMask    = 1<<roomBits - 1
)

// dawn is before all messages: 2020. There are numbers for 69 years.
var dawn = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// firstID is the least number of a message of that time.
func firstID(ms int64) int64 { return max(ms-dawn, 0) << (roomBits + counterBits) }

// bitsOf returns a room's bits. They are the same in all indexes, so that one goes on
// where another one has ended a page.
func bitsOf(id chat.RoomID) int64 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int64(h.Sum32() & roomMask)
}
