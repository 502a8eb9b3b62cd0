package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hubbub/internal/chat"
	"hubbub/internal/sqlite"
	"hubbub/internal/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("APPEND_UNTIL_KILLED"); dir != "" {
		appendUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), dir, slog.New(slog.DiscardHandler), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, place string) chat.Store { return open(t, place) })
}

// raw opens the file as another program would.
func raw(t testing.TB, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "hubbub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// testdata/schema1.sql is a database of the first release with a row of each
// kind. Nobody edits it: today's code must open it and find everything.
func TestFirstSchema(t *testing.T) {
	dir := t.TempDir()
	dump, err := os.ReadFile("testdata/schema1.sql")
	if err != nil {
		t.Fatal(err)
	}
	db := raw(t, dir)
	if _, err := db.Exec(string(dump)); err != nil {
		t.Fatal(err)
	}
	db.Close()

	s := open(t, dir)
	defer s.Close()
	ines, err := s.Login(t.Context(), chat.HashToken("hbt_of_the_first_release"))
	if err != nil || ines.Name != "Ines" || ines.ID != "7fq2mk9x4vhd3stb" {
		t.Fatalf("%+v, %v", ines, err)
	}
	rooms, err := s.Memberships(t.Context(), ines.ID)
	if err != nil || len(rooms) != 1 || rooms[0].Name != "kitchen" || rooms[0].Read != 2 || rooms[0].Head != 4 {
		t.Fatalf("%+v, %v", rooms, err)
	}
	head, err := s.Head(t.Context(), rooms[0].ID)
	if err != nil || head.Epoch != "m4t8zq1x" {
		t.Errorf("%+v, %v", head, err)
	}
	events, err := s.Read(t.Context(), rooms[0].ID, 0, 10)
	if err != nil || len(events) != 4 || events[0].Body != "It fits with 5 mm to spare 🎉" || events[0].Revised != 2 ||
		!events[2].Deleted || events[0].ID.String() != "0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01" || events[0].Time.UnixMilli() != 1795467187412 {
		t.Errorf("%+v, %v", events, err)
	}
	r := s.Append(t.Context(), []chat.Draft{{Room: rooms[0].ID, Author: ines.ID, Kind: chat.KindMessage, ID: events[0].ID, Body: "It fits with 4 mm to spare 🎉"}})[0]
	if !r.Repeated || r.Event.Seq != 1 {
		t.Errorf("an old message again: %+v", r)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// testdata/schema2.sql is a database of the second schema, with rows of each kind.
func TestSecondSchema(t *testing.T) {
	dir := t.TempDir()
	dump, err := os.ReadFile("testdata/schema2.sql")
	if err != nil {
		t.Fatal(err)
	}
	db := raw(t, dir)
	if _, err := db.Exec(string(dump)); err != nil {
		t.Fatal(err)
	}
	db.Close()
	key := func(name string) string { return strings.ReplaceAll(name, "1", "i") }
	for range 2 { // brought up to date, and opened again
		s, err := sqlite.Open(t.Context(), dir, slog.New(slog.DiscardHandler), sqlite.Options{RoomKey: key})
		if err != nil {
			t.Fatal(err)
		}
		checkSecond(t, s)
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

// checkSecond wants everything to be as it was, and to work as it does today.
func checkSecond(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx := t.Context()
	l, err := s.Login(ctx, chat.HashToken("hbt_of_the_second_schema"))
	if err != nil || l.Name != "Ines" || l.Role != chat.RoleOwner || l.Bot || l.Scope != nil || l.Session != "0123456789abcdef" {
		t.Fatalf("%+v, %v", l, err)
	}
	list, err := s.Memberships(ctx, l.ID)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	m := list[0]
	if m.ID != "w8c1hn5tz0ra" || m.Name != "kitchen" || m.Kind != chat.RoomPublic || m.State != chat.StateMember || m.Moderator || m.Members != 2 ||
		m.Head != 6 || m.Read != 2 || m.Unread != 3 || m.Mentions != 0 || m.By.ID != "" || m.Created.UnixMilli() != 1795467000003 {
		t.Errorf("her room is %+v", m)
	}
	if list, err := s.Memberships(ctx, "b9d4w7rn2kxm5qhs"); err != nil || len(list) != 2 || list[0].Unread+list[1].Unread != 0 {
		t.Errorf("his rooms are %+v, %v", list, err)
	}
	events, err := s.Read(ctx, m.ID, 0, 10)
	if err != nil || len(events) != 6 || events[0].Body != "It fits with 5 mm to spare 🎉" || events[0].Revised != 2 || !events[2].Deleted ||
		events[4].Name != "Kim" || events[5].About.ID != "" || !events[5].Until.IsZero() || events[5].Mentions != nil {
		t.Errorf("%+v, %v", events, err)
	}
	// Names have keys now. Of two that look alike the older one has it, and both are found.
	for display, id := range map[string]chat.RoomID{"kitchen": m.ID, "k1tchen": "q8w1e5r2t9y3", "lobby": "k3v9x2m7qp4d"} {
		if r, err := s.EnsureRoom(ctx, chat.Name{Display: display, Key: "kitchen"}, ""); err != nil || r.ID != id {
			t.Errorf("%s is %+v, %v", display, r, err)
		}
	}
	for display, key := range map[string]string{"kitch1n": "kitchen", "l0bby": "lobby"} {
		if _, err := s.EnsureRoom(ctx, chat.Name{Display: display, Key: key}, ""); err == nil || chat.AsError(err).Code != chat.CodeRoomExists {
			t.Errorf("%s was made: %v", display, err)
		}
	}
	i, err := s.Invite(ctx, chat.HashToken("hbi_of_the_second_schema"))
	if err != nil || i.Room != m.ID || i.By != l.ID || i.Used != 1 || i.Role != chat.RoleMember {
		t.Errorf("the invitation is %+v, %v", i, err)
	}
	people, err := s.People(ctx)
	if err != nil || len(people) != 1 || people[0].Password != "$argon2id$v=19$stored" || people[0].Picture != "p1" {
		t.Errorf("the people are %+v, %v", people, err) // nobody else has a session or an account
	}
	if _, err := s.AddVisitor(ctx, storetest.Named("kim")); err == nil {
		t.Error("a name that rested does not")
	}
	if v, err := s.Setting(ctx, "guests"); v != "open" || err != nil {
		t.Errorf("guests are %q, %v", v, err)
	}
	if place, err := s.Place(ctx); err != nil || place == "" {
		t.Errorf("the place has no log: %v", err)
	}
	d := chat.Draft{Room: m.ID, Author: l.ID, Kind: chat.KindMessage, ID: events[0].ID, Body: "It fits with 4 mm to spare 🎉"}
	if r := s.Append(ctx, []chat.Draft{d})[0]; !r.Repeated || r.Event.Seq != 1 {
		t.Errorf("an old message again: %+v", r)
	}
}

func TestRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	used := t.TempDir()
	holder := open(t, used)
	defer holder.Close()
	newer := t.TempDir()
	open(t, newer).Close()
	if _, err := raw(t, newer).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	nonsense := t.TempDir()
	text := bytes.Repeat([]byte("not a database "), 100)
	if err := os.WriteFile(filepath.Join(nonsense, "hubbub.db"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		file:                       "the data folder " + file + " cannot be used: not a directory",
		filepath.Join(file, "sub"): "cannot be used: not a directory",
		used:                       "the data folder " + used + " is in use by another hubbub",
		newer:                      "the data folder " + newer + " was written by a newer hubbub (schema 99, this one knows 9)",
		nonsense:                   "is not a database of hubbub, or is damaged",
	} {
		s, err := sqlite.Open(t.Context(), dir, slog.New(slog.DiscardHandler), sqlite.Options{})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if got, err := os.ReadFile(filepath.Join(nonsense, "hubbub.db")); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the foreign file was changed: %v", err)
	}
	if r := storetest.NewTalker(t, holder).Say("still here"); r.Err != nil {
		t.Error(r.Err)
	}
}

// Open reads the settings back, and does not serve with weaker ones.
func TestDurableSettings(t *testing.T) {
	s := open(t, t.TempDir())
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "0", "secure_delete": "1", "wal_autocheckpoint": "4000", "busy_timeout": "5000",
	} {
		if got, err := s.Pragma(name); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %s", name, got, err, want)
		}
	}
	s.Close()
	all := *sqlite.Mandatory
	defer func() { *sqlite.Mandatory = all }()
	*sqlite.Mandatory = slices.DeleteFunc(slices.Clone(all), func(p string) bool { return strings.HasPrefix(p, "synchronous") })
	*sqlite.Mandatory = append(*sqlite.Mandatory, "synchronous(normal)")
	if s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler), sqlite.Options{}); err == nil || !strings.Contains(err.Error(), "would not keep what it acknowledges") {
		if err == nil {
			s.Close()
		}
		t.Errorf("with synchronous=NORMAL: %v", err)
	}
}

// Nobody else on the machine may read the folder.
func TestFileModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := open(t, dir)
	defer s.Close()
	if r := storetest.NewTalker(t, s).Say("x"); r.Err != nil {
		t.Fatal(r.Err)
	}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A full disk refuses messages; when there is room again it goes on.
func TestDiskFull(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	k := storetest.NewTalker(t, s)
	if err := s.LimitPages(10); err != nil {
		t.Fatal(err)
	}
	stored := 0
	var r chat.Result
	for range 100 {
		if r = k.Say(strings.Repeat("x", 4000)); r.Err != nil {
			break
		}
		stored++
	}
	if r.Err == nil || chat.AsError(r.Err).Code != chat.CodeUnavailable || stored == 0 {
		t.Fatalf("after %d messages: %v", stored, r.Err)
	}
	select {
	case <-s.Failed():
		t.Fatal("a full disk ended the store")
	default:
	}
	if err := s.LimitPages(1000); err != nil {
		t.Fatal(err)
	}
	if r := k.Say("room again"); r.Err != nil || int(r.Event.Seq) != stored+1 {
		t.Errorf("%+v", r)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Once a commit has failed nothing is acknowledged any more, and what was
// acknowledged before is there.
func TestFailedCommit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	k := storetest.NewTalker(t, s)
	if r := k.Say("before"); r.Err != nil {
		t.Fatal(r.Err)
	}
	var told []chat.Event
	s.Follow(func(e []chat.Event) { told = append(told, e...) })
	if err := s.BreakCommits(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if r := k.Say("after"); r.Err == nil || chat.AsError(r.Err).Code != chat.CodeUnavailable {
			t.Errorf("%+v", r)
		}
	}
	select {
	case <-s.Failed():
	default:
		t.Error("Failed is not closed")
	}
	if len(told) != 0 {
		t.Errorf("told of %v", told)
	}
	s.Close()
	s = open(t, dir)
	defer s.Close()
	if events, err := s.Read(t.Context(), k.Room, 0, 10); err != nil || len(events) != 1 || events[0].Body != "before" {
		t.Errorf("%+v, %v", events, err)
	}
}

// What was deleted is gone from the files, not only from the answers.
func TestErasedFromTheFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	k := storetest.NewTalker(t, s)
	word := "verysecretword"
	e := k.Say(word + " one").Event
	change := chat.Draft{Room: e.Room, Author: e.Author, Kind: chat.KindEdit, ID: k.Draft("").ID, Target: e.Seq, Body: word + " two"}
	gone := chat.Draft{Room: e.Room, Author: e.Author, Kind: chat.KindDelete, ID: k.Draft("").ID, Target: e.Seq}
	s.Append(t.Context(), []chat.Draft{change})
	if !inFiles(t, dir, word) {
		t.Fatal("the word is not where this test looks")
	}
	if r := s.Append(t.Context(), []chat.Draft{gone})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	s.Close() // until then the WAL may hold old pages
	if inFiles(t, dir, word) {
		t.Error("the word is still in the files")
	}
}

// What retention erased is gone from the files when Sweep returns, while the store goes
// on: from the database and from the WAL.
func TestSweptFromTheFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	k := storetest.NewTalker(t, s)
	word := "verysecretword"
	e := k.Say(word + " one").Event
	s.Append(t.Context(), []chat.Draft{{Room: e.Room, Author: e.Author, Kind: chat.KindEdit, ID: k.Draft("").ID, Target: e.Seq, Body: word + " two"}})
	for range 30 { // over pages, and long ones
		k.Say(strings.Repeat(word+" ", 200))
	}
	k.Say("the last one")
	if !inFiles(t, dir, word) {
		t.Fatal("the word is not where this test looks")
	}
	if n, err := s.Sweep(t.Context(), chat.Keep{Messages: 1}); err != nil || n != 1 {
		t.Fatalf("erased in %d rooms, %v", n, err)
	}
	if inFiles(t, dir, word) {
		t.Error("the word is still in the files")
	}
	if !inFiles(t, dir, "the last one") {
		t.Error("what is kept is not in the files")
	}
}

// Messages that are older than so many days are erased, to the day, also where a room
// has more of them than are erased at a time.
func TestSweptByAge(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	k := storetest.NewTalker(t, s)
	var drafts []chat.Draft
	for range 5000 {
		drafts = append(drafts, k.Draft("x"))
	}
	s.Append(t.Context(), drafts)
	s.Close()
	day := int64(24 * time.Hour / time.Millisecond)
	if _, err := raw(t, dir).Exec("UPDATE events SET time = ? + ? * (seq > 2000) + ? * (seq > 4500)", time.Now().UnixMilli()-31*day, day+60_000, 5*day); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	for _, x := range []struct {
		days int
		want chat.Seq
	}{{400, 0}, {30, 2000}, {30, 2000}, {29, 4500}} {
		if _, err := s.Sweep(t.Context(), chat.Keep{Days: x.days}); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Room(t.Context(), k.Room); err != nil || r.Floor != x.want {
			t.Errorf("keeping %d days erases up to %d, not %d, %v", x.days, r.Floor, x.want, err)
		}
	}
	events, err := s.Read(t.Context(), k.Room, 0, 10_000)
	if err != nil || len(events) != 5002 || !events[4499].Deleted || events[4500].Deleted || events[5000].Target != 2000 || events[5001].Target != 4500 {
		t.Errorf("%d events, %v", len(events), err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func inFiles(t *testing.T, dir, word string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil && bytes.Contains(b, []byte(word)) {
			return true
		}
	}
	return false
}

// Another program that holds the database for a while delays messages, and
// loses none.
func TestBusyFromOutside(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	k := storetest.NewTalker(t, s)
	conn, err := raw(t, dir).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	results := make(chan chat.Result)
	go func() { results <- k.Say("patience") }()
	select {
	case r := <-results:
		t.Fatalf("it did not wait: %+v", r)
	case <-time.After(200 * time.Millisecond): // there is no signal for "still waiting"
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if r := <-results; r.Err != nil {
		t.Error(r.Err)
	}
}

// modernc.org/sqlite is made for one version of its libc; another may corrupt.
func TestLibcVersion(t *testing.T) {
	version := func(file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindSubmatch(b)
		if m == nil {
			t.Fatalf("%s does not name modernc.org/libc", file)
		}
		return string(m[1])
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatal(err)
	}
	if ours, theirs := version("../../go.mod"), version(strings.TrimSpace(string(out))); ours != theirs {
		t.Errorf("go.mod has libc %s, SQLite was made with %s", ours, theirs)
	}
}

// appendUntilKilled is what the child of TestKilled does: append, and say what
// was acknowledged.
func appendUntilKilled(dir string) {
	s, err := sqlite.Open(context.Background(), dir, slog.New(slog.DiscardHandler), sqlite.Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	room, _ := s.EnsureRoom(context.Background(), storetest.Named("lobby"), "")
	var out sync.Mutex
	for i := range 8 {
		p, _ := s.AddVisitor(context.Background(), storetest.Named(fmt.Sprint("child ", i)))
		go func() {
			for {
				k := storetest.Talker{Store: s, Room: room.ID, Author: p.ID}
				if r := k.Say("x"); r.Err == nil {
					out.Lock()
					fmt.Println(r.Event.ID, r.Event.Seq)
					out.Unlock()
				}
			}
		}()
	}
	select {}
}

func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]string{}
	for range 5 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "APPEND_UNTIL_KILLED="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			id, seq, ok := strings.Cut(lines.Text(), " ")
			if !ok || len(id) != 36 || acked[id] != "" {
				continue // a line that the kill cut short
			}
			acked[id] = seq
			if n == 200 {
				child.Process.Kill()
			}
		}
		var exit *exec.ExitError
		if err := child.Wait(); !errors.As(err, &exit) {
			t.Fatal(err)
		}
	}
	s := open(t, dir)
	defer s.Close()
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	room, err := s.EnsureRoom(t.Context(), storetest.Named("lobby"), "")
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Read(t.Context(), room.ID, 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{}
	for _, e := range events {
		stored[e.ID.String()] = fmt.Sprint(e.Seq)
	}
	for id, seq := range acked {
		if stored[id] != seq {
			t.Errorf("%s was acknowledged at %s and is at %q", id, seq, stored[id])
		}
	}
	if len(acked) < 1000 || len(stored) != len(events) {
		t.Errorf("%d acknowledged, %d stored under %d ids", len(acked), len(events), len(stored))
	}
}

// Appends of many callers to one or many rooms, each as durable as any: the
// figure is acknowledged messages per second.
func BenchmarkAppend(b *testing.B) {
	storetest.BenchmarkAppend(b, func(t testing.TB) chat.Store { return open(t, t.TempDir()) })
}
