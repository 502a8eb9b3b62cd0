package postgres

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

// session is a connection with an open transaction. It keeps statements back whose
// outcome does not matter, and events, of which many are stored by one statement: what is
// asked next takes them along, or the commit.
type session struct {
	conn  *sql.Conn
	there map[sent]bool // what was stored before, or is in this transaction
	kept  []kept        // in order
	heads []sqlstore.Head
}

// kept is a statement, or a run of events.
type kept struct {
	query  string
	args   []any
	events []event
}

// sent names an event as its author did.
type sent struct {
	id     [16]byte
	author int64
}

// event is an entry that waits.
type event struct {
	sqlstore.Entry
	id [16]byte
}

// What an append says.
const (
	// An event for each place of the arrays.
	insertEvents = `INSERT INTO events (room, seq, id, author, kind, target, time, body, about, until, mentions, thread, everyone, files)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::smallint[], $6::bigint[], $7::bigint[], $8::text[],
			$9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::smallint[], $14::text[])`
	insertPlain = `INSERT INTO events (room, seq, id, author, kind, target, time, body)
		SELECT room, seq, id, author, 1, 0, time, body FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[])
			AS e (room, seq, id, author, time, body)`
	setHeads = `UPDATE rooms r SET head = h.head, messages = h.messages, last = h.last
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS h (key, head, messages, last) WHERE r.key = h.key`
	selectRoom     = "SELECT r.key, r.messages, r.last, " + sqlstore.RoomColumns + " FROM rooms r "
	lockRoom       = " FOR NO KEY UPDATE OF r"
	selectPerson   = "SELECT key, id, name, role, bot FROM people "
	selectStanding = "SELECT " + sqlstore.StandingColumns + " FROM memberships m WHERE m.room = $1 AND m.person = $2"
)

// send runs a batch: one way to the server and back.
func (x *session) send(ctx context.Context, b *pgx.Batch) error {
	return x.conn.Raw(func(c any) error { return c.(*stdlib.Conn).Conn().SendBatch(ctx, b).Close() })
}

// closed says that the connection has gone.
func (x *session) closed() (closed bool) {
	err := x.conn.Raw(func(c any) error {
		closed = c.(*stdlib.Conn).Conn().IsClosed()
		return nil
	})
	return closed || err != nil
}

// queue puts what was kept back into a batch. Ids are in one order everywhere, so that
// two nodes that are sent the same ones wait for each other, and not both.
func (x *session) queue(b *pgx.Batch) {
	for _, k := range x.kept {
		switch {
		case k.events == nil:
			b.Queue(k.query, k.args...)
		case slices.ContainsFunc(k.events, func(e event) bool { return !e.Plain() }):
			queueEvents(b, k.events)
		default:
			queuePlain(b, k.events)
		}
	}
	x.kept = nil
	if len(x.heads) > 0 {
		keys, heads, messages, last := make([]int64, len(x.heads)), make([]int64, len(x.heads)), make([]int64, len(x.heads)), make([]int64, len(x.heads))
		for i, h := range x.heads {
			keys[i], heads[i], messages[i], last[i] = h.Room, int64(h.Seq), h.Messages, h.Time
		}
		b.Queue(setHeads, keys, heads, messages, last)
		x.heads = nil
	}
}

func byID(a, b event) int { return bytes.Compare(a.id[:], b.id[:]) }

func queuePlain(b *pgx.Batch, events []event) {
	slices.SortFunc(events, byID)
	n := len(events)
	rooms, seqs, ids, authors, times, bodies := make([]int64, n), make([]int64, n), make([][]byte, n), make([]int64, n), make([]int64, n), make([]string, n)
	for i := range events {
		e := &events[i]
		rooms[i], seqs[i], ids[i], authors[i], times[i], bodies[i] = e.Room, e.Seq, e.id[:], e.Author, e.Time, escape(e.Body)
	}
	b.Queue(insertPlain, rooms, seqs, ids, authors, times, bodies)
}

func queueEvents(b *pgx.Batch, events []event) {
	slices.SortFunc(events, byID)
	n := len(events)
	numbers := make([][]int64, 10)
	for i := range numbers {
		numbers[i] = make([]int64, n)
	}
	ids, bodies, mentions, files := make([][]byte, n), make([]string, n), make([]*string, n), make([]*string, n)
	for i := range events {
		e := &events[i]
		ids[i], bodies[i], mentions[i], files[i] = e.id[:], escape(e.Body), text(e.Mentions), text(e.Files)
		for k, v := range [...]int64{e.Room, e.Seq, e.Author, e.Kind, e.Target, e.Time, e.About, e.Until, e.Thread, e.Everyone} {
			numbers[k][i] = v
		}
	}
	b.Queue(insertEvents, numbers[0], numbers[1], ids, numbers[2], numbers[3], numbers[4], numbers[5], bodies,
		numbers[6], numbers[7], mentions, numbers[8], numbers[9], files)
}

// text is a text that may be none.
func text(v any) *string {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	s = escape(s)
	return &s
}

// flush sends what was kept back.
func (x *session) flush(ctx context.Context) error {
	if len(x.kept) == 0 && len(x.heads) == 0 {
		return nil
	}
	b := new(pgx.Batch)
	x.queue(b)
	return x.send(ctx, b)
}

// note sends what was kept back, and adds changes to their log, which is then locked.
func (x *session) note(ctx context.Context, now int64, changes []chat.Change) error {
	all := make([]string, len(changes))
	for i, c := range changes {
		b, err := json.Marshal(c)
		if err != nil {
			return err
		}
		all[i] = escape(string(b))
	}
	b := new(pgx.Batch)
	x.queue(b)
	b.Queue(`WITH h AS (UPDATE changes_head SET head = head + $1 RETURNING head - $1 AS before)
		INSERT INTO changes (seq, time, what) SELECT h.before + w.n, $2, w.what FROM h, unnest($3::text[]) WITH ORDINALITY AS w (what, n) RETURNING seq`,
		len(all), now, all).Query(func(rows pgx.Rows) error {
		for i := 0; rows.Next(); i++ {
			if err := rows.Scan(&changes[i].Seq); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return x.send(ctx, b)
}

// commit sends what was kept back, and commits.
func (x *session) commit(ctx context.Context) error {
	b := new(pgx.Batch)
	x.queue(b)
	b.Queue("COMMIT")
	return x.send(ctx, b)
}

// rollback undoes the transaction.
func (x *session) rollback(ctx context.Context) error {
	b := new(pgx.Batch)
	b.Queue("ROLLBACK")
	return x.send(ctx, b)
}

// Exec implements sqlstore.Session.
func (x *session) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := x.flush(ctx); err != nil {
		return nil, err
	}
	return x.conn.ExecContext(ctx, translate(query), values(args)...)
}

// Later implements sqlstore.Session.
func (x *session) Later(_ context.Context, query string, args ...any) error {
	x.kept = append(x.kept, kept{query: translate(query), args: values(args)})
	return nil
}

// Query implements sqlstore.Session.
func (x *session) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	if err := x.flush(ctx); err != nil {
		return nil, err
	}
	rows, err := x.conn.QueryContext(ctx, translate(query), values(args)...)
	if err != nil {
		return nil, err
	}
	return &rowsOf{rows, func() {}}, nil
}

// Row implements sqlstore.Session.
func (x *session) Row(ctx context.Context, query string, args ...any) sqlstore.Scanner {
	if err := x.flush(ctx); err != nil {
		return failed{err}
	}
	return rowOf{x.conn.QueryRowContext(ctx, translate(query), values(args)...)}
}

// rowOf is a row with its texts as they were.
type rowOf struct{ sqlstore.Scanner }

// Scan implements sqlstore.Scanner.
func (r rowOf) Scan(into ...any) error {
	err := r.Scanner.Scan(into...)
	if err == nil {
		restore(into)
	}
	return err
}

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// Insert implements sqlstore.Session. That the id is new is known of drafts, and true of
// what follows from a change; if another node has stored it in another room meanwhile,
// the unique key fails the transaction, which is then tried again.
func (x *session) Insert(_ context.Context, e *sqlstore.Entry) (stored bool, err error) {
	name := sent{[16]byte(e.ID), e.Author}
	if x.there[name] {
		return false, nil
	}
	x.there[name] = true
	if n := len(x.kept); n == 0 || x.kept[n-1].events == nil {
		x.kept = append(x.kept, kept{})
	}
	last := &x.kept[len(x.kept)-1]
	last.events = append(last.events, event{*e, name.id})
	return true, nil
}

// First implements sqlstore.Session.
func (x *session) First(ctx context.Context, id []byte, author int64) sqlstore.Scanner {
	return x.Row(ctx, sqlstore.SelectEvents+"WHERE e.id = ? AND e.author = ?", bytes.Clone(id), author)
}

// Room implements sqlstore.Session.
func (x *session) Room(ctx context.Context, id chat.RoomID, lock bool) sqlstore.Scanner {
	query := selectRoom + "WHERE r.id = $1"
	if lock {
		query += lockRoom
	}
	return x.Row(ctx, query, id)
}

// Person implements sqlstore.Session.
func (x *session) Person(ctx context.Context, id chat.UserID) sqlstore.Scanner {
	return x.Row(ctx, selectPerson+"WHERE id = $1", id)
}

// Standing implements sqlstore.Session.
func (x *session) Standing(ctx context.Context, room, person int64) sqlstore.Scanner {
	return x.Row(ctx, selectStanding, room, person)
}

// SetHead implements sqlstore.Session.
func (x *session) SetHead(_ context.Context, h sqlstore.Head) error {
	x.heads = append(x.heads, h)
	return nil
}
