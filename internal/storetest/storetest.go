// Package storetest holds every backend to the promises of chat.Log and
// chat.Directory: one test for each sentence. A backend's own test is a call of
// Run.
package storetest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"hubbub/internal/chat"
)

// Open opens the store that lives at place, made if need be. The same place
// opened again, after Close, is the same store.
type Open func(t *testing.T, place string) chat.Store

// Run runs the whole suite.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *env)
	}{
		{"Log/durable", testDurable},
		{"Log/contiguous", testContiguous},
		{"Log/order of a batch", testBatchOrder},
		{"Log/refusals spare neighbours", testRefusals},
		{"Log/idempotent", testIdempotent},
		{"Log/conflict", testConflict},
		{"Log/read", testRead},
		{"Log/stored rows", testStored},
		{"Log/follow", testFollow},
		{"Log/changes for connections", testChanges},
		{"Log/bodies", testBodies},
		{"Log/edit", testEdit},
		{"Log/delete", testDelete},
		{"Log/time", testTime},
		{"Log/context", testContext},
		{"Log/close", testClose},
		{"Log/model", testModel},
		{"Log/rights in order", testRightsInOrder},
		{"Log/rights end", testRightsEnd},
		{"Log/rights raced", testRightsRaced},
		{"Log/changes of rooms", testRoomChanges},
		{"Log/repeated changes", testRepeatedChanges},
		{"Log/retention", testRetention},
		{"Conversation/reactions", testReactions},
		{"Conversation/pins", testPins},
		{"Conversation/threads", testThreads},
		{"Conversation/edit conflicts", testEditConflict},
		{"Conversation/everyone, and who has seen it", testEveryone},
		{"Files/uploads", testUploads},
		{"Files/pieces", testPieces},
		{"Files/messages hold files", testHeldFiles},
		{"Files/forwarding", testForwarding},
		{"Files/edits", testFileEdits},
		{"Files/retention", testFileRetention},
		{"Files/previews", testPreviews},
		{"Attention/levels", testLevels},
		{"Attention/unread again", testMarkUnread},
		{"Attention/drafts", testUnsent},
		{"Attention/devices", testDevices},
		{"Hooks", testHooks},
		{"Turns", testTurns},
		{"Directory/visitors", testVisitors},
		{"Directory/rooms", testRooms},
		{"Directory/memberships", testMemberships},
		{"Directory/known rooms", testKnown},
		{"Directory/read marks", testReadMarks},
		{"Directory/read marks from both ends", testMarks},
		{"Directory/unread", testUnread},
		{"Directory/names of rooms", testRoomNames},
		{"Directory/private rooms", testPrivateRooms},
		{"Directory/direct conversations", testDirect},
		{"Directory/coming and going", testJoinLeave},
		{"Directory/invited in", testInvitedIn},
		{"Directory/members", testMembers},
		{"Directory/lists of members", testMemberLists},
		{"Directory/moderators succeed", testSuccession},
		{"Directory/audit", testAudit},
		{"Directory/reports", testReports},
		{"Accounts/guests", testGuests},
		{"Accounts/names", testNames},
		{"Accounts/names that rest", testRestingNames},
		{"Accounts/sessions", testSessions},
		{"Accounts/credentials", testCredentials},
		{"Accounts/roles", testRoles},
		{"Accounts/removal", testRemoval},
		{"Accounts/invitations", testInvites},
		{"Accounts/invitations run out once", testLastUse},
		{"Accounts/things begun", testBegun},
		{"Accounts/pictures and settings", testPictures},
		{"Accounts/log of the place", testPlaceLog},
		{"Accounts/blocks", testBlocks},
		{"Accounts/bots", testBots},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := &env{T: t, open: open, place: t.TempDir()}
			e.Store = open(t, e.place)
			t.Cleanup(e.end)
			c.test(t, e)
		})
	}
}

// env is one test's store, with short ways to use it.
type env struct {
	*testing.T
	chat.Store
	open  Open
	place string
	users int
}

func (e *env) end() {
	if err := e.Check(context.Background()); err != nil {
		e.Errorf("self check: %v", err)
	}
	if err := e.Store.Close(); err != nil {
		e.Errorf("close: %v", err)
	}
}

// reopen closes the store and opens it again, as a restart does.
func (e *env) reopen() {
	e.Helper()
	if err := e.Store.Close(); err != nil {
		e.Fatalf("close: %v", err)
	}
	e.Store = e.open(e.T, e.place)
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// author makes somebody who can write.
func (e *env) author() chat.UserID {
	e.Helper()
	e.users++
	p, err := e.AddVisitor(e.Context(), name(fmt.Sprintf("author %d", e.users)))
	e.must(err)
	return p.ID
}

func (e *env) room(called string) chat.RoomID {
	e.Helper()
	r, err := e.EnsureRoom(e.Context(), name(called), "")
	e.must(err)
	return r.ID
}

func newID() chat.EventID { return chat.EventID(uuid.Must(uuid.NewV7())) }

func message(room chat.RoomID, author chat.UserID, body string) chat.Draft {
	return chat.Draft{Room: room, Author: author, Guest: true, Kind: chat.KindMessage, ID: newID(), Body: body}
}

// append stores drafts, each of which must be taken.
func (e *env) append(drafts ...chat.Draft) []chat.Event {
	e.Helper()
	var events []chat.Event
	for i, r := range e.Append(e.Context(), drafts) {
		if r.Err != nil {
			e.Fatalf("draft %d: %v", i, r.Err)
		}
		events = append(events, r.Event)
	}
	if len(events) != len(drafts) {
		e.Fatalf("%d results for %d drafts", len(events), len(drafts))
	}
	return events
}

// all reads a room from its beginning in small pages.
func (e *env) all(room chat.RoomID) []chat.Event {
	e.Helper()
	var events []chat.Event
	for {
		after := chat.Seq(len(events))
		page, err := e.Read(e.Context(), room, after, 7)
		e.must(err)
		if len(page) == 0 {
			break
		}
		if len(page) > 7 {
			e.Fatalf("%d events where 7 were asked for", len(page))
		}
		for i, ev := range page {
			if ev.Seq != after+chat.Seq(i)+1 {
				e.Fatalf("event %d where %d comes next", ev.Seq, after+chat.Seq(i)+1)
			}
		}
		events = append(events, page...)
	}
	head, err := e.Head(e.Context(), room)
	e.must(err)
	if head.Seq != chat.Seq(len(events)) {
		e.Fatalf("%d events, the head says %d", len(events), head.Seq)
	}
	return events
}

// wants fails unless err carries the code.
func (e *env) wants(code chat.Code, err error) {
	e.Helper()
	if err == nil || chat.AsError(err).Code != code {
		e.Errorf("got %v, want %s", err, code)
	}
}

// same says whether two events are the same in everything a reader sees.
func same(a, b chat.Event) bool {
	at, bt := a.Time, b.Time
	a.Time, b.Time, a.Name, b.Name = time.Time{}, time.Time{}, "", ""
	return at.Equal(bt) && reflect.DeepEqual(a, b)
}
