package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// upload begins and finishes an upload, if done.
func (e *env) upload(by chat.UserID, id chat.FileID, done bool) chat.File {
	e.Helper()
	f := chat.File{ID: id, Name: string(id) + ".jpg"}
	e.must(e.AddUpload(e.Context(), chat.Upload{File: f, Owner: by, Session: "s", Length: 1000, Expires: time.Now().Add(time.Hour)}, 0))
	if done {
		f.Type, f.Size, f.Width, f.Height, f.Thumb = "image/jpeg", 990, 40, 30, true
		e.must(e.FinishUpload(e.Context(), f))
	}
	return f
}

func with(ids ...chat.FileID) func(*chat.Draft) {
	return func(d *chat.Draft) {
		d.Files = []chat.File{}
		for _, id := range ids {
			d.Files = append(d.Files, chat.File{ID: id})
		}
	}
}

// gone returns the files whose bytes are to be removed, and has them removed.
func (e *env) gone() string {
	e.Helper()
	ids, err := e.Gone(e.Context(), 100)
	e.must(err)
	e.must(e.Removed(e.Context(), ids))
	slices.Sort(ids)
	return fmt.Sprint(ids)
}

// An upload belongs to a person, has a bound for each day, and ends by itself.
func testUploads(t *testing.T, e *env) {
	k := newTalk(t, e)
	f := e.upload(k.ann.ID, "a", false)
	u, err := e.Upload(t.Context(), "a")
	if err != nil || u.File != f || u.Owner != k.ann.ID || u.Session != "s" || u.Done || u.Length != 1000 {
		t.Errorf("%+v, %v", u, err)
	}
	_, err = e.Upload(t.Context(), "none")
	e.wants(chat.CodeNotFound, err)
	more := chat.Upload{File: chat.File{ID: "b"}, Owner: k.ann.ID, Length: 1001, Expires: time.Now().Add(time.Hour)}
	e.wants(chat.CodeTooLarge, e.AddUpload(t.Context(), more, 2000))
	more.Length = 1000
	e.must(e.AddUpload(t.Context(), more, 2000))
	e.must(e.DropUpload(t.Context(), "b"))
	e.wants(chat.CodeNotFound, e.DropUpload(t.Context(), "b"))
	e.wants(chat.CodeNotFound, e.FinishUpload(t.Context(), chat.File{ID: "b"}))
	if got := e.gone() + e.gone(); got != "[b b-part-][]" {
		t.Error(got)
	}
	e.reopen()
	e.must(e.ExpireUploads(t.Context(), time.Now()))
	if got := e.gone(); got != "[]" {
		t.Error(got)
	}
	e.must(e.ExpireUploads(t.Context(), time.Now().Add(2*time.Hour)))
	_, err = e.Upload(t.Context(), "a")
	e.wants(chat.CodeNotFound, err)
	if got := e.gone(); got != "[a a-part-]" {
		t.Error(got)
	}
}

// The pieces of an upload lie side by side, and go when it has become a file, or when it
// is given up.
func testPieces(t *testing.T, e *env) {
	k := newTalk(t, e)
	for _, id := range []chat.FileID{"a", "b", "c"} {
		e.upload(k.ann.ID, id, false)
	}
	add := func(id chat.FileID, from, size int64) error {
		return e.AddPiece(t.Context(), id, from, chat.Piece{Name: fmt.Sprint(id, "-part-", from), Size: size}, 3)
	}
	wants := func(id chat.FileID, want string) {
		t.Helper()
		if all, err := e.Pieces(t.Context(), id); err != nil || fmt.Sprint(all) != want {
			t.Errorf("%v, %v, not %s", all, err, want)
		}
	}
	wants("a", "[]")
	e.must(add("a", 0, 400))
	e.wants(chat.CodeConflict, add("a", 0, 400))
	e.wants(chat.CodeConflict, add("a", 399, 1))
	e.wants(chat.CodeConflict, add("a", 401, 1))
	e.wants(chat.CodeConflict, add("a", 400, 0))
	e.wants(chat.CodeTooLarge, add("a", 400, 601))
	e.wants(chat.CodeNotFound, add("none", 0, 1))
	e.must(add("a", 400, 100))
	e.must(add("a", 500, 499))
	e.wants(chat.CodeTooMany, add("a", 999, 1))
	e.must(e.AddPiece(t.Context(), "a", 999, chat.Piece{Name: "last", Size: 1}, 0))
	e.must(add("b", 0, 1))
	e.must(add("c", 0, 1))
	e.reopen()
	wants("a", "[{a-part-0 400} {a-part-400 100} {a-part-500 499} {last 1}]")
	e.must(e.FinishUpload(t.Context(), chat.File{ID: "a", Type: "text/plain", Size: 1000}))
	e.must(e.FinishUpload(t.Context(), chat.File{ID: "a", Type: "text/plain", Size: 1000}))
	e.wants(chat.CodeConflict, add("a", 1000, 1))
	e.must(e.DropUpload(t.Context(), "b"))
	e.wants(chat.CodeNotFound, add("b", 1, 1))
	wants("a", "[]")
	wants("b", "[]")
	wants("c", "[{c-part-0 1}]")
	if got := e.gone(); got != "[a-part- b b-part-]" {
		t.Error(got)
	}
	e.must(e.ExpireUploads(t.Context(), time.Now().Add(2*time.Hour)))
	wants("c", "[]")
	if got := e.gone(); got != "[a a-part- c c-part-]" {
		t.Error(got)
	}
}

// A message holds finished uploads of its author; the file goes with it.
func testHeldFiles(t *testing.T, e *env) {
	k := newTalk(t, e)
	a, b := e.upload(k.ann.ID, "a", true), e.upload(k.ann.ID, "b", true)
	e.upload(k.ann.ID, "slow", false)
	e.upload(k.ben.ID, "bens", true)
	refused := func(who chat.Login, ids ...chat.FileID) error {
		d := message(k.room, who.ID, "")
		with(ids...)(&d)
		return k.Append(t.Context(), []chat.Draft{d})[0].Err
	}
	e.wants(chat.CodeNotFound, refused(k.ann, "a", "none"))
	e.wants(chat.CodeNotFound, refused(k.ann, "bens"))
	e.wants(chat.CodeNotFinished, refused(k.ann, "slow"))
	e.wants(chat.CodeConflict, refused(k.ann, "a", "a"))
	_, _, err := e.File(t.Context(), "a")
	e.wants(chat.CodeNotFound, err)

	d := message(k.room, k.ann.ID, "")
	with("b", "a")(&d)
	first := k.append(d)[0]
	if !slices.Equal(first.Files, []chat.File{b, a}) {
		t.Errorf("%+v", first.Files)
	}
	e.must(e.ExpireUploads(t.Context(), time.Now().Add(2*time.Hour)))
	if got := e.gone(); got != "[bens bens-part- slow slow-part-]" {
		t.Error(got)
	}
	e.wants(chat.CodeNotFound, e.DropUpload(t.Context(), "a"))
	e.reopen()
	if ev := k.at(first.Seq); !same(ev, first) {
		t.Errorf("%+v, want %+v", ev, first)
	}
	if f, rooms, err := e.File(t.Context(), "a"); err != nil || f != a || !slices.Equal(rooms, []chat.RoomID{k.room}) {
		t.Errorf("%+v, %v, %v", f, rooms, err)
	}
	again := e.Append(t.Context(), []chat.Draft{d})[0]
	if again.Err != nil || !again.Repeated || !same(again.Event, first) {
		t.Errorf("%+v", again)
	}
	other := d
	with("a")(&other)
	e.wants(chat.CodeConflict, e.Append(t.Context(), []chat.Draft{other})[0].Err)
	other.Files = nil
	e.wants(chat.CodeConflict, e.Append(t.Context(), []chat.Draft{other})[0].Err)

	k.must(k.mark(k.ann, chat.KindDelete, first.Seq, ""))
	if ev := k.at(first.Seq); len(ev.Files) > 0 {
		t.Errorf("%+v", ev)
	}
	if _, _, err := e.File(t.Context(), "a"); err == nil {
		t.Error("the file outlived its message")
	}
	if again := e.Append(t.Context(), []chat.Draft{d})[0]; !again.Repeated || again.Err != nil {
		t.Errorf("%+v", again)
	}
	if got := e.gone(); got != "[a b]" {
		t.Error(got)
	}
}

// Whoever can read a file may put it into another message, and nobody else; it goes
// with the last.
func testForwarding(t *testing.T, e *env) {
	k := newTalk(t, e)
	secret, err := k.NewRoom(t.Context(), chat.NewRoom{Kind: chat.RoomPrivate, Name: "secret", By: k.ann.Person})
	k.must(err)
	e.upload(k.ann.ID, "a", true)
	in := func(room chat.RoomID, who chat.Login) chat.Result {
		d := message(room, who.ID, "")
		with("a")(&d)
		return k.Append(t.Context(), []chat.Draft{d})[0]
	}
	hidden := in(secret, k.ann)
	k.must(hidden.Err)
	refusal := in(k.room, k.ben).Err
	e.wants(chat.CodeNotFound, refusal)
	d := message(k.room, k.ben.ID, "")
	with("none")(&d)
	if never := k.Append(t.Context(), []chat.Draft{d})[0].Err; never.Error() != refusal.Error() {
		t.Errorf("a hidden file says %v, none says %v", refusal, never)
	}
	open := in(k.room, k.ann)
	k.must(open.Err)
	again := in(k.room, k.ben)
	k.must(again.Err)
	for i, gone := range []chat.Event{hidden.Event, open.Event, again.Event} {
		if _, rooms, err := e.File(t.Context(), "a"); err != nil || len(rooms) != []int{2, 1, 1}[i] {
			t.Errorf("%d: %v, %v", i, rooms, err)
		}
		k.must(k.Append(t.Context(), []chat.Draft{remove(gone)})[0].Err)
	}
	if got := e.gone(); got != "[a]" {
		t.Error(got)
	}
}

// An edit leaves files, or takes them off, and can bring none.
func testFileEdits(t *testing.T, e *env) {
	k := newTalk(t, e)
	a, b := e.upload(k.ann.ID, "a", true), e.upload(k.ann.ID, "b", true)
	e.upload(k.ann.ID, "c", true)
	seq := k.say(k.ann, "two", with("a", "b"))
	edit := func(body string, change func(*chat.Draft)) chat.Result {
		d := chat.Draft{Room: k.room, Author: k.ann.ID, Guest: true, Kind: chat.KindEdit, ID: newID(), Target: seq, Body: body}
		if change != nil {
			change(&d)
		}
		return k.Append(t.Context(), []chat.Draft{d})[0]
	}
	text := edit("still two", nil)
	k.must(text.Err)
	if ev := k.at(seq); text.Event.Files != nil || !slices.Equal(ev.Files, []chat.File{a, b}) || ev.Body != "still two" {
		t.Errorf("%+v", ev)
	}
	e.wants(chat.CodeNotFound, edit("three", with("a", "b", "c")).Err)
	one := edit("one", with("b"))
	k.must(one.Err)
	if ev := k.at(seq); !slices.Equal(ev.Files, []chat.File{b}) || !slices.Equal(one.Event.Files, []chat.File{b}) {
		t.Errorf("%+v", ev)
	}
	if ev := k.at(one.Event.Seq); !same(ev, one.Event) {
		t.Errorf("%+v, want %+v", ev, one.Event)
	}
	none := edit("none", with())
	k.must(none.Err)
	if ev := k.at(none.Event.Seq); ev.Files == nil || len(ev.Files) > 0 {
		t.Errorf("%+v", ev)
	}
	if got := e.gone(); got != "[a b]" {
		t.Error(got)
	}
}

func testFileRetention(t *testing.T, e *env) {
	k := newTalk(t, e)
	e.upload(k.ann.ID, "old", true)
	e.upload(k.ann.ID, "new", true)
	k.say(k.ann, "old", with("old"))
	k.say(k.ann, "new", with("new"))
	_, err := e.Store.Sweep(t.Context(), chat.Keep{Messages: 1})
	k.must(err)
	if ev := k.at(1); len(ev.Files) > 0 || !ev.Deleted {
		t.Errorf("%+v", ev)
	}
	if got := e.gone(); got != "[old]" || len(k.at(2).Files) != 1 {
		t.Error(got)
	}
}

// Previews come once for each state of a message, go with it, and not against its
// author's will.
func testPreviews(t *testing.T, e *env) {
	k := newTalk(t, e)
	n := 0
	page := func() []chat.Preview {
		n++
		f := e.upload(chat.OperatorID, chat.FileID(fmt.Sprint("p", n)), true)
		return []chat.Preview{{URL: "https://example.org/", Title: "Example"}, {URL: "https://example.net/", Title: "With a picture", Picture: &f}}
	}
	head := func() chat.Seq {
		p, err := k.Head(t.Context(), k.room)
		k.must(err)
		return p.Seq
	}
	seq := k.say(k.ann, "https://example.org/ https://example.net/")
	all := page()
	k.must(e.ShowPreviews(t.Context(), k.room, seq, 0, all))
	k.must(e.ShowPreviews(t.Context(), k.room, seq, 0, page())) // again
	if ev := k.at(seq); len(ev.Previews) != 2 || ev.Previews[1].Picture.ID != "p1" || head() != seq+1 || len(ev.Files) > 0 {
		t.Errorf("%+v, %d", ev, head())
	}
	shown := k.at(seq + 1)
	if shown.Kind != chat.KindPreview || shown.Target != seq || len(chat.ParsePreviews(shown.Body)) != 2 || shown.Author != chat.OperatorID {
		t.Errorf("%+v", shown)
	}
	if _, rooms, err := e.File(t.Context(), "p1"); err != nil || len(rooms) != 1 {
		t.Errorf("%v, %v", rooms, err)
	}
	d := chat.Draft{Room: k.room, Author: k.ann.ID, Kind: chat.KindEdit, ID: newID(), Target: seq, Body: "https://example.org/"}
	revised := k.append(d)[0].Seq
	if ev := k.at(seq); len(ev.Previews) > 0 || k.at(seq+1).Body != "" {
		t.Errorf("%+v", ev)
	}
	if got := e.gone(); got != "[p1]" {
		t.Error(got)
	}
	k.must(e.ShowPreviews(t.Context(), k.room, seq, 0, page())) // for the old text: too late
	if head() != revised {
		t.Error("a preview of what it once read")
	}
	k.must(e.ShowPreviews(t.Context(), k.room, seq, revised, page()))
	if ev := k.at(seq); len(ev.Previews) != 2 {
		t.Errorf("%+v", ev)
	}
	k.wants(chat.CodeNotFound, k.mark(k.ben, chat.KindUnpreview, seq, ""))
	k.must(k.mark(k.ann, chat.KindUnpreview, seq, ""))
	before := head()
	k.must(e.ShowPreviews(t.Context(), k.room, seq, revised, page()))
	if ev := k.at(seq); len(ev.Previews) > 0 || head() != before {
		t.Errorf("%+v", ev)
	}
	quiet := k.say(k.ann, "https://example.org/", func(d *chat.Draft) { d.NoPreview = true })
	k.must(e.ShowPreviews(t.Context(), k.room, quiet, 0, page()))
	gone := k.say(k.ann, "https://example.org/")
	k.must(e.ShowPreviews(t.Context(), k.room, gone, 0, page()))
	k.must(k.mark(k.ann, chat.KindDelete, gone, ""))
	if ev := k.at(quiet); len(ev.Previews) > 0 || k.at(gone+1).Body != "" {
		t.Errorf("%+v", ev)
	}
	k.must(e.ShowPreviews(t.Context(), k.room, gone, 0, page()))
	k.must(e.ShowPreviews(t.Context(), k.room, 9999, 0, page()))

	_, ok, err := e.CachedPreview(t.Context(), "https://example.org/")
	if ok || err != nil {
		t.Error(ok, err)
	}
	p := chat.CachedPreview{Preview: chat.Preview{Title: "Example"}, Image: []byte{1, 2}, Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond)}
	k.must(e.CachePreview(t.Context(), "https://example.org/", p))
	if got, ok, err := e.CachedPreview(t.Context(), "https://example.org/"); err != nil || !ok || got.Title != "Example" || len(got.Image) != 2 || !got.Expires.Equal(p.Expires) {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	p.Expires = time.Now().Add(-time.Second)
	k.must(e.CachePreview(t.Context(), "https://example.org/", p))
	if _, ok, _ := e.CachedPreview(t.Context(), "https://example.org/"); ok {
		t.Error("the cache holds what is over")
	}
}
