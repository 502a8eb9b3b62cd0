package migrate_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/files"
	"hubbub/internal/sqlite"
)

// This file makes a place with something of everything in it.

var quiet = slog.New(slog.DiscardHandler)

func named(name string) chat.Name { return chat.Name{Display: name, Key: strings.ToLower(name)} }

// builder fills a place.
type builder struct {
	testing.TB
	*sqlite.Store
	files files.Store
	room  chat.RoomID
}

func (b *builder) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *builder) guest(name string) chat.Login {
	b.Helper()
	l, err := b.AddGuest(b.Context(), chat.Newcomer{Name: named(name), Token: chat.HashToken("hbt_" + name), Device: "a device"})
	b.must(err)
	return l
}

func (b *builder) append(d chat.Draft) chat.Event {
	b.Helper()
	d.ID = chat.EventID(uuid.Must(uuid.NewV7()))
	r := b.Append(b.Context(), []chat.Draft{d})[0]
	b.must(r.Err)
	return r.Event
}

func (b *builder) say(who chat.Login, body string, change ...func(*chat.Draft)) chat.Event {
	b.Helper()
	d := chat.Draft{Room: b.room, Author: who.ID, Kind: chat.KindMessage, Body: body}
	for _, f := range change {
		f(&d)
	}
	return b.append(d)
}

func (b *builder) mark(who chat.Login, kind chat.Kind, target chat.Seq, body string) chat.Event {
	b.Helper()
	return b.append(chat.Draft{Room: b.room, Author: who.ID, Kind: kind, Target: target, Body: body})
}

// upload keeps a file, with a small picture of it if thumb.
func (b *builder) upload(who chat.UserID, data string, thumb, done bool) chat.File {
	b.Helper()
	f := chat.File{ID: files.NewID(), Name: "holiday.jpg", Type: "image/jpeg", Size: int64(len(data)), Width: 40, Height: 30, Thumb: thumb}
	b.must(b.AddUpload(b.Context(), chat.Upload{File: f, Owner: who, Session: "s", Length: 1000, Expires: time.Now().Add(time.Hour)}, 0))
	if !done {
		return f
	}
	whole, small := files.Names(f.ID)
	b.must(b.files.Put(b.Context(), whole, strings.NewReader(data)))
	if thumb {
		b.must(b.files.Put(b.Context(), small, strings.NewReader("small "+data)))
	}
	b.must(b.FinishUpload(b.Context(), f))
	return f
}

const messages = 1500 // of a room in which nothing else happens

var built struct { // once, and copied: it is synced many times
	sync.Mutex
	dir string
}

// build makes a place in a folder.
func build(t testing.TB) (dir string) {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		var err error
		if built.dir, err = os.MkdirTemp("", "hubbub-migrate-"); err != nil {
			t.Fatal(err)
		}
		fill(t, built.dir)
	}
	dir = filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS(built.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func fill(t testing.TB, dir string) {
	s, err := sqlite.Open(context.Background(), dir, quiet, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	folder, err := files.NewFolder(filepath.Join(dir, "files"))
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{TB: t, Store: s, files: folder}
	ann, ben, cem := b.guest("Ann"), b.guest("Ben"), b.guest("Cem")
	b.people(ann, ben)
	kitchen, err := b.EnsureRoom(t.Context(), named("kitchen"), ann.ID)
	b.must(err)
	b.room = kitchen.ID
	for _, l := range []chat.Login{ann, ben, cem} {
		_, err := b.Join(t.Context(), l.Actor(), b.room)
		b.must(err)
	}
	b.talk(ann, ben, cem)
	b.attachments(ann, ben)
	b.outside(ann, ben)
	b.keepOut(ann, cem)
	lobby, err := b.RoomByName(t.Context(), chat.Lobby)
	b.must(err)
	drafts := make([]chat.Draft, messages)
	for i := range drafts {
		drafts[i] = chat.Draft{Room: lobby.ID, Author: ben.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: fmt.Sprint("message ", i)}
	}
	for _, r := range b.Append(t.Context(), drafts) {
		b.must(r.Err)
	}
	b.must(b.Check(t.Context()))
	b.must(s.Close())
}

func (b *builder) people(ann, ben chat.Login) {
	ctx := b.Context()
	b.must(b.SetPassword(ctx, ann.ID, "hashed"))
	b.must(b.SetPassword(ctx, ben.ID, "hashed too"))
	_, err := b.SetRole(ctx, "", ann.ID, chat.RoleOwner)
	b.must(err)
	b.must(b.AddPasskey(ctx, ann.ID, chat.Passkey{ID: []byte{0, 1, 255}, Data: []byte{0, 0, 7}, Label: "a key \x01 with a strange name", Created: time.Now()}))
	b.must(b.AddIdentity(ctx, ben.ID, "https://accounts.example.org", "42"))
	_, err = b.SetPicture(ctx, ann.ID, "image/png", []byte{0, 1, 2, 0})
	b.must(err)
	_, err = b.Rename(ctx, ben.ID, named("Benno"))
	b.must(err)
	_, err = b.AddInvite(ctx, chat.HashToken("hbi_secret"), chat.Invite{Role: chat.RoleMember, By: ann.ID, Uses: 3, Note: "for \x00 the cooks"})
	b.must(err)
	b.must(b.Deposit(ctx, "link", chat.HashToken("hbl_secret"), []byte("\x00\x01what"), time.Now().Add(time.Hour)))
	b.must(b.SetSetting(ctx, ann.ID, 0, "guests", "none"))
	b.must(b.SetSilence(ctx, ann.ID, chat.Silence{From: 60, To: 120, Zone: "Europe/Berlin"}))
	b.must(b.HideReads(ctx, ben.ID, true))
	_, err = b.AddVisitor(ctx, named("A visitor"))
	b.must(err)
}

func (b *builder) talk(ann, ben, cem chat.Login) {
	ctx := b.Context()
	first := b.say(ann, "cake? @Cem", func(d *chat.Draft) { d.Mentions = []chat.Mention{{ID: cem.ID, Name: "Cem"}} })
	b.mark(ben, chat.KindReact, first.Seq, "🎂")
	b.mark(cem, chat.KindReact, first.Seq, "👍")
	b.mark(ann, chat.KindEdit, first.Seq, "cakes? \x00\x01\x02\x01\x01")
	b.mark(ann, chat.KindPin, first.Seq, "")
	gone := b.say(ben, "a secret")
	b.mark(ben, chat.KindDelete, gone.Seq, "")
	b.say(cem, "yes", func(d *chat.Draft) { d.Thread = first.Seq })
	b.say(ben, "\x00\x01\x02 \x01\x01 \x01\x02")
	b.say(ben, "broken \xff\xc0 text")
	b.say(ben, "@channel", func(d *chat.Draft) { d.Everyone = 2 })
	b.must(b.FollowThread(ctx, ann.ID, b.room, first.Seq, true))
	b.must(b.AddReport(ctx, b.room, first.Seq, ben.ID, "rude"))
	b.must(b.SetLevel(ctx, cem.ID, b.room, chat.LevelMentions, true))
	_, err := b.SetUnsent(ctx, ann.ID, chat.Unsent{Room: b.room, Text: "not yet \x01", Time: time.Now()})
	b.must(err)
	_, err = b.MarkRead(ctx, ann.ID, b.room, gone.Seq)
	b.must(err)
	secret, err := b.NewRoom(ctx, chat.NewRoom{Kind: chat.RoomPrivate, Name: "secret", Topic: "nothing", By: ann.Person, People: []chat.UserID{ben.ID}})
	b.must(err)
	b.say(ben, "only here", func(d *chat.Draft) { d.Room = secret })
	direct, err := b.NewRoom(ctx, chat.NewRoom{Kind: chat.RoomDirect, By: ann.Person, People: []chat.UserID{ben.ID}})
	b.must(err)
	b.say(ann, "you and I", func(d *chat.Draft) { d.Room = direct })
}

func (b *builder) attachments(ann, ben chat.Login) {
	ctx := b.Context()
	photo, text := b.upload(ann.ID, strings.Repeat("pixels", 1000), true, true), b.upload(ann.ID, "words", false, true)
	held := b.say(ann, "look", func(d *chat.Draft) { d.Files = []chat.File{{ID: photo.ID}, {ID: text.ID}} })
	b.say(ben, "too late", func(d *chat.Draft) { d.Files = []chat.File{{ID: photo.ID}} })
	half := b.upload(ben.ID, "", false, false)
	piece := chat.Piece{Name: string(half.ID) + chat.PiecesOf + "0", Size: int64(len("half of it"))}
	b.must(b.files.Put(ctx, piece.Name, strings.NewReader("half of it")))
	b.must(b.AddPiece(ctx, half.ID, 0, piece, 0))
	given := b.upload(ben.ID, "given up", false, true)
	b.must(b.DropUpload(ctx, given.ID))
	linked := b.say(ben, "https://example.org/")
	card := b.upload(chat.OperatorID, "a card", false, true)
	b.must(b.ShowPreviews(ctx, b.room, linked.Seq, 0, []chat.Preview{{URL: "https://example.org/", Title: "Example", Picture: &card}}))
	b.must(b.CachePreview(ctx, "https://example.org/", chat.CachedPreview{Preview: chat.Preview{Title: "Example"}, Image: []byte{0, 1}, Expires: time.Now().Add(time.Hour)}))
	b.must(b.CachePreview(ctx, "https://example.net/", chat.CachedPreview{Image: []byte{}, Expires: time.Now().Add(time.Hour)}))
	for i := range 70 {
		f := b.upload(ben.ID, fmt.Sprint("file ", i), i%10 == 0, true)
		b.say(ben, "", func(d *chat.Draft) { d.Files = []chat.File{{ID: f.ID}} })
	}
	b.mark(ann, chat.KindReact, held.Seq, "\x01")
}

func (b *builder) outside(ann, ben chat.Login) {
	ctx := b.Context()
	in, err := b.AddHook(ctx, chat.NewHook{Hook: chat.Hook{Room: b.room, Incoming: true, By: chat.Mention{ID: ann.ID}}, Name: named("CI"), Secret: chat.HashToken("hbw_secret")})
	b.must(err)
	out, err := b.AddHook(ctx, chat.NewHook{Hook: chat.Hook{Room: b.room, By: chat.Mention{ID: ann.ID}, URL: "https://example.org/secret", Events: chat.HookAll, Key: "key"}, Name: named("Relay")})
	b.must(err)
	b.must(b.HookFailed(ctx, out, chat.HookFailure{Seq: 9, Time: time.UnixMilli(1), Status: 500, Reason: "no"}))
	b.append(chat.Draft{Room: b.room, Author: in.Bot.ID, Bot: true, Kind: chat.KindMessage, Body: "built", As: "Jenkins"})
	bot, err := b.AddBot(ctx, ann.ID, named("Robot"))
	b.must(err)
	_, err = b.AddBotToken(ctx, bot.ID, chat.HashToken("hbb_secret"), chat.BotToken{Label: "a token", Scope: chat.Scope{Write: true}})
	b.must(err)
	b.must(b.AddDevice(ctx, ben.ID, ben.Session, chat.Device{Endpoint: "https://push.example.org/1", Key: "k", Auth: "a", Created: time.Now()}))
	b.must(b.SetAlerted(ctx, b.room, 3))
}

func (b *builder) keepOut(ann, cem chat.Login) {
	_, err := b.AddBlock(b.Context(), chat.Block{Range: netip.MustParsePrefix("192.0.2.0/24"), Reason: "spam", By: chat.Mention{ID: ann.ID}})
	b.must(err)
	b.append(chat.Draft{Room: b.room, Author: ann.ID, Kind: chat.KindBan, About: chat.Mention{ID: cem.ID}, Body: "enough", Until: time.Now().Add(time.Hour)})
}

// dump writes down all rows of the database in a folder, table by table: two that hold the
// same have the same dump. Nothing of it is how migrate compares.
func dump(t testing.TB, dir string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "hubbub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := make(map[string]string)
	for _, name := range query(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('goose_db_version', 'moving')") {
		rows := query(t, db, "SELECT * FROM "+name)
		slices.Sort(rows)
		all[name] = strings.Join(rows, "\n")
	}
	return all
}

// query returns the rows of a query, each as a line.
func query(t testing.TB, db *sql.DB, q string) (lines []string) {
	t.Helper()
	rows, err := db.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		if text, ok := row[0].(string); ok && len(row) == 1 {
			lines = append(lines, text)
			continue
		}
		var line bytes.Buffer
		for i, c := range columns {
			fmt.Fprintf(&line, "%s=%T:%q ", c, row[i], fmt.Sprint(row[i]))
		}
		lines = append(lines, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
