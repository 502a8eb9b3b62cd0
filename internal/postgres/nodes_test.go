package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hubbub/internal/chat"
	"hubbub/internal/pgtest"
	"hubbub/internal/postgres"
	"hubbub/internal/storetest"
)

// Clocks of nodes may be off by hours, and each way: order, times within a room, what was
// sent before and what ends when are the same on all.
func TestClocksOff(t *testing.T) {
	url := fresh(t)
	var stores []*postgres.Store
	for _, off := range []time.Duration{0, 5 * time.Hour, -5 * time.Hour} {
		s, err := postgres.Open(t.Context(), url, quiet, postgres.Options{Now: func() time.Time { return time.Now().Add(off) }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores = append(stores, s)
	}
	k := storetest.NewTalker(t, stores[0])
	begun := time.Now().Add(-2 * time.Second)
	for i := range 12 {
		d := k.Draft(fmt.Sprint(i))
		for n := range stores {
			r := stores[(i+n)%3].Append(t.Context(), []chat.Draft{d})[0]
			if r.Err != nil || r.Repeated != (n > 0) || int(r.Event.Seq) != i+1 {
				t.Fatalf("draft %d on node %d: %+v", i, (i+n)%3, r)
			}
		}
	}
	events, err := stores[1].Read(t.Context(), k.Room, 0, 100)
	if err != nil || len(events) != 12 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	last := begun
	for _, e := range events {
		if e.Time.Before(last) || e.Time.After(time.Now().Add(2*time.Second)) {
			t.Errorf("event %d is at %v, behind %v", e.Seq, e.Time, last)
		}
		last = e.Time
	}
	mute := chat.Draft{Room: k.Room, Author: chat.OperatorID, Kind: chat.KindMute, ID: k.Draft("").ID, About: chat.Mention{ID: k.Author}, Until: time.Now().Add(time.Hour)}
	if r := stores[0].Append(t.Context(), []chat.Draft{mute})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	for i, s := range stores {
		if r := s.Append(t.Context(), []chat.Draft{k.Draft("muted")})[0]; r.Err == nil || chat.AsError(r.Err).Code != chat.CodeMuted {
			t.Errorf("node %d: %+v", i, r)
		}
	}
}

// An id that reaches two nodes at once, for two rooms, is one message; two such ids in
// opposite order fail nobody.
func TestSameIDs(t *testing.T) {
	url := fresh(t)
	a, b := open(t, url), open(t, url)
	defer a.Close()
	defer b.Close()
	k := storetest.NewTalker(t, a)
	other, err := a.EnsureRoom(t.Context(), storetest.Named("other"), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		here := []chat.Draft{k.Draft("one"), k.Draft("two")}
		there := []chat.Draft{here[1], here[0]}
		for i := range there {
			there[i].Room = other.ID
		}
		var results [2][]chat.Result
		var all sync.WaitGroup
		all.Go(func() { results[0] = a.Append(context.Background(), here) })
		all.Go(func() { results[1] = b.Append(context.Background(), there) })
		all.Wait()
		for i := range here {
			won, lost := results[0][i], results[1][1-i]
			if won.Err != nil {
				won, lost = lost, won
			}
			if won.Err != nil || won.Repeated || lost.Err == nil || chat.AsError(lost.Err).Code != chat.CodeConflict {
				t.Fatalf("%+v and %+v", won, lost)
			}
		}
	}
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// What PostgreSQL can not hold costs nobody else anything.
func TestStrangeTexts(t *testing.T) {
	s := open(t, fresh(t))
	defer s.Close()
	k := storetest.NewTalker(t, s)
	drafts := []chat.Draft{k.Draft("before"), k.Draft("broken \xff\xc0 text"), k.Draft("\x01\x01\x00\x02"), k.Draft("after")}
	for i, r := range s.Append(t.Context(), drafts) {
		if r.Err != nil || int(r.Event.Seq) != i+1 {
			t.Errorf("draft %d: %+v", i, r)
		}
	}
	events, err := s.Read(t.Context(), k.Room, 0, 10)
	if err != nil || len(events) != 4 || events[2].Body != "\x01\x01\x00\x02" || events[3].Body != "after" {
		t.Errorf("%+v, %v", events, err)
	}
	if _, err := s.Room(t.Context(), "no\x00such\xffroom"); err == nil || chat.AsError(err).Code != chat.CodeNotFound {
		t.Errorf("a room of strange bytes: %v", err)
	}
}

// Names of visitors are free when their node has died, however it died, and not before;
// another node that starts or sweeps takes nothing from the living.
func TestVisitorsOfNodes(t *testing.T) {
	url := fresh(t)
	a := open(t, url)
	defer a.Close()
	if _, err := a.AddVisitor(t.Context(), storetest.Named("alive")); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "VISIT_UNTIL_KILLED="+url)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "here" {
		t.Fatalf("the child says %q", lines.Text())
	}
	taken := func(s *postgres.Store, name string, want bool) {
		t.Helper()
		_, err := s.AddVisitor(t.Context(), storetest.Named(name))
		if (err != nil) != want || err != nil && chat.AsError(err).Code != chat.CodeNameTaken {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.Sweep(t.Context(), chat.Keep{}); err != nil {
		t.Fatal(err)
	}
	taken(a, "ghost", true)
	child.Process.Kill()
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) {
		t.Fatal(err)
	}
	b := open(t, url)
	defer b.Close()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) { // the server notices when it looks
		if _, err := b.Sweep(t.Context(), chat.Keep{}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.AddVisitor(t.Context(), storetest.Named("ghost")); err == nil {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("the name of a dead node's visitor is not free")
		}
	}
	taken(b, "alive", true)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	taken(b, "alive", false)
}

func visitUntilKilled(url string) {
	s, err := postgres.Open(context.Background(), url, quiet, postgres.Options{})
	if err == nil {
		_, err = s.AddVisitor(context.Background(), storetest.Named("ghost"))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("here")
	select {}
}

// raw is a connection as another program has it.
func raw(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn := raw(t, url)
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	conn.Close(context.Background())
}

// Many processes may start on an empty database at once.
func TestStartTogether(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	var all sync.WaitGroup
	epochs := make([]chat.Epoch, 5)
	places := make([]chat.RoomID, 5)
	for i := range epochs {
		all.Go(func() {
			s, err := postgres.Open(context.Background(), url, quiet, postgres.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			epochs[i] = s.Epoch
			places[i], _ = s.Place(context.Background())
		})
	}
	all.Wait()
	for i := range epochs {
		if epochs[i] != epochs[0] || epochs[i] == "" || places[i] != places[0] || places[i] == "" {
			t.Errorf("%q, %q", epochs, places)
		}
	}
}

func refused(t *testing.T, url, want string) {
	t.Helper()
	s, err := postgres.Open(context.Background(), url, quiet, postgres.Options{})
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want %q", err, want)
	}
}

// A server that would not keep what it acknowledges is refused, and a role or a database
// that has a session forget is overruled.
func TestDurableSettings(t *testing.T) {
	server := own(t)
	url := fresh(t)
	for _, name := range []string{"fsync", "full_page_writes"} {
		if err := server.Set(name, "off"); err != nil {
			t.Fatal(err)
		}
		refused(t, url, "can not be used: it would not keep what it acknowledges: "+name+" is off, not on")
		if err := server.Set(name, "on"); err != nil {
			t.Fatal(err)
		}
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, url, "ALTER DATABASE "+config.Database+" SET synchronous_commit = off")
	var value string
	if err := raw(t, url).QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&value); err != nil || value != "off" {
		t.Fatalf("synchronous_commit is %s, %v", value, err)
	}
	s := open(t, url)
	defer s.Close()
	for range 30 { // on each of its connections
		conn, err := s.DB().Conn(t.Context())
		if err != nil {
			break
		}
		defer conn.Close()
		if err := conn.QueryRowContext(t.Context(), "SHOW synchronous_commit").Scan(&value); err != nil || value != "on" {
			t.Fatalf("synchronous_commit is %s, %v", value, err)
		}
		if s.DB().Stats().Idle == 0 && s.DB().Stats().OpenConnections >= 15 {
			break
		}
	}
	if r := storetest.NewTalker(t, s).Say("x"); r.Err != nil {
		t.Error(r.Err)
	}
}

func TestRefusals(t *testing.T) {
	server := pgtest.Start(t)
	newer, compatible := fresh(t), fresh(t)
	execute(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)", "UPDATE place SET oldest = 99")
	execute(t, compatible, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)")
	refused(t, newer, "was written by a newer hubbub (schema 99, for programs that know 99; this one knows ")
	s := open(t, compatible)
	if r := storetest.NewTalker(t, s).Say("beside a newer one"); r.Err != nil {
		t.Error(r.Err)
	}
	s.Close()
	refused(t, "postgres://ann:secret@127.0.0.1:1/nowhere", "the database nowhere on 127.0.0.1 does not answer")
	refused(t, "nonsense://x y", "the address of the database is not understood")
	ascii := server.Database(t)
	conn := raw(t, ascii)
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE hubbub_ascii TEMPLATE template0 ENCODING SQL_ASCII"); err != nil {
		t.Fatal(err)
	}
	defer conn.Exec(context.Background(), "DROP DATABASE hubbub_ascii")
	config, _ := pgx.ParseConfig(ascii)
	refused(t, strings.Replace(ascii, config.Database, "hubbub_ascii", 1), "its encoding is SQL_ASCII, not UTF8")
	for _, url := range []string{"postgres://ann:secret@127.0.0.1:1/nowhere", "postgres://ann:secret@:x/"} {
		if _, err := postgres.Open(t.Context(), url, quiet, postgres.Options{}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
}

// What was deleted, edited away or outlived is in the tables no more when they were swept,
// not even for who looks at their pages.
func TestErasedFromTheTables(t *testing.T) {
	url := fresh(t)
	s := open(t, url)
	defer s.Close()
	conn := raw(t, url)
	if _, err := conn.Exec(t.Context(), "CREATE EXTENSION pageinspect"); err != nil {
		t.Skipf("the pages can not be looked at: %v", err)
	}
	k := storetest.NewTalker(t, s)
	const word = "verysecretword"
	e := k.Say(word + " one").Event
	for range 3 {
		k.Say(strings.Repeat(word+" ", 20))
	}
	change := func(kind chat.Kind, body string) {
		t.Helper()
		if r := s.Append(t.Context(), []chat.Draft{{Room: e.Room, Author: e.Author, Kind: kind, ID: k.Draft("").ID, Target: e.Seq, Body: body}})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	found := func() (n int) {
		t.Helper()
		for _, table := range []string{"events", "revisions"} {
			var here int
			if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM generate_series(0, pg_relation_size($1::text::regclass) / 8192 - 1) page,
				LATERAL heap_page_items(get_raw_page($1::text, page::int)) WHERE position($2 in encode(t_data, 'escape')) > 0`, table, word).Scan(&here); err != nil {
				t.Fatal(err)
			}
			n += here
		}
		return n
	}
	change(chat.KindEdit, word+" two")
	change(chat.KindDelete, "")
	if n := found(); n < 5 {
		t.Fatalf("the word is %d times where this test looks", n)
	}
	k.Say("the last one")
	if _, err := s.Sweep(t.Context(), chat.Keep{Messages: 1}); err != nil {
		t.Fatal(err)
	}
	if n := found(); n > 0 {
		t.Errorf("the word is still %d times in the tables", n)
	}
}

// Who loses a right through one node has it no more through another once that has
// returned, also for what was on its way: an admin writes where only moderators do.
func TestRightsElsewhere(t *testing.T) {
	url := fresh(t)
	a, b := open(t, url), open(t, url)
	defer a.Close()
	defer b.Close()
	k := storetest.NewTalker(t, a)
	on := k.Draft("on")
	on.Author, on.Kind = chat.OperatorID, chat.KindReadOnly
	if r := a.Append(t.Context(), []chat.Draft{on})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	for i := range 20 {
		l, err := b.AddGuest(t.Context(), chat.Newcomer{Name: storetest.Named(fmt.Sprint("admin ", i)), Token: chat.HashToken(fmt.Sprint(i)), Device: "a device"})
		if err == nil {
			err = b.SetPassword(t.Context(), l.ID, "hashed")
		}
		if err == nil {
			_, err = b.SetRole(t.Context(), "", l.ID, chat.RoleAdmin)
		}
		if err != nil {
			t.Fatal(err)
		}
		said := make(chan struct{}, 1)
		var writing sync.WaitGroup
		for range 4 {
			writing.Go(func() {
				for {
					r := b.Append(context.Background(), []chat.Draft{(storetest.Talker{Store: b, Room: k.Room, Author: l.ID}).Draft("x")})[0]
					if r.Err != nil {
						if chat.AsError(r.Err).Code != chat.CodeReadOnly {
							t.Error(r.Err)
						}
						return
					}
					select {
					case said <- struct{}{}:
					default:
					}
				}
			})
		}
		<-said
		if _, err := a.SetRole(t.Context(), "", l.ID, chat.RoleMember); err != nil {
			t.Fatal(err)
		}
		head, err := a.Head(t.Context(), k.Room)
		if err != nil {
			t.Fatal(err)
		}
		writing.Wait()
		late, err := a.Read(t.Context(), k.Room, head.Seq, 100)
		if err != nil || len(late) > 0 {
			t.Fatalf("%d messages came afterwards, %v", len(late), err)
		}
	}
}
