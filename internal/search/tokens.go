package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// This file makes the tokens that stand in the index: of messages, and of what is
// searched for.
//
// A word is one token. Characters of unspaced scripts are overlapping pairs: 東京都 is
// 東京 京都 都, so that any two of them in a row, and any one at the beginning of a
// token, can be looked up. Symbols are pairs with what stands before and behind them,
// beside the words, so that "hello world" finds "Hello, world!" too. What else is
// looked up has tokens that no text can make.

// Tokens of what a message is like, from the private use area, which is space in texts.
const (
	tokenBefore = '\ue000' // between a symbol and what is before it
	tokenFlag   = '\ue001' // and on: one for each flag
	tokenRoom   = 0xf0000
	tokenAuthor = 0x100000
	plane       = 0xfffe // tokens of one character; behind that they have two
	maxToken    = 40     // characters of a word that are looked up
)

// Flags are what a message is like.
type Flags uint8

const (
	hasLink Flags = 1 << iota
	hasFile
	hasImage
	isPinned
	isThread
	allFlags = iota
)

// Names returns what one types for them.
func (f Flags) Names() (all []string) {
	for i, name := range []string{"has:link", "has:file", "has:image", "is:pinned", "is:thread"} {
		if f&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	return all
}

// entry is a message as the index has it. Its tokens follow from it alone, so that
// what was put in can be taken out.
type entry struct {
	id           int64
	room, author int64
	flags        Flags
	text         string
}

// tokens returns what stands in the index for a message, with spaces between.
func (e *entry) tokens() string {
	all := read(e.text).atoms
	b := make([]byte, 0, 2*len(e.text)+32)
	for i := range all {
		if all[i].class != symbol {
			b = append(appendToken(b, all, i), ' ')
		}
	}
	seen := make(map[string]struct{})
	for i := range all {
		if all[i].class != symbol {
			continue
		}
		for _, t := range symbolTokens(all, i) {
			if _, ok := seen[t]; !ok { // where it stands does not matter
				seen[t] = struct{}{}
				b = append(append(b, t...), ' ')
			}
		}
	}
	for i := range allFlags {
		if e.flags&(1<<i) != 0 {
			b = append(append(b, flagToken(1<<i)...), ' ')
		}
	}
	b = append(append(b, keyToken(tokenRoom, e.room)...), ' ')
	return string(append(b, keyToken(tokenAuthor, e.author)...))
}

// appendToken appends the token of a word or a character.
func appendToken(b []byte, all []atom, i int) []byte {
	a := all[i]
	if a.class == word {
		return append(b, short(a.text)...)
	}
	b = append(b, a.text...)
	if i+1 < len(all) && all[i+1].class == char && all[i+1].glued {
		b = append(b, all[i+1].text...)
	}
	return b
}

// short cuts a word that nobody types to its end.
func short(s string) string {
	if len(s) <= maxToken {
		return s
	}
	n := 0
	for i := range s {
		if n == maxToken {
			return s[:i]
		}
		n++
	}
	return s
}

// symbolTokens are the pairs that a symbol makes.
func symbolTokens(all []atom, i int) []string {
	own := code(all[i].text)
	tokens := []string{own}
	if i+1 < len(all) && all[i+1].glued {
		tokens[0] += first(all[i+1])
	}
	if i > 0 && all[i].glued && all[i-1].class != symbol {
		_, n := utf8.DecodeLastRuneInString(all[i-1].text)
		tokens = append(tokens, own+string(tokenBefore)+all[i-1].text[len(all[i-1].text)-n:])
	}
	return tokens
}

func first(a atom) string {
	if a.class == symbol {
		return code(a.text)
	}
	_, n := utf8.DecodeRuneInString(a.text)
	return a.text[:n]
}

// code is a symbol as SQLite's tokenizer takes it for a letter: in full width, which
// no folded text is in.
func code(symbol string) string {
	if r := symbol[0]; r < utf8.RuneSelf {
		return string(rune(r) + 0xfee0)
	}
	return symbol
}

func flagToken(f Flags) string {
	i := rune(0)
	for ; f > 1; f >>= 1 {
		i++
	}
	return string(tokenFlag + i)
}

func keyToken(from rune, key int64) string {
	if key < plane/2 {
		return string(from + rune(key))
	}
	// The first half of the plane is for tokens of one character.
	return string([]rune{from + plane/2 + rune(key%(plane/2)), from + rune(key/(plane/2)%plane)})
}

// wanted returns the expression of FTS5 that finds at least what the term finds, and
// whether it finds nothing else.
func (t *Term) wanted() (expr string, exact bool) {
	var words []byte
	prefix := false
	var parts []string
	last := lastWord(t.atoms)
	for i, a := range t.atoms {
		switch {
		case a.class == symbol:
			parts = append(parts, wantedSymbol(t.atoms, i)...)
		case i == last && a.class == word:
			words = append(appendToken(words, t.atoms, i), ' ')
			// A word that was cut in the index is looked up by its beginning.
			prefix = !t.Whole || len(a.text) > len(short(a.text))
		case i == last && i > 0 && t.atoms[i-1].class == char && a.glued:
			// The pair before has it.
		case i == last:
			words, prefix = append(appendToken(words, t.atoms, i), ' '), true
		default:
			words = append(appendToken(words, t.atoms, i), ' ')
		}
	}
	exact = len(parts) == 0
	if len(words) > 0 {
		w := quoted(strings.TrimSuffix(string(words), " "))
		if prefix {
			w += "*"
		}
		parts = append(parts, w)
		exact = exact && (t.oneRun() || len(t.atoms) == 1) && len(words) < maxToken
	}
	return "(" + strings.Join(parts, " AND ") + ")", exact
}

// oneRun says whether the term is characters in a row.
func (t *Term) oneRun() bool {
	return !slices.ContainsFunc(t.atoms, func(a atom) bool { return a.class != char }) &&
		!slices.ContainsFunc(t.atoms[1:], func(a atom) bool { return !a.glued })
}

func lastWord(all []atom) int {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].class != symbol {
			return i
		}
	}
	return -1
}

func wantedSymbol(all []atom, i int) []string {
	tokens := symbolTokens(all, i)
	for j, t := range tokens {
		tokens[j] = quoted(t)
	}
	if i+1 == len(all) || !all[i+1].glued {
		tokens[0] += "*" // whatever follows it
	}
	return tokens
}

func quoted(token string) string { return `"` + token + `"` }
