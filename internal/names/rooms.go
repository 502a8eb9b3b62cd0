package names

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"hubbub/internal/chat"
)

// Room returns a public room's name with its key, or CodeBadRoomName: as
// chat.CleanRoomName has it, with nothing invisible in it, in one script or in those
// that are written together, and nothing that messages address everybody by. However
// an accent was typed, it is the same name.
func Room(name string) (chat.Name, error) {
	clean, err := chat.CleanRoomName(norm.NFC.String(name))
	if err != nil {
		return chat.Name{}, err
	}
	// Some letters and marks are drawn as nothing.
	if _, err := precis.Nickname.String(clean); err != nil {
		return chat.Name{}, chat.Errorf(chat.CodeBadRoomName, "a room's name may not hold invisible characters")
	}
	k := RoomKey(clean)
	if reservedRooms[k] {
		return chat.Name{}, chat.Errorf(chat.CodeBadRoomName, "that name is not for rooms")
	}
	if !together(clean) {
		return chat.Name{}, chat.Errorf(chat.CodeBadRoomName, "a room's name may not mix alphabets")
	}
	return chat.Name{Display: clean, Key: k}, nil
}

// PrivateRoom returns the name of a private room: as Room has it, but spaces are
// fine and it need not be unique.
func PrivateRoom(name string) (string, error) {
	name = strings.Join(strings.Fields(strings.TrimPrefix(strings.TrimSpace(name), "#")), " ")
	_, err := Room(strings.ReplaceAll(name, " ", "-"))
	return norm.NFC.String(name), err
}

// RoomKey is the same for room names that look the same.
func RoomKey(name string) string { return key(name) }

var reservedRooms = func() map[string]bool {
	m := make(map[string]bool)
	for _, name := range []string{"here", "channel", "everyone", "everybody", "all", "hubbub", "system", "place"} {
		m[key(name)] = true
	}
	return m
}()

// Mentions returns the people whom a text addresses by @name, in their order and
// each once, at most chat.MaxMentions. find knows who has a name's key. Names may hold
// spaces: the longest that is somebody's counts. What stands in code addresses
// nobody.
func Mentions(text string, find func(key string) (chat.Person, bool, error)) (all []chat.Mention, everyone chat.Everyone, err error) {
	text = withoutCode(text)
	met := make(map[chat.UserID]bool)
	asked := 0
	for i := 0; i < len(text) && len(all) < chat.MaxMentions && asked < 4*chat.MaxMentions; i++ {
		if text[i] != '@' || !begins(text[:i]) {
			continue
		}
		for _, name := range candidates(text[i+1:]) {
			k := key(name)
			if e, ok := addressesAll[k]; ok {
				everyone = max(everyone, e)
				break
			}
			if _, e := Clean(name); e != nil {
				continue
			}
			asked++
			p, ok, err := find(k)
			if err != nil {
				return nil, 0, err
			}
			if !ok {
				continue
			}
			if !met[p.ID] {
				met[p.ID] = true
				all = append(all, chat.Mention{ID: p.ID, Name: p.Name})
			}
			i += len(name)
			break
		}
	}
	return all, everyone, nil
}

// addressesAll are the words that address everybody: reserved, so nobody has them.
var addressesAll = map[string]chat.Everyone{key("here"): chat.Here, key("channel"): chat.Channel}

// begins: an @ within a word, as in an address of mail, addresses nobody.
func begins(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	return before == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '@'
}

// candidates returns what may be a name at the beginning of a text, longest first: it
// ends where a word does.
func candidates(text string) (names []string) {
	count, inWord := 0, false
	for i, r := range text {
		word := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
		if inWord && !word {
			names = append(names, text[:i])
		}
		inWord = word
		if count++; r == '\n' || r == '@' || count > chat.MaxName+1 || len(names) > 6 {
			inWord = false
			break
		}
	}
	if inWord {
		names = append(names, text)
	}
	for i, j := 0, len(names)-1; i < j; i, j = i+1, j-1 {
		names[i], names[j] = names[j], names[i]
	}
	return names
}

// withoutCode blanks what stands between backticks, or behind three that nothing closes.
func withoutCode(text string) string {
	if !strings.Contains(text, "`") {
		return text
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "`")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		ticks := "`"
		for strings.HasPrefix(rest, "`") {
			ticks, rest = ticks+"`", rest[1:]
		}
		_, after, ok := strings.Cut(rest, ticks)
		if !ok && len(ticks) < 3 {
			b.WriteString(" " + rest)
		}
		if !ok {
			return b.String()
		}
		b.WriteByte(' ')
		text = after
	}
}
