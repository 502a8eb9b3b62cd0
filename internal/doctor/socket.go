package doctor

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// subprotocol is the chat's own: docs/protocol.md.
const subprotocol = "hubbub.v1"

// handshake asks for a WebSocket by hand: where that fails, the answer says what arrived.
func (v *visit) handshake(ctx context.Context) {
	key := make([]byte, 16)
	rand.Read(key)
	resp, body, err := v.ask(ctx, "/api/doctor", http.Header{
		"Origin": {Origin(v.url)}, "Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {base64.StdEncoding.EncodeToString(key)}, "Sec-Websocket-Extensions": {"permessage-deflate; client_max_window_bits"},
	})
	if err != nil {
		v.set(fault(CheckUpgrade, UpgradeRefused, Values{"status": plain(err)}))
		return
	}
	var a Answer
	code, said, host := refusal(body)
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		return // talk sees what arrived
	case json.Unmarshal(body, &a) == nil && a.Knows.Version != "":
		v.set(Examine(Sent{URL: v.url, Socket: true, Origin: true, Proxied: v.proxied}, a.Arrived, a.Knows)...)
		if code != "" && a.Arrived.upgrades() { // it came whole, and was refused for its origin
			v.set(untested(CheckSocket, AfterOrigin, nil))
		}
	case host != "":
		v.set(RefusedHost(v.url, host))
	case code != "":
		v.set(untested(CheckUpgrade, Refused, Values{"error": said}))
	default:
		v.set(fault(CheckUpgrade, UpgradeRefused, Values{"status": resp.Status}))
	}
}

// dial opens a socket as a browser would, but for the certificate.
func (v *visit) dial(ctx context.Context, path string, protocols ...string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(v.url.String(), "http")+path, &websocket.DialOptions{
		HTTPClient: v.client, HTTPHeader: http.Header{"Origin": {Origin(v.url)}}, Subprotocols: protocols,
		CompressionMode: websocket.CompressionNoContextTakeover,
	})
	if err == nil {
		c.SetReadLimit(maxBody)
	}
	return c, resp, err
}

// talk opens a test socket, sees what arrived of its request, and has words repeated.
func (v *visit) talk(ctx context.Context) {
	if c := v.checks[CheckUpgrade]; c.State == Faulty || c.Why == Refused {
		v.set(untested(CheckSocket, AfterSocket, nil), untested(CheckCompression, AfterSocket, nil))
		return
	}
	if v.checks[CheckSocket].Why == AfterOrigin {
		v.set(untested(CheckCompression, AfterOrigin, nil))
		return
	}
	c, resp, err := v.dial(ctx, "/api/doctor")
	if err != nil {
		v.set(fault(CheckUpgrade, UpgradeRefused, Values{"status": plain(err)}), untested(CheckSocket, AfterSocket, nil), untested(CheckCompression, AfterSocket, nil))
		return
	}
	defer c.CloseNow()
	a, err := hello(ctx, c)
	if err == nil {
		v.set(Examine(Sent{URL: v.url, Socket: true, Origin: true, Proxied: v.proxied}, a.Arrived, a.Knows)...)
		err = repeat(ctx, c, strings.Repeat("Does this come back? ", 60)) // long enough to be compressed
	}
	if !strings.Contains(resp.Header.Get("Sec-Websocket-Extensions"), "permessage-deflate") {
		v.set(fault(CheckCompression, CompressionLost, nil))
	}
	if err != nil {
		v.set(fault(CheckSocket, SocketDead, Values{"error": plain(err)}))
		return
	}
	v.socket = true
	if err := v.chat(ctx); err != nil {
		v.set(fault(CheckSocket, ChatSocket, Values{"error": plain(err)}))
		return
	}
	v.set(ok(CheckSocket, SocketGood, nil))
}

// hello reads a test socket's first message.
func hello(ctx context.Context, c *websocket.Conn) (a Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, data, err := c.Read(ctx)
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	return a, err
}

// repeat says something, and reads until it comes back.
func repeat(ctx context.Context, c *websocket.Conn, text string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		return err
	}
	for {
		_, data, err := c.Read(ctx)
		if err != nil || string(data) == text {
			return err
		}
	}
}

// chat opens the chat's own socket, where it is and with its subprotocol, and says
// something that is answered before one says who one is: with an error, or with a close.
func (v *visit) chat(ctx context.Context) error {
	c, resp, err := v.dial(ctx, "/", subprotocol)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	if c.Subprotocol() != subprotocol {
		return &lost{"Sec-WebSocket-Protocol", resp.Header.Get("Sec-Websocket-Protocol")}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(`{"hello":{}}`)); err != nil {
		return err
	}
	if _, _, err = c.Read(ctx); websocket.CloseStatus(err) != -1 {
		err = nil
	}
	return err
}

// lost is a header that did not come back as it should.
type lost struct{ name, got string }

func (l *lost) Error() string {
	if l.got == "" {
		return "the answer has no " + l.name
	}
	return "the answer has " + l.name + ": " + l.got
}

// silence says nothing on a socket, and looks how long it lives.
func (v *visit) silence(ctx context.Context) {
	heartbeat := time.Duration(v.knows.Heartbeat) * time.Millisecond
	most := v.Idle
	if most == 0 {
		most = DefaultIdle
	}
	most = min(max(most, Needed(heartbeat)), MaxIdle)
	c, _, err := v.dial(ctx, "/api/doctor")
	if err == nil {
		defer c.CloseNow()
		_, err = hello(ctx, c)
	}
	if err != nil {
		v.set(untested(CheckIdle, Cut, Values{"error": plain(err)}))
		return
	}
	v.set(Silence(v.watch(ctx, c, most), most, heartbeat))
}

// Needed is how long a silent socket has to live: a heartbeat, and what it may be late.
func Needed(heartbeat time.Duration) time.Duration { return heartbeat * 6 / 5 }

// watch returns how long a silent socket lived: most, if it still does; negative, if it
// does and passes nothing on.
func (v *visit) watch(ctx context.Context, c *websocket.Conn, most time.Duration) time.Duration {
	began := time.Now()
	ended := make(chan struct{})
	came := make(chan string, 1)
	go func() {
		defer close(ended)
		for {
			_, data, err := c.Read(ctx)
			if err != nil {
				return
			}
			select {
			case came <- string(data):
			default:
			}
		}
	}()
	every := v.Every
	if every == 0 {
		every = time.Second
	}
	t := time.NewTicker(every)
	defer t.Stop()
	over := time.NewTimer(most)
	defer over.Stop()
	for {
		select {
		case <-ended:
			return min(time.Since(began), most-1)
		case <-t.C:
			if v.Progress != nil {
				v.Progress(time.Since(began), most)
			}
		case <-over.C:
			return answers(ctx, c, came, ended, most)
		}
	}
}

// answers says whether a socket that is there still passes something on.
func answers(ctx context.Context, c *websocket.Conn, came <-chan string, ended <-chan struct{}, most time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if c.Write(ctx, websocket.MessageText, []byte("still there")) == nil {
		select {
		case <-came:
			return most
		case <-ended:
		case <-ctx.Done():
		}
	}
	return -1
}

// Silence is the check of a silent socket that lived so long, of the most that was
// waited.
func Silence(lived, most, heartbeat time.Duration) Check {
	with := Values{"seconds": seconds(lived.Milliseconds()), "heartbeat": seconds(heartbeat.Milliseconds())}
	switch {
	case lived < 0:
		with["seconds"] = seconds(most.Milliseconds())
		return fault(CheckIdle, IdleDead, with)
	case lived >= most:
		return ok(CheckIdle, IdleLives, with)
	case lived >= Needed(heartbeat):
		return ok(CheckIdle, IdleLong, with)
	}
	return fault(CheckIdle, IdleCut, with)
}
