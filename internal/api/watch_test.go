package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubbub/internal/server"
	"hubbub/internal/tap"
	"hubbub/internal/wire"
)

// reading is somebody who reads a report.
type reading struct {
	t    *testing.T
	in   *bufio.Reader
	stop func()
	all  strings.Builder
}

// dialSmall makes connections that hold little for who does not read.
func dialSmall(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if tcp, ok := c.(*net.TCPConn); ok {
		err = tcp.SetReadBuffer(256 << 10)
	}
	return c, err
}

// reads asks for a report, by a socket or over the network.
func (r *running) reads(socket, path, header string) *reading {
	r.t.Helper()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: dialSmall}
	base := r.url
	if socket != "" {
		base = "http://localhost"
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	req, err := http.NewRequestWithContext(ctx, "GET", base+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	name, value, _ := strings.Cut(header, ": ")
	req.Header.Set(name, value)
	resp, err := tr.RoundTrip(req)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("X-Accel-Buffering") != "no" {
		r.t.Fatalf("%s: %v, %v", path, resp, err)
	}
	r.holds(req, "", resp, nil)
	stop := func() { cancel(); resp.Body.Close() }
	r.t.Cleanup(stop)
	return &reading{t: r.t, in: bufio.NewReader(resp.Body), stop: stop}
}

// watch makes a watch and reads it.
func (r *running) watch(header string) (id string, report *reading) {
	r.t.Helper()
	var made struct{ ID string }
	r.ask("POST", "/api/wire", nil, &made, header)
	return made.ID, r.reads("", "/api/wire/"+made.ID, header)
}

// next returns the next record; ok says whether there is one.
func (r *reading) next() (rec tap.Record, ok bool) {
	r.t.Helper()
	line, err := r.in.ReadBytes('\n')
	if err != nil {
		return rec, false
	}
	r.all.Write(line)
	if err := json.Unmarshal(line, &rec); err != nil {
		r.t.Fatalf("%s: %v", line, err)
	}
	return rec, true
}

// until returns the records up to one that is wanted.
func (r *reading) until(wanted func(tap.Record) bool) (all []tap.Record) {
	r.t.Helper()
	for {
		rec, ok := r.next()
		if !ok {
			r.t.Fatalf("it ended behind %s", r.all.String())
		}
		if all = append(all, rec); wanted(rec) {
			return all
		}
	}
}

// shows is for until: a frame with a text.
func shows(from, text string) func(tap.Record) bool {
	return func(rec tap.Record) bool {
		return rec.Kind == tap.KindFrame && rec.From == from && rec.Text != nil && *rec.Text == text
	}
}

func isEnd(rec tap.Record) bool { return rec.Kind == tap.KindEnd }

// says sends a plain text.
func (s *rawSocket) says(text string) {
	s.t.Helper()
	if err := s.ws.Write(s.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func authorization(header string) http.Header {
	return http.Header{"Authorization": {strings.TrimPrefix(header, "Authorization: ")}}
}

// wire is what the walk through the routes does with reports.
func (w *walk) wire(who, socket string) {
	w.t.Helper()
	id := field(w.t, w.good(who, "POST", "/api/wire", ""), "id")
	w.reads("", "/api/wire/"+id, who).stop()
	w.seen["readWatch"] = true
	w.rawSocket("/", nil)
	w.v1(&human{header: who})
	all := w.operator(socket, "GET", "/api/connections", "")["connections"].([]any)
	w.reads(socket, fmt.Sprintf("/api/connections/%v/wire", all[0].(map[string]any)["id"]), "Authorization: Bearer nobody").stop()
	w.seen["watchConnection"] = true
}

// The page's own socket is reported from its handshake to its end: every frame, but the
// texts, which the page has.
func TestWireOfThePage(t *testing.T) {
	r := serve(t)
	ann := r.guest("Ann")
	id, report := r.watch(ann)
	s := r.rawSocket("/?wire="+id, authorization(ann), wire.Subprotocol)
	heard := strings.Count(s.tell(`{"hello":{}}`), "\n")
	s.ws.Close(websocket.StatusNormalClosure, "")
	all := report.until(isEnd)
	h := all[0]
	if h.Kind != tap.KindHandshake || h.Dialect != wire.Subprotocol || !h.Exact || h.Conn == 0 ||
		!strings.HasPrefix(h.Request, "GET /?wire=••• HTTP/1.1\r\nHost: ") || !strings.Contains(h.Request, "Authorization: •••\r\n") ||
		!strings.HasPrefix(h.Response, "HTTP/1.1 101 ") || !strings.Contains(h.Response, "Sec-WebSocket-Accept: ") || !strings.HasSuffix(h.Response, "\r\n\r\n") {
		t.Errorf("%+v %+v", h, h.Handshake)
	}
	count := map[string]uint64{}
	messages := map[string]uint64{}
	for _, rec := range all[1 : len(all)-1] {
		count[rec.From]++
		if rec.Conn != h.Conn || rec.N != count[rec.From] || (rec.Mask != "") != (rec.From == tap.Client) || rec.Text != nil || rec.Opcode < 8 && rec.Bytes != nil {
			t.Errorf("%+v", rec.Frame)
		}
		messages[rec.From] = max(messages[rec.From], rec.Message)
	}
	if messages[tap.Client] != 2 || messages[tap.Server] != uint64(heard)+1 { // the fence is not heard
		t.Errorf("%v messages, %d were heard", messages, heard)
	}
	if last := all[len(all)-2]; last.Opcode != 8 || *last.Bytes != "03e8" {
		t.Errorf("it ends with %+v", last.Frame)
	}
	if strings.Contains(report.all.String(), id) || strings.Contains(report.all.String(), bearer(ann)) {
		t.Errorf("secrets are in %s", report.all.String())
	}
}

// A terminal's socket is shown with its texts, whatever they are.
func TestWireOfATerminal(t *testing.T) {
	r := serve(t)
	id, report := r.watch(r.guest("Ann"))
	s := r.rawSocket("/?wire="+id+"&name=Tom", nil)
	report.until(func(rec tap.Record) bool { return rec.Kind == tap.KindHandshake && rec.Dialect == "plain" })
	for _, text := range []string{`<script>alert("x")</script>`, "\x1b[31m\u202e", "€", `{"hello":`} {
		s.says(text)
		report.until(shows(tap.Client, text))
	}
	long := strings.Repeat("0123456789", 1000)
	s.says(long)
	all := report.until(func(rec tap.Record) bool { return rec.Kind == tap.KindFrame && rec.Length == 10_000 })
	if f := all[len(all)-1]; !f.Cut || *f.Text != long[:4096] || f.Head[:8] != "81fe2710" {
		t.Errorf("%+v", f.Frame)
	}
	other := r.rawSocket("/", nil)
	other.says("hello from elsewhere")
	report.until(shows(tap.Server, "hello from elsewhere"))
	s.says("\xff\xfe")
	report.until(func(rec tap.Record) bool {
		return rec.Kind == tap.KindFrame && rec.From == tap.Client && rec.Bytes != nil && *rec.Bytes == "fffe"
	})
	all = report.until(isEnd)
	if last := all[len(all)-2]; last.From == tap.Client && last.Opcode != 8 {
		t.Errorf("it ends with %+v", last.Frame)
	}
	big := r.rawSocket("/?wire="+id, nil)
	big.says(strings.Repeat("x", 1<<20))
	all = report.until(func(rec tap.Record) bool { return rec.Kind == tap.KindFrame && rec.Opcode == 8 })
	if f := all[len(all)-1]; f.From != tap.Server || !strings.HasPrefix(*f.Bytes, "03f1") { // 1009
		t.Errorf("%+v", f.Frame)
	}
}

// Nobody sees the sockets of others, by whatever id they name.
func TestWireIsPrivate(t *testing.T) {
	r := serve(t)
	ann, ben := r.guest("Ann"), r.guest("Ben")
	id, report := r.watch(ann)
	s := r.rawSocket("/?wire="+id, authorization(ben), wire.Subprotocol)
	s.tell(`{"hello":{}}`)
	r.rawSocket("/?wire="+id+"&token="+bearer(ben), nil).says("I am Ben")
	nobody := r.rawSocket("/?wire="+id, nil, wire.Subprotocol)
	nobody.tell(`{"hello":{"token":"` + bearer(ben) + `"}}`)
	r.rawSocket("/?wire=unknown", nil).says("no such watch")
	own := r.rawSocket("/?wire="+id, authorization(ann), wire.Subprotocol)
	own.tell(`{"hello":{"token":"` + bearer(ben) + `"}}`) // it was Ann's, and is Ben's
	own.tell(`{"open":{"name":"lobby"}}`)
	mine := r.rawSocket("/?wire="+id+"&token="+bearer(ann), nil)
	mine.says("I am Ann")
	all := report.until(shows(tap.Client, "I am Ann"))
	conns := map[uint64]int{}
	for _, rec := range all {
		conns[rec.Conn]++
	}
	if len(conns) != 2 || conns[all[0].Conn] > 3 || strings.Contains(report.all.String(), "Ben") || strings.Contains(report.all.String(), bearer(ben)) {
		t.Errorf("of %v: %s", conns, report.all.String())
	}
	for who, want := range map[string]int{ben: 404, "X-Nobody: 1": 401} {
		if resp, body := r.do("GET", "/api/wire/"+id, "", who); resp.StatusCode != want {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if resp, body := r.do("GET", "/api/wire/"+id, "", ann); resp.StatusCode != 409 {
		t.Errorf("a second reader: %d %s", resp.StatusCode, body)
	}
	report.stop()
	for { // until the server has noticed
		resp, err := http.DefaultTransport.RoundTrip(r.request("GET", "/api/wire/"+id, ann))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == 200 {
			break
		}
	}
	if resp, body := r.do("GET", "/api/connections", "", ann); resp.StatusCode != 403 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// request makes one that is somebody's.
func (r *running) request(method, path, header string) *http.Request {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	name, value, _ := strings.Cut(header, ": ")
	req.Header.Set(name, value)
	return req
}

// Another session of the same person has watches of its own, a person has eight, and
// the end of a session is the end of its watches.
func TestWireEndsWithTheSession(t *testing.T) {
	r := serve(t)
	ann := r.member("Ann")
	var second struct{ Token string }
	r.ask("POST", "/api/sign-in", map[string]any{"name": "Ann", "password": goodPassword, "token": true}, &second)
	other := "Authorization: Bearer " + second.Token
	id, report := r.watch(ann)
	if resp, body := r.do("GET", "/api/wire/"+id, "", other); resp.StatusCode != 404 {
		t.Errorf("another session: %d %s", resp.StatusCode, body)
	}
	for range 7 {
		r.ask("POST", "/api/wire", nil, nil, other)
	}
	if resp, body := r.do("POST", "/api/wire", "", other); resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "30" {
		t.Errorf("the ninth: %d %s", resp.StatusCode, body)
	}
	r.ask("POST", "/api/sign-out", nil, nil, ann)
	for ok := true; ok; {
		_, ok = report.next()
	}
	r.ask("POST", "/api/wire", nil, nil, other) // there is room again
}

// A reader who never reads costs records, not the chat: everything arrives, and what was
// dropped is counted.
func TestWireWithoutAReader(t *testing.T) {
	const lines = 3000
	r := serve(t, func(c *server.Config) { c.NoLimits = true })
	ann := r.guest("Ann")
	var made struct{ ID string }
	r.ask("POST", "/api/wire", nil, &made, ann)
	talks, hears := r.rawSocket("/?wire="+made.ID, nil), r.rawSocket("/?wire="+made.ID, nil)
	go func() {
		for i := range lines {
			if talks.ws.Write(context.Background(), websocket.MessageText, fmt.Append(nil, i)) != nil {
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for i := range lines {
		if _, got, err := hears.ws.Read(ctx); err != nil || string(got) != fmt.Sprint(i) {
			t.Fatalf("%q, %v; want %d", got, err, i)
		}
	}
	hears.ws.Close(websocket.StatusNormalClosure, "")
	talks.ws.Close(websocket.StatusNormalClosure, "")
	report := r.reads("", "/api/wire/"+made.ID, ann)
	shown, skipped := 0, 0
	for skipped == 0 {
		rec, ok := report.next()
		if !ok {
			t.Fatal("nothing was skipped")
		}
		shown++
		skipped += rec.Count
	}
	if all := shown + skipped; shown > 2500 || all < 2*lines-100 || all > 2*lines+100 {
		t.Errorf("%d shown and %d skipped, of %d", shown, skipped, 2*lines)
	}
}

// A server stops although reports are read, or are not: serve's end wants it to.
func TestWireEndsWithTheServer(t *testing.T) {
	data := t.TempDir()
	r := serve(t, func(c *server.Config) { c.Data, c.NoLimits = data, true })
	ann := r.guest("Ann")
	id, report := r.watch(ann)
	stuckID, stuck := r.watch(ann) // it has more to read than the network holds
	talks := listen(r.rawSocket("/?wire="+stuckID, nil))
	for range 50 {
		for range 30 {
			talks.says(strings.Repeat("x", 4096))
		}
		r.do("GET", "/healthz", "") // the report goes on meanwhile
	}
	own := r.rawSocket("/?wire="+id, authorization(ann), wire.Subprotocol)
	own.tell(`{"hello":{}}`)
	operator := r.reads(filepath.Join(data, "admin.sock"), "/api/connections/1/wire", "Authorization: Bearer nobody")
	listen(own)
	begun := time.Now()
	r.stop()
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	report.until(isEnd)
	for _, open := range []*reading{report, operator, stuck} {
		if n, err := io.Copy(io.Discard, open.in); err != nil && !strings.Contains(err.Error(), "EOF") {
			t.Errorf("it does not end: %d bytes, %v", n, err)
		}
	}
}

// The operator sees who is connected, and any socket with its texts, but no token.
func TestWireForTheOperator(t *testing.T) {
	data := t.TempDir()
	r := serve(t, func(c *server.Config) { c.Data = data })
	socket := filepath.Join(data, "admin.sock")
	ann := r.human(r.guest("Ann"))
	s := r.rawSocket("/", nil, wire.Subprotocol)
	plain := r.rawSocket("/", nil)
	var all struct {
		Connections []struct {
			ID      uint64
			Dialect string
			Person  *struct{ ID, Name string }
			Address string
			Since   int64
			Rooms   int
		}
	}
	list := func() {
		t.Helper()
		w := &walk{r, map[string]bool{}}
		for all.Connections = nil; len(all.Connections) != 2; { // a socket is there a moment after its handshake
			b, _ := json.Marshal(w.operator(socket, "GET", "/api/connections", ""))
			if err := json.Unmarshal(b, &all); err != nil || t.Context().Err() != nil {
				t.Fatalf("%s, %v", b, err)
			}
		}
	}
	list()
	if c := all.Connections[0]; c.Person != nil || c.Dialect != wire.Subprotocol || c.Address != "127.0.0.1" || c.Since == 0 || c.Rooms != 0 {
		t.Errorf("%+v", c)
	}
	report := r.reads(socket, fmt.Sprintf("/api/connections/%d/wire", all.Connections[0].ID), "Authorization: Bearer nobody")
	s.tell(`{"hello":{"token":"` + ann.token() + `"}}`)
	s.tell(`{"open":{"name":"lobby"}}`)
	report.until(shows(tap.Client, `{"hello":{"token":"•••"}}`))
	report.until(shows(tap.Client, `{"open":{"name":"lobby"}}`))
	plain.says("for all")
	got := report.until(func(rec tap.Record) bool {
		return rec.Kind == tap.KindFrame && rec.Text != nil && strings.Contains(*rec.Text, `"for all"`)
	})
	if strings.Contains(report.all.String(), ann.token()) {
		t.Errorf("the token is in %s", report.all.String())
	}
	list()
	if c := all.Connections[0]; c.Person == nil || c.Person.Name != "Ann" || c.Rooms != 1 || got[0].Conn != c.ID {
		t.Errorf("%+v", c)
	}
	s.ws.Close(websocket.StatusNormalClosure, "")
	report.until(isEnd)
	if _, more := report.next(); more {
		t.Error("it goes on behind the end")
	}
	audit, _ := json.Marshal((&walk{r, map[string]bool{}}).operator(socket, "GET", "/api/audit", ""))
	if n := strings.Count(string(audit), `"kind":"watch"`); n != 1 || !strings.Contains(string(audit), `"text":"127.0.0.1"`) {
		t.Errorf("it was noted %d times: %s", n, audit)
	}
}

// Behind http.Server the handshake is built again, and says so; a token in it is hidden
// all the same.
func TestWireOfARebuiltHandshake(t *testing.T) {
	r := serve(t)
	ann := r.guest("Ann")
	id, report := r.watch(ann)
	u, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", "127.0.0.1:"+u.Port())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	head := "GET /?wire=" + id + "&token=" + bearer(ann) + " HTTP/1.1\r\nHost: " + u.Host + "\r\n" + strings.Join(upgrade, "\r\n") + "\r\nCookie: a=" + bearer(ann) +
		"\r\nX-Long: " + strings.Repeat("x", 5000) + "\r\n\r\n" // more than the door looks at
	io.WriteString(c, head)
	rec, _ := report.next()
	if rec.Kind != tap.KindHandshake || rec.Exact || strings.Contains(report.all.String(), bearer(ann)) || !strings.Contains(rec.Request, "Cookie: •••\r\n") ||
		!strings.HasPrefix(rec.Request, "GET /?wire=•••&token=••• HTTP/1.1\r\nHost: "+u.Host+"\r\n") || !strings.HasPrefix(rec.Response, "HTTP/1.1 101 ") {
		t.Errorf("%+v %+v", rec, rec.Handshake)
	}
}

// A socket that is full for a while is reported as it is written: frame by frame, none
// twice and none in pieces.
func TestWireOfASlowClient(t *testing.T) {
	const lines = 2800
	r := serve(t, func(c *server.Config) { c.NoLimits = true })
	id, report := r.watch(r.guest("Ann"))
	small := &http.Client{Transport: &http.Transport{DialContext: dialSmall}}
	ws, _, err := websocket.Dial(t.Context(), strings.Replace(r.url, "http", "ws", 1)+"/?wire="+id, &websocket.DialOptions{HTTPClient: small})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	slow := &rawSocket{t, ws}
	done := make(chan error, 1)
	go func() {
		for n := uint64(0); n < lines; {
			rec, ok := report.next()
			switch {
			case !ok:
				done <- io.ErrUnexpectedEOF
				return
			case rec.Kind == tap.KindSkipped:
				n += uint64(rec.Count)
			case rec.Kind == tap.KindFrame && rec.From == tap.Server && rec.Opcode < 8:
				if n++; rec.Head != "817e1000" || rec.Length != 4096 || *rec.Text != strings.Repeat("x", 4096) {
					done <- fmt.Errorf("frame %d: %+v", n, rec.Frame)
					return
				}
			}
		}
		done <- nil
	}()
	talks := listen(r.rawSocket("/", nil))
	for range lines {
		talks.says(strings.Repeat("x", 4096))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for i := range lines {
		if _, got, err := slow.ws.Read(ctx); err != nil || len(got) != 4096 {
			t.Fatalf("message %d: %.20q, %v", i, got, err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
