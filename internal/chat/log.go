package chat

import "context"

// Result is what became of one draft. Err is nil, an *Error that concerns this
// draft alone, or the failure of the whole log.
type Result struct {
	Event Event
	// Repeated says that the same draft was appended before: Event is the
	// first one, and nothing new was stored or announced.
	Repeated bool
	Err      error
}

// Log stores the events of all rooms. Its promises, each with a test in
// package storetest:
//
//  1. Append returns only when its drafts are durable: they survive kill -9 and
//     power loss. A backend refuses to serve when its settings do not allow
//     that. After a failed sync it acknowledges nothing more.
//  2. The numbers of a room are contiguous from 1, and commit order is number
//     order: whoever has seen n can read every m < n.
//  3. The same (Author, ID) again returns the first event, for ever. The same
//     id with another room, kind, target or body is CodeConflict.
//  4. Read returns at most limit events, ascending, without holes; none means
//     that after is the head.
//  5. Concurrent Appends share a transaction. Store first, then tell: no event
//     is given to Follow's function, and none is returned, before its
//     transaction has committed.
//  6. A draft is taken only if Question.Decide allows it to its author as the log
//     stands where the draft would come, and what it changes has then changed for
//     whatever comes after it.
//
// All methods may be called from any goroutine.
type Log interface {
	// Append stores drafts in their order and returns one result for each.
	// A draft that is refused does not fail its neighbours. Once Append has
	// begun, it waits for the outcome even if ctx ends, since the drafts may
	// be stored all the same.
	Append(ctx context.Context, drafts []Draft) []Result

	// Read returns the events of room after the given place.
	Read(ctx context.Context, room RoomID, after Seq, limit int) ([]Event, error)

	// Stored returns the row that holds an event, as it lies in the store. What was
	// deleted is not in it. What is not there, or was erased, is CodeNotFound.
	Stored(ctx context.Context, room RoomID, seq Seq) (StoredRow, error)

	// Head returns the room's last place. An unknown room is CodeNotFound.
	Head(ctx context.Context, room RoomID) (Position, error)

	// Follow names the one function that is told of every new event: once
	// each, in commit order, by one goroutine at a time, before the Append
	// that brought it returns. f must not block and must not call the log.
	// Follow must be called before the first Append.
	Follow(f func(events []Event))

	// Watch names the one function that is told of every change that this process
	// stored: likewise, but perhaps by several goroutines, and after Follow's function was told of the events that were
	// stored with it. Those that follow from a method of Directory or Accounts are
	// stored together with it: who ends a session, keeps out a range of addresses,
	// changes a setting, or what a person is called or may do, or by an event how they
	// stand to a room.
	Watch(f func(changes []Change))

	// Announce stores changes that follow from nothing else.
	Announce(ctx context.Context, changes ...Change) error

	// Failed is closed when the log can no longer make anything durable.
	// The process must then stop and start again.
	Failed() <-chan struct{}
}
