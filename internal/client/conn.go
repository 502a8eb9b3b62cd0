// Package client speaks hubbub's protocols from the other side: for tests, load
// and fault programs.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/coder/websocket"

	"hubbub/internal/wire"
)

// NewGuest makes a guest at the server and returns a token for it.
func NewGuest(ctx context.Context, baseURL, name string) (token string, you wire.Person, err error) {
	body, err := json.Marshal(map[string]any{"name": name, "token": true})
	if err != nil {
		return "", you, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL+"/api/guests", bytes.NewReader(body))
	if err != nil {
		return "", you, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", you, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", you, err
	}
	if resp.StatusCode != http.StatusCreated {
		return "", you, fmt.Errorf("make a guest: %s: %s", resp.Status, answer)
	}
	var made struct {
		You   wire.Person `json:"you"`
		Token string      `json:"token"`
	}
	err = json.Unmarshal(answer, &made)
	return made.Token, made.You, err
}

// Conn is one hubbub.v1 connection. One goroutine may read and any may write.
type Conn struct {
	ws    *websocket.Conn
	fence atomic.Uint64
}

// Dial connects without saying hello. An empty token leaves the identity to
// hello.
func Dial(ctx context.Context, baseURL, token string) (*Conn, error) {
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	ws, err := dial(ctx, baseURL+"/", &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{wire.Subprotocol},
		CompressionMode: websocket.CompressionNoContextTakeover})
	if err != nil {
		return nil, err
	}
	return &Conn{ws: ws}, nil
}

func dial(ctx context.Context, url string, o *websocket.DialOptions) (*websocket.Conn, error) {
	ws, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http"), o)
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("%w (%s)", err, resp.Status)
		}
		return nil, err
	}
	ws.SetReadLimit(wire.MaxFrame * 2)
	return ws, nil
}

// Write sends a frame: a pointer to one of wire's types.
func (c *Conn) Write(ctx context.Context, frame any) error {
	return c.WriteRaw(ctx, wire.Encode(frame))
}

// WriteRaw sends a text message as it is.
func (c *Conn) WriteRaw(ctx context.Context, message []byte) error {
	return c.ws.Write(ctx, websocket.MessageText, message)
}

// Read returns the server's next frame. A kind that is not known here is
// passed over.
func (c *Conn) Read(ctx context.Context) (any, error) {
	for {
		_, data, err := c.ws.Read(ctx)
		if err != nil {
			return nil, err
		}
		f, err := wire.DecodeServer(data)
		if f != nil || err != nil {
			return f, err
		}
	}
}

// Sync returns the frames that come until everything sent before has been
// answered.
func (c *Conn) Sync(ctx context.Context) ([]any, error) {
	n := c.fence.Add(1)
	if err := c.Write(ctx, &wire.Fence{N: n}); err != nil {
		return nil, err
	}
	var frames []any
	for {
		f, err := c.Read(ctx)
		if err != nil {
			return frames, err
		}
		if r, ok := f.(*wire.Fence); ok && r.N == n {
			return frames, nil
		}
		frames = append(frames, f)
	}
}

// Close ends the connection with a close handshake.
func (c *Conn) Close() error { return c.ws.Close(websocket.StatusNormalClosure, "") }

// Cut ends the connection as a broken network would.
func (c *Conn) Cut() { c.ws.CloseNow() }

// CloseCode returns the close code that err brings, or -1.
func CloseCode(err error) int { return int(websocket.CloseStatus(err)) }

// Plain is one plain-text connection.
type Plain struct{ ws *websocket.Conn }

// DialPlain connects to a path: "/", "/rooms/NAME", with "?name=" if wanted.
func DialPlain(ctx context.Context, baseURL, path string) (*Plain, error) {
	ws, err := dial(ctx, baseURL+path, nil)
	if err != nil {
		return nil, err
	}
	return &Plain{ws}, nil
}

// Write sends a text.
func (p *Plain) Write(ctx context.Context, text string) error {
	return p.ws.Write(ctx, websocket.MessageText, []byte(text))
}

// Read returns the next text.
func (p *Plain) Read(ctx context.Context) (string, error) {
	kind, data, err := p.ws.Read(ctx)
	if err == nil && kind != websocket.MessageText {
		err = errors.New("a binary message came")
	}
	return string(data), err
}

// Close ends the connection with a close handshake.
func (p *Plain) Close() error { return p.ws.Close(websocket.StatusNormalClosure, "") }
