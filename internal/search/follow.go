package search

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hubbub/internal/chat"
)

// This file follows the log. One goroutine writes the index, behind the log and with
// connections of its own: nobody who appends waits for it.

const (
	readStep = 256 // events that are read from a log at a time
	// Events in one transaction, which costs about as much as ten of them. It ends early
	// for what was changed or erased.
	maxEvents = 1024
	// Messages that retention takes out in one transaction; and from how many on, if they
	// are a tenth of all, the index is rather made anew: to put one in takes 0.1 ms, to take
	// one out without a trace 5 ms (a million messages).
	maxErased  = 256
	manyErased = 5000
	// While more events a second come than this, senders need the processor more: the index
	// rests after each step, the longer the more there are. It keeps up with some 2,000 a
	// second, and otherwise is as far behind as that makes it.
	busyRate = 500
	maxRest  = 3 * time.Second
	// pause is how long the index waits for more, once there is something new: a message
	// is found that much later, and a busy place costs a tenth.
	pause     = 30 * time.Millisecond
	maxUrgent = 1000
	retryTime = time.Second
)

// follower is the state of the goroutine that writes the index.
type follower struct {
	writer  *sql.DB
	conn    *sql.Conn
	stmts   statements
	cursors map[int64]chat.Seq // how far each room's log is in the index
	unclean bool               // what was taken out may still be in the WAL

	wake   chan struct{} // something is new
	hurry  chan struct{} // something was changed or erased
	fences chan chan struct{}

	hints   sync.Mutex // guards the following
	arrived int        // events that it was told of
	dirty   map[chat.RoomID]struct{}
	urgent  []place
	renamed []chat.Mention
}

// place is a message.
type place struct {
	room chat.RoomID
	seq  chat.Seq
}

// Follow tells the index of new events: a hint, since it reads the log itself. It does
// not block.
func (x *Index) Follow(events []chat.Event) {
	urgent := false
	x.hints.Lock()
	x.arrived += len(events)
	for i, e := range events {
		if i == 0 || e.Room != events[i-1].Room {
			x.dirty[e.Room] = struct{}{}
		}
		switch e.Kind {
		case chat.KindEdit, chat.KindDelete:
			urgent = true
			if len(x.urgent) < maxUrgent { // the log says it again
				x.urgent = append(x.urgent, place{e.Room, e.Target})
			}
		case chat.KindErase:
			urgent = true
		}
	}
	x.hints.Unlock()
	signal(x.wake)
	if urgent {
		signal(x.hurry)
	}
}

// Renamed tells the index what somebody is called now. It does not block.
func (x *Index) Renamed(id chat.UserID, name string) {
	x.hints.Lock()
	x.renamed = append(x.renamed, chat.Mention{ID: id, Name: name})
	x.hints.Unlock()
	signal(x.wake)
}

// Stored tells the index that a room has something new, which another process may have
// stored. It does not block.
func (x *Index) Stored(id chat.RoomID) { x.hint(id) }

func (x *Index) hint(id chat.RoomID) {
	x.hints.Lock()
	x.dirty[id] = struct{}{}
	x.hints.Unlock()
	signal(x.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Sync returns when everything is in the index that was in the log when it was called.
func (x *Index) Sync(ctx context.Context) error {
	done := make(chan struct{})
	signal(x.hurry)
	for c := x.fences; ; c = nil {
		select {
		case c <- done:
		case <-done:
			return nil
		case <-x.stopped:
			return errors.New("the index is closed")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run follows the log until ctx ends.
func (x *Index) run(ctx context.Context) {
	defer close(x.stopped)
	var waiting []chan struct{}
	for ctx.Err() == nil {
		var retry <-chan time.Time
		if x.unclean {
			retry = time.After(retryTime)
		}
		select {
		case <-ctx.Done():
			return
		case <-retry:
		case f := <-x.fences:
			waiting = append(waiting, f)
		case <-x.wake:
			waiting = append(waiting, x.gather(ctx)...)
		}
		x.catchUp(ctx)
		if ctx.Err() != nil {
			return
		}
		if x.unclean {
			x.clean()
		}
		for _, f := range waiting {
			close(f)
		}
		waiting = nil
	}
}

// gather waits a little for more.
func (x *Index) gather(ctx context.Context) (waiting []chan struct{}) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	case <-x.hurry:
	case f := <-x.fences:
		waiting = append(waiting, f)
	}
	return waiting
}

// catchUp follows all logs to their ends.
func (x *Index) catchUp(ctx context.Context) {
	for wait := retryTime; ctx.Err() == nil; {
		begun, before := time.Now(), x.told()
		more, err := x.step(ctx)
		if err == nil && !more {
			x.mu.Lock()
			x.behind = false
			x.mu.Unlock()
			return
		}
		rest := time.Duration(0)
		switch {
		case errors.Is(err, errAnew), damaged(err):
			x.Logger.Warn("the search index is made anew", "why", err)
			if err = x.anew(ctx); err == nil {
				continue
			}
			fallthrough
		case err != nil:
			x.Logger.Error("follow the log into the search index", "err", err)
			rest, wait = wait, min(2*wait, time.Minute)
		default:
			rest = restAfter(time.Since(begun), x.told()-before)
		}
		if rest == 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		case <-x.hurry:
		}
	}
}

// restAfter returns how long to rest after a step during which so many events came.
func restAfter(step time.Duration, events int) time.Duration {
	if float64(events) < busyRate*step.Seconds() {
		return 0
	}
	return min(time.Duration(events)*time.Second/busyRate, maxRest)
}

// told returns of how many events the index was told.
func (x *Index) told() int {
	x.hints.Lock()
	defer x.hints.Unlock()
	return x.arrived
}

// damaged says whether the file is no use any more.
func damaged(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// take takes what there is to do.
func (x *Index) take() (urgent []place, rooms []chat.RoomID, renamed []chat.Mention) {
	x.hints.Lock()
	defer x.hints.Unlock()
	urgent, renamed, x.urgent, x.renamed = x.urgent, x.renamed, nil, nil
	for id := range x.dirty {
		rooms = append(rooms, id)
	}
	clear(x.dirty)
	return urgent, rooms, renamed
}

// step does what fits into one transaction, or what it has done of that when ctx ends.
// more says that something is left.
func (x *Index) step(ctx context.Context) (more bool, err error) {
	urgent, rooms, renamed := x.take()
	if len(urgent)+len(rooms)+len(renamed) == 0 {
		return false, nil
	}
	b := &batch{
		Index: x, ctx: context.Background(), ended: ctx.Done(),
		moved: make(map[int64]chat.Seq), newRooms: make(map[chat.RoomID]int64), newPeople: make(map[chat.UserID]person), counted: make(map[int64]int64),
	}
	left := rooms // if it fails
	err = b.run(func() (err error) {
		for _, p := range renamed {
			if _, wrote := x.people[p.ID]; !wrote {
				continue
			}
			if _, err := b.person(p.ID, p.Name); err != nil {
				return err
			}
		}
		for _, p := range urgent {
			if err := b.refresh(p.room, p.seq); err != nil {
				return err
			}
		}
		left, err = b.follow(rooms)
		return err
	})
	if err != nil {
		left = rooms
	}
	x.hints.Lock()
	for _, id := range left {
		x.dirty[id] = struct{}{}
	}
	more = len(x.dirty)+len(x.urgent) > 0
	x.hints.Unlock()
	if b.removed {
		x.unclean = true
		x.clean()
	}
	return more, err
}

func (x *Index) isBehind() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.behind
}

// clean takes what was removed out of the WAL, where old pages lie until they are written
// over. A search that is under way can be in the way: then it is tried again.
func (x *Index) clean() {
	if x.conn == nil {
		return
	}
	var busy, pages, written int
	err := x.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(truncate)").Scan(&busy, &pages, &written)
	x.unclean = err != nil || busy != 0
}
