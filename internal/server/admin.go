package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"hubbub/internal/api"
	"hubbub/internal/chat"
	"hubbub/internal/gate"
	"hubbub/internal/hub"
	"hubbub/internal/ws"
)

// Admin asks a server as its operator: a running one on its private socket, or else the
// data folder or the database itself, by the same handler.
type Admin struct {
	running bool // a server is asked, and not what it keeps
	send    func(*http.Request) (*http.Response, error)
	close   func() error
}

const baseSetting = "base" // where links led when the server last ran

// OpenAdmin finds the server of a data folder, where one is named and it runs, or else the
// database, where one is named; nodes that use it hear of what is done within a second or
// two. Its errors are sentences for the operator.
func OpenAdmin(ctx context.Context, data, database string, log *slog.Logger) (*Admin, error) {
	if data != "" {
		path := AdminSocket(data)
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			}}
			return &Admin{true, t.RoundTrip, func() error { t.CloseIdleConnections(); return nil }}, nil
		}
	}
	store, err := openKept(ctx, data, database, log)
	if err != nil {
		return nil, err
	}
	h := hub.New(store, hub.Options{})
	g := gate.New(gate.Config{
		Accounts: store, Directory: store, Log: log,
	})
	sockets := ws.New(ws.Config{Hub: h, Directory: store, Attention: store, Login: g.Login, Room: g.PublicRoom, Log: log})
	base, err := store.Setting(ctx, baseSetting)
	if err != nil || base == "" {
		base = "http://localhost:3000"
	}
	_, operator := api.New(api.Config{
		Hub: h, Sockets: sockets, Gate: g, Store: store, Directory: store, Files: store, Attention: store, Hooks: store, Page: os.DirFS(os.TempDir()), Log: log,
		Place: api.Place{Base: base}, Refused: func(chat.Code) {},
	}, "")
	a := &Admin{
		send: func(r *http.Request) (*http.Response, error) {
			w := &recorder{header: make(http.Header), status: http.StatusOK}
			operator.ServeHTTP(w, r)
			return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body)}, nil
		},
		close: func() error {
			sockets.Close(ctx)
			g.Close()
			return store.Close()
		},
	}
	return a, nil
}

// openKept opens what a server keeps that does not run, or that several nodes share.
func openKept(ctx context.Context, data, database string, log *slog.Logger) (store, error) {
	if database == "" {
		if _, err := os.Stat(filepath.Join(data, "hubbub.db")); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no hubbub in the folder %s; --data names another", data)
		}
		return openStore(ctx, Config{Data: data, Log: log})
	}
	store, err := openDatabase(ctx, database, log)
	if err != nil {
		return nil, err
	}
	if base, err := store.Setting(ctx, baseSetting); err != nil || base == "" {
		return nil, errors.Join(errors.New("no hubbub was ever started with this database"), err, store.Close())
	}
	return store, nil
}

// recorder is an answer that goes nowhere.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }

// Close lets go of the server.
func (a *Admin) Close() error { return a.close() }

// adminTime bounds a command.
const adminTime = 20 * time.Second

// Ask makes a request of the HTTP interface and reads the answer, which may be
// nil. A refusal is an error with the server's own words.
func (a *Admin) Ask(ctx context.Context, method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, adminTime)
	defer cancel()
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://hubbub"+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	resp, err := a.send(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return read(resp, answer)
}

// Running says whether a server is asked, and not the data folder.
func (a *Admin) Running() bool { return a.running }

// Stream asks for an answer that comes bit by bit. It ends with ctx.
func (a *Admin) Stream(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://hubbub"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.send(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return nil, read(resp, nil)
	}
	return resp.Body, nil
}

// read reads an answer, which may be a refusal.
func read(resp *http.Response, answer any) error {
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		var refused struct {
			Error struct{ Message string }
		}
		if json.Unmarshal(said, &refused); refused.Error.Message == "" {
			return fmt.Errorf("the server answered %d", resp.StatusCode)
		}
		return errors.New(refused.Error.Message)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}
