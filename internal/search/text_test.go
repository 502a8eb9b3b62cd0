package search

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// utc is when the tests search.
var now = time.Date(2026, 11, 25, 15, 4, 5, 0, time.UTC)

// What is in which text: as it is typed, letter by letter, and as it is not.
func TestFinds(t *testing.T) {
	for _, x := range []struct{ text, finds, not string }{
		{"The oven arrived. It fits with 4 mm to spare 🎉", `a ar arr arrived "oven arrived" OVEN 4 "4 mm" . 🎉 "arrived it" spare`, `rrived rived ven "the arrived" "arrived fits" 🎊 44`},
		{"Tomás fährt nach Łódź, naïve Œuvre, Straße", `tomas TOMÁS fahrt fährt lodz łódź naive oeuvre œuvre strasse STRASSE straß`, `faehrt`},
		{"Ｆｕｌｌ　ｗｉｄｔｈ ｶﾞﾗｽ ガラス", `full width "full width" ガラス ｶﾞﾗｽ ガ`, `カラス`},
		{"東京都に行きました。とても楽しかった！", `東 東京 京 京都 東京都 都に 行きました 。 楽しかった！ た！`, `東都 京東 西`},
		{"我们明天去北京大学。你来吗？", `北京 大学 北京大学 京大 我 吗？`, `北大 京北`},
		{"안녕하세요, 내일 회의가 있습니다", `안녕 회의 회의가 의 내일 "내일 회의가" 있습`, `희의 일회`},
		{"สวัสดีครับ พรุ่งนี้ประชุม", `สวัสดี ประชุม พรุ่ง`, `ประชา`},
		{"Привет, Ёлка и Йод", `привет елка ёлка йод`, `ривет`},
		{"नमस्ते दुनिया", `नमस्ते नम दुनिया "नमस्ते दुनिया"`, `मस्ते`},
		{"שָׁלוֹם עולם", `שלום עולם`, `לום`},
		{"مُحَمَّد والأحمد", `محمد والاحمد والأحمد`, `حمد`},
		{"Καλημέρα ΚΌΣΜΟΣ κόσμος", `καλημερα κοσμος κόσμοσ`, `λημερα`},
		{"We use C++ and c#, a->b, foo.bar(), snake_case, e-mail :-) :)", `c c+ c++ C++ c# -> a->b foo.bar foo bar "foo bar" snake case snake_case e-mail mail :-) :) ( () + # _ a-> >b`, `c+++ b->a +c a.b ;)`},
		{"basic++ is not it; nor C ++", `basic++ "c ++" ++`, `c++`},
		{"don't stop: l’arrivée d'Ines", `don don't don’t arrivée arrivee l'arrivée l’a ines`, `dont larrivee`},
		{"see https://example.com/a/b?c=d&e=f#g", `https:// example example.com https://example.com/a/b?c=d d&e b?c`, `xample`},
		{"🎉🎉 👍🏽 👩‍👩‍👧 ❤️", `🎉 🎉🎉 👍 👍🏿 ❤ ❤️ 👩 👩‍👩‍👧`, `🎉🎉🎉 👎`},
		{"zero​width so­ft e\u0301te\u0301 été", `zero width soft été ete`, `zerowidth`},
		{"① ½ ㈱ … “quoted” «x»", `1 株 ... … quoted «`, `3`},
		{"He said \"go\" -- then left", `"go" -- "said go" "go then"`, `"go left"`},
		{strings.Repeat("a", 100) + "b", strings.Repeat("a", 60) + " " + strings.Repeat("a", 100) + "b", strings.Repeat("a", 100) + "c"},
	} {
		e := entry{room: 1, author: 2, text: x.text}
		tokens := tokenSet(&e)
		for term := range typed(x.finds) {
			q := Parse(term, now)
			if !q.matches(read(x.text)) {
				t.Errorf("%q is not found by %s: %v", x.text, term, q.Terms)
			}
			if len(q.marks(read(x.text))) == 0 {
				t.Errorf("%q has no marks for %s", x.text, term)
			}
			if expr, _ := q.Terms[0].wanted(); !proposed(expr, tokens) {
				t.Errorf("the index does not propose %q for %s: %s in %q", x.text, term, expr, tokens)
			}
		}
		for term := range typed(x.not) {
			if q := Parse(term, now); q.matches(read(x.text)) {
				t.Errorf("%q is found by %s", x.text, term)
			}
		}
	}
}

// typed takes a list of terms apart, as the parser does.
func typed(list string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for list = strings.TrimLeft(list, " "); list != ""; list = strings.TrimLeft(list, " ") {
			before := list
			_, list = next(list)
			if !yield(before[:len(before)-len(list)]) {
				return
			}
		}
	}
}

func tokenSet(e *entry) []string { return strings.Fields(e.tokens()) }

// proposed is what FTS5 would do with an expression of wanted.
func proposed(expr string, tokens []string) bool {
	for part := range strings.SplitSeq(strings.Trim(expr, "()"), " AND ") {
		phrase, prefix := strings.CutSuffix(part, "*")
		words := strings.Fields(strings.Trim(phrase, `"`))
		found := false
		for i := 0; i+len(words) <= len(tokens) && !found; i++ {
			found = true
			for j, w := range words {
				if prefix && j == len(words)-1 {
					found = found && strings.HasPrefix(tokens[i+j], w)
				} else {
					found = found && tokens[i+j] == w
				}
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"The oven!":      "the oven ！ ！\ue000n",
		"東京都 x":          "東京 京都 都 x",
		"C++":            "c ＋＋ ＋\ue000c ＋",
		"a.b":            "a b ．b ．\ue000a",
		"한국어":            "한국 국어 어",
		"===":            "＝＝ ＝",
		"\U000f0001 x y": "x y", // nobody can write a token
	} {
		e := entry{text: text, room: 1, author: 1}
		got := strings.TrimSuffix(e.tokens(), " "+keyToken(tokenRoom, 1)+" "+keyToken(tokenAuthor, 1))
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Tokens of rooms and people are all different, and none begins another.
func TestKeyTokens(t *testing.T) {
	seen := map[string]bool{}
	for key := range int64(100_000) {
		token := keyToken(tokenRoom, key)
		if r, _ := utf8.DecodeRuneInString(token); seen[token] || r == utf8.RuneError {
			t.Fatalf("key %d: %q", key, token)
		}
		seen[token] = true
	}
	if first := keyToken(tokenRoom, 40_000); seen[string([]rune(first)[:1])] {
		t.Error("a long token begins with a short one")
	}
}

func TestMarks(t *testing.T) {
	for _, x := range []struct{ text, query, want string }{
		{"The oven arrived.", "arr ov", "ov arr"},
		{"🎉 Große Feier", "gross feier", "Groß Feier"},
		{"🎉 Große Feier", "gros", "Groß"},
		{"Tomás e\u0301te\u0301", "tom ete", "Tom e\u0301te\u0301"},
		{"Hello, world! hello", `"hello world"`, "Hello, world"},
		{"C++ and C", "c++", "C++"},
		{"東京都東京", "東京", "東京 東京"},
		{"aa aab", "aa -zz", "aa aa"},
		{"👍🏽 yes", "👍", "👍🏽"},
		{"ﬁnd", "fi", "ﬁ"},
	} {
		q := Parse(x.query, now)
		var got []string
		units := utf16.Encode([]rune(x.text))
		for _, m := range utf16Marks(x.text, q.marks(read(x.text))) {
			got = append(got, string(utf16.Decode(units[m[0]:m[1]])))
		}
		if strings.Join(got, " ") != x.want {
			t.Errorf("%s in %q: %q", x.query, x.text, got)
		}
	}
}

func TestParse(t *testing.T) {
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	for _, x := range []struct {
		text string
		want Query
	}{
		{"", Query{}},
		{"   ", Query{}},
		{"oven", Query{Terms: []Term{{Text: "oven"}}}},
		{`-oven "it fits" “so it”`, Query{Terms: []Term{{Text: "oven", Not: true}, {Text: "it fits", Whole: true}, {Text: "so it", Whole: true}}}},
		{`"open phr`, Query{Terms: []Term{{Text: "open phr"}}}},
		{`-"not this"`, Query{Terms: []Term{{Text: "not this", Not: true, Whole: true}}}},
		{`"" " " -"" - "-"`, Query{Terms: []Term{{Text: "-", Whole: true}}}},
		{"-> --flag -:) - C++", Query{Terms: []Term{{Text: "->"}, {Text: "--flag"}, {Text: "-:)"}, {Text: "C++"}}}},
		{"from:ines FROM:@Tomás -from:bot", Query{From: []Name{{Text: "ines"}, {Text: "Tomás"}, {Text: "bot", Not: true}}}},
		{`from:"Ana María" in:#kitchen in:"Moving house" -in:lobby`, Query{From: []Name{{Text: "Ana María"}}, In: []Name{{Text: "kitchen"}, {Text: "Moving house"}, {Text: "lobby", Not: true}}}},
		{"from: in: has: is: before: on:", Query{Open: []string{"from", "in", "has", "is", "before", "on"}}},
		{"has:lin is:pin before:2026-1x on:tod from:\"", Query{Open: []string{"has", "is", "before", "on", "from"}}},
		{"has:link -has:image is:pinned has:FILE", Query{Has: hasLink | isPinned | hasFile, HasNot: hasImage}},
		{"foo:bar http://x.y in::x from", Query{Terms: []Term{{Text: "foo:bar"}, {Text: "http://x.y"}, {Text: "in::x"}, {Text: "from"}}}},
		{"before:2026-11-24", Query{Before: day(2026, 11, 24)}},
		{"after:2026-11-24", Query{After: day(2026, 11, 25)}},
		{"on:2026-11-24", Query{After: day(2026, 11, 24), Before: day(2026, 11, 25)}},
		{"on:2026-11", Query{After: day(2026, 11, 1), Before: day(2026, 12, 1)}},
		{"on:2025", Query{After: day(2025, 1, 1), Before: day(2026, 1, 1)}},
		{"on:today", Query{After: day(2026, 11, 25), Before: day(2026, 11, 26)}},
		{"on:Yesterday", Query{After: day(2026, 11, 24), Before: day(2026, 11, 25)}},
		{"after:yesterday", Query{After: day(2026, 11, 25)}},
		{"after:7d", Query{After: day(2026, 11, 18)}},
		{"before:2w", Query{Before: day(2026, 11, 11)}},
		{"-before:7d", Query{After: day(2026, 11, 18)}},
		{"after:7d after:3d before:1d before:2d", Query{After: day(2026, 11, 22), Before: day(2026, 11, 23)}},
		{"on:d on:w on:99999d on:2026-13-40 on:0", Query{Open: []string{"on", "on", "on", "on", "on"}}},
		{"a\x00b\xff c", Query{Terms: []Term{{Text: "a"}, {Text: "b"}, {Text: "c"}}}},
		{strings.Repeat("x", 300), Query{Terms: []Term{{Text: strings.Repeat("x", 256)}}, Cut: true}},
		{strings.Repeat("東", 300), Query{Terms: []Term{{Text: strings.Repeat("東", 256)}}, Cut: true}},
	} {
		got := Parse(x.text, now)
		if shown(got) != shown(x.want) {
			t.Errorf("%s: %s, want %s", x.text, shown(got), shown(x.want))
		}
	}
	if q := Parse(strings.Repeat("a ", 20), now); len(q.Terms) != maxTerms || !q.Cut {
		t.Errorf("%d terms, cut %v", len(q.Terms), q.Cut)
	}
}

// shown leaves out what follows from the rest.
func shown(q Query) string {
	for i := range q.Terms {
		q.Terms[i].content, q.Terms[i].longest = nil, ""
	}
	for _, names := range [][]Name{q.From, q.In} {
		for i := range names {
			names[i].key = ""
		}
	}
	return fmt.Sprintf("%+v", q)
}

// What the index proposes holds all that a query finds, and reading a query never fails.
func FuzzQuery(f *testing.F) {
	f.Add("The oven arrived, C++ -> 東京都 🎉", `oven -x "arrived c++" from:a before:2026 東`)
	f.Add("e\u0301\u200dﬁ한국", `"é fi" 국`)
	f.Fuzz(func(t *testing.T, text, query string) {
		text = strings.ToValidUTF8(text, "?")
		q := Parse(query, now)
		if len(q.Terms)+len(q.From)+len(q.In) > maxTerms {
			t.Fatalf("%d terms", len(q.Terms))
		}
		all := read(text)
		for i, a := range all.atoms {
			if a.from >= a.to || a.to > len(text) || (i > 0 && a.from < all.atoms[i-1].from) || a.text == "" {
				t.Fatalf("atom %+v of %q", a, text)
			}
		}
		e := entry{room: 1, author: 1, text: text}
		tokens := tokenSet(&e)
		for i := range q.Terms {
			term := &q.Terms[i]
			expr, exact := term.wanted()
			in := term.in(all)
			if in && !proposed(expr, tokens) {
				t.Fatalf("%q has %q, and is not proposed for %s", text, term.Text, expr)
			}
			if exact && !in && proposed(expr, tokens) {
				t.Fatalf("%q has no %q, and %s is said to be exact", text, term.Text, expr)
			}
		}
		last := 0
		for _, m := range utf16Marks(text, q.marks(all)) {
			if m[0] < last || m[1] <= m[0] || m[1] > len(utf16.Encode([]rune(text))) {
				t.Fatalf("marks %v of %q", m, text)
			}
			last = m[1]
		}
	})
}
