package chat

import "net/netip"

// Change is what people's connections must know of and is no event in a room they read.
// It says what to look at; what there is to say of it is read when it is said, so that
// the last word is right. Processes that share a log hand it to each other as JSON.
type Change struct {
	Seq  Seq        `json:"-"` // its place in the log of changes; 0 where none is kept
	Kind ChangeKind `json:"kind"`

	Person   Person       `json:"person,omitzero"` // whom it concerns; more than the ID for ChangePerson alone
	Sessions []SessionID  `json:"sessions,omitempty"`
	Room     RoomID       `json:"room,omitempty"`
	Gone     bool         `json:"gone,omitempty"` // they were in the room, and perhaps are not any more
	Range    netip.Prefix `json:"range,omitzero"`
	Name     string       `json:"name,omitempty"` // of a setting, or the ID of a hook
}

// ChangeKind says what a change is. Who meets one that it does not know passes it over.
type ChangeKind string

// The kinds of change.
const (
	ChangeSessions ChangeKind = "sessions" // Sessions of Person have ended
	ChangePerson   ChangeKind = "person"   // Person is called, and may do, something else
	ChangeBlocks   ChangeKind = "blocks"   // the addresses in Range are kept out; none: some are let in again
	ChangeListed   ChangeKind = "listed"   // Room is on the list of Person, or is not any more
	ChangePending  ChangeKind = "pending"  // something waits for the moderators of Room, or does not any more
	ChangeHook     ChangeKind = "hook"     // the outgoing hook Name of Room was made, changed or removed
	ChangeSetting  ChangeKind = "setting"  // the setting Name is another
)

// ListedBy returns what an event changes on somebody's list, or false.
func ListedBy(e Event) (Change, bool) {
	id, ok := e.Concerns()
	gone := e.Kind == KindLeave || e.Kind == KindRemove || e.Kind == KindBan
	return Change{Kind: ChangeListed, Person: Person{ID: id}, Room: e.Room, Gone: gone}, ok
}
