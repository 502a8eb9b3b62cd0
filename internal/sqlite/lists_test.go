package sqlite_test

import (
	"fmt"
	"testing"

	"hubbub/internal/chat"
	"hubbub/internal/storetest"
)

// crowded is a store with 10,000 rooms on one person's list and 10,000 people in one
// private room, of whom only the last is a moderator.
func crowded(t testing.TB) (k storetest.Talker, club chat.RoomID) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	t.Cleanup(func() { s.Close() })
	k = storetest.NewTalker(t, s)
	db := raw(t, dir)
	for _, query := range []string{
		`CREATE TABLE temp.n AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT i FROM n`,
		`INSERT INTO rooms (id, kind, name, name_key, topic, members, created) SELECT 'room' || i, 1, 'room ' || i, 'key ' || i, 'about ' || i, 1, 1 FROM n`,
		`INSERT INTO people (id, name, name_key, visiting, created, role) SELECT 'person' || i, 'Person ' || i, 'person ' || i, 0, 1, 2 FROM n`,
		`INSERT INTO memberships (person, room, read) SELECT p.key, r.key, 0 FROM rooms r, people p WHERE r.id LIKE 'room%' AND p.id = '` + string(k.Author) + `'`,
		`INSERT INTO rooms (id, kind, name, members, created) VALUES ('club', 2, 'club', 10000, 1)`,
		`INSERT INTO memberships (person, room, read, moderator) SELECT p.key, r.key, 0, p.id = 'person9999' FROM rooms r, people p WHERE r.id = 'club' AND p.id LIKE 'person%'`,
	} {
		if _, err := db.Exec(query); err != nil {
			t.Fatal(fmt.Errorf("%s: %w", query, err))
		}
	}
	return k, "club"
}

// Lists of somebody with 10,000 rooms, and of a room of 10,000.
func BenchmarkLists(b *testing.B) {
	k, club := crowded(b)
	left := 0
	person := func(i int) chat.Actor {
		return chat.Actor{ID: chat.UserID(fmt.Sprint("person", i)), Role: chat.RoleMember}
	}
	members := func(w chat.Members) func() (int, error) {
		w.Show, w.Limit = chat.StateMember, 100
		return func() (int, error) {
			page, _, _, err := k.Store.Members(b.Context(), club, w)
			return len(page), err
		}
	}
	for _, x := range []struct {
		what string
		want int
		do   func() (int, error)
	}{
		{"rooms of a person", 10000, func() (int, error) {
			all, err := k.Store.Memberships(b.Context(), k.Author)
			return len(all), err
		}},
		{"members", 100, members(chat.Members{})},
		{"members by part", 100, members(chat.Members{Part: "77"})},
		{"moderators", 1, members(chat.Members{Ranks: true})},
		{"who is told", 1, func() (int, error) {
			all, err := k.Store.Moderators(b.Context(), club)
			return len(all), err
		}},
		{"leaving", 0, func() (int, error) {
			left++
			return 0, k.Store.Leave(b.Context(), person(left), club)
		}},
	} {
		b.Run(x.what, func(b *testing.B) {
			for range b.N {
				if n, err := x.do(); err != nil || n != x.want {
					b.Fatalf("%d of %d, %v", n, x.want, err)
				}
			}
		})
	}
}

// However much was said in a room, what is no part of its history is found without
// going through that: each request asks for an unread count.
func TestNothingWalksALog(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	k := storetest.NewTalker(t, s)
	r := s.Append(t.Context(), []chat.Draft{k.Draft("hello")})[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	room, seq := r.Event.Room, r.Event.Seq
	for _, ask := range []func() error{
		func() error { _, err := s.Access(t.Context(), k.Author, room); return err },
		func() error { _, err := s.Memberships(t.Context(), k.Author); return err },
		func() error { _, err := s.Audit(t.Context(), room, 1<<62, 10); return err },
		func() error { _, err := s.History(t.Context(), room, seq); return err },
		func() error { _, err := s.Thread(t.Context(), room, seq, 0, 10); return err },
		func() error { _, err := s.Threads(t.Context(), k.Author, 10); return err },
		func() error { _, err := s.Pins(t.Context(), room); return err },
		func() error { _, _, err := s.Seen(t.Context(), room, seq, 10); return err },
		func() error { _, err := s.Reports(t.Context(), room); return err },
	} {
		if err := ask(); err != nil {
			t.Error(err)
		}
	}
	if walks := s.Walks(); len(walks) > 0 {
		t.Errorf("these walk: %q", walks)
	}
	if _, err := s.Read(t.Context(), room, 0, 10); err != nil || len(s.Walks()) != 1 {
		t.Errorf("that history is read so goes unseen, %v", err)
	}
}
