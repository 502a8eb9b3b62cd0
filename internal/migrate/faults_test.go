package migrate_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"hubbub/internal/chat"
	"hubbub/internal/files"
	"hubbub/internal/migrate"
	"hubbub/internal/postgres"
	"hubbub/internal/sqlite"
	"hubbub/internal/sqlstore"
)

// migrateUntilKilled is what the child of a test does.
func migrateUntilKilled(what []string) {
	err := migrate.Run(context.Background(), migrate.Config{
		From: what[0], To: what[1], FromFiles: what[2], ToFiles: what[3], Batch: 20,
		Say: func(line string) { fmt.Println(line) }, Batched: func() { fmt.Println("batch") },
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// killed runs a move in a process of its own, which is killed as soon as it has said so
// many lines. It says whether the move came to its end before.
func killed(t *testing.T, lines int, what ...string) (done bool) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "MIGRATE_UNTIL_KILLED="+strings.Join(what, "|"))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	var last string
	for n := 0; said.Scan(); n++ {
		last = said.Text()
		if n == lines {
			child.Process.Kill()
			break
		}
	}
	io.Copy(io.Discard, out)
	if err := child.Wait(); err != nil && err.Error() != "signal: killed" {
		t.Fatalf("%v: %s", err, last)
	}
	return child.ProcessState.Success()
}

// released waits until the server has noticed that a process has gone which held a place.
func released(t *testing.T, place string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		s, err := open(t, place)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), sqlstore.BeingMoved) {
			return
		}
	}
}

// However often a move is killed, the next run goes on where it was, and in the end nothing
// is missing or doubled. No server uses what is not whole.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	before := dump(t, dir)
	there, back := filepath.Join(t.TempDir(), "files"), filepath.Join(t.TempDir(), "back")
	for _, x := range []struct{ from, to, fromFiles, toFiles string }{{dir, url, "", there}, {url, back, there, ""}} {
		kills := 0
		for _, lines := range []int{0, 3, 12, 30, 60, 9, 25} {
			if killed(t, lines, x.from, x.to, x.fromFiles, x.toFiles) {
				break
			}
			kills++
			released(t, x.to)
			closed(t, x.to, "'hubbub migrate' from the ")
		}
		if kills < 6 {
			t.Errorf("it was killed %d times only", kills)
		}
		said := moves(t, x.from, x.to, func(c *migrate.Config) { c.FromFiles, c.ToFiles = x.fromFiles, x.toFiles })
		if !strings.HasPrefix(said, "This goes on with a move that was stopped.") {
			t.Error(said)
		}
	}
	compareDumps(t, before, dump(t, back))
	sameFiles(t, filepath.Join(dir, "files"), filepath.Join(back, "files"))
	goesOn(t, back)
}

// Stopped by a signal it says how it goes on. Rows that are there are not copied again.
func TestStopped(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := migrate.Run(ctx, migrate.Config{From: dir, To: url, Say: func(line string) {
		if strings.HasPrefix(line, "copied events") {
			cancel()
		}
	}})
	if err == nil || err.Error() != "stopped; the same command goes on where it was" {
		t.Fatal(err)
	}
	if said := moves(t, dir, url); strings.Contains(said, "copied events") || !strings.Contains(said, "compared events") {
		t.Error(said)
	}
}

// What is not empty stays as it is, and where hubbub runs nothing moves.
func TestRefused(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	const notEmpty = "is not empty; a place moves into an empty one only"
	other := empty(t)
	execute(t, other, "CREATE TABLE something_else (x int)")
	refused(t, notEmpty, dir, other)
	folder := t.TempDir()
	os.WriteFile(filepath.Join(folder, "notes.txt"), nil, 0o600)
	refused(t, notEmpty, dir, folder)
	refused(t, notEmpty, dir, build(t))
	refused(t, "there is no hubbub in the folder", filepath.Join(folder, "none"), url)
	refused(t, "holds no hubbub", url, filepath.Join(folder, "new"))
	refused(t, "in use by another hubbub", dir, dir)
	refused(t, "it is being moved by 'hubbub migrate' right now", url, url)
	refused(t, "does not answer", dir, "postgres://ann:secret@127.0.0.1:1/nowhere")

	s, err := sqlite.Open(t.Context(), dir, quiet, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "in use by another hubbub", dir, url)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	node, err := open(t, url)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "hubbub runs on it (nodes: 1); stop it first", dir, url)
	refused(t, "hubbub runs on it (nodes: 1); stop it first", url, filepath.Join(t.TempDir(), "back"))
	node.Close()
	refused(t, notEmpty, dir, url)
}

// While a place moves no server starts, at neither end; a place that has moved takes none
// either, until somebody wants it back, under another epoch.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	moves(t, dir, url, func(c *migrate.Config) {
		c.Say = func(line string) {
			if strings.HasPrefix(line, "copied events") {
				closed(t, dir, "in use by another hubbub")
				closed(t, url, "it is being moved by 'hubbub migrate' right now")
				refused(t, "in use by another hubbub", dir, empty(t))
			}
		}
	})
	closed(t, dir, "its place was moved to the database ")
	refused(t, "can not be moved: its place was moved to the database ", dir, empty(t))
	back := filepath.Join(t.TempDir(), "back")
	moves(t, url, back, func(c *migrate.Config) { c.FromFiles = filepath.Join(dir, "files") })
	closed(t, url, "its place was moved to the folder "+back)
	refused(t, "its place was moved to the folder ", build(t), url)
	for _, place := range []string{url, dir} {
		if err := migrate.Reopen(t.Context(), place); err != nil {
			t.Fatal(err)
		}
		if err := migrate.Reopen(t.Context(), place); err == nil || !strings.Contains(err.Error(), "is no place that was moved elsewhere") {
			t.Error(err)
		}
		goesOn(t, place)
	}
	if epochs := []chat.Epoch{epoch(t, dir), epoch(t, url), epoch(t, back)}; epochs[0] == epochs[1] || epochs[1] == epochs[2] || epochs[0] == epochs[2] {
		t.Errorf("the epochs are %q", epochs)
	}
}

func epoch(t *testing.T, place string) chat.Epoch {
	t.Helper()
	s, err := open(t, place)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lobby, err := s.RoomByName(t.Context(), chat.Lobby)
	if err != nil {
		t.Fatal(err)
	}
	head, err := s.Head(t.Context(), lobby.ID)
	if err != nil {
		t.Fatal(err)
	}
	return head.Epoch
}

// A node that lives unnoticed, since the connection by which it said so was cut, can not
// commit what would be lost: neither while the place moves nor afterwards.
func TestUnnoticedNode(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	moves(t, dir, url)
	s, err := postgres.Open(t.Context(), url, quiet, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lobby, err := s.RoomByName(t.Context(), chat.Lobby)
	if err != nil {
		t.Fatal(err)
	}
	ben, err := s.Login(t.Context(), chat.HashToken("hbt_Ben"))
	if err != nil {
		t.Fatal(err)
	}
	say := func() error {
		return s.Append(context.Background(), []chat.Draft{{Room: lobby.ID, Author: ben.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: "lost?"}})[0].Err
	}
	if err := say(); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(t.TempDir(), "back")
	tried := 0
	for {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
		conn.Close(t.Context())
		_, err = move(t, url, back, func(c *migrate.Config) {
			c.FromFiles = filepath.Join(dir, "files")
			c.Say = func(line string) {
				if strings.HasPrefix(line, "copied rooms") {
					tried++
					if err := say(); err == nil {
						t.Error("a message was taken while the place moved")
					}
				}
			}
		})
		if err == nil {
			break
		}
		if !strings.Contains(err.Error(), "hubbub runs on it") { // it was quicker; try again
			t.Fatal(err)
		}
	}
	if err := say(); err == nil || tried != 1 {
		t.Errorf("a message was taken after the place moved: %v, %d", err, tried)
	}
}

// spoiled is a store that keeps something else than it was given.
type spoiled struct {
	files.Store
	when string // the first bytes of what it spoils
}

func (s spoiled) Put(ctx context.Context, name string, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if string(b) == s.when {
		b[len(b)-1] ^= 1
	}
	return s.Store.Put(ctx, name, bytes.NewReader(b))
}

// A row or a file that did not arrive as it was is found, by name, and no server starts on
// what is not the same.
func TestFound(t *testing.T) {
	t.Parallel()
	dir := build(t)
	for _, x := range []struct{ statement, why string }{
		{"UPDATE people SET name = 'Eve' WHERE id = 'operator'", "people.name is not the same on both sides: people, key 1;"},
		{"UPDATE people SET password = NULL WHERE name = 'Ann'", "people.password is not the same on both sides"},
		{"DELETE FROM reactions WHERE emoji = '👍'", "has a row where the database "},
		{"DELETE FROM unsent", "has a row that the database "},
		{"INSERT INTO pins (room, seq, by) VALUES (99, 1, 1)", "has a row that the folder "},
		{"UPDATE events SET body = body || ' ' WHERE room = 1 AND seq = 2", "events.body is not the same on both sides: events, room 1, seq 2;"},
		{"UPDATE rooms SET last = last + 1 WHERE name = 'lobby'", "rooms.last is not the same on both sides"},
	} {
		url := empty(t)
		spoil := func(c *migrate.Config) {
			c.Say = func(line string) {
				if strings.HasPrefix(line, "copied unsent") { // the last table
					execute(t, url, x.statement)
				}
			}
		}
		refused(t, x.why, dir, url, spoil)
		if strings.HasPrefix(x.statement, "UPDATE") {
			refused(t, x.why, dir, url)
		}
		closed(t, url, "'hubbub migrate' from the folder ")
	}
	url, there := empty(t), filepath.Join(t.TempDir(), "files")
	to := func(c *migrate.Config) { c.ToFiles = there }
	refused(t, "did not arrive as they were; the same command copies them again", dir, url, to, func(c *migrate.Config) {
		c.Store = func(s files.Store) files.Store { return spoiled{s, "file 66"} }
	})
	closed(t, url, "'hubbub migrate' from the folder ")
	moves(t, dir, url, to)
	sameFiles(t, filepath.Join(dir, "files"), there)
}

// Files that were damaged or lost before are found before the old place is given up.
func TestLostFiles(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	var path string
	for name, sum := range hashes(t, filepath.Join(dir, "files")) {
		if !strings.HasSuffix(name, "-thumb") && sum == sha256Of("file 69") {
			path = filepath.Join(dir, "files", name)
		}
	}
	for _, to := range []string{"", filepath.Join(t.TempDir(), "files")} {
		change := func(c *migrate.Config) { c.ToFiles = to }
		os.WriteFile(path, []byte("file 699"), 0o600)
		refused(t, "has 8 bytes where it lies, and 7 in the database: it was damaged before", dir, url, change)
		os.Remove(path)
		refused(t, "are missing where they should be; with --allow-missing the place moves without them", dir, url, change)
		url = empty(t)
	}
	said := moves(t, dir, url, func(c *migrate.Config) { c.AllowMissing = true })
	if !strings.Contains(said, "compared 82 files; the bytes of 1 were missing before already") {
		t.Error(said)
	}
}

func sha256Of(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// A place in which a room is not as far as it says was damaged before, and is not passed on
// as whole.
func TestDamagedHead(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	db, err := sql.Open("sqlite", filepath.Join(dir, "hubbub.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("DELETE FROM events WHERE room = 2 AND seq = 7"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	refused(t, fmt.Sprintf("has %d events up to %d, and its head says %d", messages-1, messages, messages), dir, url)
	closed(t, url, "'hubbub migrate' from the folder ")
}

// Killed when all was compared and before the new place was opened, nobody can use either
// until the same command has run again, which copies nothing.
func TestKilledAtTheEnd(t *testing.T) {
	t.Parallel()
	dir, url := build(t), empty(t)
	was := epoch(t, dir)
	moves(t, dir, url)
	m, err := postgres.OpenMover(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	err = m.SetMark(t.Context(), sqlstore.Mark{State: sqlstore.Whole, Epoch: was, Other: "the folder " + dir, Time: time.Now()})
	if err = errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	closed(t, url, "'hubbub migrate' from the folder ")
	closed(t, dir, "its place was moved to the database ")
	if said := moves(t, dir, url); strings.Contains(said, "cop") {
		t.Error(said)
	}
	goesOn(t, url)
}
