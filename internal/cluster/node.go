package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// Config is what one node gets. It may be changed while the node does not run: another
// program, other flags.
type Config struct {
	Number   int      // from 1
	Bin      string   // the program
	Data     string   // its folder
	Host     string   // address to listen on
	Port     int      // 0: a free one, and the same again after the first start
	Database string   // postgres://…
	NATS     string   // nats://…; empty: none
	Metrics  string   // address and port; empty: a free port of loopback
	Flags    []string // more of them
	Env      []string // NAME=value, beside PATH and HOME
	Wrap     []string // a command that runs the program, such as ip netns exec n1
	Log      string   // file for what it says; empty: log in its folder
}

// Node is a hubbub in a process of its own. Its methods may be called from any goroutine.
type Node struct {
	Config
	URL string // where it answers, known after the first start

	mu    sync.Mutex
	said  []string // what it printed when it started
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // of its end
}

// stopTime is how long a node may take to stop in good order.
const stopTime = 2 * time.Minute

// ErrRuns says that a node runs already.
var ErrRuns = errors.New("the node runs already")

// Start starts it, where it was before, and returns when it listens.
func (n *Node) Start(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running() {
		return ErrRuns
	}
	if err := os.MkdirAll(n.Data, 0o700); err != nil {
		return err
	}
	if n.Metrics == "" {
		port, err := freePort("127.0.0.1")
		if err != nil {
			return err
		}
		n.Metrics = fmt.Sprint("127.0.0.1:", port)
	}
	if n.Log == "" {
		n.Log = filepath.Join(n.Data, "log")
	}
	cmd := n.command()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(n.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log
	if err := spawn(cmd); err != nil {
		return err
	}
	n.cmd, n.ended = cmd, make(chan struct{})
	return n.greeted(ctx, out)
}

func (n *Node) command() *exec.Cmd {
	args := append([]string{}, n.Wrap...)
	args = append(args, n.Bin, "serve", "--listen", net.JoinHostPort(n.Host, fmt.Sprint(n.Port)), "--data", n.Data, "--database", n.Database, "--metrics", n.Metrics)
	if n.NATS != "" {
		args = append(args, "--nats", n.NATS)
	}
	args = append(args, n.Flags...)
	cmd := exec.Command(args[0], args[1:]...)
	for _, name := range []string{"PATH", "HOME"} {
		cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
	}
	cmd.Env = append(cmd.Env, n.Env...)
	return cmd
}

// greeted waits for what a node prints when it listens, and collects it when it ends.
func (n *Node) greeted(ctx context.Context, out io.Reader) error {
	cmd, ended, greeting := n.cmd, n.ended, make(chan []string, 1)
	go func() {
		defer close(ended)
		var said []string
		for s := bufio.NewScanner(out); s.Scan(); {
			said = append(said, s.Text())
			if len(said) > 2 && s.Text() == "" {
				greeting <- said
				break
			}
		}
		io.Copy(io.Discard, out)
		n.err = cmd.Wait()
	}()
	var err error
	select {
	case n.said = <-greeting:
		return n.address()
	case <-ended:
		return fmt.Errorf("it did not start: %w%s", n.err, n.lastWords())
	case <-ctx.Done():
		err = ctx.Err()
	}
	n.signal(syscall.SIGKILL)
	<-ended
	return err
}

var printed = regexp.MustCompile(`^\s+(open|own)\s+(http\S+)`)

// greeting returns an address of those that it printed, or "".
func (n *Node) greeting(name string) string {
	for _, line := range n.said {
		if m := printed.FindStringSubmatch(line); m != nil && m[1] == name {
			return m[2]
		}
	}
	return ""
}

// OwnerLink returns the link that it printed when it started, if nobody owned the place.
func (n *Node) OwnerLink() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.greeting("own")
}

// address learns where a node listens, so that it does so again.
func (n *Node) address() error {
	if n.URL != "" {
		return nil
	}
	u, err := url.Parse(n.greeting("open"))
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(u.Port(), &n.Port); err != nil {
		return fmt.Errorf("it did not say where it listens: %q", n.said)
	}
	n.URL = "http://" + net.JoinHostPort(n.Host, u.Port())
	return nil
}

// lastWords are the end of its log.
func (n *Node) lastWords() string {
	b, _ := os.ReadFile(n.Log)
	return "\n" + string(b[max(0, len(b)-2000):])
}

func (n *Node) running() bool {
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

// Running says whether its process is there.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running()
}

// Pid returns its process, or that of what wraps it; 0: it does not run.
func (n *Node) Pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return 0
	}
	return n.cmd.Process.Pid
}

// signal tells the process, and what it has started.
func (n *Node) signal(s syscall.Signal) error {
	if !n.running() {
		return nil
	}
	return syscall.Kill(-n.cmd.Process.Pid, s)
}

// Kill ends it as a crash does, and returns when it is gone.
func (n *Node) Kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return nil
	}
	err := n.signal(syscall.SIGKILL)
	<-n.ended
	return err
}

// Stop ends it as an operator does, and returns when it is gone. It is an error if it did
// not end well.
func (n *Node) Stop() error {
	n.mu.Lock()
	if !n.running() {
		n.mu.Unlock()
		return nil
	}
	ended := n.ended
	err := n.signal(syscall.SIGTERM)
	n.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-ended:
		if n.err != nil {
			return fmt.Errorf("node %d: stop: %w%s", n.Number, n.err, n.lastWords())
		}
		return nil
	case <-time.After(stopTime):
		return errors.Join(fmt.Errorf("node %d does not stop", n.Number), n.Kill())
	}
}

// Pause stops it where it is, until Resume.
func (n *Node) Pause() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.signal(syscall.SIGSTOP)
}

// Resume lets it go on.
func (n *Node) Resume() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.signal(syscall.SIGCONT)
}

func freePort(host string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
