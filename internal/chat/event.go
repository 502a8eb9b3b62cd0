package chat

import (
	"encoding/hex"
	"time"
)

// Seq is a place in one room's log. The first event is 1; there are no holes,
// ever. The zero Seq stands before the first event.
type Seq uint64

// Epoch names one incarnation of the log. A log that was restored from a
// backup or replaced has a new epoch, so that no cursor into the old one can
// silently continue in the new one.
type Epoch string

// Position is what a client remembers of a room: the last event it has, in
// which incarnation of the log.
type Position struct {
	Epoch Epoch
	Seq   Seq
}

// Kind says what an event does. A reader that meets a kind it does not know
// counts the event and shows nothing.
type Kind uint8

// The kinds of event. What a change is about stands in the draft: About is whom it
// concerns, Body the new value or, for what is done to people, the reason.
const (
	KindMessage Kind = 1 // somebody said Body
	KindEdit    Kind = 2 // the message at Target now reads Body
	KindDelete  Kind = 3 // the body of the message at Target is erased; About: its author, if another

	// Changes of a room.
	KindName       Kind = 4  // it is now called Body
	KindTopic      Kind = 5  // it is now described by Body
	KindArchive    Kind = 6  // nobody writes in it any more
	KindRestore    Kind = 7  // they do again
	KindSlow       Kind = 8  // seconds between two messages of one person; "0": none
	KindReadOnly   Kind = 9  // "on": only moderators write; "off"
	KindGuestsWait Kind = 10 // "on": guests wait until somebody lets them in; "off"
	KindKeep       Kind = 11 // how long messages are kept, as Keep.String writes it
	KindErase      Kind = 12 // the bodies of all messages up to Target are erased

	// Changes of who is in a room, and of what they may do there.
	KindJoin      Kind = 13 // the author came in, by an invitation
	KindLeave     Kind = 14 // the author left
	KindAdd       Kind = 15
	KindRemove    Kind = 16
	KindBan       Kind = 17 // until Until; zero: for good
	KindUnban     Kind = 18
	KindMute      Kind = 19 // until Until; zero: until further notice
	KindUnmute    Kind = 20
	KindModerator Kind = 21
	KindDismiss   Kind = 22 // About is no moderator any more
	KindAdmit     Kind = 23 // About waits no more

	// What is said with a message.
	KindReact   Kind = 24 // the author reacts to the message at Target with the emoji Body
	KindUnreact Kind = 25
	KindPin     Kind = 26 // the message at Target is pinned to the room
	KindUnpin   Kind = 27

	// Hooks of a room: About is the hook's bot, Body where an outgoing one leads.
	KindHook     Kind = 36
	KindHookGone Kind = 37

	KindPreview   Kind = 30 // where links of the message at Target lead: Body is JSON, see ParsePreviews
	KindUnpreview Kind = 31 // the author wants none of that

	// Changes of the place, in its own log.
	KindRole     Kind = 40 // About now has the role Body
	KindPutOut   Kind = 41
	KindBlock    Kind = 42 // the addresses Body are refused, until Until
	KindUnblock  Kind = 43
	KindGuests   Kind = 44 // who may come in without an account is now Body
	KindBot      Kind = 45 // About was made
	KindBotGone  Kind = 46
	KindPreviews Kind = 50 // "on": the place shows where links lead; "off"
	KindRestart  Kind = 51 // the server starts again
	KindWatch    Kind = 52 // the operator follows a connection: of Body, a name or an address
)

var kindNames = map[Kind]string{
	KindMessage: "message", KindEdit: "edit", KindDelete: "delete",
	KindName: "name", KindTopic: "topic", KindArchive: "archive", KindRestore: "restore", KindSlow: "slow",
	KindReadOnly: "read_only", KindGuestsWait: "guests_wait", KindKeep: "keep", KindErase: "erase",
	KindJoin: "join", KindLeave: "leave", KindAdd: "add", KindRemove: "remove", KindBan: "ban", KindUnban: "unban",
	KindMute: "mute", KindUnmute: "unmute", KindModerator: "moderator", KindDismiss: "dismiss", KindAdmit: "admit",
	KindHook: "hook", KindHookGone: "hook_gone",
	KindReact: "react", KindUnreact: "unreact", KindPin: "pin", KindUnpin: "unpin",
	KindPreview: "preview", KindUnpreview: "unpreview",
	KindRole: "role", KindPutOut: "put_out", KindBlock: "block", KindUnblock: "unblock", KindGuests: "guests",
	KindBot: "bot", KindBotGone: "bot_gone", KindPreviews: "previews", KindRestart: "restart", KindWatch: "watch",
}

// String returns the kind's name in hubbub.v1.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "unknown"
}

// EventID is chosen by the client before it sends: a UUID, version 7 by
// preference. With the author it is the idempotency key of a draft. It holds
// the sender's clock, so nothing is ever ordered by it.
type EventID [16]byte

// String returns the id in the usual form of a UUID, in lower case.
func (id EventID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// Draft is an event that is not in the log yet: it has no number and no time.
type Draft struct {
	Room   RoomID
	Author UserID
	// Name is the author's display name. A log does not store it with the
	// event: Append passes it through, Read fills in today's.
	Name  string
	Guest bool   // the author has no account; like Name
	Bot   bool   // the author is a program; like Name
	As    string // what a hook's bot calls itself this time; shown beside Name, never instead of Bot
	// Scope is what the token is for by which it is written; nil: everything. It is
	// part of the decision, and not stored.
	Scope  *Scope
	Kind   Kind
	ID     EventID
	Target Seq // the message that an event is about, or that a message answers; else 0
	Thread Seq // the message under which a message stands, beside the room; 0: in the room
	Body   string
	About  Mention   // whom a change concerns; Name is filled in by the log
	Until  time.Time // when a ban or a mute ends; zero: it does not
	// Mentions are the people whom a message addresses. Who may not read the
	// room is left out by Append.
	Mentions []Mention
	Everyone Everyone // whom else it addresses
	// Files are what a message holds. Append needs the ids, and fills in the rest. In
	// an edit they are those that stay; nil: all of them.
	Files     []File
	NoPreview bool   // nobody is to look where its links lead; not stored with the event
	Base      *Seq   // KindEdit: the Revised that its author saw; nil: whatever it was
	Key       string // KindName of a public room: what makes names the same; not stored with the event
}

// Mention is a person, and what they were called when it was written.
type Mention struct {
	ID   UserID `json:"id"`
	Name string `json:"name"`
}

// Everyone says whether a message addresses all who are in its room.
type Everyone uint8

// Whom a message addresses beside those it names.
const (
	Nobody  Everyone = iota
	Here             // who is here now
	Channel          // all who have the room on their list
)

// String returns what is written behind the @; "" for Nobody.
func (e Everyone) String() string { return [...]string{"", "here", "channel"}[e] }

// Reaction is an emoji, and who reacted with it, in their order.
type Reaction struct {
	Emoji  string    `json:"emoji"`
	People []Mention `json:"people"`
}

// Event is a draft that has its place in the log.
type Event struct {
	Draft
	Seq  Seq
	Time time.Time // when the log took it, in whole milliseconds
	// What Read knows of a message that others came to: how many stand under it, the
	// last of these, reactions in the order of the first of each, whether it is
	// pinned, and where its links lead.
	Replies   int
	LastReply Seq
	Reactions []Reaction
	Pinned    bool
	Previews  []Preview
	// Revised is the Seq of the last edit or delete of this message, 0 if
	// there was none. Read returns the revised Body.
	Revised Seq
	// Deleted says that the body was erased, from storage too.
	Deleted bool
}

// Changes says whether such an event changes a room, or who may do what in it.
func (k Kind) Changes() bool {
	return k > KindDelete && (k < KindReact || k > KindUnpreview)
}

// Act returns what somebody does who writes such an event, or false if it only ever
// follows from something else.
func (k Kind) Act() (Act, bool) {
	switch k {
	case KindMessage:
		return ActSend, true
	case KindEdit:
		return ActEdit, true
	case KindDelete:
		return ActDelete, true // ActErase, if the message is another's
	case KindName, KindTopic:
		return ActRename, true
	case KindAdd:
		return ActAdd, true
	case KindSlow, KindReadOnly, KindGuestsWait, KindRemove, KindBan, KindUnban, KindMute, KindUnmute, KindAdmit:
		return ActModerate, true
	case KindArchive, KindRestore, KindKeep, KindModerator, KindDismiss:
		return ActManage, true
	case KindReact, KindUnreact:
		return ActReact, true
	case KindPin, KindUnpin:
		return ActPin, true
	case KindUnpreview:
		return ActEdit, true // of one's own message
	}
	return 0, false
}
