package search

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// This file shares the work among processes that share a log. Two of them keep an index,
// so that one can go; the others ask these, and spend nothing on rooms that nobody reads
// there.

var indexTurns = []string{"search index 1", "search index 2"}

const (
	lookAgain = time.Second // while the turn of the index that is here is lost
	// A process that starts again goes on with the index that it has; another one, which
	// would have to make one, takes over when its turn was free for so long, and looks
	// some times meanwhile.
	vacantFor = time.Minute
	looks     = 6

	maxAsking = 16 // searches that wait for other processes; each looks for its answer by a connection of all
)

// NodeConfig is what search at one of several processes stands on.
type NodeConfig struct {
	Config
	Turns     chat.Turns
	Questions chat.Questions // nil: there are no others
	// Wanted is told when it matters whether events are followed here. It must not call
	// the node.
	Wanted func(bool)
	Vacant time.Duration // 0: a minute
}

// Node is search at one process. Its methods may be called from any goroutine.
type Node struct {
	NodeConfig
	dir  string
	stop context.CancelFunc
	wg   sync.WaitGroup

	asking chan struct{} // bounds how many searches wait for others

	// Of the goroutine that looks.
	turn    *chat.Turn // to keep an index; nil, or lost: it is not this process's
	vacant  time.Time  // since when there is a turn that nobody takes
	without time.Time  // since when there is none for what is here
	left    bool       // a file may be here of an index that is not open

	mu      sync.RWMutex // guards the following
	index   *Index       // nil: others are asked
	answers func()       // ends answering
}

// Join begins to search, with an index if it is this process's turn to have one. Close
// ends it.
func Join(ctx context.Context, dir string, c NodeConfig) (*Node, error) {
	if c.Vacant == 0 {
		c.Vacant = vacantFor
	}
	n := &Node{NodeConfig: c, dir: dir, asking: make(chan struct{}, maxAsking)}
	_, err := os.Stat(filepath.Join(dir, fileName))
	n.left = err == nil
	turn, err := n.take(ctx)
	if err == nil && turn != nil {
		err = n.begin(ctx, turn)
	}
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.Background())
	n.stop = stop
	if c.Questions != nil {
		n.wg.Go(func() { n.run(run) })
	}
	return n, nil
}

// Close ends it. What an index has not followed yet it follows next time.
func (n *Node) Close() error {
	n.stop()
	n.wg.Wait()
	err := n.end()
	if n.turn != nil {
		n.turn.End()
	}
	return err
}

// take takes a turn, if one is free.
func (n *Node) take(ctx context.Context) (*chat.Turn, error) {
	for _, name := range indexTurns {
		if turn, err := n.Turns.Take(ctx, name); turn != nil || err != nil {
			return turn, err
		}
	}
	return nil, nil
}

// begin has an index from now on.
func (n *Node) begin(ctx context.Context, turn *chat.Turn) error {
	n.Wanted(true) // before the index looks how far the log is
	x, err := Open(ctx, n.dir, n.Config)
	if err != nil {
		n.Wanted(false)
		turn.End()
		return err
	}
	answering, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	if n.Questions != nil {
		wg.Go(func() {
			n.Questions.Answer(answering, x.isBehind, func(ctx context.Context, question []byte) []byte { return x.answer(ctx, question) })
		})
	}
	n.turn, n.left, n.vacant, n.without = turn, false, time.Time{}, time.Time{}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.index = x
	n.answers = func() {
		cancel()
		wg.Wait()
	}
	return nil
}

// end has none any more.
func (n *Node) end() error {
	n.mu.Lock()
	x, answers := n.index, n.answers
	n.index, n.answers = nil, nil
	n.mu.Unlock()
	if x == nil {
		return nil
	}
	n.Wanted(false)
	answers()
	return x.Close()
}

// run looks who has the turns, until ctx ends.
func (n *Node) run(ctx context.Context) {
	for {
		wait := n.Vacant / looks
		if n.left || n.own() != nil {
			wait = min(wait, lookAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if n.turn != nil && n.turn.Context().Err() == nil {
			continue
		}
		if err := n.look(ctx); err != nil && ctx.Err() == nil {
			n.Logger.Warn("whether to keep a search index is not known", "err", err)
		}
	}
}

// look takes a turn that nobody has. What is here of an index stays while the database is
// away, and while the turn may still be held by a connection of this process's that is
// dead; if it is others' for longer, it goes: it would not hear of what is erased.
func (n *Node) look(ctx context.Context) error {
	turn, err := n.take(ctx)
	here := n.left || n.own() != nil
	switch {
	case err != nil:
		return err
	case turn == nil && !here:
		n.vacant = time.Time{}
		return nil
	case turn == nil:
		if since(&n.without) < n.Vacant {
			return nil
		}
		return n.forget()
	case n.own() != nil:
		n.turn, n.without = turn, time.Time{}
		return nil
	case !here && since(&n.vacant) < n.Vacant:
		turn.End()
		return nil
	}
	n.Logger.Info("this node keeps a search index now")
	return n.begin(ctx, turn)
}

// since says how long ago something was first asked about, which it notes.
func since(first *time.Time) time.Duration {
	if first.IsZero() {
		*first = time.Now()
	}
	return time.Since(*first)
}

// forget gives the index up, with its file.
func (n *Node) forget() error {
	n.left = true // until it has gone
	if err := n.end(); err != nil {
		n.Logger.Warn("close the search index", "err", err)
	}
	err := removeFiles(filepath.Join(n.dir, fileName))
	n.left = err != nil
	return err
}

// own returns the index that is here; nil: there is none.
func (n *Node) own() *Index {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.index
}

// Keeps says whether this process keeps an index.
func (n *Node) Keeps() bool { return n.own() != nil }

// Follow tells of new events, of which some may be missing. It does not block, and does
// not keep the slice.
func (n *Node) Follow(events []chat.Event) {
	if x := n.own(); x != nil {
		x.Follow(events)
	}
}

// Stored tells how far a room is. It does not block.
func (n *Node) Stored(id chat.RoomID, head chat.Seq) {
	if x := n.own(); x != nil {
		x.Stored(id, head)
	}
}

// Renamed tells what somebody is called now. It does not block.
func (n *Node) Renamed(id chat.UserID, name string) {
	if x := n.own(); x != nil {
		x.Renamed(id, name)
	}
}

// Sync returns when everything is in the index, if it is here, that was in the log when
// it was called.
func (n *Node) Sync(ctx context.Context) error {
	if x := n.own(); x != nil {
		return x.Sync(ctx)
	}
	return nil
}

// Search finds messages in what somebody may read now. While the index here is being
// made others are asked first, of which one may be further.
func (n *Node) Search(ctx context.Context, who chat.Actor, ask Ask) (Answer, error) {
	x := n.own()
	if x != nil && (n.Questions == nil || !x.isBehind()) {
		return x.Search(ctx, who, ask)
	}
	return n.askOthers(ctx, who, ask)
}

// question is a search as another process is asked.
type question struct {
	Who    chat.Actor `json:"who"`
	Text   string     `json:"text"`
	Now    time.Time  `json:"now"`
	Best   bool       `json:"best,omitempty"`
	Before string     `json:"before,omitempty"`
	Limit  int        `json:"limit"`
}

// reply says where messages are that were found, or what was wrong.
type reply struct {
	Hits    []spot    `json:"hits"`
	Next    string    `json:"next,omitempty"`
	Behind  bool      `json:"behind,omitempty"`
	Code    chat.Code `json:"code,omitempty"`
	Message string    `json:"message,omitempty"`
}

type spot struct {
	Room chat.RoomID `json:"room"`
	Seq  chat.Seq    `json:"seq"`
}

// answer answers another process.
func (x *Index) answer(ctx context.Context, asked []byte) []byte {
	var q question
	var a Answer
	err := json.Unmarshal(asked, &q)
	if err == nil {
		a, err = x.Search(ctx, q.Who, Ask{Text: q.Text, Now: q.Now, Best: q.Best, Before: q.Before, Limit: q.Limit})
	}
	r := reply{Next: a.Next, Behind: a.Behind}
	for _, h := range a.Hits {
		r.Hits = append(r.Hits, spot{h.Room.ID, h.Event.Seq})
	}
	if err != nil {
		e := chat.AsError(err)
		if e.Cause != nil {
			x.Logger.Error("search for another node", "err", err)
		}
		r = reply{Code: e.Code, Message: e.Message}
	}
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and numbers always become JSON
	}
	return b
}

// askOthers has another process search. What it proposes is read from the log here, and
// rights are asked about here, as for what an index of one's own proposes.
func (n *Node) askOthers(ctx context.Context, who chat.Actor, ask Ask) (Answer, error) {
	a := Answer{Query: Parse(ask.Text, ask.Now)}
	if a.Query.Empty() {
		return a, nil
	}
	select {
	case n.asking <- struct{}{}:
		defer func() { <-n.asking }()
	default:
		return a, chat.Errorf(chat.CodeUnavailable, "too many searches at this moment; try again")
	}
	asked, err := json.Marshal(question{who, ask.Text, ask.Now, ask.Best, ask.Before, ask.Limit})
	if err != nil {
		return a, err
	}
	answered, err := n.Questions.Ask(ctx, asked)
	if err != nil {
		return a, err
	}
	var r reply
	if err := json.Unmarshal(answered, &r); err != nil {
		return a, err
	}
	if r.Code != "" {
		return a, &chat.Error{Code: r.Code, Message: r.Message}
	}
	a.Next, a.Behind = r.Next, r.Behind
	known, err := n.Directory.Known(ctx, who.ID)
	if err != nil {
		return a, err
	}
	rooms := make(map[chat.RoomID]chat.Membership, len(known))
	for _, m := range known {
		rooms[m.ID] = m
	}
	for _, p := range r.Hits {
		room, ok := rooms[p.Room]
		if !ok {
			continue
		}
		h, ok, err := n.hit(ctx, room, p.Seq, &a.Query)
		if err != nil {
			return a, err
		}
		if ok {
			a.Hits = append(a.Hits, h)
		}
	}
	a.Hits, err = n.recheck(ctx, who, a.Hits)
	return a, err
}
