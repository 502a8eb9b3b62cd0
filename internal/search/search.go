package search

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubbub/internal/chat"
)

// This file answers searches.

const (
	maxHits = 100
	// Of what can be read, so many messages (long ones count for several) are looked at
	// for one answer. Only what the
	// index can not tell apart gets there: that an answer is slow takes thousands of
	// messages that have the words, but not in that order. The next page goes on there.
	maxLook = 3000
	// Best first is among the newest so many hits.
	maxRanked = 500
	// So many rooms or people are looked up as tokens; more are a filter.
	maxTokens = 64
	maxTime   = 2 * time.Second // for a machine that has other things to do
)

// Ask is what somebody asks for.
type Ask struct {
	Text   string
	Now    time.Time // in the zone whose days are meant
	Best   bool      // best first, not newest first
	Before string    // the Next of the answer before
	Limit  int
}

// Hit is a message that was found, as it reads now.
type Hit struct {
	Room  chat.Membership
	Event chat.Event
	Marks [][2]int // from and to, in UTF-16 units of the text
}

// Answer is what was found.
type Answer struct {
	Query  Query
	Hits   []Hit
	Next   string // where the next answer begins; "": there is none
	Behind bool   // the index is being made: older messages may be missing
}

// seeker is a search.
type seeker struct {
	*Index
	who     chat.Actor
	query   Query
	best    bool
	limit   int
	rooms   map[int64]chat.Membership // that may be read, by key
	people  map[int64]bool            // who is meant by from:; nil: anybody
	but     map[int64]bool            // who is not
	reader  *sql.DB
	expr    string // of FTS5; "": all messages
	bits    string // JSON: the room bits to filter by; "": none
	from    int64  // the least number
	before  int64  // the first that is too great
	skip    int    // of the best
	looked  int
	last    int64 // the last that is dealt with
	stopped bool  // before the end
}

// Search finds messages in what somebody may read now.
func (x *Index) Search(ctx context.Context, who chat.Actor, ask Ask) (Answer, error) {
	s := &seeker{Index: x, who: who, best: ask.Best, limit: min(max(ask.Limit, 1), maxHits), query: Parse(ask.Text, ask.Now)}
	a := Answer{Query: s.query, Behind: x.isBehind()}
	if err := s.resume(ask.Before); err != nil || s.query.Empty() {
		return a, err
	}
	known, err := x.Directory.Known(ctx, who.ID)
	if err != nil {
		return a, err
	}
	some := s.prepare(known)
	if s.reader == nil {
		return a, chat.Errorf(chat.CodeUnavailable, "the search index is being made; try again in a moment")
	}
	if !some {
		return a, nil
	}
	limited, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	if s.best {
		a.Hits, a.Next, err = s.bestFirst(limited)
	} else {
		a.Hits, a.Next, err = s.newestFirst(limited)
	}
	if err == nil {
		a.Hits, err = s.recheck(ctx, who, a.Hits)
	}
	return a, err
}

// resume reads where to go on.
func (s *seeker) resume(cursor string) error {
	s.before = math.MaxInt64
	if cursor == "" {
		return nil
	}
	id, skip, _ := strings.Cut(cursor, ".")
	var e1, e2 error
	s.before, e1 = strconv.ParseInt(id, 36, 64)
	if skip != "" {
		s.skip, e2 = strconv.Atoi(skip)
	}
	if e1 != nil || e2 != nil || s.skip < 0 || s.skip > maxRanked {
		return chat.Errorf(chat.CodeBadFrame, "before is what the answer before gave as next")
	}
	return nil
}

// prepare finds out where to look, and says whether there is anything to be found.
func (s *seeker) prepare(known []chat.Membership) bool {
	now := time.Now()
	var readable []chat.Membership
	for _, m := range known {
		q := chat.Question{Who: s.who, Act: chat.ActRead, Room: &m.Room, As: m.Standing, At: now}
		if q.Decide() == chat.Allowed {
			readable = append(readable, m)
		}
	}
	readable = s.inRooms(readable)
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.reader = s.Index.reader
	s.rooms = make(map[int64]chat.Membership, len(readable))
	share := int64(0)
	for _, m := range readable {
		if key, ok := s.Index.rooms[m.ID]; ok {
			s.rooms[key] = m
			share += s.counts[key]
		}
	}
	s.people, s.but = s.authors()
	s.bounds()
	s.express(share)
	return len(s.rooms) > 0 && (s.people == nil || len(s.people) > 0) && s.from < s.before
}

// bounds turns times into numbers.
func (s *seeker) bounds() {
	if t := s.query.After; !t.IsZero() {
		s.from = firstID(t.UnixMilli())
	}
	if t := s.query.Before; !t.IsZero() {
		s.before = min(s.before, firstID(t.UnixMilli()))
	}
}

// express says what to look up in the index: at least what is searched for, and in few
// rooms those too.
func (s *seeker) express(share int64) {
	var must, not []string
	for i := range s.query.Terms {
		t := &s.query.Terms[i]
		expr, exact := t.wanted()
		switch {
		case !t.Not:
			must = append(must, expr)
		case exact:
			not = append(not, expr)
		}
	}
	for i := range allFlags {
		switch f := Flags(1 << i); {
		case s.query.Has&f != 0:
			must = append(must, quoted(flagToken(f)))
		case s.query.HasNot&f != 0:
			not = append(not, quoted(flagToken(f)))
		}
	}
	if s.people != nil && len(s.people) <= maxTokens {
		must = append(must, anyOf(tokenAuthor, s.people))
	}
	switch {
	case share == s.total: // everything
	case len(s.rooms) <= maxTokens && share < s.total/2:
		must = append(must, anyOf(tokenRoom, s.rooms))
	default:
		s.bits = roomFilter(s.rooms)
	}
	if len(must) == 0 {
		return // what is only not wanted is sorted out by looking
	}
	s.expr = strings.Join(must, " AND ")
	if len(not) > 0 {
		s.expr = "(" + s.expr + ") NOT (" + strings.Join(not, " OR ") + ")"
	}
}

func anyOf[T any](from rune, keys map[int64]T) string {
	tokens := make([]string, 0, len(keys))
	for key := range keys {
		tokens = append(tokens, quoted(keyToken(from, key)))
	}
	return "(" + strings.Join(tokens, " OR ") + ")"
}

func roomFilter(rooms map[int64]chat.Membership) string {
	bits := make([]int64, 0, len(rooms))
	for _, m := range rooms {
		bits = append(bits, bitsOf(m.ID))
	}
	slices.Sort(bits)
	b, err := json.Marshal(slices.Compact(bits))
	if err != nil {
		panic(err) // numbers always become JSON
	}
	return string(b)
}

// How well a name fits.
const (
	fitsNot = iota
	fitsBegin
	fitsAll
)

// fit says how well a name fits what was typed of it.
func fit(name, key string) int {
	switch {
	case name == key:
		return fitsAll
	case strings.HasPrefix(name, key), strings.Contains(name, " "+key):
		return fitsBegin
	}
	return fitsNot
}

// inRooms keeps the rooms that in: names. Who types a whole name means that one.
func (s *seeker) inRooms(rooms []chat.Membership) []chat.Membership {
	best := make([]int, len(s.query.In))
	fits := make([][]int, len(rooms))
	wanted := false
	for j, n := range s.query.In {
		wanted = wanted || !n.Not
		for i, r := range rooms {
			f := fit(plain(r.Name), n.key)
			for _, p := range r.People {
				f = max(f, fit(plain(p.Name), n.key))
			}
			fits[i] = append(fits[i], f)
			best[j] = max(best[j], f)
		}
	}
	var kept []chat.Membership
	for i, r := range rooms {
		keep := !wanted
		for j, n := range s.query.In {
			if !n.Not && fits[i][j] > fitsNot && fits[i][j] == best[j] {
				keep = true
			}
		}
		for j, n := range s.query.In {
			if n.Not && fits[i][j] > fitsNot && fits[i][j] == best[j] {
				keep = false
			}
		}
		if keep {
			kept = append(kept, r)
		}
	}
	return kept
}

// authors returns whom from: names. s.mu is held.
func (s *seeker) authors() (people, but map[int64]bool) {
	but = make(map[int64]bool)
	for _, n := range s.query.From {
		into := but
		if !n.Not {
			if people == nil {
				people = make(map[int64]bool)
			}
			into = people
		}
		best := fitsBegin
		for id, p := range s.Index.people {
			f := fit(p.plain, n.key)
			if n.key == "me" && id == s.who.ID {
				f = fitsAll
			}
			if f > best {
				clear(into)
				best = f
			}
			if f == best {
				into[p.key] = true
			}
		}
	}
	return people, but
}

// each gives what the index proposes, newest first, until f has enough.
func (s *seeker) each(ctx context.Context, f func(e entry, seq chat.Seq, c *content) (enough bool, err error)) error {
	query, args := "SELECT m.id, m.room, m.seq, m.author, m.flags, m.text FROM messages m WHERE m.id >= ? AND m.id < ?", []any{s.from, s.before}
	if s.expr != "" {
		query = "SELECT m.id, m.room, m.seq, m.author, m.flags, m.text FROM words w CROSS JOIN messages m ON m.id = w.rowid WHERE w.words MATCH ? AND w.rowid >= ? AND w.rowid < ?"
		args = append([]any{s.expr}, args...)
	}
	number := "m.id"
	if s.expr != "" {
		number = "w.rowid"
	}
	if s.bits != "" {
		query += fmt.Sprintf(" AND ((%s >> %d) & %d) IN (SELECT value FROM json_each(?))", number, counterBits, roomMask)
		args = append(args, s.bits)
	}
	rows, err := s.reader.QueryContext(ctx, query+" ORDER BY "+number+" DESC", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		var seq chat.Seq
		if err := rows.Scan(&e.id, &e.room, &seq, &e.author, &e.flags, &e.text); err != nil {
			return err
		}
		if _, ok := s.rooms[e.room]; !ok {
			continue // another room has the same bits
		}
		if s.looked += 1 + len(e.text)/256; s.looked > maxLook {
			s.stopped = true
			return nil
		}
		if c := read(e.text); s.fits(&e, c) {
			if enough, err := f(e, seq, c); enough || err != nil {
				return err
			}
		}
		s.last = e.id
	}
	return rows.Err()
}

// fits says whether a message is what is searched for.
func (s *seeker) fits(e *entry, c *content) bool {
	return (s.people == nil || s.people[e.author]) && !s.but[e.author] && s.query.fits(e.flags, c)
}

// inTime makes an answer of what there is when the time is over.
func (s *seeker) inTime(err error, client context.Context) error {
	if err != nil && errors.Is(client.Err(), context.DeadlineExceeded) {
		s.stopped = true
		return nil
	}
	return err
}

func (s *seeker) newestFirst(ctx context.Context) (hits []Hit, next string, err error) {
	last := int64(0)
	s.last = s.before
	err = s.each(ctx, func(e entry, seq chat.Seq, _ *content) (bool, error) {
		if len(hits) == s.limit { // so there is one more
			next = strconv.FormatInt(last, 36)
			return true, nil
		}
		last = e.id
		h, ok, err := s.confirm(ctx, e, seq)
		if ok {
			hits = append(hits, h)
		}
		return false, err
	})
	if err = s.inTime(err, ctx); err == nil && s.stopped {
		next = strconv.FormatInt(s.last, 36)
	}
	return hits, next, err
}

// ranked is a message with its points.
type ranked struct {
	entry
	seq    chat.Seq
	points float64
}

func (s *seeker) bestFirst(ctx context.Context) (hits []Hit, next string, err error) {
	var all []ranked
	err = s.each(ctx, func(e entry, seq chat.Seq, c *content) (bool, error) {
		points := s.query.score(c) - float64(len(all))/maxRanked // newer is better
		if e.flags&isPinned != 0 {
			points++
		}
		all = append(all, ranked{e, seq, points})
		return len(all) == maxRanked, nil
	})
	if err = s.inTime(err, ctx); err != nil || len(all) == 0 {
		return nil, "", err
	}
	bound := all[0].id + 1 // what comes later does not move the pages
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(b.points, a.points) })
	i := min(s.skip, len(all))
	for ; i < len(all) && len(hits) < s.limit; i++ {
		h, ok, err := s.confirm(context.WithoutCancel(ctx), all[i].entry, all[i].seq)
		if err != nil {
			return nil, "", err
		}
		if ok {
			hits = append(hits, h)
		}
	}
	if i < len(all) {
		next = strconv.FormatInt(bound, 36) + "." + strconv.Itoa(i)
	}
	return hits, next, nil
}

// confirm reads a message from the log, and looks whether it is still what is searched
// for.
func (s *seeker) confirm(ctx context.Context, e entry, seq chat.Seq) (h Hit, ok bool, err error) {
	return s.hit(ctx, s.rooms[e.room], seq, &s.query)
}

// hit reads a message from the log, if it is what is searched for now, whoever wrote it:
// authors do not change.
func (c *Config) hit(ctx context.Context, room chat.Membership, seq chat.Seq, q *Query) (h Hit, ok bool, err error) {
	events, err := c.Log.Read(ctx, room.ID, seq-1, 1)
	if err != nil || len(events) == 0 || events[0].Seq != seq || events[0].Kind != chat.KindMessage || events[0].Deleted {
		return h, false, err
	}
	e := events[0]
	text := read(textOf(e))
	if !q.fits(flagsOf(e), text) {
		return h, false, nil
	}
	return Hit{room, e, utf16Marks(e.Body, q.marks(text))}, true, nil
}

// recheck asks the one decision about each room once more, after everything was read.
func (c *Config) recheck(ctx context.Context, who chat.Actor, hits []Hit) (kept []Hit, err error) {
	allowed := make(map[chat.RoomID]bool)
	for _, h := range hits {
		may, asked := allowed[h.Room.ID]
		if !asked {
			_, err := chat.Authorize(ctx, c.Directory, who, h.Room.ID, chat.ActRead)
			var no *chat.Error
			if err != nil && !errors.As(err, &no) {
				return nil, err
			}
			may = err == nil
			allowed[h.Room.ID] = may
		}
		if may {
			kept = append(kept, h)
		}
	}
	return kept, nil
}
