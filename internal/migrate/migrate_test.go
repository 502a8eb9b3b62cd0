package migrate_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"hubbub/internal/chat"
	"hubbub/internal/migrate"
	"hubbub/internal/pgtest"
	"hubbub/internal/postgres"
	"hubbub/internal/s3test"
	"hubbub/internal/sqlite"
)

func TestMain(m *testing.M) {
	if what := os.Getenv("MIGRATE_UNTIL_KILLED"); what != "" {
		migrateUntilKilled(strings.Split(what, "|"))
	}
	code := pgtest.Main(m)
	os.RemoveAll(built.dir)
	os.Exit(code)
}

// move moves a place and returns what was said of it.
func move(t testing.TB, from, to string, change ...func(*migrate.Config)) (said string, err error) {
	t.Helper()
	c := migrate.Config{From: from, To: to, Batch: 100}
	for _, f := range change {
		f(&c)
	}
	also := c.Say
	c.Say = func(line string) {
		said += line + "\n"
		if also != nil {
			also(line)
		}
	}
	err = migrate.Run(t.Context(), c)
	return said, err
}

func moves(t testing.TB, from, to string, change ...func(*migrate.Config)) (said string) {
	t.Helper()
	said, err := move(t, from, to, change...)
	if err != nil {
		t.Fatalf("%v, after\n%s", err, said)
	}
	return said
}

// refused wants a move to fail with certain words.
func refused(t testing.TB, why, from, to string, change ...func(*migrate.Config)) {
	t.Helper()
	if _, err := move(t, from, to, change...); err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, not %q", err, why)
	}
}

func empty(t testing.TB) string { return pgtest.Start(t).Database(t) }

func execute(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, s := range statements {
		if done, err := conn.Exec(t.Context(), s); err != nil || strings.HasPrefix(s, "UPDATE") && done.RowsAffected() != 1 {
			t.Fatalf("%s: %v, %v", s, done, err)
		}
	}
}

// open opens a place as a server does.
func open(t testing.TB, place string) (chat.Store, error) {
	if strings.HasPrefix(place, "postgres://") {
		s, err := postgres.Open(context.Background(), place, quiet, postgres.Options{})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	s, err := sqlite.Open(context.Background(), place, quiet, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// closed wants a server to refuse a place.
func closed(t testing.TB, place, why string) {
	t.Helper()
	s, err := open(t, place)
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("a server is told %v, not %q", err, why)
	}
}

// hashes returns what lies in a folder of files.
func hashes(t testing.TB, dir string) map[string][32]byte {
	t.Helper()
	all := make(map[string][32]byte)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sameFiles wants a folder to have all files of the database, as they were in another. What
// was given up is no file any more.
func sameFiles(t testing.TB, old, new string) {
	t.Helper()
	a, b := hashes(t, old), hashes(t, new)
	for name, sum := range b {
		if a[name] != sum {
			t.Errorf("the file %s is another", name)
		}
	}
	if len(b) < 80 || len(a) != len(b)+1 {
		t.Errorf("%d files became %d", len(a), len(b))
	}
}

// compareDumps wants two places to hold the same, but for what is not UTF-8.
func compareDumps(t testing.TB, a, b map[string]string) {
	t.Helper()
	for name, rows := range a {
		if rows == "" {
			t.Errorf("there is nothing in the table %s: the test must know of it", name)
		}
		lines := func(rows string) []string { return strings.Split(strings.ReplaceAll(rows, `\xff\xc0`, "\uFFFD"), "\n") }
		was, is := lines(rows), lines(b[name])
		if len(was) != len(is) {
			t.Errorf("%d rows of the table %s became %d", len(was), name, len(is))
			continue
		}
		for i, row := range was {
			if is[i] != row {
				t.Errorf("the table %s had\n%s\nand has\n%s", name, row, is[i])
				break
			}
		}
	}
	if len(a) != len(b) || len(a) < 25 {
		t.Errorf("%d tables became %d", len(a), len(b))
	}
}

// A place moves into PostgreSQL and back, with everything. All that a store promises holds
// there, and new rows go on behind the old ones.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	before := dump(t, dir)
	toFiles := filepath.Join(t.TempDir(), "files")
	said := moves(t, dir, url, func(c *migrate.Config) { c.ToFiles = toFiles })
	sameFiles(t, filepath.Join(dir, "files"), toFiles)
	for _, line := range []string{"copied events: ", "compared events: 1597 rows, the same on both sides, SHA-256 ", "compared the heads of 5 rooms", "compared 82 files: the same bytes", "The place is in the database "} {
		if !strings.Contains(said, line) {
			t.Errorf("nothing says %q in\n%s", line, said)
		}
	}
	back := filepath.Join(t.TempDir(), "back")
	moves(t, url, back, func(c *migrate.Config) { c.FromFiles = toFiles })
	compareDumps(t, before, dump(t, back))
	compareDumps(t, before, dump(t, dir))
	sameFiles(t, filepath.Join(dir, "files"), filepath.Join(back, "files"))
	goesOn(t, back)

	again := empty(t)
	moves(t, back, again)
	goesOn(t, again)
}

// goesOn uses a place that moved.
func goesOn(t testing.TB, place string) {
	t.Helper()
	s, err := open(t, place)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	fresh := strings.ToLower(rand.Text())
	must(s.Check(ctx))
	ann, err := s.Login(ctx, chat.HashToken("hbt_Ann"))
	if err != nil || ann.Role != chat.RoleOwner {
		t.Errorf("%+v, %v", ann, err)
	}
	kitchen, err := s.RoomByName(ctx, "kitchen")
	must(err)
	if events, err := s.Read(ctx, kitchen.ID, 0, 1000); err != nil || len(events) != int(kitchen.Head) || len(events) < 80 {
		t.Errorf("%d events of %d, %v", len(events), kitchen.Head, err)
	}
	_, err = s.AddGuest(ctx, chat.Newcomer{Name: named("New " + fresh), Token: chat.HashToken(fresh)})
	must(err)
	_, err = s.AddVisitor(ctx, named("A visitor")) // whose name is free
	must(err)
	_, err = s.EnsureRoom(ctx, named("room "+fresh), ann.ID)
	must(err)
	must(s.AddUpload(ctx, chat.Upload{File: chat.File{ID: chat.FileID(fresh)}, Owner: ann.ID, Length: 10, Expires: time.Now().Add(time.Hour)}, 0))
	r := s.Append(ctx, []chat.Draft{{Room: kitchen.ID, Author: ann.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: "after"}})[0]
	if r.Err != nil || r.Event.Seq != kitchen.Head+1 {
		t.Errorf("%+v", r)
	}
	must(s.Check(ctx))
}

// Files go into a bucket and out of it like into a folder.
func TestBucket(t *testing.T) {
	bucket := s3test.Start(t).Bucket()
	dir, url, back := build(t), empty(t), filepath.Join(t.TempDir(), "back")
	before := hashes(t, filepath.Join(dir, "files"))
	moves(t, dir, url, func(c *migrate.Config) { c.ToFiles = bucket })
	if err := os.RemoveAll(filepath.Join(dir, "files")); err != nil {
		t.Fatal(err)
	}
	said := moves(t, url, back, func(c *migrate.Config) { c.FromFiles = bucket })
	if after := hashes(t, filepath.Join(back, "files")); len(after) != len(before)-1 || !strings.Contains(said, "compared 82 files: the same bytes on both sides") {
		t.Errorf("%d files became %d: %s", len(before), len(after), said)
	}
	refused(t, "--from-files: ", back, empty(t), func(c *migrate.Config) { c.FromFiles = filepath.Join(dir, "none") })
	refused(t, "--to-files: ", back, empty(t), func(c *migrate.Config) { c.ToFiles = "ftp://example.org/files" })
}

// A move of no files has nothing to copy there; those of a folder stay where they are,
// unless somebody says where they come.
func TestFilesStay(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	before := hashes(t, filepath.Join(dir, "files"))
	if said := moves(t, dir, url); !strings.Contains(said, "the bytes of 82 files are all there, and stay where they are") {
		t.Error(said)
	}
	if after := hashes(t, filepath.Join(dir, "files")); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("the files are others")
	}
	refused(t, "--from-files must say where the files lie", url, filepath.Join(t.TempDir(), "back"))
}

// What there is in one database alone is known, column by column: a migration that adds
// something must say what becomes of it.
func TestSchemas(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	for _, x := range []struct{ statement, why string }{
		{"CREATE TABLE stars (person bigint PRIMARY KEY)", "the table stars is in one of the databases alone"},
		{"ALTER TABLE rooms ADD COLUMN colour text", "the column rooms.colour is in one of the databases alone"},
		{"ALTER TABLE rooms ALTER COLUMN topic DROP DEFAULT, ALTER COLUMN topic TYPE bytea USING topic::bytea", "rooms.topic is a text in one database and bytes in the other"},
		{"ALTER TABLE aliases DROP CONSTRAINT aliases_pkey, ADD PRIMARY KEY (seq, room)", `the table aliases has the key ["room" "seq"] in one database and ["seq" "room"] in the other`},
	} {
		url := url
		if x.statement != "" {
			url = empty(t)
		}
		ctx, cancel := context.WithCancel(t.Context())
		c := migrate.Config{From: dir, To: url, Say: func(string) { cancel() }}
		migrate.Run(ctx, c) // the tables are there
		execute(t, url, x.statement)
		refused(t, x.why, dir, url)
	}
}
