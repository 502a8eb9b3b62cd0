package chat

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// words are the reasons as the tables below write them.
var words = map[Reason]string{
	Allowed: "yes", Hidden: ".", Banned: "banned", Removed: "removed", Waiting: "waits", Archived: "archived", ReadOnly: "readonly",
	Muted: "muted", TooSoon: "soon", NotHere: "nothere", NeedRank: "rank", NoAccount: "account", OutOfScope: "scope", Fixed: "fixed",
}

var noon = time.UnixMilli(1795467187412)

// somebody reads a person as the tables write one: a role, then what else there is to
// say of them.
func somebody(t *testing.T, text string, at time.Time) (who Actor, s Standing) {
	t.Helper()
	who = Actor{ID: "somebody"}
	for _, word := range strings.Fields(text) {
		switch word {
		case "guest", "member", "admin", "owner":
			who.Role, _ = ParseRole(word)
		case "operator":
			who.ID, who.Role = OperatorID, RoleOwner
		case "bot":
			who.Bot = true
		case "in":
			s.State = StateMember
		case "left":
			s.State = StateLeft
		case "removed":
			s.State = StateRemoved
		case "waiting":
			s.State = StateWaiting
		case "banned":
			s.State, s.Banned = StateBanned, Forever
		case "banned-till-now":
			s.State, s.Banned = StateBanned, at
		case "banned-for-an-hour":
			s.State, s.Banned = StateBanned, at.Add(time.Hour)
		case "muted":
			s.Muted = Forever
		case "muted-till-now":
			s.Muted = at
		case "spoke-now":
			s.Spoke = at
		case "spoke-a-minute-ago":
			s.Spoke = at.Add(-time.Minute)
		case "moderator":
			s.Moderator = true
		case "maker":
			who.ID = "maker"
		case "token-read":
			who.Scope = &Scope{Read: true}
		case "token-write":
			who.Scope = &Scope{Write: true}
		case "token-rooms":
			who.Scope = &Scope{Rooms: true}
		case "token-moderate":
			who.Scope = &Scope{Moderate: true}
		case "token-for-nothing":
			who.Scope = &Scope{}
		case "token-elsewhere":
			who.Scope = &Scope{Read: true, Write: true, Rooms: true, Moderate: true, Only: []RoomID{"another"}}
		case "token-here":
			who.Scope = &Scope{Read: true, Write: true, Rooms: true, Moderate: true, Only: []RoomID{"another", "room"}}
		default:
			t.Fatalf("who is %q?", word)
		}
	}
	return who, s
}

// someRoom reads a room in the same way.
func someRoom(t *testing.T, text string) *Room {
	t.Helper()
	r := &Room{ID: "room", By: Mention{ID: "maker"}}
	for _, word := range strings.Fields(text) {
		switch word {
		case "public":
			r.Kind = RoomPublic
		case "private":
			r.Kind = RoomPrivate
		case "direct":
			r.Kind = RoomDirect
		case "place":
			r.Kind = RoomPlace
		case "archived":
			r.Archived = true
		case "read-only":
			r.ReadOnly = true
		case "slow":
			r.Slow = time.Minute
		case "guests-wait":
			r.GuestsWait = true
		default:
			t.Fatalf("which room is %q?", word)
		}
	}
	return r
}

// table is who may do what, in rooms of some kinds. A row is a person and an answer
// for each act, in the order of the constants; one answer alone is for all acts. A dot
// is: there is no such room.
var table = map[string]string{
	"public": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		guest                                   | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		guest in                                | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		guest left                              | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		guest removed                           | yes      removed  yes      nothere  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed
		guest banned                            | yes      banned   banned   nothere  banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned
		guest banned-till-now                   | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		guest banned-for-an-hour                | yes      banned   banned   nothere  banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned
		guest in muted                          | yes      yes      yes      yes      muted    muted    muted    yes      muted    muted    rank     account  account  rank     rank     rank     yes      rank
		guest in muted-till-now                 | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		member                                  | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      rank     nothere  nothere  rank     rank     rank     yes      rank
		member in                               | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes      rank     rank     rank     yes      rank
		member in maker                         | yes
		member left maker                       | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      rank     nothere  nothere  rank     rank     rank     yes      rank
		member in moderator                     | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes
		member removed moderator                | yes      removed  yes      nothere  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed
		member banned moderator                 | yes      banned   banned   nothere  banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned   banned
		admin                                   | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes
		admin banned                            | yes      banned   banned   nothere  banned   banned   banned   banned   banned   banned   yes      banned   banned   yes      yes      yes      banned   yes
		admin in muted                          | yes
		owner                                   | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes
		operator                                | yes      yes      scope    scope    scope    scope    scope    scope    scope    scope    scope    yes      scope    yes      yes      yes      scope    yes
		member bot in token-read                | yes      yes      scope    scope    scope    scope    scope    scope    scope    scope    scope    scope    scope    scope    scope    scope    yes      scope
		member bot in token-write               | scope    scope    scope    scope    yes      yes      yes      yes      yes      yes      scope    scope    scope    scope    scope    scope    scope    scope
		member bot in token-rooms               | scope    scope    yes      yes      scope    scope    scope    scope    scope    scope    scope    yes      yes      rank     scope    rank     scope    scope
		member bot in moderator token-moderate  | scope    scope    scope    scope    scope    scope    scope    scope    scope    scope    yes      scope    scope    scope    yes      scope    scope    yes
		member bot in token-for-nothing         | scope
		member bot in moderator token-elsewhere | scope
		member bot in moderator token-here      | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes
		admin bot token-moderate                | scope    scope    scope    scope    scope    scope    scope    scope    scope    scope    yes      scope    scope    scope    yes      scope    scope    yes
	`,
	"public guests-wait": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		guest                                   | yes      waits    yes      nothere  waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits
		guest waiting                           | yes      waits    yes      yes      waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits
		guest in                                | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		guest removed                           | yes      removed  yes      nothere  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed  removed
		guest left                              | yes      waits    yes      nothere  waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits    waits
		member                                  | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      rank     nothere  nothere  rank     rank     rank     yes      rank
		member left                             | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      rank     nothere  nothere  rank     rank     rank     yes      rank
	`,
	"public read-only": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		guest in                                | yes      yes      yes      yes      readonly readonly readonly yes      readonly readonly rank     account  account  rank     rank     rank     yes      rank
		member in                               | yes      yes      yes      yes      readonly readonly readonly yes      readonly readonly rank     readonly readonly rank     rank     rank     yes      rank
		member in moderator                     | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes
		member in maker                         | yes
		admin                                   | yes      yes      yes      nothere  yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes
		operator                                | yes      yes      scope    scope    scope    scope    scope    scope    scope    scope    scope    yes      scope    yes      yes      yes      scope    yes
	`,
	"public archived": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		guest in                                | yes      yes      yes      yes      archived archived archived yes      archived archived rank     archived archived rank     rank     rank     yes      rank
		member in                               | yes      yes      yes      yes      archived archived archived yes      archived archived rank     archived archived rank     rank     rank     yes      rank
		member in moderator                     | yes      yes      yes      yes      archived archived archived yes      archived archived yes      archived archived yes      yes      rank     yes      yes
		member in maker                         | yes      yes      yes      yes      archived archived archived yes      archived archived yes      archived archived yes      yes      yes      yes      yes
		admin                                   | yes      yes      yes      nothere  archived archived archived yes      archived archived yes      archived archived yes      yes      yes      yes      yes
		owner                                   | yes      yes      yes      nothere  archived archived archived yes      archived archived yes      archived archived yes      yes      yes      yes      yes
	`,
	"public slow": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		guest in                                | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		guest in spoke-now                      | yes      yes      yes      yes      soon     yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		guest in spoke-a-minute-ago             | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		member in spoke-now                     | yes      yes      yes      yes      soon     yes      yes      yes      yes      yes      rank     yes      yes      rank     rank     rank     yes      rank
		member in moderator spoke-now           | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes
		admin in spoke-now                      | yes
	`,
	"private": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		guest                                   | .
		member                                  | .
		member left                             | .
		member removed                          | .
		member banned                           | .
		member maker                            | .
		member left moderator                   | .
		admin                                   | .
		owner                                   | .
		owner left                              | .
		operator                                | yes      .        .        .        .        .        .        .        .        .        .        yes      .        yes      yes      yes      .        .
		guest in                                | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     account  account  rank     rank     rank     yes      rank
		member in                               | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes      rank     rank     rank     yes      rank
		member in muted                         | yes      yes      yes      yes      muted    muted    muted    yes      muted    muted    rank     muted    muted    rank     rank     rank     yes      rank
		member in moderator                     | yes
		member in maker                         | yes
		admin in                                | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes      rank     rank     rank     yes      rank
		owner in                                | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes      rank     rank     rank     yes      rank
		admin in moderator                      | yes
		member bot token-here                   | .
		member bot in token-here                | yes      yes      yes      yes      yes      yes      yes      yes      yes      yes      rank     yes      yes      rank     rank     rank     yes      rank
		member bot in token-elsewhere           | .
		member bot in token-for-nothing         | scope
		member bot in moderator token-moderate  | scope    scope    scope    scope    scope    scope    scope    scope    scope    scope    yes      scope    scope    scope    yes      scope    scope    yes
	`,
	"private archived": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		member in                               | yes      yes      yes      yes      archived archived archived yes      archived archived rank     archived archived rank     rank     rank     yes      rank
		member in moderator                     | yes      yes      yes      yes      archived archived archived yes      archived archived yes      archived archived yes      yes      yes      yes      yes
		member in maker                         | yes      yes      yes      yes      archived archived archived yes      archived archived yes      archived archived yes      yes      yes      yes      yes
	`,
	"private read-only": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		member in                               | yes      yes      yes      yes      readonly readonly readonly yes      readonly readonly rank     readonly readonly rank     rank     rank     yes      rank
		member in moderator                     | yes
	`,
	"direct": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		guest                                   | .
		owner                                   | .
		operator                                | yes      .        .        .        .        .        .        .        .        .        .        fixed    .        fixed    fixed    fixed    .        .
		guest in                                | yes      yes      yes      fixed    yes      yes      yes      yes      yes      yes      fixed    fixed    fixed    fixed    fixed    fixed    yes      fixed
		member in                               | yes      yes      yes      fixed    yes      yes      yes      yes      yes      yes      fixed    fixed    fixed    fixed    fixed    fixed    yes      fixed
		owner in                                | yes      yes      yes      fixed    yes      yes      yes      yes      yes      yes      fixed    fixed    fixed    fixed    fixed    fixed    yes      fixed
		member in maker                         | yes      yes      yes      fixed    yes      yes      yes      yes      yes      yes      fixed    fixed    fixed    fixed    fixed    fixed    yes      fixed
		member bot in token-here                | yes      yes      yes      fixed    yes      yes      yes      yes      yes      yes      fixed    fixed    fixed    fixed    fixed    fixed    yes      fixed
	`,
	"place": `
		                                        | see      read     join     leave    send     type     edit     own      react    pin      erase    add      invite   rename   govern   manage   report   audit
		guest                                   | .
		member                                  | .
		admin                                   | yes      .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        yes
		owner                                   | yes      .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        yes
		operator                                | yes      .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        yes
		admin bot                               | .
		member bot token-here                   | .
		member in moderator                     | .
	`,
}

func TestDecide(t *testing.T) {
	for kind, rows := range table {
		room := someRoom(t, kind)
		for _, row := range strings.Split(strings.TrimSpace(rows), "\n")[1:] {
			text, answers, _ := strings.Cut(row, "|")
			want := strings.Fields(answers)
			if len(want) == 1 {
				want = slices.Repeat(want, int(acts))
			}
			if len(want) != int(acts) {
				t.Fatalf("%s, %s: %d answers for %d acts", kind, text, len(want), acts)
			}
			who, as := somebody(t, text, noon)
			for act := range acts {
				q := Question{Who: who, Act: act, Room: room, As: as, At: noon}
				why := q.Decide()
				if words[why] != want[act] {
					t.Errorf("%s, %s, %s: %q, not %q", kind, strings.TrimSpace(text), act, words[why], want[act])
				}
				if err := why.Err(&q); (err == nil) != (why == Allowed) || (err != nil && AsError(err).Message == "") {
					t.Errorf("%s, %s, %s: the answer is %v", kind, text, act, err)
				}
			}
		}
	}
}

// What is done to people: nobody does such things to those who stand as high.
func TestDecideAboutOthers(t *testing.T) {
	for _, x := range []struct{ room, who, act, whom, want string }{
		{"public", "member in moderator", "moderate", "guest in", "yes"},
		{"public", "member in moderator", "moderate", "guest", "yes"},
		{"public", "member in moderator", "moderate", "member in", "yes"},
		{"public", "member in moderator", "moderate", "member in moderator", "rank"},
		{"public", "member in moderator", "moderate", "member in maker", "rank"},
		{"public", "member in moderator", "moderate", "member left maker", "yes"}, // who has gone has no rank
		{"public", "member in moderator", "moderate", "admin", "rank"},
		{"public", "member in moderator", "moderate", "owner removed", "rank"},
		{"public", "member in moderator", "delete", "admin in", "rank"},
		{"public", "member in moderator", "delete", "member in", "yes"},
		{"public", "member in maker", "moderate", "member in moderator", "yes"},
		{"public", "member in maker", "manage", "member in moderator", "yes"},
		{"public", "member in maker", "moderate", "admin in", "rank"},
		{"public", "admin", "moderate", "member in maker", "yes"},
		{"public", "admin", "moderate", "admin in", "rank"},
		{"public", "admin", "moderate", "owner in", "rank"},
		{"public", "owner", "moderate", "admin in moderator", "yes"},
		{"public", "owner", "moderate", "owner in", "rank"},
		{"public", "operator", "moderate", "owner in", "yes"},
		{"public", "guest in", "moderate", "guest in", "rank"},
		{"public", "guest in moderator", "moderate", "guest in", "rank"}, // a guest has no rank, whatever the log says
		{"public", "member in", "add", "guest removed", "yes"},
		{"private", "member in", "add", "guest removed", "rank"},
		{"private", "member in moderator", "add", "guest removed", "yes"},
		{"private", "member in", "add", "guest left", "yes"},
		{"public guests-wait", "member in", "add", "guest waiting", "rank"},
		{"public guests-wait", "member in", "add", "guest", "rank"},
		{"public guests-wait", "member in", "add", "member", "yes"},
		{"public guests-wait", "member in moderator", "add", "guest waiting", "yes"},
		{"public", "member in", "add", "guest banned", "banned"},
		{"public", "member in moderator", "add", "guest banned", "banned"},
		{"public", "member in", "add", "guest banned-till-now", "yes"},
		{"public", "member in", "manage", "self", "rank"},
		{"public", "member in moderator", "manage", "self", "yes"}, // steps down
		{"public", "member in moderator", "manage", "member in", "rank"},
		{"private", "member in moderator", "manage", "member in", "yes"},
		{"private", "member in moderator", "moderate", "owner in", "yes"}, // the place's ranks do not count
		{"private", "member in moderator", "moderate", "member in maker", "rank"},
		{"private", "member in moderator", "moderate", "member in moderator", "rank"},
		{"private", "member in maker", "moderate", "admin in moderator", "yes"},
		{"private", "admin in", "moderate", "member in", "rank"},
		{"private", "owner", "moderate", "member in", "."},
		{"private", "operator", "moderate", "member in maker", "yes"},
		{"private", "operator", "delete", "member in", "."},
		{"private", "member left moderator", "manage", "self", "."},
		{"direct", "member in maker", "moderate", "guest in", "fixed"},
		{"direct", "owner in", "moderate", "member in", "fixed"},
		{"direct", "member in", "add", "member", "fixed"},
		{"direct", "guest in", "delete", "guest in", "fixed"},
	} {
		act := Act(slices.Index(actNames[:], x.act))
		who, as := somebody(t, x.who, noon)
		target := &Target{ID: who.ID, Role: who.Role, As: as}
		if x.whom != "self" {
			whom, s := somebody(t, x.whom, noon)
			target = &Target{ID: whom.ID, Role: whom.Role, As: s}
			if whom.ID == who.ID {
				target.ID = "somebody else"
			}
		}
		q := Question{Who: who, Act: act, Room: someRoom(t, x.room), As: as, Target: target, At: noon}
		if got := words[q.Decide()]; got != x.want {
			t.Errorf("%s: %s, %s, to %s: %q, not %q", x.room, x.who, x.act, x.whom, got, x.want)
		}
	}
}

// Who is refused for a while hears for how long, and then is not refused.
func TestDecideInTime(t *testing.T) {
	room := someRoom(t, "public slow")
	for _, x := range []struct {
		who  string
		want string
		wait time.Duration // 0: for good
	}{
		{"guest in spoke-now", "soon", time.Minute},
		{"guest banned-for-an-hour", "banned", 0},
		{"guest banned", "banned", 0},
		{"guest in muted", "muted", 0},
	} {
		who, as := somebody(t, x.who, noon)
		q := Question{Who: who, Act: ActSend, Room: room, As: as, At: noon}
		why := q.Decide()
		if got := AsError(why.Err(&q)).RetryAfter; words[why] != x.want || got != x.wait {
			t.Errorf("%s: %q, after %v", x.who, words[why], got)
		}
	}
	who, as := somebody(t, "guest in", noon)
	as.Muted = noon.Add(time.Hour)
	for at, want := range map[time.Time]Reason{noon: Muted, noon.Add(time.Hour - 1): Muted, noon.Add(time.Hour): Allowed} {
		q := Question{Who: who, Act: ActSend, Room: someRoom(t, "public"), As: as, At: at}
		if got := q.Decide(); got != want {
			t.Errorf("at %v: %q", at, words[got])
		}
		if want == Muted && AsError(Muted.Err(&q)).RetryAfter < time.Millisecond {
			t.Errorf("at %v there is nothing to wait for", at)
		}
	}
}

// Who is banned hears that they are, and not that somebody else is.
func TestWhoIsBanned(t *testing.T) {
	room := someRoom(t, "public")
	for who, want := range map[string]Code{"member banned": CodeBanned, "member in": CodeConflict} {
		actor, as := somebody(t, who, noon)
		_, banned := somebody(t, "guest banned", noon)
		q := Question{Who: actor, Act: ActAdd, Room: room, As: as, Target: &Target{ID: "other", As: banned}, At: noon}
		if err := AsError(q.Decide().Err(&q)); err.Code != want {
			t.Errorf("%s adds somebody who is banned: %v", who, err)
		}
	}
}

// May tells a client what Decide would say, and never of what is not there.
func TestMay(t *testing.T) {
	for room, want := range map[string]string{
		"public":           "read join leave send type react pin add invite report",
		"public read-only": "read join leave report",
		"direct":           "read join send type react pin report",
	} {
		who, as := somebody(t, "member in", noon)
		if got := strings.Join(May(who, someRoom(t, room), as, noon), " "); got != want {
			t.Errorf("%s: %s", room, got)
		}
	}
	who, as := somebody(t, "owner", noon)
	if got := May(who, someRoom(t, "private"), as, noon); len(got) > 0 {
		t.Errorf("the owner may %v in a private room of others", got)
	}
}

func TestEntry(t *testing.T) {
	for _, x := range []struct {
		room, who string
		want      State
	}{
		{"public", "guest", StateMember},
		{"public guests-wait", "guest", StateWaiting},
		{"public guests-wait", "guest removed", StateWaiting},
		{"public guests-wait", "guest in", StateMember},
		{"public guests-wait", "member", StateMember},
	} {
		who, as := somebody(t, x.who, noon)
		if got := Entry(who, someRoom(t, x.room), as); got != x.want {
			t.Errorf("%s, %s: %s", x.room, x.who, got)
		}
	}
}

// event is one of a kind, about somebody.
func event(kind Kind, text string, until time.Time) Event {
	return Event{Draft: Draft{Kind: kind, Author: "author", About: Mention{ID: "about"}, Body: text, Until: until, Target: 7}}
}

func TestApplyToStandings(t *testing.T) {
	until, never := noon.Add(time.Hour), time.Time{}
	in, mod := Standing{State: StateMember}, Standing{State: StateMember, Moderator: true}
	for _, x := range []struct {
		before Standing
		e      Event
		after  Standing
	}{
		{Standing{}, event(KindJoin, "", never), in},
		{Standing{State: StateRemoved}, event(KindAdd, "", never), in},
		{Standing{State: StateWaiting}, event(KindAdmit, "", never), in},
		{mod, event(KindLeave, "", never), Standing{State: StateLeft}},
		{mod, event(KindRemove, "", never), Standing{State: StateRemoved}},
		{mod, event(KindBan, "", never), Standing{State: StateBanned, Banned: Forever}},
		{mod, event(KindBan, "", until), Standing{State: StateBanned, Banned: until}},
		{Standing{State: StateBanned, Banned: until}, event(KindUnban, "", never), Standing{}},
		{in, event(KindMute, "", until), Standing{State: StateMember, Muted: until}},
		{in, event(KindMute, "", never), Standing{State: StateMember, Muted: Forever}},
		{Standing{State: StateMember, Muted: until}, event(KindUnmute, "", never), in},
		{Standing{State: StateMember, Muted: until}, event(KindRemove, "", never), Standing{State: StateRemoved, Muted: until}}, // a mute outlasts coming back
		{in, event(KindModerator, "", never), mod},
		{mod, event(KindDismiss, "", never), in},
		{mod, event(KindMessage, "", never), mod},
		{mod, event(KindName, "", never), mod},
	} {
		if got := x.before.Apply(x.e); got != x.after {
			t.Errorf("%+v, %s: %+v, not %+v", x.before, x.e.Kind, got, x.after)
		}
	}
	for kind, name := range kindNames {
		id, concerns := event(kind, "", never).Concerns()
		changes := false
		for _, s := range []Standing{{}, mod, {State: StateBanned, Banned: Forever, Muted: Forever}} {
			changes = changes || s.Apply(event(kind, "", never)) != s
		}
		if concerns != changes {
			t.Errorf("%s concerns %q, %v; it changes a standing: %v", name, id, concerns, changes)
		}
		if own := kind == KindJoin || kind == KindLeave; concerns && (id == "author") != own {
			t.Errorf("%s concerns %q", name, id)
		}
	}
}

func TestApplyToRooms(t *testing.T) {
	var r Room
	for _, e := range []Event{
		event(KindName, "kitchen", noon), event(KindTopic, "soup", noon), event(KindArchive, "", noon), event(KindReadOnly, "on", noon),
		event(KindGuestsWait, "on", noon), event(KindSlow, "30", noon), event(KindKeep, "30 days", noon), event(KindErase, "", noon),
		event(KindMessage, "hello", noon), event(KindBan, "why", noon),
	} {
		r.Apply(e)
	}
	want := Room{Name: "kitchen", Topic: "soup", Archived: true, ReadOnly: true, GuestsWait: true, Slow: 30 * time.Second, Keep: Keep{Days: 30}, Floor: 7}
	if r != want {
		t.Errorf("%+v", r)
	}
	for _, e := range []Event{
		event(KindRestore, "", noon), event(KindReadOnly, "off", noon), event(KindGuestsWait, "off", noon), event(KindSlow, "0", noon), event(KindKeep, "off", noon),
	} {
		r.Apply(e)
	}
	early := event(KindErase, "", noon)
	early.Target = 3
	r.Apply(early) // what is gone stays gone
	if r != (Room{Name: "kitchen", Topic: "soup", Floor: 7}) {
		t.Errorf("%+v", r)
	}
}

func TestKeepAsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := Keep{Days: rapid.IntRange(0, 40_000).Draw(t, "days"), Messages: rapid.IntRange(0, 1<<30).Draw(t, "messages")}
		if got := ParseKeep(k.String()); got != k {
			t.Fatalf("%+v, as text %q, is %+v", k, k, got)
		}
	})
	for text, want := range map[string]Keep{"": {}, "off": {}, "nonsense": {}, "30 days": {Days: 30}, "30 days, 1000 messages": {Days: 30, Messages: 1000}, "5 messages": {Messages: 5}} {
		if got := ParseKeep(text); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// Each kind of event either has an act that decides about it, or only follows from
// something else.
func TestActs(t *testing.T) {
	follows := []Kind{KindErase, KindJoin, KindLeave, KindPreview, KindHook, KindHookGone}
	for kind, name := range kindNames {
		_, ok := kind.Act()
		if want := !slices.Contains(follows, kind) && kind < KindRole; ok != want {
			t.Errorf("%s can be written by people: %v", name, ok)
		}
	}
	for act := range acts {
		if act.String() == "" {
			t.Errorf("act %d has no name", act)
		}
	}
}
