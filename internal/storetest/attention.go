package storetest

import (
	"fmt"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// What somebody wants to hear of a room is theirs, and lasts.
func testLevels(t *testing.T, e *env) {
	k := newTalk(t, e)
	k.must(k.SetLevel(t.Context(), k.ben.ID, k.room, chat.LevelAll, true))
	e.reopen()
	k.env = e
	for l, want := range map[*chat.Login]string{&k.ann: "default false", &k.ben: "all true"} {
		if m, err := k.Access(t.Context(), l.ID, k.room); err != nil || fmt.Sprint(m.Level, " ", m.Quiet) != want {
			t.Errorf("%s: %v %v, %v", l.Name, m.Level, m.Quiet, err)
		}
	}
	k.wants(chat.CodeNotFound, k.SetLevel(t.Context(), k.ben.ID, "nosuchroom12", chat.LevelAll, false))
	k.say(k.ann, "@Ben?", func(d *chat.Draft) { d.Mentions = []chat.Mention{{ID: k.ben.ID, Name: "Ben"}} })
	all, err := k.Memberships(t.Context(), k.ben.ID)
	if err != nil || len(all) != 1 || !all[0].Quiet || all[0].Level != chat.LevelAll || all[0].Unread != 1 || all[0].Mentions != 1 {
		t.Errorf("a muted room counts as before: %+v, %v", all, err)
	}
	k.must(k.Leave(t.Context(), k.ben.Actor(), k.room))
	k.wants(chat.CodeNotFound, k.SetLevel(t.Context(), k.ben.ID, k.room, chat.LevelAll, false))
	_, err = k.Join(t.Context(), k.ben.Actor(), k.room)
	k.must(err)
	if m, err := k.Access(t.Context(), k.ben.ID, k.room); err != nil || !m.Quiet {
		t.Errorf("coming back unmutes: %+v, %v", m, err)
	}
}

// A mark that goes back counts again what is behind it.
func testMarkUnread(t *testing.T, e *env) {
	k := newTalk(t, e)
	at := func(l chat.Login) string {
		m, err := k.Access(t.Context(), l.ID, k.room)
		k.must(err)
		return fmt.Sprint(m.Read, " ", m.Unread, " ", m.Mentions)
	}
	named := func(d *chat.Draft) { d.Mentions = []chat.Mention{{ID: k.ben.ID, Name: "Ben"}} }
	first := k.say(k.ann, "one")
	second := k.say(k.ann, "two", named)
	root := k.say(k.ann, "three")
	reply := k.say(k.ann, "in a thread", func(d *chat.Draft) { d.Thread = root })
	k.say(k.ben, "@Ben my own", named)
	moved, err := k.ReadAll(t.Context(), k.ben.ID)
	k.must(err)
	if len(moved) != 1 || moved[0] != (chat.ReadMark{Room: k.room, Seq: reply + 1}) || at(k.ben) != fmt.Sprint(reply+1, " 0 0") {
		t.Errorf("%+v, %s", moved, at(k.ben))
	}
	for seq, want := range map[chat.Seq]string{second: fmt.Sprint(first, " 3 1"), root: fmt.Sprint(second, " 2 0"), 1: "0 4 1", reply + 2: fmt.Sprint(reply+1, " 0 0"), 99: fmt.Sprint(reply+1, " 0 0")} {
		if _, err := k.MarkUnread(t.Context(), k.ben.ID, k.room, seq); err != nil || at(k.ben) != want {
			t.Errorf("unread from %d: %s, want %s, %v", seq, at(k.ben), want, err)
		}
	}
	if moved, err := k.ReadAll(t.Context(), k.ann.ID); err != nil || len(moved) != 1 {
		t.Errorf("%+v, %v", moved, err) // her thread was read with what she wrote in it
	}
	_, err = k.MarkUnread(t.Context(), k.ben.ID, "nosuchroom12", 1)
	k.wants(chat.CodeNotFound, err)
}

// The newest draft is kept, whatever comes later with an older time; who leaves takes
// theirs along.
func testUnsent(t *testing.T, e *env) {
	k := newTalk(t, e)
	now := time.Now().Truncate(time.Millisecond)
	put := func(text string, after time.Duration, want string) {
		t.Helper()
		got, err := k.SetUnsent(t.Context(), k.ben.ID, chat.Unsent{Room: k.room, Text: text, Time: now.Add(after)})
		if err != nil || got.Text != want || got.Room != k.room {
			t.Errorf("%+v, %v", got, err)
		}
	}
	put("b", 2*time.Second, "b")
	put("a", time.Second, "b")
	put("c", 2*time.Second, "c")
	if all, err := k.Unsent(t.Context(), k.ben.ID); err != nil || len(all) != 1 || all[0].Text != "c" || !all[0].Time.Equal(now.Add(2*time.Second)) {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := k.Unsent(t.Context(), k.ann.ID); err != nil || len(all) != 0 {
		t.Errorf("another's: %+v, %v", all, err)
	}
	put("", 3*time.Second, "")
	put("c", 2*time.Second, "")
	if all, err := k.Unsent(t.Context(), k.ben.ID); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	put("d", 4*time.Second, "d")
	k.must(k.Leave(t.Context(), k.ben.Actor(), k.room))
	_, err := k.SetUnsent(t.Context(), k.ben.ID, chat.Unsent{Room: k.room, Text: "x", Time: now})
	k.wants(chat.CodeNotFound, err)
	if all, err := k.Unsent(t.Context(), k.ben.ID); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// A device hears as long as its session lasts, and belongs to who asked last.
func testDevices(t *testing.T, e *env) {
	k := newTalk(t, e)
	heard := func() string {
		all, err := k.Listeners(t.Context(), k.room)
		k.must(err)
		said := ""
		for _, l := range all {
			said += l.Name + ":"
			for _, d := range l.Devices {
				said += d.Endpoint + "," + d.Key + "," + d.Auth + " "
			}
		}
		return said
	}
	add := func(l chat.Login, endpoint string) {
		t.Helper()
		k.must(k.AddDevice(t.Context(), l.ID, l.Session, chat.Device{Endpoint: endpoint, Key: "k", Auth: "a"}))
	}
	if heard() != "" {
		t.Error(heard())
	}
	add(k.ben, "https://push/1")
	k.must(k.SetSilence(t.Context(), k.ben.ID, chat.Silence{Until: time.UnixMilli(5), From: 1, To: 2, Zone: "UTC"}))
	k.must(k.SetLevel(t.Context(), k.ben.ID, k.room, chat.LevelAll, true))
	root := k.say(k.ann, "x")
	k.must(k.FollowThread(t.Context(), k.ben.ID, k.room, root, true))
	all, err := k.Listeners(t.Context(), k.room)
	if err != nil || len(all) != 1 || all[0].Level != chat.LevelAll || !all[0].Quiet || all[0].State != chat.StateMember || !all[0].Threads[root] ||
		all[0].Silence != (chat.Silence{Until: time.UnixMilli(5), From: 1, To: 2, Zone: "UTC"}) || all[0].ID != k.ben.ID {
		t.Errorf("%+v, %v", all, err)
	}
	add(k.cem, "https://push/1")
	if heard() != "Cem:https://push/1,k,a " {
		t.Error(heard())
	}
	add(k.ben, "https://push/2")
	k.must(k.RemoveDevice(t.Context(), k.cem.ID, "https://push/2")) // not his
	k.must(k.EndSession(t.Context(), k.cem.ID, k.cem.Session))
	if heard() != "Ben:https://push/2,k,a " {
		t.Error(heard())
	}
	for i := range chat.MaxDevices {
		add(k.ben, fmt.Sprintf("https://push/more/%d", i))
	}
	if n, err := k.Devices(t.Context()); err != nil || n != chat.MaxDevices {
		t.Errorf("%d devices, %v", n, err)
	}
	k.must(k.Leave(t.Context(), k.ben.Actor(), k.room))
	if heard() != "" {
		t.Error(heard())
	}
	k.must(k.SetAlerted(t.Context(), k.room, 5))
	k.must(k.SetAlerted(t.Context(), k.room, 4))
	e.reopen()
	if done, err := e.Alerted(t.Context()); err != nil || len(done) != 1 || done[k.room] != 5 {
		t.Errorf("%v, %v", done, err)
	}
}

// A hook has a bot in its room as long as it is there; an outgoing one is a place in the
// log, which goes forward only.
func testHooks(t *testing.T, e *env) {
	k := newTalk(t, e)
	secret := chat.HashToken("hbw_secret")
	in, err := k.AddHook(t.Context(), chat.NewHook{Hook: chat.Hook{Room: k.room, Incoming: true, By: chat.Mention{ID: k.ann.ID}}, Name: name("CI"), Secret: secret})
	k.must(err)
	out, err := k.AddHook(t.Context(), chat.NewHook{Hook: chat.Hook{Room: k.room, By: chat.Mention{ID: k.ann.ID}, URL: "https://example.org/secret", Events: chat.HookAll, Key: "key"}, Name: name("Relay")})
	k.must(err)
	_, err = k.AddHook(t.Context(), chat.NewHook{Hook: chat.Hook{Room: k.room, By: chat.Mention{ID: k.ann.ID}}, Name: name("ci")})
	k.wants(chat.CodeNameTaken, err)
	head, err := k.Head(t.Context(), k.room)
	if err != nil || !in.Incoming || in.Bot.Name != "CI" || !in.Bot.Bot || in.By.Name != "Ann" || out.Incoming || out.Key != "key" || out.Seq != head.Seq || out.Events != chat.HookAll {
		t.Errorf("%+v %+v, %v", in, out, err)
	}
	if m, err := k.Access(t.Context(), in.Bot.ID, k.room); err != nil || m.State != chat.StateMember {
		t.Errorf("%+v, %v", m, err)
	}
	if found, err := k.HookOf(t.Context(), secret); err != nil || found.ID != in.ID {
		t.Errorf("%+v, %v", found, err)
	}
	_, err = k.HookOf(t.Context(), chat.HashToken("hbw_other"))
	k.wants(chat.CodeNotFound, err)
	d := message(k.room, in.Bot.ID, "built")
	d.Guest, d.Bot, d.As = false, true, "Jenkins"
	ev := k.append(d)[0]
	if got := k.at(ev.Seq); got.As != "Jenkins" || !got.Bot || got.Name != "CI" {
		t.Errorf("%+v", got)
	}
	if got := k.at(head.Seq); got.Kind != chat.KindHook || got.Body != "example.org" || got.About.ID != out.Bot.ID || got.Author != k.ann.ID {
		t.Errorf("%+v", got)
	}
	k.must(k.mark(k.ann, chat.KindReact, ev.Seq, "🎉"))
	del := chat.Draft{Room: k.room, Author: in.Bot.ID, Kind: chat.KindDelete, ID: newID(), Target: ev.Seq}
	k.append(del)
	if got := k.at(ev.Seq); got.As != "" || !got.Deleted {
		t.Errorf("%+v", got)
	}

	k.must(k.Delivered(t.Context(), out.ID, 9, true))
	k.must(k.Delivered(t.Context(), out.ID, 8, false))
	out.Tries, out.Paused, out.Since, out.Next = 3, true, time.UnixMilli(10), time.UnixMilli(20)
	for i := range chat.MaxFailures + 2 {
		k.must(k.HookFailed(t.Context(), out, chat.HookFailure{Seq: 9, Time: time.UnixMilli(int64(i + 1)), Status: 500, Reason: "no"}))
	}
	e.reopen()
	k.env = e
	got, err := k.Hook(t.Context(), out.ID)
	if err != nil || got.Seq != 9 || !got.Paused || got.Tries != 3 || !got.Since.Equal(out.Since) || !got.Next.Equal(out.Next) || got.Used.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if f, err := k.HookFailures(t.Context(), out.ID); err != nil || len(f) != chat.MaxFailures || f[0].Time.UnixMilli() != chat.MaxFailures+2 || f[0].Status != 500 {
		t.Errorf("%+v, %v", f, err)
	}
	url, goOn, renamed := "https://example.org/2", false, name("Relay 2")
	if got, err = k.ChangeHook(t.Context(), out.ID, chat.HookChange{URL: &url, Paused: &goOn, Name: &renamed}); err != nil || got.URL != url || got.Paused || got.Tries != 0 || got.Bot.Name != "Relay 2" {
		t.Errorf("%+v, %v", got, err)
	}
	k.must(k.RemoveHook(t.Context(), in.ID, k.ann.ID))
	_, err = k.HookOf(t.Context(), secret)
	k.wants(chat.CodeNotFound, err)
	if all, err := k.Hooks(t.Context(), k.room); err != nil || len(all) != 1 || all[0].ID != out.ID {
		t.Errorf("%+v, %v", all, err)
	}
	if m, err := k.Access(t.Context(), in.Bot.ID, k.room); err != nil || m.State == chat.StateMember {
		t.Errorf("%+v, %v", m, err)
	}
	_, err = k.Remove(t.Context(), k.ann.ID, out.Bot.ID)
	k.must(err)
	if all, err := k.OutgoingHooks(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	_, err = k.AddHook(t.Context(), chat.NewHook{Hook: chat.Hook{Room: k.room, Incoming: true, By: chat.Mention{ID: k.ann.ID}}, Name: name("CI"), Secret: secret})
	k.must(err)
}
