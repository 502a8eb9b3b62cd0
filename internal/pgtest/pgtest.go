// Package pgtest gives tests a real PostgreSQL: a server of their own, from the programs
// on this machine, or the one that HUBBUB_TEST_POSTGRES names.
package pgtest

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"hubbub/internal/pgserver"
)

// The environment: a server to use instead of an own one, as postgres://…, whose role may
// create databases; where the data of an own one lies; and whether it is a failure that there is none.
const (
	serverVariable = "HUBBUB_TEST_POSTGRES"
	folderVariable = "HUBBUB_TEST_POSTGRES_DIR"
	needsVariable  = "HUBBUB_TEST_NEEDS"
)

// Server is a running PostgreSQL.
type Server struct {
	*pgserver.Server

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
		shared.Close()
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
	s := &Server{templates: map[string]*template{}}
	var err error
	if url := os.Getenv(serverVariable); url != "" {
		if s.Server, err = pgserver.Other(url); err != nil {
			return nil, fmt.Errorf("%s: %w", serverVariable, err)
		}
		return s, nil
	}
	if s.Server, err = pgserver.Start(pgserver.Options{Parent: os.Getenv(folderVariable)}); err != nil {
		return nil, fmt.Errorf("%w; or name a server in %s", err, serverVariable)
	}
	return s, nil
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
			tmpl.err = fill(s.URL(name))
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
	return s.URL(name)
}
