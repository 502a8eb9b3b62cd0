package chat

import (
	"context"
	"slices"
	"time"
)

// Actor is who wants to do something.
type Actor struct {
	ID    UserID
	Role  Role
	Bot   bool
	Scope *Scope // what a bot's token is for; nil: everything
}

// OperatorID is who works on the machine itself. They keep the place in order; they
// do not read what is private.
const OperatorID UserID = "operator"

// Scope is what a bot's token is for.
type Scope struct {
	Read     bool     `json:"read,omitempty"`
	Write    bool     `json:"write,omitempty"`    // messages, typing
	Rooms    bool     `json:"rooms,omitempty"`    // make, join, leave and change rooms, add people
	Moderate bool     `json:"moderate,omitempty"` // what the bot may as a moderator
	Only     []RoomID `json:"only,omitempty"`     // in these rooms; none: in all that the bot sees
}

// Covers says whether a token is for a room, or for all.
func (s *Scope) Covers(room RoomID) bool {
	return s == nil || len(s.Only) == 0 || slices.Contains(s.Only, room)
}

// Makes says whether a token may make rooms.
func (s *Scope) Makes() bool { return s == nil || s.Rooms && len(s.Only) == 0 }

// Act is something that somebody may do in a room, or not.
type Act uint8

// The acts.
const (
	ActSee      Act = iota // that it is there, and what it is called
	ActRead                // events, members, who is writing
	ActJoin                // put it on one's own list
	ActLeave               // take it off
	ActSend                // write a message
	ActType                // tell that one is writing
	ActEdit                // change one's own message
	ActDelete              // erase one's own message
	ActReact               // with an emoji, to a message
	ActPin                 // a message to the room
	ActErase               // erase another's
	ActAdd                 // put others into the room
	ActInvite              // make a link that leads to it
	ActRename              // name and topic
	ActModerate            // mute, remove, ban, admit; slow mode, read-only, who waits
	ActManage              // archive, retention, moderators
	ActReport              // tell the moderators about a message
	ActAudit               // what was changed, and reports
	acts
)

var actNames = [acts]string{
	"see", "read", "join", "leave", "send", "type", "edit", "erase_own", "react", "pin", "delete", "add", "invite", "rename", "moderate", "manage", "report", "audit",
}

// String returns the act's name in the protocol.
func (a Act) String() string { return actNames[a] }

// Reason is why something is allowed or not.
type Reason uint8

// The reasons.
const (
	Allowed Reason = iota
	Hidden         // as far as they may know there is no such room
	Banned
	Removed
	Waiting
	Archived
	ReadOnly
	Muted
	TooSoon    // slow mode
	NotHere    // it is not on their list
	NeedRank   // that is for moderators, or for somebody above them
	NoAccount  // guests may not
	OutOfScope // the token is not for that
	NotYours   // the message is another's
	Fixed      // that can not be done to a room of this kind
)

// Question is all that a decision depends on.
type Question struct {
	Who    Actor
	Act    Act
	Room   *Room
	As     Standing // of Who in Room
	Target *Target  // whom it is done to; nil: nobody
	At     time.Time
}

// Target is somebody to whom something is to be done.
type Target struct {
	ID   UserID
	Role Role
	As   Standing
}

// Decide is the only place where it is decided who may do what in a room: asked
// before anything is read for somebody, when the log takes a draft, and again for
// each reader when an event changes what they may see. It looks at nothing but the
// question.
func (q *Question) Decide() Reason {
	q.As = q.As.at(q.At)
	if why := q.sees(); why != Allowed {
		return why
	}
	if why := q.scoped(); why != Allowed {
		return why
	}
	if q.Room.Kind == RoomPlace { // that was all there is to it
		return Allowed
	}
	switch q.Act {
	case ActSee:
		return Allowed
	case ActRead, ActJoin, ActReport:
		return q.present()
	case ActLeave:
		return q.leaves()
	case ActSend, ActType, ActEdit, ActReact, ActPin:
		return q.writes()
	case ActDelete:
		return q.present()
	case ActAdd, ActInvite:
		return q.adds()
	}
	return q.governs()
}

// sees: whether they may know that the room is there.
func (q *Question) sees() Reason {
	operator := q.Who.ID == OperatorID
	switch q.Room.Kind {
	case RoomPublic:
		if operator && !q.governing() && q.Act != ActRead && q.Act != ActAudit {
			return OutOfScope // they are nobody in particular
		}
		return Allowed
	case RoomPlace:
		if q.Who.Role >= RoleAdmin && !q.Who.Bot && (q.Act == ActSee || q.Act == ActAudit) {
			return Allowed
		}
		return Hidden
	}
	if q.As.State == StateMember || (operator && q.governing()) {
		return Allowed
	}
	return Hidden
}

// scoped: whether a token is for that.
func (q *Question) scoped() Reason {
	s := q.Who.Scope
	if s == nil {
		return Allowed
	}
	if !s.Covers(q.Room.ID) {
		if q.Room.Kind == RoomPublic {
			return OutOfScope
		}
		return Hidden
	}
	var may bool
	switch q.Act {
	case ActSee, ActRead, ActReport:
		may = s.Read
	case ActSend, ActType, ActEdit, ActDelete, ActReact, ActPin:
		may = s.Write
	case ActJoin, ActLeave, ActAdd, ActInvite, ActRename, ActManage:
		may = s.Rooms
	default:
		may = s.Moderate
	}
	if !may {
		return OutOfScope
	}
	return Allowed
}

// present: whether they are kept out of a room that they know of.
func (q *Question) present() Reason {
	switch q.As.State {
	case StateBanned:
		return Banned
	case StateRemoved:
		if q.Act != ActJoin {
			return Removed
		}
	}
	if q.Act != ActJoin && q.Room.GuestsWait && q.Who.Role == RoleGuest && q.As.State != StateMember {
		return Waiting
	}
	return Allowed
}

func (q *Question) leaves() Reason {
	switch {
	case q.Room.Kind == RoomDirect:
		return Fixed
	case q.As.State != StateMember && q.As.State != StateWaiting:
		return NotHere
	}
	return Allowed
}

func (q *Question) writes() Reason {
	if why := q.present(); why != Allowed {
		return why
	}
	switch {
	case q.Room.Archived:
		return Archived
	case q.rank() > 0:
		return Allowed
	case q.Room.ReadOnly:
		return ReadOnly
	case q.At.Before(q.As.Muted):
		return Muted
	case q.Act == ActSend && q.Room.Slow > 0 && q.At.Before(q.As.Spoke.Add(q.Room.Slow)):
		return TooSoon
	}
	return Allowed
}

func (q *Question) adds() Reason {
	if why := q.present(); why != Allowed {
		return why
	}
	switch {
	case q.Room.Kind == RoomDirect:
		return Fixed
	case q.Room.Archived:
		return Archived
	case q.Who.Role < RoleMember:
		return NoAccount
	case q.As.State != StateMember && q.rank() == 0:
		return NotHere
	case q.Target != nil && q.Target.As.at(q.At).State == StateBanned:
		return Banned
	case q.rank() > 0:
		return Allowed
	case q.Target != nil && q.keptOut(q.Target):
		return NeedRank
	case q.Room.ReadOnly:
		return ReadOnly
	case q.At.Before(q.As.Muted):
		return Muted
	}
	return Allowed
}

// keptOut: whether only moderators let them in. Who was removed from a public
// room may join it again without anybody's help.
func (q *Question) keptOut(t *Target) bool {
	return (q.Room.GuestsWait && t.Role == RoleGuest) || (q.Room.Kind == RoomPrivate && t.As.State == StateRemoved)
}

// governs: renaming, moderating, managing, erasing, auditing. Nobody does such
// things to those who stand as high as they do.
func (q *Question) governs() Reason {
	if q.Who.ID != OperatorID {
		if why := q.present(); why != Allowed && q.rank() < adminRank {
			return why
		}
	}
	if q.Room.Kind == RoomDirect {
		return Fixed
	}
	need := moderatorRank
	if q.Act == ActManage && q.Room.Kind == RoomPublic {
		need = makerRank
	}
	mine := q.rank()
	switch {
	case mine < need && q.steppingDown():
		return Allowed
	case mine < need:
		return NeedRank
	case q.Target != nil && q.Target.ID != q.Who.ID && mine <= q.Target.rank(q.Room):
		return NeedRank
	}
	return Allowed
}

// steppingDown: whether a moderator wants to be none.
func (q *Question) steppingDown() bool {
	return q.Act == ActManage && q.Target != nil && q.Target.ID == q.Who.ID && q.As.Moderator
}

func (q *Question) governing() bool {
	switch q.Act {
	case ActSee, ActRename, ActModerate, ActManage, ActAdd:
		return true
	}
	return false
}

// Ranks in a room.
const (
	moderatorRank = 1
	makerRank     = 2 // who made it
	adminRank     = 3 // of the place, in public rooms
	ownerRank     = 4
	operatorRank  = 5
)

// rank returns how high Who stands.
func (q *Question) rank() int {
	if q.Who.ID == OperatorID {
		return operatorRank
	}
	return (&Target{q.Who.ID, q.Who.Role, q.As}).rank(q.Room)
}

func (t *Target) rank(r *Room) int {
	switch {
	case t.Role < RoleMember:
		return 0
	case r.Kind == RoomPublic && t.Role == RoleOwner:
		return ownerRank
	case r.Kind == RoomPublic && t.Role == RoleAdmin:
		return adminRank
	case t.As.State != StateMember:
		return 0
	case r.By.ID == t.ID && r.Kind != RoomDirect:
		return makerRank
	case t.As.Moderator:
		return moderatorRank
	}
	return 0
}

// May lists what somebody may do in a room now.
func May(who Actor, r *Room, s Standing, at time.Time) []string {
	may := []string{} // a list for every client, if it is empty too
	for act := range acts {
		q := Question{Who: who, Act: act, Room: r, As: s, At: at}
		if act != ActSee && act != ActEdit && act != ActDelete && q.Decide() == Allowed {
			may = append(may, act.String())
		}
	}
	return may
}

// Governs says whether somebody may moderate a room.
func Governs(who Actor, r *Room, s Standing, at time.Time) bool {
	q := Question{Who: who, Act: ActModerate, Room: r, As: s, At: at}
	return q.Decide() == Allowed
}

// Entry is how somebody comes in who joins: as a member, or to wait.
func Entry(who Actor, r *Room, s Standing) State {
	if r.GuestsWait && who.Role == RoleGuest && s.State != StateMember {
		return StateWaiting
	}
	return StateMember
}

// NoRoom is the answer about a room that is not there, and about one that somebody
// may not know of.
func NoRoom() *Error { return Errorf(CodeNotFound, "there is no such room") }

// Err is what a person is told; nil for Allowed.
func (why Reason) Err(q *Question) error {
	switch why {
	case Allowed:
		return nil
	case Hidden:
		return NoRoom()
	case Banned:
		if q.As.State != StateBanned {
			return Errorf(CodeConflict, "they are banned from this room; lift the ban first")
		}
		return Errorf(CodeBanned, "you are banned from this room")
	case Removed:
		return Errorf(CodeRemoved, "you were removed from this room; you can join it again")
	case Waiting:
		return Errorf(CodeWaiting, "you are waiting to be let in")
	case Archived:
		return Errorf(CodeArchived, "this room is archived")
	case ReadOnly:
		return Errorf(CodeReadOnly, "only moderators write in this room")
	case Muted:
		return later(Errorf(CodeMuted, "you are muted in this room"), q.As.Muted, q.At)
	case TooSoon:
		return later(Errorf(CodeSlowMode, "this room is in slow mode; wait a moment"), q.As.Spoke.Add(q.Room.Slow), q.At)
	case NotHere:
		return Errorf(CodeForbidden, "you are not in this room")
	case NoAccount:
		return Errorf(CodeForbidden, "that needs an account")
	case OutOfScope:
		return Errorf(CodeForbidden, "this token is not for that")
	case NotYours:
		return Errorf(CodeNotFound, "there is no such message of yours")
	case Fixed:
		return Errorf(CodeForbidden, "that can not be done in a direct conversation")
	}
	return Errorf(CodeForbidden, "that is for those who moderate this room")
}

// later adds how long to wait.
func later(e *Error, until, now time.Time) *Error {
	if until.Before(Forever) {
		e.RetryAfter = max(until.Sub(now).Round(time.Millisecond), time.Millisecond)
	}
	return e
}

// Authorize decides about a person and a room by what the directory says of both
// now. It returns the room as that person has it.
func Authorize(ctx context.Context, d Directory, who Actor, room RoomID, act Act) (Membership, error) {
	m, err := d.Access(ctx, who.ID, room)
	if err != nil {
		return m, err
	}
	q := Question{Who: who, Act: act, Room: &m.Room, As: m.Standing, At: time.Now()}
	err = q.Decide().Err(&q)
	m.Standing = q.As // a ban that has ended is none
	return m, err
}
