package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// client is one connection of the hub: a channel of what is to be written, and
// a goroutine that writes it.
type client struct {
	conn *websocket.Conn
	send chan *websocket.PreparedMessage
}

// gorillaHub stores nothing, unlike hubbub. Its channels hold 256 messages, as
// in the chat example of that library; a client whose channel is full is
// dropped there. Here the sender waits, so that nothing is lost.
type gorillaHub struct {
	mu      sync.RWMutex
	clients map[*client]struct{}
}

func serveGorilla(addr string) error {
	h := &gorillaHub{clients: make(map[*client]struct{})}
	return http.ListenAndServe(addr, h)
}

func (h *gorillaHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &client{conn, make(chan *websocket.PreparedMessage, 256)}
	h.mu.Lock()
	h.clients[c] = struct{}{}
	h.mu.Unlock()
	go func() {
		for m := range c.send {
			if conn.WritePreparedMessage(m) != nil {
				conn.Close()
			}
		}
	}()
	for {
		kind, text, err := conn.ReadMessage()
		if err != nil {
			break
		}
		m, err := websocket.NewPreparedMessage(kind, text)
		if err != nil {
			break
		}
		h.mu.RLock()
		for other := range h.clients {
			if other != c {
				other.send <- m
			}
		}
		h.mu.RUnlock()
	}
	h.mu.Lock()
	delete(h.clients, c)
	h.mu.Unlock()
	close(c.send)
	conn.Close()
}
