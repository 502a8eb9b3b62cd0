package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is the program with something changed in its source, which stays as it is: a
// checker that has never been seen to fail proves nothing.
type mutant struct {
	edits []edit
	sql   string // what has to go from the database too
}

// edit changes a file: old must be there once. Without old it is a new file.
type edit struct{ file, old, new string }

// mutants by name. docs/faults.md says what the checker says to each.
var mutants = map[string]mutant{
	// What other nodes stored before an own event is passed over: by the room, and by the
	// tail, which would take a gap for a reason to read the log.
	"gap": {edits: []edit{
		{"internal/hub/room.go", "events[n].Seq == r.applied+chat.Seq(n+1)", "events[n].Seq > r.applied"},
		{"internal/hub/tail.go", "case e.Seq > head+1:", "case false:"},
	}},
	// What other nodes stored is not read.
	"fetch": {edits: []edit{{"internal/hub/share.go", "return r.ready() && !r.gone &&", "return false && r.ready() && !r.gone &&"}}},
	// How far the rooms are is not looked at.
	"heads": {edits: []edit{{"internal/hub/share.go", "if len(ids) == 0 {", "if len(ids) >= 0 {"}}},
	// A message that comes again is stored again.
	"dedup": {edits: []edit{{"internal/postgres/session.go", "if x.there[name] {", "if false {"}}, sql: "DROP INDEX events_by_id"},
	// A commit that was not answered is taken for one that succeeded.
	"settle": {edits: []edit{{"internal/postgres/lane.go", "if token != l.token {", "if token < 0 {"}}},
	// What is acknowledged is not on the disk yet.
	"sync": {edits: []edit{
		{"internal/postgres/open.go", "\"synchronous_commit\":                  \"on\",", "\"synchronous_commit\": \"off\","},
		{"internal/postgres/open.go", "if is != \"on\" {", "if is == \"\" {"},
	}},
	// A node that stops tells nobody.
	"goodbye": {edits: []edit{{"internal/ws/leave.go", "if c.dialect != hub.Plain {", "if c.dialect != hub.Plain && after < 0 {"}}},
	// A node goes by its own clock.
	"own-clock": {edits: append([]edit{{"internal/sqlstore/store.go", "s.ahead.Store(ahead)", "s.ahead.Store(0)"}}, wrongClock...)},
	// Nothing is wrong with the program, but its clock is off by what CHAOS_CLOCK says.
	"clock": {edits: wrongClock},
}

var wrongClock = []edit{
	{"GOROOT/src/time/time.go", "sec, nsec, mono := runtimeNow()\n\tif mono == 0", "sec, nsec, mono := runtimeNow()\n\tsec += off\n\tif mono == 0"},
	{"GOROOT/src/time/off.go", "", `package time

import "syscall"

var off = func() (seconds int64) {
	text, _ := syscall.Getenv("CHAOS_CLOCK")
	sign := int64(1)
	for _, c := range text {
		if c == '-' {
			sign = -1
		} else {
			seconds = seconds*10 + int64(c-'0')
		}
	}
	return sign * seconds
}()
`},
}

// build makes the program with a change in it, in a folder.
func build(ctx context.Context, name, into string) (bin string, err error) {
	m, ok := mutants[name]
	if !ok {
		return "", fmt.Errorf("there is no %q to take away; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(mutants)), ", "))
	}
	overlay, err := m.overlay(ctx, into)
	if err != nil {
		return "", err
	}
	bin = filepath.Join(into, "hubbub-"+name)
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", bin, "hubbub/cmd/hubbub")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program without %s: %w\n%s", name, err, out)
	}
	return bin, nil
}

// overlay writes the changed files, and what tells the compiler to take them.
func (m mutant) overlay(ctx context.Context, into string) (string, error) {
	module, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", fmt.Errorf("where the source is: %w", err)
	}
	root, err := output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for i, e := range m.edits {
		file := filepath.Join(module, e.file)
		if rest, ok := strings.CutPrefix(e.file, "GOROOT/"); ok {
			file = filepath.Join(root, rest)
		}
		if replace[file], err = e.apply(file, replace[file], filepath.Join(into, fmt.Sprintf("changed%d.go", i))); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(into, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out)), err
}

// apply writes the changed file to another name, and returns that. Where an edit before
// has changed it, it goes on from there.
func (e edit) apply(file, before, into string) (string, error) {
	if e.old == "" {
		return into, os.WriteFile(into, []byte(e.new), 0o600)
	}
	if before != "" {
		file, into = before, before
	}
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if strings.Count(string(source), e.old) != 1 {
		return "", fmt.Errorf("%s does not say %q once: change the edit too", e.file, e.old)
	}
	return into, os.WriteFile(into, []byte(strings.Replace(string(source), e.old, e.new, 1)), 0o600)
}
