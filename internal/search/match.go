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

// at says whether the term stands at atom i, how far it goes, and which atom is behind
// it. whole says that its last word does not go on.
func (t *Term) at(c *content, i int) (s span, next int, whole, ok bool) {
	s.from = c.atoms[i].from
	for k, want := range t.atoms {
		if k > 0 && !want.glued && want.class != symbol {
			for i < len(c.atoms) && c.atoms[i].class == symbol {
				i++
			}
		}
		if i == len(c.atoms) || c.atoms[i].class != want.class || (k > 0 && want.glued && !c.atoms[i].glued) {
			return s, 0, false, false
		}
		have := c.atoms[i]
		i++
		if have.text == want.text {
			s.to, whole = have.to, true
			continue
		}
		if k < len(t.atoms)-1 || t.Whole || want.class != word || !strings.HasPrefix(have.text, want.text) {
			return s, 0, false, false
		}
		s.to, whole = have.from+reach(c.text[have.from:have.to], len(want.text)), false
	}
	return s, i, whole, true
}

// each gives the places where the term stands, without overlaps, until f has enough.
func (t *Term) each(c *content, f func(s span, i int, whole bool) bool) {
	if !strings.Contains(c.folded, t.longest) {
		return // what looks at each place would take long where all look alike: =====
	}
	for i := 0; i < len(c.atoms); {
		s, next, whole, ok := t.at(c, i)
		if !ok {
			i++
			continue
		}
		if !f(s, i, whole) {
			return
		}
		i = next
	}
}

// in says whether the term stands somewhere.
func (t *Term) in(c *content) (found bool) {
	t.each(c, func(span, int, bool) bool {
		found = true
		return false
	})
	return found
}

// fits says whether a message is what is searched for, whoever wrote it.
func (q *Query) fits(flags Flags, c *content) bool {
	return flags&q.Has == q.Has && flags&q.HasNot == 0 && q.matches(c)
}

// matches says whether a text has all that is wanted, and nothing that is not.
func (q *Query) matches(c *content) bool {
	for i := range q.Terms {
		if t := &q.Terms[i]; t.in(c) == t.Not {
			return false
		}
	}
	return true
}

// marks returns where the terms stand, in order and without overlaps.
func (q *Query) marks(c *content) []span {
	var found []span
	for i := range q.Terms {
		t, most := &q.Terms[i], len(found)+maxMarks
		if t.Not {
			continue
		}
		t.each(c, func(s span, _ int, _ bool) bool {
			found = append(found, s)
			return len(found) < most
		})
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
func (q *Query) score(c *content) (points float64) {
	previous, marked := -1, 0
	for i := range q.Terms {
		t := &q.Terms[i]
		if t.Not {
			continue
		}
		best, place, seen := 0.0, -1, 0
		t.each(c, func(s span, j int, whole bool) bool {
			p := 1.0
			if whole {
				p = 2
			}
			if previous >= 0 && j > previous {
				p += 1 / float64(j-previous)
			}
			if p > best {
				best, place = p, j
			}
			marked += s.to - s.from
			seen++
			return seen < maxMarks
		})
		points, previous = points+best, place
	}
	return points + 2*float64(min(marked, len(c.text)))/float64(len(c.text)+1)
}

// utf16Marks gives places in a text as browsers count: in units of UTF-16. What stands
// behind the text is left out.
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
		if s.to > len(text) {
			break
		}
		from := count(s.from)
		marks = append(marks, [2]int{from, count(s.to)})
	}
	return marks
}
