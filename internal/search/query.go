package search

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// This file reads what somebody typed. There are no errors: what is not finished does
// nothing yet, and what is no operator is a word.

const (
	maxQuery = 256 // characters; more is cut
	maxTerms = 16  // words, phrases and operators; more are left out
)

// Term is a word or a phrase.
type Term struct {
	Text    string
	Not     bool
	Whole   bool   // in closed quotes: the last word does not go on
	longest string // of what stands in it without a gap
	*content
}

// Name is who or what an operator names.
type Name struct {
	Text string
	Not  bool
	key  string
}

// Query is what somebody is searching for.
type Query struct {
	Terms  []Term
	From   []Name
	In     []Name
	After  time.Time // from then on; zero: no bound
	Before time.Time // until then
	Has    Flags     // has: and is:
	HasNot Flags
	Cut    bool     // it was longer than the limits
	Open   []string // operators that are not finished
}

// Empty says whether nothing is asked for.
func (q *Query) Empty() bool {
	return len(q.Terms) == 0 && len(q.From) == 0 && len(q.In) == 0 && q.After.IsZero() && q.Before.IsZero() && q.Has == 0 && q.HasNot == 0
}

// Parse reads a query. Days are those of now's place.
func Parse(text string, now time.Time) (q Query) {
	text = strings.ToValidUTF8(text, " ")
	if n := 0; len(text) > maxQuery {
		for i := range text {
			if n == maxQuery {
				text, q.Cut = text[:i], true
				break
			}
			n++
		}
	}
	for n := 0; ; {
		text = strings.TrimLeftFunc(text, isSpace)
		if text == "" {
			return q
		}
		var item item
		item, text = next(text)
		if n == maxTerms {
			q.Cut = true
			return q
		}
		if q.add(item, now) {
			n++
		}
	}
}

// item is a piece of a query.
type item struct {
	operator string
	text     string
	not      bool
	closed   bool // the text was in quotes
}

func isSpace(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func isQuote(r rune) bool { return r == '"' || r == '“' || r == '”' || r == '„' }

// next takes the first piece off a text that begins with one.
func next(text string) (it item, rest string) {
	if after, ok := strings.CutPrefix(text, "-"); ok && negates(after) {
		it.not, text = true, after
	}
	if name, after, ok := operator(text); ok {
		it.operator, text = name, after
	}
	if r, n := utf8.DecodeRuneInString(text); n > 0 && isQuote(r) {
		text = text[n:]
		i := strings.IndexFunc(text, isQuote)
		if i < 0 {
			it.text = text
			return it, ""
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		it.text, it.closed = text[:i], true
		return it, text[i+n:]
	}
	i := strings.IndexFunc(text, isSpace)
	if i < 0 {
		i = len(text)
	}
	it.text = text[:i]
	return it, text[i:]
}

// negates says whether a minus before this text means not: -word does, -> is an arrow.
func negates(after string) bool {
	r, n := utf8.DecodeRuneInString(after)
	return n > 0 && (isQuote(r) || classOf(unicode.ToLower(r)) == word || classOf(r) == char)
}

var operators = map[string]bool{"from": true, "in": true, "before": true, "after": true, "on": true, "has": true, "is": true}

// operator takes an operator off a text. Behind an arrow or before another colon, as in
// in::x, there is none.
func operator(text string) (name, rest string, ok bool) {
	name, rest, ok = strings.Cut(text, ":")
	name = strings.ToLower(name)
	return name, rest, ok && operators[name] && !strings.HasPrefix(rest, ":")
}

// add puts a piece into the query, and says whether it is one.
func (q *Query) add(it item, now time.Time) bool {
	switch it.operator {
	case "":
		t := Term{Text: it.text, Not: it.not, Whole: it.closed, content: read(it.text)}
		t.longest = t.longestRun()
		if len(t.atoms) == 0 || (it.text == "-" && !it.closed) {
			return false
		}
		q.Terms = append(q.Terms, t)
		return true
	case "from", "in":
		n := Name{Text: strings.TrimLeft(it.text, "#@"), Not: it.not}
		if n.key = plain(n.Text); n.key == "" {
			break
		}
		if it.operator == "from" {
			q.From = append(q.From, n)
		} else {
			q.In = append(q.In, n)
		}
		return true
	case "before", "after", "on":
		if q.when(it, now) {
			return true
		}
	default:
		f, ok := flagNames[it.operator+":"+strings.ToLower(it.text)]
		if ok && it.not {
			q.HasNot |= f
		} else if ok {
			q.Has |= f
		}
		if ok {
			return true
		}
	}
	q.Open = append(q.Open, it.operator)
	return false
}

// longestRun returns the longest piece of the term that stands in a text as it is.
func (t *Term) longestRun() (longest string) {
	from, at := 0, 0
	for i, a := range t.atoms {
		if i > 0 && !a.glued {
			from = at
		}
		at += len(a.text)
		if at-from > len(longest) {
			longest = t.folded[from:at]
		}
	}
	return longest
}

var flagNames = map[string]Flags{
	"has:link": hasLink, "has:links": hasLink, "has:file": hasFile, "has:files": hasFile, "has:image": hasImage, "has:images": hasImage,
	"is:pinned": isPinned, "is:thread": isThread,
}

// when bounds the query in time. after:2026-11-24 begins when that day is over; after:7d
// is the last seven days.
func (q *Query) when(it item, now time.Time) bool {
	text := strings.ToLower(it.text)
	from, to, ok := period(text, now)
	if !ok || (it.not && it.operator == "on") { // which would be two times
		return false
	}
	if it.operator == "on" {
		q.since(from)
		q.until(to)
		return true
	}
	bound := from
	if it.operator == "after" && !strings.HasSuffix(text, "d") && !strings.HasSuffix(text, "w") {
		bound = to
	}
	if (it.operator == "after") == it.not {
		q.until(bound)
	} else {
		q.since(bound)
	}
	return true
}

func (q *Query) since(t time.Time) {
	if t.After(q.After) {
		q.After = t
	}
}

func (q *Query) until(t time.Time) {
	if q.Before.IsZero() || t.Before(q.Before) {
		q.Before = t
	}
}

// period reads 2026-11-24, 2026-11, 2026, today, yesterday, 7d and 2w.
func period(text string, now time.Time) (from, to time.Time, ok bool) {
	y, m, d := now.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	switch text {
	case "today":
		return today, today.AddDate(0, 0, 1), true
	case "yesterday":
		return today.AddDate(0, 0, -1), today, true
	}
	for _, f := range []struct {
		layout              string
		years, months, days int
	}{{"2006-01-02", 0, 0, 1}, {"2006-1-2", 0, 0, 1}, {"2006-01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if t, err := time.ParseInLocation(f.layout, text, now.Location()); err == nil && t.Year() > 1970 {
			return t, t.AddDate(f.years, f.months, f.days), true
		}
	}
	days := map[byte]int{'d': 1, 'w': 7}
	n := 0
	for i := range len(text) {
		c := text[i]
		if unit := days[c]; unit > 0 && i > 0 && i == len(text)-1 {
			from = today.AddDate(0, 0, -n*unit)
			return from, from.AddDate(0, 0, 1), true
		}
		if c < '0' || c > '9' || i > 3 {
			return from, to, false
		}
		n = 10*n + int(c-'0')
	}
	return from, to, false
}
