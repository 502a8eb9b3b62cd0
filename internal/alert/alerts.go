package alert

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // quiet hours are in the zones of people, whatever this machine knows of them

	"github.com/SherClockHolmes/webpush-go"

	"hubbub/internal/chat"
	"hubbub/internal/outside"
)

// Config is what alerts stand on.
type Config struct {
	Log       chat.Log
	Attention chat.Attention
	Directory chat.Directory
	Here      func(chat.UserID) (here, attentive bool)
	Keys      Keys
	Subject   string // whom a push service may write to: https://… or an address of mail
	Client    *http.Client
	Logger    *slog.Logger
	Mine      func() bool      // whether this process alerts, of those that share a log; nil: it does
	Now       func() time.Time // nil: the real one
	Sent      func(ok bool)    // told of each alert that left, or did not; may be nil
}

// Keys sign what this server sends, so that nobody else can send in its name (VAPID).
type Keys struct {
	Public  string `json:"public"` // base64url
	Private string `json:"private"`
}

// NewKeys makes keys.
func NewKeys() (k Keys, err error) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return k, err
	}
	e := base64.RawURLEncoding
	return Keys{e.EncodeToString(private.PublicKey().Bytes()), e.EncodeToString(private.Bytes())}, nil
}

// Alerts follows the log and alerts people. Each message alerts a device once or not at
// all: the place up to which it was decided is stored before anything is sent, and
// nothing is sent again. Its methods may be called from any goroutine. Close ends it.
type Alerts struct {
	Config
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	devices atomic.Int64 // that there are, at most
	lines   [senders]chan job
	wake    chan struct{} // capacity 1

	mu    sync.Mutex // guards the following
	moved map[chat.RoomID]bool
	order []chat.RoomID            // of moved: first come, first served
	done  map[chat.RoomID]chat.Seq // decided up to there
}

// job is one alert for one device.
type job struct {
	device  chat.Device
	urgent  bool
	payload []byte
}

const (
	senders    = 8    // requests to push services at a time; a device always has the same one, so its alerts keep their order
	maxLine    = 256  // alerts that wait for one; beyond, they are dropped: what is unread is counted anyway
	pageEvents = 256  // read at a time
	maxBehind  = 2000 // events; what is further back is old
	ttl        = 4 * time.Hour
	burst      = 10 // alerts of a device at once, then one every so often
	every      = 3 * time.Second
	maxAnswer  = 4 << 10

	retryTime      = time.Second // after an error of the log or the directory
	pushTime       = 5 * time.Second
	pauseRefused   = 30 * time.Second
	pauseUnreached = 5 * time.Minute
)

// New returns alerts that are not started.
func New(cfg Config) *Alerts {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Mine == nil {
		cfg.Mine = func() bool { return true }
	}
	if cfg.Sent == nil {
		cfg.Sent = func(bool) {}
	}
	a := &Alerts{Config: cfg, wake: make(chan struct{}, 1), moved: make(map[chat.RoomID]bool), done: make(map[chat.RoomID]chat.Seq)}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	for i := range a.lines {
		a.lines[i] = make(chan job, maxLine)
	}
	return a
}

// Start goes on where it was decided last.
func (a *Alerts) Start(ctx context.Context) error {
	if err := a.Resume(ctx); err != nil {
		return err
	}
	a.wg.Go(a.run)
	for i := range a.lines {
		a.wg.Go(func() { a.send(a.lines[i]) })
	}
	return nil
}

// Resume goes on where it was decided last, by whichever process, and in other rooms with
// what comes now. It is to be called when the work becomes this process's, before Mine
// says so; then Nudge, and New for each room that has had something new meanwhile.
func (a *Alerts) Resume(ctx context.Context) error {
	if err := a.Count(ctx); err != nil {
		return err
	}
	decided, err := a.Attention.Alerted(ctx)
	if err != nil {
		return err
	}
	rooms, err := a.Directory.AllRooms(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.done)
	for _, r := range rooms {
		a.done[r.ID] = r.Head
		if seq, ok := decided[r.ID]; ok && seq < r.Head {
			a.done[r.ID] = seq
			a.move(r.ID)
		}
	}
	return nil
}

// Close drops what was not sent.
func (a *Alerts) Close() {
	a.cancel()
	a.wg.Wait()
}

// Count is to be called when a device was added.
func (a *Alerts) Count(ctx context.Context) error {
	n, err := a.Attention.Devices(ctx)
	if err == nil {
		a.devices.Store(int64(n))
	}
	return err
}

// Nudge has what waits decided, if it is this process's work. It does not block.
func (a *Alerts) Nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Stored says that a room has something new. It does not block, and where nobody has a
// device it costs next to nothing.
func (a *Alerts) Stored(events []chat.Event) {
	if slices.ContainsFunc(events, func(e chat.Event) bool { return e.Kind == chat.KindMessage }) {
		a.New(events[0].Room, events[len(events)-1].Seq)
	}
}

// New says that a room has something new, up to its head, which may be false. It does not
// block. A room that Resume did not know of is new, and begins at its beginning.
func (a *Alerts) New(room chat.RoomID, head chat.Seq) {
	if a.devices.Load() == 0 || !a.Mine() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if head > a.done[room] {
		a.move(room)
		a.Nudge()
	}
}

// move puts a room in the row. a.mu is held.
func (a *Alerts) move(room chat.RoomID) {
	if !a.moved[room] {
		a.moved[room] = true
		a.order = append(a.order, room)
	}
}

func (a *Alerts) run() {
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-a.wake:
		}
		for a.ctx.Err() == nil && a.Mine() {
			room, after, ok := a.take()
			if !ok {
				break
			}
			if err := a.room(room, after); err != nil && a.ctx.Err() == nil {
				a.Logger.Error("decide whom a message alerts", "err", err)
				a.again(room)
			}
		}
	}
}

// again has a room decided about anew, behind the others and a little later.
func (a *Alerts) again(room chat.RoomID) {
	a.mu.Lock()
	a.move(room)
	a.mu.Unlock()
	select {
	case <-a.ctx.Done():
	case <-time.After(retryTime):
	}
}

// take returns a room in which something is to be decided.
func (a *Alerts) take() (room chat.RoomID, after chat.Seq, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.order) == 0 {
		return "", 0, false
	}
	room, a.order = a.order[0], a.order[1:]
	delete(a.moved, room)
	return room, a.done[room], true
}

// room decides about what is new in a room.
func (a *Alerts) room(id chat.RoomID, after chat.Seq) error {
	head, err := a.Log.Head(a.ctx, id)
	if err != nil {
		return err
	}
	after = max(after, head.Seq-min(head.Seq, maxBehind))
	for a.ctx.Err() == nil {
		page, err := a.Log.Read(a.ctx, id, after, pageEvents)
		if err != nil || len(page) == 0 {
			return err
		}
		if after, err = a.page(id, page); err != nil {
			return err
		}
	}
	return nil
}

// page decides about some events. Who is in the room is asked after the events were
// read: nobody is told of anything that came after their removal.
func (a *Alerts) page(id chat.RoomID, page []chat.Event) (last chat.Seq, err error) {
	last = page[len(page)-1].Seq
	people, err := a.Attention.Listeners(a.ctx, id)
	if err != nil {
		return last, err
	}
	var room chat.Room
	if len(people) > 0 {
		if room, err = a.Directory.Room(a.ctx, id); err != nil {
			return last, err
		}
		if err := a.Attention.SetAlerted(a.ctx, id, last); err != nil {
			return last, err
		}
	}
	a.mu.Lock()
	a.done[id] = last
	a.mu.Unlock()
	for _, to := range people {
		here, attentive := a.Here(to.ID)
		for _, e := range page {
			q := Question{Event: e, Room: &room, To: to, Here: here, Attentive: attentive, Now: a.Now()}
			if q.Decide() == Yes {
				a.queue(e, &room, to)
			}
		}
	}
	return last, nil
}

// queue has somebody's devices told that were there when the message came.
func (a *Alerts) queue(e chat.Event, room *chat.Room, to chat.Listener) {
	payload, err := Payload(e, room)
	if err != nil {
		a.Logger.Error("write an alert", "err", err)
		return
	}
	for _, d := range to.Devices {
		if e.Time.Before(d.Created) {
			continue
		}
		h := fnv.New32()
		h.Write([]byte(d.Endpoint))
		select {
		case a.lines[h.Sum32()%senders] <- job{d, room.Kind == chat.RoomDirect || len(e.Mentions) > 0, payload}:
		default:
			a.Sent(false)
		}
	}
}

// payload is what a browser is told.
type payload struct {
	Tag    string   `json:"tag"` // the same message has the same one
	Room   roomOf   `json:"room"`
	Seq    chat.Seq `json:"seq"`
	Thread chat.Seq `json:"thread,omitempty"`
	Author whom     `json:"author"`
	As     string   `json:"as,omitempty"`
	Text   string   `json:"text"`
	Time   int64    `json:"time"`
	URL    string   `json:"url"` // of the message, on this server
}

type roomOf struct {
	ID   chat.RoomID `json:"id"`
	Name string      `json:"name"`
	Kind string      `json:"kind"`
}

type whom struct {
	ID   chat.UserID `json:"id"`
	Name string      `json:"name"`
	Bot  bool        `json:"bot,omitempty"`
}

// Payload returns what a browser is told of a message: well under the 4 KB that push
// services take.
func Payload(e chat.Event, room *chat.Room) ([]byte, error) {
	return json.Marshal(payload{
		Tag: fmt.Sprintf("%s-%d", e.Room, e.Seq), Room: roomOf{room.ID, room.Name, room.Kind.String()}, Seq: e.Seq, Thread: e.Thread,
		Author: whom{e.Author, e.Name, e.Bot}, As: e.As, Text: about(e), Time: e.Time.UnixMilli(), URL: Address(room, e.Seq),
	})
}

// Address returns where the page shows a message.
func Address(room *chat.Room, seq chat.Seq) string {
	if room.Kind == chat.RoomPublic {
		return fmt.Sprintf("/r/%s/%d", url.PathEscape(room.Name), seq)
	}
	return fmt.Sprintf("/p/%s/%d", room.ID, seq)
}

// send delivers the alerts of some devices, one after the other.
func (a *Alerts) send(line chan job) {
	full := make(map[string]time.Time) // when a device's bucket will be, by endpoint
	for {
		select {
		case <-a.ctx.Done():
			return
		case j := <-line:
			now := a.Now()
			if len(full) > 10_000 {
				clear(full)
			}
			next := full[j.device.Endpoint]
			if next.Before(now) {
				next = now
			}
			if next = next.Add(every); next.Sub(now) > burst*every {
				a.Sent(false)
				continue
			}
			ok, pause := a.push(j)
			if pause > 0 { // others wait for the same line
				next = a.Now().Add(burst*every + pause)
			}
			full[j.device.Endpoint] = next
			a.Sent(ok)
		}
	}
}

// push makes one request, and says for how long the device is to be left alone then. It
// is never made twice: a push service that did not answer may have told the browser all
// the same.
func (a *Alerts) push(j job) (ok bool, pause time.Duration) {
	ctx, cancel := context.WithTimeout(a.ctx, pushTime)
	defer cancel()
	urgency := webpush.UrgencyNormal
	if j.urgent {
		urgency = webpush.UrgencyHigh
	}
	own := slices.Clone(j.payload) // the library writes behind its end, and other devices have the same one
	resp, err := webpush.SendNotificationWithContext(ctx, own,
		&webpush.Subscription{Endpoint: j.device.Endpoint, Keys: webpush.Keys{Auth: j.device.Auth, P256dh: j.device.Key}},
		&webpush.Options{
			HTTPClient: a.Client, Subscriber: a.Subject, TTL: int(ttl.Seconds()), Urgency: urgency,
			VAPIDPublicKey: a.Keys.Public, VAPIDPrivateKey: a.Keys.Private,
		})
	if err != nil {
		if a.ctx.Err() == nil {
			a.Logger.Warn("reach a push service", "host", host(j.device.Endpoint), "refused", outside.Refused(err), "err", bare(err))
		}
		return false, pauseUnreached
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode < 300:
		return true, 0
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone: // the browser wants no more
		if err := a.Attention.RemoveDevice(a.ctx, "", j.device.Endpoint); err != nil && a.ctx.Err() == nil {
			a.Logger.Error("forget a device", "err", err)
		}
	default:
		a.Logger.Warn("a push service refused an alert", "host", host(j.device.Endpoint), "status", resp.StatusCode, "said", string(said[:min(len(said), 200)]))
	}
	return false, pauseRefused
}

// host is what of an endpoint may be logged: the rest is a secret.
func host(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Host
}

// bare is an error without the address that it names.
func bare(err error) error {
	if u, ok := err.(*url.Error); ok {
		return u.Err
	}
	return err
}

// CheckDevice refuses what no browser's push service gives.
func CheckDevice(d chat.Device) error {
	bad := chat.Errorf(chat.CodeBadFrame, "endpoint is an address that begins with https://, and keys has p256dh and auth as the browser gave them")
	if _, ok := outside.Address(d.Endpoint, "https"); !ok {
		return bad
	}
	key, err := decode(d.Key)
	if err != nil {
		return bad
	}
	if _, err := ecdh.P256().NewPublicKey(key); err != nil {
		return bad
	}
	if auth, err := decode(d.Auth); err != nil || len(auth) != 16 {
		return bad
	}
	return nil
}

func decode(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s), "="))
}
