package wire

import "hubbub/internal/chat"

// Subprotocol is the WebSocket subprotocol of the JSON frames.
const Subprotocol = "hubbub.v1"

// Limits of a hubbub.v1 connection, told to the client in Welcome.
const (
	// MaxFrame is the longest message of a client in bytes: the longest text
	// when JSON escapes every byte of it (\u0000), and room for the rest.
	MaxFrame = 128 << 10
	// MaxLast is how many events before the head an open may ask for.
	MaxLast = 500
)

// Millis is a time in milliseconds since 1970, UTC.
type Millis int64

// Hello opens a connection. Section 2.1 of docs/protocol.md.
type Hello struct {
	Token string `json:"token,omitempty"`
}

// Person is somebody, as the client sees them.
type Person struct {
	ID   chat.UserID `json:"id"`
	Name string      `json:"name"`
	Role string      `json:"role,omitempty"` // in answers about people; not with typing
	Bot  bool        `json:"bot,omitempty"`
}

// Whom names a person in passing.
type Whom struct {
	ID   chat.UserID `json:"id"`
	Name string      `json:"name"`
}

// Standing is how somebody stands to a room.
type Standing struct {
	State     string   `json:"state"`
	Moderator bool     `json:"moderator,omitempty"`
	Muted     Millis   `json:"muted,omitempty"` // until when; -1: until further notice
	Can       []string `json:"can"`             // what they may do now: the names of chat.Act
}

// RoomInfo is what a client knows of a room, without its id.
type RoomInfo struct {
	Name       string     `json:"name"` // "" for direct
	Kind       string     `json:"kind"`
	Topic      string     `json:"topic,omitempty"`
	Archived   bool       `json:"archived,omitempty"`
	ReadOnly   bool       `json:"read_only,omitempty"`
	GuestsWait bool       `json:"guests_wait,omitempty"`
	Slow       int        `json:"slow,omitempty"` // seconds
	Keep       *chat.Keep `json:"keep,omitempty"`
	Floor      chat.Seq   `json:"floor,omitempty"` // messages up to there were erased
	By         *Whom      `json:"by,omitempty"`
	Created    Millis     `json:"created"`
	People     []Whom     `json:"people,omitempty"` // direct: the others
	Members    int        `json:"members"`
	Head       chat.Seq   `json:"head"`
	Read       chat.Seq   `json:"read"`
	Unread     int        `json:"unread,omitempty"`
	Mentions   int        `json:"mentions,omitempty"`
	Level      string     `json:"level,omitempty"` // what the person chose to be alerted of: all, mentions, none; "": the default
	Quiet      bool       `json:"quiet,omitempty"` // neither bold nor a number
	Draft      *Unsent    `json:"draft,omitempty"` // only in GET /api/me/rooms
	You        *Standing  `json:"you,omitempty"`
}

// Unsent is what the person has written in a room and not sent.
type Unsent struct {
	Text string `json:"text"`
	Time Millis `json:"time"`
}

// Draft tells the person's connections of an Unsent. Section 2.5.
type Draft struct {
	Room chat.RoomID `json:"room"`
	Unsent
}

// Joined says that a room is on the person's list, or what has changed about it.
// Section 2.2.
type Joined struct {
	ID chat.RoomID `json:"id"`
	RoomInfo
}

// Left says that a room is off the person's list, and closed.
type Left struct {
	Room   chat.RoomID `json:"room"`
	Reason string      `json:"reason"` // a chat.State, or "gone"
}

// Report says how much waits for the moderators of a room.
type Report struct {
	Room    chat.RoomID `json:"room"`
	Open    int         `json:"open"`    // reports
	Waiting int         `json:"waiting"` // guests
}

// Welcome answers Hello.
type Welcome struct {
	You       Person     `json:"you"`
	Epoch     chat.Epoch `json:"epoch"`
	Time      Millis     `json:"time"`
	Heartbeat int        `json:"heartbeat"` // seconds
	Limits    Limits     `json:"limits"`
	Version   string     `json:"version"`
}

// You says what the person is called, and may do, from now on. Section 2.1.
type You Person

// Limits tells a client what it may do on this connection.
type Limits struct {
	Text   int   `json:"text"`           // bytes of one message
	Frame  int   `json:"frame"`          // bytes of one WebSocket message
	Rooms  int   `json:"rooms"`          // open at a time
	Resume int   `json:"resume"`         // events one may be behind
	File   int64 `json:"file,omitempty"` // bytes of one file; 0: this server takes none
}

// Open asks to follow a room, from After in Epoch, from Last events before the
// head, or from the head. Section 2.2.
type Open struct {
	Room  chat.RoomID `json:"room,omitempty"`
	Name  string      `json:"name,omitempty"`
	Epoch chat.Epoch  `json:"epoch,omitempty"`
	After *chat.Seq   `json:"after,omitempty"`
	Last  *int        `json:"last,omitempty"`
}

// Opened answers Open: the events from After + 1 on follow. Head and Read are where
// the room and the person's read mark stand.
type Opened struct {
	Room  chat.RoomID `json:"room"`
	Epoch chat.Epoch  `json:"epoch"`
	After chat.Seq    `json:"after"`
	RoomInfo
}

// Close ends following a room.
type Close struct {
	Room chat.RoomID `json:"room"`
}

// Reset answers an Open whose place is no use.
type Reset struct {
	Room   chat.RoomID `json:"room"`
	Epoch  chat.Epoch  `json:"epoch"`
	Head   chat.Seq    `json:"head"`
	Reason string      `json:"reason"` // ResetEpoch or ResetTooFar
}

// The reasons of a Reset.
const (
	ResetEpoch  = "epoch"
	ResetTooFar = "too_far_behind"
)

// Event is one entry of a room's log. Section 2.3.
type Event struct {
	Room    chat.RoomID `json:"room"`
	Seq     chat.Seq    `json:"seq"`
	Kind    string      `json:"kind"`
	ID      string      `json:"id"`
	Author  chat.UserID `json:"author"`
	Name    string      `json:"name"`
	Guest   bool        `json:"guest,omitempty"` // the author has no account
	Bot     bool        `json:"bot,omitempty"`   // the author is a program
	As      string      `json:"as,omitempty"`    // what a hook's bot calls itself this time
	Time    Millis      `json:"time"`
	Text    string      `json:"text"`
	Target  chat.Seq    `json:"target,omitempty"`
	Reply   chat.Seq    `json:"reply,omitempty"`  // the message that this one answers
	Thread  chat.Seq    `json:"thread,omitempty"` // the message under which this one stands
	Revised chat.Seq    `json:"revised,omitempty"`
	Deleted bool        `json:"deleted,omitempty"`

	About    *Whom          `json:"about,omitempty"` // whom a change concerns
	Until    Millis         `json:"until,omitempty"` // when it ends
	Mentions []chat.Mention `json:"mentions,omitempty"`
	Everyone string         `json:"everyone,omitempty"` // "here" or "channel"
	Files    []chat.File    `json:"files,omitzero"`     // that a message holds; in an edit: those that stay
	Previews []chat.Preview `json:"previews,omitempty"` // where its links lead

	// Only in what is read from the log, not in what comes live.
	Replies   int             `json:"replies,omitempty"` // in the thread under it
	LastReply chat.Seq        `json:"last_reply,omitempty"`
	Reactions []chat.Reaction `json:"reactions,omitempty"`
	Pinned    bool            `json:"pinned,omitempty"`
}

// Send asks for a place in a room's log. Section 2.4.
type Send struct {
	Room chat.RoomID `json:"room"`
	ID   string      `json:"id"`
	Text *string     `json:"text"`
	// Reply is the message that this one answers, Thread the one under which it
	// stands; 0: none.
	Reply  chat.Seq `json:"reply,omitempty"`
	Thread chat.Seq `json:"thread,omitempty"`
	// Files are what the message holds; with some, the text may be empty. Preview false:
	// nobody is to look where its links lead.
	Files   []chat.FileID `json:"files,omitempty"`
	Preview *bool         `json:"preview,omitempty"`

	// EventID is ID, parsed by Decode.
	EventID chat.EventID `json:"-"`
}

// Edit asks that a message of one's own reads differently.
type Edit struct {
	Room   chat.RoomID `json:"room"`
	ID     string      `json:"id"`
	Target chat.Seq    `json:"target"`
	Text   *string     `json:"text"`
	Base   *chat.Seq   `json:"base,omitempty"` // its Revised as its author saw it; nil: whatever it was
	// Files are those of its files that stay; nil: all.
	Files   []chat.FileID `json:"files,omitzero"`
	Preview *bool         `json:"preview,omitempty"`

	// EventID is ID, parsed by Decode.
	EventID chat.EventID `json:"-"`
}

// React puts an emoji to a message; Unreact takes it back.
type React struct {
	Room   chat.RoomID `json:"room"`
	ID     string      `json:"id"`
	Target chat.Seq    `json:"target"`
	Emoji  string      `json:"emoji"`

	// EventID is ID, parsed by Decode.
	EventID chat.EventID `json:"-"`
}

// Unreact takes a reaction back.
type Unreact React

// Delete asks that a message is erased.
type Delete struct {
	Room   chat.RoomID `json:"room"`
	ID     string      `json:"id"`
	Target chat.Seq    `json:"target"`

	// EventID is ID, parsed by Decode.
	EventID chat.EventID `json:"-"`
}

// Sent says that the message is in the log, durably.
type Sent struct {
	Room chat.RoomID `json:"room"`
	ID   string      `json:"id"`
	Seq  chat.Seq    `json:"seq"`
	Time Millis      `json:"time"`
}

// Typing is the signal that somebody is writing. Section 2.5. The client sends
// the room alone.
type Typing struct {
	Room   chat.RoomID `json:"room"`
	Author chat.UserID `json:"author,omitempty"`
	Name   string      `json:"name,omitempty"`
}

// Attend says whether somebody looks at this connection's page. Section 2.5.
type Attend struct {
	On bool `json:"on"`
}

// Presence says whether somebody is here, to those who have said Attend.
type Presence struct {
	Person Whom `json:"person"`
	Online bool `json:"online"`
	Away   bool `json:"away,omitempty"` // online, and looks at none of their pages
}

// Read moves the person's read mark.
type Read struct {
	Room   chat.RoomID `json:"room"`
	Seq    chat.Seq    `json:"seq"`
	Thread chat.Seq    `json:"thread,omitempty"` // the mark in the thread under that message
}

// Fence is answered after everything before it. Section 2.6.
type Fence struct {
	N uint64 `json:"n"`
}

// Heartbeat says where the open rooms stand.
type Heartbeat struct {
	Time  Millis                   `json:"time"`
	Heads map[chat.RoomID]chat.Seq `json:"heads"`
}

// Goodbye announces the end of the connection.
type Goodbye struct {
	Reason     string  `json:"reason"`
	RetryAfter float64 `json:"retry_after"` // seconds
}

// Ref says which frame an Error answers, as far as it could be read.
type Ref struct {
	Frame string      `json:"frame,omitempty"`
	Room  chat.RoomID `json:"room,omitempty"`
	Name  string      `json:"name,omitempty"`
	ID    string      `json:"id,omitempty"`
}

// Error refuses a frame. Section 2.7.
type Error struct {
	Code    chat.Code `json:"code"`
	Message string    `json:"message"`
	Ref
	RetryAfter float64 `json:"retry_after,omitempty"` // seconds
}
