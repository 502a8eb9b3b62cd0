package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hubbub": func() { os.Exit(run()) }})
}

// The scripts are what an operator types, with what comes back.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Defer(func() { l.Close() })
			e.Setenv("BUSY", l.Addr().String()) // a port that somebody else has
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"start": start, "stop": stop},
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
