package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Options say how to look.
type Options struct {
	Roots    *x509.CertPool                   // nil: the system's
	Idle     time.Duration                    // how long the silent socket is watched at most; 0: DefaultIdle
	Quick    bool                             // leave the silent socket out
	Progress func(silent, most time.Duration) // called now and then while it is watched; may be nil
	Patience time.Duration                    // for an answer; 0: 15 seconds
	Every    time.Duration                    // between calls of Progress; 0: a second
}

// DefaultIdle is long enough to meet the usual 60 seconds of proxies.
const DefaultIdle = 70 * time.Second

// MaxIdle is the longest that a server's test socket can be silent.
const MaxIdle = 5 * time.Minute

const (
	patience = 10 * time.Second // for an answer
	pause    = 1500 * time.Millisecond
	maxBody  = 64 << 10
	maxClock = time.Minute // a clock that is further off makes times and links wrong
)

// Address reads an address as people type it.
func Address(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return nil, fmt.Errorf("%q is not an address such as https://chat.example.org", text)
	}
	switch u.Scheme {
	case "ws", "wss":
		u.Scheme = strings.Replace(u.Scheme, "ws", "http", 1)
	case "http", "https":
	default:
		return nil, fmt.Errorf("%q is not an address such as https://chat.example.org", text)
	}
	if u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("%q: hubbub is at the root of an address, such as %s://%s", text, u.Scheme, u.Host)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// visit is one look at a place.
type visit struct {
	Options
	url     *url.URL
	client  *http.Client // HTTP/1.1, as sockets speak it
	checks  map[string]Check
	knows   Knows
	proxied bool
	socket  bool // one opened
}

// Run looks at a place from here. It needs no session, and fails only if ctx ends.
func Run(ctx context.Context, u *url.URL, o Options) (Report, error) {
	v := &visit{Options: o, url: u, checks: make(map[string]Check)}
	// What is wrong with a certificate is looked at by itself, so that the rest is found
	// too. Nothing secret is sent.
	v.client = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}},
			TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}, DisableCompression: true, ResponseHeaderTimeout: patience,
			DialContext: (&net.Dialer{Timeout: patience}).DialContext,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer v.client.CloseIdleConnections()
	v.look(ctx)
	r := Report{URL: Origin(u), Version: v.knows.Version}
	for _, id := range Order {
		c, done := v.checks[id]
		if !done {
			c = untested(id, AfterReach, nil)
		}
		r.Checks = append(r.Checks, c)
	}
	return r, ctx.Err()
}

// set keeps what came of checks. A fault is not made well by what another way found.
func (v *visit) set(checks ...Check) {
	for _, c := range checks {
		was, there := v.checks[c.ID]
		if there && (was.State == Faulty || was.State == OK && c.State == Untested) {
			continue
		}
		v.checks[c.ID] = c
	}
}

func (v *visit) look(ctx context.Context) {
	if !v.reach(ctx) {
		return
	}
	v.handshake(ctx)
	v.talk(ctx)
	v.stream(ctx)
	switch {
	case v.Quick:
		v.set(untested(CheckIdle, Skipped, nil))
	case !v.socket:
		v.set(untested(CheckIdle, AfterSocket, nil))
	default:
		v.silence(ctx)
	}
}

// ask makes a request, and returns an answer whose body is read as far as it goes.
func (v *visit) ask(ctx context.Context, path string, header http.Header) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url.String()+path, nil)
	if err != nil {
		return nil, nil, err
	}
	if header != nil {
		req.Header = header
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	for _, name := range []string{"Server", "Via"} { // hubbub sends neither
		v.proxied = v.proxied || resp.Header.Get(name) != ""
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return resp, body, err
}

// reach asks what arrives of a plain request, and says whether the answer is a hubbub's.
func (v *visit) reach(ctx context.Context) bool {
	with := Values{"host": v.url.Host}
	before := time.Now()
	resp, body, err := v.ask(ctx, "/api/doctor", nil)
	now := time.Now()
	if err != nil {
		with["error"] = plain(err)
		v.set(fault(CheckReach, Unreachable, with))
		return false
	}
	v.certificate(resp.TLS)
	with["status"] = resp.Status
	var a Answer
	code, said, host := refusal(body)
	switch {
	case resp.StatusCode == http.StatusOK && json.Unmarshal(body, &a) == nil && a.Knows.Version != "":
	case resp.StatusCode == http.StatusForbidden && host != "":
		v.set(ok(CheckReach, Reached, Values{"version": ""}), RefusedHost(v.url, host))
		v.waitForHost()
		return false
	case resp.StatusCode == http.StatusNotFound && code == "not_found":
		v.set(fault(CheckReach, OldHubbub, with))
		return false
	case code != "":
		v.set(untested(CheckReach, Refused, Values{"error": said}))
		return false
	case resp.StatusCode == 502 || resp.StatusCode == 503 || resp.StatusCode == 504:
		v.set(fault(CheckReach, Gateway, with))
		return false
	default:
		v.set(fault(CheckReach, NotHubbub, with))
		return false
	}
	v.knows = a.Knows
	v.set(ok(CheckReach, Reached, Values{"version": a.Knows.Version}))
	v.clock(before, now)
	v.set(Examine(Sent{URL: v.url, Proxied: v.proxied}, a.Arrived, a.Knows)...)
	return true
}

// waitForHost says of all that the refusal keeps from being seen why it is not.
func (v *visit) waitForHost() {
	for _, id := range Order {
		v.set(untested(id, AfterHost, nil))
	}
}

// refusal reads hubbub's error, and the Host that it refused.
func refusal(body []byte) (code, message, host string) {
	var answer struct {
		Error struct{ Code, Message, Host string }
	}
	json.Unmarshal(body, &answer)
	return answer.Error.Code, answer.Error.Message, answer.Error.Host
}

// clock compares the server's with the one here, in the middle of the request.
func (v *visit) clock(before, after time.Time) {
	here := before.Add(after.Sub(before) / 2)
	v.set(Clock(time.UnixMilli(v.knows.Time).Sub(here)))
}

// Clock is the check of a clock that is so far ahead of the one here.
func Clock(ahead time.Duration) Check {
	if ahead.Abs() > maxClock {
		return fault(CheckClock, ClockOff, Values{"seconds": strconv.Itoa(int(ahead.Abs().Seconds()))})
	}
	return ok(CheckClock, ClockGood, nil)
}

// stream looks whether the first line of an answer comes before the last is made.
func (v *visit) stream(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	check, err := v.streamed(ctx)
	if err != nil {
		check = untested(CheckBuffering, Cut, Values{"error": plain(err)})
	}
	v.set(check)
}

func (v *visit) streamed(ctx context.Context) (c Check, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url.String()+"/api/doctor/stream?pause="+strconv.FormatInt(pause.Milliseconds(), 10), nil)
	if err != nil {
		return c, err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
		_, said, _ := refusal(body)
		return untested(CheckBuffering, Refused, Values{"error": said + " (" + resp.Status + ")"}), nil
	}
	first := make([]byte, 1)
	if _, err = io.ReadFull(resp.Body, first); err != nil {
		return c, err
	}
	began := time.Now()
	if _, err = io.ReadAll(io.LimitReader(resp.Body, maxBody)); err != nil {
		return c, err
	}
	return Stream(time.Since(began)), nil
}

// Stream is the check of a streamed answer whose last line came so long after its first.
func Stream(between time.Duration) Check {
	if between < pause/2 {
		return fault(CheckBuffering, Buffered, nil)
	}
	return ok(CheckBuffering, Streamed, nil)
}

// plain says what went wrong without the address, which everybody knows already.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer within " + patience.String()
	case errors.As(err, &dns):
		return "the name is not known"
	}
	return strings.TrimPrefix(err.Error(), "tls: ")
}
