package names_test

import (
	"errors"
	"strings"
	"testing"

	"hubbub/internal/chat"
	"hubbub/internal/names"
)

func TestClean(t *testing.T) {
	for name, want := range map[string]string{
		"Ines": "Ines", "  Ines   B. ": "Ines B.", "愛": "愛", "O'Neil": "O'Neil", "e\u0301a": "e\u0301a", "🎉": "🎉", "東京タワー": "東京タワー",
		"Мария": "Мария", "محمد": "محمد", "हिन्दी": "हिन्दी", "Kim 김": "Kim 김", "Ines 🎈 2": "Ines 🎈 2", "a\u2028b": "a b",
		strings.Repeat("é", chat.MaxName): strings.Repeat("é", chat.MaxName),
		"":                                "", " \t ": "",
		strings.Repeat("x", chat.MaxName+1): "", "a\x00b": "", "a\u202eb": "", "\u200b": "",
		"a\u00adb": "", "...": "", "\xff": "", "a\ufeffb": "", "\u2066a": "", "a\u0007": "",
		"\U000e0041bc": "", // tag characters
		"Инesа":        "", // Cyrillic and Latin
		"αlpha":        "", // Greek and Latin
	} {
		got, err := names.Clean(name)
		if got.Display != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, got.Display, err, want)
		}
	}
}

// What nobody could tell apart is one name.
func TestLookAlikes(t *testing.T) {
	for _, same := range [][]string{
		{"Ines", "ines", "INES", "lnes", "Ｉｎｅｓ", "1nes"},
		{"Tom", "tom", "T0m", "Torn"},
		{"scope", "ѕсоре"}, // the second is Cyrillic
		{"Ορος", "ορος"},
	} {
		first, err := names.Clean(same[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range same[1:] {
			if n, err := names.Clean(s); err != nil || n.Key != first.Key {
				t.Errorf("%q is not %q: %q, %q, %v", s, same[0], n.Key, first.Key, err)
			}
		}
	}
	for _, other := range [][2]string{{"Ines", "Inês"}, {"Tom", "Tim"}, {"愛", "恋"}, {"anna", "hanna"}} {
		a, _ := names.Clean(other[0])
		b, _ := names.Clean(other[1])
		if a.Key == b.Key {
			t.Errorf("%q and %q are one", other[0], other[1])
		}
	}
}

// Nobody passes for the server.
func TestReserved(t *testing.T) {
	for _, name := range []string{"admin", "Admin", "ADMIN", "аdmin", "adm1n", "admіn", "аԁmіn", "ⓐdmin", "hubbub", "Owner", "0wner", "everyone"} {
		_, err := names.Clean(name)
		var e *chat.Error
		if !errors.As(err, &e) || (e.Code != chat.CodeNameTaken && e.Code != chat.CodeBadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"Adam", "Ad Min", "owen"} {
		if _, err := names.Clean(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
