package storetest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// inPlace wants the newest entries of the log of the place, newest first, as kind,
// whom and text.
func (e *env) inPlace(want ...string) []chat.Event {
	e.Helper()
	place, err := e.Place(e.Context())
	e.must(err)
	events, err := e.Audit(e.Context(), place, 1<<62, len(want))
	e.must(err)
	var got []string
	for _, ev := range events {
		got = append(got, ev.Kind.String()+" "+ev.About.Name+" "+ev.Body)
	}
	if !slices.Equal(got, want) {
		e.Errorf("the log of the place says %q, not %q", got, want)
	}
	return events
}

// What is changed in the place is in its log, with who did it, and nothing that was
// refused is.
func testPlaceLog(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	_, err := e.SetRole(t.Context(), "", boss, chat.RoleOwner)
	e.must(err)
	_, err = e.SetRole(t.Context(), boss, ann, chat.RoleAdmin)
	e.must(err)
	_, err = e.SetRole(t.Context(), boss, ann, chat.RoleAdmin) // she is one already
	e.must(err)
	_, err = e.SetRole(t.Context(), boss, boss, chat.RoleMember)
	e.wants(chat.CodeConflict, err)
	e.must(e.SetSetting(t.Context(), boss, chat.KindGuests, "guests", "open"))
	e.must(e.SetSetting(t.Context(), boss, 0, "base", "http://localhost"))
	_, err = e.Rename(t.Context(), ann, name("Anna"))
	e.must(err)
	_, err = e.Remove(t.Context(), boss, ann)
	e.must(err)
	e.reopen()
	events := e.inPlace("put_out Anna ", "name  Ann → Anna", "guests  open", "role Anna admin", "role Boss owner")
	if by := events[0].Author; by != boss {
		t.Errorf("she was put out by %q", by)
	}
	if by := events[4].Author; by != chat.OperatorID {
		t.Errorf("the first owner is by %q", by)
	}
	place, err := e.Place(t.Context())
	e.must(err)
	e.answers([]chat.Draft{message(place, boss, "x"), change(place, chat.OperatorID, chat.KindTopic, "x")}, chat.CodeNotFound, chat.CodeNotFound)
	_, err = e.Join(t.Context(), chat.Actor{ID: boss, Role: chat.RoleOwner}, place)
	e.wants(chat.CodeNotFound, err)
	if all, err := e.AllRooms(t.Context()); err != nil || slices.ContainsFunc(all, func(r chat.Room) bool { return r.ID == place }) {
		t.Errorf("it is a room among others: %v", err)
	}
}

func testBlocks(t *testing.T, e *env) {
	boss := e.member("Boss")
	until := time.Now().Add(time.Hour)
	first, err := e.AddBlock(t.Context(), chat.Block{Range: netip.MustParsePrefix("203.0.113.0/24"), Reason: "guesses", By: chat.Mention{ID: boss}, Until: until})
	e.must(err)
	second, err := e.AddBlock(t.Context(), chat.Block{Range: netip.MustParsePrefix("2001:db8::/64")})
	e.must(err)
	_, err = e.AddBlock(t.Context(), chat.Block{Range: netip.MustParsePrefix("198.51.100.7/32"), Until: time.Now().Add(-time.Second)})
	e.must(err)
	_, err = e.AddBlock(t.Context(), chat.Block{Range: netip.MustParsePrefix("198.51.100.8/32"), By: chat.Mention{ID: "nosuchperson1234"}})
	e.wants(chat.CodeUnauthorized, err)
	e.reopen()
	all, err := e.Blocks(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("kept out are %+v, %v", all, err)
	}
	i := slices.IndexFunc(all, func(b chat.Block) bool { return b.ID == first.ID })
	if i < 0 || all[i].Range.String() != "203.0.113.0/24" || all[i].Reason != "guesses" || all[i].By.Name != "Boss" || all[i].Until.UnixMilli() != until.UnixMilli() {
		t.Errorf("%+v", all)
	}
	if b := all[1-i]; b.ID != second.ID || b.By.ID != chat.OperatorID || !b.Until.IsZero() {
		t.Errorf("%+v", b)
	}
	e.must(e.RemoveBlock(t.Context(), boss, first.ID))
	e.wants(chat.CodeNotFound, e.RemoveBlock(t.Context(), boss, first.ID))
	events := e.inPlace("unblock  203.0.113.0/24", "block  198.51.100.7/32", "block  2001:db8::/64", "block  203.0.113.0/24 guesses")
	if got := events[3]; got.Author != boss || got.Until.UnixMilli() != until.UnixMilli() {
		t.Errorf("%+v", got)
	}
}

// A bot has an account, and tokens that say what they are for.
func testBots(t *testing.T, e *env) {
	boss := e.member("Boss")
	bot, err := e.AddBot(t.Context(), boss, name("build-bot"))
	if err != nil || !bot.Bot || bot.Role != chat.RoleMember {
		t.Fatalf("%+v, %v", bot, err)
	}
	_, err = e.AddBot(t.Context(), boss, name("Build-Bot"))
	e.wants(chat.CodeNameTaken, err)
	_, err = e.AddBot(t.Context(), boss, name("boss"))
	e.wants(chat.CodeNameTaken, err)
	room := e.private("builds", boss, bot.ID)
	scope := chat.Scope{Read: true, Write: true, Only: []chat.RoomID{room}}
	token, err := e.AddBotToken(t.Context(), bot.ID, chat.HashToken("secret"), chat.BotToken{Label: "ci", Scope: scope})
	e.must(err)
	_, err = e.AddBotToken(t.Context(), boss, chat.HashToken("x"), chat.BotToken{Scope: scope})
	e.wants(chat.CodeNotFound, err) // no bot
	_, err = e.AddBotToken(t.Context(), "nosuchperson1234", chat.HashToken("x"), chat.BotToken{Scope: scope})
	e.wants(chat.CodeNotFound, err)
	e.reopen()
	l, err := e.Login(t.Context(), chat.HashToken("secret"))
	if err != nil || l.Person != bot || l.Session != token.ID || l.Scope == nil || !l.Scope.Write || l.Scope.Moderate || !slices.Equal(l.Scope.Only, scope.Only) {
		t.Errorf("it signs in as %+v, %v", l, err)
	}
	e.append(message(room, bot.ID, "green"))
	if all := e.all(room); !all[len(all)-1].Bot || all[len(all)-1].Guest {
		t.Errorf("its message is %+v", all[len(all)-1])
	}
	all, err := e.Bots(t.Context())
	if err != nil || len(all) != 1 || all[0].Person != bot || all[0].By.ID != boss || len(all[0].Tokens) != 1 ||
		all[0].Tokens[0].ID != token.ID || all[0].Tokens[0].Label != "ci" || !all[0].Tokens[0].Used.IsZero() {
		t.Errorf("the bots are %+v, %v", all, err)
	}
	if people, err := e.People(t.Context()); err != nil || slices.ContainsFunc(people, func(a chat.Account) bool { return a.Bot }) {
		t.Errorf("it is among the people: %+v, %v", people, err)
	}
	e.must(e.EndSession(t.Context(), bot.ID, token.ID))
	_, err = e.Login(t.Context(), chat.HashToken("secret"))
	e.wants(chat.CodeUnauthorized, err)
	_, err = e.AddBotToken(t.Context(), bot.ID, chat.HashToken("other"), chat.BotToken{Scope: scope})
	e.must(err)
	_, err = e.Remove(t.Context(), boss, bot.ID)
	e.must(err)
	_, err = e.Login(t.Context(), chat.HashToken("other"))
	e.wants(chat.CodeUnauthorized, err)
	if all, err := e.Bots(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("left are %+v, %v", all, err)
	}
	if s := e.standing(bot.ID, room); s.State != chat.StateLeft {
		t.Errorf("in its room it stands like %+v", s)
	}
	e.inPlace("bot_gone build-bot ", "bot build-bot ")
}

// A room keeps as much as it says, or the place where it says nothing; the rest is
// erased, and what is left of it is where it was.
func testRetention(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	room, other, quiet := e.private("club", boss, ann), e.private("other", boss), e.private("quiet", boss)
	var drafts []chat.Draft
	for range 10 {
		d := message(room, boss, "hello @Ann")
		d.Mentions = []chat.Mention{{ID: ann, Name: "Ann"}}
		drafts = append(drafts, d)
	}
	said := e.append(drafts...) // 2 to 11
	change1 := edit(said[0], "hello")
	e.append(change1, edit(said[9], "goodbye"), message(other, boss, "1"), message(other, boss, "2"))
	e.must(e.AddReport(t.Context(), room, said[1].Seq, ann, "x"))
	sweep := func(place chat.Keep, want int) {
		t.Helper()
		if n, err := e.Sweep(t.Context(), place); err != nil || n != want {
			t.Errorf("erased in %d rooms, not %d, %v", n, want, err)
		}
	}
	sweep(chat.Keep{}, 0)
	sweep(chat.Keep{Days: 1}, 0)
	e.append(change(room, boss, chat.KindKeep, "3 messages"))
	sweep(chat.Keep{Messages: 1}, 2) // the place says 1, the room 3
	sweep(chat.Keep{Messages: 1}, 0)
	e.reopen()
	got := e.all(room)
	for _, ev := range got[1:11] {
		if gone := ev.Seq <= said[6].Seq; ev.Deleted != gone || (ev.Body == "") != gone || (len(ev.Mentions) == 0) != gone {
			t.Errorf("event %d reads %q, %v", ev.Seq, ev.Body, ev.Deleted)
		}
	}
	if last := got[len(got)-1]; last.Kind != chat.KindErase || last.Target != said[6].Seq || last.Author != chat.OperatorID {
		t.Errorf("it ends with %+v", last)
	}
	if got[11].Kind != chat.KindEdit || got[11].Body != "" || got[12].Body != "goodbye" {
		t.Errorf("the edits read %q and %q", got[11].Body, got[12].Body)
	}
	if r, err := e.Room(t.Context(), room); err != nil || r.Floor != said[6].Seq || r.Keep != (chat.Keep{Messages: 3}) {
		t.Errorf("%+v, %v", r, err)
	}
	if got := e.all(other); len(got) != 3 || !got[0].Deleted || got[1].Body != "2" {
		t.Errorf("the other room reads %+v", got)
	}
	if n := len(e.all(quiet)); n != 0 {
		t.Errorf("a room where nothing was said has %d events", n)
	}
	if m, err := e.Access(t.Context(), ann, room); err != nil || m.Mentions != 3 || m.Unread != 10 {
		t.Errorf("she has %d unread, %d for her, %v", m.Unread, m.Mentions, err)
	}
	if all, err := e.Reports(t.Context(), room); err != nil || len(all) != 0 {
		t.Errorf("reported: %+v, %v", all, err)
	}
	// Whoever missed the answers brings nothing back.
	for i, r := range e.Append(t.Context(), append(drafts, change1)) {
		if r.Err != nil || !r.Repeated || (i < 7 && r.Event.Body != "") {
			t.Errorf("draft %d again: %+v", i, r)
		}
	}
	e.answers([]chat.Draft{edit(said[0], "back"), remove(said[6]), remove(said[7])}, chat.CodeNotFound, chat.CodeNotFound, "")
	e.wants(chat.CodeNotFound, e.AddReport(t.Context(), room, said[2].Seq, ann, "x"))
}
