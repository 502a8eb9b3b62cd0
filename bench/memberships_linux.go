package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// many is how many people are in one room, and how many rooms one person has.
const many = 10000

func memberships(ctx context.Context, r *report, title string) error {
	r.table(title, "10,000 people in one room, 10,000 rooms of one person, and a private room of 10,000 people of whom 1,000 are connected. "+
		"Only hubbub is measured. One request at a time, from asking to the end of the answer; beside it the processor time of the server for each.",
		"what", "times", "p50 ms", "p99 ms", "processor ms")
	var found struct{ Rows []timed }
	if err := r.fresh(ctx, &found, "memberships"); err != nil {
		return err
	}
	for _, t := range found.Rows {
		r.say("| %s | %d | %.1f | %.1f | %.1f |", t.What, t.Times, t.P50, t.P99, t.CPU)
	}
	return nil
}

// timed is how long something took.
type timed struct {
	What          string
	Times         int
	P50, P99, CPU float64 // in milliseconds
}

// crowd asks the server for one thing after another, and keeps how long it took.
type crowd struct {
	port   int
	pid    int // of the server
	client *http.Client
	people []comer
	boss   comer // has an account
	rows   []timed
}

func runMemberships(s map[string]int) error {
	c := &crowd{port: s["port"], pid: s["pid"], client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	defer c.client.CloseIdleConnections()
	var err error
	if c.boss, err = come(c.client, c.port, "boss", "violet tugboat harbour 7"); err != nil {
		return err
	}
	if c.people, err = comers(c.port, many+200); err != nil {
		return err
	}
	fmt.Println("prepared")
	for _, step := range []func() error{c.manyInRoom, c.manyRooms, c.manyInPrivate} {
		if err := step(); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"Rows": c.rows})
}

// ask makes a request as somebody and reads the whole answer.
func (c *crowd) ask(who comer, method, path, body string, answer any) error {
	r, err := http.NewRequest(method, fmt.Sprintf("http://localhost:%d%s", c.port, path), strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+who.Token)
	resp, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, said)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}

// time does something n times, one after the other.
func (c *crowd) time(what string, n int, do func(i int) error) error {
	ms, before := make([]float64, n), used(c.pid)
	for i := range ms {
		begun := time.Now()
		if err := do(i); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		ms[i] = time.Since(begun).Seconds() * 1000
	}
	c.note(what, ms, used(c.pid)-before)
	return nil
}

func (c *crowd) note(what string, ms []float64, cpu time.Duration) {
	slices.Sort(ms)
	c.rows = append(c.rows, timed{what, len(ms), ms[len(ms)/2], ms[len(ms)*99/100], cpu.Seconds() * 1000 / float64(len(ms))})
}

// each does something n times, 64 at a time, to prepare.
func each(n int, do func(i int) error) error {
	errs := make(chan error, 64)
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < n; i += 64 {
				if err := do(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// newRoom makes a room and returns its path.
func (c *crowd) newRoom(who comer, body string) (string, error) {
	var made struct{ Room struct{ ID string } }
	err := c.ask(who, "POST", "/api/rooms", body, &made)
	return "/api/rooms/" + made.Room.ID, err
}

func (c *crowd) manyInRoom() error {
	hall, err := c.newRoom(c.boss, `{"name":"hall"}`)
	if err != nil {
		return err
	}
	do := func(method, path string) func(int) error {
		return func(i int) error { return c.ask(c.people[i], method, hall+path, "{}", nil) }
	}
	if err := each(many, do("POST", "/join")); err != nil {
		return err
	}
	var page struct{ Next string }
	next := func(i int) error {
		after := page.Next
		page.Next = ""
		return c.ask(c.people[0], "GET", hall+"/members?after="+after, "", &page)
	}
	first := func(query string) func(int) error {
		return func(int) error { return c.ask(c.people[0], "GET", hall+"/members"+query, "", nil) }
	}
	for _, t := range []struct {
		what  string
		times int
		do    func(int) error
	}{
		{"leaving a room of 10,000", 500, do("POST", "/leave")},
		{"joining it", 500, do("POST", "/join")},
		{"its first 100 members", 200, first("")},
		{"the pages behind, one after the other", 100, next},
		{"its members called something with *77*", 200, first("?q=77")},
		{"its members called something that nobody is called", 200, first("?q=zzz")},
		{"its moderators", 200, first("?show=moderators")},
		{"what there is to say of it", 200, func(int) error { return c.ask(c.people[1], "GET", hall, "", nil) }},
		{"opening it, hubbub.v1", 200, c.opening(c.people[2], `{"name":"hall","last":50}`)},
	} {
		if err := c.time(t.what, t.times, t.do); err != nil {
			return err
		}
	}
	return nil
}

// opening connects anew each time: a page that is loaded does.
func (c *crowd) opening(who comer, open string) func(int) error {
	return func(int) error {
		conn, err := dialOpen(c.port, who.Token, open)
		if err == nil {
			conn.close()
		}
		return err
	}
}

func (c *crowd) manyRooms() error {
	rooms := make([]string, many)
	err := each(many, func(i int) (err error) {
		rooms[i], err = c.newRoom(c.boss, fmt.Sprintf(`{"name":"room-%d","topic":"What there is to say of number %d"}`, i, i))
		return err
	})
	if err != nil {
		return err
	}
	one := func(method, path string) func(int) error {
		return func(i int) error { return c.ask(c.boss, method, rooms[i*17]+path, "{}", nil) }
	}
	for _, t := range []struct {
		what  string
		times int
		do    func(int) error
	}{
		{"the list of 10,000 rooms", 50, func(int) error { return c.ask(c.boss, "GET", "/api/me/rooms", "", nil) }},
		{"leaving one of 10,000 rooms", 500, one("POST", "/leave")},
		{"joining it", 500, one("POST", "/join")},
		{"connecting with 10,000 rooms and opening one, hubbub.v1", 200, c.opening(c.boss, `{"name":"room-7777","last":50}`)},
		{"the directory", 200, func(int) error { return c.ask(c.boss, "GET", "/api/rooms", "", nil) }},
		{"the rooms called something with *777*", 200, func(int) error { return c.ask(c.boss, "GET", "/api/rooms?q=777", "", nil) }},
		{"making one more room", 200, func(i int) error {
			_, err := c.newRoom(c.boss, fmt.Sprintf(`{"name":"more-%d"}`, i))
			return err
		}},
	} {
		if err := c.time(t.what, t.times, t.do); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) manyInPrivate() error {
	const connected, added = 1000, 200
	club, err := c.newRoom(c.boss, `{"name":"club","kind":"private"}`)
	if err != nil {
		return err
	}
	add := func(i int) error { return c.ask(c.boss, "PUT", club+"/members/"+c.people[i].You.ID, "{}", nil) }
	if err := each(many, add); err != nil {
		return err
	}
	heard := make(chan struct{}, connected)
	broken := make(chan error, connected)
	for i := range connected {
		conn, err := dialOpen(c.port, c.people[i].Token, `{"room":"`+strings.TrimPrefix(club, "/api/rooms/")+`"}`)
		if err != nil {
			return err
		}
		defer conn.close()
		go func() {
			for {
				if _, err := conn.until(`{"event":`); err != nil {
					broken <- err
					return
				}
				heard <- struct{}{}
			}
		}()
	}
	var answered, all, gone []float64
	before := used(c.pid)
	for i := range added {
		time.Sleep(100 * time.Millisecond) // nobody adds ten people a second: the room is at rest
		begun := time.Now()
		if err := add(many + i); err != nil {
			return err
		}
		answered = append(answered, time.Since(begun).Seconds()*1000)
		for range connected {
			select {
			case <-heard:
			case err := <-broken:
				return err
			case <-time.After(10 * time.Second):
				return fmt.Errorf("not everybody heard of number %d", i)
			}
		}
		all = append(all, time.Since(begun).Seconds()*1000)
	}
	cpu := used(c.pid) - before
	c.note("adding somebody to a private room of 10,000, 1,000 of them connected", answered, cpu)
	c.note("the same, until all who are connected know", all, cpu)
	before = used(c.pid)
	remove := func(i int) error {
		time.Sleep(100 * time.Millisecond)
		begun := time.Now()
		err := c.ask(c.boss, "DELETE", club+"/members/"+c.people[many+i].You.ID, "{}", nil)
		for range connected {
			<-heard
		}
		gone = append(gone, time.Since(begun).Seconds()*1000)
		return err
	}
	for i := range added {
		if err := remove(i); err != nil {
			return err
		}
	}
	c.note("removing somebody from it, until all who are connected know", gone, used(c.pid)-before)
	return c.time("its last 50 events", 200, func(int) error { return c.ask(c.people[0], "GET", club+"/events", "", nil) })
}
