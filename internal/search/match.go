package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// This file decides whether a text has what is searched for, and where. The index only
// proposes.

// span is a place in a text, in bytes.
type span struct{ from, to int }

// maxMarks bounds what is marked in one message.
const maxMarks = 100

// at says whether the term stands at atom i, and how far it goes. whole says that its
// last word does not go on.
func (t *Term) at(text string, all []atom, i int) (s span, whole, ok bool) {
	s.from = all[i].from
	for k, want := range t.atoms {
		if k > 0 && !want.glued && want.class != symbol {
			for i < len(all) && all[i].class == symbol {
				i++
			}
		}
		if i == len(all) || all[i].class != want.class || (k > 0 && want.glued && !all[i].glued) {
			return s, false, false
		}
		have := all[i]
		i++
		if have.text == want.text {
			s.to, whole = have.to, true
			continue
		}
		if k < len(t.atoms)-1 || t.Whole || want.class != word || !strings.HasPrefix(have.text, want.text) {
			return s, false, false
		}
		s.to, whole = have.from+reach(text[have.from:have.to], len(want.text)), false
	}
	return s, whole, true
}

// in says whether the term stands somewhere.
func (t *Term) in(text string, all []atom) bool {
	for i := range all {
		if _, _, ok := t.at(text, all, i); ok {
			return true
		}
	}
	return false
}

// matches says whether a text has all that is wanted, and nothing that is not.
func (q *Query) matches(text string, all []atom) bool {
	for i := range q.Terms {
		if t := &q.Terms[i]; t.in(text, all) == t.Not {
			return false
		}
	}
	return true
}

// marks returns where the terms stand, in order and without overlaps.
func (q *Query) marks(text string, all []atom) []span {
	var found []span
	for i := range q.Terms {
		t := &q.Terms[i]
		if t.Not {
			continue
		}
		for j := range all {
			if s, _, ok := t.at(text, all, j); ok {
				found = append(found, s)
			}
		}
	}
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	var joined []span
	for _, s := range found {
		if n := len(joined); n > 0 && s.from <= joined[n-1].to {
			joined[n-1].to = max(joined[n-1].to, s.to)
			continue
		}
		if len(joined) == maxMarks {
			break
		}
		joined = append(joined, s)
	}
	return joined
}

// score says how well a text fits: whole words before beginnings, terms that stand
// together and in their order, and texts that are about little else.
func (q *Query) score(text string, all []atom) (points float64) {
	previous, marked := -1, 0
	for i := range q.Terms {
		t := &q.Terms[i]
		if t.Not {
			continue
		}
		best, place := 0.0, -1
		for j := range all {
			s, whole, ok := t.at(text, all, j)
			if !ok {
				continue
			}
			p := 1.0
			if whole {
				p = 2
			}
			if previous >= 0 && j > previous {
				p += 1 / float64(j-previous)
			}
			if p > best {
				best, place = p, j
				marked += s.to - s.from
			}
		}
		points, previous = points+best, place
	}
	return points + 2*float64(min(marked, len(text)))/float64(len(text)+1)
}

// utf16Marks gives places as browsers count: in units of UTF-16.
func utf16Marks(text string, spans []span) [][2]int {
	marks := make([][2]int, 0, len(spans))
	units, at := 0, 0
	count := func(to int) int {
		for at < to {
			r, n := utf8.DecodeRuneInString(text[at:])
			at += n
			units++
			if r > 0xffff {
				units++
			}
		}
		return units
	}
	for _, s := range spans {
		from := count(s.from)
		marks = append(marks, [2]int{from, count(s.to)})
	}
	return marks
}
