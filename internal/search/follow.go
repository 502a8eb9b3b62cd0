package search

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hubbub/internal/chat"
)

// This file follows the log. One goroutine writes the index, behind the log and with
// connections of its own: nobody who appends waits for it.

const (
	readStep = 256 // events that are read from a log at a time
	// Events in one transaction, which costs about as much as ten of them. It ends early
	// for what was changed or erased.
	maxEvents = 1024
	// Messages that retention takes out in one transaction; and from how many on, if they
	// are a tenth of all, the index is rather made anew: to put one in takes 0.1 ms, to take
	// one out without a trace 5 ms (a million messages).
	maxErased  = 256
	manyErased = 5000
	// While more events a second come than this, senders need the processor more: the index
	// rests after each step, the longer the more there are. It keeps up with some 2,000 a
	// second, and otherwise is as far behind as that makes it.
	busyRate = 500
	maxRest  = 3 * time.Second
	// pause is how long the index waits for more, once there is something new: a message
	// is found that much later, and a busy place costs a tenth.
	pause     = 30 * time.Millisecond
	maxUrgent = 1000
	retryTime = time.Second
)

// follower is the state of the goroutine that writes the index.
type follower struct {
	writer  *sql.DB
	conn    *sql.Conn
	stmts   statements
	cursors map[int64]chat.Seq // how far each room's log is in the index
	unclean bool               // what was taken out may still be in the WAL

	wake   chan struct{} // something is new
	hurry  chan struct{} // something was changed or erased
	fences chan chan struct{}

	hints   sync.Mutex // guards the following
	arrived int        // events that it was told of
	dirty   map[chat.RoomID]struct{}
	urgent  []place
	renamed []chat.Mention
}

// place is a message.
type place struct {
	room chat.RoomID
	seq  chat.Seq
}

// Follow tells the index of new events: a hint, since it reads the log itself. It does
// not block.
func (x *Index) Follow(events []chat.Event) {
	urgent := false
	x.hints.Lock()
	x.arrived += len(events)
	for i, e := range events {
		if i == 0 || e.Room != events[i-1].Room {
			x.dirty[e.Room] = struct{}{}
		}
		switch e.Kind {
		case chat.KindEdit, chat.KindDelete:
			urgent = true
			if len(x.urgent) < maxUrgent { // the log says it again
				x.urgent = append(x.urgent, place{e.Room, e.Target})
			}
		case chat.KindErase:
			urgent = true
		}
	}
	x.hints.Unlock()
	signal(x.wake)
	if urgent {
		signal(x.hurry)
	}
}

// Renamed tells the index what somebody is called now. It does not block.
func (x *Index) Renamed(id chat.UserID, name string) {
	x.hints.Lock()
	x.renamed = append(x.renamed, chat.Mention{ID: id, Name: name})
	x.hints.Unlock()
	signal(x.wake)
}

func (x *Index) hint(id chat.RoomID) {
	x.hints.Lock()
	x.dirty[id] = struct{}{}
	x.hints.Unlock()
	signal(x.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Sync returns when everything is in the index that was in the log when it was called.
func (x *Index) Sync(ctx context.Context) error {
	done := make(chan struct{})
	signal(x.hurry)
	for c := x.fences; ; c = nil {
		select {
		case c <- done:
		case <-done:
			return nil
		case <-x.stopped:
			return errors.New("the index is closed")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run follows the log until ctx ends.
func (x *Index) run(ctx context.Context) {
	defer close(x.stopped)
	var waiting []chan struct{}
	for ctx.Err() == nil {
		var retry <-chan time.Time
		if x.unclean {
			retry = time.After(retryTime)
		}
		select {
		case <-ctx.Done():
			return
		case <-retry:
		case f := <-x.fences:
			waiting = append(waiting, f)
		case <-x.wake:
			waiting = append(waiting, x.gather(ctx)...)
		}
		x.catchUp(ctx)
		if ctx.Err() != nil {
			return
		}
		if x.unclean {
			x.clean()
		}
		for _, f := range waiting {
			close(f)
		}
		waiting = nil
	}
}

// gather waits a little for more.
func (x *Index) gather(ctx context.Context) (waiting []chan struct{}) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	case <-x.hurry:
	case f := <-x.fences:
		waiting = append(waiting, f)
	}
	return waiting
}

// catchUp follows all logs to their ends.
func (x *Index) catchUp(ctx context.Context) {
	for wait := retryTime; ctx.Err() == nil; {
		begun, before := time.Now(), x.told()
		more, err := x.step(ctx)
		if err == nil && !more {
			x.mu.Lock()
			x.behind = false
			x.mu.Unlock()
			return
		}
		rest := time.Duration(0)
		switch {
		case errors.Is(err, errAnew), damaged(err):
			x.Logger.Warn("the search index is made anew", "why", err)
			if err = x.anew(ctx); err == nil {
				continue
			}
			fallthrough
		case err != nil:
			x.Logger.Error("follow the log into the search index", "err", err)
			rest, wait = wait, min(2*wait, time.Minute)
		default:
			rest = restAfter(time.Since(begun), x.told()-before)
		}
		if rest == 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		case <-x.hurry:
		}
	}
}

// restAfter returns how long to rest after a step during which so many events came.
func restAfter(step time.Duration, events int) time.Duration {
	if float64(events) < busyRate*step.Seconds() {
		return 0
	}
	return min(time.Duration(events)*time.Second/busyRate, maxRest)
}

// told returns of how many events the index was told.
func (x *Index) told() int {
	x.hints.Lock()
	defer x.hints.Unlock()
	return x.arrived
}

// damaged says whether the file is no use any more.
func damaged(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// take takes what there is to do.
func (x *Index) take() (urgent []place, rooms []chat.RoomID, renamed []chat.Mention) {
	x.hints.Lock()
	defer x.hints.Unlock()
	urgent, renamed, x.urgent, x.renamed = x.urgent, x.renamed, nil, nil
	for id := range x.dirty {
		rooms = append(rooms, id)
	}
	clear(x.dirty)
	return urgent, rooms, renamed
}

// step does what fits into one transaction, or what it has done of that when ctx ends.
// more says that something is left.
func (x *Index) step(ctx context.Context) (more bool, err error) {
	urgent, rooms, renamed := x.take()
	if len(urgent)+len(rooms)+len(renamed) == 0 {
		return false, nil
	}
	b := &batch{
		Index: x, ctx: context.Background(), ended: ctx.Done(),
		moved: make(map[int64]chat.Seq), newRooms: make(map[chat.RoomID]int64), newPeople: make(map[chat.UserID]person), counted: make(map[int64]int64),
	}
	left := rooms // if it fails
	err = b.run(func() (err error) {
		for _, p := range renamed {
			if _, wrote := x.people[p.ID]; !wrote {
				continue
			}
			if _, err := b.person(p.ID, p.Name); err != nil {
				return err
			}
		}
		for _, p := range urgent {
			if err := b.refresh(p.room, p.seq); err != nil {
				return err
			}
		}
		left, err = b.follow(rooms)
		return err
	})
	if err != nil {
		left = rooms
	}
	x.hints.Lock()
	for _, id := range left {
		x.dirty[id] = struct{}{}
	}
	more = len(x.dirty)+len(x.urgent) > 0
	x.hints.Unlock()
	if b.removed {
		x.unclean = true
		x.clean()
	}
	return more, err
}

func (x *Index) isBehind() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.behind
}

// clean takes what was removed out of the WAL, where old pages lie until they are written
// over. A search that is under way can be in the way: then it is tried again.
func (x *Index) clean() {
	if x.conn == nil {
		return
	}
	var busy, pages, written int
	err := x.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(truncate)").Scan(&busy, &pages, &written)
	x.unclean = err != nil || busy != 0
}

// batch is a transaction, and what will have changed in memory when it is over.
type batch struct {
	*Index
	ctx       context.Context
	ended     <-chan struct{} // closed when nobody waits for more
	read      int             // events
	moved     map[int64]chat.Seq
	newRooms  map[chat.RoomID]int64
	newPeople map[chat.UserID]person
	counted   map[int64]int64 // messages more, or fewer, in a room
	removed   bool            // something was taken out
}

func (b *batch) run(f func() error) error {
	if b.conn == nil {
		return errors.New("there is no index")
	}
	if _, err := b.conn.ExecContext(b.ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	for key, seq := range b.moved {
		if err == nil {
			_, err = b.conn.ExecContext(b.ctx, "UPDATE rooms SET seq = ? WHERE key = ?", seq, key)
		}
	}
	if err == nil {
		_, err = b.conn.ExecContext(b.ctx, "COMMIT")
	}
	if err != nil {
		b.conn.ExecContext(b.ctx, "ROLLBACK") // fails if SQLite has done it
		return err
	}
	b.keep()
	return nil
}

// keep makes what the transaction changed the state in memory.
func (b *batch) keep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, seq := range b.moved {
		b.cursors[key] = seq
	}
	for id, key := range b.newRooms {
		b.rooms[id] = key
	}
	for id, p := range b.newPeople {
		b.people[id] = p
	}
	for key, n := range b.counted {
		b.counts[key] += n
		b.total += n
	}
}

// follow follows rooms until all are at their ends, or the transaction is large enough.
// It returns those that are left.
func (b *batch) follow(rooms []chat.RoomID) (left []chat.RoomID, err error) {
	for len(rooms) > 0 {
		if b.enough() {
			return rooms, nil
		}
		id := rooms[0]
		end, err := b.followRoom(id)
		if err != nil {
			return nil, fmt.Errorf("room %s: %w", id, err)
		}
		if end {
			rooms = rooms[1:]
		}
	}
	return nil, nil
}

// enough says whether the transaction is large enough: also when something waits to leave
// the index, or the server stops.
func (b *batch) enough() bool {
	select {
	case <-b.ended:
		return true
	default:
	}
	if b.read >= maxEvents {
		return true
	}
	b.hints.Lock()
	defer b.hints.Unlock()
	return len(b.urgent) > 0
}

// followRoom reads a step of a room's log. end says that there is no more.
func (b *batch) followRoom(id chat.RoomID) (end bool, err error) {
	key, err := b.room(id)
	if err != nil {
		return false, err
	}
	after, ok := b.moved[key]
	if !ok {
		after = b.cursors[key]
	}
	events, err := b.Log.Read(b.ctx, id, after, readStep)
	if err != nil {
		return false, err
	}
	for _, e := range events {
		b.read++
		done, err := b.apply(key, e)
		if err != nil {
			return false, err
		}
		if !done { // too much for one transaction
			b.read = maxEvents
			return false, nil
		}
		if b.moved[key] = e.Seq; b.enough() { // long texts take long
			return false, nil
		}
	}
	return len(events) < readStep, nil
}

// apply brings an event into the index. What came to a message later is read with it:
// so nothing is wrong if it is done twice, or in another order.
func (b *batch) apply(room int64, e chat.Event) (done bool, err error) {
	switch e.Kind {
	case chat.KindMessage:
		return true, b.put(room, e)
	case chat.KindEdit, chat.KindDelete, chat.KindPin, chat.KindUnpin:
		return true, b.refresh(e.Room, e.Target)
	case chat.KindErase:
		return b.erase(room, e.Target)
	}
	return true, nil
}

// refresh brings a message into the index as it reads now.
func (b *batch) refresh(id chat.RoomID, seq chat.Seq) error {
	events, err := b.Log.Read(b.ctx, id, seq-1, 1)
	if err != nil || len(events) == 0 || events[0].Kind != chat.KindMessage {
		return err
	}
	key, err := b.room(id)
	if err != nil {
		return err
	}
	return b.put(key, events[0])
}

// put brings a message into the index, or takes it out.
func (b *batch) put(room int64, e chat.Event) error {
	author, err := b.person(e.Author, e.Name)
	if err != nil {
		return err
	}
	is := entry{room: room, author: author, flags: flagsOf(e), text: textOf(e)}
	was, err := b.find(room, e.Seq)
	there := err == nil
	switch is.id = was.id; {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case there && was == is:
		return nil
	case there:
		if err := b.remove(was); err != nil {
			return err
		}
	}
	if e.Deleted || is.text == "" {
		return nil
	}
	if is.id == 0 {
		if is.id, err = b.newID(room, e.Time.UnixMilli()); err != nil {
			return err
		}
	}
	if _, err := b.stmts.insert.ExecContext(b.ctx, is.id, room, e.Seq, author, is.flags, is.text); err != nil {
		return err
	}
	b.counted[room]++
	_, err = b.stmts.index.ExecContext(b.ctx, is.id, is.tokens())
	return err
}

// find returns a message as the index has it.
func (b *batch) find(room int64, seq chat.Seq) (e entry, err error) {
	e.room = room
	return e, b.stmts.find.QueryRowContext(b.ctx, room, seq).Scan(&e.id, &e.author, &e.flags, &e.text)
}

// remove takes a message out of the index, and its words out of the file.
func (b *batch) remove(e entry) error {
	if _, err := b.stmts.unindex.ExecContext(b.ctx, e.id, e.tokens()); err != nil {
		return err
	}
	b.counted[e.room]--
	b.removed = true
	_, err := b.stmts.remove.ExecContext(b.ctx, e.id)
	return err
}

// erase takes the messages of a room up to a place out of the index, or some of them.
func (b *batch) erase(room int64, to chat.Seq) (done bool, err error) {
	var count int64
	if err := b.conn.QueryRowContext(b.ctx, "SELECT count(*) FROM messages WHERE room = ? AND seq <= ?", room, to).Scan(&count); err != nil {
		return false, err
	}
	if count >= manyErased && count >= b.total/10 {
		return false, errAnew
	}
	var old []entry
	err = each(b.ctx, b.conn, func(row *sql.Rows) error {
		e := entry{room: room}
		err := row.Scan(&e.id, &e.author, &e.flags, &e.text)
		old = append(old, e)
		return err
	}, "SELECT id, author, flags, text FROM messages WHERE room = ? AND seq <= ? LIMIT ?", room, to, maxErased)
	for _, e := range old {
		if err == nil {
			err = b.remove(e)
		}
	}
	return len(old) < maxErased, err
}

// newID returns a free number for a message of that time.
func (b *batch) newID(room, ms int64) (id int64, err error) {
	for ; ; ms++ {
		first := firstID(ms) | (room&roomMask)<<counterBits
		if err := b.stmts.last.QueryRowContext(b.ctx, first, first|(1<<counterBits-1)).Scan(&id); err != nil {
			return 0, err
		}
		switch {
		case id == 0:
			return first, nil
		case id < first|(1<<counterBits-1):
			return id + 1, nil
		}
	}
}

// room returns the key of a room.
func (b *batch) room(id chat.RoomID) (key int64, err error) {
	if key, ok := b.rooms[id]; ok {
		return key, nil
	}
	if key, ok := b.newRooms[id]; ok {
		return key, nil
	}
	err = b.conn.QueryRowContext(b.ctx, "INSERT INTO rooms (id, seq) VALUES (?, 0) RETURNING key", id).Scan(&key)
	b.newRooms[id] = key
	return key, err
}

// person returns the key of somebody, and notes what they are called.
func (b *batch) person(id chat.UserID, name string) (key int64, err error) {
	p, ok := b.newPeople[id]
	if !ok {
		p, ok = b.people[id]
	}
	if ok && p.name == name {
		return p.key, nil
	}
	p.name, p.plain = name, plain(name)
	err = b.conn.QueryRowContext(b.ctx, "INSERT INTO people (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING key", id, name).Scan(&p.key)
	b.newPeople[id] = p
	return p.key, err
}

// statements are those that every message needs.
type statements struct {
	find, last, insert, index, unindex, remove *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	for stmt, query := range map[**sql.Stmt]string{
		&s.find:    "SELECT id, author, flags, text FROM messages WHERE room = ? AND seq = ?",
		&s.last:    "SELECT coalesce(max(id), 0) FROM messages WHERE id BETWEEN ? AND ?",
		&s.insert:  "INSERT INTO messages (id, room, seq, author, flags, text) VALUES (?, ?, ?, ?, ?, ?)",
		&s.index:   "INSERT INTO words (rowid, tokens) VALUES (?, ?)",
		&s.unindex: "INSERT INTO words (words, rowid, tokens) VALUES ('delete', ?, ?)",
		&s.remove:  "DELETE FROM messages WHERE id = ?",
	} {
		var err error
		if *stmt, err = conn.PrepareContext(ctx, query); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	return nil
}

func (s *statements) close() {
	for _, stmt := range []*sql.Stmt{s.find, s.last, s.insert, s.index, s.unindex, s.remove} {
		if stmt != nil {
			stmt.Close()
		}
	}
	*s = statements{}
}

// textOf is what a message is found by: what it says, and behind that what its files are
// called.
func textOf(e chat.Event) string {
	text := e.Body
	for _, f := range e.Files {
		text += "\n" + f.Name
	}
	return text
}

// flagsOf says what a message is like.
func flagsOf(e chat.Event) (f Flags) {
	for _, held := range e.Files {
		if f |= hasFile; strings.HasPrefix(held.Type, "image/") {
			f |= hasImage
		}
	}
	if e.Pinned {
		f |= isPinned
	}
	if e.Thread > 0 {
		f |= isThread
	}
	rest := e.Body
	for {
		i := strings.Index(rest, "://")
		if i < 0 {
			return f
		}
		before := strings.ToLower(rest[max(0, i-5):i])
		rest = rest[i+3:]
		if !strings.HasSuffix(before, "http") && !strings.HasSuffix(before, "https") {
			continue
		}
		f |= hasLink
		end := strings.IndexFunc(rest, func(r rune) bool { return isSpace(r) || strings.ContainsRune("<>()[]\"'`", r) })
		if end < 0 {
			end = len(rest)
		}
		f |= linked(rest[:end])
	}
}

var images = map[string]bool{".png": true, ".jpg": true, ".jpeg": true, ".gif": true, ".webp": true, ".avif": true, ".svg": true, ".heic": true}

// linked says what a link leads to, as far as its end tells.
func linked(link string) Flags {
	u, err := url.Parse("https://" + link)
	if err != nil {
		return 0
	}
	switch ext := strings.ToLower(path.Ext(strings.TrimRight(u.Path, ".,;:!?"))); {
	case images[ext]:
		return hasFile | hasImage
	case len(ext) >= 3 && len(ext) <= 5 && ext != ".html" && ext != ".htm" && ext != ".php" && ext != ".asp" && ext != ".aspx":
		return hasFile
	}
	return 0
}
