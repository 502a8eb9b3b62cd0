package chat

import (
	"context"
	"time"
)

// Questions are asked by one process and answered by another, of those that share a
// store. They go through the database, since hints may be lost and may be false.
type Questions interface {
	// Ask returns what some process answers. The error is CodeUnavailable if none has
	// done so after AnswerTime.
	Ask(ctx context.Context, question []byte) (answer []byte, err error)
	// Answer has f answer questions until ctx ends, several at a time; of each one
	// process is asked, or a second one if the first says nothing for long. A process
	// for which late says true leaves questions to the others for AnswerLate.
	Answer(ctx context.Context, late func() bool, f func(ctx context.Context, question []byte) (answer []byte))
}

// How long is waited for an answer, and how long those wait who have none that is whole.
const (
	AnswerTime = 5 * time.Second
	AnswerLate = 300 * time.Millisecond
)
