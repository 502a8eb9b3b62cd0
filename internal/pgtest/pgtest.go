// Package pgtest gives tests a real PostgreSQL: a server of their own, from the programs
// on this machine, or the one that HUBBUB_TEST_POSTGRES names.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The environment: a server to use instead of an own one, as postgres://…, whose role may
// create databases; and whether it is a failure that there is none.
const (
	serverVariable = "HUBBUB_TEST_POSTGRES"
	needsVariable  = "HUBBUB_TEST_NEEDS"
)

// Server is a running PostgreSQL.
type Server struct {
	url  *url.URL // of the database postgres
	dir  string   // "": it is not ours
	bin  string
	port int

	guarding *exec.Cmd
	guarded  io.Closer

	mu        sync.Mutex
	templates map[string]*template
}

type template struct {
	once sync.Once
	err  error
}

var (
	shared     *Server
	sharedErr  error
	sharedOnce sync.Once
)

// Main runs the tests of a package, and ends the server behind them. It is for TestMain.
func Main(m *testing.M) int {
	defer Stop()
	return m.Run()
}

// Stop ends the server, if one was started, or takes off another what was left there.
func Stop() {
	switch {
	case shared == nil:
	case shared.Ours():
		shared.remove()
	default:
		for name := range shared.templates {
			shared.Exec("DROP DATABASE IF EXISTS " + templateName(name))
		}
	}
}

func templateName(name string) string { return fmt.Sprintf("hubbub_template_%s_%d", name, os.Getpid()) }

// Start returns the server of this process. Where there is none the test is skipped, or
// fails if HUBBUB_TEST_NEEDS is set.
func Start(t testing.TB) *Server {
	t.Helper()
	sharedOnce.Do(func() { shared, sharedErr = open() })
	if sharedErr != nil {
		if os.Getenv(needsVariable) != "" {
			t.Fatal(sharedErr)
		}
		t.Skipf("SKIPPED, nothing of PostgreSQL was tested: %v", sharedErr)
	}
	return shared
}

func open() (*Server, error) {
	if text := os.Getenv(serverVariable); text != "" {
		u, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", serverVariable, err)
		}
		return &Server{url: u, templates: map[string]*template{}}, nil
	}
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, templates: map[string]*template{}}
	if err := s.create(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// programs finds the newest PostgreSQL of the machine.
func programs() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", fmt.Errorf("there is no PostgreSQL: install Debian's package postgresql, or name a server in %s", serverVariable)
	}
	path, err = filepath.EvalSymlinks(path)
	return filepath.Dir(path), err
}

// create makes a server in a folder of its own. In memory, where there is room: the disk
// is synced as always, and takes no time.
func (s *Server) create() (err error) {
	parent := os.Getenv("HUBBUB_TEST_POSTGRES_DIR")
	if parent == "" {
		parent = "/dev/shm"
		if _, err := os.Stat(parent); err != nil {
			parent = os.TempDir()
		}
	}
	if s.dir, err = os.MkdirTemp(parent, "hubbub-postgres-"); err != nil {
		return err
	}
	if err := s.guard(); err != nil {
		return err
	}
	owner, err := s.owner()
	if err != nil {
		return err
	}
	if owner != nil {
		uid, _ := strconv.Atoi(owner.Uid)
		gid, _ := strconv.Atoi(owner.Gid)
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
	}
	out, err := s.command("initdb", "-D", s.data(), "-U", "hubbub", "-A", "trust", "-E", "UTF8", "--no-locale", "-N").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	s.url = &url.URL{Scheme: "postgres", User: url.User("hubbub"), Host: fmt.Sprint("127.0.0.1:", s.port), Path: "/postgres"}
	return s.Up()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// owner is who runs the server, where that is not who runs the tests: PostgreSQL refuses
// to run as root.
func (s *Server) owner() (*user.User, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	return user.Lookup("postgres")
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	path := filepath.Join(s.bin, name)
	if os.Getuid() == 0 {
		args = append([]string{"-u", "postgres", "--", path}, args...)
		path = "runuser"
	}
	c := exec.Command(path, args...)
	c.Dir = s.dir
	return c
}

// Ours says whether the server is the tests' own, to be killed and set as they like.
func (s *Server) Ours() bool { return s.dir != "" }

// Up starts the server and waits until it answers.
func (s *Server) Up() error {
	out, err := s.command("pg_ctl", "start", "-w", "-t", "60", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-o",
		fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories='' -c max_connections=200 -c deadlock_timeout=100ms", s.port)).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("pg_ctl start: %w: %s%s", err, out, log)
	}
	return nil
}

// Pid returns the postmaster's.
func (s *Server) Pid() (int, error) {
	b, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strconv.Atoi(line)
}

// Kill ends the server with kill -9, and waits until it and all it has started are gone.
func (s *Server) Kill() error {
	pid, err := s.Pid()
	if err != nil {
		return err
	}
	children, err := childrenOf(pid)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	for _, child := range children { // as a power cut takes them too
		syscall.Kill(child, syscall.SIGKILL)
	}
	for _, p := range append(children, pid) {
		for begun := time.Now(); alive(p); time.Sleep(time.Millisecond) {
			if time.Since(begun) > 30*time.Second {
				return fmt.Errorf("process %d does not end", p)
			}
		}
	}
	// Where nobody collects the dead, the server would take its predecessor for alive.
	return os.Remove(filepath.Join(s.data(), "postmaster.pid"))
}

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}

func childrenOf(pid int) (children []int, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		b, e := os.ReadFile(path)
		if e != nil {
			return nil, e
		}
		for _, field := range strings.Fields(string(b)) {
			n, e := strconv.Atoi(field)
			err = errors.Join(err, e)
			children = append(children, n)
		}
	}
	return children, err
}

// Down ends the server in good order.
func (s *Server) Down() error {
	out, err := s.command("pg_ctl", "stop", "-w", "-m", "fast", "-D", s.data()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_ctl stop: %w: %s", err, out)
	}
	return nil
}

// Set changes a setting, and returns when new connections have it.
func (s *Server) Set(name, value string) error {
	if err := s.Exec("ALTER SYSTEM SET "+name+" = "+value, "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < 30*time.Second; time.Sleep(time.Millisecond) {
		err := s.Exec(fmt.Sprintf("DO $$ BEGIN IF current_setting('%s') <> '%s' THEN RAISE 'not yet'; END IF; END $$", name, value))
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s does not become %s", name, value)
}

// Log returns what the server has said.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(b)
}

// Folder returns where the server has its data.
func (s *Server) Folder() string { return s.data() }

// guard has the server ended and its folder removed when this process ends, however it
// does: it waits for the end of a pipe.
func (s *Server) guard() error {
	stop := s.command("pg_ctl", "stop", "-w", "-m", "immediate", "-D", s.data())
	script := `cat; "$@"; rm -rf "$0"`
	s.guarding = exec.Command("sh", append([]string{"-c", script, s.dir}, stop.Args...)...)
	s.guarding.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // who interrupts the tests does not interrupt it
	var err error
	if s.guarded, err = s.guarding.StdinPipe(); err != nil {
		return err
	}
	return s.guarding.Start()
}

func (s *Server) remove() {
	if s.guarding != nil && s.guarded.Close() == nil {
		s.guarding.Wait()
	}
}

// Exec runs statements in the database postgres.
func (s *Server) Exec(statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Database makes an empty database for a test, and returns its address.
func (s *Server) Database(t testing.TB) string { return s.make(t, "template0") }

// From makes a database as the function leaves its own: it is called once for a name.
func (s *Server) From(t testing.TB, name string, fill func(url string) error) string {
	t.Helper()
	s.mu.Lock()
	tmpl := s.templates[name]
	if tmpl == nil {
		tmpl = new(template)
		s.templates[name] = tmpl
	}
	s.mu.Unlock()
	name = templateName(name)
	tmpl.once.Do(func() {
		if tmpl.err = s.Exec("CREATE DATABASE " + name + " TEMPLATE template0"); tmpl.err == nil {
			tmpl.err = fill(s.of(name))
		}
	})
	if tmpl.err != nil {
		t.Fatal(tmpl.err)
	}
	return s.make(t, name)
}

func (s *Server) make(t testing.TB, template string) string {
	t.Helper()
	name := "hubbub_test_" + strings.ToLower(rand.Text())
	if err := s.Exec("CREATE DATABASE " + name + " TEMPLATE " + template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.of(name)
}

func (s *Server) of(database string) string {
	u := *s.url
	u.Path = "/" + database
	return u.String()
}
