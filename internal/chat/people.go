package chat

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// UserID names a person for ever, whatever they are called: 16 random
// characters.
type UserID string

// RoomID names a room for ever, whatever it is called: 12 random characters,
// so that ids tell nothing about rooms one may not see.
type RoomID string

// Lobby is the name of the room that is always there.
const Lobby = "lobby"

// Role is what somebody may do in the place. A higher role may all that a lower
// one may.
type Role uint8

// The roles. A guest is somebody without an account: who loses the session can
// not come back.
const (
	RoleGuest Role = iota + 1
	RoleMember
	RoleAdmin
	RoleOwner
)

var roleNames = []string{RoleGuest: "guest", RoleMember: "member", RoleAdmin: "admin", RoleOwner: "owner"}

// String returns the role's name in the protocol.
func (r Role) String() string {
	if r < RoleGuest || r > RoleOwner {
		return "nobody"
	}
	return roleNames[r]
}

// ParseRole returns the role of that name, or CodeBadFrame.
func ParseRole(name string) (Role, error) {
	if i := slices.Index(roleNames, name); i > 0 {
		return Role(i), nil
	}
	return 0, Errorf(CodeBadFrame, "a role is guest, member, admin or owner")
}

// Person is somebody who can write. Role is RoleGuest until they have an account.
type Person struct {
	ID   UserID
	Name string
	Role Role
	Bot  bool // a program; it has an account, and tokens instead of ways to sign in
}

// Actor returns the person as somebody who wants to do something.
func (p Person) Actor() Actor { return Actor{ID: p.ID, Role: p.Role, Bot: p.Bot} }

// Name is what somebody wants to be called. Key is what two names have in common
// that people would take for the same; package names makes both.
type Name struct{ Display, Key string }

// Membership is a room as somebody has it.
type Membership struct {
	Room
	Standing
	Read     Seq       // the last event the person has read
	Unread   int       // messages behind that
	Mentions int       // among them those that address the person
	Level    Level     // what the person wants to be alerted of
	Quiet    bool      // it shows neither bold nor a number
	People   []Mention // RoomDirect: the others
}

// Member is somebody as a room has them.
type Member struct {
	Person
	Standing
	Picture string
}

// Members says which of a room's people are wanted.
type Members struct {
	Show  State  // StateMember, StateBanned, StateWaiting
	Muted bool   // only who is muted
	Ranks bool   // only moderators
	Part  string // of the name, in lower case
	After string // the Next of the page before
	Limit int
}

// NewRoom is a private room or a direct conversation to be.
type NewRoom struct {
	Kind   RoomKind
	Name   string
	Topic  string
	By     Person
	People []UserID // beside By
}

// Report is a message that somebody wants the moderators to look at.
type Report struct {
	ID     string
	Seq    Seq
	By     Mention
	Reason string
	Time   time.Time
}

// Thread is a thread as somebody follows it.
type Thread struct {
	Root   Event
	Read   Seq
	Unread int
	Muted  bool
}

// Block keeps a range of addresses out of the place.
type Block struct {
	ID      string
	Range   netip.Prefix
	Reason  string
	By      Mention
	Created time.Time
	Until   time.Time // zero: for good
}

// Bot is a program with an account.
type Bot struct {
	Person
	By      Mention
	Created time.Time
	Tokens  []BotToken
}

// BotToken is a secret of a bot, without the secret.
type BotToken struct {
	ID      SessionID
	Label   string
	Scope   Scope
	Created time.Time
	Used    time.Time // the zero time: never
}

// Directory stores who and what exists, as far as every message needs it;
// Accounts has the rest. What changes in a room is a draft, and goes through
// Log.Append. All methods may be called from any goroutine; each change is durable
// when the method returns. The people and rooms it returns are copies. What it
// answers is not yet decided: Authorize does that.
type Directory interface {
	// AddVisitor makes a guest that can not come back: one connection's. Its name
	// is free again when it leaves.
	AddVisitor(ctx context.Context, name Name) (Person, error)
	// ReleaseName lets others take the name of a visitor.
	ReleaseName(ctx context.Context, id UserID) error

	// EnsureRoom returns the public room of that name, made by somebody if need
	// be; "" is nobody in particular. A name that looks like another's is
	// CodeRoomExists.
	EnsureRoom(ctx context.Context, name Name, by UserID) (Room, error)
	// RoomByName finds a public room (CodeNotFound).
	RoomByName(ctx context.Context, name string) (Room, error)
	// NewRoom makes a private room, or finds or makes the direct conversation of
	// exactly these people. Each who is put into a private room is an event in it.
	NewRoom(ctx context.Context, n NewRoom) (RoomID, error)
	// Room finds a room (CodeNotFound).
	Room(ctx context.Context, id RoomID) (Room, error)
	// Rooms lists at most limit public rooms that are not archived and whose name
	// contains part, by name.
	Rooms(ctx context.Context, part string, limit int) ([]Room, error)
	// AllRooms lists all rooms but the log of the place, for the operator.
	AllRooms(ctx context.Context) ([]Room, error)
	// Access returns a room as somebody has it (CodeNotFound); the zero Standing is
	// that of a stranger.
	Access(ctx context.Context, id UserID, room RoomID) (Membership, error)

	// Join puts a room on a person's list, or has them wait; again is fine. The read
	// mark of a new membership stands at the head. It is refused as Decide says.
	Join(ctx context.Context, who Actor, room RoomID) (Membership, error)
	// Leave takes a room off a person's list; in a private room that is an event.
	Leave(ctx context.Context, who Actor, room RoomID) error
	// Memberships lists the rooms on a person's list by name.
	Memberships(ctx context.Context, id UserID) ([]Membership, error)
	// Known lists the rooms that somebody may know of, public ones and those on their
	// list, without counts: for questions that concern them all.
	Known(ctx context.Context, id UserID) ([]Membership, error)
	// Members lists people of a room by name, with how many there are in all, and
	// what After of the next page is; "" after the last.
	Members(ctx context.Context, room RoomID, m Members) (page []Member, count int, next string, err error)
	// Moderators returns who moderates a room by what the room says.
	Moderators(ctx context.Context, room RoomID) ([]UserID, error)
	// MarkRead moves the read mark forward, never back, never beyond the head,
	// and returns where it stands.
	MarkRead(ctx context.Context, id UserID, room RoomID, seq Seq) (Seq, error)
	// Audit returns at most limit events before a place that changed something, newest
	// first.
	Audit(ctx context.Context, room RoomID, before Seq, limit int) ([]Event, error)
	// Place returns the room that is the log of the place.
	Place(ctx context.Context) (RoomID, error)

	// History returns what a message read like, oldest first: Body and Time of each.
	// What was deleted has none (CodeNotFound).
	History(ctx context.Context, room RoomID, seq Seq) ([]Event, error)
	// Thread returns at most limit messages that stand under another, behind a place,
	// ascending.
	Thread(ctx context.Context, room RoomID, root, after Seq, limit int) ([]Event, error)
	// Threads lists the threads that a person follows, the newest first.
	Threads(ctx context.Context, id UserID, limit int) ([]Thread, error)
	// FollowThread has somebody follow a thread, or hear nothing of it.
	FollowThread(ctx context.Context, id UserID, room RoomID, root Seq, muted bool) error
	// ReadThread moves the read mark in a thread that somebody follows.
	ReadThread(ctx context.Context, id UserID, room RoomID, root, seq Seq) (Seq, error)
	// Pins returns the pinned messages of a room, the last that was pinned first.
	Pins(ctx context.Context, room RoomID) ([]Event, error)
	// Seen returns who has read a message and shows it, beside its author, by name, at
	// most limit of them, and how many there are.
	Seen(ctx context.Context, room RoomID, seq Seq, limit int) ([]Mention, int, error)
	// HidesReads says whether somebody does not show what they have read.
	HidesReads(ctx context.Context, id UserID) (bool, error)
	// HideReads changes that.
	HideReads(ctx context.Context, id UserID, hide bool) error

	// AddReport notes what somebody says of a message (CodeNotFound). The same of the
	// same person again changes nothing.
	AddReport(ctx context.Context, room RoomID, seq Seq, by UserID, reason string) error
	// Reports lists the open reports of a room, oldest first.
	Reports(ctx context.Context, room RoomID) ([]Report, error)
	// CloseReport settles one (CodeNotFound).
	CloseReport(ctx context.Context, room RoomID, id string) error
	// Pending says how many reports are open in a room, and how many guests wait.
	Pending(ctx context.Context, room RoomID) (reports, guests int, err error)
}

// Limits that every way in shares.
const (
	MaxText     = 16 << 10 // bytes of one message
	MaxName     = 32       // characters of a person's name
	MaxRoomName = 64       // characters of a room's name
	MaxTopic    = 250      // characters of a room's topic
	MaxReason   = 250      // characters of a reason
	MaxDirect   = 8        // people in a direct conversation, beside oneself
	MaxAdded    = 100      // people added to a room at a time
	MaxSlow     = time.Hour
	MaxMentions = 20 // people whom a message addresses
	MaxEmoji    = 40 // different reactions to one message
	MaxPins     = 100
)

// CleanRoomName returns a room's name in lower case and without a leading #,
// or CodeBadRoomName: 1 to MaxRoomName letters, marks or digits of any script,
// with - and _ between them.
func CleanRoomName(name string) (string, error) {
	name = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(name), "#"))
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > MaxRoomName {
		return "", Errorf(CodeBadRoomName, "a room's name has 1 to %d characters", MaxRoomName)
	}
	for i, r := range name {
		inner := r == '-' || r == '_' || unicode.IsMark(r)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && (!inner || i == 0) {
			return "", Errorf(CodeBadRoomName, "a room's name has letters and digits, with - and _ between them")
		}
	}
	if strings.HasSuffix(name, "-") || strings.HasSuffix(name, "_") {
		return "", Errorf(CodeBadRoomName, "a room's name ends in a letter or a digit")
	}
	return name, nil
}
