package names_test

import (
	"strings"
	"testing"

	"hubbub/internal/chat"
	"hubbub/internal/names"
)

// hostile are names that no room may have, by what is wrong with them.
var hostile = map[string][]string{
	"empty":       {"", " ", "#", "# ", "\t\n"},
	"too long":    {strings.Repeat("x", chat.MaxRoomName+1), strings.Repeat("x", 300), strings.Repeat("é", chat.MaxRoomName+1)},
	"reserved":    {"all", "All", "#here", "channel", "everyone", "hubbub", "system", "a11", "ALL"},
	"mixed":       {"lоbby", "lobbу", "kitсhen", "αlpha"}, // each has one letter of another alphabet
	"paths":       {"../x", "..", ".", "a/b", `a\b`, "..%2f", "%2e%2e", "a\x00b", "a?b", "a#b", "a&b", "a b", "a;b", "a.b"},
	"direction":   {"\u202elobby", "lo\u202ebby", "lobby\u2069", "\u200flobby"},
	"invisible":   {"lo\u200bby", "\u200b", "lo\u00adbby", "lobby\ufeff", "lobby\ufe0f", "lob\u034fby", "\u3164", "lo\u115fbby", "lo\u1160by", "lobby\uffa0", "lo\u180bbby", "lobby\U000e0100"},
	"symbols":     {"😀", "x😀", "kitchen🎉", "a™b", "½", "²"},
	"marks first": {"\u0301x", "-x", "_x", "x-", "x_", "---"},
	"not UTF-8":   {"\xff", "a\xc3", "\xed\xa0\x80"},
}

func TestHostileRoomNames(t *testing.T) {
	for what, all := range hostile {
		for _, name := range all {
			n, err := names.Room(name)
			if e := chat.AsError(err); err == nil || e.Code != chat.CodeBadRoomName || e.Message == "" {
				t.Errorf("%s: %q is %+v, %v", what, name, n, err)
			}
			if strings.Contains(name, " ") && strings.TrimSpace(name) != "" {
				continue // private rooms may have spaces
			}
			if clean, err := names.PrivateRoom(name); err == nil {
				t.Errorf("%s: %q may be private: %q", what, name, clean)
			}
		}
	}
}

// What nobody could tell apart is one room.
func TestRoomLookAlikes(t *testing.T) {
	for _, same := range [][]string{
		{"lobby", "Lobby", "LOBBY", "Iobby", "1obby", "l0bby", "ｌｏｂｂｙ", "#lobby", " lobby "},
		{"küche", "ku\u0308che"}, // one letter, or two that are drawn as one
		{"scope", "ѕсоре"},       // the second is Cyrillic all through
	} {
		first, err := names.Room(same[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range same[1:] {
			if n, err := names.Room(s); err != nil || n.Key != first.Key {
				t.Errorf("%q is not %q: %q, %q, %v", s, same[0], n.Key, first.Key, err)
			}
		}
	}
	// However it was typed, it is found.
	a, _ := names.Room("küche")
	b, _ := names.Room("ku\u0308che")
	if a != b {
		t.Errorf("%q and %q", a, b)
	}
	for _, other := range [][2]string{{"lobby", "hobby"}, {"küche", "kuche"}, {"a-b", "ab"}, {"кухня", "kitchen"}} {
		a, errA := names.Room(other[0])
		b, errB := names.Room(other[1])
		if errA != nil || errB != nil || a.Key == b.Key {
			t.Errorf("%q and %q are one: %v, %v", other[0], other[1], errA, errB)
		}
	}
}

func TestPrivateRoomNames(t *testing.T) {
	for name, want := range map[string]string{
		"Moving house": "Moving house", "  Moving   house ": "Moving house", "#plans": "plans", "Umzug 2": "Umzug 2", "台所 の 話": "台所 の 話",
	} {
		if got, err := names.PrivateRoom(name); err != nil || got != want {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

// Who is meant by @: the longest name, once, and nobody in code.
func TestMentions(t *testing.T) {
	people := map[string]chat.Person{}
	for _, name := range []string{"Ines", "Ines B.", "Tomás", "build-bot", "Ann Marie Lee"} {
		n, err := names.Clean(name)
		if err != nil {
			t.Fatal(err)
		}
		people[n.Key] = chat.Person{ID: chat.UserID(name), Name: name}
	}
	asked := 0
	find := func(key string) (chat.Person, bool, error) { asked++; p, ok := people[key]; return p, ok, nil }
	for text, want := range map[string]string{
		"@Ines hello":                   "Ines",
		"@ines, @INES and @Ines":        "Ines",
		"@Ines Bert":                    "Ines",
		"hi @Ann Marie Lee!":            "Ann Marie Lee",
		"@Tomás: @Ines":                 "Tomás,Ines",
		"@build-bot go":                 "build-bot",
		"(@Ines)":                       "Ines",
		"mail@Ines.example":             "",
		"@@Ines":                        "",
		"@nobody":                       "",
		"`@Ines`":                       "",
		"```\n@Ines\n``` @Tomás":        "Tomás",
		"``a ` @Ines`` @Tomás":          "Tomás",
		"``` @Ines":                     "",
		"@":                             "",
		"@Inesita":                      "",
		strings.Repeat("@x ", 10_000):   "",
		strings.Repeat("@", 1000) + "x": "",
	} {
		asked = 0
		all, _, err := names.Mentions(text, find)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range all {
			got = append(got, m.Name)
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%.40q addresses %q, not %q", text, got, want)
		}
		if asked > 10*chat.MaxMentions {
			t.Errorf("%.40q asks for %d names", text, asked)
		}
	}
}
