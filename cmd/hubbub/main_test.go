package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hubbub/internal/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(stopping{m}, map[string]func(){"hubbub": func() { os.Exit(run()) }})
}

// stopping runs the tests and ends a PostgreSQL that they started.
type stopping struct{ m *testing.M }

func (s stopping) Run() int { return pgtest.Main(s.m) }

// The scripts are what an operator types, with what comes back.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script", "") }

// Those with a PostgreSQL, whose address is in $DATABASE.
func TestPostgres(t *testing.T) { runScripts(t, "testdata/postgres", pgtest.Start(t).Database(t)) }

func runScripts(t *testing.T, dir, database string) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv("DATABASE", database)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Defer(func() { l.Close() })
			e.Setenv("BUSY", l.Addr().String()) // a port that somebody else has
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<p>A wiki") }))
			e.Defer(other.Close)
			e.Setenv("OTHER", other.URL) // another program
			// With the race detector a program sleeps for a second before it exits, and a script runs many.
			e.Setenv("GORACE", "atexit_sleep_ms=10")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"start": start, "stop": stop, "as": as, "follow": follow, "shows": shows, "unfollow": unfollow, "hangup": hangup, "socket": socket, "say": say},
	})
}

// start runs hubbub in the background until it says where it is, and sets $URL.
func start(ts *testscript.TestScript, _ bool, args []string) {
	exe, err := exec.LookPath("hubbub") // testscript put it on the path
	ts.Check(err)
	cmd := exec.Command(exe, args...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = environ(ts)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	cmd.Stderr = os.Stderr
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := regexp.MustCompile(`open\s+(http://\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			ts.Setenv("URL", m[1])
			ts.Setenv("PORT", regexp.MustCompile(`\d+$`).FindString(m[1]))
			procs.Store(ts.Getenv("WORK"), cmd)
			return
		}
	}
	ts.Fatalf("hubbub did not start")
}

// procs are the running servers by the script's folder. Scripts run in parallel.
var procs sync.Map

// stop sends SIGTERM, and wants status 0 within five seconds.
func stop(ts *testscript.TestScript, _ bool, _ []string) {
	p, _ := procs.Load(ts.Getenv("WORK"))
	cmd := p.(*exec.Cmd)
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		ts.Check(err)
	case <-time.After(5 * time.Second):
		ts.Fatalf("it did not stop within five seconds")
	}
}

// as asks the server for something as somebody with an account, who comes in with the
// first request. $ID is then the first id in the answer. Negated, it must be refused.
func as(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: as NAME METHOD PATH [BODY]")
	}
	who, key := args[0], "TOKEN_"+args[0]
	if ts.Getenv(key) == "" {
		var came struct{ Token string }
		status, said := ask(ts, "POST", "/api/guests", fmt.Sprintf(`{"name":%q,"password":"violet tugboat harbour 7","token":true}`, who), "")
		if json.Unmarshal(said, &came); came.Token == "" {
			ts.Fatalf("%s can not come in: %d %s", who, status, said)
		}
		ts.Setenv(key, came.Token)
	}
	status, said := ask(ts, args[1], args[2], strings.Join(args[3:], " "), ts.Getenv(key))
	if (status >= 300) != neg {
		ts.Fatalf("%s %s: %d %s", args[1], args[2], status, said)
	}
	if m := regexp.MustCompile(`"id":"([^"]+)"`).FindSubmatch(said); m != nil {
		ts.Setenv("ID", string(m[1]))
	}
}

func ask(ts *testscript.TestScript, method, path, body, token string) (int, []byte) {
	r, err := http.NewRequest(method, ts.Getenv("URL")+path, strings.NewReader(body))
	ts.Check(err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return resp.StatusCode, said
}

// environ returns the script's environment as far as hubbub looks at it.
func environ(ts *testscript.TestScript) []string {
	env := os.Environ()
	for _, key := range []string{"HUBBUB_DATA", "HUBBUB_LISTEN", "HUBBUB_LOG_FORMAT"} {
		if v := ts.Getenv(key); v != "" {
			env = append(env, key+"="+v)
		}
	}
	return env
}
