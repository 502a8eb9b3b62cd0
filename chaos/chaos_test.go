package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hubbub/internal/chat"
)

var (
	built    string // the program, for all tests
	buildErr error
	building sync.Once
)

func program(t *testing.T) string {
	t.Helper()
	building.Do(func() {
		dir, err := os.MkdirTemp("", "hubbub-chaos-test-")
		if err != nil {
			buildErr = err
			return
		}
		built = filepath.Join(dir, "hubbub")
		if out, err := exec.Command("go", "build", "-o", built, "../cmd/hubbub").CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return built
}

func TestKill(t *testing.T) {
	k := killing{bin: program(t), kills: 5, clients: 6, rooms: 3}
	if err := k.run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The check must fail when resent messages are stored again.
func TestKillWithoutDeduplication(t *testing.T) {
	k := killing{bin: program(t), kills: 5, clients: 6, rooms: 2, sabotage: "dedup"}
	err := k.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is stored at") {
		t.Fatalf("the sabotage was not noticed: %v", err)
	}
}

// Each rule of the checker, with a history that breaks it and one that does not.
func TestVerdict(t *testing.T) {
	h := hash("a")
	log := func(ids ...string) map[chat.RoomID][]stored {
		l := map[chat.RoomID][]stored{"r": nil}
		for i, id := range ids {
			l["r"] = append(l["r"], stored{room: "r", seq: chat.Seq(i + 1), author: "ann", id: id, hash: h})
		}
		return l
	}
	meant := func(id string) line { return line{What: "meant", Client: "c", Room: "r", ID: id, Hash: h} }
	acked := func(id string, seq chat.Seq) line {
		return line{What: "acked", Client: "c", Room: "r", ID: id, Seq: seq}
	}
	showed := func(id string, seq chat.Seq) line {
		return line{What: "showed", Client: "c", Room: "r", ID: id, Seq: seq, Hash: h}
	}
	reload := func(seq chat.Seq) line { return line{What: "reload", Client: "c", Room: "r", Seq: seq} }
	plain := line{What: "meant", Client: "p", Room: "r", Hash: h}
	holed := log("x", "y")
	holed["r"][1].seq = 3
	two := []line{meant("x"), meant("y")}
	for _, c := range []struct {
		name    string
		log     map[chat.RoomID][]stored
		history []line
		want    string // empty: sound
	}{
		{"nothing", log(), nil, ""},
		{"all well", log("x", "y"), append(two, acked("x", 1), acked("y", 2), reload(0), showed("x", 1), showed("y", 2)), ""},
		{"meant, never stored", log(), two, ""},
		{"plain", log("x"), []line{plain}, ""},
		{"a screen that begins late", log("x", "y"), append(two, reload(1), showed("y", 2)), ""},
		{"a screen that was loaded anew", log("x", "y"), append(two, reload(0), showed("x", 1), reload(0), showed("x", 1), showed("y", 2)), ""},

		{"overtaken, since it was refused", log("y", "x"), append(two, line{What: "again", Client: "c", ID: "x"}), ""},
		{"jumped", log("x", "y"), append(two, reload(0), line{What: "jumped", Client: "c", Room: "r", Seq: 2}, showed("x", 1), showed("y", 2)), "out of order 1,"},
		{"acknowledged and lost", log("x"), []line{meant("x"), meant("y"), acked("y", 2)}, "lost 1,"},
		{"acknowledged elsewhere", log("x", "y"), append(two, acked("x", 2)), "lost 1,"},
		{"stored twice", log("x", "x"), two, "doubled 2,"}, // once by its id, once by what was meant
		{"plain stored twice", log("x", "y"), []line{plain}, "doubled 1,"},
		{"a hole in the log", holed, two, "holes 1,"},
		{"overtaken", log("y", "x"), two, "out of order 1,"},
		{"another text", log("x"), []line{{What: "meant", Client: "c", Room: "r", ID: "x", Hash: "other"}}, "different 1\n"},
		{"nobody's", log("x"), nil, "different 1\n"},
		{"shown twice", log("x", "y"), append(two, reload(0), showed("x", 1), showed("x", 1), showed("y", 2)), "doubled 1,"},
		{"shown backwards", log("x", "y"), append(two, reload(0), showed("y", 2), showed("x", 1)), "doubled 1,"},
		{"a hole on the screen", log("x", "y", "z"), append(two, meant("z"), reload(0), showed("x", 1), showed("z", 3)), "holes 1,"},
		{"a screen that ends early", log("x", "y"), append(two, reload(0), showed("x", 1)), "holes 1,"},
		{"a screen that shows what is not there", log("x"), []line{meant("x"), showed("y", 1)}, "different 1\n"},
		{"a screen beyond the log", log("x"), []line{meant("x"), reload(0), showed("x", 1), showed("y", 2)}, "different 1\n"},
	} {
		v := verdict{log: c.log, complete: true}
		v.judge(c.history)
		var out strings.Builder
		err := v.report(&out)
		if (err == nil) != (c.want == "") || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %v\n%s", c.name, err, out.String())
		}
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{{}, {"dance"}, {"kill", "--colour"}, {"check", "--data", t.TempDir(), "nothing.jsonl"}} {
		if err := run(context.Background(), args); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}
