package postgres

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hubbub/internal/chat"
)

// This file is what processes ask each other: a row for each question, NOTIFY for who
// answers, and a look now and then by who asked. Asking is rare, so that the lock which
// commits with a NOTIFY share is in nobody's way.

var _ chat.Questions = (*Store)(nil)

const (
	lookFirst    = 2 * time.Millisecond // between two looks for an answer, at first
	lookLast     = 100 * time.Millisecond
	offerAgain   = 2500 * time.Millisecond // who has taken a question has gone, perhaps; a search takes two seconds at most
	maxAnswering = 4                       // questions at a time
	listenAgain  = time.Second             // after an error
)

// What is said for it.
const (
	now           = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
	putQuestion   = `WITH new AS (INSERT INTO questions (id, asked, question) VALUES ($1, ` + now + `, $2)) SELECT pg_notify('hubbub_questions', '')`
	offerQuestion = `WITH open AS (UPDATE questions SET taken = 0 WHERE id = $1 AND answer IS NULL) SELECT pg_notify('hubbub_questions', '')`
	takeQuestion  = `UPDATE questions SET taken = 1, node = $1 WHERE id = (
			SELECT id FROM questions WHERE taken = 0 AND node <> $1 AND asked BETWEEN ` + now + ` - 5000 AND ` + now + ` - $2
			ORDER BY asked LIMIT 1 FOR UPDATE SKIP LOCKED
		) RETURNING id, question`
	oldQuestions = "DELETE FROM questions WHERE asked < " + now + " - 60000"
	giveAnswer   = "UPDATE questions SET answer = $2 WHERE id = $1"
	takeAnswer   = "DELETE FROM questions WHERE id = $1 AND answer IS NOT NULL RETURNING answer"
	dropQuestion = "DELETE FROM questions WHERE id = $1"
)

// Ask implements chat.Questions. What it asks the database is not interrupted: that would
// cost a connection, and people stop searching at each letter that they type.
func (s *Store) Ask(ctx context.Context, question []byte) (answer []byte, err error) {
	id, begun := randomKey(), time.Now()
	if err := s.brief(ctx, putQuestion, id, question); err != nil {
		return nil, err
	}
	defer func() {
		if answer == nil {
			s.brief(ctx, dropQuestion, id) // if it can not, the sweep does
		}
	}()
	offered := begun
	for pause := lookFirst; time.Since(begun) < chat.AnswerTime; pause = min(pause+pause/2, lookLast) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if answer, err = s.takeAnswer(ctx, id); answer != nil || err != nil {
			return answer, err
		}
		if time.Since(offered) > offerAgain {
			offered = time.Now()
			if err := s.brief(ctx, offerQuestion, id); err != nil {
				return nil, err
			}
		}
	}
	return nil, chat.Errorf(chat.CodeUnavailable, "no node has answered; try again")
}

// brief says something to the database that is not interrupted.
func (s *Store) brief(ctx context.Context, query string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_, err := s.db.ExecContext(ctx, query, args...)
	return meaning(err)
}

// takeAnswer returns the answer to a question, if there is one.
func (s *Store) takeAnswer(ctx context.Context, id int64) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err = s.db.QueryRowContext(ctx, takeAnswer, id).Scan(&answer)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return answer, meaning(err)
}

// Answer implements chat.Questions.
func (s *Store) Answer(ctx context.Context, late func() bool, f func(context.Context, []byte) []byte) {
	a := &answering{s: s, late: late, f: f, places: make(chan struct{}, maxAnswering)}
	defer a.busy.Wait()
	for ctx.Err() == nil {
		err := a.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("listen to what other nodes ask", "err", err)
		select {
		case <-time.After(listenAgain):
		case <-ctx.Done():
		}
	}
}

// answering is how a process answers.
type answering struct {
	s      *Store
	late   func() bool
	f      func(context.Context, []byte) []byte
	busy   sync.WaitGroup
	places chan struct{}
}

// listen takes questions until something is wrong, or ctx ends.
func (a *answering) listen(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, a.s.config)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN hubbub_questions"); err != nil {
		return err
	}
	for {
		wait := time.Duration(0)
		if a.late() {
			wait = chat.AnswerLate
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		for more := true; more; {
			if more, err = a.one(ctx, conn, wait); err != nil {
				return err
			}
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

// one takes a question, if there is one that has waited for so long, and has it answered.
func (a *answering) one(ctx context.Context, conn *pgx.Conn, wait time.Duration) (more bool, err error) {
	select {
	case a.places <- struct{}{}: // before it is taken: others may have time for it
	case <-ctx.Done():
		return false, ctx.Err()
	}
	var id int64
	var question []byte
	if err := conn.QueryRow(ctx, takeQuestion, a.s.node, wait.Milliseconds()).Scan(&id, &question); err != nil {
		<-a.places
		if errors.Is(err, pgx.ErrNoRows) {
			return false, nil
		}
		return false, err
	}
	a.busy.Go(func() {
		defer func() { <-a.places }()
		if err := a.s.brief(ctx, giveAnswer, id, a.f(ctx, question)); err != nil {
			a.s.log.Warn("answer another node", "err", err)
		}
	})
	return true, nil
}
