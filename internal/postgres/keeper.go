package postgres

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

// beat is how often a process sees to it that others see that it lives.
const beat = time.Second

// keeper holds what a process has in the database as long as it lives: a lock on its name,
// its share of the place, and the turns it has taken. All are locks of one connection, so that they end with the
// process, however it ends.
type keeper struct {
	s    *Store
	stop func()

	mu    sync.Mutex // guards the rest; held across a query
	conn  *sql.Conn
	turns sqlstore.Turns
}

func (k *keeper) start(ctx context.Context) error {
	if err := k.look(ctx); err != nil {
		return err
	}
	ended, idle := make(chan struct{}), make(chan struct{})
	k.stop = func() {
		close(ended)
		<-idle
		k.leave()
	}
	go func() {
		defer close(idle)
		for {
			select {
			case <-ended:
				return
			case <-time.After(beat):
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				if err := k.look(ctx); err != nil {
					k.s.log.Warn("the database does not answer", "err", err)
				}
				cancel()
			}
		}
	}()
	return nil
}

// look makes the connection, if it has gone, and what it holds but for turns.
func (k *keeper) look(ctx context.Context) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer func() {
		if err != nil {
			k.lose()
		}
	}()
	if k.conn != nil {
		return k.conn.PingContext(ctx)
	}
	if k.conn, err = k.s.db.Conn(ctx); err != nil {
		k.conn = nil
		return err
	}
	var free bool
	if err = k.conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock_shared($1) FROM pg_advisory_lock_shared($2)", int64(placeLock), k.s.node).Scan(&free); err != nil {
		return err
	}
	if !free {
		return &unfitError{sqlstore.BeingMoved}
	}
	_, err = k.conn.ExecContext(ctx, "INSERT INTO nodes (key, since) VALUES ($1, $2) ON CONFLICT DO NOTHING", k.s.node, time.Now().UnixMilli())
	return err
}

// lose lets go of the connection, and so of all turns.
func (k *keeper) lose() {
	k.turns.Lose()
	if k.conn != nil {
		k.conn.Raw(func(any) error { return errLost })
		k.conn.Close()
		k.conn = nil
	}
}

// turnClass is the first half of the names of turns' locks; the other is a hash of the
// work. That two works share one is rare, and keeps them waiting for each other.
const turnClass = 0x68756262

// Take implements chat.Turns.
func (s *Store) Take(ctx context.Context, work string) (*chat.Turn, error) {
	k := s.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn == nil {
		return nil, meaning(errLost)
	}
	turn := k.turns.Take(work)
	if turn == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var free bool
	err := k.conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1, hashtext($2))", turnClass, work).Scan(&free)
	switch {
	case err != nil:
		k.lose() // whether it is locked, nobody knows
		return nil, meaning(err)
	case !free:
		turn.End()
		return nil, nil
	}
	return chat.NewTurn(turn.Context(), func() { k.giveBack(turn, work) }), nil
}

func (k *keeper) giveBack(turn *chat.Turn, work string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if turn.Context().Err() != nil {
		return // given back before, or lost
	}
	turn.End()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := k.conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1, hashtext($2))", turnClass, work); err != nil {
		k.lose()
	}
}

// leave says goodbye: the names of this process's visitors are free.
func (k *keeper) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for _, query := range []string{
			"UPDATE people SET name_key = NULL WHERE visiting = 1 AND name_key IS NOT NULL AND node = $1",
			"DELETE FROM lanes WHERE node = $1", "DELETE FROM nodes WHERE key = $1",
		} {
			if _, err := k.conn.ExecContext(ctx, query, k.s.node); err != nil {
				k.s.log.Warn("leave the database", "err", err)
				break
			}
		}
	}
	k.lose()
}

// FreeVisitors implements sqlstore.Backend: of processes that live no more. A lane's row
// is kept for a while, as long as somebody might ask what became of its commit.
func (b *backend) FreeVisitors(t *sqlstore.Tx) error {
	const day = 24 * int64(time.Hour/time.Millisecond)
	for _, query := range []string{
		oldQuestions,
		`WITH others AS MATERIALIZED (SELECT key FROM nodes ORDER BY key FOR UPDATE SKIP LOCKED)
			DELETE FROM nodes WHERE key IN (SELECT key FROM others WHERE pg_try_advisory_xact_lock(key))`,
		"UPDATE people SET name_key = NULL WHERE visiting = 1 AND name_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM nodes WHERE key = people.node)",
	} {
		if err := t.Exec(query); err != nil {
			return err
		}
	}
	return t.Exec("DELETE FROM lanes WHERE since < ? AND NOT EXISTS (SELECT 1 FROM nodes WHERE key = lanes.node)", t.Now()-day)
}
