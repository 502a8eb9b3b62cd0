package chat

import (
	"context"
	"time"
)

// Level says what of a room somebody wants to be alerted of.
type Level uint8

// The levels.
const (
	LevelDefault  Level = iota // LevelAll in direct conversations, else LevelMentions
	LevelAll                   // every message
	LevelMentions              // what addresses them
	LevelNone
)

var levelNames = []string{"default", "all", "mentions", "none"}

// String returns the level's name in the protocol.
func (l Level) String() string { return levelNames[l] }

// ParseLevel returns the level of that name, or CodeBadFrame.
func ParseLevel(name string) (Level, error) {
	for i, n := range levelNames {
		if n == name {
			return Level(i), nil
		}
	}
	return 0, Errorf(CodeBadFrame, "a level is all, mentions, none or default")
}

// In returns what a level means in a room.
func (l Level) In(kind RoomKind) Level {
	switch {
	case l != LevelDefault:
		return l
	case kind == RoomDirect:
		return LevelAll
	}
	return LevelMentions
}

// Unsent is what somebody has written in a room and not sent, on whatever device.
type Unsent struct {
	Room RoomID
	Text string // "": nothing any more
	Time time.Time
}

// Silence is when somebody wants no alerts: until a moment, and for some hours of each
// day. The zero value is never.
type Silence struct {
	Until    time.Time
	From, To int    // minutes of the day; the same: none
	Zone     string // of IANA, by which From and To are meant
}

// At says whether there is silence at a time.
func (s Silence) At(now time.Time) bool {
	if now.Before(s.Until) {
		return true
	}
	if s.From == s.To {
		return false
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		zone = time.UTC
	}
	local := now.In(zone)
	minute := local.Hour()*60 + local.Minute()
	if s.From < s.To {
		return s.From <= minute && minute < s.To
	}
	return minute >= s.From || minute < s.To
}

// Device is where somebody gets alerts while nothing of hubbub is open there: what a
// browser said of its push service.
type Device struct {
	Endpoint string // the address of the push service for this one browser
	Key      string // the browser's public key, base64url
	Auth     string // the secret shared with it, base64url
	Created  time.Time
}

// Listener is somebody in a room who has devices.
type Listener struct {
	Person
	Standing
	Level   Level
	Quiet   bool
	Read    Seq
	Silence Silence
	Threads map[Seq]bool // those in the room that they follow; true: they want to hear nothing of it
	Devices []Device
}

// Attention stores what people want to notice, and where. All methods may be called
// from any goroutine; each change is durable when the method returns.
type Attention interface {
	// SetLevel changes what somebody wants to hear of a room on their list (CodeNotFound).
	SetLevel(ctx context.Context, id UserID, room RoomID, level Level, quiet bool) error
	// MarkUnread moves the read mark in front of seq, forward or back, and returns where
	// it stands. What addressed the person behind it counts again. CodeTooMany if seq is
	// more than MaxUnread events back.
	MarkUnread(ctx context.Context, id UserID, room RoomID, seq Seq) (Seq, error)
	// ReadAll moves all of a person's read marks to the heads, those of threads too, and
	// returns those that moved.
	ReadAll(ctx context.Context, id UserID) ([]ReadMark, error)

	// SetUnsent keeps what somebody has written, unless something newer is there, and
	// returns what is kept now. The room must be on their list (CodeNotFound).
	SetUnsent(ctx context.Context, id UserID, u Unsent) (Unsent, error)
	// Unsent lists what somebody has written in the rooms on their list.
	Unsent(ctx context.Context, id UserID) ([]Unsent, error)

	// Silence says when somebody wants no alerts.
	Silence(ctx context.Context, id UserID) (Silence, error)
	// SetSilence changes that.
	SetSilence(ctx context.Context, id UserID, s Silence) error

	// Company returns the rooms on a person's list that have at most so many people.
	Company(ctx context.Context, id UserID, most int) ([]RoomID, error)

	// AddDevice has a session's browser get alerts, until the session ends. The
	// endpoint is nobody else's from then on.
	AddDevice(ctx context.Context, id UserID, session SessionID, d Device) error
	// RemoveDevice ends that; id "": whoever's it is.
	RemoveDevice(ctx context.Context, id UserID, endpoint string) error
	// Devices says how many devices there are in all.
	Devices(ctx context.Context) (int, error)
	// Listeners returns those in a room who have devices.
	Listeners(ctx context.Context, room RoomID) ([]Listener, error)
	// Alerted returns up to where it was decided whom the events of rooms alert, of those
	// about which that was ever noted.
	Alerted(ctx context.Context) (map[RoomID]Seq, error)
	// SetAlerted notes that, before anybody is alerted.
	SetAlerted(ctx context.Context, room RoomID, seq Seq) error
}

// ReadMark is how far somebody has read; Thread 0: the room.
type ReadMark struct {
	Room   RoomID
	Thread Seq
	Seq    Seq
}

// Limits of what people are alerted by.
const (
	MaxUnread  = 10_000 // events that can be marked unread again
	MaxDevices = 20     // of a person
)
