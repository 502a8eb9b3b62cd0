package server

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// Everyone who came before the close is either handed on or turned away, and
// nobody is left hanging.
func TestCrowd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(l)
	var clients []net.Conn
	for range 300 {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		clients = append(clients, nc)
	}
	for range 100 {
		nc, err := c.Accept()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(nc, "in")
		nc.Close()
	}
	c.Close()
	if _, err := c.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the close: %v", err)
	}
	in := 0
	for _, nc := range clients {
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		b, err := io.ReadAll(nc)
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			t.Fatal("a client was left hanging")
		}
		if string(b) == "in" {
			in++
		}
	}
	if in != 100 {
		t.Errorf("%d were let in", in)
	}
}
