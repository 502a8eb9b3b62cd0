// Package pgserver runs a PostgreSQL from the programs on this machine: for tests, for
// what breaks things, and for trying many nodes. No server that people use needs it.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Options say where a server is. The zero value is one on loopback, on a free port, whose
// data is in memory where there is room, and goes with it.
type Options struct {
	Dir      string   // folder for its data, which is kept; empty: one that goes with the server
	Parent   string   // where such a one is made; empty: in memory, where there is room
	Host     string   // address to listen on; empty: 127.0.0.1. Beyond loopback it trusts its networks
	Port     int      // 0: a free one
	Settings []string // more settings, name=value
}

// Server is a running PostgreSQL. Its methods are for one goroutine, but for URL.
type Server struct {
	url      *url.URL // of the database postgres
	dir      string   // "": it is not ours
	bin      string
	host     string
	port     int
	settings []string
	kept     bool

	guarding *exec.Cmd
	guarded  io.Closer
}

// ErrNone says that this machine has no PostgreSQL.
var ErrNone = errors.New("there is no PostgreSQL: install Debian's package postgresql")

// Other returns a server that is not ours, to be used and not to be broken.
func Other(address string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return &Server{url: u}, nil
}

// Start makes a server, or starts the one whose data is there. It ends with Close, or
// when this process does.
func Start(o Options) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, host: o.Host, port: o.Port, settings: o.Settings, kept: o.Dir != ""}
	if s.host == "" {
		s.host = "127.0.0.1"
	}
	if err := s.create(o); err != nil {
		s.Close()
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
		return "", ErrNone
	}
	path, err = filepath.EvalSymlinks(path)
	return filepath.Dir(path), err
}

// create makes the folder, and what is to be in it.
func (s *Server) create(o Options) (err error) {
	if s.dir, err = folder(o); err != nil {
		return err
	}
	if err := s.guard(); err != nil {
		return err
	}
	if err := s.own(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err != nil {
		if err := s.initialize(); err != nil {
			return err
		}
	}
	if s.port == 0 {
		l, err := net.Listen("tcp", net.JoinHostPort(s.host, "0"))
		if err != nil {
			return err
		}
		s.port = l.Addr().(*net.TCPAddr).Port
		l.Close()
	}
	s.url = &url.URL{Scheme: "postgres", User: url.User("hubbub"), Host: net.JoinHostPort(s.host, fmt.Sprint(s.port)), Path: "/postgres"}
	return s.Up()
}

// folder makes the folder. In memory, where there is room: the disk is synced as always,
// and takes no time.
func folder(o Options) (string, error) {
	if o.Dir != "" {
		dir, err := filepath.Abs(o.Dir)
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
		return dir, err
	}
	if o.Parent == "" {
		o.Parent = "/dev/shm"
		if _, err := os.Stat(o.Parent); err != nil {
			o.Parent = os.TempDir()
		}
	}
	return os.MkdirTemp(o.Parent, "hubbub-postgres-")
}

func (s *Server) initialize() error {
	args := []string{"-D", s.data(), "-U", "hubbub", "-A", "trust", "-E", "UTF8", "--no-locale"}
	if !s.kept {
		args = append(args, "-N")
	}
	if out, err := s.command("initdb", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if a, err := netip.ParseAddr(s.host); err == nil && a.IsLoopback() {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(s.data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("host all all samenet trust\n")
	return errors.Join(err, f.Close())
}

// own gives the folder to who runs the server.
func (s *Server) own() error {
	owner, err := s.owner()
	if err != nil || owner == nil {
		return err
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	if err := os.Chown(s.dir, uid, gid); err != nil {
		return err
	}
	if out, err := exec.Command("runuser", "-u", owner.Username, "--", "test", "-x", s.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("PostgreSQL does not run as root, and the user %s may not enter %s: choose a folder that is open to it %s", owner.Username, s.dir, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// owner is who runs the server, where that is not who runs this: PostgreSQL refuses to
// run as root.
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

// Ours says whether the server is our own, to be killed and set as one likes.
func (s *Server) Ours() bool { return s.dir != "" }

// Up starts the server and waits until it answers.
func (s *Server) Up() error {
	options := fmt.Sprintf("-c listen_addresses=%s -c port=%d -c unix_socket_directories='' -c max_connections=200 -c deadlock_timeout=100ms", s.host, s.port)
	for _, setting := range s.settings {
		options += " -c " + setting
	}
	out, err := s.command("pg_ctl", "start", "-w", "-t", "60", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-o", options).CombinedOutput()
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

// guard has the server ended, and its folder removed unless it is kept, when this process
// ends, however it does: it waits for the end of a pipe.
func (s *Server) guard() error {
	script, mode := `cat; "$@"; rm -rf "$0"`, "immediate"
	if s.kept {
		script, mode = `cat; "$@"`, "fast"
	}
	stop := s.command("pg_ctl", "stop", "-w", "-m", mode, "-D", s.data())
	s.guarding = exec.Command("sh", append([]string{"-c", script, s.dir}, stop.Args...)...)
	s.guarding.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // who interrupts this process does not interrupt it
	var err error
	if s.guarded, err = s.guarding.StdinPipe(); err != nil {
		return err
	}
	return s.guarding.Start()
}

// Close ends the server, if it is ours.
func (s *Server) Close() {
	if s.guarding != nil && s.guarded.Close() == nil {
		s.guarding.Wait()
	}
}

// URL returns the address of a database.
func (s *Server) URL(database string) string {
	u := *s.url
	u.Path = "/" + database
	return u.String()
}

// Database makes a database if there is none of that name, and returns its address.
func (s *Server) Database(name string) (string, error) {
	err := s.Exec("CREATE DATABASE " + pgx.Identifier{name}.Sanitize() + " TEMPLATE template0")
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P04" { // it is there
		err = nil
	}
	return s.URL(name), err
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
