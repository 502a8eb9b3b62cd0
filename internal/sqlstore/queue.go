package sqlstore

import (
	"context"
	"runtime"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Request is a caller's wish, to be committed with its neighbours': drafts to append,
// or a change of the directory.
type Request struct {
	Drafts  []chat.Draft
	Results []chat.Result

	Change func(*Tx) error
	Rights bool  // Change takes away from what somebody may do
	Err    error // what Change returned, or why nothing was committed

	done chan struct{}
}

// Answer tells the caller that the outcome is in Results and Err.
func (r *Request) Answer() { close(r.done) }

const (
	maxGroup = 512  // drafts in one commit
	queued   = 1024 // requests that wait before callers block
	yields   = 3    // turns given to callers before a group is collected
)

// Queue holds what waits for a commit. Its methods may be called from any goroutine.
type Queue struct {
	requests chan *Request
	mu       sync.RWMutex // held for reading while a request is queued
	closed   bool
}

// NewQueue makes one.
func NewQueue() *Queue { return &Queue{requests: make(chan *Request, queued)} }

// Submit queues a request and waits for its outcome. Only before it is queued does the
// end of ctx count: after that the request may be stored.
func (q *Queue) Submit(ctx context.Context, r *Request) error {
	r.done = make(chan struct{})
	if err := q.enqueue(ctx, r); err != nil {
		return err
	}
	<-r.done
	return r.Err
}

// Append is Submit for drafts.
func (q *Queue) Append(ctx context.Context, drafts []chat.Draft) []chat.Result {
	r := &Request{Drafts: drafts, Results: make([]chat.Result, len(drafts))}
	if err := q.Submit(ctx, r); err != nil {
		Refuse([]*Request{r}, err)
	}
	return r.Results
}

func (q *Queue) enqueue(ctx context.Context, r *Request) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		return Unavailable("the server is stopping", nil)
	}
	select {
	case q.requests <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Requests is what waits. It is closed behind the last request.
func (q *Queue) Requests() <-chan *Request { return q.requests }

// Close takes nothing more; what is queued stays. It says whether it was open.
func (q *Queue) Close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	close(q.requests)
	return true
}

// Waiting returns how many requests wait for a commit.
func (q *Queue) Waiting() int { return len(q.requests) }

// Collect takes what waits behind a first request, up to a full group.
func (q *Queue) Collect(first *Request) []*Request {
	group, drafts := []*Request{first}, len(first.Drafts)
	for range yields {
		runtime.Gosched()
	}
	for drafts < maxGroup {
		select {
		case r, ok := <-q.requests:
			if !ok {
				return group
			}
			group = append(group, r)
			drafts += len(r.Drafts)
		default:
			return group
		}
	}
	return group
}

// Drafts counts those of a group.
func Drafts(group []*Request) (n int) {
	for _, r := range group {
		n += len(r.Drafts)
	}
	return n
}

// Refuse gives everyone in the group the same answer.
func Refuse(group []*Request, err error) {
	for _, r := range group {
		r.Err = err
		for i := range r.Results {
			r.Results[i] = chat.Result{Err: err}
		}
	}
}

// Commit is what one commit did.
type Commit struct {
	Events   int // stored
	Repeated int // drafts that were stored before: sent again by a client
	Took     time.Duration
}

// Committed describes the commit of a group.
func (t *Tx) Committed(group []*Request, begun time.Time) Commit {
	c := Commit{Events: len(t.events), Took: time.Since(begun)}
	for _, r := range group {
		for i := range r.Results {
			if r.Results[i].Repeated {
				c.Repeated++
			}
		}
	}
	return c
}
