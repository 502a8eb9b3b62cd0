package alert

import (
	"time"

	"hubbub/internal/chat"
)

// Question is all that it depends on whether an event alerts somebody.
type Question struct {
	Event     chat.Event // as it reads now
	Room      *chat.Room
	To        chat.Listener
	Here      bool // they have a connection
	Attentive bool // and look at it
	Now       time.Time
}

// Reason is why somebody is alerted or not.
type Reason string

// The reasons.
const (
	Yes      Reason = "yes"
	Nothing  Reason = "no message, or not any more"
	Own      Reason = "their own"
	Old      Reason = "too long ago"
	Hidden   Reason = "they may not read it"
	Seen     Reason = "read already"
	Quiet    Reason = "they want to hear nothing of the room"
	Muted    Reason = "they want to hear nothing of the thread"
	NotThem  Reason = "it does not address them"
	Silence  Reason = "they are not to be disturbed"
	Watching Reason = "they are looking"
)

// Fresh is how old a message may be that alerts: what was stored before a server went
// down is not worth waking anybody when it comes back.
const Fresh = 10 * time.Minute

// Decide is the only place where it is decided whether somebody is alerted. It looks at
// nothing but the question.
func (q *Question) Decide() Reason {
	e, to := &q.Event, &q.To
	may := chat.Question{Who: to.Actor(), Act: chat.ActRead, Room: q.Room, As: to.Standing, At: q.Now}
	muted, follows := to.Threads[e.Thread]
	level := to.Level.In(q.Room.Kind)
	switch {
	case e.Kind != chat.KindMessage || e.Deleted || e.Body == "" && len(e.Files) == 0:
		return Nothing
	case e.Author == to.ID:
		return Own
	case q.Now.Sub(e.Time) > Fresh:
		return Old
	case to.State != chat.StateMember || may.Decide() != chat.Allowed:
		return Hidden
	case e.Thread == 0 && e.Seq <= to.Read:
		return Seen
	case to.Quiet || level == chat.LevelNone:
		return Quiet
	case e.Thread > 0 && muted:
		return Muted
	case level == chat.LevelMentions && !q.addressed() && !(e.Thread > 0 && follows):
		return NotThem
	case to.Silence.At(q.Now):
		return Silence
	case q.Attentive:
		return Watching
	}
	return Yes
}

// addressed: by name, or among everybody. Who is not here is not meant by @here.
func (q *Question) addressed() bool {
	if q.Event.Everyone == chat.Channel || q.Event.Everyone == chat.Here && q.Here {
		return true
	}
	for _, m := range q.Event.Mentions {
		if m.ID == q.To.ID {
			return true
		}
	}
	return false
}
