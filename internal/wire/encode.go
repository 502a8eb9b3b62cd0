package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"hubbub/internal/chat"
)

// kindOf names a frame. The names are those of the table in the package comment.
func kindOf(frame any) string {
	switch frame.(type) {
	case *Hello:
		return "hello"
	case *Welcome:
		return "welcome"
	case *You:
		return "you"
	case *Open:
		return "open"
	case *Opened:
		return "opened"
	case *Close:
		return "close"
	case *Event:
		return "event"
	case *Reset:
		return "reset"
	case *Send:
		return "send"
	case *Sent:
		return "sent"
	case *Typing:
		return "typing"
	case *Read:
		return "read"
	case *Attend:
		return "attend"
	case *Presence:
		return "presence"
	case *Draft:
		return "draft"
	case *Edit:
		return "edit"
	case *Delete:
		return "delete"
	case *React:
		return "react"
	case *Unreact:
		return "unreact"
	case *Joined:
		return "joined"
	case *Left:
		return "left"
	case *Report:
		return "report"
	case *Fence:
		return "fence"
	case *Heartbeat:
		return "heartbeat"
	case *Error:
		return "error"
	case *Goodbye:
		return "goodbye"
	}
	panic(fmt.Sprintf("wire: %T is not a frame", frame))
}

// Encode returns the JSON of a frame, a pointer to one of the types above.
func Encode(frame any) []byte {
	var b bytes.Buffer
	b.WriteString(`{"`)
	b.WriteString(kindOf(frame))
	b.WriteString(`":`)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the frame is never part of a page
	if err := e.Encode(frame); err != nil {
		panic(fmt.Sprintf("wire: %v", err)) // every field of a frame can be encoded
	}
	b.Truncate(b.Len() - 1) // Encode ends in a line feed
	b.WriteByte('}')
	return b.Bytes()
}

// EventFrame is how hubbub.v1 shows an event.
func EventFrame(e chat.Event) *Event {
	f := &Event{
		Room: e.Room, Seq: e.Seq, Kind: e.Kind.String(), ID: e.ID.String(),
		Author: e.Author, Name: e.Name, Guest: e.Guest, Bot: e.Bot, As: e.As, Time: ToMillis(e.Time), Text: e.Body,
		Target: e.Target, Revised: e.Revised, Deleted: e.Deleted, Mentions: e.Mentions,
		Thread: e.Thread, Everyone: e.Everyone.String(),
		Replies: e.Replies, LastReply: e.LastReply, Reactions: e.Reactions, Pinned: e.Pinned,
		Files: e.Files, Previews: e.Previews,
	}
	if e.Kind == chat.KindPreview {
		f.Previews, f.Text = chat.ParsePreviews(e.Body), ""
	}
	if e.Kind == chat.KindMessage {
		f.Reply, f.Target = e.Target, 0
	}
	if e.About.ID != "" {
		f.About = &Whom{e.About.ID, e.About.Name}
	}
	if !e.Until.IsZero() {
		f.Until = ToMillis(e.Until)
	}
	return f
}

// RoomFrame is how a room is shown to somebody who has it.
func RoomFrame(m chat.Membership, who chat.Actor, now time.Time) RoomInfo {
	r := RoomFrameOf(m.Room)
	r.Read, r.Unread, r.Mentions = m.Read, m.Unread, m.Mentions
	if m.Level != chat.LevelDefault {
		r.Level = m.Level.String()
	}
	r.Quiet = m.Quiet
	for _, p := range m.People {
		r.People = append(r.People, Whom{p.ID, p.Name})
	}
	r.You = &Standing{State: m.State.String(), Moderator: m.Moderator, Muted: End(m.Muted, now), Can: chat.May(who, &m.Room, m.Standing, now)}
	return r
}

// RoomFrameOf is how a room is shown to anybody.
func RoomFrameOf(m chat.Room) RoomInfo {
	r := RoomInfo{
		Name: m.Name, Kind: m.Kind.String(), Topic: m.Topic, Archived: m.Archived, ReadOnly: m.ReadOnly, GuestsWait: m.GuestsWait,
		Slow: int(m.Slow / time.Second), Floor: m.Floor, Created: ToMillis(m.Created), Members: m.Members, Head: m.Head,
	}
	if m.Keep != (chat.Keep{}) {
		r.Keep = &m.Keep
	}
	if m.By.ID != "" {
		r.By = &Whom{m.By.ID, m.By.Name}
	}
	return r
}

// End is when something ends, as the protocol writes it: 0 if it has, -1 if it does not.
func End(t, now time.Time) Millis {
	switch {
	case !t.After(now):
		return 0
	case !t.Before(chat.Forever):
		return -1
	}
	return ToMillis(t)
}

// PersonFrame is how answers show somebody.
func PersonFrame(p chat.Person) Person {
	return Person{ID: p.ID, Name: p.Name, Role: p.Role.String(), Bot: p.Bot}
}

// ErrorFrame is how hubbub.v1 shows a refusal.
func ErrorFrame(err *chat.Error, ref Ref) *Error {
	return &Error{Code: err.Code, Message: err.Message, Ref: ref, RetryAfter: err.RetryAfter.Seconds()}
}

// ToMillis returns t as the protocol writes it.
func ToMillis(t time.Time) Millis { return Millis(t.UnixMilli()) }

// AppendText appends payload as one unmasked, unfragmented text message: RFC
// 6455, section 5.2.
func AppendText[T string | []byte](dst []byte, payload T) []byte {
	dst = append(dst, 0x81)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, byte(n))
	case n < 1<<16:
		dst = append(dst, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	return append(dst, payload...)
}

// AppendFrame appends a frame of hubbub.v1 as a WebSocket message.
func AppendFrame(dst []byte, frame any) []byte {
	return AppendText(dst, Encode(frame))
}
