// Package names says what people may be called, and which names are the same to
// the eye.
package names

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ergochat/confusables"
	"golang.org/x/text/secure/precis"

	"hubbub/internal/chat"
)

// Clean returns a person's name without surrounding or doubled spaces, and its
// key; or CodeBadName. A name has 1 to chat.MaxName characters by the profile
// Nickname of PRECIS (RFC 8266), so nothing invisible, with a letter, a number or
// a symbol, in one script or in those that are written together. Names that the
// server speaks under are CodeNameTaken.
func Clean(name string) (chat.Name, error) {
	if !utf8.ValidString(name) || len(name) > 16*chat.MaxName {
		return chat.Name{}, length()
	}
	name = strings.Join(strings.Fields(name), " ")
	if n := utf8.RuneCountInString(name); n == 0 || n > chat.MaxName {
		return chat.Name{}, length()
	}
	// The profile's own form would change ﬁ to fi and ½ to 1⁄2: it decides, and
	// makes the key, but people keep what they typed.
	if _, err := precis.Nickname.String(name); err != nil || strings.ContainsFunc(name, hidden) {
		return chat.Name{}, chat.Errorf(chat.CodeBadName, "a name may not hold invisible characters")
	}
	if !strings.ContainsFunc(name, visible) {
		return chat.Name{}, chat.Errorf(chat.CodeBadName, "a name needs a letter or a digit")
	}
	if !together(name) {
		return chat.Name{}, chat.Errorf(chat.CodeBadName, "a name may not mix alphabets")
	}
	k := key(name)
	if reserved[k] {
		return chat.Name{}, chat.Errorf(chat.CodeNameTaken, "that name is not for people")
	}
	return chat.Name{Display: name, Key: k}, nil
}

func length() error {
	return chat.Errorf(chat.CodeBadName, "a name has 1 to %d characters", chat.MaxName)
}

func hidden(r rune) bool { return r != ' ' && !unicode.IsGraphic(r) }

func visible(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) }

// key is the same for names that look the same: without regard to case and width,
// then by the skeleton of UTS 39, section 4. A capital I is an l to the eye and an
// i to the mind, so all three are one.
func key(name string) string {
	k, err := precis.Nickname.CompareKey(name)
	if err != nil {
		k = strings.ToLower(name)
	}
	k = strings.ToLower(confusables.Skeleton(k))
	return strings.ReplaceAll(k, "i", "l")
}

var reserved = func() map[string]bool {
	m := make(map[string]bool)
	for _, name := range []string{
		"admin", "administrator", "owner", "moderator", "operator", "system", "root", "support", "security",
		"hubbub", "server", "everyone", "everybody", "all", "here", "channel", "nobody",
	} {
		m[key(name)] = true
	}
	return m
}()

// families are the scripts that are written together: UTS 39, section 5.2,
// "highly restrictive".
var families = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"},
	{"Latin", "Han", "Bopomofo"},
	{"Latin", "Han", "Hangul"},
}

// together says whether the scripts of a name are one, or one family.
func together(name string) bool {
	scripts := make(map[string]bool)
	for _, r := range name {
		if s := script(r); s != "" {
			scripts[s] = true
		}
	}
	if len(scripts) <= 1 {
		return true
	}
	for _, family := range families {
		n := 0
		for _, s := range family {
			if scripts[s] {
				n++
			}
		}
		if n == len(scripts) {
			return true
		}
	}
	return false
}

// script names a rune's script; "" for what belongs to all.
func script(r rune) string {
	if r < 0x80 {
		if unicode.IsLetter(r) {
			return "Latin"
		}
		return ""
	}
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
			return name
		}
	}
	return ""
}
