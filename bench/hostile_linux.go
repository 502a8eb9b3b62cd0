package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// runHostile has a hundred clients break the rules as fast as they can until
// the time is over: twenty each of endless fragments, pings, half handshakes,
// junk, and bombs, which declare far more than they send. Who is thrown out
// comes back at once.
func runHostile(s map[string]int) error {
	end := time.Now().Add(time.Duration(s["ms"]) * time.Millisecond)
	attacks := []func(net.Conn) error{fragments, pings, half, junk, bombs}
	fmt.Println("prepared")
	done := make(chan struct{})
	for i := range 100 {
		go func() {
			defer func() { done <- struct{}{} }()
			for time.Now().Before(end) {
				attack(s["port"], end, attacks[i%len(attacks)])
			}
		}()
	}
	for range 100 {
		<-done
	}
	fmt.Println("{}")
	return nil
}

func attack(port int, end time.Time, with func(net.Conn) error) {
	c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		time.Sleep(10 * time.Millisecond)
		return
	}
	defer c.Close()
	c.SetDeadline(end)
	for with(c) == nil {
	}
}

// shake sends a handshake. The answer is not waited for.
func shake(c net.Conn) error {
	_, err := c.Write([]byte(upgrade("/rooms/elsewhere") + "\r\n"))
	return err
}

// burst shakes hands and sends the same over and over.
func burst(c net.Conn, frames []byte) error {
	if err := shake(c); err != nil {
		return err
	}
	for {
		if _, err := c.Write(frames); err != nil {
			return err
		}
	}
}

func fragments(c net.Conn) error {
	first, more := []byte{0x01, 0x81, 0, 0, 0, 0, 'x'}, []byte{0x00, 0x81, 0, 0, 0, 0, 'x'}
	return burst(c, append(first, bytes.Repeat(more, 900)...))
}

func pings(c net.Conn) error {
	return burst(c, bytes.Repeat([]byte{0x89, 0x80, 0, 0, 0, 0}, 1000))
}

func half(c net.Conn) error {
	if _, err := c.Write([]byte(upgrade("/"))); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, 1000)) // until it is dropped
	return err
}

func junk(c net.Conn) error {
	b := make([]byte, 4096)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return burst(c, b)
}

func bombs(c net.Conn) error {
	return burst(c, append([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0, 0x3f, 0xff, 0, 0, 0, 0}, make([]byte, 16300)...))
}
