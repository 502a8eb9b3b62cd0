package chat

import (
	"context"
	"time"
)

// Topic is what processes that share a log tell each other about.
type Topic struct {
	About About
	ID    string // of the room, or of the person; "" for the others
}

// About is the kind of a topic.
type About uint8

// The kinds of topic.
const (
	AboutRoom     About = iota + 1 // how far it is, and who is typing
	AboutPerson                    // what their other connections are told
	AboutChanges                   // how far the log of changes is
	AboutPresence                  // who is here, and where
	AboutLimits                    // what was spent, by whom
	AboutStored                    // in which rooms something is new
)

// String returns the kind's name, a word in lower case.
func (a About) String() string {
	return [...]string{"", "room", "person", "changes", "presence", "limits", "stored"}[a]
}

// RoomTopic is about a room.
func RoomTopic(id RoomID) Topic { return Topic{AboutRoom, string(id)} }

// PersonTopic is about a person.
func PersonTopic(id UserID) Topic { return Topic{AboutPerson, string(id)} }

// Note is what one process tells the others.
type Note struct {
	// Head says that the log which the topic is about has that many events; 0 says
	// nothing of it.
	Head Seq
	// Data is something that is worth knowing only now, at most MaxNote bytes; nil: nothing.
	Data []byte
}

// MaxNote is how many bytes of data a note may have. A larger one is lost.
const MaxNote = 128 << 10

// Bus carries notes between the processes that share a log. They are hints: each may be
// lost, come twice, late, and in another order, and nothing may depend on it but how
// soon something is noticed. Its promises, each with a test in package bustest:
//
//  1. Tell, Listen and the function that Listen returns never wait for the network, so
//     that they may be called with locks held.
//  2. While Up, a note reaches the others that listen to its topic, most of the time, and
//     nobody who listens to another, and not the process that told it.
//  3. What comes from elsewhere and is no note is dropped.
//  4. It finds its way back by itself, with all that is listened to. Notes that were told
//     meanwhile are lost.
//
// All methods may be called from any goroutine.
type Bus interface {
	// Tell passes a note on. It keeps a copy of the data.
	Tell(t Topic, n Note)
	// Listen has f told of the notes of others on a topic until stop is called; one that
	// is being handed over then may come a little later. f must not block, nor keep the
	// data.
	Listen(t Topic, f func(Note)) (stop func())
	// Up says whether notes are passed on now, as far as is known.
	Up() bool
	// Close ends it. Nothing is listened to afterwards.
	Close()
}

// ChangesKept is how long changes are kept at least. A process that was away for longer
// begins anew.
const ChangesKept = 24 * time.Hour

// SharedLog is a Log to which other processes append too. Its Follow tells of what this
// process appended, in commit order, and of nothing else: numbers may be missing between.
type SharedLog interface {
	Log
	// Heads returns the last number in each room, in one statement. Unknown rooms are
	// left out.
	Heads(ctx context.Context, rooms []RoomID) (map[RoomID]Seq, error)

	// Changes returns at most limit changes, of whichever process, after a place in
	// their log, ascending. Its numbers are like those of a room: without holes, in
	// the order of the commits. Those older than ChangesKept may be gone, but never the
	// last one.
	Changes(ctx context.Context, after Seq, limit int) ([]Change, error)

	// ChangesHead returns the last place in the log of changes.
	ChangesHead(ctx context.Context) (Seq, error)
}
