package chat

import "context"

// Turns shares out work that one process at a time should do, of those that share a
// store: to deliver for a hook, to alert, to keep an index, to look after what has expired.
type Turns interface {
	// Take takes the turn for a piece of work, by its name, if nobody has it; else turn is
	// nil. It ends with the process, however that ends, and when the database has gone.
	// Another process may then have begun some seconds before this one notices, so the
	// work must be such that it does no harm twice in that time.
	Take(ctx context.Context, work string) (turn *Turn, err error)
}

// Turn is work that was taken. Its methods may be called from any goroutine.
type Turn struct {
	held context.Context
	end  func()
}

// NewTurn returns a turn that lasts as long as held, and what gives it back before. It is
// for stores.
func NewTurn(held context.Context, end func()) *Turn { return &Turn{held, end} }

// Lost is closed when the turn has ended.
func (t *Turn) Lost() <-chan struct{} { return t.held.Done() }

// Context ends with the turn: for what is done in it.
func (t *Turn) Context() context.Context { return t.held }

// End gives the turn back. It may be called again.
func (t *Turn) End() { t.end() }
