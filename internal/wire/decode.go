package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"hubbub/internal/chat"
)

// Decode reads a client's frame and checks it without looking at any state. The
// frame is a pointer to one of the types that ClientKinds names. Ref
// names the frame as far as it could be read, for the answer. The frame does
// not refer to data.
func Decode(data []byte) (frame any, ref Ref, err *chat.Error) {
	if kind, body, ok := cut(data); ok {
		if frame = newClientFrame(kind); frame != nil && json.Unmarshal(body, frame) == nil {
			ref.Frame = kind
			err = check(frame, &ref)
			return frame, ref, err
		}
	}
	kind, body, err := split(data)
	if err != nil {
		return nil, ref, err
	}
	frame = newClientFrame(kind)
	if frame == nil {
		return nil, ref, chat.Errorf(chat.CodeUnknownFrame, "there is no frame of that kind for a client to send")
	}
	ref.Frame = kind
	if body[0] != '{' {
		return nil, ref, chat.Errorf(chat.CodeBadFrame, "the body of %s must be an object", kind)
	}
	if e := json.Unmarshal(body, frame); e != nil {
		return nil, ref, badFrame(e)
	}
	err = check(frame, &ref)
	return frame, ref, err
}

// ClientKinds are the kinds of frame that a client may send.
var ClientKinds = []string{"hello", "open", "close", "send", "edit", "delete", "react", "unreact", "typing", "attend", "read", "fence"}

func newClientFrame(kind string) any {
	switch kind {
	case "hello":
		return new(Hello)
	case "open":
		return new(Open)
	case "close":
		return new(Close)
	case "send":
		return new(Send)
	case "edit":
		return new(Edit)
	case "delete":
		return new(Delete)
	case "react":
		return new(React)
	case "unreact":
		return new(Unreact)
	case "typing":
		return new(Typing)
	case "attend":
		return new(Attend)
	case "read":
		return new(Read)
	case "fence":
		return new(Fence)
	}
	return nil
}

// DecodeServer reads a server's frame: the client's half of the protocol. A
// kind it does not know is nil without an error.
func DecodeServer(data []byte) (frame any, err error) {
	kind, body, e := split(data)
	if e != nil {
		return nil, e
	}
	switch kind {
	case "welcome":
		frame = new(Welcome)
	case "you":
		frame = new(You)
	case "opened":
		frame = new(Opened)
	case "joined":
		frame = new(Joined)
	case "left":
		frame = new(Left)
	case "report":
		frame = new(Report)
	case "event":
		frame = new(Event)
	case "reset":
		frame = new(Reset)
	case "sent":
		frame = new(Sent)
	case "typing":
		frame = new(Typing)
	case "presence":
		frame = new(Presence)
	case "draft":
		frame = new(Draft)
	case "read":
		frame = new(Read)
	case "fence":
		frame = new(Fence)
	case "heartbeat":
		frame = new(Heartbeat)
	case "error":
		frame = new(Error)
	case "goodbye":
		frame = new(Goodbye)
	default:
		return nil, nil
	}
	return frame, json.Unmarshal(body, frame)
}

// cut is split for a frame as most clients write it, at half the price of a
// decoded send (BenchmarkDecode). What it returns need not be valid.
func cut(data []byte) (kind string, body []byte, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte(`{"`))
	if !ok {
		return "", nil, false
	}
	name, rest, ok := bytes.Cut(rest, []byte(`":`))
	if !ok || len(rest) < 2 || rest[0] != '{' || rest[len(rest)-1] != '}' {
		return "", nil, false
	}
	return string(name), rest[:len(rest)-1], true
}

// split finds the one member of a frame.
func split(data []byte) (kind string, body json.RawMessage, err *chat.Error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, e := d.Token(); e != nil || t != json.Delim('{') {
		return "", nil, chat.Errorf(chat.CodeBadFrame, "a frame is a JSON object with one member")
	}
	t, e := d.Token()
	kind, ok := t.(string)
	if e != nil || !ok {
		return "", nil, chat.Errorf(chat.CodeBadFrame, "a frame is a JSON object with one member")
	}
	if e := d.Decode(&body); e != nil {
		return "", nil, badFrame(e)
	}
	if t, e := d.Token(); e != nil || t != json.Delim('}') {
		return "", nil, chat.Errorf(chat.CodeBadFrame, "a frame has one member only")
	}
	if _, e := d.Token(); e != io.EOF {
		return "", nil, chat.Errorf(chat.CodeBadFrame, "something follows the frame")
	}
	return kind, body, nil
}

func badFrame(e error) *chat.Error {
	err := chat.Errorf(chat.CodeBadFrame, "the frame is not valid JSON")
	if t, ok := e.(*json.UnmarshalTypeError); ok {
		err = chat.Errorf(chat.CodeBadFrame, "%s has the wrong type or is out of range", t.Field)
	}
	err.Cause = e
	return err
}

// check holds the rules that need no state, and fills in ref.
func check(frame any, ref *Ref) *chat.Error {
	switch f := frame.(type) {
	case *Open:
		return checkOpen(f, ref)
	case *Close:
		return checkRoom(f.Room, ref)
	case *Typing:
		f.Author, f.Name = "", ""
		return checkRoom(f.Room, ref)
	case *Read:
		return checkRoom(f.Room, ref)
	case *Send:
		return checkSend(f, ref)
	case *Edit:
		if f.Target == 0 {
			return chat.Errorf(chat.CodeBadFrame, "edit needs a target")
		}
		if f.Text == nil {
			return chat.Errorf(chat.CodeBadFrame, "edit needs a text")
		}
		if err := checkID(f.Room, &f.ID, &f.EventID, ref); err != nil {
			return err
		}
		return CheckMessage(*f.Text, f.Files)
	case *React:
		return checkReact(f, ref)
	case *Unreact:
		return checkReact((*React)(f), ref)
	case *Delete:
		if f.Target == 0 {
			return chat.Errorf(chat.CodeBadFrame, "delete needs a target")
		}
		return checkID(f.Room, &f.ID, &f.EventID, ref)
	}
	return nil
}

func checkRoom(room chat.RoomID, ref *Ref) *chat.Error {
	if room == "" {
		return chat.Errorf(chat.CodeBadFrame, "%s needs a room", ref.Frame)
	}
	if len(room) <= echoLimit {
		ref.Room = room
	}
	return nil
}

// echoLimit is how much of a client's own words an error repeats, in bytes.
const echoLimit = 64

func checkOpen(f *Open, ref *Ref) *chat.Error {
	if (f.Room == "") == (f.Name == "") {
		return chat.Errorf(chat.CodeBadFrame, "open needs either a room or a name")
	}
	if len(f.Room) <= echoLimit {
		ref.Room = f.Room
	}
	if f.Name != "" {
		if len(f.Name) <= echoLimit {
			ref.Name = f.Name
		}
		name, err := chat.CleanRoomName(f.Name)
		if err != nil {
			return chat.AsError(err)
		}
		f.Name = name
	}
	switch {
	case (f.After == nil) != (f.Epoch == ""):
		return chat.Errorf(chat.CodeBadFrame, "after and epoch go together")
	case f.After != nil && f.Last != nil:
		return chat.Errorf(chat.CodeBadFrame, "open takes after or last, not both")
	case f.Last != nil && (*f.Last < 0 || *f.Last > MaxLast):
		return chat.Errorf(chat.CodeBadFrame, "last is 0 to %d", MaxLast)
	}
	return nil
}

func checkSend(f *Send, ref *Ref) *chat.Error {
	if f.Text == nil {
		return chat.Errorf(chat.CodeBadFrame, "%s needs an id and a text", ref.Frame)
	}
	if err := checkID(f.Room, &f.ID, &f.EventID, ref); err != nil {
		return err
	}
	if len(f.Files) == 0 {
		f.Files = nil
	}
	return CheckMessage(*f.Text, f.Files)
}

func checkReact(f *React, ref *Ref) *chat.Error {
	if f.Target == 0 {
		return chat.Errorf(chat.CodeBadFrame, "%s needs a target", ref.Frame)
	}
	if err := checkID(f.Room, &f.ID, &f.EventID, ref); err != nil {
		return err
	}
	return CheckEmoji(f.Emoji)
}

// maxEmoji is the longest emoji in bytes: a family with skin tones has 41.
const maxEmoji = 64

// CheckEmoji refuses what is not one emoji, as far as can be told without a list that
// is out of date next year: no letters, no spaces, nothing that draws no picture.
func CheckEmoji(text string) *chat.Error {
	picture := false
	for _, r := range text {
		switch {
		case r == '\u200d', r == '\ufe0f', r == '\u20e3', unicode.Is(unicode.Sk, r), unicode.Is(unicode.Mn, r),
			r >= 0xe0020 && r <= 0xe007f: // joiners, variants, skin tones, the tags of flags
		case '0' <= r && r <= '9', r == '#', r == '*': // keycaps
			picture = picture || strings.ContainsRune(text, '\u20e3')
		case unicode.Is(unicode.So, r), unicode.Is(unicode.Sm, r) && r > 0x2000, r == 0x203c, r == 0x2049, r == 0x3030, r == 0x303d:
			picture = true
		default:
			return badEmoji()
		}
	}
	if !picture || len(text) > maxEmoji || !utf8.ValidString(text) {
		return badEmoji()
	}
	return nil
}

func badEmoji() *chat.Error { return chat.Errorf(chat.CodeBadFrame, "a reaction is one emoji") }

// checkID parses the id that a client has chosen.
func checkID(room chat.RoomID, text *string, id *chat.EventID, ref *Ref) *chat.Error {
	if err := checkRoom(room, ref); err != nil {
		return err
	}
	if len(*text) <= echoLimit {
		ref.ID = *text
	}
	if *text == "" {
		return chat.Errorf(chat.CodeBadFrame, "%s needs an id", ref.Frame)
	}
	parsed, ok := ParseID(*text)
	if !ok {
		return chat.Errorf(chat.CodeBadID, "the id must be a UUID")
	}
	*id, *text = parsed, parsed.String()
	ref.ID = *text
	return nil
}

// ParseID reads the id of an event: a UUID in its usual form, and not all zeros.
func ParseID(text string) (chat.EventID, bool) {
	id, err := uuid.Parse(text)
	return chat.EventID(id), err == nil && len(text) == 36 && id != uuid.Nil
}

// CheckMessage refuses a message that says nothing and holds nothing, or too much.
func CheckMessage(text string, files []chat.FileID) *chat.Error {
	if len(files) > chat.MaxFiles {
		return chat.Errorf(chat.CodeTooMany, "a message has at most %d files", chat.MaxFiles)
	}
	for _, id := range files {
		if id == "" || len(id) > echoLimit {
			return chat.NoFile()
		}
	}
	err := CheckText(text)
	if err != nil && err.Code == chat.CodeEmptyText && len(files) > 0 {
		return nil
	}
	return err
}

// FilesOf returns files of which only the ids are known.
func FilesOf(ids []chat.FileID) []chat.File {
	if ids == nil {
		return nil
	}
	files := make([]chat.File, len(ids))
	for i, id := range ids {
		files[i].ID = id
	}
	return files
}

// CheckText refuses a message that says nothing or too much.
func CheckText(text string) *chat.Error {
	if len(text) > chat.MaxText {
		return chat.Errorf(chat.CodeTooLong, "a message has at most %d bytes", chat.MaxText)
	}
	if strings.TrimSpace(text) == "" {
		return chat.Errorf(chat.CodeEmptyText, "the message is empty")
	}
	return nil
}
