package main

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"
)

// tapped is what a script has under way, by its folder.
type tapped struct {
	cmd    *exec.Cmd
	out    io.Closer
	lines  chan string
	socket *websocket.Conn
}

var taps sync.Map

func tapOf(ts *testscript.TestScript) *tapped {
	t, _ := taps.LoadOrStore(ts.Getenv("WORK"), new(tapped))
	return t.(*tapped)
}

var ready = regexp.MustCompile(`connect to ws://(\S+),|following connection`)

// follow runs hubbub tap in the background until it says that it follows; $PROXY is
// then where it stands.
func follow(ts *testscript.TestScript, _ bool, args []string) {
	exe, err := exec.LookPath("hubbub")
	ts.Check(err)
	cmd := exec.Command(exe, append([]string{"tap"}, args...)...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), environ(ts)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	errs, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill(); cmd.Wait() })
	said := bufio.NewReader(errs)
	line, err := said.ReadString('\n')
	m := ready.FindStringSubmatch(line)
	if err != nil || m == nil {
		ts.Fatalf("hubbub tap said %q, %v", line, err)
	}
	ts.Setenv("PROXY", m[1])
	go io.Copy(io.Discard, said)
	t := tapOf(ts)
	t.cmd, t.out, t.lines = cmd, out, make(chan string, 10_000)
	go func() {
		defer close(t.lines)
		for all := bufio.NewScanner(out); all.Scan(); {
			t.lines <- all.Text()
		}
	}()
}

// shows wants lines of hubbub tap that match, one after the other.
func shows(ts *testscript.TestScript, _ bool, patterns []string) {
	late := time.After(20 * time.Second)
	var seen []string
	for _, p := range patterns {
		for found := false; !found; {
			select {
			case line, open := <-tapOf(ts).lines:
				if !open {
					ts.Fatalf("nothing matches %s in\n%s", p, strings.Join(seen, "\n"))
				}
				seen = append(seen, line)
				found = regexp.MustCompile(p).MatchString(line)
			case <-late:
				ts.Fatalf("nothing matches %s in\n%s", p, strings.Join(seen, "\n"))
			}
		}
	}
}

// unfollow ends hubbub tap as Ctrl+C does, and wants status 0.
func unfollow(ts *testscript.TestScript, _ bool, _ []string) {
	t := tapOf(ts)
	ts.Check(t.cmd.Process.Signal(syscall.SIGINT))
	for range t.lines { // to its end, before Wait closes it
	}
	ts.Check(t.cmd.Wait())
}

// hangup closes the pipe that hubbub tap writes to, has something to be written, and
// wants status 0.
func hangup(ts *testscript.TestScript, _ bool, _ []string) {
	t := tapOf(ts)
	t.out.Close()
	ts.Check(t.socket.Write(context.Background(), websocket.MessageText, []byte("for nobody")))
	ts.Check(t.cmd.Wait())
}

// socket opens a socket: socket URL [SUBPROTOCOL].
func socket(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, strings.Replace(args[0], "http", "ws", 1), &websocket.DialOptions{Subprotocols: args[1:]})
	ts.Check(err)
	ts.Defer(func() { c.CloseNow() })
	go func() { // pings are answered by whoever reads
		for {
			if _, _, err := c.Read(context.Background()); err != nil {
				return
			}
		}
	}()
	tapOf(ts).socket = c
}

// say sends a text; \e stands for the escape character.
func say(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(strings.Join(args, " "), `\e`, "\x1b")
	ts.Check(tapOf(ts).socket.Write(context.Background(), websocket.MessageText, []byte(text)))
}
