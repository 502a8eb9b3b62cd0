package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain is the command itself where a test runs it: namespaces are for processes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "cluster" || os.Args[1] == "nats") {
		main()
		return
	}
	code := m.Run()
	if built != "" {
		os.RemoveAll(filepath.Dir(built))
	}
	os.Exit(code)
}

// A little of everything that breaks a cluster. The figures in docs/faults.md are of long
// runs.
func TestCluster(t *testing.T) {
	if err := canIsolate(); errors.Is(err, exec.ErrNotFound) && os.Getenv("HUBBUB_TEST_NEEDS") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skipf("SKIPPED, no cluster was broken: %v", err)
	}
	args := []string{"cluster", "mixed", "--bin", program(t), "--times", "2", "--lasts", "500ms"}
	cmd := command(t.Context(), args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}

// Each edit that takes something away finds what it changes.
func TestMutants(t *testing.T) {
	for name, m := range mutants {
		if _, err := m.overlay(t.Context(), t.TempDir()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
