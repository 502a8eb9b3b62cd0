package postgres_test

import (
	"os"
	"slices"
	"testing"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/pgtest"
	"hubbub/internal/storetest"
)

// testdata/schema1.sql is a database of the first schema, with rows of each kind. Nobody
// edits it: today's code must open it and find everything, and it must come to the same
// tables as an empty one.
func TestFirstSchema(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	dump, err := os.ReadFile("testdata/schema1.sql")
	if err != nil {
		t.Fatal(err)
	}
	execute(t, url, string(dump))
	s := open(t, url)
	defer s.Close()
	ines, err := s.Login(t.Context(), chat.HashToken("hbt_of_the_first_schema"))
	if err != nil || ines.Name != "ines" || ines.ID != "8zz0wb0mnh9b48e3" || ines.Role != chat.RoleMember {
		t.Fatalf("%+v, %v", ines, err)
	}
	rooms, err := s.Memberships(t.Context(), ines.ID)
	if err != nil || len(rooms) != 1 || rooms[0].Name != "kitchen" || rooms[0].Read != 4 || rooms[0].Head != 6 {
		t.Fatalf("%+v, %v", rooms, err)
	}
	head, err := s.Head(t.Context(), rooms[0].ID)
	if err != nil || head.Epoch != "ybkzk0w9" {
		t.Errorf("%+v, %v", head, err)
	}
	events, err := s.Read(t.Context(), rooms[0].ID, 0, 10)
	if err != nil || len(events) != 6 || events[0].Body != "It fits with 5 mm to spare 🎉" || events[0].Revised != 2 || !events[0].Pinned ||
		len(events[0].Reactions) != 1 || !events[2].Deleted || events[0].Time.UnixMilli() != 1795593367700 {
		t.Errorf("%+v, %v", events, err)
	}
	d := chat.Draft{Room: rooms[0].ID, Author: ines.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.MustParse("0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01")), Body: "It fits with 4 mm to spare 🎉"}
	if r := s.Append(t.Context(), []chat.Draft{d})[0]; !r.Repeated || r.Event.Seq != 1 {
		t.Errorf("an old message again: %+v", r)
	}
	i, err := s.Invite(t.Context(), chat.HashToken("hbi_of_the_first_schema"))
	if err != nil || i.Room != rooms[0].ID || i.By != ines.ID {
		t.Errorf("the invitation is %+v, %v", i, err)
	}
	if changes, err := s.Changes(t.Context(), 0, 10); err != nil || len(changes) != 3 || changes[1].Range.String() != "192.0.2.0/24" {
		t.Errorf("the changes are %+v, %v", changes, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if old, today := columns(t, url), columns(t, fresh(t)); !slices.Equal(old, today) {
		t.Errorf("an old database has %q, a new one %q", old, today)
	}
}

// columns describes the tables of a database.
func columns(t *testing.T, url string) (all []string) {
	t.Helper()
	err := raw(t, url).QueryRow(t.Context(), `SELECT array_agg(concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, collation_name) ORDER BY table_name, column_name)
		FROM information_schema.columns WHERE table_schema = 'public'`).Scan(&all)
	if err != nil || len(all) < 100 {
		t.Fatalf("%d columns, %v", len(all), err)
	}
	return all
}

// A process goes on while a newer one makes the first of two steps: it adds what the
// older one does not know. It may also start then; after the second step it may not.
func TestOlderBesideNewer(t *testing.T) {
	url := fresh(t)
	s := open(t, url)
	k := storetest.NewTalker(t, s)
	events := func(want int) {
		t.Helper()
		if r := s.Append(t.Context(), []chat.Draft{k.Draft("x")})[0]; r.Err != nil || int(r.Event.Seq) != want {
			t.Errorf("%+v", r)
		}
		if _, err := s.Memberships(t.Context(), k.Author); err != nil {
			t.Error(err)
		}
		if all, err := s.Read(t.Context(), k.Room, 0, 10); err != nil || len(all) != want {
			t.Errorf("%d events, %v", len(all), err)
		}
	}
	events(1)
	execute(t, url,
		"ALTER TABLE events ADD COLUMN weight bigint NOT NULL DEFAULT 0", "ALTER TABLE rooms ADD COLUMN colour text",
		"ALTER TABLE memberships ADD COLUMN star smallint NOT NULL DEFAULT 0", "CREATE TABLE stars (person bigint PRIMARY KEY)",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (1000, true)")
	events(2)
	s.Close()
	s = open(t, url)
	events(3)
	s.Close()
	execute(t, url, "UPDATE place SET oldest = 1000")
	refused(t, url, "was written by a newer hubbub (schema 1000, for programs that know 1000; this one knows ")
}
