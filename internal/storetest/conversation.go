package storetest

import (
	"fmt"
	"slices"
	"testing"

	"hubbub/internal/chat"
)

// talk is a public room with three people who have it on their lists.
type talk struct {
	*env
	room chat.RoomID
	ann  chat.Login
	ben  chat.Login
	cem  chat.Login
}

func newTalk(t *testing.T, e *env) *talk {
	k := &talk{env: e, room: e.room("kitchen"), ann: e.guest("Ann", "one"), ben: e.guest("Ben", "two"), cem: e.guest("Cem", "three")}
	for _, l := range []chat.Login{k.ann, k.ben, k.cem} {
		_, err := e.Join(t.Context(), l.Actor(), k.room)
		e.must(err)
	}
	return k
}

func (k *talk) say(l chat.Login, body string, change ...func(*chat.Draft)) chat.Seq {
	k.Helper()
	d := message(k.room, l.ID, body)
	for _, f := range change {
		f(&d)
	}
	return k.append(d)[0].Seq
}

// mark is something that somebody does to a message.
func (k *talk) mark(l chat.Login, kind chat.Kind, target chat.Seq, body string) error {
	d := chat.Draft{Room: k.room, Author: l.ID, Kind: kind, ID: newID(), Target: target, Body: body}
	return k.Append(k.Context(), []chat.Draft{d})[0].Err
}

func (k *talk) at(seq chat.Seq) chat.Event {
	k.Helper()
	page, err := k.Read(k.Context(), k.room, seq-1, 1)
	k.must(err)
	return page[0]
}

// Reactions keep their order, are one of each for each person, and go with the message.
func testReactions(t *testing.T, e *env) {
	k := newTalk(t, e)
	first := k.say(k.ann, "cake?")
	for _, r := range []struct {
		who   chat.Login
		emoji string
	}{{k.ben, "🎂"}, {k.cem, "👍"}, {k.ann, "🎂"}, {k.ben, "👍"}} {
		k.must(k.mark(r.who, chat.KindReact, first, r.emoji))
	}
	k.wants(chat.CodeConflict, k.mark(k.ben, chat.KindReact, first, "🎂"))
	k.wants(chat.CodeNotFound, k.mark(k.ben, chat.KindReact, 999, "🎂"))
	k.wants(chat.CodeNotFound, k.mark(k.ben, chat.KindReact, first+1, "🎂")) // no message
	if got := fmt.Sprint(k.at(first).Reactions); got != fmt.Sprintf("[{🎂 [{%s Ben} {%s Ann}]} {👍 [{%s Cem} {%s Ben}]}]", k.ben.ID, k.ann.ID, k.cem.ID, k.ben.ID) {
		t.Error(got)
	}
	k.must(k.mark(k.ben, chat.KindUnreact, first, "🎂"))
	k.wants(chat.CodeConflict, k.mark(k.ben, chat.KindUnreact, first, "🎂"))
	k.reopen()
	if r := k.at(first).Reactions; len(r) != 2 || r[0].Emoji != "👍" || len(r[1].People) != 1 {
		t.Errorf("%v", r) // 🎂 is Ann's now, which came after 👍
	}
	for i := range chat.MaxEmoji - 2 {
		k.must(k.mark(k.ann, chat.KindReact, first, fmt.Sprint("e", i)))
	}
	k.wants(chat.CodeTooMany, k.mark(k.ann, chat.KindReact, first, "one more"))
	k.must(k.mark(k.cem, chat.KindReact, first, "e0"))
	k.must(k.mark(k.ann, chat.KindDelete, first, ""))
	if ev := k.at(first); len(ev.Reactions) > 0 || !ev.Deleted {
		t.Errorf("%+v", ev)
	}
	k.wants(chat.CodeNotFound, k.mark(k.ben, chat.KindReact, first, "🎂"))
}

func testPins(t *testing.T, e *env) {
	k := newTalk(t, e)
	a, b := k.say(k.ann, "the rules"), k.say(k.ben, "the address")
	k.must(k.mark(k.ben, chat.KindPin, a, ""))
	k.must(k.mark(k.ben, chat.KindPin, b, ""))
	k.wants(chat.CodeConflict, k.mark(k.ann, chat.KindPin, a, ""))
	pinned := func() (seqs []chat.Seq) {
		events, err := k.Pins(t.Context(), k.room)
		k.must(err)
		for _, ev := range events {
			seqs = append(seqs, ev.Seq)
		}
		return seqs
	}
	if got := pinned(); !slices.Equal(got, []chat.Seq{b, a}) || !k.at(a).Pinned {
		t.Error(got)
	}
	k.must(k.mark(k.ann, chat.KindUnpin, b, ""))
	k.wants(chat.CodeConflict, k.mark(k.ann, chat.KindUnpin, b, ""))
	k.must(k.mark(k.ann, chat.KindDelete, a, ""))
	if got := pinned(); len(got) > 0 || k.at(a).Pinned || k.at(b).Pinned {
		t.Error(got)
	}
}

// A thread stands beside the room: it leaves nothing unread there, and has marks of its
// own for those who take part.
func testThreads(t *testing.T, e *env) {
	k := newTalk(t, e)
	root := k.say(k.ann, "who brings what?")
	under := func(d *chat.Draft) { d.Thread = root }
	k.say(k.ben, "bread", under)
	last := k.say(k.ben, "and butter, @Cem", under, func(d *chat.Draft) { d.Mentions = []chat.Mention{{ID: k.cem.ID, Name: "Cem"}} })
	if ev := k.at(root); ev.Replies != 2 || ev.LastReply != last {
		t.Errorf("%+v", ev)
	}
	m, err := k.Access(t.Context(), k.cem.ID, k.room)
	if err != nil || m.Unread != 1 || m.Mentions != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	d := message(k.room, k.cem.ID, "deeper")
	d.Thread = last
	k.wants(chat.CodeNotFound, k.Append(t.Context(), []chat.Draft{d})[0].Err) // no thread under a thread
	d = message(k.room, k.cem.ID, "an answer to nothing")
	d.Target = 999
	k.wants(chat.CodeNotFound, k.Append(t.Context(), []chat.Draft{d})[0].Err)
	follows := func(l chat.Login) string {
		all, err := k.Threads(t.Context(), l.ID, 10)
		k.must(err)
		text := ""
		for _, h := range all {
			text += fmt.Sprintf("%d:%d/%d,%v ", h.Root.Seq, h.Unread, h.Read, h.Muted)
		}
		return text
	}
	for l, want := range map[*chat.Login]string{&k.ann: "1:2/1,false ", &k.ben: "1:0/3,false ", &k.cem: "1:1/2,false "} {
		if got := follows(*l); got != want {
			t.Errorf("%s follows %q, want %q", l.Name, got, want)
		}
	}
	read, err := k.ReadThread(t.Context(), k.ann.ID, k.room, root, 99)
	if err != nil || read != last {
		t.Errorf("read %d, %v", read, err)
	}
	k.must(k.FollowThread(t.Context(), k.cem.ID, k.room, root, true))
	k.wants(chat.CodeNotFound, k.FollowThread(t.Context(), k.cem.ID, k.room, last, false))
	if got := follows(k.ann) + follows(k.cem); got != "1:0/3,false 1:1/2,true " {
		t.Error(got)
	}
	replies, err := k.Thread(t.Context(), k.room, root, 0, 10)
	if err != nil || len(replies) != 2 || replies[1].Body != "and butter, @Cem" || replies[1].Thread != root {
		t.Errorf("%+v, %v", replies, err)
	}
	private, err := k.NewRoom(t.Context(), chat.NewRoom{Kind: chat.RoomPrivate, Name: "secret", By: k.ann.Person})
	k.must(err)
	_, err = k.ReadThread(t.Context(), k.ben.ID, private, 1, 1)
	_, other := k.ReadThread(t.Context(), k.ben.ID, "nosuchroom12", 1, 1)
	if err == nil || other == nil || err.Error() != other.Error() {
		t.Errorf("a hidden room says %v, none says %v", err, other)
	}
}

// Whoever edits what they have not seen is told so, and overwrites nothing.
func testEditConflict(t *testing.T, e *env) {
	k := newTalk(t, e)
	seq := k.say(k.ann, "at seven")
	edit := func(body string, base chat.Seq) chat.Result {
		d := chat.Draft{Room: k.room, Author: k.ann.ID, Kind: chat.KindEdit, ID: newID(), Target: seq, Body: body, Base: &base}
		return k.Append(t.Context(), []chat.Draft{d})[0]
	}
	first := edit("at eight", 0)
	k.must(first.Err)
	k.wants(chat.CodeConflict, edit("at nine", 0).Err)
	if got := k.at(seq).Body; got != "at eight" {
		t.Error(got)
	}
	k.must(edit("at nine", first.Event.Seq).Err)
	versions, err := k.History(t.Context(), k.room, seq)
	var bodies []string
	for _, v := range versions {
		bodies = append(bodies, v.Body)
	}
	if err != nil || fmt.Sprint(bodies) != "[at seven at eight at nine]" || versions[0].Time.IsZero() {
		t.Errorf("%v, %v", bodies, err)
	}
	k.must(k.mark(k.ann, chat.KindDelete, seq, ""))
	_, err = k.History(t.Context(), k.room, seq)
	k.wants(chat.CodeNotFound, err)
}

// What addresses everybody counts for each but its author; who has seen a message is
// told of those who want that.
func testEveryone(t *testing.T, e *env) {
	k := newTalk(t, e)
	seq := k.say(k.ann, "@channel dinner, @Ben", func(d *chat.Draft) { // for Ben that is one, not two
		d.Everyone, d.Mentions = chat.Channel, []chat.Mention{{ID: k.ben.ID, Name: "Ben"}}
	})
	for l, want := range map[*chat.Login]int{&k.ann: 0, &k.ben: 1, &k.cem: 1} {
		if m, err := k.Access(t.Context(), l.ID, k.room); err != nil || m.Mentions != want {
			t.Errorf("%s: %+v, %v", l.Name, m, err)
		}
	}
	seen := func() string {
		people, count, err := k.Seen(t.Context(), k.room, seq, 10)
		k.must(err)
		return fmt.Sprint(people, count)
	}
	for _, l := range []chat.Login{k.ben, k.cem} {
		_, err := k.MarkRead(t.Context(), l.ID, k.room, seq)
		k.must(err)
	}
	if m, err := k.Access(t.Context(), k.ben.ID, k.room); err != nil || m.Mentions != 0 || m.Unread != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	if got := seen(); got != fmt.Sprintf("[{%s Ben} {%s Cem}] 2", k.ben.ID, k.cem.ID) {
		t.Error(got)
	}
	k.must(k.HideReads(t.Context(), k.cem.ID, true))
	if hides, err := k.HidesReads(t.Context(), k.cem.ID); err != nil || !hides {
		t.Error(hides, err)
	}
	if got := seen(); got != fmt.Sprintf("[{%s Ben}] 1", k.ben.ID) {
		t.Error(got)
	}
}
