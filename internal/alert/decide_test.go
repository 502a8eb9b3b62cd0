package alert

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hubbub/internal/chat"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 10, 14, 12, 0, 0, 0, time.UTC)
	named := func(q *Question) { q.Event.Mentions = []chat.Mention{{ID: "ben"}} }
	for name, x := range map[string]struct {
		change func(*Question)
		want   Reason
	}{
		"a message to nobody":                {func(q *Question) {}, NotThem},
		"by name":                            {named, Yes},
		"another's name":                     {func(q *Question) { q.Event.Mentions = []chat.Mention{{ID: "cem"}} }, NotThem},
		"channel":                            {func(q *Question) { q.Event.Everyone = chat.Channel }, Yes},
		"here, and they are not":             {func(q *Question) { q.Event.Everyone = chat.Here }, NotThem},
		"here, and they are":                 {func(q *Question) { q.Event.Everyone, q.Here = chat.Here, true }, Yes},
		"all":                                {func(q *Question) { q.To.Level = chat.LevelAll }, Yes},
		"none, by name":                      {func(q *Question) { named(q); q.To.Level = chat.LevelNone }, Quiet},
		"a quiet room, by name":              {func(q *Question) { named(q); q.To.Quiet = true }, Quiet},
		"a direct conversation":              {func(q *Question) { q.Room.Kind = chat.RoomDirect }, Yes},
		"a direct one, mentions only":        {func(q *Question) { q.Room.Kind, q.To.Level = chat.RoomDirect, chat.LevelMentions }, NotThem},
		"a thread that is followed":          {func(q *Question) { q.Event.Thread, q.To.Threads = 3, map[chat.Seq]bool{3: false} }, Yes},
		"another thread":                     {func(q *Question) { q.Event.Thread, q.To.Threads = 4, map[chat.Seq]bool{3: false} }, NotThem},
		"a muted thread, by name":            {func(q *Question) { named(q); q.Event.Thread, q.To.Threads = 3, map[chat.Seq]bool{3: true} }, Muted},
		"a muted thread says nothing of all": {func(q *Question) { named(q); q.To.Threads = map[chat.Seq]bool{3: true} }, Yes},
		"their own":                          {func(q *Question) { named(q); q.Event.Author = "ben" }, Own},
		"an edit":                            {func(q *Question) { named(q); q.Event.Kind = chat.KindEdit }, Nothing},
		"only a picture":                     {func(q *Question) { named(q); q.Event.Body, q.Event.Files = "", []chat.File{{Name: "a.png"}} }, Yes},
		"nothing in it":                      {func(q *Question) { named(q); q.Event.Body = "" }, Nothing},
		"deleted meanwhile":                  {func(q *Question) { named(q); q.Event.Deleted = true }, Nothing},
		"old":                                {func(q *Question) { named(q); q.Event.Time = now.Add(-11 * time.Minute) }, Old},
		"read on another device":             {func(q *Question) { named(q); q.To.Read = 7 }, Seen},
		"in a thread, the room was read":     {func(q *Question) { named(q); q.To.Read, q.Event.Thread = 7, 3 }, Yes},
		"banned":                             {func(q *Question) { named(q); q.To.State, q.To.Banned = chat.StateBanned, chat.Forever }, Hidden},
		"removed":                            {func(q *Question) { named(q); q.To.State = chat.StateRemoved }, Hidden},
		"left a public room":                 {func(q *Question) { named(q); q.To.State = chat.StateLeft }, Hidden},
		"not of a private room":              {func(q *Question) { named(q); q.Room.Kind, q.To.State = chat.RoomPrivate, chat.StateNone }, Hidden},
		"looking":                            {func(q *Question) { named(q); q.Here, q.Attentive = true, true }, Watching},
		"here and not looking":               {func(q *Question) { named(q); q.Here = true }, Yes},
		"not to be disturbed":                {func(q *Question) { named(q); q.To.Silence.Until = now.Add(time.Second) }, Silence},
		"to be disturbed again":              {func(q *Question) { named(q); q.To.Silence.Until = now }, Yes},
		"at night": {func(q *Question) {
			named(q)
			q.To.Silence = chat.Silence{From: 22 * 60, To: 7 * 60, Zone: "Asia/Tokyo"}
		}, Yes},
		"at their night": {func(q *Question) {
			named(q)
			q.To.Silence = chat.Silence{From: 20 * 60, To: 7 * 60, Zone: "Asia/Tokyo"}
		}, Silence},
		"an archived room": {func(q *Question) { named(q); q.Room.Archived = true }, Yes},
	} {
		q := Question{
			Event: chat.Event{Seq: 7, Time: now, Draft: chat.Draft{Kind: chat.KindMessage, Author: "ann", Body: "x"}},
			Room:  &chat.Room{Kind: chat.RoomPublic}, Now: now,
			To: chat.Listener{Person: chat.Person{ID: "ben", Role: chat.RoleMember}, Standing: chat.Standing{State: chat.StateMember}, Read: 6},
		}
		x.change(&q)
		if got := q.Decide(); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}

func TestSilence(t *testing.T) {
	s := chat.Silence{From: 22 * 60, To: 7*60 + 30, Zone: "Europe/Zurich"}
	for at, want := range map[string]bool{
		"2026-07-01T19:59:00Z": false, "2026-07-01T20:00:00Z": true, "2026-07-01T05:29:00Z": true, "2026-07-01T05:30:00Z": false,
		"2026-12-01T20:59:00Z": false, "2026-12-01T21:00:00Z": true, // winter
		"2026-10-25T00:30:00Z": true, "2026-10-25T01:30:00Z": true, // half past two, twice
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.At(when); got != want {
			t.Errorf("%s: %v", at, got)
		}
	}
	day := chat.Silence{From: 9 * 60, To: 17 * 60, Zone: "UTC"}
	if !day.At(time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)) || day.At(time.Date(2026, 1, 1, 17, 0, 0, 0, time.UTC)) || (chat.Silence{}).At(time.Now()) {
		t.Error("by day")
	}
}

func TestPayloadOfFiles(t *testing.T) {
	room := &chat.Room{ID: "r", Kind: chat.RoomPrivate}
	files := []chat.File{{Name: "kitchen *one*.png"}, {Name: "\u202egnp.exe"}}
	for body, want := range map[string]string{"": `"text":"kitchen *one*.png, gnp.exe"`, "**look**": `"text":"look"`} {
		b, err := Payload(chat.Event{Draft: chat.Draft{Body: body, Files: files}}, room)
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%q: %s, %v", body, b, err)
		}
	}
}

func TestExcerpt(t *testing.T) {
	for in, want := range map[string]string{
		"hello":                        "hello",
		"**bold** _it_ ~~no~~ `a*b`":   "bold it no a*b",
		"snake_case 2 * 3":             "snake_case 2 * 3",
		"[label](https://e.org/x_y_z)": "label",
		"<https://e.org> https://a_b_": "https://e.org https://a_b_",
		"# Title\n\n> quoted\n- item":  "Title quoted item",
		"```go\nx := 1\n```\nafter":    "x := 1 after",
		`\*not\* \[this\]`:             "*not* [this]",
		"![a cat](https://e.org/c)":    "a cat",
		"a\u202eb\x00c\nd":             "abc d",
		"[x] and (y)":                  "[x] and (y)",
	} {
		if got := Excerpt(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{strings.Repeat("ü", 8000), strings.Repeat("[", 16000), strings.Repeat("*", 16000), strings.Repeat("`", 16000), "", strings.Repeat("\\", 999)} {
		if got := Excerpt(in); utf8.RuneCountInString(got) > maxExcerpt || !utf8.ValidString(got) {
			t.Errorf("%d runes", utf8.RuneCountInString(got))
		}
	}
}
