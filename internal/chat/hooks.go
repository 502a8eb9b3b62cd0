package chat

import (
	"context"
	"net/url"
	"time"
)

// Hook connects a room with a program elsewhere: what comes in over HTTP is said in
// the room, or what is said in the room goes out. Each has a bot of its own, which is
// in the room like anybody: it is on the list of members, can be muted and removed, and
// reads and writes by the same decision.
type Hook struct {
	ID       string
	Room     RoomID
	Incoming bool
	Bot      Person
	By       Mention // who made it
	Created  time.Time
	Used     time.Time // when it last said or delivered something; the zero time: never

	// Of those that go out.
	URL    string
	Events string // HookMessages, HookMentions or HookAll
	Key    string // what deliveries are signed with
	Seq    Seq    // the last event that was delivered or passed over
	Paused bool   // nothing is delivered until somebody says so
	Tries  int    // of the next delivery, that failed
	Since  time.Time
	Next   time.Time // when it is tried again
}

// Host returns where an outgoing hook leads, as people in the room are told: the rest
// of an address is often a secret.
func (h Hook) Host() string {
	u, err := url.Parse(h.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// What an outgoing hook tells.
const (
	HookMessages = "message" // what people write
	HookMentions = "mention" // of that, what addresses the hook's bot
	HookAll      = "all"     // every event
)

// HookFailure is a delivery that failed.
type HookFailure struct {
	Seq    Seq
	Time   time.Time
	Status int    // of the answer; 0: there was none
	Reason string // one sentence for a person
}

// NewHook is a hook to be.
type NewHook struct {
	Hook
	Name   Name      // of its bot
	Secret TokenHash // incoming: what the address holds
}

// HookChange is what is to be different about a hook; nil: as it is.
type HookChange struct {
	Name        *Name
	URL, Events *string
	Paused      *bool
}

// Hooks stores hooks. A hook is a reader: all that is stored of what it has still to
// deliver is a place in the room's log. All methods may be called from any goroutine;
// each change is durable when the method returns.
type Hooks interface {
	// AddHook makes a hook with its bot, which joins the room; one that goes out begins
	// at the head. That is an event in the room. CodeNameTaken.
	AddHook(ctx context.Context, n NewHook) (Hook, error)
	// Hooks lists those of a room, oldest first.
	Hooks(ctx context.Context, room RoomID) ([]Hook, error)
	// Hook finds one (CodeNotFound).
	Hook(ctx context.Context, id string) (Hook, error)
	// HookOf finds an incoming one by its secret (CodeNotFound).
	HookOf(ctx context.Context, secret TokenHash) (Hook, error)
	// OutgoingHooks lists all that go out.
	OutgoingHooks(ctx context.Context) ([]Hook, error)
	// ChangeHook changes one. One that is not paused any more, or leads elsewhere, is tried
	// at once.
	ChangeHook(ctx context.Context, id string, c HookChange) (Hook, error)
	// RemoveHook ends a hook: its bot leaves, and its name is free. That is an event in
	// the room.
	RemoveHook(ctx context.Context, id string, by UserID) error

	// Delivered notes that all up to seq is delivered or passed over, and forgets how
	// often it was tried; used: something was delivered.
	Delivered(ctx context.Context, id string, seq Seq, used bool) error
	// HookFailed notes a failure, and how the hook goes on: Tries, Since, Next, Paused.
	HookFailed(ctx context.Context, h Hook, f HookFailure) error
	// HookFailures lists the last failures, newest first.
	HookFailures(ctx context.Context, id string) ([]HookFailure, error)
	// HookUsed notes when incoming hooks last said something.
	HookUsed(ctx context.Context, id string, at time.Time) error
}

// Limits of hooks.
const (
	MaxHooks    = 50 // of a room
	MaxFailures = 20 // remembered of a hook
)
