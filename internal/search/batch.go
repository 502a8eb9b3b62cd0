package search

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hubbub/internal/chat"
)

// This file is the transaction in which the index takes a step.

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
		return errAnew
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
// It returns those that are.
func (b *batch) follow(rooms map[chat.RoomID]*news) (done []chat.RoomID, err error) {
	for id, n := range rooms {
		for end := false; !end; {
			if b.enough() {
				return done, nil
			}
			if end, err = b.followRoom(id, n); err != nil {
				return nil, fmt.Errorf("room %s: %w", id, err)
			}
		}
		done = append(done, id)
	}
	return done, nil
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

// followRoom takes a step along a room's log: events that the index was told of, or else
// it reads some. end says that there is no more.
func (b *batch) followRoom(id chat.RoomID, n *news) (end bool, err error) {
	after := b.cursor(id)
	if after >= n.head {
		return true, nil
	}
	events := n.behind(after)
	told := len(events) > 0
	if !told {
		if events, err = b.Log.Read(b.ctx, id, after, readStep); err != nil || len(events) == 0 {
			return true, err
		}
	}
	key, err := b.room(id)
	if err != nil {
		return false, err
	}
	for _, e := range events {
		b.read++
		if p, known := b.known(e.Author); told && known {
			e.Name = p.name // what was told may have been said before they were called so
		}
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
	return !told && len(events) < readStep, nil
}

// cursor returns how far a room's log is in the index.
func (b *batch) cursor(id chat.RoomID) chat.Seq {
	key, ok := b.rooms[id]
	if !ok {
		key = b.newRooms[id]
	}
	if seq, ok := b.moved[key]; ok {
		return seq
	}
	return b.cursors[key]
}

// behind returns the events that are known to come next after a place; none: the log has
// to be read.
func (n *news) behind(after chat.Seq) []chat.Event {
	if len(n.events) == 0 || n.events[0].Seq > after+1 || n.events[len(n.events)-1].Seq <= after {
		return nil
	}
	return n.events[after+1-n.events[0].Seq:]
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
		if is.id, err = b.newID(e.Room, e.Time.UnixMilli()); err != nil {
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
func (b *batch) newID(room chat.RoomID, ms int64) (id int64, err error) {
	for ; ; ms++ {
		first := firstID(ms) | bitsOf(room)<<counterBits
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

// known returns somebody whom the index knows.
func (b *batch) known(id chat.UserID) (p person, ok bool) {
	if p, ok = b.newPeople[id]; !ok {
		p, ok = b.people[id]
	}
	return p, ok
}

// person returns the key of somebody, and notes what they are called.
func (b *batch) person(id chat.UserID, name string) (key int64, err error) {
	p, ok := b.known(id)
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
