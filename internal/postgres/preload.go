package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

// rightsKey names the advisory lock between those who decide by rights and those who
// take some away; migrations have one of their own.
const rightsKey = 0x6875626275620001

// wanted is what a group of drafts needs to know.
type wanted struct {
	rooms, people  []string
	standRooms     []string // a standing for each place of these two
	standPeople    []string
	ids            [][]byte // an event for each place of these two
	authors        []string
	knownR, knownP map[string]bool
	knownStand     map[[2]string]bool
	standing       [][2]string
}

func want(group []*sqlstore.Request) *wanted {
	w := &wanted{knownR: map[string]bool{}, knownP: map[string]bool{}, knownStand: map[[2]string]bool{}}
	for _, r := range group {
		for i := range r.Drafts {
			d := &r.Drafts[i]
			room := escape(string(d.Room))
			if !w.knownR[room] {
				w.knownR[room] = true
				w.rooms = append(w.rooms, room)
			}
			w.stand(room, d.Author)
			if d.About.ID != "" {
				w.stand(room, d.About.ID)
			}
			for _, m := range d.Mentions {
				w.stand(room, m.ID)
			}
			w.ids, w.authors = append(w.ids, d.ID[:]), append(w.authors, escape(string(d.Author)))
		}
	}
	return w
}

func (w *wanted) stand(room string, id chat.UserID) {
	person := escape(string(id))
	if !w.knownP[person] {
		w.knownP[person] = true
		w.people = append(w.people, person)
	}
	if at := [2]string{room, person}; !w.knownStand[at] {
		w.knownStand[at] = true
		w.standing = append(w.standing, at)
		w.standRooms, w.standPeople = append(w.standRooms, room), append(w.standPeople, person)
	}
}

// begin begins a transaction on a lane's connection. It then knows what the group's
// drafts need, and has their rooms locked, in one order everywhere so that two nodes wait
// for each other, and not both. One way to the server and back.
func (l *lane) begin(ctx context.Context, group []*sqlstore.Request) (*session, *sqlstore.Tx, error) {
	x := &session{conn: l.conn, there: map[sent]bool{}}
	t := l.s.Begin(ctx, x, sqlstore.NewKnown())
	l.token++
	b := new(pgx.Batch)
	b.Queue("BEGIN ISOLATION LEVEL READ COMMITTED")
	// Who asks later what became of this transaction waits for its end.
	b.Queue("UPDATE lanes SET token = $2 WHERE key = $1 RETURNING CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)", l.key, l.token).
		QueryRow(func(row pgx.Row) error {
			var ms int64
			err := row.Scan(&ms)
			switch {
			case errors.Is(err, pgx.ErrNoRows):
				return errLost // the lane begins anew
			case err == nil:
				l.s.Clock(ms)
			}
			return err
		})
	lock := "SELECT pg_advisory_xact_lock_shared($1)"
	if len(group) == 1 && group[0].Rights {
		lock = "SELECT pg_advisory_xact_lock($1)"
	}
	b.Queue(lock, int64(rightsKey))
	w := want(group)
	if len(w.rooms) > 0 {
		w.queue(b, x, t)
	}
	if err := x.send(ctx, b); err != nil {
		return x, nil, err
	}
	for _, at := range w.standing {
		t.KnowStranger(chat.RoomID(unescape(at[0])), chat.UserID(unescape(at[1])))
	}
	return x, t, nil
}

// queue puts the questions into a batch. The rooms come first: what is asked behind them
// is answered as it is while they are locked.
func (w *wanted) queue(b *pgx.Batch, x *session, t *sqlstore.Tx) {
	each := func(f func(sqlstore.Scanner) error) func(pgx.Rows) error {
		return func(rows pgx.Rows) error {
			for rows.Next() {
				if err := f(rows); err != nil {
					return err
				}
			}
			return rows.Err()
		}
	}
	b.Queue(selectRoom+"WHERE r.id = ANY($1::text[]) ORDER BY r.kind = 4, r.key"+lockRoom, w.rooms).Query(each(t.KnowRoom))
	b.Queue(selectPerson+"WHERE id = ANY($1::text[])", w.people).Query(each(t.KnowPerson))
	b.Queue("SELECT m.room, m.person, "+sqlstore.StandingColumns+` FROM unnest($1::text[], $2::text[]) AS w (room, person)
		JOIN rooms r ON r.id = w.room JOIN people p ON p.id = w.person JOIN memberships m ON m.room = r.key AND m.person = p.key`, w.standRooms, w.standPeople).
		Query(each(t.KnowStanding))
	b.Queue(`SELECT e.id, e.author FROM unnest($1::bytea[], $2::text[]) AS w (id, author)
		JOIN people p ON p.id = w.author JOIN events e ON e.id = w.id AND e.author = p.key`, w.ids, w.authors).
		Query(each(func(row sqlstore.Scanner) error {
			var id []byte
			var author int64
			err := row.Scan(&id, &author)
			if err == nil && len(id) == 16 {
				x.there[sent{[16]byte(id), author}] = true
			}
			return err
		}))
}
