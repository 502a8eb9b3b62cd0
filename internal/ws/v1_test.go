package ws_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hubbub/internal/chat"
	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

func testID(n int) string { return fmt.Sprintf("0199d5c2-7a31-7c4e-9b1f-%012x", n) }

func send(room chat.RoomID, n int, text string) *wire.Send {
	return &wire.Send{Room: room, ID: testID(n), Text: &text}
}

func TestConversation(t *testing.T) {
	r := serve(t)
	ines, tom := r.guest("Ines"), r.guest("Tomás")
	opened := ines.open("lobby", 50)
	if opened.After != 0 || opened.Head != 0 || opened.Name != "lobby" || opened.Epoch == "" {
		t.Errorf("opened %+v", opened)
	}
	tom.open("lobby", 50)

	ines.write(send(opened.Room, 1, "two\nlines 🎉"))
	sent, event := false, false
	for range 2 { // in either order
		switch f := ines.read().(type) {
		case *wire.Sent:
			sent = f.ID == testID(1) && f.Seq == 1 && f.Room == opened.Room && f.Time > 0
		case *wire.Event:
			event = f.ID == testID(1) && f.Seq == 1 && f.Author == ines.you.ID
		}
	}
	if !sent || !event {
		t.Errorf("sent %v, event %v", sent, event)
	}
	e := next[*wire.Event](tom)
	if e.Text != "two\nlines 🎉" || e.Name != "Ines" || e.Kind != "message" || e.Room != opened.Room {
		t.Errorf("Tomás got %+v", e)
	}
}

// All that a client may say goes out at once, before any answer.
func TestHelloOpenAndSendInOneGo(t *testing.T) {
	r := serve(t)
	token, _, err := client.NewGuest(testContext(t), r.url, "Ines")
	if err != nil {
		t.Fatal(err)
	}
	room := r.guest("Tomás").open("lobby", 0).Room
	c := r.dial("")
	last := 10
	c.write(&wire.Hello{Token: token}, &wire.Open{Room: room, Last: &last}, send(room, 1, "a"), send(room, 2, "b"))
	frames := c.sync()
	if _, ok := frames[0].(*wire.Welcome); !ok {
		t.Errorf("first came %T", frames[0])
	}
	if got := texts(t, frames, 1); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

func TestOpenPlaces(t *testing.T) {
	r := serve(t)
	c := r.guest("Ines")
	opened := c.open("lobby", 0)
	for i := range 10 {
		c.write(send(opened.Room, i, fmt.Sprint(i+1)))
	}
	c.sync()
	seq := func(n chat.Seq) *chat.Seq { return &n }
	num := func(n int) *int { return &n }
	for _, x := range []struct {
		name string
		open wire.Open
		want string
	}{
		{"head", wire.Open{Room: opened.Room}, ""},
		{"by name", wire.Open{Name: "#Lobby"}, ""},
		{"last 3", wire.Open{Room: opened.Room, Last: num(3)}, "8 9 10"},
		{"last of more than there are", wire.Open{Room: opened.Room, Last: num(50)}, "1 2 3 4 5 6 7 8 9 10"},
		{"resume", wire.Open{Room: opened.Room, Epoch: opened.Epoch, After: seq(7)}, "8 9 10"},
		{"resume at the head", wire.Open{Room: opened.Room, Epoch: opened.Epoch, After: seq(10)}, ""},
		{"from the beginning", wire.Open{Room: opened.Room, Epoch: opened.Epoch, After: seq(0)}, "1 2 3 4 5 6 7 8 9 10"},
	} {
		c.write(&x.open)
		frames := c.sync()
		o, ok := frames[0].(*wire.Opened)
		if !ok || o.Head != 10 {
			t.Errorf("%s: answered by %T %s", x.name, frames[0], wire.Encode(frames[0]))
			continue
		}
		if got := strings.Join(texts(t, frames[1:], uint64(o.After)+1), " "); got != x.want {
			t.Errorf("%s: got %q, want %q", x.name, got, x.want)
		}
	}

	c.write(&wire.Open{Room: opened.Room, Epoch: "otherlog", After: seq(3)})
	if f := next[*wire.Reset](c); f.Reason != wire.ResetEpoch || f.Head != 10 || f.Epoch != opened.Epoch {
		t.Errorf("another epoch: %+v", f)
	}
	c.write(&wire.Typing{Room: opened.Room}) // after a reset the room is not open
	if f := next[*wire.Error](c); f.Code != chat.CodeNotOpen {
		t.Errorf("after a reset: %+v", f)
	}
	c.write(&wire.Open{Room: opened.Room, Epoch: opened.Epoch, After: seq(11)})
	if f := next[*wire.Error](c); f.Code != chat.CodeBeyondHead || f.Frame != "open" || f.Room != opened.Room {
		t.Errorf("beyond the head: %+v", f)
	}
	c.write(&wire.Open{Room: "nosuchroom12"})
	if f := next[*wire.Error](c); f.Code != chat.CodeNotFound {
		t.Errorf("an unknown room: %+v", f)
	}
}

func TestTooFarBehind(t *testing.T) {
	r := serve(t)
	c := r.guest("Ines")
	opened := c.open("lobby", 0)
	c.write(&wire.Close{Room: opened.Room})
	const n = 10_001
	for i := range n {
		c.write(send(opened.Room, i, "x"))
		if i%100 == 99 {
			c.sync()
		}
	}
	c.sync()
	one, zero := chat.Seq(1), chat.Seq(0)
	c.write(&wire.Open{Room: opened.Room, Epoch: opened.Epoch, After: &zero})
	if f := next[*wire.Reset](c); f.Reason != wire.ResetTooFar || f.Head != n {
		t.Errorf("%+v", f)
	}
	c.write(&wire.Open{Room: opened.Room, Epoch: opened.Epoch, After: &one})
	if got := texts(t, c.sync(), 2); len(got) != n-1 {
		t.Errorf("%d events came, not %d", len(got), n-1)
	}
}

func TestSendAgain(t *testing.T) {
	r := serve(t)
	ines, tom := r.guest("Ines"), r.guest("Tomás")
	room := ines.open("lobby", 0).Room
	other := ines.open("kitchen", 0).Room
	tom.open("lobby", 0)
	first := send(room, 1, "once")
	ines.write(first, first, first)
	seqs := []chat.Seq{}
	for _, f := range ines.sync() {
		if s, ok := f.(*wire.Sent); ok {
			seqs = append(seqs, s.Seq)
		}
	}
	if !slices.Equal(seqs, []chat.Seq{1, 1, 1}) {
		t.Errorf("the same message three times: %v", seqs)
	}
	again := r.connect(ines.token, ines.you)
	again.write(first)
	if s := next[*wire.Sent](again); s.Seq != 1 {
		t.Errorf("on another connection: %+v", s)
	}
	for _, x := range []*wire.Send{send(room, 1, "twice"), send(other, 1, "once")} {
		again.write(x)
		if e := next[*wire.Error](again); e.Code != chat.CodeConflict || e.ID != testID(1) || e.Room != x.Room {
			t.Errorf("%+v", e)
		}
	}
	tom.write(send(room, 1, "his own")) // ids are a matter of each author
	if got := texts(t, tom.sync(), 1); !slices.Equal(got, []string{"once", "his own"}) {
		t.Errorf("Tomás saw %q", got)
	}
}

// Each bad frame is answered with its code, and the connection lives.
func TestBadFramesAreAnswered(t *testing.T) {
	r := serve(t)
	c := r.guest("Ines")
	names, err := filepath.Glob("../wire/testdata/frames/bad/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.WriteRaw(testContext(t), data); err != nil {
			t.Fatal(err)
		}
		_, want, _ := strings.Cut(strings.TrimSuffix(filepath.Base(name), ".txt"), "__")
		if e := next[*wire.Error](c); e.Code != chat.Code(want) || e.Message == "" {
			t.Errorf("%s: %+v", filepath.Base(name), e)
		}
	}
	c.write(&wire.Hello{})
	if e := next[*wire.Error](c); e.Code != chat.CodeBadFrame {
		t.Errorf("a second hello: %+v", e)
	}
	c.open("lobby", 0)
}

func TestNobodyIsTurnedAway(t *testing.T) {
	r := serve(t)
	for _, c := range []*v1Client{r.dial(""), r.dial("hbt_wrong")} {
		c.write(&wire.Open{Name: "lobby"})
		if e := next[*wire.Error](c); e.Code != chat.CodeHelloFirst {
			t.Errorf("before hello: %+v", e)
		}
		c.write(&wire.Hello{})
		if e := next[*wire.Error](c); e.Code != chat.CodeUnauthorized {
			t.Errorf("%+v", e)
		}
		if _, err := c.Read(testContext(t)); client.CloseCode(err) != 4401 {
			t.Errorf("then: %v", err)
		}
	}
	c := r.dial("")
	c.write(&wire.Hello{Token: "hbt_wrong"})
	if e := next[*wire.Error](c); e.Code != chat.CodeUnauthorized {
		t.Errorf("%+v", e)
	}
}

func TestTyping(t *testing.T) {
	r := serve(t)
	ines, tom := r.guest("Ines"), r.guest("Tomás")
	room := ines.open("lobby", 0).Room
	tom.open("lobby", 0)
	ines.write(&wire.Typing{Room: room}, &wire.Typing{Room: room}, &wire.Typing{Room: room})
	if got := ines.sync(); len(got) != 0 {
		t.Errorf("back to the one who types: %v", got)
	}
	if f := next[*wire.Typing](tom); f.Author != ines.you.ID || f.Name != "Ines" || f.Room != room {
		t.Errorf("%+v", f)
	}
	tom.write(send(room, 1, "x"))
	for _, f := range tom.sync() { // the second and third came too soon
		if _, ok := f.(*wire.Typing); ok {
			t.Errorf("another signal: %+v", f)
		}
	}
	ines.write(send(room, 2, "sent"), &wire.Typing{Room: room})
	for again := false; !again; { // but after a message it is news again, which may come before it
		_, again = tom.read().(*wire.Typing)
	}
	late := r.guest("Yuki")
	late.open("lobby", 10)
	for _, f := range late.sync() {
		if _, ok := f.(*wire.Typing); ok {
			t.Errorf("an old signal to a newcomer: %+v", f)
		}
	}
}

func TestReadMarks(t *testing.T) {
	r := serve(t)
	desk := r.guest("Ines")
	phone := r.connect(desk.token, desk.you)
	other := r.guest("Tomás")
	room := desk.open("lobby", 0).Room
	for i := range 5 {
		desk.write(send(room, i, "x"))
	}
	desk.sync()
	desk.write(&wire.Read{Room: room, Seq: 3}, &wire.Read{Room: room, Seq: 2}, &wire.Read{Room: room, Seq: 99})
	for _, want := range []chat.Seq{3, 3, 5} { // never back, never beyond the head
		if f := next[*wire.Read](phone); f.Seq != want || f.Room != room {
			t.Errorf("%+v, not %d", f, want)
		}
	}
	if got := desk.sync(); len(got) != 0 {
		t.Errorf("back to the one who reads: %v", got)
	}
	if got := other.sync(); len(got) != 0 {
		t.Errorf("to somebody else: %v", got)
	}
	if o := phone.open("lobby", 0); o.Read != 5 {
		t.Errorf("a room opened later says %d", o.Read)
	}
	desk.write(&wire.Read{Room: "nosuchroom12", Seq: 1})
	if e := next[*wire.Error](desk); e.Code != chat.CodeNotFound {
		t.Errorf("%+v", e)
	}
}

func TestCloseRoom(t *testing.T) {
	r := serve(t)
	ines, tom := r.guest("Ines"), r.guest("Tomás")
	room := ines.open("lobby", 0).Room
	ines.write(&wire.Close{Room: room})
	ines.sync()
	tom.write(send(room, 1, "nobody hears"))
	tom.sync()
	if got := ines.sync(); len(got) != 0 {
		t.Errorf("from a closed room: %v", got)
	}
	ines.write(&wire.Close{Room: room})
	if e := next[*wire.Error](ines); e.Code != chat.CodeNotOpen {
		t.Errorf("%+v", e)
	}
}

// A stop finishes what it took, says when to come back, and 1012. The next start
// goes on where this one ended.
func TestStopAndStartAgain(t *testing.T) {
	data := t.TempDir()
	keep := func(c *server.Config) { c.Data = data }
	r := serve(t, keep)
	ines, plain := r.guest("Ines"), r.plain("/")
	opened := ines.open("lobby", 0)
	for i := range 50 {
		ines.write(send(opened.Room, i, fmt.Sprint(i)))
	}
	ines.sync()
	go r.stop()
	if g := next[*wire.Goodbye](ines); g.Reason != "restart" || g.RetryAfter <= 0 || g.RetryAfter > 5 {
		t.Errorf("%+v", g)
	}
	if _, err := ines.Read(testContext(t)); client.CloseCode(err) != 1012 {
		t.Errorf("then %v", err)
	}
	for {
		if _, err := plain.Read(testContext(t)); err != nil {
			if client.CloseCode(err) != 1012 {
				t.Errorf("plain: %v", err)
			}
			break
		}
	}
	r.stop()

	again := serve(t, keep)
	c := again.connect(ines.token, ines.you)
	after := chat.Seq(20)
	c.write(&wire.Open{Room: opened.Room, Epoch: opened.Epoch, After: &after})
	if got := texts(t, c.sync(), 21); len(got) != 30 || got[29] != "49" {
		t.Errorf("%d events after the restart: %q", len(got), got)
	}
}

// Somebody who does not read holds up nobody, owns nothing, and gets everything
// in order once they read again.
func TestSlowReader(t *testing.T) {
	r := serve(t)
	slow, quick, writer := r.guest("Slow"), r.guest("Quick"), r.guest("Writer")
	room := slow.open("lobby", 0).Room
	quick.open("lobby", 0)
	text := strings.Repeat("slow ", 2000)
	const n = 2000 // 20 MB: beyond what sockets and the tail hold
	go func() {
		for i := range n {
			if writer.Write(context.Background(), send(room, i, fmt.Sprint(i, " ", text))) != nil {
				return
			}
			if i%50 == 49 {
				if _, err := writer.Sync(context.Background()); err != nil {
					return
				}
			}
		}
	}()
	for _, c := range []*v1Client{quick, slow} { // quick has all before slow reads one
		for i := range n {
			if e := next[*wire.Event](c); int(e.Seq) != i+1 || !strings.HasPrefix(e.Text, fmt.Sprint(i, " ")) {
				t.Fatalf("event %d says %.10q where %d comes next", e.Seq, e.Text, i+1)
			}
		}
	}
}

func TestRateLimit(t *testing.T) {
	r := serve(t, func(c *server.Config) { c.Limits = server.DefaultLimits() })
	c := r.guest("Ines")
	room := c.open("lobby", 0).Room
	const n = 600
	for i := range n {
		c.write(send(room, i, fmt.Sprint(i)))
	}
	refused, stored := 0, 0
	for _, f := range c.sync() {
		switch f := f.(type) {
		case *wire.Error:
			refused++
			if f.Code != chat.CodeRateLimited || f.RetryAfter <= 0 || f.ID == "" {
				t.Fatalf("%+v", f)
			}
		case *wire.Sent:
			stored++
			if refused > 0 && f.ID != testID(stored-1) {
				t.Fatalf("%s overtook a message that was refused", f.ID)
			}
		}
	}
	if refused == 0 || stored < 400 || refused+stored != n {
		t.Errorf("%d refused, %d stored", refused, stored)
	}
	plain, listener := r.plain("/rooms/flood"), r.plain("/rooms/flood")
	var said []string
	for i := range 450 { // beyond the burst: slower, but all of it
		said = append(said, fmt.Sprint(i))
	}
	plain.say(said...)
	listener.hears(said...)
}
