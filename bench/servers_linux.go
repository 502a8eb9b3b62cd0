package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// contender is a server as its users would run it, on one core.
type contender struct {
	name    string
	command func(port int, dir string) *exec.Cmd
	dialect string // what the load is told of it
}

func contenders(bin, peers string) []contender {
	hubbub := func(port int, dir string) *exec.Cmd {
		return exec.Command(bin, "serve", "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--data", dir, "--limits", "off")
	}
	peer := func(name string) func(int, string) *exec.Cmd {
		return func(port int, _ string) *exec.Cmd { return exec.Command(peers, name, strconv.Itoa(port)) }
	}
	tutorial := func(port int, _ string) *exec.Cmd {
		return exec.Command("node", "bench/peers/tutorial/app.js", strconv.Itoa(port))
	}
	return []contender{ // the first is what the others are compared with
		{"the tutorial's server (Node, ws)", tutorial, ""},
		{"a hub on gorilla/websocket, PreparedMessage", peer("gorilla"), ""},
		{"Centrifugo's library, engine in memory", peer("centrifuge"), "fuge=1"},
		{"one write(2) for each delivery and nothing else", peer("floor"), ""},
		{plainText, hubbub, ""},
		{hubbubV1, hubbub, "v1=1"},
	}
}

const (
	plainText = "hubbub, plain text"
	hubbubV1  = "hubbub, hubbub.v1"
)

// server is a contender that runs.
type server struct {
	cmd  *exec.Cmd // nil: it was started elsewhere
	pid  int
	port int
	dir  string
}

// start runs a contender on core 0 and waits until it answers.
func (c contender) start(ctx context.Context, more ...string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	dir, err := os.MkdirTemp("", "hubbub-bench-")
	if err != nil {
		return nil, err
	}
	cmd := c.command(port, filepath.Join(dir, "data"))
	cmd.Args = append(cmd.Args, more...)
	pinned := exec.CommandContext(ctx, "taskset", append([]string{"-c", "0", cmd.Path}, cmd.Args[1:]...)...)
	pinned.Env = append(os.Environ(), "GOMAXPROCS=1")
	pinned.Stderr = os.Stderr
	if err := pinned.Start(); err != nil {
		return nil, err
	}
	s := &server{pinned, pinned.Process.Pid, port, dir}
	for range 500 {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			conn.Close()
			return s, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("%s does not answer", c.name)
}

func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
	os.RemoveAll(s.dir)
}

// cpu returns the processor time that the server has used.
func (s *server) cpu() time.Duration { return used(s.pid) }

// used returns the processor time of a process.
func used(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte(") "))
	fields := strings.Fields(string(rest))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // a tick is 10 ms on Linux
}

// memory returns what the server holds in memory, in bytes.
func (s *server) memory() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.pid))
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(b))[1])
	return float64(pages * os.Getpagesize())
}

// helper is one of this program's processes on the other core.
type helper struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	errs  bytes.Buffer
}

func (s *server) helper(ctx context.Context, program string, settings ...string) (*helper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append([]string{"-c", "1", self, program, "port=" + strconv.Itoa(s.port), "pid=" + strconv.Itoa(s.pid)}, settings...)
	h := &helper{cmd: exec.CommandContext(ctx, "taskset", args...)}
	if program == "hostile" { // it shares a core with the load, which is not to suffer from that
		h.cmd = exec.CommandContext(ctx, "nice", append([]string{"-n", "19", "taskset"}, args...)...)
	}
	h.cmd.Stderr = &h.errs
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.lines = bufio.NewScanner(out)
	return h, h.cmd.Start()
}

// says waits for a line of the helper.
func (h *helper) says() string {
	h.lines.Scan()
	return h.lines.Text()
}

// ends reads what the helper found, its last line.
func (h *helper) ends(result any) error {
	line := h.says()
	h.in.Close()
	if err := h.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, h.errs.String())
	}
	return json.Unmarshal([]byte(line), result)
}

// attempt runs the load once, and returns the processor time that the server
// took without what the connections cost.
func (c contender) attempt(ctx context.Context, s *server, settings ...string) (*figures, time.Duration, error) {
	h, err := s.helper(ctx, "load", append(strings.Fields(c.dialect), settings...)...)
	if err != nil {
		return nil, 0, err
	}
	for line := h.says(); line == "prepared"; {
		line = h.says() // "ready"
	}
	before := s.cpu()
	f := new(figures)
	h.lines.Scan()
	used := s.cpu() - before
	line := bytes.Clone(h.lines.Bytes())
	h.in.Close()
	if err := h.cmd.Wait(); err != nil {
		return nil, used, fmt.Errorf("%w: %s", err, h.errs.String())
	}
	return f, used, json.Unmarshal(line, f)
}

// machine describes where this runs.
func machine() string {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s, %d cores, Linux %s, %s", model, runtime.NumCPU(), strings.TrimSpace(string(kernel)), runtime.Version())
}
