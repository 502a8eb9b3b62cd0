package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// This file takes texts apart: what is the same to whoever searches becomes the same
// bytes, and each piece knows where in the text it was.

// class says how one finds an atom.
type class uint8

const (
	space  class = iota // between atoms
	word                // of a script with spaces: by how it begins
	char                // of a script without, and of Korean: wherever it stands
	symbol              // punctuation and emoji: likewise
)

// atom is the least that can be found.
type atom struct {
	text     string // folded
	class    class
	glued    bool // nothing is between it and the atom before
	from, to int  // where it stands, in bytes
}

// content is a text that was taken apart.
type content struct {
	text   string
	folded string // all atoms, with nothing between
	atoms  []atom
}

// read takes a text apart.
func read(s string) *content {
	// The folded text is about as long, so that most texts cost two allocations.
	b := builder{folded: make([]byte, 0, len(s)+8), atoms: make([]atom, 0, len(s)/5+1)}
	fold(s, b.add)
	b.end()
	folded, lo := string(b.folded), 0
	for i := range b.atoms {
		a := &b.atoms[i]
		hi := lo + b.sizes[i]
		a.text, lo = folded[lo:hi], hi
	}
	return &content{s, folded, b.atoms}
}

type builder struct {
	folded []byte
	atoms  []atom
	sizes  []int
	open   bool // the last atom is a word that may go on
	gap    bool // something is between the last atom and what comes
	size   int  // of the open atom
}

func (b *builder) add(r rune, from, to int) {
	c := classOf(r)
	switch {
	case r == dropped:
		if len(b.atoms) > 0 && !b.gap {
			b.atoms[len(b.atoms)-1].to = to
		}
		return
	case c == space:
		b.end()
		b.gap = true
		return
	case b.open && c == word:
		b.grow(r, to)
		return
	}
	b.end()
	b.atoms = append(b.atoms, atom{class: c, glued: !b.gap && len(b.atoms) > 0, from: from})
	b.open, b.gap, b.size = true, false, 0
	b.grow(r, to)
	if c != word {
		b.end()
	}
}

func (b *builder) grow(r rune, to int) {
	before := len(b.folded)
	b.folded = utf8.AppendRune(b.folded, r)
	b.size += len(b.folded) - before
	b.atoms[len(b.atoms)-1].to = to
}

func (b *builder) end() {
	if b.open {
		b.sizes = append(b.sizes, b.size)
		b.open = false
	}
}

// dropped stands for what is not there for whoever searches: accents, joiners, skin
// tones.
const dropped = -1

// fold gives the runes of a text as they are searched for, with the bytes that each
// comes from: lower case, without accents, in the usual width (NFKC).
func fold(s string, emit func(r rune, from, to int)) {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && (i+1 == len(s) || s[i+1] < utf8.RuneSelf) {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			emit(rune(c), i, i+1)
			i++
			continue
		}
		n := norm.NFKC.NextBoundaryInString(s[i:], true)
		if n <= 0 {
			n = len(s) - i
		}
		part := s[i : i+n]
		if !norm.NFKC.IsNormalString(part) {
			part = norm.NFKC.String(part)
		}
		for _, r := range part {
			foldRune(r, func(r rune) { emit(r, i, i+n) })
		}
		i += n
	}
}

func foldRune(r rune, emit func(rune)) {
	r = unicode.ToLower(r)
	if ignored(r) {
		emit(dropped)
		return
	}
	if plain, ok := alike[r]; ok {
		for _, p := range plain {
			emit(p)
		}
		return
	}
	if r < 0xc0 || r >= 0x3000 {
		emit(r)
		return
	}
	var buf [utf8.UTFMax]byte
	parts := norm.NFKD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition()
	base, _ := utf8.DecodeRune(parts)
	if len(parts) == 0 || !unicode.In(base, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic) {
		emit(r) // in other scripts, marks are what one writes
		return
	}
	for len(parts) > 0 {
		p, n := utf8.DecodeRune(parts)
		if !ignored(p) {
			emit(p)
		}
		parts = parts[n:]
	}
}

// ignored says whether nobody types that who searches.
func ignored(r rune) bool {
	if r < 0x300 {
		return r == 0xad // soft hyphen
	}
	return unicode.Is(ignoredRunes, r)
}

var ignoredRunes = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x300, 0x36f, 1}, {0x483, 0x487, 1}, // accents
		{0x591, 0x5bd, 1}, {0x5bf, 0x5bf, 1}, {0x5c1, 0x5c2, 1}, {0x5c4, 0x5c5, 1}, // Hebrew points
		{0x610, 0x61a, 1}, {0x640, 0x640, 1}, {0x64b, 0x65f, 1}, {0x670, 0x670, 1}, {0x6d6, 0x6dc, 1}, // Arabic ones, and kashida
		{0x1ab0, 0x1aff, 1}, {0x1dc0, 0x1dff, 1},
		{0x200c, 0x200f, 1}, {0x202a, 0x202e, 1}, {0x2060, 0x2069, 1}, // joiners, directions
		{0xfe00, 0xfe0f, 1}, {0xfeff, 0xfeff, 1}, // how an emoji is drawn
	},
	R32: []unicode.Range32{{0x1f3fb, 0x1f3ff, 1}, {0xe0000, 0xe01ef, 1}}, // skin tones, tags
}

// alike is what has no decomposition, and is typed as something simpler.
var alike = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i", 'ŋ': "n", 'ς': "σ",
	'‘': "'", '’': "'", 'ʼ': "'", '“': `"`, '”': `"`, '„': `"`, '‐': "-", '‒': "-", '–': "-", '—': "-", '−': "-",
}

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		return ascii(r)
	case r >= 0xe00 && unicode.In(r, unspaced...), r == 'ー':
		return char
	case unicode.In(r, unicode.L, unicode.M, unicode.N):
		return word
	case unicode.In(r, unicode.Z, unicode.C):
		return space
	}
	return symbol
}

func ascii(r rune) class {
	switch {
	case '0' <= r && r <= '9', 'a' <= r && r <= 'z':
		return word
	case r <= ' ', r == 0x7f:
		return space
	}
	return symbol
}

// unspaced are scripts in which one does not see where a word begins. Korean has
// spaces, but a word goes on behind the noun that one searches for, and begins with
// another where two are written as one.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo, unicode.Yi,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
}

// reach returns how many bytes of s it takes until their folded form has n bytes.
func reach(s string, n int) int {
	end := len(s)
	fold(s, func(r rune, _, to int) {
		if r == dropped {
			return
		}
		if n > 0 {
			end = to
		}
		n -= utf8.RuneLen(r)
	})
	return end
}

// plain is a name as names are compared with what somebody typed.
func plain(name string) string {
	var b strings.Builder
	for i, a := range read(name).atoms {
		if i > 0 && !a.glued {
			b.WriteByte(' ')
		}
		b.WriteString(a.text)
	}
	return b.String()
}
