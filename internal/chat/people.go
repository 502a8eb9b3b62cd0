package chat

import (
	"context"
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
}

// Name is what somebody wants to be called. Key is what two names have in common
// that people would take for the same; package names makes both.
type Name struct{ Display, Key string }

// Room is a room as the directory knows it.
type Room struct {
	ID      RoomID
	Name    string
	Created time.Time
	Head    Seq
}

// Membership is a room in somebody's list.
type Membership struct {
	Room
	Read Seq // the last event the person has read
}

// Directory stores who and what exists, as far as every message needs it;
// Accounts has the rest. All methods may be called from any
// goroutine; each change is durable when the method returns. The people and
// rooms it returns are copies.
type Directory interface {
	// AddVisitor makes a guest that can not come back: one connection's. Its name
	// is free again when it leaves.
	AddVisitor(ctx context.Context, name Name) (Person, error)
	// ReleaseName lets others take the name of a visitor.
	ReleaseName(ctx context.Context, id UserID) error

	// EnsureRoom returns the public room of that name, made if need be.
	EnsureRoom(ctx context.Context, name string) (Room, error)
	// Room finds a room (CodeNotFound).
	Room(ctx context.Context, id RoomID) (Room, error)
	// Rooms lists at most limit rooms whose name contains part, by name.
	Rooms(ctx context.Context, part string, limit int) ([]Room, error)

	// Join puts a room on a person's list; again is fine. The read mark of a
	// new membership stands at the head.
	Join(ctx context.Context, id UserID, room RoomID) (Membership, error)
	// Memberships lists the rooms of a person by name.
	Memberships(ctx context.Context, id UserID) ([]Membership, error)
	// MarkRead moves the read mark forward, never back, never beyond the head,
	// and returns where it stands.
	MarkRead(ctx context.Context, id UserID, room RoomID, seq Seq) (Seq, error)
}

// Limits that every way in shares.
const (
	MaxText     = 16 << 10 // bytes of one message
	MaxName     = 32       // characters of a person's name
	MaxRoomName = 64       // characters of a room's name
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
