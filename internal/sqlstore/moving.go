package sqlstore

import (
	"context"
	"fmt"
	"time"

	"hubbub/internal/chat"
)

// This file says what a database is to whoever moves a place from one to another.

// Mover is a database that is being moved from, or to: no server can use it meanwhile,
// nor another move. One goroutine may change it while others read.
type Mover interface {
	// String names it for people, without a password.
	String() string

	// Empty says that there is nothing in it, or only a mark.
	Empty(ctx context.Context) (bool, error)

	// Upgrade brings the schema up to date. One that this program does not know is an
	// error.
	Upgrade(ctx context.Context) error

	// Tables describes what there is, but for what keeps the schema and the mark.
	Tables(ctx context.Context) (map[string]Table, error)

	// Rows reads what is committed. Queries are in SQLite's words.
	Rows(ctx context.Context, query string, args ...any) (Values, error)

	// Change runs f in a transaction. What it did is durable, or undone.
	Change(ctx context.Context, f func(Writer) error) error

	// Mark returns what was noted of a move; false: nothing.
	Mark(ctx context.Context) (Mark, bool, error)

	// SetMark notes what the database is in a move, so that no server uses it.
	SetMark(ctx context.Context, m Mark) error

	// Unmark lets servers use it.
	Unmark(ctx context.Context) error

	// Settle has new rows go on behind those that were copied.
	Settle(ctx context.Context) error

	Close() error
}

// Writer is a transaction of a Mover.
type Writer interface {
	Exec(ctx context.Context, query string, args ...any) error
	// Copy adds rows; each has a value for each column.
	Copy(ctx context.Context, table string, columns []string, rows [][]any) error
}

// Values are rows of plain values: int64, string, []byte or nil. The caller closes them.
type Values interface {
	Next() bool
	// Row returns the values of a row, which are the caller's.
	Row() ([]any, error)
	Err() error
	Close()
}

// Table is a table as both databases see it.
type Table struct {
	Columns map[string]Type
	Key     []string // the columns of the primary key, in its order
}

// Type is what a column holds.
type Type string

// The types.
const (
	Int   Type = "a number"
	Text  Type = "a text"
	Bytes Type = "bytes"
)

// TypeOf returns the type that a database calls by a name.
func TypeOf(name string) (Type, error) {
	switch name {
	case "INTEGER", "bigint", "smallint":
		return Int, nil
	case "TEXT", "text":
		return Text, nil
	case "BLOB", "bytea":
		return Bytes, nil
	}
	return "", fmt.Errorf("a column of the type %q can not be moved", name)
}

// Mark is what a database is in a move.
type Mark struct {
	State State
	Epoch chat.Epoch // of the place that is moved
	Other string     // the other end, for people
	Files int64      // files up to that key are at their new place
	Time  time.Time  // of the last change of State
}

// State is how far a move is.
type State string

// The states.
const (
	Making  State = "making"  // the tables are not all there
	Filling State = "filling" // the rows are not all there, or were not compared
	Whole   State = "whole"   // nothing is missing; the old place does not know it yet
	Left    State = "left"    // this is the old place
)

// Refusal says why a server can not use a database with that mark.
func (m Mark) Refusal() error {
	if m.State == Left {
		return fmt.Errorf("its place was moved to %s on %s; 'hubbub migrate --reopen' uses it all the same", m.Other, m.Time.Format("2006-01-02 15:04"))
	}
	return fmt.Errorf("'hubbub migrate' from %s has not finished: run it again, it goes on where it was; or throw this away", m.Other)
}

// What is said of the table in which a mark is. It is made and dropped by moves alone, so
// no migration knows it.
const (
	MarkTable  = "moving"
	MakeMark   = "CREATE TABLE IF NOT EXISTS moving (one bigint PRIMARY KEY, state text NOT NULL, epoch text NOT NULL, other text NOT NULL, files bigint NOT NULL, time bigint NOT NULL)"
	WriteMark  = "INSERT INTO moving (one, state, epoch, other, files, time) VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET state = excluded.state, epoch = excluded.epoch, other = excluded.other, files = excluded.files, time = excluded.time"
	ReadMark   = "SELECT state, epoch, other, files, time FROM moving"
	RemoveMark = "DROP TABLE IF EXISTS moving"
)

// Values returns what WriteMark wants.
func (m Mark) Values() []any {
	return []any{string(m.State), string(m.Epoch), m.Other, m.Files, m.Time.UnixMilli()}
}

// Scan fills in a mark from the row of ReadMark.
func (m *Mark) Scan(row Scanner) error {
	return row.Scan(&m.State, &m.Epoch, &m.Other, &m.Files, at(&m.Time))
}

// BeingMoved is why a database can not be used right now.
const BeingMoved = "it is being moved by 'hubbub migrate' right now"
