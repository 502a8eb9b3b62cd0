package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hubbub/internal/explain"
	"hubbub/internal/proxy"
	"hubbub/internal/server"
	"hubbub/internal/tap"
)

// tapping is the command that shows what passes on sockets.
type tapping struct {
	admin
	listen, to string
	json, bits bool
}

func newTap() *cobra.Command {
	var t tapping
	c := t.command("tap [ID]", "Show what passes on WebSocket connections, frame by frame, in plain words", cobra.MaximumNArgs(1), t.follow)
	c.Long = `Without an argument, list the connections of the running server. With the number of
one, follow it: each frame with its header and what it means.

With --listen and --to, stand between any WebSocket client and any server, and explain
what passes, from the handshake on:

  hubbub tap --listen 127.0.0.1:3001 --to ws://127.0.0.1:3000

Everything is passed on as it comes, but Host (and Origin, if it names the proxy itself);
what is no WebSocket too, so a page can be opened at http://127.0.0.1:3001. Tokens and
cookies are not shown. If frames come faster than they can be written, some are left out
and counted; the connection does not wait.`
	asked := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		signal.Ignore(syscall.SIGPIPE) // a pipe that closes is the end, and no failure
		err := t.choose(c, args, asked)
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
			return nil
		}
		return err
	}
	f := c.Flags()
	f.StringVar(&t.listen, "listen", "", "`address` and port to stand at, such as 127.0.0.1:3001; port 0 takes a free one")
	f.StringVar(&t.to, "to", "", "`address` of the server to pass everything on to, ws://… or wss://…")
	f.BoolVar(&t.json, "json", false, "print records, one JSON object a line, as docs/wire-view.md has them")
	f.BoolVarP(&t.bits, "verbose", "v", false, "lay out the header of each frame, bit by bit")
	return c
}

// choose runs what the flags ask for.
func (t *tapping) choose(c *cobra.Command, args []string, asked func(*cobra.Command, []string) error) error {
	switch {
	case t.listen == "" && t.to == "":
		return asked(c, args)
	case t.listen == "" || t.to == "":
		return usagef("--listen and --to go together")
	case len(args) > 0:
		return usagef("hubbub tap takes a connection, or --listen and --to")
	}
	return t.between(c)
}

// between is the proxy.
func (t *tapping) between(c *cobra.Command) error {
	ring := tap.NewRing(ringBytes)
	p, err := proxy.New(t.to, ring, nil)
	if err != nil {
		return usagef("--to: %v", err)
	}
	l, err := net.Listen("tcp", t.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", t.listen, err)
	}
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	fmt.Fprintf(c.ErrOrStderr(), "connect to ws://%s, which leads to %s; stop with Ctrl+C\n", l.Addr(), t.to)
	served := make(chan error, 1)
	go func() {
		served <- p.Serve(ctx, l)
		ring.Close()
	}()
	err = t.printRing(c.OutOrStdout(), ring)
	cancel()
	return errors.Join(err, <-served)
}

// ringBytes of records wait to be printed, at most.
const ringBytes = 8 << 20

// printRing prints what comes into a ring, until that is closed.
func (t *tapping) printRing(w io.Writer, ring *tap.Ring) error {
	out, write := bufio.NewWriter(w), t.printer()
	for {
		for _, rec := range ring.Take() {
			if _, err := out.WriteString(write(rec)); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		select {
		case <-ring.Wake():
		case <-ring.Gone():
			return nil
		}
	}
}

// printer returns how records are written.
func (t *tapping) printer() func(tap.Record) string {
	if t.json {
		return func(rec tap.Record) string { return string(rec.Line()) }
	}
	p := explain.Printer{Bits: t.bits, Zone: time.Local}
	return p.Print
}

// connection is one of the server's.
type connection struct {
	ID      uint64 `json:"id"`
	Dialect string `json:"dialect"`
	Person  *struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"person,omitempty"`
	Address string `json:"address"`
	Since   int64  `json:"since"` // Unix milliseconds
	Rooms   int    `json:"rooms"`
}

// follow lists the connections, or follows one.
func (t *tapping) follow(c *cobra.Command, s *server.Admin, args []string) error {
	if !s.Running() {
		return fmt.Errorf("no hubbub runs with the folder %s; --data names another, and --listen with --to watches any server", t.data)
	}
	var answer struct{ Connections []connection }
	if err := s.Ask(c.Context(), "GET", "/api/connections", nil, &answer); err != nil {
		return err
	}
	if len(args) == 0 {
		return t.list(c.OutOrStdout(), answer.Connections)
	}
	id, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return usagef("connections have numbers, and %q is none; 'hubbub tap' lists them", args[0])
	}
	p := explain.Printer{Bits: t.bits, Zone: time.Local}
	for _, one := range answer.Connections {
		if one.ID == id {
			p.Know(id, one.Dialect)
		}
	}
	body, err := s.Stream(c.Context(), "/api/connections/"+url.PathEscape(args[0])+"/wire")
	if err != nil {
		return err
	}
	defer body.Close()
	fmt.Fprintf(c.ErrOrStderr(), "following connection %d; stop with Ctrl+C\n", id)
	err = t.printStream(c.OutOrStdout(), body, &p)
	if c.Context().Err() != nil {
		return nil // Ctrl+C
	}
	return err
}

func (t *tapping) list(w io.Writer, all []connection) error {
	if t.json {
		return json.NewEncoder(w).Encode(all)
	}
	rows := [][]string{{"ID", "SPEAKS", "PERSON", "ADDRESS", "SINCE", "ROOMS"}}
	for _, one := range all {
		person := "-"
		if one.Person != nil {
			person = explain.Clean(one.Person.Name)
		}
		rows = append(rows, []string{strconv.FormatUint(one.ID, 10), one.Dialect, person, one.Address, time.UnixMilli(one.Since).Format("15:04:05"), strconv.Itoa(one.Rooms)})
	}
	table(w, rows)
	return nil
}

// maxLine bounds a record of the server's, in bytes.
const maxLine = 4 << 20

// printStream prints the records of an answer as they come.
func (t *tapping) printStream(w io.Writer, in io.Reader, p *explain.Printer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		text := lines.Text() + "\n"
		var rec tap.Record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			slog.Debug("read a record", "err", err)
			continue
		}
		if !t.json {
			text = p.Print(rec)
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil && !strings.Contains(err.Error(), "EOF") {
		return err
	}
	return nil
}
