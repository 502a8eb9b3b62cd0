package ws_test

import (
	"fmt"
	"strings"
	"testing"

	"hubbub/internal/wire"
)

func TestPlainRelaysToTheOthers(t *testing.T) {
	r := serve(t)
	ann, ben, eve := r.plain("/"), r.plain("/"), r.plain("/rooms/lobby")
	odd := []string{"hi", "", " ", "\x00", "<b>&amp;</b>", "日本語", "👩‍👩‍👧‍👦", "e\u0301", "\u202eרtl", "{\"send\":{}}", strings.Repeat("x", 16<<10)}
	ann.say(odd...)
	ben.hears(odd...)
	eve.hears(odd...)
	// Had anything come back to ann, it would come before this.
	ben.say("done")
	ann.hears("done")
	eve.hears("done")
}

func TestPlainRoomsAreApart(t *testing.T) {
	r := serve(t)
	lobby, kitchen, upper := r.plain("/"), r.plain("/rooms/kitchen"), r.plain("/rooms/KITCHEN")
	kitchen.say("in the kitchen")
	upper.hears("in the kitchen")
	r.plain("/").say("in the lobby")
	lobby.hears("in the lobby")
}

// Everyone hears everyone else, each sender in order, over many messages that
// overlap.
func TestPlainCrowd(t *testing.T) {
	r := serve(t)
	const people, messages = 8, 200
	all := make([]*plainClient, people)
	for i := range all {
		all[i] = r.plain("/")
	}
	ctx := testContext(t)
	errs := make(chan error, 2*people)
	for i, p := range all {
		go func() {
			for n := range messages {
				if err := p.Write(ctx, fmt.Sprintf("%d %d", i, n)); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
		go func() {
			next := [people]int{}
			for range (people - 1) * messages {
				text, err := p.Read(ctx)
				if err != nil {
					errs <- err
					return
				}
				var from, n int
				if _, err := fmt.Sscanf(text, "%d %d", &from, &n); err != nil || from == i || n != next[from] {
					errs <- fmt.Errorf("client %d got %q where %d of that sender comes next (%v)", i, text, next[from], err)
					return
				}
				next[from]++
			}
			errs <- nil
		}()
	}
	for range 2 * people {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

func TestPlainNames(t *testing.T) {
	r := serve(t)
	ines := r.guest("Ines")
	ines.open("lobby", 0)
	author := func(p *plainClient) *wire.Event {
		p.say("who am I")
		return next[*wire.Event](ines)
	}
	if e := author(r.plain("/")); !strings.HasPrefix(e.Name, "guest-") || len(e.Name) != len("guest-")+4 {
		t.Errorf("a guest is called %q", e.Name)
	}
	bot := r.plain("/?name=bot")
	first := author(bot)
	if first.Name != "bot" || author(bot).Author != first.Author {
		t.Errorf("asked for bot, is called %q, or changed", first.Name)
	}
	if e := author(r.plain("/?name=BOT")); e.Name != "BOT-2" || e.Author == first.Author {
		t.Errorf("a second bot is called %q", e.Name)
	}
	if e := author(r.plain("/?name=ines")); e.Name != "ines-2" {
		t.Errorf("a name that a guest holds: %q", e.Name)
	}
	if e := author(r.plain("/?name=" + strings.Repeat("n", 32))); len(e.Name) != 32 {
		t.Errorf("a long name: %q", e.Name)
	}
	if e := author(r.plain("/?name=" + strings.Repeat("n", 32))); !strings.HasPrefix(e.Name, "guest-") {
		t.Errorf("a long name that is taken: %q", e.Name)
	}
}

// The name is free when the connection has ended, which is a little after the
// answer to its close frame.
func TestPlainNameIsReleased(t *testing.T) {
	r := serve(t)
	ines := r.guest("Ines")
	ines.open("lobby", 0)
	ctx := testContext(t)
	for i := range 5 {
		called := ""
		for called != "bot" {
			if ctx.Err() != nil {
				t.Fatalf("time %d: called %q", i, called)
			}
			p := r.plain("/?name=bot")
			p.say("x")
			called = next[*wire.Event](ines).Name
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A plain client and one of hubbub.v1 are in one room.
func TestBothDialectsInOneRoom(t *testing.T) {
	r := serve(t)
	plain, ines := r.plain("/"), r.guest("Ines")
	opened := ines.open("lobby", 0)
	plain.say("from plain")
	if e := next[*wire.Event](ines); e.Text != "from plain" || e.Seq != opened.Head+1 || e.Kind != "message" {
		t.Errorf("got %+v", e)
	}
	ines.write(send(opened.Room, 1, "from \"JSON\"\n"))
	plain.hears("from \"JSON\"\n")
}
