package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func upgrade(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
}

// comer is somebody who has come in.
type comer struct {
	Token string
	You   struct{ ID string }
}

// comers makes identities, many at a time.
func comers(port, n int) ([]comer, error) {
	all, errs := make([]comer, n), make(chan error, n)
	var wg sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < n; i += 64 {
				one, err := come(client, port, fmt.Sprintf("member %d of %x", i, os.Getpid()), "")
				if err != nil {
					errs <- err
					return
				}
				all[i] = one
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
	select {
	case err := <-errs:
		return nil, err
	default:
		return all, nil
	}
}

// guests makes identities for members of hubbub.v1, and returns their tokens.
func guests(port, n int) ([]string, error) {
	all, err := comers(port, n)
	tokens := make([]string, len(all))
	for i, c := range all {
		tokens[i] = c.Token
	}
	return tokens, err
}

// come makes a guest, or with a password somebody with an account.
func come(client *http.Client, port int, name, password string) (c comer, err error) {
	body := fmt.Sprintf(`{"name":%q,"password":%q,"token":true}`, name, password)
	resp, err := client.Post(fmt.Sprintf("http://localhost:%d/api/guests", port), "application/json", strings.NewReader(body))
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(answer, &c); err != nil || c.Token == "" {
		return c, fmt.Errorf("make a guest: %s %s", resp.Status, answer)
	}
	return c, nil
}

// v1conn is a blocking connection of hubbub.v1.
type v1conn struct {
	net.Conn
	in          *bufio.Reader
	room, epoch string
	head        int
	posts       int
	id          int64
}

func dialV1(port int, token, room string) (*v1conn, error) {
	return dialOpen(port, token, `{"name":"`+room+`"}`)
}

// dialOpen connects and opens a room as the frame says.
func dialOpen(port int, token, open string) (*v1conn, error) {
	nc, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	c := &v1conn{Conn: nc, in: bufio.NewReaderSize(nc, 64<<10), id: time.Now().UnixNano()}
	nc.Write([]byte(upgrade("/") + "Sec-WebSocket-Protocol: hubbub.v1\r\nAuthorization: Bearer " + token + "\r\n\r\n"))
	for line := "."; line != "\r\n"; {
		if line, err = c.in.ReadString('\n'); err != nil {
			return nil, err
		}
	}
	nc.Write(append(mask(`{"hello":{}}`), mask(`{"open":`+open+`}`)...))
	opened, err := c.until(`{"opened":`)
	if err != nil {
		return nil, err
	}
	var f struct {
		Opened struct {
			Room, Epoch string
			Head        int
		}
	}
	err = json.Unmarshal(opened, &f)
	c.room, c.epoch, c.head = f.Opened.Room, f.Opened.Epoch, f.Opened.Head
	return c, err
}

func (c *v1conn) close() { c.Conn.Close() }

// until returns the next frame that begins so.
func (c *v1conn) until(prefix string) ([]byte, error) {
	for {
		b, err := c.in.Peek(2)
		if err != nil {
			return nil, err
		}
		n, at := int(b[1]), 2
		if n == 126 {
			if b, err = c.in.Peek(4); err != nil {
				return nil, err
			}
			n, at = int(b[2])<<8|int(b[3]), 4
		}
		frame := make([]byte, at+n)
		if _, err := io.ReadFull(c.in, frame); err != nil {
			return nil, err
		}
		if payload := frame[at:]; bytes.HasPrefix(payload, []byte(prefix)) {
			return payload, nil
		} else if bytes.HasPrefix(payload, []byte(`{"error"`)) {
			return nil, errors.New(string(payload))
		}
	}
}

func (c *v1conn) send(text string) error {
	c.posts++
	id := fmt.Sprintf("%08x-%04x-7000-8000-%012x", uint32(c.id>>16), uint16(c.id), c.posts)
	_, err := c.Write(mask(`{"send":{"room":"` + c.room + `","id":"` + id + `","text":"` + text + `"}}`))
	return err
}

// post sends and waits until it is durable.
func (c *v1conn) post(text string) error {
	if err := c.send(text); err != nil {
		return err
	}
	_, err := c.until(`{"sent":`)
	return err
}

// waitFor waits until standard input says so, if that is wanted.
func waitFor(s map[string]int) {
	if s["wait"] == 1 {
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
}

// runPosts keeps 64 messages in flight: over as many connections as conns says,
// in so many rooms.
func runPosts(s map[string]int) error {
	conns, inFlight := s["conns"], 64/s["conns"]
	tokens, err := guests(s["port"], conns)
	if err != nil {
		return err
	}
	all, nodes := make([]*v1conn, conns), ports(s)
	names := make([][]string, conns)
	for i := range all {
		for k := i; k < max(s["rooms"], i+1); k += conns {
			c, err := dialV1(nodes[i%len(nodes)], tokens[i], fmt.Sprintf("room-%d", k%s["rooms"]))
			if err != nil {
				return err
			}
			defer c.close()
			all[i], names[i] = c, append(names[i], c.room)
			// Whoever only posts need not read the room, and then nothing is measured but posts.
			if _, err := c.Write(mask(`{"close":{"room":"` + c.room + `"}}`)); err != nil {
				return err
			}
		}
	}
	fmt.Println("prepared")
	waitFor(s)
	begun, end := time.Now(), time.Now().Add(time.Duration(s["ms"])*time.Millisecond)
	errs := make(chan error, conns)
	for i, c := range all {
		go func() { errs <- c.pour(names[i], inFlight, end) }()
	}
	total := 0
	for range all {
		err = errors.Join(err, <-errs)
	}
	for _, c := range all {
		total += c.posts
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{"per_second": float64(total) / time.Since(begun).Seconds(), "total": float64(total)})
}

// pour keeps so many messages in flight until the end, and waits for them.
func (c *v1conn) pour(rooms []string, inFlight int, end time.Time) error {
	acked := 0
	for {
		for time.Now().Before(end) && c.posts-acked < inFlight {
			c.room = rooms[c.posts%len(rooms)]
			if err := c.send(string(padding)); err != nil {
				return err
			}
		}
		if acked == c.posts {
			return nil
		}
		if _, err := c.until(`{"sent":`); err != nil {
			return err
		}
		acked++
	}
}

// runIdle says something now and then in a room of ten, and prints how long
// until another has it, at the last node if there are several: percentiles in
// milliseconds.
func runIdle(s map[string]int) error {
	nodes := ports(s)
	tokens, err := guests(s["port"], 10)
	if err != nil {
		return err
	}
	all := make([]*v1conn, 10)
	for i := range all {
		if all[i], err = dialV1(nodes[i*len(nodes)/10], tokens[i], "quiet"); err != nil {
			return err
		}
		defer all[i].close()
	}
	fmt.Println("prepared")
	waitFor(s)
	var took []float64
	for range 500 {
		time.Sleep(4 * time.Millisecond)
		begun := time.Now()
		if err := all[0].send(string(padding)); err != nil {
			return err
		}
		if _, err := all[9].until(`{"event":`); err != nil {
			return err
		}
		took = append(took, time.Since(begun).Seconds()*1000)
	}
	return printPercentiles(took)
}

func printPercentiles(ms []float64) error {
	slices.Sort(ms)
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{"p50_ms": ms[len(ms)/2], "p99_ms": ms[len(ms)*99/100]})
}

// runDisk measures the disk alone: 4 KiB appended and synced, as often as a
// message is in runIdle.
func runDisk(map[string]int) error {
	dir, err := os.MkdirTemp("", "hubbub-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Println("prepared")
	var took []float64
	for range 500 {
		time.Sleep(4 * time.Millisecond)
		begun := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return err
		}
		took = append(took, time.Since(begun).Seconds()*1000)
	}
	return printPercentiles(took)
}
