package search

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"hubbub/internal/chat"
	"hubbub/internal/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a store with people, rooms and an index that follows it.
type world struct {
	testing.TB
	dir   string
	store *sqlite.Store
	index *Index
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, dir: t.TempDir()}
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) open() {
	w.Helper()
	var err error
	w.store, err = sqlite.Open(context.Background(), w.dir, slog.New(slog.DiscardHandler), sqlite.Options{})
	w.must(err)
	w.openIndex()
	w.store.Follow(w.index.Follow)
}

func (w *world) openIndex() {
	w.Helper()
	var err error
	w.index, err = Open(context.Background(), w.dir, Config{Log: w.store, Directory: w.store, Logger: slog.New(slog.DiscardHandler)})
	w.must(err)
}

func (w *world) close() {
	w.must(w.index.Close())
	w.must(w.store.Close())
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) person(name string) chat.Person {
	w.Helper()
	l, err := w.store.AddGuest(context.Background(), chat.Newcomer{Name: chat.Name{Display: name, Key: strings.ToLower(name)}, Token: chat.HashToken(name)})
	w.must(err)
	w.must(w.store.SetPassword(context.Background(), l.ID, "x")) // an account
	a, err := w.store.Person(context.Background(), l.ID)
	w.must(err)
	return a.Person
}

func (w *world) public(name string) chat.RoomID {
	w.Helper()
	r, err := w.store.EnsureRoom(context.Background(), chat.Name{Display: name, Key: name}, "")
	w.must(err)
	return r.ID
}

func (w *world) private(kind chat.RoomKind, name string, by chat.Person, people ...chat.UserID) chat.RoomID {
	w.Helper()
	id, err := w.store.NewRoom(context.Background(), chat.NewRoom{Kind: kind, Name: name, By: by, People: people})
	w.must(err)
	return id
}

// append stores a message a millisecond after the last one: among those of the same
// millisecond in several rooms, none is newer.
func (w *world) append(d chat.Draft) chat.Event {
	w.Helper()
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
	}
	d.ID = chat.EventID(uuid.Must(uuid.NewV7()))
	r := w.store.Append(context.Background(), []chat.Draft{d})[0]
	w.must(r.Err)
	return r.Event
}

func (w *world) say(by chat.Person, room chat.RoomID, text string) chat.Event {
	w.Helper()
	return w.append(chat.Draft{Room: room, Author: by.ID, Name: by.Name, Kind: chat.KindMessage, Body: text})
}

// chatter is many messages at once.
func (w *world) chatter(by chat.Person, room chat.RoomID, n int, text func(i int) string) {
	w.Helper()
	var drafts []chat.Draft
	for i := range n {
		drafts = append(drafts, chat.Draft{Room: room, Author: by.ID, Name: by.Name, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: text(i)})
	}
	for _, r := range w.store.Append(context.Background(), drafts) {
		w.must(r.Err)
	}
}

func (w *world) sync() {
	w.Helper()
	w.must(w.index.Sync(context.Background()))
}

func (w *world) search(who chat.Actor, text string) Answer {
	w.Helper()
	a, err := w.index.Search(context.Background(), who, Ask{Text: text, Now: time.Now().UTC(), Limit: 100})
	w.must(err)
	return a
}

// texts returns what somebody finds, newest first.
func (w *world) texts(who chat.Actor, text string) string {
	w.Helper()
	w.sync()
	var all []string
	for _, h := range w.search(who, text).Hits {
		all = append(all, h.Event.Body)
	}
	return strings.Join(all, " | ")
}

func (w *world) wants(who chat.Actor, text, want string) {
	w.Helper()
	if got := w.texts(who, text); got != want {
		w.Errorf("%s: found %q, want %q", text, got, want)
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t)
	ines, tomas := w.person("Ines"), w.person("Tomás Ruiz")
	lobby, kitchen := w.public("lobby"), w.public("kitchen")
	w.say(ines, lobby, "one apple")
	root := w.say(tomas, kitchen, "two apples, see https://example.com/pie.png")
	w.say(ines, kitchen, "three Äpfel and C++")
	w.append(chat.Draft{Room: kitchen, Author: tomas.ID, Kind: chat.KindMessage, Thread: root.Seq, Body: "four in a thread: https://example.com/a.pdf"})
	pinned := w.say(ines, lobby, "five 東京都 apple pie")
	w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindPin, Target: pinned.Seq})
	direct := w.private(chat.RoomDirect, "", ines, tomas.ID)
	w.say(tomas, direct, "six, between us, no apple")
	who := ines.Actor()
	for query, want := range map[string]string{
		"apple":                     "six, between us, no apple | five 東京都 apple pie | two apples, see https://example.com/pie.png | one apple",
		`"apple"`:                   "six, between us, no apple | five 東京都 apple pie | one apple",
		"apple -pie":                "six, between us, no apple | one apple",
		"apple from:tom":            "six, between us, no apple | two apples, see https://example.com/pie.png",
		"from:ruiz in:kit":          "four in a thread: https://example.com/a.pdf | two apples, see https://example.com/pie.png",
		"from:me in:kitchen":        "three Äpfel and C++",
		"apple -from:ines":          "six, between us, no apple | two apples, see https://example.com/pie.png",
		"in:tomas":                  "six, between us, no apple",
		"apple -in:tomas -in:lobby": "two apples, see https://example.com/pie.png",
		"in:lobby":                  "five 東京都 apple pie | one apple",
		"has:link":                  "four in a thread: https://example.com/a.pdf | two apples, see https://example.com/pie.png",
		"has:image":                 "two apples, see https://example.com/pie.png",
		"has:file -has:image":       "four in a thread: https://example.com/a.pdf",
		"is:pinned":                 "five 東京都 apple pie",
		"is:thread":                 "four in a thread: https://example.com/a.pdf",
		"apfel":                     "three Äpfel and C++",
		"c++":                       "three Äpfel and C++",
		"京都":                        "five 東京都 apple pie",
		"-apple -is:thread":         "three Äpfel and C++",
		"apple before:today":        "",
		"apple after:1d from:ines":  "five 東京都 apple pie | one apple",
		"on:today one":              "one apple",
		"from:nobody":               "",
		"in:nowhere apple":          "",
		"-from:":                    "",
		"":                          "",
	} {
		w.wants(who, query, want)
	}
	w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindUnpin, Target: pinned.Seq})
	w.wants(who, "is:pinned", "")
}

// A message is found by what its files are and what they are called, and no longer by
// those that an edit took from it.
func TestFiles(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	held := func(name, kind string) chat.File {
		f := chat.File{ID: chat.FileID(name), Name: name}
		w.must(w.store.AddUpload(context.Background(), chat.Upload{File: f, Owner: ines.ID, Session: "s", Length: 9, Expires: time.Now().Add(time.Hour)}, 0))
		f.Type, f.Size = kind, 9
		w.must(w.store.FinishUpload(context.Background(), f))
		return f
	}
	say := func(text string, files ...chat.File) chat.Event {
		return w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindMessage, Body: text, Files: files})
	}
	plan := held("oven plan.pdf", "application/pdf")
	both := say("the kitchen", held("tiles.png", "image/png"), plan)
	say("", held("alone.txt", "text/plain"))
	say("no file")
	for query, want := range map[string]string{
		"has:file":              " | the kitchen",
		"has:image":             "the kitchen",
		"has:file -has:image":   "",
		"-has:file":             "no file",
		"oven":                  "the kitchen",
		"tiles kitchen":         "the kitchen",
		"alone.txt":             "",
		"kitchen has:file plan": "the kitchen",
	} {
		w.wants(ines.Actor(), query, want)
	}
	a, err := w.index.Search(context.Background(), ines.Actor(), Ask{Text: "kitchen tiles", Now: time.Now(), Limit: 5})
	w.must(err)
	if len(a.Hits) != 1 || fmt.Sprint(a.Hits[0].Marks) != "[[4 11]]" {
		t.Errorf("%+v", a.Hits)
	}
	w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindEdit, Target: both.Seq, Body: "the kitchen", Files: []chat.File{plan}})
	for query, want := range map[string]string{"tiles": "", "has:image": "", "oven": "the kitchen"} {
		w.wants(ines.Actor(), query, want)
	}
}

// Pages follow each other without gap and without repetition, whatever comes meanwhile.
func TestPages(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	for i := range 57 {
		w.say(ines, lobby, fmt.Sprintf("word number%d %s", i, strings.Repeat("x ", i%7)))
	}
	w.sync()
	for _, best := range []bool{false, true} {
		var got []chat.Seq
		ask := Ask{Text: "word", Now: time.Now(), Best: best, Limit: 10}
		for page := 0; ; page++ {
			a, err := w.index.Search(t.Context(), ines.Actor(), ask)
			w.must(err)
			for _, h := range a.Hits {
				got = append(got, h.Event.Seq)
			}
			w.say(ines, lobby, "another word meanwhile")
			w.sync()
			if ask.Before = a.Next; a.Next == "" {
				break
			}
		}
		if sorted := slices.Sorted(slices.Values(got)); len(got) < 57 || len(slices.Compact(sorted)) != len(got) {
			t.Errorf("best %v: %v", best, got)
		}
	}
	for _, cursor := range []string{"!", "x.y", "1.-1", "1.99999", "zzzzzzzzzzzzzzzzzzzzz"} {
		if _, err := w.index.Search(t.Context(), ines.Actor(), Ask{Text: "word", Before: cursor}); chat.AsError(err).Code != chat.CodeBadFrame {
			t.Errorf("%s: %v", cursor, err)
		}
	}
}

func TestBestFirst(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	w.say(ines, lobby, "garden party")
	w.say(ines, lobby, "the party was in somebody else's large and very green garden, as you know, and it was late when it was over")
	w.say(ines, lobby, "gardening partying")
	w.sync()
	a, err := w.index.Search(t.Context(), ines.Actor(), Ask{Text: "garden party", Now: time.Now(), Best: true, Limit: 10})
	if err != nil || len(a.Hits) != 3 || a.Hits[0].Event.Body != "garden party" {
		t.Errorf("%+v, %v", a.Hits, err)
	}
}

// A word in a room is found by whom Decide lets read there, now, and by nobody else.
func TestRights(t *testing.T) {
	w := newWorld(t)
	ines, tomas, mira := w.person("Ines"), w.person("Tomás"), w.person("Mira")
	owner := chat.Actor{ID: mira.ID, Role: chat.RoleOwner}
	lobby := w.public("lobby")
	secret := w.private(chat.RoomPrivate, "plans", ines, tomas.ID)
	direct := w.private(chat.RoomDirect, "", ines, tomas.ID)
	w.say(ines, secret, "canary in the private room")
	w.say(ines, direct, "canary between two")
	w.say(ines, lobby, "a public bird")
	both := func(who chat.Person) {
		t.Helper()
		w.wants(who.Actor(), "canary in:plans", "canary in the private room")
		w.wants(who.Actor(), "canary -in:plans", "canary between two")
	}
	both(ines)
	both(tomas)
	only := func(s chat.Scope) chat.Actor { a := tomas.Actor(); a.Scope = &s; return a }
	for name, who := range map[string]chat.Actor{
		"an outsider":           mira.Actor(),
		"the owner":             owner,
		"the operator":          {ID: chat.OperatorID, Role: chat.RoleOwner},
		"somebody unknown":      {ID: "nosuchperson1234", Role: chat.RoleMember},
		"a token for elsewhere": only(chat.Scope{Read: true, Only: []chat.RoomID{lobby}}),
		"a token for writing":   only(chat.Scope{Write: true}),
	} {
		for _, query := range []string{"canary", "c", "canary -bird", "-bird", "in:plans", "in:plans canary", "from:ines canary", "from:ines in:plans", "private room", "has:link", `"canary in"`} {
			a := w.search(who, query)
			for _, h := range a.Hits {
				if h.Room.ID != lobby {
					t.Errorf("%s finds %q by %s", name, h.Event.Body, query)
				}
			}
			if a.Next != "" {
				t.Errorf("%s is told of more by %s", name, query)
			}
		}
	}
	w.wants(only(chat.Scope{Read: true, Only: []chat.RoomID{secret}}), "canary", "canary in the private room")
	w.append(chat.Draft{Room: secret, Author: ines.ID, Kind: chat.KindRemove, About: chat.Mention{ID: tomas.ID}})
	if a := w.search(tomas.Actor(), "canary"); len(a.Hits) != 1 || a.Hits[0].Room.ID != direct { // at once
		t.Errorf("after a removal: %+v", a.Hits)
	}
	both(ines)
	w.append(chat.Draft{Room: lobby, Author: chat.OperatorID, Kind: chat.KindBan, About: chat.Mention{ID: mira.ID}})
	if a := w.search(mira.Actor(), "bird"); len(a.Hits) != 0 {
		t.Errorf("after a ban: %+v", a.Hits)
	}
	w.wants(tomas.Actor(), "bird", "a public bird")
}

// The same, with so many rooms that they are a filter and not tokens, and with random
// rights: a model says what each should find.
func TestRightsInManyRooms(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(1, 2))
	people := make([]chat.Person, 6)
	for i := range people {
		people[i] = w.person(fmt.Sprint("person", i))
	}
	may := make(map[chat.UserID]map[chat.RoomID]bool)
	for _, p := range people {
		may[p.ID] = map[chat.RoomID]bool{}
	}
	said := make(map[chat.RoomID]int)
	for range 150 {
		maker := r.IntN(len(people))
		var others []chat.UserID
		for i, p := range people {
			if i != maker && r.IntN(6) < i {
				others = append(others, p.ID)
			}
		}
		room := w.private(chat.RoomPrivate, "room", people[maker], others...)
		for _, id := range append(others, people[maker].ID) {
			may[id][room] = true
		}
		for range 1 + r.IntN(3) {
			w.say(people[maker], room, fmt.Sprint("word ", string(room)))
			said[room]++
		}
	}
	w.sync()
	for _, p := range people {
		want := 0
		for room := range may[p.ID] {
			want += said[room]
		}
		got := 0
		for _, query := range []string{"word", "w", "-nothing"} {
			got = 0
			ask := Ask{Text: query, Now: time.Now(), Limit: 7}
			for {
				a, err := w.index.Search(t.Context(), p.Actor(), ask)
				w.must(err)
				for _, h := range a.Hits {
					if got++; !may[p.ID][h.Room.ID] {
						t.Fatalf("%s finds %q", p.Name, h.Event.Body)
					}
				}
				if ask.Before = a.Next; a.Next == "" {
					break
				}
			}
			if got != want {
				t.Errorf("%s finds %d by %s, want %d in %d rooms", p.Name, got, query, want, len(may[p.ID]))
			}
		}
	}
}

// inFiles says whether the files of the index hold a word.
func (w *world) inFiles(word string) bool {
	w.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "search.db*"))
	w.must(err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		w.must(err)
		if bytes.Contains(b, []byte(word)) {
			return true
		}
	}
	return false
}

// What was edited, deleted or kept long enough is gone from the index and from its
// files, not only from the answers.
func TestErased(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	who := ines.Actor()
	// So that there is more than one page, and neighbours for the words.
	w.chatter(ines, lobby, 500, func(i int) string { return fmt.Sprintf("xylographa xylographd filler%d", i*7919) })
	edited := w.say(ines, lobby, "the xylographb of quinquagesima")
	deleted := w.say(ines, lobby, "the xylographc of septuagesima")
	w.wants(who, "xylographb", "the xylographb of quinquagesima")
	w.wants(who, "xylographc", "the xylographc of septuagesima")
	if !w.inFiles("septuagesima") || !w.inFiles("xylographb") {
		t.Fatal("the words are not where this test looks")
	}
	w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindEdit, Target: edited.Seq, Body: "the other text"})
	w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindDelete, Target: deleted.Seq})
	if a := w.search(who, "xylographb"); len(a.Hits) != 0 { // not synced: the log decides
		t.Errorf("right after the edit: %+v", a.Hits)
	}
	w.wants(who, "quinquagesima", "")
	w.wants(who, "septuagesima", "")
	w.wants(who, "other text", "the other text")
	for _, word := range []string{"quinquagesima", "septuagesima", "xylographb", "xylographc"} {
		if w.inFiles(word) {
			t.Errorf("%s is still in the files", word)
		}
	}

	w.append(chat.Draft{Room: lobby, Author: chat.OperatorID, Kind: chat.KindKeep, Body: "1 messages"})
	_, err := w.store.Sweep(t.Context(), chat.Keep{})
	w.must(err)
	w.wants(who, "xylographa", "")
	w.wants(who, "f", "")
	for _, word := range []string{"xylographa", "xylographd", "filler"} {
		if w.inFiles(word) {
			t.Errorf("%s is still in the files", word)
		}
	}
	w.same()
}

// same wants the index to be what one would be that is made anew.
func (w *world) same() {
	w.Helper()
	was := w.dump()
	w.must(w.index.Close())
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(filepath.Join(w.dir, fileName+suffix))
	}
	w.must(w.store.Close())
	w.open()
	w.sync()
	if is := w.dump(); is != was {
		w.Errorf("the index is\n%s\nanew it is\n%s", was, is)
	}
}

// dump lists what is in the index: the messages, and the words with how many have each.
func (w *world) dump() string {
	w.Helper()
	db, err := openDB(filepath.Join(w.dir, fileName), 1)
	w.must(err)
	defer db.Close()
	conn, err := db.Conn(context.Background())
	w.must(err)
	defer conn.Close()
	_, err = conn.ExecContext(context.Background(), "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words, row)")
	w.must(err)
	var b strings.Builder
	for _, query := range []string{
		"SELECT r.id || ' ' || m.seq || ' ' || p.id || ' ' || m.flags || ' ' || m.text FROM messages m JOIN rooms r ON r.key = m.room JOIN people p ON p.key = m.author ORDER BY r.id, m.seq",
		"SELECT term || ' ' || doc || ' ' || cnt FROM vocabulary WHERE term < char(917504) ORDER BY term", // without keys
	} {
		rows, err := conn.QueryContext(context.Background(), query)
		w.must(err)
		for rows.Next() {
			var line string
			w.must(rows.Scan(&line))
			fmt.Fprintln(&b, line)
		}
		w.must(errors.Join(rows.Err(), rows.Close()))
	}
	_, err = conn.ExecContext(context.Background(), "INSERT INTO words (words) VALUES ('integrity-check')")
	w.must(err)
	return b.String()
}

// When most of the index is to go it is made anew, and nothing of it stays.
func TestMuchErased(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	w.chatter(ines, lobby, manyErased+100, func(int) string { return "xylograph" })
	w.say(ines, lobby, "the last one")
	w.wants(ines.Actor(), "last", "the last one")
	w.append(chat.Draft{Room: lobby, Author: chat.OperatorID, Kind: chat.KindKeep, Body: "1 messages"})
	_, err := w.store.Sweep(t.Context(), chat.Keep{})
	w.must(err)
	w.wants(ines.Actor(), "xylograph", "")
	w.wants(ines.Actor(), "last", "the last one")
	if w.inFiles("xylograph") {
		t.Error("the word is still in the files")
	}
	w.same()
}

// The index is right after it was cut off anywhere, thrown away, damaged, or of another
// version.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	rooms := []chat.RoomID{w.public("lobby"), w.public("kitchen"), w.public("garden")}
	r := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(w.dir, fileName)
	for round := range 12 {
		for i := range 80 {
			e := w.say(ines, rooms[r.IntN(3)], fmt.Sprintf("word%d in round%d", i, round))
			switch r.IntN(8) {
			case 0:
				w.append(chat.Draft{Room: e.Room, Author: ines.ID, Kind: chat.KindEdit, Target: e.Seq, Body: fmt.Sprintf("edited%d", i)})
			case 1:
				w.append(chat.Draft{Room: e.Room, Author: ines.ID, Kind: chat.KindDelete, Target: e.Seq})
			case 2:
				if e.Seq%10 == 0 {
					w.append(chat.Draft{Room: e.Room, Author: ines.ID, Kind: chat.KindPin, Target: e.Seq})
				}
			}
			if r.IntN(40) == 0 {
				w.must(w.index.Close()) // wherever it is
				w.must(w.store.Close())
				w.open()
			}
		}
		if round%4 != 3 {
			continue
		}
		w.must(w.index.Close())
		w.must(w.store.Close())
		switch round {
		case 3:
			w.must(os.Remove(path))
		case 7:
			w.must(os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600))
		case 11:
			db, err := openDB(path, 1)
			w.must(err)
			_, err = db.Exec("UPDATE about SET version = version + 1")
			w.must(errors.Join(err, db.Close()))
		}
		w.open()
	}
	w.sync()
	w.same()
	if a := w.search(ines.Actor(), "round3"); len(a.Hits) < 50 || a.Behind {
		t.Errorf("%d hits", len(a.Hits))
	}
}

// A process that is killed leaves an index that goes on where its last transaction
// ended: what is copied while it works is what a crash leaves.
func TestCrash(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	for i := range 400 {
		e := w.say(ines, lobby, fmt.Sprintf("before%d the crash", i))
		if i%3 == 0 {
			w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindEdit, Target: e.Seq, Body: fmt.Sprintf("changed%d", i)})
		}
	}
	w.sync()
	deleted := w.say(ines, lobby, "forgetmenot")
	w.sync()
	crashed := map[string][]byte{}
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(filepath.Join(w.dir, fileName+suffix))
		w.must(err)
		crashed[suffix] = b
	}
	w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindDelete, Target: deleted.Seq})
	w.sync()
	w.must(w.index.Close())
	w.must(w.store.Close())
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(filepath.Join(w.dir, fileName+suffix))
	}
	for suffix, b := range crashed {
		w.must(os.WriteFile(filepath.Join(w.dir, fileName+suffix), b, 0o600))
	}
	w.open()
	w.wants(ines.Actor(), "forgetmenot", "")
	if w.inFiles("forgetmenot") {
		t.Error("the word is still in the files")
	}
	w.same()
}

// Whoever is renamed is found by the new name as soon as they write again, with all that
// they wrote.
func TestRenamed(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	w.say(ines, lobby, "an old message")
	w.wants(ines.Actor(), "from:ines", "an old message")
	_, err := w.store.Rename(t.Context(), ines.ID, chat.Name{Display: "Zoë", Key: "zoe"})
	w.must(err)
	w.index.Renamed(ines.ID, "Zoë")
	w.wants(ines.Actor(), "from:zoe", "an old message")
	w.wants(ines.Actor(), "from:ines", "")
}

// A message is found soon, and one that is deleted leaves the files soon.
func TestLag(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	var found, gone []time.Duration
	for i := range 20 {
		begun := time.Now()
		e := w.say(ines, lobby, fmt.Sprintf("canary%d sings", i))
		for len(w.search(ines.Actor(), fmt.Sprintf("canary%d", i)).Hits) == 0 {
			if time.Since(begun) > 10*time.Second {
				t.Fatal("it is never found")
			}
		}
		found = append(found, time.Since(begun))
		begun = time.Now()
		w.append(chat.Draft{Room: lobby, Author: ines.ID, Kind: chat.KindDelete, Target: e.Seq})
		for w.inFiles(fmt.Sprintf("canary%d sings", i)) {
			if time.Since(begun) > 10*time.Second {
				t.Fatal("it is never gone")
			}
		}
		gone = append(gone, time.Since(begun))
	}
	slices.Sort(found)
	slices.Sort(gone)
	t.Logf("found after %v, at most %v; gone from the files after %v, at most %v", found[10], found[19], gone[10], gone[19])
}

// 1,000 odd queries: an answer each, and soon.
func TestOddQueries(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	r := rand.New(rand.NewPCG(5, 6))
	pieces := []string{
		"from:", "in:", "before:", "after:", "on:", "has:", "is:", "-", "--", `"`, "“", "has:link", "is:pinned", "from:ines", "in:lobby", "on:2026-", "after:7d",
		"oven", "東京", "한국", "🎉", "👩‍👩‍👧", "\u0301", "\x00", "\xff", "NEAR(", "AND", "OR", "NOT", "*", "^", "{tokens}:", "a:b", "'", "%", ";--", "words", "\u202e", "\ue000", "\U000f0001", " ", "  ", "é",
	}
	for c := rune(33); c < 127; c++ {
		pieces = append(pieces, string(c))
	}
	for i := range 100 {
		w.say(ines, lobby, strings.Join([]string{"oven", pieces[i%len(pieces)], pieces[r.IntN(len(pieces))], "a.b C++"}, " ")[:3+r.IntN(5)]+" end")
	}
	w.say(ines, lobby, strings.Repeat("=", chat.MaxText))
	w.sync()
	slow := time.Duration(0)
	for i := range 1000 {
		var b strings.Builder
		for range 1 + r.IntN(1+i%40) {
			b.WriteString(pieces[r.IntN(len(pieces))])
			if r.IntN(2) == 0 {
				b.WriteByte(' ')
			}
		}
		query := b.String()
		switch i % 100 {
		case 0:
			query = strings.Repeat(query+"x", 10_000/len(query+"x")+1)[:10_000]
		case 1:
			query = strings.Repeat("=", 256)
		case 2:
			query = strings.Repeat("-a ", 300)
		}
		begun := time.Now()
		if _, err := w.index.Search(t.Context(), ines.Actor(), Ask{Text: query, Now: time.Now(), Best: i%2 == 0, Limit: 5}); err != nil {
			t.Errorf("%q: %v", query, err)
		}
		slow = max(slow, time.Since(begun))
	}
	t.Logf("the slowest took %v", slow)
	if slow > 2*maxTime { // a fraction of it, where nothing else goes on
		t.Errorf("the slowest took %v", slow)
	}
}

func sign(c rune) bool { return unicode.IsPunct(c) || unicode.IsSymbol(c) }

// Every message is found by every ASCII punctuation that is in it.
func TestPunctuation(t *testing.T) {
	w := newWorld(t)
	ines := w.person("Ines")
	lobby := w.public("lobby")
	for c := '!'; c <= '~'; c++ {
		if sign(c) {
			w.say(ines, lobby, fmt.Sprintf("sign %c of%cthe times%c", c, c, c))
		}
	}
	w.sync()
	for c := '!'; c <= '~'; c++ {
		query := string(c)
		if c == '"' || c == '-' {
			query = fmt.Sprintf("of%c", c)
		}
		if a := w.search(ines.Actor(), query); sign(c) && (len(a.Hits) != 1 || !strings.ContainsRune(a.Hits[0].Event.Body, c)) {
			t.Errorf("%c: %d hits", c, len(a.Hits))
		}
	}
}
