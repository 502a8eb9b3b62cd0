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
	lookLast     = 20 * time.Millisecond
	offerAgain   = 1500 * time.Millisecond // who has taken a question has gone, perhaps
	maxAnswering = 4                       // questions at a time
	listenAgain  = time.Second             // after an error
)

// What is said for it.
const (
	now         = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
	putQuestion = `WITH old AS (DELETE FROM questions WHERE asked < ` + now + ` - 60000),
		new AS (INSERT INTO questions (id, asked, question) VALUES ($1, ` + now + `, $2)) SELECT pg_notify('hubbub_questions', '')`
	offerQuestion = `WITH open AS (UPDATE questions SET taken = 0 WHERE id = $1 AND answer IS NULL) SELECT pg_notify('hubbub_questions', '')`
	takeQuestion  = `UPDATE questions SET taken = 1, node = $1 WHERE id = (
			SELECT id FROM questions WHERE taken = 0 AND node <> $1 AND asked <= ` + now + ` - $2
			ORDER BY asked LIMIT 1 FOR UPDATE SKIP LOCKED
		) RETURNING id, question`
	giveAnswer = "UPDATE questions SET answer = $2 WHERE id = $1"
	takeAnswer = "DELETE FROM questions WHERE id = $1 AND answer IS NOT NULL RETURNING answer"
	dropAnswer = "DELETE FROM questions WHERE id = $1"
)

// Ask implements chat.Questions.
func (s *Store) Ask(ctx context.Context, question []byte) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, chat.AnswerTime)
	defer cancel()
	id := randomKey()
	if _, err := s.db.ExecContext(ctx, putQuestion, id, question); err != nil {
		return nil, meaning(err)
	}
	offered := time.Now()
	for pause := lookFirst; ; pause = min(2*pause, lookLast) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			s.giveUp(id)
			return nil, chat.Errorf(chat.CodeUnavailable, "no node has answered; try again")
		}
		err := s.db.QueryRowContext(ctx, takeAnswer, id).Scan(&answer)
		if err == nil {
			return answer, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return nil, meaning(err)
		}
		if time.Since(offered) > offerAgain {
			offered = time.Now()
			s.db.ExecContext(ctx, offerQuestion, id)
		}
	}
}

// giveUp takes a question back. If it can not, somebody else's next one does.
func (s *Store) giveUp(id int64) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.db.ExecContext(ctx, dropAnswer, id)
}

// Answer implements chat.Questions.
func (s *Store) Answer(ctx context.Context, late func() bool, f func(context.Context, []byte) []byte) {
	var busy sync.WaitGroup
	defer busy.Wait()
	places := make(chan struct{}, maxAnswering)
	for ctx.Err() == nil {
		err := s.listen(ctx, late, func(id int64, question []byte) {
			places <- struct{}{}
			busy.Go(func() {
				defer func() { <-places }()
				if _, err := s.db.ExecContext(ctx, giveAnswer, id, f(ctx, question)); err != nil && ctx.Err() == nil {
					s.log.Warn("answer another node", "err", err)
				}
			})
		})
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

// listen takes questions until something is wrong, or ctx ends.
func (s *Store) listen(ctx context.Context, late func() bool, take func(id int64, question []byte)) error {
	conn, err := pgx.ConnectConfig(ctx, s.config)
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
		if late() {
			wait = chat.AnswerLate
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		for {
			var id int64
			var question []byte
			err := conn.QueryRow(ctx, takeQuestion, s.node, wait.Milliseconds()).Scan(&id, &question)
			if errors.Is(err, pgx.ErrNoRows) {
				break
			}
			if err != nil {
				return err
			}
			take(id, question)
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
