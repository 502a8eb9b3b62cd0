package search

import (
	"context"
	"database/sql"
	"errors"
	"slices"
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
	dirty   map[chat.RoomID]*news
	kept    int // bytes of the events in dirty, about
	urgent  []place
	renamed []chat.Mention
}

// news is what is known of a room that has something new.
type news struct {
	head   chat.Seq     // it has so many events, or more
	events []chat.Event // without a hole; what is before them or behind is read from the log
}

// maxKept is how many bytes of events wait in memory, about. All others are read.
const maxKept = 1 << 20

// place is a message.
type place struct {
	room chat.RoomID
	seq  chat.Seq
}

// Follow tells the index of new events, of which it may miss some: what it has not been
// told of it reads. It does not block, and does not keep the slice.
func (x *Index) Follow(events []chat.Event) {
	urgent := false
	x.hints.Lock()
	x.arrived += len(events)
	for _, e := range events {
		switch e.Kind {
		case chat.KindEdit, chat.KindDelete:
			urgent = true
			if len(x.urgent) < maxUrgent { // the log says it again
				x.urgent = append(x.urgent, place{e.Room, e.Target})
			}
		case chat.KindErase:
			urgent = true
		}
		x.hear(e)
	}
	x.hints.Unlock()
	signal(x.wake)
	if urgent {
		signal(x.hurry)
	}
}

// hear keeps an event for the next step, if it goes on where the others end. x.hints is
// held.
func (x *Index) hear(e chat.Event) {
	n := x.moved(e.Room, e.Seq)
	if size := sizeOf(e); x.kept+size <= maxKept && (len(n.events) == 0 || n.events[len(n.events)-1].Seq+1 == e.Seq) {
		n.events = append(n.events, e)
		x.kept += size
	}
}

// sizeOf is about how many bytes an event takes.
func sizeOf(e chat.Event) int { return len(e.Body) + 200 }

// moved notes how far a room is. x.hints is held.
func (x *Index) moved(id chat.RoomID, head chat.Seq) *news {
	n := x.dirty[id]
	if n == nil {
		n = new(news)
		x.dirty[id] = n
	}
	n.head = max(n.head, head)
	return n
}

// Renamed tells the index what somebody is called now. It does not block.
func (x *Index) Renamed(id chat.UserID, name string) {
	x.hints.Lock()
	x.renamed = append(x.renamed, chat.Mention{ID: id, Name: name})
	x.hints.Unlock()
	signal(x.wake)
}

// Stored tells the index how far a room is, in which another process may have stored
// something. It does not block.
func (x *Index) Stored(id chat.RoomID, head chat.Seq) {
	x.hints.Lock()
	x.moved(id, head)
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
func (x *Index) take() (urgent []place, rooms map[chat.RoomID]*news, renamed []chat.Mention) {
	x.hints.Lock()
	defer x.hints.Unlock()
	urgent, rooms, renamed = x.urgent, x.dirty, x.renamed
	x.urgent, x.dirty, x.renamed, x.kept = nil, make(map[chat.RoomID]*news), nil, 0
	return urgent, rooms, renamed
}

// step does what fits into one transaction, or what it has done of that when ctx ends.
// more says that something is left.
func (x *Index) step(ctx context.Context) (more bool, err error) {
	urgent, rooms, renamed := x.take()
	b := &batch{
		Index: x, ctx: context.Background(), ended: ctx.Done(),
		moved: make(map[int64]chat.Seq), newRooms: make(map[chat.RoomID]int64), newPeople: make(map[chat.UserID]person), counted: make(map[int64]int64),
	}
	for id, n := range rooms {
		if x.conn != nil && b.cursor(id) >= n.head { // it was mentioned once more
			delete(rooms, id)
		}
	}
	if x.conn != nil && len(urgent)+len(rooms)+len(renamed) == 0 {
		return false, nil
	}
	var done []chat.RoomID
	err = b.run(func() (err error) {
		for _, p := range renamed {
			if _, err := b.person(p.ID, p.Name); err != nil {
				return err
			}
		}
		for _, p := range urgent {
			if err := b.refresh(p.room, p.seq); err != nil {
				return err
			}
		}
		done, err = b.follow(rooms)
		return err
	})
	if err == nil {
		for _, id := range done {
			delete(rooms, id)
		}
	}
	if err != nil {
		x.hints.Lock()
		x.renamed = append(renamed, x.renamed...)
		x.hints.Unlock()
	}
	more = x.putBack(rooms)
	if b.removed {
		x.unclean = true
		x.clean()
	}
	return more, err
}

// putBack remembers rooms that a step did not come to the ends of, and what it was told
// of them. It returns whether there is anything to do.
func (x *Index) putBack(rooms map[chat.RoomID]*news) (more bool) {
	x.hints.Lock()
	defer x.hints.Unlock()
	for id, left := range rooms {
		n := x.moved(id, left.head)
		later := n.events
		n.events = nil
		for _, e := range later {
			x.kept -= sizeOf(e)
		}
		for _, e := range slices.Concat(left.behind(x.cursors[x.rooms[id]]), later) {
			x.hear(e)
		}
	}
	return len(x.dirty)+len(x.urgent) > 0
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
