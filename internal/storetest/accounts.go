package storetest

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hubbub/internal/chat"
)

// name makes a name. What makes names the same is decided elsewhere.
func name(s string) chat.Name { return chat.Name{Display: s, Key: strings.ToLower(s)} }

func newcomer(called, token string) chat.Newcomer {
	return chat.Newcomer{Name: name(called), Token: chat.HashToken(token), Device: "a device"}
}

// guest makes somebody with a session.
func (e *env) guest(called, token string) chat.Login {
	e.Helper()
	l, err := e.AddGuest(e.Context(), newcomer(called, token))
	e.must(err)
	return l
}

func testGuests(t *testing.T, e *env) {
	ines := e.guest("Ines", "one")
	if len(ines.ID) != 16 || ines.Name != "Ines" || ines.Role != chat.RoleGuest || ines.Session == "" {
		t.Errorf("made %+v", ines)
	}
	e.reopen()
	got, err := e.Login(t.Context(), chat.HashToken("one"))
	if err != nil || got != ines {
		t.Errorf("came back as %+v, %v", got, err)
	}
	_, err = e.Login(t.Context(), chat.HashToken("two"))
	e.wants(chat.CodeUnauthorized, err)
	_, err = e.Rename(t.Context(), "nosuchperson1234", name("x"))
	e.wants(chat.CodeUnauthorized, err)
	if a, err := e.Person(t.Context(), ines.ID); err != nil || a.Person != ines.Person || a.Password != "" || a.Used.IsZero() {
		t.Errorf("%+v, %v", a, err)
	}
	_, err = e.Person(t.Context(), "nosuchperson1234")
	e.wants(chat.CodeNotFound, err)
	_, err = e.AddVisitor(t.Context(), name("passing by"))
	e.must(err)
	if all, err := e.People(t.Context()); err != nil || len(all) != 1 || all[0].ID != ines.ID {
		t.Errorf("the people are %+v, %v", all, err)
	}
}

// A name belongs to one person at a time, whatever its case, whoever is quicker.
func testNames(t *testing.T, e *env) {
	ines := e.guest("Ines", "one")
	for _, called := range []string{"Ines", "ines", "INES"} {
		_, err := e.AddGuest(t.Context(), newcomer(called, called))
		e.wants(chat.CodeNameTaken, err)
	}
	if _, err := e.Login(t.Context(), chat.HashToken("ines")); err == nil {
		t.Error("a guest that was refused has a session")
	}
	tom := e.guest("Tomás", "two")
	_, err := e.Rename(t.Context(), tom.ID, name("iNeS"))
	e.wants(chat.CodeNameTaken, err)
	if p, err := e.Rename(t.Context(), ines.ID, name("INES")); err != nil || p.Name != "INES" || p.ID != ines.ID || p.Role != chat.RoleGuest {
		t.Errorf("her own name in another case: %+v, %v", p, err)
	}
	if a, err := e.PersonByName(t.Context(), "ines"); err != nil || a.ID != ines.ID {
		t.Errorf("by name: %+v, %v", a, err)
	}
	_, err = e.PersonByName(t.Context(), "nobody")
	e.wants(chat.CodeNotFound, err)

	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 100 {
		called := "wanted"
		if i%2 == 1 {
			called = "Wanted"
		}
		wg.Go(func() {
			switch _, err := e.AddGuest(context.Background(), newcomer(called, fmt.Sprint(i))); {
			case err == nil:
				won.Add(1)
			default:
				e.wants(chat.CodeNameTaken, err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d got the name", won.Load())
	}
}

// A name that was given up is nobody else's for a while, and its owner's at once.
func testRestingNames(t *testing.T, e *env) {
	ines, tom := e.guest("Ines", "one"), e.guest("Tom", "two")
	_, err := e.Rename(t.Context(), ines.ID, name("Inès"))
	e.must(err)
	_, err = e.Rename(t.Context(), tom.ID, name("ines"))
	e.wants(chat.CodeNameTaken, err)
	_, err = e.AddGuest(t.Context(), newcomer("INES", "three"))
	e.wants(chat.CodeNameTaken, err)
	_, err = e.AddVisitor(t.Context(), name("Ines"))
	e.wants(chat.CodeNameTaken, err)
	e.reopen()
	_, err = e.AddVisitor(t.Context(), name("Ines"))
	e.wants(chat.CodeNameTaken, err)
	_, err = e.Rename(t.Context(), ines.ID, name("Ines"))
	e.must(err)
	_, err = e.Remove(t.Context(), "", tom.ID)
	e.must(err)
	_, err = e.Rename(t.Context(), ines.ID, name("Tom"))
	e.wants(chat.CodeNameTaken, err)
}

func (e *env) sessions(id chat.UserID) (ids []chat.SessionID) {
	e.Helper()
	all, err := e.Sessions(e.Context(), id)
	e.must(err)
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

func testSessions(t *testing.T, e *env) {
	ines, tom := e.guest("Ines", "one"), e.guest("Tom", "other")
	second, err := e.AddSession(t.Context(), ines.ID, chat.HashToken("two"), "a phone", netip.Addr{})
	e.must(err)
	third, err := e.AddSession(t.Context(), ines.ID, chat.HashToken("three"), "", netip.Addr{})
	e.must(err)
	e.must(e.Used(t.Context(), time.Now().Add(time.Minute), map[chat.SessionID]netip.Addr{second: netip.MustParseAddr("192.0.2.7"), "nosuch": {}}))
	all, err := e.Sessions(t.Context(), ines.ID)
	if err != nil || len(all) != 3 || all[0].ID != second || all[0].Device != "a phone" || all[0].Address.String() != "192.0.2.7" || !all[0].Used.After(all[0].Created) {
		t.Errorf("%+v, %v", all, err)
	}
	if l, err := e.Login(t.Context(), chat.HashToken("two")); err != nil || l.ID != ines.ID || l.Session != second {
		t.Errorf("%+v, %v", l, err)
	}
	e.wants(chat.CodeNotFound, e.EndSession(t.Context(), tom.ID, second)) // not his
	e.must(e.EndSession(t.Context(), ines.ID, second))
	_, err = e.Login(t.Context(), chat.HashToken("two"))
	e.wants(chat.CodeUnauthorized, err)
	e.wants(chat.CodeNotFound, e.EndSession(t.Context(), ines.ID, second))
	ended, err := e.EndSessions(t.Context(), ines.ID, third)
	if err != nil || !slices.Equal(ended, []chat.SessionID{ines.Session}) {
		t.Errorf("ended %v, %v", ended, err)
	}
	if left := e.sessions(ines.ID); !slices.Equal(left, []chat.SessionID{third}) {
		t.Errorf("left %v", left)
	}
	if len(e.sessions(tom.ID)) != 1 {
		t.Error("another's session went too")
	}
	e.reopen()
	_, err = e.Login(t.Context(), chat.HashToken("one"))
	e.wants(chat.CodeUnauthorized, err)
	_, err = e.AddSession(t.Context(), "nosuchperson1234", chat.HashToken("x"), "", netip.Addr{})
	e.wants(chat.CodeNotFound, err)
}

// Whoever has a way to sign in has an account.
func testCredentials(t *testing.T, e *env) {
	role := func(id chat.UserID) chat.Role {
		a, err := e.Person(t.Context(), id)
		e.must(err)
		return a.Role
	}
	ines, tom, kim := e.guest("Ines", "one"), e.guest("Tom", "two"), e.guest("Kim", "three")
	e.must(e.SetPassword(t.Context(), ines.ID, "hashed"))
	if a, err := e.PersonByName(t.Context(), "ines"); err != nil || a.Password != "hashed" || a.Role != chat.RoleMember {
		t.Errorf("%+v, %v", a, err)
	}
	key := chat.Passkey{ID: []byte{1, 2}, Data: []byte("public"), Label: "a key"}
	e.must(e.AddPasskey(t.Context(), tom.ID, key))
	e.wants(chat.CodeConflict, e.AddPasskey(t.Context(), ines.ID, key))
	e.must(e.UsePasskey(t.Context(), tom.ID, chat.Passkey{ID: key.ID, Data: []byte("counted")}))
	e.wants(chat.CodeNotFound, e.UsePasskey(t.Context(), ines.ID, key))
	e.must(e.AddIdentity(t.Context(), kim.ID, "https://issuer.example", "subject"))
	e.wants(chat.CodeConflict, e.AddIdentity(t.Context(), tom.ID, "https://issuer.example", "subject"))
	e.reopen()
	keys, err := e.Passkeys(t.Context(), tom.ID)
	if err != nil || len(keys) != 1 || string(keys[0].Data) != "counted" || keys[0].Label != "a key" || keys[0].Used.IsZero() {
		t.Errorf("%+v, %v", keys, err)
	}
	if p, err := e.PersonByIdentity(t.Context(), "https://issuer.example", "subject"); err != nil || p.ID != kim.ID || p.Role != chat.RoleMember {
		t.Errorf("%+v, %v", p, err)
	}
	_, err = e.PersonByIdentity(t.Context(), "https://other.example", "subject")
	e.wants(chat.CodeNotFound, err)
	if role(tom.ID) != chat.RoleMember {
		t.Error("a key makes no account")
	}
	e.wants(chat.CodeNotFound, e.RemovePasskey(t.Context(), ines.ID, key.ID))
	e.must(e.RemovePasskey(t.Context(), tom.ID, key.ID))
	// Their messages say who has an account.
	room := e.room("lobby")
	anon := e.guest("Anon", "four")
	e.append(message(room, ines.ID, "from a member"))
	e.append(message(room, anon.ID, "from a guest"))
	if all := e.all(room); all[0].Guest || !all[1].Guest {
		t.Errorf("%+v", all)
	}
}

func testRoles(t *testing.T, e *env) {
	ines, tom := e.guest("Ines", "one"), e.guest("Tom", "two")
	e.must(e.SetPassword(t.Context(), ines.ID, "hashed"))
	p, err := e.SetRole(t.Context(), "", ines.ID, chat.RoleOwner)
	if err != nil || p.Role != chat.RoleOwner {
		t.Fatalf("%+v, %v", p, err)
	}
	_, err = e.SetRole(t.Context(), "", ines.ID, chat.RoleMember)
	e.wants(chat.CodeConflict, err) // the last owner
	_, err = e.Remove(t.Context(), "", ines.ID)
	e.wants(chat.CodeConflict, err)
	if p, err := e.SetRole(t.Context(), "", tom.ID, chat.RoleOwner); err != nil || p.Role != chat.RoleGuest {
		t.Errorf("a guest without an account became %+v, %v", p, err)
	}
	_, err = e.SetRole(t.Context(), "", ines.ID, chat.RoleAdmin)
	e.wants(chat.CodeConflict, err) // a promise is no owner
	e.must(e.SetPassword(t.Context(), tom.ID, "hashed"))
	if a, _ := e.Person(t.Context(), tom.ID); a.Role != chat.RoleOwner {
		t.Errorf("with an account: %v", a.Role)
	}
	if p, err := e.SetRole(t.Context(), "", ines.ID, chat.RoleAdmin); err != nil || p.Role != chat.RoleAdmin {
		t.Errorf("%+v, %v", p, err)
	}
	e.must(e.SetPassword(t.Context(), ines.ID, "another"))
	if a, _ := e.Person(t.Context(), ines.ID); a.Role != chat.RoleAdmin {
		t.Errorf("another password made her %v", a.Role)
	}
	_, err = e.SetRole(t.Context(), "", "nosuchperson1234", chat.RoleAdmin)
	e.wants(chat.CodeNotFound, err)
}

// What somebody wrote stays; everything else goes.
func testRemoval(t *testing.T, e *env) {
	ines := e.guest("Ines", "one")
	room := e.room("lobby")
	e.must(e.SetPassword(t.Context(), ines.ID, "hashed"))
	e.must(e.AddPasskey(t.Context(), ines.ID, chat.Passkey{ID: []byte{1}, Data: []byte("x")}))
	e.must(e.AddIdentity(t.Context(), ines.ID, "https://issuer.example", "subject"))
	_, err := e.AddInvite(t.Context(), chat.HashToken("hers"), chat.Invite{Role: chat.RoleMember, By: ines.ID})
	e.must(err)
	e.append(message(room, ines.ID, "I was here"))
	ended, err := e.Remove(t.Context(), "", ines.ID)
	if err != nil || !slices.Equal(ended, []chat.SessionID{ines.Session}) {
		t.Errorf("ended %v, %v", ended, err)
	}
	e.reopen()
	_, err = e.Login(t.Context(), chat.HashToken("one"))
	e.wants(chat.CodeUnauthorized, err)
	_, err = e.Person(t.Context(), ines.ID)
	e.wants(chat.CodeNotFound, err)
	_, err = e.PersonByName(t.Context(), "ines")
	e.wants(chat.CodeNotFound, err)
	_, err = e.PersonByIdentity(t.Context(), "https://issuer.example", "subject")
	e.wants(chat.CodeNotFound, err)
	_, err = e.Invite(t.Context(), chat.HashToken("hers"))
	e.wants(chat.CodeBadInvite, err)
	_, err = e.AddSession(t.Context(), ines.ID, chat.HashToken("again"), "", netip.Addr{})
	e.wants(chat.CodeNotFound, err)
	e.wants(chat.CodeNotFound, e.SetPassword(t.Context(), ines.ID, "hashed"))
	_, err = e.Remove(t.Context(), "", ines.ID)
	e.wants(chat.CodeNotFound, err)
	if all := e.all(room); len(all) != 1 || all[0].Body != "I was here" || all[0].Name != "Ines" {
		t.Errorf("%+v", all)
	}
	if all, _ := e.People(t.Context()); len(all) != 0 {
		t.Errorf("still on the list: %+v", all)
	}
}

func testInvites(t *testing.T, e *env) {
	room := e.room("kitchen")
	owner := e.guest("Ines", "one")
	made, err := e.AddInvite(t.Context(), chat.HashToken("come"), chat.Invite{Role: chat.RoleAdmin, Room: room, By: owner.ID, Uses: 2, Note: "for the cooks"})
	e.must(err)
	ends := time.Now().Add(time.Hour)
	_, err = e.AddInvite(t.Context(), chat.HashToken("any"), chat.Invite{Role: chat.RoleGuest, Expires: ends})
	e.must(err)
	_, err = e.AddInvite(t.Context(), chat.HashToken("late"), chat.Invite{Role: chat.RoleGuest, Expires: time.Now().Add(-time.Second)})
	e.must(err)
	_, err = e.AddInvite(t.Context(), chat.HashToken("nowhere"), chat.Invite{Role: chat.RoleGuest, Room: "nosuchroom12"})
	e.wants(chat.CodeNotFound, err)
	e.reopen()
	if i, err := e.Invite(t.Context(), chat.HashToken("come")); err != nil || i.ID != made.ID || i.Room != room || i.By != owner.ID || i.Uses != 2 || i.Role != chat.RoleAdmin || i.Note != "for the cooks" {
		t.Errorf("%+v, %v", i, err)
	}
	if i, err := e.Invite(t.Context(), chat.HashToken("any")); err != nil || i.Expires.UnixMilli() != ends.UnixMilli() || i.By != "" || i.Room != "" {
		t.Errorf("%+v, %v", i, err)
	}
	// Unknown, expired, used up and revoked are all the same.
	for _, token := range []string{"guessed", "late", ""} {
		_, err := e.Invite(t.Context(), chat.HashToken(token))
		e.wants(chat.CodeBadInvite, err)
		hash := chat.HashToken(token)
		n := newcomer("Nobody", token)
		n.Invite = &hash
		_, err = e.AddGuest(t.Context(), n)
		e.wants(chat.CodeBadInvite, err)
	}
	hash := chat.HashToken("come")
	n := newcomer("Tom", "two")
	n.Invite = &hash
	tom, err := e.AddGuest(t.Context(), n)
	e.must(err)
	if rooms, _ := e.Memberships(t.Context(), tom.ID); len(rooms) != 1 || rooms[0].ID != room {
		t.Errorf("he is in %+v", rooms)
	}
	if tom.Role != chat.RoleGuest {
		t.Errorf("without an account he is %v", tom.Role)
	}
	e.must(e.SetPassword(t.Context(), tom.ID, "hashed"))
	if a, _ := e.Person(t.Context(), tom.ID); a.Role != chat.RoleAdmin {
		t.Errorf("with an account he is %v", a.Role)
	}
	kim := e.guest("Kim", "three")
	e.must(e.SetPassword(t.Context(), kim.ID, "hashed"))
	if _, _, err := e.UseInvite(t.Context(), hash, tom.ID); err != nil {
		t.Errorf("who is an admin already: %v", err) // and it is not used up
	}
	p, i, err := e.UseInvite(t.Context(), hash, kim.ID)
	if err != nil || p.Role != chat.RoleAdmin || i.Room != room {
		t.Errorf("%+v, %+v, %v", p, i, err)
	}
	_, _, err = e.UseInvite(t.Context(), hash, owner.ID)
	e.wants(chat.CodeBadInvite, err) // used up
	all, err := e.Invites(t.Context())
	if err != nil || len(all) != 1 || all[0].Role != chat.RoleGuest {
		t.Fatalf("left %+v, %v", all, err)
	}
	e.must(e.RevokeInvite(t.Context(), all[0].ID))
	e.wants(chat.CodeNotFound, e.RevokeInvite(t.Context(), all[0].ID))
	_, err = e.Invite(t.Context(), chat.HashToken("any"))
	e.wants(chat.CodeBadInvite, err)
}

// However many come at once, an invitation for three lets three in, and who gets no
// name has used nothing up.
func testLastUse(t *testing.T, e *env) {
	e.guest("Taken", "taken")
	_, err := e.AddInvite(t.Context(), chat.HashToken("three"), chat.Invite{Role: chat.RoleMember, Uses: 3})
	e.must(err)
	var in atomic.Int64
	var wg sync.WaitGroup
	for i := range 60 {
		called := fmt.Sprint("person ", i)
		if i%2 == 0 {
			called = "taken"
		}
		wg.Go(func() {
			hash := chat.HashToken("three")
			n := newcomer(called, fmt.Sprint(i))
			n.Invite = &hash
			if _, err := e.AddGuest(context.Background(), n); err == nil {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	if in.Load() != 3 {
		t.Errorf("%d came in", in.Load())
	}
}

func testPictures(t *testing.T, e *env) {
	ines := e.guest("Ines", "one")
	_, _, err := e.Picture(t.Context(), ines.ID)
	e.wants(chat.CodeNotFound, err)
	first, err := e.SetPicture(t.Context(), ines.ID, "image/png", []byte{1, 2, 3})
	e.must(err)
	second, err := e.SetPicture(t.Context(), ines.ID, "image/jpeg", []byte{4})
	if err != nil || second == first {
		t.Errorf("%q, then %q, %v", first, second, err)
	}
	e.reopen()
	kind, data, err := e.Picture(t.Context(), ines.ID)
	if err != nil || kind != "image/jpeg" || string(data) != "\x04" {
		t.Errorf("%s %x, %v", kind, data, err)
	}
	if a, _ := e.Person(t.Context(), ines.ID); a.Picture != second {
		t.Errorf("the picture is %q", a.Picture)
	}
	_, err = e.SetPicture(t.Context(), ines.ID, "", nil)
	e.must(err)
	_, _, err = e.Picture(t.Context(), ines.ID)
	e.wants(chat.CodeNotFound, err)

	if v, err := e.Setting(t.Context(), "never set"); v != "" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	e.must(e.SetSetting(t.Context(), "", chat.KindGuests, "guests", "open"))
	e.must(e.SetSetting(t.Context(), "", chat.KindGuests, "guests", "none"))
	e.reopen()
	if v, err := e.Setting(t.Context(), "guests"); v != "none" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
}
