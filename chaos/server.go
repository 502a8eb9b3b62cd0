package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	_ "modernc.org/sqlite"
)

// process is the real program, started again and again on one port and folder.
type process struct {
	bin, data, sabotage string
	url                 string // known after the first start
	cmd                 *exec.Cmd
}

var opening = regexp.MustCompile(`open\s+(http://\S+)`)

// start returns when the server says that it listens.
func (p *process) start(ctx context.Context) error {
	if err := p.breakDedup(); err != nil {
		return err
	}
	listen := "127.0.0.1:0"
	if u, err := url.Parse(p.url); err == nil && p.url != "" {
		listen = "127.0.0.1:" + u.Port()
	}
	p.cmd = exec.CommandContext(ctx, p.bin, "serve", "--listen", listen, "--data", p.data, "--limits", "off")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		if m := opening.FindStringSubmatch(s.Text()); m != nil {
			p.url = m[1]
			return nil
		}
	}
	return fmt.Errorf("the server did not start: %w", p.cmd.Wait())
}

// kill ends the process as a crash does.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// stop ends it as an operator does, and wants that to be quick and clean.
func (p *process) stop() error {
	begun := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		return fmt.Errorf("it took %v to stop", took)
	}
	return nil
}

// breakDedup takes away what keeps a resent message single: a checker that has
// never been seen to fail proves nothing.
func (p *process) breakDedup() error {
	if p.sabotage != "dedup" {
		return nil
	}
	path := filepath.Join(p.data, "hubbub.db")
	if _, err := os.Stat(path); err != nil {
		return nil // the first start makes it
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("DROP INDEX IF EXISTS events_by_id")
	return err
}
