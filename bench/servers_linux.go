package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
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
	path    string
	dialect string
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
		{"the tutorial's server (Node, ws)", tutorial, "/", "plain"},
		{"a hub on gorilla/websocket, PreparedMessage", peer("gorilla"), "/", "plain"},
		{"one write(2) for each delivery and nothing else", peer("floor"), "/", "plain"},
		{"hubbub, plain text", hubbub, "/", "plain"},
		{"hubbub, hubbub.v1", hubbub, "/", "v1"},
	}
}

// server is a contender that runs.
type server struct {
	cmd  *exec.Cmd
	port int
	dir  string
}

// start runs a contender on core 0 and waits until it answers.
func (c contender) start(ctx context.Context) (*server, error) {
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
	pinned := exec.CommandContext(ctx, "taskset", append([]string{"-c", "0", cmd.Path}, cmd.Args[1:]...)...)
	pinned.Env = append(os.Environ(), "GOMAXPROCS=1")
	pinned.Stderr = os.Stderr
	if err := pinned.Start(); err != nil {
		return nil, err
	}
	s := &server{pinned, port, dir}
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
func (s *server) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte(") "))
	fields := strings.Fields(string(rest))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // a tick is 10 ms on Linux
}

// guest makes an identity for a member of hubbub.v1.
func guest(port int, name string) (string, error) {
	body := fmt.Sprintf(`{"name":%q,"token":true}`, name)
	resp, err := http.Post(fmt.Sprintf("http://localhost:%d/api/guests", port), "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var made struct{ Token string }
	if err := json.Unmarshal(answer, &made); err != nil || made.Token == "" {
		return "", fmt.Errorf("make a guest: %s %s", resp.Status, answer)
	}
	return made.Token, nil
}

// attempt runs the load once, in a process of its own on core 1.
func attempt(ctx context.Context, c contender, s *server, members, rate int, last time.Duration) (*figures, time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", "1", self, "load", "port="+strconv.Itoa(s.port), "path="+c.path, "dialect="+c.dialect,
		"members="+strconv.Itoa(members), "senders=10", "rate="+strconv.Itoa(rate), "ms="+strconv.Itoa(int(last.Milliseconds())))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	// The load says "ready" when its members are connected and it begins to talk.
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	lines := bufio.NewScanner(pipe)
	lines.Scan()
	before := s.cpu()
	lines.Scan()
	used := s.cpu() - before
	out := bytes.Clone(lines.Bytes())
	err = cmd.Wait()
	if err != nil {
		return nil, used, fmt.Errorf("%w: %s", err, errs.String())
	}
	var f figures
	err = json.Unmarshal(out, &f)
	return &f, used, err
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
