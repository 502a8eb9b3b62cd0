package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

const (
	txLimit  = 10 * time.Second       // for a transaction, with waiting for locks
	patience = 2 * time.Second        // with a database that does not answer, before callers are told
	pause    = 50 * time.Millisecond  // at most, before trying again
	settling = 250 * time.Millisecond // between two attempts to find out what became of a commit
)

// lane commits one transaction after another, on a connection of its own. Drafts have
// one lane, where they share transactions; changes have a few, with a transaction for
// each change.
type lane struct {
	s     *Store
	queue *sqlstore.Queue
	key   int64 // its row in the table of lanes
	// share has requests share transactions.
	share bool

	// Owned by the lane's goroutine.
	conn    *sql.Conn
	token   int64    // of the last transaction
	pending *pending // a commit of which nobody knows what became
	down    bool     // the database did not answer the last time
}

// pending is a transaction whose commit was sent and not answered.
type pending struct {
	turn  *turn
	tx    *sqlstore.Tx
	begun time.Time
	group []*sqlstore.Request // nil: they were told to try again
}

// run commits until the queue is closed.
func (l *lane) run() {
	defer l.end()
	for {
		var settle <-chan time.Time
		if l.pending != nil {
			settle = time.After(settling)
		}
		select {
		case r, ok := <-l.queue.Requests():
			switch {
			case !ok:
				return
			case l.share:
				l.serve(l.queue.Collect(r))
			default:
				l.serve([]*sqlstore.Request{r})
			}
		case <-settle:
			ctx, cancel := context.WithTimeout(context.Background(), txLimit)
			l.settle(ctx)
			cancel()
		}
	}
}

func (l *lane) end() {
	if l.pending != nil {
		l.s.telling.end(l.pending.turn, nil)
	}
	l.drop(nil)
}

// serve sees a group through: to its commit, or to an answer that it can not be stored
// now.
func (l *lane) serve(group []*sqlstore.Request) {
	until := time.Now().Add(patience)
	if l.down {
		until = time.Now() // one attempt, and no waiting
	}
	for tries := 0; ; tries++ {
		done, err := l.attempt(group)
		l.down = lost(err)
		switch {
		case done:
			return
		case again(err) && time.Now().Before(until), isConstraint(err) && tries < 2:
			time.Sleep(min(pause, time.Millisecond<<min(tries, 10)))
		case len(group) > 1 && !again(err):
			l.s.log.Error("one of a group can not be stored", "err", err)
			for i := range group { // which one, it finds out alone
				l.serve(group[i : i+1])
			}
			return
		default:
			l.s.log.Warn("commit", "err", err)
			l.refuse(group, meaning(err))
			return
		}
	}
}

// refuse answers a group that can not be stored, and while there is no database all who
// wait.
func (l *lane) refuse(group []*sqlstore.Request, err error) {
	if l.pending != nil {
		l.pending.group = nil
	}
	for {
		sqlstore.Refuse(group, err)
		for _, r := range group {
			r.Answer()
		}
		if !l.down {
			return
		}
		select {
		case r, ok := <-l.queue.Requests():
			if !ok {
				return
			}
			group = []*sqlstore.Request{r}
		default:
			return
		}
	}
}

// attempt tries to store a group. done means that it has its answer; an error, that
// nothing of it is stored, or that nobody knows: then the next attempt finds out first.
func (l *lane) attempt(group []*sqlstore.Request) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), txLimit)
	defer cancel()
	if p := l.pending; p != nil {
		committed, err := l.settle(ctx)
		if err != nil || committed && len(p.group) > 0 && p.group[0] == group[0] {
			return err == nil, err
		}
	}
	if err := l.connect(ctx); err != nil {
		return false, err
	}
	begun := time.Now()
	x, t, err := l.begin(ctx, group)
	if err == nil {
		if err = l.fill(t, group); err == nil {
			return l.commit(ctx, x, &pending{tx: t, begun: begun, group: group})
		}
	}
	l.undo(ctx, x)
	if l.share || t == nil || again(err) || l.conn == nil || isConstraint(err) {
		return false, err
	}
	group[0].Err = err // of a change, which has an opinion of its own
	group[0].Answer()
	return true, nil
}

// fill does what a group wants, but for the commit.
func (l *lane) fill(t *sqlstore.Tx, group []*sqlstore.Request) error {
	if !l.share {
		return t.RunAlone(group[0].Change)
	}
	for _, r := range group {
		clear(r.Results) // of an attempt before
	}
	return t.Run(group)
}

// commit commits, and has everybody told. The turn is taken while all is locked.
func (l *lane) commit(ctx context.Context, x *session, p *pending) (done bool, err error) {
	if changes := p.tx.Changes(); len(changes) > 0 {
		if err := x.note(ctx, p.begun.UnixMilli(), changes); err != nil {
			l.undo(ctx, x)
			return false, err
		}
	}
	p.turn = l.s.telling.take()
	err = x.commit(ctx)
	switch {
	case err == nil:
		l.tell(p)
		return true, nil
	case lost(err) || x.closed():
		l.pending = p
		l.drop(err)
		return false, errors.Join(err, errLost)
	}
	l.s.telling.end(p.turn, nil)
	l.undo(ctx, x)
	return false, err
}

// errLost is why a commit was not answered, if nothing else says so.
var errLost = driver.ErrBadConn

// tell says that a transaction was committed: to the follower, then to the callers.
func (l *lane) tell(p *pending) {
	if p.tx.Rewrite || slices.ContainsFunc(p.tx.Events(), func(e chat.Event) bool { return e.Kind == chat.KindDelete || e.Kind == chat.KindEdit }) {
		l.s.erased.Store(true)
	}
	l.s.telling.end(p.turn, func() {
		if l.share && l.s.observe != nil {
			l.s.observe(p.tx.Committed(p.group, p.begun))
		}
		if events := p.tx.Events(); l.s.follow != nil && len(events) > 0 {
			l.s.follow(events)
		}
		if changes := p.tx.Changes(); l.s.watch != nil && len(changes) > 0 {
			l.s.watch(changes)
		}
		for _, r := range p.group {
			r.Answer()
		}
	})
}

// settle finds out what became of the pending commit: its row has its token if it was
// committed, and can not be locked before it was decided.
func (l *lane) settle(ctx context.Context) (committed bool, err error) {
	if err := l.connect(ctx); err != nil {
		return false, err
	}
	var token int64
	err = l.conn.QueryRowContext(ctx, "SELECT token FROM lanes WHERE key = $1 FOR UPDATE", l.key).Scan(&token)
	if err != nil {
		l.drop(err)
		return false, err
	}
	p := l.pending
	l.pending = nil
	if token != l.token {
		l.s.telling.end(p.turn, nil)
		return false, nil
	}
	l.tell(p)
	return true, nil
}

// connect sees to it that there is a connection, and a row for what becomes of commits.
func (l *lane) connect(ctx context.Context) (err error) {
	if l.conn != nil {
		return nil
	}
	if l.conn, err = l.s.db.Conn(ctx); err != nil {
		l.conn = nil
		return err
	}
	// A row that has gone, with a database that was put back, knows of no commit.
	_, err = l.conn.ExecContext(ctx, "INSERT INTO lanes (key, node, token, since) VALUES ($1, $2, 0, $3) ON CONFLICT (key) DO NOTHING",
		l.key, l.s.node, time.Now().UnixMilli())
	if err != nil {
		l.drop(err)
	}
	return err
}

// undo ends a transaction that failed, or the connection if that can not be.
func (l *lane) undo(ctx context.Context, x *session) {
	if x.closed() {
		l.drop(errLost)
	} else if err := x.rollback(ctx); err != nil {
		l.drop(err)
	}
}

// drop lets go of the connection; err: it is of no use to anybody.
func (l *lane) drop(err error) {
	if l.conn == nil {
		return
	}
	if err != nil {
		l.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	l.conn.Close()
	l.conn = nil
}
