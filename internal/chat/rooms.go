package chat

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// RoomKind says who finds a room, and how one gets in.
type RoomKind uint8

// The kinds of room. A room never changes its kind: what was said in private stays
// private.
const (
	RoomPublic  RoomKind = iota + 1 // everybody in the place finds it, and may come in
	RoomPrivate                     // only its members know that it is there
	RoomDirect                      // a conversation of the same people for ever
	RoomPlace                       // the log of the place itself: what was changed, by whom
)

// String returns the kind's name in the protocol.
func (k RoomKind) String() string {
	return [...]string{"", "public", "private", "direct", "place"}[k]
}

// Room is a room as the directory knows it.
type Room struct {
	ID         RoomID
	Kind       RoomKind
	Name       string // "" for RoomDirect
	Topic      string
	Archived   bool
	ReadOnly   bool
	GuestsWait bool
	Slow       time.Duration // between two messages of one person; 0: none
	Keep       Keep
	Floor      Seq     // messages up to there were erased by retention
	By         Mention // who made it; no ID: nobody knows
	Created    time.Time
	Members    int // how many have it on their list
	Head       Seq
}

// Apply changes a room as an event in its log says.
func (r *Room) Apply(e Event) {
	switch e.Kind {
	case KindName:
		r.Name = e.Body
	case KindTopic:
		r.Topic = e.Body
	case KindArchive:
		r.Archived = true
	case KindRestore:
		r.Archived = false
	case KindReadOnly:
		r.ReadOnly = e.Body == "on"
	case KindGuestsWait:
		r.GuestsWait = e.Body == "on"
	case KindSlow:
		n, _ := strconv.Atoi(e.Body)
		r.Slow = time.Duration(n) * time.Second
	case KindKeep:
		r.Keep = ParseKeep(e.Body)
	case KindErase:
		r.Floor = max(r.Floor, e.Target)
	}
}

// Keep says how long messages are kept; the zero value keeps them for ever.
type Keep struct {
	Days     int `json:"days,omitempty"`
	Messages int `json:"messages,omitempty"` // the newest so many
}

// String writes it for people, and for ParseKeep.
func (k Keep) String() string {
	var parts []string
	if k.Days > 0 {
		parts = append(parts, fmt.Sprintf("%d days", k.Days))
	}
	if k.Messages > 0 {
		parts = append(parts, fmt.Sprintf("%d messages", k.Messages))
	}
	if len(parts) == 0 {
		return "off"
	}
	return strings.Join(parts, ", ")
}

// ParseKeep reads what String wrote; anything else keeps for ever.
func ParseKeep(text string) (k Keep) {
	for part := range strings.SplitSeq(text, ", ") {
		count, what, _ := strings.Cut(part, " ")
		n, err := strconv.Atoi(count)
		switch {
		case err != nil:
		case what == "days":
			k.Days = n
		case what == "messages":
			k.Messages = n
		}
	}
	return k
}

// State says how a person stands to a room.
type State uint8

// The states. Whoever has never had to do with a room is StateNone.
const (
	StateNone    State = iota
	StateMember        // it is on their list
	StateLeft          // by themselves
	StateRemoved       // by a moderator; they may join again where others may
	StateBanned        // until Standing.Banned
	StateWaiting       // a guest who wants to come in
)

// String returns the state's name in the protocol.
func (s State) String() string {
	return [...]string{"none", "member", "left", "removed", "banned", "waiting"}[s]
}

// Forever is when a ban or a mute ends that has no end.
var Forever = time.UnixMilli(1 << 52)

// Standing is what a room's log says of one person.
type Standing struct {
	State     State
	Moderator bool
	Muted     time.Time // until when; in the past: not
	Banned    time.Time // likewise, with StateBanned
	Spoke     time.Time // when they last wrote, where slow mode is on
}

// Apply changes a standing as an event about that person says.
func (s Standing) Apply(e Event) Standing {
	end := e.Until
	if end.IsZero() {
		end = Forever
	}
	switch e.Kind {
	case KindJoin, KindAdd, KindAdmit:
		s.State = StateMember
	case KindLeave:
		s.State, s.Moderator = StateLeft, false
	case KindRemove:
		s.State, s.Moderator = StateRemoved, false
	case KindBan:
		s.State, s.Moderator, s.Banned = StateBanned, false, end
	case KindUnban:
		s.State, s.Banned = StateNone, time.Time{}
	case KindMute:
		s.Muted = end
	case KindUnmute:
		s.Muted = time.Time{}
	case KindModerator:
		s.Moderator = true
	case KindDismiss:
		s.Moderator = false
	}
	return s
}

// Concerns returns whom an event in a room's log concerns, if it changes their
// standing there.
func (e Event) Concerns() (UserID, bool) {
	switch e.Kind {
	case KindJoin, KindLeave:
		return e.Author, true
	case KindAdd, KindRemove, KindBan, KindUnban, KindMute, KindUnmute, KindModerator, KindDismiss, KindAdmit:
		return e.About.ID, true
	}
	return "", false
}

// at returns the standing at a time: a ban that has ended is none.
func (s Standing) at(now time.Time) Standing {
	if s.State == StateBanned && !now.Before(s.Banned) {
		s.State = StateNone
	}
	return s
}
