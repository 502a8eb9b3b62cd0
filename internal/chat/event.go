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

// The kinds of event.
const (
	KindMessage Kind = 1 // somebody said Body
	KindEdit    Kind = 2 // the message at Target now reads Body
	KindDelete  Kind = 3 // the body of the message at Target is erased
)

// String returns the kind's name in hubbub.v1.
func (k Kind) String() string {
	switch k {
	case KindMessage:
		return "message"
	case KindEdit:
		return "edit"
	case KindDelete:
		return "delete"
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
	Name   string
	Guest  bool // the author has no account; like Name
	Kind   Kind
	ID     EventID
	Target Seq // the message that an edit or a delete changes; else 0
	Body   string
}

// Event is a draft that has its place in the log.
type Event struct {
	Draft
	Seq  Seq
	Time time.Time // when the log took it, in whole milliseconds
	// Revised is the Seq of the last edit or delete of this message, 0 if
	// there was none. Read returns the revised Body.
	Revised Seq
	// Deleted says that the body was erased, from storage too.
	Deleted bool
}
