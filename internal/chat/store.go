package chat

import "context"

// Store is all that a place keeps.
type Store interface {
	Log
	Directory
	Accounts
	Files
	Attention
	Hooks
	Turns

	// Sweep erases what rooms keep no longer, or the place does where a room says
	// nothing, and says in how many rooms it did.
	Sweep(ctx context.Context, place Keep) (rooms int, err error)

	// Check reports the first contradiction in what is stored.
	Check(ctx context.Context) error

	// Close waits for what is under way. Nothing else may be called then or later.
	Close() error
}
