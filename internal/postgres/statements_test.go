package postgres_test

import (
	"strings"
	"testing"

	"hubbub/internal/chat"
	"hubbub/internal/storetest"
)

// A group of messages costs ten statements, on two ways to the server and back, however
// many they are and in however many rooms; what addresses somebody costs a few more.
func TestStatements(t *testing.T) {
	server := own(t)
	url := fresh(t)
	s := open(t, url+"?options=-c%20log_statement%3Dall")
	defer s.Close()
	k := storetest.NewTalker(t, s)
	p, err := s.AddVisitor(t.Context(), storetest.Named("Ann"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), guest(p.ID), k.Room); err != nil {
		t.Fatal(err)
	}
	other, err := s.EnsureRoom(t.Context(), storetest.Named("other"), "")
	if err != nil {
		t.Fatal(err)
	}
	first := k.Say("first").Event
	many := make([]chat.Draft, 500)
	for i := range many {
		many[i] = k.Draft("x")
		if i%2 == 1 {
			many[i].Room = other.ID
		}
	}
	mention, reply, react, edit := k.Draft("@Ann"), k.Draft("yes"), k.Draft("👍"), k.Draft("first, edited")
	mention.Mentions = []chat.Mention{{ID: p.ID, Name: "Ann"}}
	reply.Thread = first.Seq
	react.Kind, react.Target = chat.KindReact, first.Seq
	edit.Kind, edit.Target = chat.KindEdit, first.Seq
	for _, x := range []struct {
		what   string
		drafts []chat.Draft
		most   int
	}{
		{"one message", []chat.Draft{k.Draft("x")}, 10},
		{"500 messages in two rooms", many, 10},
		{"a message sent again", many[:1], 11},
		{"a message that addresses somebody", []chat.Draft{mention}, 11},
		{"a reply in a thread", []chat.Draft{reply}, 15},
		{"a reaction", []chat.Draft{react}, 14},
		{"an edit", []chat.Draft{edit}, 14},
	} {
		before := strings.Count(server.Log(), "execute stmtcache_")
		for _, r := range s.Append(t.Context(), x.drafts) {
			if r.Err != nil {
				t.Fatalf("%s: %v", x.what, r.Err)
			}
		}
		n := strings.Count(server.Log(), "execute stmtcache_") - before
		t.Logf("%s: %d statements", x.what, n)
		if n > x.most || n < 5 {
			t.Errorf("%s: %d statements, not at most %d", x.what, n, x.most)
		}
	}
}

func guest(id chat.UserID) chat.Actor { return chat.Actor{ID: id, Role: chat.RoleGuest} }
