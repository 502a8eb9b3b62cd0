package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/outside"
	"hubbub/internal/wire"
)

// Config is what deliveries stand on.
type Config struct {
	Log       chat.Log
	Hooks     chat.Hooks
	Directory chat.Directory
	Accounts  chat.Accounts
	Client    *http.Client
	Logger    *slog.Logger
	Clock     Clock // nil: the real one

	// Shared and Turns are the log and the turns of several processes, each of which
	// delivers; nil: there are no others.
	Shared chat.SharedLog
	Turns  chat.Turns
}

// Clock is the time, for tests.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type realClock struct{}

func (realClock) Now() time.Time                         { return time.Now() }
func (realClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Deliveries has each outgoing hook follow its room. A hook is a reader like any
// other: what it has still to be told is whatever lies behind its place in the log, so
// nothing is queued, nothing is lost and nothing is told out of order. Its methods may
// be called from any goroutine. Close ends it.
type Deliveries struct {
	Config
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // a token for each request under way

	mu       sync.Mutex // guards the following
	couriers map[string]*courier
	closed   bool

	rooms atomic.Pointer[map[chat.RoomID][]*courier] // looked at with each commit
}

// courier delivers for one hook: one thing at a time.
type courier struct {
	id     string
	room   chat.RoomID
	wake   chan struct{} // capacity 1: look again
	turn   *chat.Turn    // owned by run; nil: there are no other processes
	passed chat.Seq      // up to there is nothing to deliver; owned by run
}

const (
	maxRequests  = 16       // under way at a time, of all hooks
	pageEvents   = 100      // read at a time
	passEvents   = 1000     // passed over without being noted
	maxAnswer    = 16 << 10 // bytes of an answer that are read, so that the connection can be used again
	firstRetry   = 10 * time.Second
	lastRetry    = time.Hour
	giveUp       = 24 * time.Hour
	storeTrouble = 10 * time.Second
	takenWait    = time.Second     // while another process delivers for the hook
	lookEvery    = 5 * time.Second // for what other processes have made, or left behind
)

// New returns deliveries that are not started.
func New(cfg Config) *Deliveries {
	if cfg.Clock == nil {
		cfg.Clock = realClock{}
	}
	d := &Deliveries{Config: cfg, slots: make(chan struct{}, maxRequests), couriers: make(map[string]*courier)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Start goes on with all hooks where they were.
func (d *Deliveries) Start(ctx context.Context) error {
	all, err := d.Hooks.OutgoingHooks(ctx)
	for _, h := range all {
		d.Changed(h)
	}
	if d.Shared != nil && err == nil {
		d.wg.Go(d.look)
	}
	return err
}

// look goes round all hooks from time to time: for those that were made through other
// processes, and for what one has left behind that is no more.
func (d *Deliveries) look() {
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-d.Clock.After(lookEvery):
		}
		if err := d.lookOnce(); err != nil && d.ctx.Err() == nil {
			d.Logger.Error("look for hooks", "err", err)
		}
	}
}

func (d *Deliveries) lookOnce() error {
	all, err := d.Hooks.OutgoingHooks(d.ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	rooms := make([]chat.RoomID, len(all))
	for i, h := range all {
		rooms[i] = h.Room
	}
	heads, err := d.Shared.Heads(d.ctx, rooms)
	for _, h := range all {
		if heads[h.Room] > h.Seq {
			d.Changed(h)
		}
	}
	return err
}

// Close waits for what is under way.
func (d *Deliveries) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.cancel()
	d.wg.Wait()
}

// Changed has a hook looked at that is new, or not what it was, or gone.
func (d *Deliveries) Changed(h chat.Hook) {
	if h.Incoming {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.couriers[h.ID]
	if c == nil && !d.closed {
		c = &courier{id: h.ID, room: h.Room, wake: make(chan struct{}, 1)}
		d.couriers[h.ID] = c
		d.publish()
		d.wg.Go(func() { d.run(c) })
		return
	}
	c.nudge()
}

func (c *courier) nudge() {
	if c == nil {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// publish shows Stored who is interested in which room. d.mu is held.
func (d *Deliveries) publish() {
	rooms := make(map[chat.RoomID][]*courier, len(d.couriers))
	for _, c := range d.couriers {
		rooms[c.room] = append(rooms[c.room], c)
	}
	d.rooms.Store(&rooms)
}

// Stored says that a room has something new. It does not block.
func (d *Deliveries) Stored(room chat.RoomID) {
	if rooms := d.rooms.Load(); rooms != nil {
		for _, c := range (*rooms)[room] {
			c.nudge()
		}
	}
}

// run delivers until the hook is gone.
func (d *Deliveries) run(c *courier) {
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.couriers, c.id)
		d.publish()
	}()
	for d.ctx.Err() == nil {
		wait, err := d.take(c)
		switch {
		case err != nil && chat.AsError(err).Code == chat.CodeNotFound:
			return
		case err != nil && d.ctx.Err() == nil:
			d.Logger.Error("deliver to a hook", "hook", c.id, "err", err)
			wait = storeTrouble
		}
		var later <-chan time.Time // never, without a wait
		if wait > 0 {
			later = d.Clock.After(wait)
		}
		select {
		case <-d.ctx.Done():
		case <-c.wake:
		case <-later:
		}
	}
}

// take is step, unless another process delivers for the hook now. That one may have
// looked before the last thing came, so this one looks again.
func (d *Deliveries) take(c *courier) (wait time.Duration, err error) {
	if d.Turns == nil {
		return d.step(c)
	}
	if c.turn, err = d.Turns.Take(d.ctx, "hook "+c.id); err != nil || c.turn == nil {
		return takenWait, err
	}
	defer c.turn.End()
	return d.step(c)
}

// step delivers what there is, and returns how long to wait then; 0: until something
// happens.
func (d *Deliveries) step(c *courier) (wait time.Duration, err error) {
	for d.ctx.Err() == nil {
		if c.turn != nil && c.turn.Context().Err() != nil {
			return takenWait, nil
		}
		h, err := d.Hooks.Hook(d.ctx, c.id)
		if err != nil || h.Paused {
			return 0, err
		}
		if wait := h.Next.Sub(d.Clock.Now()); wait > 0 && h.Tries > 0 {
			return wait, nil
		}
		page, err := d.Log.Read(d.ctx, c.room, max(h.Seq, c.passed), pageEvents)
		if err != nil || len(page) == 0 {
			return 0, err
		}
		done, err := d.deliver(c, h, page)
		if err != nil || done {
			return 0, err
		}
	}
	return 0, nil
}

// deliver passes over what the hook does not want of a page, and delivers the first
// thing that it does. Done: there is nothing to do before something changes.
func (d *Deliveries) deliver(c *courier, h chat.Hook, page []chat.Event) (done bool, err error) {
	for _, e := range page {
		if !Wants(h, e) {
			c.passed = e.Seq
			continue
		}
		m, err := d.may(h)
		if err != nil || m.Archived {
			return true, d.refused(h, e, err)
		}
		return false, d.send(h, e, m.Room)
	}
	if c.passed-h.Seq >= passEvents {
		return false, d.Hooks.Delivered(d.ctx, h.ID, c.passed, false)
	}
	return false, nil
}

// Wants says whether a hook is to be told of an event. Programs do not hear each
// other, unless somebody wants everything: two that answer each other would never stop.
func Wants(h chat.Hook, e chat.Event) bool {
	switch {
	case e.Author == h.Bot.ID:
		return false
	case h.Events == chat.HookAll:
		return true
	case e.Kind != chat.KindMessage || e.Deleted || e.Bot:
		return false
	case h.Events == chat.HookMessages:
		return true
	}
	for _, m := range e.Mentions {
		if m.ID == h.Bot.ID {
			return true
		}
	}
	return false
}

// errNoRight is why a hook stops of itself.
var errNoRight = errors.New("who made this hook, or its bot, may not read the room any more")

// may asks whether the hook's bot and who made it may read the room now: nothing goes
// to somebody outside of it.
func (d *Deliveries) may(h chat.Hook) (m chat.Membership, err error) {
	maker, err := d.Accounts.Person(d.ctx, h.By.ID)
	if err != nil {
		return m, rights(err)
	}
	for _, who := range []chat.Actor{maker.Actor(), h.Bot.Actor()} {
		if m, err = chat.Authorize(d.ctx, d.Directory, who, h.Room, chat.ActRead); err != nil {
			return m, rights(err)
		}
		if m.State == chat.StateLeft {
			return m, errNoRight
		}
	}
	return m, nil
}

// rights tells a refusal from trouble.
func rights(err error) error {
	switch chat.AsError(err).Code {
	case chat.CodeNotFound, chat.CodeBanned, chat.CodeRemoved, chat.CodeWaiting, chat.CodeForbidden:
		return errNoRight
	}
	return err
}

// refused pauses a hook that may not read any more.
func (d *Deliveries) refused(h chat.Hook, e chat.Event, err error) error {
	if !errors.Is(err, errNoRight) {
		return err
	}
	h.Paused = true
	return d.Hooks.HookFailed(d.ctx, h, chat.HookFailure{Seq: e.Seq, Time: d.Clock.Now(), Reason: err.Error()})
}

// body is what is delivered.
type body struct {
	Hook  string      `json:"hook"`
	Event *wire.Event `json:"event"`
	Room  roomOf      `json:"room"`
}

type roomOf struct {
	ID   chat.RoomID `json:"id"`
	Name string      `json:"name"`
	Kind string      `json:"kind"`
}

// send makes one request, and notes what came of it.
func (d *Deliveries) send(h chat.Hook, e chat.Event, room chat.Room) error {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
	status, after, err := d.request(h, e, room)
	switch {
	case d.ctx.Err() != nil: // it comes again: receivers know it by its id
		return d.ctx.Err()
	case err == nil && status >= 200 && status < 300:
		return d.Hooks.Delivered(d.ctx, h.ID, e.Seq, true)
	}
	now := d.Clock.Now()
	if h.Tries++; h.Since.IsZero() {
		h.Since = now
	}
	h.Next = now.Add(max(backOff(h.Tries), min(after, lastRetry)))
	h.Paused = now.Sub(h.Since) >= giveUp || status == http.StatusGone
	return d.Hooks.HookFailed(d.ctx, h, chat.HookFailure{Seq: e.Seq, Time: now, Status: status, Reason: reason(status, err)})
}

// backOff is how long to wait after so many tries: about twice as long each time, and
// never the same for all hooks that a receiver let down.
func backOff(tries int) time.Duration {
	wait := lastRetry
	if tries < 10 {
		wait = min(firstRetry<<(tries-1), lastRetry)
	}
	return time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
}

// Sign returns the signature of a delivery.
func Sign(key, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (d *Deliveries) request(h chat.Hook, e chat.Event, room chat.Room) (status int, after time.Duration, err error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body{h.ID, wire.EventFrame(e), roomOf{room.ID, room.Name, room.Kind.String()}}); err != nil {
		return 0, 0, err
	}
	r, err := http.NewRequestWithContext(d.ctx, http.MethodPost, h.URL, bytes.NewReader(b.Bytes()))
	if err != nil {
		return 0, 0, err
	}
	stamp := strconv.FormatInt(d.Clock.Now().Unix(), 10)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "hubbub-hook",
		"X-Hubbub-Delivery": fmt.Sprintf("%s-%d", h.ID, e.Seq), "X-Hubbub-Timestamp": stamp, "X-Hubbub-Signature": Sign(h.Key, stamp, b.Bytes()),
	} {
		r.Header.Set(name, value)
	}
	resp, err := d.Client.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	io.CopyN(io.Discard, resp.Body, maxAnswer) // what it says is nothing to us
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		after = time.Duration(min(s, 3600)) * time.Second
	}
	return resp.StatusCode, after, nil
}

// reason says for a person why a delivery failed, and nothing of what this machine's
// names and networks are.
func reason(status int, err error) string {
	var name *net.DNSError
	var timeout net.Error
	var cert *tls.CertificateVerificationError
	switch {
	case err == nil && status >= 300 && status < 400:
		return "it answered with a redirect, which is not followed"
	case err == nil:
		return fmt.Sprintf("it answered %d %s", status, http.StatusText(status))
	case outside.Refused(err):
		return "its address is not a public one"
	case errors.As(err, &name):
		return "its name is not known"
	case errors.As(err, &cert):
		return "its certificate is not valid"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	}
	return "it could not be reached"
}
