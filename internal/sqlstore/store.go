// Package sqlstore is what the stores on SQL databases have in common: the statements
// that both databases understand, and everything around them. A backend gives it
// connections, and decides how and when a transaction commits.
package sqlstore

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"hubbub/internal/chat"
)

// Backend is what each database does in its own way. Queries come in SQLite's words:
// what another database calls differently, its backend translates.
type Backend interface {
	// Rows and Row read what is committed.
	Rows(ctx context.Context, query string, args ...any) (Rows, error)
	Row(ctx context.Context, query string, args ...any) Scanner

	// Change runs f in a transaction of its own as far as f can see, and returns when
	// it is durable. An error of f undoes what f did. f may be run again if the
	// transaction could not be finished. If rights is set, f takes something away from
	// what somebody may do: whatever decides by that is over before, or comes later.
	Change(ctx context.Context, rights bool, f func(*Tx) error) error

	// IsConstraint says whether an error is the violation of a unique key.
	IsConstraint(err error) bool

	// IsBroken says whether the transaction can not go on after an error.
	IsBroken(err error) bool

	// FreeVisitors has the names of visitors who can not be here any more free again.
	FreeVisitors(t *Tx) error

	// Contradictions are queries, by what they would mean, that find nothing in a sound
	// database: those that only this one understands.
	Contradictions() map[string]string
}

// Scanner is a row.
type Scanner interface{ Scan(...any) error }

// Rows are those of a query, like sql.Rows.
type Rows interface {
	Scanner
	Columns() ([]string, error)
	Next() bool
	Err() error
	Close() error
}

// Options are what a store needs of the domain.
type Options struct {
	// RoomKey makes a room's name the key that names which look the same have in
	// common; nil: a name is its own key.
	RoomKey func(name string) string

	// Now is the clock of this process; nil: time.Now.
	Now func() time.Time
}

// Store is a chat.Directory, and all of a chat.Log but its committing. Its methods may
// be called from any goroutine.
type Store struct {
	Epoch chat.Epoch // set before the first use

	backend Backend
	options Options
	place   chat.RoomID  // the log of the place
	ahead   atomic.Int64 // milliseconds by which the time that counts is ahead of this machine's
}

// Init prepares a store that was just made.
func (s *Store) Init(b Backend, o Options) {
	if o.RoomKey == nil {
		o.RoomKey = func(name string) string { return name }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s.backend, s.options = b, o
}

// now is the time, in milliseconds since 1970.
func (s *Store) now() int64 { return s.options.Now().UnixMilli() + s.ahead.Load() }

// Clock says what time it is, in milliseconds since 1970, so that several processes agree
// whatever their own clocks say. Clocks that are nearly right are left alone: to ask
// takes time too.
func (s *Store) Clock(ms int64) {
	ahead := ms - s.options.Now().UnixMilli()
	if -1000 < ahead && ahead < 1000 {
		ahead = 0
	}
	s.ahead.Store(ahead)
}

// change runs f in a transaction; see Backend.
func (s *Store) change(ctx context.Context, f func(*Tx) error) error {
	return s.backend.Change(ctx, false, f)
}

// changeRights is change for what takes rights away.
func (s *Store) changeRights(ctx context.Context, f func(*Tx) error) error {
	return s.backend.Change(ctx, true, f)
}

// row reads one row; Scan returns the error.
func (s *Store) row(ctx context.Context, query string, args ...any) Scanner {
	return s.backend.Row(ctx, query, args...)
}

// list reads all rows of a query.
func list[T any](ctx context.Context, s *Store, scan func(Scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.backend.Rows(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// NewID returns n random characters of an alphabet of 32 without look-alikes.
func NewID(n int) string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return string(b)
}

// Unavailable is the error of a store that can not do it now.
func Unavailable(message string, cause error) error {
	return &chat.Error{Code: chat.CodeUnavailable, Message: message, Cause: cause}
}
