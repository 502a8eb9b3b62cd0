// Package chat holds the nouns of hubbub: rooms, events, drafts, people, and
// the two interfaces a storage backend implements. It imports only the
// standard library; every other package may import it.
//
// The one idea: a room is an append-only log of events numbered 1, 2, 3 and so
// on without holes, and a reader is a cursor into it.
package chat
