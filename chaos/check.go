package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/postgres"
	"hubbub/internal/sqlite"
)

// line is one entry of a history. The command's comment says what each means.
type line struct {
	What   string      `json:"what"`
	Client string      `json:"client"`
	Room   chat.RoomID `json:"room"`
	ID     string      `json:"id,omitempty"`
	Seq    chat.Seq    `json:"seq,omitempty"`
	Hash   string      `json:"hash,omitempty"`
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

func readHistory(files ...string) (history []line, err error) {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", name, s.Text(), err)
			}
			history = append(history, l)
		}
	}
	return history, nil
}

// stored is one event as the log has it.
type stored struct {
	room     chat.RoomID
	seq      chat.Seq
	author   chat.UserID
	id, hash string
	time     time.Time
}

// source is a log to be judged by: a store.
type source interface {
	Check(ctx context.Context) error
	Rooms(ctx context.Context, after string, limit int) ([]chat.Room, error)
	Read(ctx context.Context, room chat.RoomID, after chat.Seq, limit int) ([]chat.Event, error)
	Close() error
}

// openFolder opens the log of a server that has stopped.
func openFolder(ctx context.Context, dir string) (source, error) {
	return sqlite.Open(ctx, dir, quiet(), sqlite.Options{})
}

// openDatabase opens the log that nodes share.
func openDatabase(ctx context.Context, url string) (source, error) {
	return postgres.Open(ctx, url, quiet(), postgres.Options{})
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// readLog reads every room, in order of their numbers.
func readLog(ctx context.Context, s source) (map[chat.RoomID][]stored, error) {
	if err := s.Check(ctx); err != nil {
		return nil, err
	}
	rooms, err := s.Rooms(ctx, "", 1_000_000)
	if err != nil {
		return nil, err
	}
	log := make(map[chat.RoomID][]stored)
	for _, r := range rooms {
		log[r.ID] = nil
		for {
			events, err := s.Read(ctx, r.ID, lastOf(log[r.ID]), 1000)
			if err != nil {
				return nil, err
			}
			if len(events) == 0 {
				break
			}
			for _, e := range events {
				log[r.ID] = append(log[r.ID], stored{r.ID, e.Seq, e.Author, e.ID.String(), hash(e.Body), e.Time})
			}
		}
	}
	return log, nil
}

func lastOf(events []stored) chat.Seq {
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].seq
}

// judgeFolder holds a history against the log of a server that has stopped.
func judgeFolder(ctx context.Context, dir string, history []line, complete bool) error {
	s, err := openFolder(ctx, dir)
	if err != nil {
		return err
	}
	return judge(ctx, s, history, complete)
}

// judge holds a history against a log, and closes it.
func judge(ctx context.Context, s source, history []line, complete bool) error {
	defer s.Close()
	log, err := readLog(ctx, s)
	if err != nil {
		return err
	}
	v := verdict{log: log, complete: complete}
	v.judge(history)
	return v.report(os.Stdout)
}

// verdict counts what is wrong, and remembers the first few of each kind.
type verdict struct {
	log      map[chat.RoomID][]stored
	complete bool
	begun    time.Time // before anything was said, by the clock of the database; zero: who knows

	meant, acked, showed                        int
	lost, doubled, disordered, holes, different int
	first                                       []string
}

func (v *verdict) wrong(count *int, format string, args ...any) {
	if *count++; *count <= 5 {
		v.first = append(v.first, fmt.Sprintf(format, args...))
	}
}

func (v *verdict) judge(history []line) {
	v.checkLog()
	v.checkMeant(history)
	v.checkAcked(history)
	v.checkScreens(history)
}

// checkLog wants numbers without holes, and each message once.
func (v *verdict) checkLog() {
	type key struct {
		author chat.UserID
		id     string
	}
	seen := map[key]stored{}
	for room, events := range v.log {
		for i, e := range events {
			if e.seq != chat.Seq(i+1) {
				v.wrong(&v.holes, "room %s has %d in place %d", room, e.seq, i+1)
			}
			if !v.begun.IsZero() && (e.time.Before(v.begun.Add(-time.Minute)) || e.time.After(time.Now().Add(time.Minute))) {
				v.wrong(&v.different, "%d of room %s is of another time: %v", e.seq, room, e.time)
			}
			if i > 0 && e.time.Before(events[i-1].time) {
				v.wrong(&v.disordered, "%d of room %s is of an earlier time than what is before it", e.seq, room)
			}
			if old, ok := seen[key{e.author, e.id}]; ok {
				v.wrong(&v.doubled, "message %s is stored at %d and again at %d of room %s", e.id, old.seq, e.seq, room)
			}
			seen[key{e.author, e.id}] = e
		}
	}
}

// checkMeant wants everything in the log to have been meant, as it was meant,
// once, and in each client's order, but for what a client was told to send again later.
func (v *verdict) checkMeant(history []line) {
	type intent struct {
		client string
		n      int // in that client's order
		seq    chat.Seq
	}
	byID, byHash := map[string]*intent{}, map[string]*intent{}
	hashes := map[string]string{}
	again := map[string]bool{}
	for i, l := range history {
		if l.What == "again" {
			again[l.ID] = true
		}
		if l.What != "meant" {
			continue
		}
		v.meant++
		in := &intent{client: l.Client, n: i}
		if l.ID == "" {
			byHash[string(l.Room)+l.Hash] = in
			continue
		}
		byID[string(l.Room)+l.ID], hashes[l.ID] = in, l.Hash
	}
	for room, events := range v.log {
		last := map[string]*intent{}
		for _, e := range events {
			in := byID[string(room)+e.id]
			if in != nil && hashes[e.id] != e.hash {
				v.wrong(&v.different, "message %s at %d of room %s is not what was meant", e.id, e.seq, room)
			}
			if in == nil {
				in = byHash[string(room)+e.hash]
			}
			if in == nil {
				v.wrong(&v.different, "message %s at %d of room %s was not meant by anybody", e.id, e.seq, room)
				continue
			}
			if in.seq != 0 {
				v.wrong(&v.doubled, "what %s meant is in room %s at %d and at %d", in.client, room, in.seq, e.seq)
				continue
			}
			in.seq = e.seq
			if again[e.id] {
				continue
			}
			if before := last[in.client]; before != nil && before.n > in.n {
				v.wrong(&v.disordered, "%s meant %d of room %s before %d", in.client, e.seq, room, before.seq)
			}
			last[in.client] = in
		}
	}
}

// checkAcked wants every acknowledged message where it was acknowledged.
func (v *verdict) checkAcked(history []line) {
	for _, l := range history {
		if l.What != "acked" {
			continue
		}
		v.acked++
		events := v.log[l.Room]
		if l.Seq == 0 || int(l.Seq) > len(events) || events[l.Seq-1].id != l.ID {
			v.wrong(&v.lost, "%s was told that %s is at %d of room %s, where it is not", l.Client, l.ID, l.Seq, l.Room)
		}
	}
}

// checkScreens wants each screen to be a run of the log.
func (v *verdict) checkScreens(history []line) {
	type screen struct {
		client string
		room   chat.RoomID
	}
	at := map[screen]chat.Seq{}
	for _, l := range history {
		s := screen{l.Client, l.Room}
		last, begun := at[s]
		switch l.What {
		case "reload":
			at[s] = l.Seq
		case "showed":
			v.showed++
			events := v.log[l.Room]
			switch {
			case begun && l.Seq <= last:
				v.wrong(&v.doubled, "%s saw %d of room %s after %d", l.Client, l.Seq, l.Room, last)
			case begun && l.Seq > last+1:
				v.wrong(&v.holes, "%s saw %d of room %s right after %d", l.Client, l.Seq, l.Room, last)
			}
			if l.Seq == 0 || int(l.Seq) > len(events) || events[l.Seq-1].id != l.ID || events[l.Seq-1].hash != l.Hash {
				v.wrong(&v.different, "%s saw at %d of room %s what is not there", l.Client, l.Seq, l.Room)
			}
			at[s] = l.Seq
		case "jumped":
			v.wrong(&v.disordered, "%s was sent %d of room %s after %d", l.Client, l.Seq, l.Room, last)
		}
	}
	for s, last := range at {
		if head := chat.Seq(len(v.log[s.room])); v.complete && last != head {
			v.wrong(&v.holes, "%s saw room %s up to %d of %d", s.client, s.room, last, head)
		}
	}
}

// report prints the figures, and fails if anything is wrong.
func (v *verdict) report(w io.Writer) error {
	n := 0
	for _, events := range v.log {
		n += len(events)
	}
	fmt.Fprintf(w, "meant %d, acknowledged %d, stored %d, showed %d: lost %d, doubled %d, out of order %d, holes %d, different %d\n",
		v.meant, v.acked, n, v.showed, v.lost, v.doubled, v.disordered, v.holes, v.different)
	if v.lost+v.doubled+v.disordered+v.holes+v.different == 0 {
		return nil
	}
	return errors.New("the history contradicts the log:\n  " + strings.Join(v.first, "\n  "))
}
