package search

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"database/sql"

	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/sqlite"
)

// corpus is a place as people might have left it after two years: the same for the same
// seed.
type corpus struct {
	people []chat.Person
	rooms  []chat.RoomID
	lingo  []*lingo // of each room
	few    chat.Person
	many   chat.Person
	owner  chat.Person
}

const (
	corpusPeople = 500
	corpusRooms  = 200
	hiddenWord   = "zugzwang" // often in the rooms where many is not, and nowhere else
)

// lingo is how people of a room write: words with the frequencies of a language (Zipf),
// in sentences.
type lingo struct {
	words []string
	zipf  *rand.Zipf
	space string
	stops []string
}

var commonWords = map[string]string{
	"en": "the to and of a in is it you that i for on with we this have be not are can at but so if as do what just there will was get from or one all about when up how out like would my they see need know think time now yes ok thanks please work today new good make use more here some day meeting",
	"de": "die der und ich das ist nicht in zu es sie wir ein auf mit für den von sich auch als bei noch wie über einen so zum war haben nur oder aber vor zur bis mehr durch man sind wenn können schon dann habe für größer später möglich natürlich",
	"fr": "de la le et les des en un une du que est pour qui dans par sur pas au plus avec ce se sont ou être à été où déjà très même après c'est d'accord l'arrivée réunion",
	"es": "de la que el en y a los se del las un por con no una su para es al lo como más pero sus le ya o este sí porque esta entre cuando muy sin sobre también mañana reunión año",
	"ru": "и в не на я быть он с что а по это она этот к но они мы весь из у который то за свой что от так все как уже для вот ещё может сегодня завтра",
	"ar": "في من على أن إلى هذا التي الذي عن مع كان هذه ما لا بعد أو كل قد بين اليوم غدا شكرا",
	"hi": "के है में की और से का को यह पर नहीं भी एक कि हैं कर आज कल बैठक धन्यवाद",
}

var syllables = map[string][2]string{
	"en": {"b c d f g h k l m n p r s t v w st tr ch sh br pl gr th", "a e i o u ea ou er in on at al"},
	"de": {"b d f g h k l m n p r s t w z sch st br kr pf", "a e i o u ä ö ü ei au en er ung"},
	"fr": {"b c d f g j l m n p r s t v ch qu br tr", "a e i o u é è ou eau on an ment"},
	"es": {"b c d f g j l m n ñ p r s t v ch ll rr", "a e i o u á é ó ción ar er ado"},
	"ru": {"б в г д ж з к л м н п р с т х ч ш", "а е и о у я ы ё ой ать ени"},
	"ar": {"ب ت ث ج ح خ د ر ز س ش ع ف ق ك ل م ن ه", "ا و ي ة ات ين"},
	"hi": {"क ख ग च ज ट ड त द न प ब म य र ल व स ह", "ा ि ी े ो ु न"},
}

func newLingo(r *rand.Rand, kind string) *lingo {
	l := &lingo{space: " ", stops: []string{".", ".", ".", "?", "!", ",", "...", ""}}
	size := 30_000
	switch kind {
	case "ja", "zh", "ko":
		l.space, l.stops = "", []string{"。", "。", "、", "？", "！", ""}
		size = 8_000
		if kind == "ko" {
			l.space = " "
		}
		for range size {
			l.words = append(l.words, eastern(r, kind))
		}
	default:
		l.words = strings.Fields(commonWords[kind])
		heads, tails := strings.Fields(syllables[kind][0]), strings.Fields(syllables[kind][1])
		for len(l.words) < size {
			var b strings.Builder
			for range 1 + r.IntN(4) {
				b.WriteString(heads[r.IntN(len(heads))])
				b.WriteString(tails[r.IntN(len(tails))])
			}
			l.words = append(l.words, b.String())
		}
	}
	l.zipf = rand.NewZipf(r, 1.1, 4, uint64(size-1))
	return l
}

func eastern(r *rand.Rand, kind string) string {
	var b strings.Builder
	rare := func(most int) rune { return rune(float64(most) * math.Pow(r.Float64(), 3)) }
	for range 1 + r.IntN(3) {
		switch {
		case kind == "ko":
			b.WriteRune(0xac00 + rare(11_000))
		case kind == "ja" && r.IntN(2) == 0:
			b.WriteRune(0x3042 + rare(80))
		case kind == "ja" && r.IntN(5) == 0:
			b.WriteRune(0x30a2 + rare(80))
		default:
			b.WriteRune(0x4e00 + rare(6_000))
		}
	}
	return b.String()
}

var extras = []string{
	"🎉", "👍", "😂", "❤️", ":)", ":-)", "C++", "->", "c#", "https://example.com/%s/%s", "https://example.org/%s.png", "`%s_%s()`", "@%s", "(%s)", "\"%s\"", "%s@example.com", "v1.2.%s", "#%s", "e-%s", "50%%",
}

func (l *lingo) word() string { return l.words[l.zipf.Uint64()] }

// message has some nine words in the median, and now and then a hundred.
func (l *lingo) message(r *rand.Rand) string {
	n := int(math.Exp(2.1+0.8*r.NormFloat64())) + 1
	n = min(n, 400)
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(l.space)
		}
		w := l.word()
		if i == 0 && r.IntN(2) == 0 && l.space != "" {
			w = strings.ToUpper(w[:1]) + w[1:]
			if w[0] >= 0x80 {
				w = l.words[0]
			}
		}
		b.WriteString(w)
		if r.IntN(12) == 0 || i == n-1 {
			b.WriteString(l.stops[r.IntN(len(l.stops))])
		}
		if r.IntN(60) == 0 {
			x := extras[r.IntN(len(extras))]
			if k := strings.Count(x, "%s"); k == 1 {
				x = fmt.Sprintf(x, l.word())
			} else if k == 2 {
				x = fmt.Sprintf(x, l.word(), l.word())
			}
			b.WriteString(" " + x + " ")
		}
	}
	return b.String()
}

// makeCorpus fills a store with messages, through Append as everybody does, and spreads
// them over two years. A store that is there already is taken as it is.
func makeCorpus(t testing.TB, dir string, messages int) *corpus {
	r := rand.New(rand.NewPCG(28, uint64(messages)))
	kinds := []string{"en", "en", "en", "en", "en", "en", "de", "fr", "es", "ru", "ja", "ja", "zh", "zh", "ko", "ar", "hi"}
	lingos := make(map[string]*lingo)
	for _, k := range kinds {
		if lingos[k] == nil {
			lingos[k] = newLingo(r, k)
		}
	}
	ctx := context.Background()
	s, err := sqlite.Open(ctx, dir, slog.New(slog.DiscardHandler), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c := &corpus{}
	known, err := s.People(ctx)
	must(err)
	byName := make(map[string]chat.Person)
	for _, a := range known {
		byName[a.Name] = a.Person
	}
	for i := range corpusPeople {
		name := fmt.Sprintf("%s%d %s", lingos["en"].words[60+i], i, lingos["fr"].words[60+i%40])
		p, ok := byName[name]
		if !ok {
			l, err := s.AddGuest(ctx, chat.Newcomer{Name: chat.Name{Display: name, Key: name}, Token: chat.HashToken(name)})
			must(err)
			p = l.Person
		}
		c.people = append(c.people, p)
	}
	c.few, c.many, c.owner = c.people[0], c.people[1], c.people[2]
	c.owner.Role = chat.RoleOwner
	rooms, err := s.AllRooms(ctx)
	must(err)
	fresh := len(rooms) < corpusRooms
	for i := range corpusRooms {
		name := fmt.Sprintf("room-%03d", i)
		c.lingo = append(c.lingo, lingos[kinds[i%len(kinds)]])
		if !fresh {
			for _, room := range rooms {
				if room.Name == name {
					c.rooms = append(c.rooms, room.ID)
				}
			}
			continue
		}
		// The owner made all rooms; many is in three of four, few in five.
		in := []chat.UserID{}
		if i%4 != 3 {
			in = append(in, c.many.ID)
		}
		if i%40 == 20 {
			in = append(in, c.few.ID)
		}
		for range 10 + r.IntN(30) {
			in = append(in, c.people[3+r.IntN(corpusPeople-3)].ID)
		}
		for _, id := range in {
			must(s.SetPassword(ctx, id, "x")) // only who has an account can be added
		}
		id, err := s.NewRoom(ctx, chat.NewRoom{Kind: chat.RoomPrivate, Name: name, By: c.owner, People: in})
		must(err)
		c.rooms = append(c.rooms, id)
	}
	if fresh {
		begun := time.Now()
		c.fill(t, s, r, messages)
		t.Logf("%d messages appended in %v", messages, time.Since(begun).Round(time.Second))
		must(s.Close())
		spread(t, dir)
	}
	return c
}

// fill appends messages: large rooms have many times as many as small ones.
func (c *corpus) fill(t testing.TB, s *sqlite.Store, r *rand.Rand, messages int) {
	weights := make([]float64, len(c.rooms))
	sum := 0.0
	for i := range weights {
		// Any fourth room is as large as any other: the rights do not depend on the size.
		weights[i] = 1 / math.Pow(float64((i*83)%len(c.rooms)+1), 0.7)
		sum += weights[i]
	}
	const group = 512
	var drafts []chat.Draft
	flush := func() {
		for _, res := range s.Append(context.Background(), drafts) {
			if res.Err != nil {
				t.Fatal(res.Err)
			}
		}
		drafts = drafts[:0]
	}
	for range messages {
		x, i := r.Float64()*sum, 0
		for ; i < len(weights)-1 && x > weights[i]; i++ {
			x -= weights[i]
		}
		text := c.lingo[i].message(r)
		if i%4 == 3 && r.IntN(5) == 0 {
			text += " " + hiddenWord
		}
		drafts = append(drafts, chat.Draft{
			Room: c.rooms[i], Author: c.owner.ID, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: text,
		})
		if len(drafts) == group {
			flush()
		}
	}
	flush()
}

// spread gives the messages the times of two years, and authors from all over: that
// nobody can append.
func spread(t testing.TB, dir string) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "hubbub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.Exec(`UPDATE events SET time = ? + ? * seq / (SELECT head + 1 FROM rooms WHERE key = room),
		author = 5 + (seq * 2654435761 % 1000003 % (5 + room % 60) * 13 + room) % 495 WHERE kind = 1`,
		corpusStart.UnixMilli(), 2*365*24*time.Hour.Milliseconds())
	if err != nil {
		t.Fatal(err)
	}
}

var corpusStart = time.Date(2024, 11, 25, 0, 0, 0, 0, time.UTC)
