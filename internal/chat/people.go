package chat

import (
	"context"
	"crypto/sha256"
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

// Person is somebody who can write: for now always a guest.
type Person struct {
	ID   UserID
	Name string
}

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

// TokenHash is the SHA-256 of a session token. Tokens themselves are never
// stored.
type TokenHash [32]byte

// HashToken returns how a session token is stored. Tokens are 256 random bits,
// so that a plain hash is enough.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// Directory stores who and what exists. All methods may be called from any
// goroutine; each change is durable when the method returns. The people and
// rooms it returns are copies.
type Directory interface {
	// AddGuest makes a person whose name nobody else holds (CodeNameTaken).
	// With a nil token the guest can not come back: it is one connection's.
	AddGuest(ctx context.Context, name string, token *TokenHash) (Person, error)
	// PersonByToken finds the person of a session (CodeUnauthorized).
	PersonByToken(ctx context.Context, token TokenHash) (Person, error)
	// Rename gives a person another name that nobody else holds.
	Rename(ctx context.Context, id UserID, name string) (Person, error)
	// ReleaseName lets others take the name of a guest that will not come back.
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

// CleanName returns a person's name without surrounding or doubled spaces, or
// CodeBadName: 1 to MaxName characters, letters of any script, digits, marks,
// punctuation, symbols and single spaces; nothing invisible.
func CleanName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || utf8.RuneCountInString(name) > MaxName || !utf8.ValidString(name) {
		return "", Errorf(CodeBadName, "a name has 1 to %d characters", MaxName)
	}
	seen := false
	for _, r := range name {
		if r != ' ' && !unicode.IsGraphic(r) {
			return "", Errorf(CodeBadName, "a name may not hold invisible characters")
		}
		seen = seen || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r)
	}
	if !seen {
		return "", Errorf(CodeBadName, "a name needs a letter or a digit")
	}
	return name, nil
}

// NameKey is what two names have in common when they count as the same.
func NameKey(name string) string { return strings.ToLower(name) }

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
