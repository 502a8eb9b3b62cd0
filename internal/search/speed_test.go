package search

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/sqlite"
)

var (
	corpusSize   = flag.Int("messages", 0, "measure searches among so many messages")
	corpusFolder = flag.String("corpus", "", "keep the messages in this folder, for the next time")
)

// TestSpeed measures searches: make bench-search. It prints the table of
// docs/adr/0011-search.md.
func TestSpeed(t *testing.T) {
	if *corpusSize == 0 {
		t.Skip("make bench-search")
	}
	dir := *corpusFolder
	if dir == "" {
		dir = t.TempDir()
	}
	c := makeCorpus(t, dir, *corpusSize)
	w := &world{TB: t, dir: dir}
	var err error
	w.store, err = sqlite.Open(t.Context(), dir, slog.New(slog.DiscardHandler), sqlite.Options{})
	w.must(err)
	begun, cpu := time.Now(), processTime()
	w.openIndex()
	w.store.Follow(w.index.Follow)
	defer w.close()
	w.sync()
	fmt.Printf("indexed, or opened: %v, of processor %v; %d messages\n", time.Since(begun).Round(time.Millisecond), (processTime() - cpu).Round(time.Millisecond), w.index.total)
	for _, name := range []string{"hubbub.db", fileName} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			fmt.Printf("%s: %d MB\n", name, info.Size()>>20)
		}
	}
	w.changes(c)
	r := rand.New(rand.NewPCG(9, 9))
	fmt.Println("| query | in 5 rooms | in 150 rooms | owner, in all |")
	fmt.Println("|---|---|---|---|")
	for _, k := range c.kinds(r) {
		line := "| " + k.name
		for _, who := range []chat.Person{c.few, c.many, c.owner} {
			line += " | " + w.measure(who, k)
		}
		fmt.Println(line + " |")
	}
}

// changes measures how long it takes until a message is in the index, and one that is
// deleted is out of its file.
func (w *world) changes(c *corpus) {
	var in, out []time.Duration
	for i := range 40 {
		e := w.say(c.owner, c.rooms[i], fmt.Sprintf("a message of today, about the tulips, number %d", i))
		begun := time.Now()
		w.sync()
		in = append(in, time.Since(begun))
		begun = time.Now()
		w.append(chat.Draft{Room: e.Room, Author: c.owner.ID, Kind: chat.KindDelete, Target: e.Seq})
		stored := time.Since(begun)
		w.sync()
		out = append(out, time.Since(begun)-stored)
	}
	head := w.say(c.owner, c.rooms[150], "the last one")
	begun, cpu := time.Now(), processTime()
	w.append(chat.Draft{Room: head.Room, Author: chat.OperatorID, Kind: chat.KindKeep, Body: fmt.Sprintf("%d messages", int(head.Seq)-1000)})
	_, err := w.store.Sweep(w.Context(), chat.Keep{})
	w.must(err)
	w.sync()
	erased, used := time.Since(begun), processTime()-cpu
	slices.Sort(in)
	slices.Sort(out)
	fmt.Printf("in the index after %v, at most %v; out of it after %v, at most %v\n", in[20], in[39], out[20], out[39])
	fmt.Printf("about 1,000 messages erased from the log and the index in %v, of processor %v\n", erased.Round(time.Millisecond), used.Round(time.Millisecond))
}

// kind is a kind of query.
type kind struct {
	name    string
	best    bool
	queries []string
}

// measure returns the 50th, 95th and 99th percentile of the time in ms, and the 95th of
// what the processor took, which others on the machine do not change as much.
func (w *world) measure(who chat.Person, k kind) string {
	var wall, cpu []time.Duration
	hits := 0
	for round := range 3 {
		for _, q := range k.queries {
			begun, used := time.Now(), processTime()
			a, err := w.index.Search(w.Context(), who.Actor(), Ask{Text: q, Now: corpusStart.AddDate(2, 0, 0), Best: k.best, Limit: 20})
			w.must(err)
			if round > 0 { // the first finds nothing in memory
				wall, cpu = append(wall, time.Since(begun)), append(cpu, processTime()-used)
			}
			hits += len(a.Hits)
		}
	}
	slices.Sort(wall)
	slices.Sort(cpu)
	ms := func(all []time.Duration, percent int) string {
		return fmt.Sprintf("%.1f", all[len(all)*percent/100].Seconds()*1000)
	}
	return fmt.Sprintf("%s / %s / %s (%s) %.0f hits", ms(wall, 50), ms(wall, 95), ms(wall, 99), ms(cpu, 95), float64(hits)/float64(3*len(k.queries)))
}

func processTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (c *corpus) kinds(r *rand.Rand) []kind {
	const n = 40
	en, de, ja, zh, ko := c.lingo[0], c.lingo[6], c.lingo[10], c.lingo[12], c.lingo[14]
	many := func(f func() string) (all []string) {
		for range n {
			all = append(all, f())
		}
		return all
	}
	pick := func(l *lingo, from, to int) string { return l.words[from+r.IntN(to-from)] }
	// some is a few characters in a row of what somebody wrote.
	some := func(l *lingo, n int) func() string {
		return func() string {
			for {
				text := []rune(l.message(r))
				if len(text) < n {
					continue
				}
				i := r.IntN(len(text) - n + 1)
				if s := string(text[i : i+n]); !strings.ContainsAny(s, " 。、？！") {
					return s
				}
			}
		}
	}
	words := func(l *lingo, n int) func() string {
		return func() string {
			for {
				if all := strings.Fields(l.message(r)); len(all) > n {
					return `"` + strings.Trim(strings.Join(all[:n], " "), `"-`) + `"`
				}
			}
		}
	}
	letters := func(n int) func() string {
		return func() string { w := en.word() + "theandfor"; return w[:n] }
	}
	return []kind{
		{"one letter", false, many(letters(1))},
		{"two letters", false, many(letters(2))},
		{"three letters", false, many(letters(3))},
		{"common word", false, many(func() string { return pick(en, 0, 40) })},
		{"usual word", false, many(func() string { return pick(en, 300, 1000) })},
		{"rare word", false, many(func() string { return pick(en, 20000, 30000) })},
		{"no such word", false, many(func() string { return pick(en, 300, 1000) + "qqx" })},
		{"two common words", false, many(func() string { return pick(en, 0, 40) + " " + pick(en, 0, 40) })},
		{"two usual words", false, many(func() string { return pick(en, 100, 500) + " " + pick(en, 100, 500) })},
		{"common and rare", false, many(func() string { return pick(en, 0, 20) + " " + pick(en, 3000, 30000) })},
		{"four words", false, many(func() string {
			return pick(en, 0, 60) + " " + pick(en, 0, 60) + " " + pick(en, 0, 60) + " " + pick(en, 0, 60)
		})},
		{"words of two languages", false, many(func() string { return pick(en, 0, 20) + " " + pick(de, 0, 20) })},
		{"without accents", false, many(func() string { return plain(pick(de, 0, 2000)) })},
		{"phrase of two", false, many(words(en, 2))},
		{"phrase of three", false, many(words(en, 3))},
		{"phrase not there", false, many(func() string { return `"` + pick(en, 0, 20) + " " + pick(en, 0, 20) + " " + pick(en, 0, 20) + `"` })},
		{"one character, Japanese", false, many(some(ja, 1))},
		{"two, Japanese", false, many(some(ja, 2))},
		{"four, Japanese", false, many(some(ja, 4))},
		{"one character, Chinese", false, many(some(zh, 1))},
		{"three, Chinese", false, many(some(zh, 3))},
		{"two syllables, Korean", false, many(some(ko, 2))},
		{"punctuation", false, many(func() string { return []string{"C++", "->", ":)", "?", "...", ".", "c#", "50%", "_", "!?"}[r.IntN(10)] })},
		{"emoji", false, many(func() string { return []string{"🎉", "👍", "😂", "❤️", "🦑"}[r.IntN(5)] })},
		{"part of a link", false, many(func() string { return "example.com/" + pick(en, 0, 200) })},
		{"word -word", false, many(func() string { return pick(en, 0, 40) + " -" + pick(en, 0, 40) })},
		{"only -word", false, many(func() string { return "-" + pick(en, 0, 5) })},
		{"from:", false, many(func() string { return "from:" + `"` + c.people[10+r.IntN(400)].Name + `"` })},
		{"from: word", false, many(func() string { return `from:"` + c.people[10+r.IntN(400)].Name + `" ` + pick(en, 0, 300) })},
		{"from:x word", false, many(func() string { return "from:" + letters(1)() + " " + pick(en, 0, 300) })},
		{"in: word", false, many(func() string { return fmt.Sprintf("in:room-%03d %s", r.IntN(200), pick(en, 0, 300)) })},
		{"in: alone", false, many(func() string { return fmt.Sprintf("in:room-%03d", r.IntN(200)) })},
		{"before: word", false, many(func() string { return fmt.Sprintf("before:2025-%02d-10 %s", 1+r.IntN(12), pick(en, 0, 300)) })},
		{"on: word", false, many(func() string { return fmt.Sprintf("on:2025-%02d-10 %s", 1+r.IntN(12), pick(en, 0, 300)) })},
		{"after: alone", false, many(func() string { return fmt.Sprintf("after:%dd", 1+r.IntN(300)) })},
		{"has:link", false, many(func() string { return "has:link" })},
		{"has:image word", false, many(func() string { return "has:image " + pick(en, 0, 300) })},
		{"is:pinned word", false, many(func() string { return "is:pinned " + pick(en, 0, 300) })},
		{"in hidden rooms only", false, many(func() string { return hiddenWord[:3+r.IntN(6)] })},
		{"hidden, and a word", false, many(func() string { return hiddenWord + " " + pick(en, 0, 40) })},
		{"best: common word", true, many(func() string { return pick(en, 0, 40) })},
		{"best: usual word", true, many(func() string { return pick(en, 300, 1000) })},
		{"best: two common words", true, many(func() string { return pick(en, 0, 40) + " " + pick(en, 0, 40) })},
		{"best: one letter", true, many(letters(1))},
		{"best: one character, Japanese", true, many(some(ja, 1))},
	}
}
