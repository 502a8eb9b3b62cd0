package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"hubbub/internal/chat"
)

// Of public rooms whose names have one key there is one. Private rooms may be called
// anything.
func testRoomNames(t *testing.T, e *env) {
	boss := e.member("Boss")
	alike := func(display string) chat.Name { return chat.Name{Display: display, Key: "kitchen"} }
	kitchen, err := e.EnsureRoom(t.Context(), alike("kitchen"), boss)
	e.must(err)
	_, err = e.EnsureRoom(t.Context(), alike("k1tchen"), boss)
	e.wants(chat.CodeRoomExists, err)
	_, err = e.RoomByName(t.Context(), "k1tchen")
	e.wants(chat.CodeNotFound, err)
	hall, err := e.EnsureRoom(t.Context(), name("hall"), boss)
	e.must(err)
	for _, id := range []chat.RoomID{kitchen.ID, hall.ID} {
		_, err = e.Join(t.Context(), as(boss), id)
		e.must(err)
	}
	rename := func(room chat.RoomID, n chat.Name) chat.Draft {
		d := change(room, boss, chat.KindName, n.Display)
		d.Key = n.Key
		return d
	}
	e.answers([]chat.Draft{rename(hall.ID, alike("k1tchen")), rename(e.room("lobby"), name("hall2"))}, chat.CodeRoomExists, chat.CodeForbidden)
	e.answers([]chat.Draft{{Room: e.room("lobby"), Author: chat.OperatorID, Kind: chat.KindName, ID: newID(), Body: "hall2", Key: "hall2"}}, chat.CodeConflict)
	// In one batch: given up, and taken.
	e.answers([]chat.Draft{rename(kitchen.ID, alike("k1tchen")), rename(kitchen.ID, name("canteen")), rename(hall.ID, alike("kitchen"))}, "", "", "")
	e.reopen()
	if r, err := e.RoomByName(t.Context(), "kitchen"); err != nil || r.ID != hall.ID {
		t.Errorf("the kitchen is %+v, %v", r, err)
	}
	_, err = e.EnsureRoom(t.Context(), name("canteen"), boss)
	e.must(err)
	private := e.private("kitchen", boss)
	e.answers([]chat.Draft{change(private, boss, chat.KindName, "canteen")}, "")
	if r, err := e.RoomByName(t.Context(), "canteen"); err != nil || r.ID != kitchen.ID {
		t.Errorf("by a private room's name: %+v, %v", r, err)
	}

	var wg sync.WaitGroup
	won := make([]string, 40)
	for i := range won {
		wg.Go(func() {
			r, err := e.EnsureRoom(context.Background(), chat.Name{Display: []string{"race", "r4ce"}[i%2], Key: "race"}, boss)
			if err != nil {
				e.wants(chat.CodeRoomExists, err)
				return
			}
			won[i] = r.Name
		})
	}
	wg.Wait()
	slices.Sort(won)
	if won = slices.DeleteFunc(slices.Compact(won), func(s string) bool { return s == "" }); len(won) != 1 {
		t.Errorf("both are there: %v", won)
	}
}

// A private room is its members' alone, from its first event on.
func testPrivateRooms(t *testing.T, e *env) {
	boss, ann, stranger := e.member("Boss"), e.member("Ann"), e.member("Stranger")
	room, twin := e.private("club", boss, ann, boss, ann), e.private("club", boss)
	if room == twin || len(room) != 12 {
		t.Errorf("two of a name are %s and %s", room, twin)
	}
	e.reopen()
	if got := e.all(room); len(got) != 1 || got[0].Kind != chat.KindAdd || got[0].Author != boss || got[0].About != (chat.Mention{ID: ann, Name: "Ann"}) {
		t.Errorf("it begins with %+v", got)
	}
	for id, want := range map[chat.UserID]chat.Standing{boss: {State: chat.StateMember, Moderator: true}, ann: {State: chat.StateMember}, stranger: {}} {
		if got := e.standing(id, room); got != want {
			t.Errorf("stands like %+v, not %+v", got, want)
		}
	}
	_, err := e.Join(t.Context(), as(stranger), room)
	e.wants(chat.CodeNotFound, err)
	e.wants(chat.CodeNotFound, e.Leave(t.Context(), as(stranger), room))
	if found, err := e.Rooms(t.Context(), "club", 10); err != nil || len(found) != 0 {
		t.Errorf("the directory has %+v, %v", found, err)
	}
	before, err := e.AllRooms(t.Context())
	e.must(err)
	for _, who := range []chat.UserID{"nosuchperson1234", e.author()} { // who can not come back
		_, err := e.NewRoom(t.Context(), chat.NewRoom{Kind: chat.RoomPrivate, Name: "x", By: chat.Person{ID: boss}, People: []chat.UserID{ann, who}})
		e.wants(chat.CodeNotFound, err)
	}
	if after, err := e.AllRooms(t.Context()); err != nil || len(after) != len(before) {
		t.Errorf("%d rooms became %d, %v", len(before), len(after), err)
	}
	e.answers([]chat.Draft{message(room, stranger, "x"), message(room, ann, "x")}, chat.CodeNotFound, "")
}

// The conversation of the same people is the same for ever, whoever begins it.
func testDirect(t *testing.T, e *env) {
	ann, ben, kim := e.member("Ann"), e.member("Ben"), e.guest("Kim", "kim").ID
	direct := func(by chat.UserID, people ...chat.UserID) chat.RoomID {
		id, err := e.NewRoom(context.Background(), chat.NewRoom{Kind: chat.RoomDirect, By: chat.Person{ID: by}, People: people})
		e.must(err)
		return id
	}
	var wg sync.WaitGroup
	ids := make([]chat.RoomID, 20)
	for i := range ids {
		wg.Go(func() {
			if i%2 == 0 {
				ids[i] = direct(ann, ben)
			} else {
				ids[i] = direct(ben, ann, ann, ben)
			}
		})
	}
	wg.Wait()
	if slices.ContainsFunc(ids, func(id chat.RoomID) bool { return id != ids[0] }) {
		t.Fatalf("twenty at once: %v", ids)
	}
	three := direct(kim, ben, ann)
	e.reopen()
	if three == ids[0] || direct(ann, kim, ben) != three || direct(ben, ann) != ids[0] {
		t.Error("other people, the same conversation; or the reverse")
	}
	list, err := e.Memberships(t.Context(), ann)
	if err != nil || len(list) != 2 {
		t.Fatalf("her list is %+v, %v", list, err)
	}
	for _, m := range list {
		want := []chat.Mention{{ID: ben, Name: "Ben"}}
		if m.ID == three {
			want = append(want, chat.Mention{ID: kim, Name: "Kim"})
		}
		if m.Kind != chat.RoomDirect || m.Name != "" || m.Head != 0 || m.Members != len(want)+1 || !slices.Equal(m.People, want) {
			t.Errorf("%+v, with %v", m, want)
		}
	}
	e.wants(chat.CodeForbidden, e.Leave(t.Context(), as(ann), three))
	e.answers([]chat.Draft{to(three, ann, chat.KindRemove, ben), change(three, ann, chat.KindName, "x"), message(three, kim, "x")}, chat.CodeForbidden, chat.CodeForbidden, "")
}

// Having a public room on one's list is no event; coming to a private one, or leaving
// it, is.
func testJoinLeave(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	public, private := e.room("hall"), e.private("club", boss, ann)
	e.wants(chat.CodeForbidden, e.Leave(t.Context(), as(ann), public))
	_, err := e.Join(t.Context(), as(ann), public)
	e.must(err)
	e.append(message(public, ann, "x"))
	e.must(e.Leave(t.Context(), as(ann), public))
	if s := e.standing(ann, public); s.State != chat.StateLeft {
		t.Errorf("who left stands like %+v", s)
	}
	e.wants(chat.CodeForbidden, e.Leave(t.Context(), as(ann), public))
	e.append(message(public, ann, "from outside"))
	m, err := e.Join(t.Context(), as(ann), public)
	if err != nil || m.State != chat.StateMember || m.Read != 2 || m.Unread != 0 || m.Members != 1 {
		t.Errorf("back as %+v, %v", m, err)
	}
	if n := len(e.all(public)); n != 2 {
		t.Errorf("%d events", n)
	}
	e.must(e.Leave(t.Context(), as(ann), private))
	e.reopen()
	if all := e.all(private); all[len(all)-1].Kind != chat.KindLeave || all[len(all)-1].Author != ann {
		t.Errorf("it ends with %+v", all[len(all)-1])
	}
	_, err = e.Join(t.Context(), as(ann), private)
	e.wants(chat.CodeNotFound, err)

	// Guests wait where they have to, and nobody else.
	made, err := e.EnsureRoom(t.Context(), name("calm"), boss)
	e.must(err)
	_, err = e.Join(t.Context(), as(boss), made.ID)
	e.must(err)
	e.append(change(made.ID, boss, chat.KindGuestsWait, "on"))
	kim := e.guest("Kim", "kim").ID
	if m, err := e.Join(t.Context(), guest(kim), made.ID); err != nil || m.State != chat.StateWaiting || m.Members != 1 {
		t.Errorf("she waits like %+v, %v", m, err)
	}
	if _, n, err := e.Pending(t.Context(), made.ID); err != nil || n != 1 {
		t.Errorf("%d wait, %v", n, err)
	}
	e.answers([]chat.Draft{message(made.ID, kim, "x"), to(made.ID, boss, chat.KindAdmit, ann), to(made.ID, boss, chat.KindAdmit, kim), message(made.ID, kim, "x")},
		chat.CodeWaiting, chat.CodeConflict, "", "")
	if m, err := e.Join(t.Context(), as(ann), made.ID); err != nil || m.State != chat.StateMember {
		t.Errorf("with an account: %+v, %v", m, err)
	}
}

// An invitation leads into a private room, by an event; a ban is stronger.
func testInvitedIn(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	room := e.private("club", boss)
	_, err := e.AddInvite(t.Context(), chat.HashToken("come"), chat.Invite{Role: chat.RoleGuest, Room: room, By: boss})
	e.must(err)
	for range 2 { // the second time they are there
		_, _, err = e.UseInvite(t.Context(), chat.HashToken("come"), ann)
		e.must(err)
	}
	if all := e.all(room); len(all) != 1 || all[0].Kind != chat.KindJoin || all[0].Author != ann {
		t.Errorf("the log says %+v", all)
	}
	// A guest who is refused, late, has changed nothing: not the room, nor who is in it.
	n, hash := newcomer("Twin", "token of Boss"), chat.HashToken("come")
	n.Invite = &hash
	if l, err := e.AddGuest(t.Context(), n); err == nil {
		t.Errorf("two have one token: %+v", l)
	}
	e.append(message(room, ann, "x"))
	if all := e.all(room); len(all) != 2 || all[1].Kind != chat.KindMessage {
		t.Errorf("the log says %+v", all)
	}
	e.append(to(room, boss, chat.KindBan, ann))
	_, _, err = e.UseInvite(t.Context(), chat.HashToken("come"), ann)
	e.must(err)
	if s := e.standing(ann, room); s.State != chat.StateBanned {
		t.Errorf("an invitation lifted a ban: %+v", s)
	}
	e.append(to(room, chat.OperatorID, chat.KindAdd, e.member("Ben")))
	e.must(e.Leave(t.Context(), as(boss), room))
	_, err = e.Invite(t.Context(), chat.HashToken("come"))
	e.wants(chat.CodeBadInvite, err) // whoever left invites nobody
}

// Ten thousand names come in pages, each once and in order.
func testMembers(t *testing.T, e *env) {
	n := 10_000
	if testing.Short() || raced { // with the detector of races they take minutes
		n = 1000
	}
	room := e.room("hall")
	hash := chat.HashToken("come")
	_, err := e.AddInvite(t.Context(), hash, chat.Invite{Role: chat.RoleMember, Room: room})
	e.must(err)
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < n; i += 64 {
				newcomer := newcomer([]string{"Person %d", "person é%d", "Ω%d", "%d"}[i%4], fmt.Sprint("token ", i))
				newcomer.Name = name(fmt.Sprintf(newcomer.Name.Display, i))
				newcomer.Invite = &hash
				if _, err := e.AddGuest(context.Background(), newcomer); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	met, want, pages := map[chat.UserID]bool{}, chat.Members{Show: chat.StateMember, Limit: 99}, 0
	for last := ""; ; pages++ {
		page, count, next, err := e.Members(t.Context(), room, want)
		e.must(err)
		if count != n || len(page) > want.Limit {
			t.Fatalf("a page of %d, %d in all", len(page), count)
		}
		for _, m := range page {
			if met[m.ID] || asciiLower(m.Name) < last {
				t.Fatalf("%q comes twice, or after %q", m.Name, last)
			}
			met[m.ID], last = true, asciiLower(m.Name)
		}
		if want.After = next; next == "" {
			break
		}
	}
	if len(met) != n || pages != (n-1)/99 {
		t.Errorf("%d of %d, on %d pages", len(met), n, pages)
	}
	// Who comes or goes meanwhile moves nobody else between pages.
	want = chat.Members{Show: chat.StateMember, Limit: 10}
	first, _, next, err := e.Members(t.Context(), room, want)
	e.must(err)
	e.must(e.Leave(t.Context(), guest(first[9].ID), room))
	want.After = next
	second, _, _, err := e.Members(t.Context(), room, want)
	if err != nil || slices.ContainsFunc(second, func(m chat.Member) bool {
		return slices.ContainsFunc(first, func(f chat.Member) bool { return f.ID == m.ID })
	}) {
		t.Errorf("somebody is on both pages: %v", err)
	}
	found, count, _, err := e.Members(t.Context(), room, chat.Members{Show: chat.StateMember, Part: "person é", Limit: 3})
	if err != nil || len(found) != 3 || count != n/4 {
		t.Errorf("%d of %d are called so, %v", len(found), count, err)
	}
	_, _, _, err = e.Members(t.Context(), room, chat.Members{Show: chat.StateMember, After: "nonsense", Limit: 3})
	e.wants(chat.CodeBadFrame, err)
}

// asciiLower is how lists of people are ordered.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Each list of a room's people has who stands so, and nobody else.
func testMemberLists(t *testing.T, e *env) {
	boss, ann, ben, kim, lee := e.member("Boss"), e.member("Ann"), e.member("Ben"), e.member("Kim"), e.guest("Lee", "lee").ID
	made, err := e.EnsureRoom(t.Context(), name("hall"), boss)
	e.must(err)
	for _, id := range []chat.UserID{boss, ann, ben, kim} {
		_, err := e.Join(t.Context(), as(id), made.ID)
		e.must(err)
	}
	past := to(made.ID, boss, chat.KindBan, ben)
	past.Until = made.Created
	e.append(to(made.ID, boss, chat.KindModerator, ann), to(made.ID, boss, chat.KindMute, kim), past,
		to(made.ID, boss, chat.KindBan, ben), change(made.ID, boss, chat.KindGuestsWait, "on"), to(made.ID, boss, chat.KindMute, ben))
	_, err = e.Join(t.Context(), guest(lee), made.ID)
	e.must(err)
	e.reopen()
	for _, x := range []struct {
		what string
		want chat.Members
		who  string
	}{
		{"members", chat.Members{Show: chat.StateMember}, "Ann Boss Kim"},
		{"moderators", chat.Members{Show: chat.StateMember, Ranks: true}, "Ann"},
		{"muted", chat.Members{Show: chat.StateMember, Muted: true}, "Ben Kim"},
		{"banned", chat.Members{Show: chat.StateBanned}, "Ben"},
		{"waiting", chat.Members{Show: chat.StateWaiting}, "Lee"},
		{"members with k", chat.Members{Show: chat.StateMember, Part: "k"}, "Kim"},
	} {
		x.want.Limit = 10
		page, count, next, err := e.Members(t.Context(), made.ID, x.want)
		var who string
		for _, m := range page {
			who += " " + m.Name
		}
		if err != nil || who != " "+x.who || count != len(page) || next != "" {
			t.Errorf("%s:%s, %d in all, %v", x.what, who, count, err)
		}
	}
	got, err := e.Moderators(t.Context(), made.ID)
	if slices.Sort(got); err != nil || !slices.Equal(got, sorted(boss, ann)) {
		t.Errorf("told what waits are %v, %v", got, err)
	}
	_, err = e.SetRole(t.Context(), "", kim, chat.RoleAdmin)
	e.must(err)
	got, err = e.Moderators(t.Context(), made.ID)
	if slices.Sort(got); err != nil || !slices.Equal(got, sorted(boss, ann, kim)) {
		t.Errorf("with an admin they are %v, %v", got, err)
	}
}

func sorted(ids ...chat.UserID) []chat.UserID { return slices.Sorted(slices.Values(ids)) }

// What was changed in a room is listed newest first, and what was said is not.
func testAudit(t *testing.T, e *env) {
	boss, ann := e.member("Boss"), e.member("Ann")
	room := e.private("club", boss, ann) // 1: add
	e.append(message(room, ann, "x"), message(room, ann, "y"), change(room, boss, chat.KindTopic, "z"), message(room, boss, "x"))
	hers := e.all(room)
	own, others := remove(hers[1]), remove(hers[2])
	others.Author = boss
	e.append(own, others, to(room, boss, chat.KindMute, ann))
	for _, kind := range []chat.Kind{chat.KindReact, chat.KindUnreact, chat.KindPin, chat.KindUnpin} { // to what was said
		d := change(room, boss, kind, "👍")
		d.Target = hers[4].Seq
		e.append(d)
	}
	for _, x := range []struct {
		before chat.Seq
		limit  int
		want   []chat.Kind
	}{
		{1 << 62, 10, []chat.Kind{chat.KindMute, chat.KindDelete, chat.KindTopic, chat.KindAdd}},
		{1 << 62, 2, []chat.Kind{chat.KindMute, chat.KindDelete}},
		{7, 10, []chat.Kind{chat.KindTopic, chat.KindAdd}},
		{4, 10, []chat.Kind{chat.KindAdd}},
		{1, 10, nil}, {0, 10, nil},
	} {
		events, err := e.Audit(t.Context(), room, x.before, x.limit)
		var kinds []chat.Kind
		for _, ev := range events {
			kinds = append(kinds, ev.Kind)
		}
		if err != nil || !slices.Equal(kinds, x.want) {
			t.Errorf("before %d, at most %d: %v, %v", x.before, x.limit, kinds, err)
		}
	}
	if events, err := e.Audit(t.Context(), room, 8, 1); err != nil || len(events) != 1 || events[0].About != (chat.Mention{ID: ann, Name: "Ann"}) || events[0].Author != boss {
		t.Errorf("whose message was erased: %+v, %v", events, err)
	}
}

// A report is open until it is settled, or its message is erased.
func testReports(t *testing.T, e *env) {
	boss, ann, ben := e.member("Boss"), e.member("Ann"), e.member("Ben")
	room, other := e.private("club", boss, ann, ben), e.private("other", boss)
	said := e.append(message(room, ann, "x"), message(room, ann, "y"))
	e.must(e.AddReport(t.Context(), room, said[0].Seq, ben, "rude"))
	e.must(e.AddReport(t.Context(), room, said[0].Seq, ben, "again")) // changes nothing
	e.must(e.AddReport(t.Context(), room, said[0].Seq, boss, "so it is"))
	e.must(e.AddReport(t.Context(), room, said[1].Seq, ben, ""))
	e.wants(chat.CodeNotFound, e.AddReport(t.Context(), room, 99, ben, "x"))
	e.wants(chat.CodeNotFound, e.AddReport(t.Context(), room, 1, ben, "x")) // no message
	e.wants(chat.CodeNotFound, e.AddReport(t.Context(), "nosuchroom12", 1, ben, "x"))
	e.reopen()
	all, err := e.Reports(t.Context(), room)
	if err != nil || len(all) != 3 {
		t.Fatalf("reported: %+v, %v", all, err)
	}
	i := slices.IndexFunc(all, func(r chat.Report) bool { return r.By.ID == ben && r.Seq == said[0].Seq })
	if i < 0 || all[i].Reason != "rude" || all[i].By.Name != "Ben" || all[i].Time.IsZero() {
		t.Errorf("reported: %+v", all)
	}
	e.wants(chat.CodeNotFound, e.CloseReport(t.Context(), other, all[i].ID))
	e.must(e.CloseReport(t.Context(), room, all[i].ID))
	e.wants(chat.CodeNotFound, e.CloseReport(t.Context(), room, all[i].ID))
	e.append(remove(said[1]))
	if left, err := e.Reports(t.Context(), room); err != nil || len(left) != 1 || left[0].By.ID != boss {
		t.Errorf("left: %+v, %v", left, err)
	}
	if n, _, err := e.Pending(t.Context(), room); err != nil || n != 1 {
		t.Errorf("%d are open, %v", n, err)
	}
	e.wants(chat.CodeNotFound, e.AddReport(t.Context(), room, said[1].Seq, ben, "gone"))
}
