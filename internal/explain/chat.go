package explain

import (
	"encoding/json"
	"fmt"

	"hubbub/internal/tap"
)

// chat remembers what is needed to say what the frames of a hubbub.v1 connection mean:
// how rooms are called, and how far the client is in them.
type chat struct {
	rooms map[string]string
	seen  map[string]uint64
}

// maxRemembered bounds the rooms that are remembered, against a peer that makes them up.
const maxRemembered = 1000

// body is every field of a frame that anything is said of.
type body struct {
	Room, Name, Text, Kind, Emoji, Epoch, Reason, Message, Code, Frame string
	Seq, Target, Reply, Thread, N, Head                                uint64
	After, Last                                                        *uint64
	RetryAfter                                                         float64 `json:"retry_after"`
	On, Online, Away, Deleted                                          bool
	Token                                                              *string
	Heads                                                              map[string]uint64
	You                                                                struct{ Name string }
	Person                                                             struct{ Name string }
	Open, Waiting                                                      int
	ID                                                                 string
}

// words says what a message of hubbub.v1 means for the chat; "" if it is none.
func (c *chat) words(from, text string) string {
	var frame map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &frame) != nil || len(frame) != 1 {
		return ""
	}
	for name, raw := range frame {
		var b body
		if json.Unmarshal(raw, &b) != nil {
			return ""
		}
		if from == tap.Client {
			return c.asked(name, &b)
		}
		return c.told(name, &b)
	}
	return ""
}

// room names a room.
func (c *chat) room(b *body) string {
	switch {
	case c.rooms[b.Room] != "":
		return Clean(c.rooms[b.Room])
	case b.Room != "":
		return "room " + short(b.Room)
	}
	return short(b.Name)
}

// asked says what a client wants.
func (c *chat) asked(name string, b *body) string {
	room := c.room(b)
	switch name {
	case "hello":
		if b.Token != nil {
			return "hello: I am whom this token belongs to"
		}
		return "hello: I am whom the cookie of the handshake belongs to"
	case "open":
		return "open " + room + c.from(b)
	case "close":
		return "close " + room + ": I want to hear no more of it"
	case "send":
		return c.sends(room, b)
	case "edit":
		return fmt.Sprintf("message %d of %s is to read: %s", b.Target, room, short(b.Text))
	case "delete":
		return fmt.Sprintf("message %d of %s is to be deleted", b.Target, room)
	case "react":
		return fmt.Sprintf("%s to message %d of %s", short(b.Emoji), b.Target, room)
	case "unreact":
		return fmt.Sprintf("%s is taken back from message %d of %s", short(b.Emoji), b.Target, room)
	case "typing":
		return "I am typing in " + room + "; nothing of that is stored"
	case "read":
		return fmt.Sprintf("I have read %s up to %d", room, b.Seq)
	case "attend":
		if b.On {
			return "somebody looks at this page"
		}
		return "nobody looks at this page now"
	case "fence":
		return fmt.Sprintf("fence %d: answer when I have everything up to here", b.N)
	}
	return ""
}

func (c *chat) from(b *body) string {
	switch {
	case b.After != nil:
		return fmt.Sprintf(", from behind event %d: I come back and have the rest", *b.After)
	case b.Last != nil:
		return fmt.Sprintf(", with its last %s", number(*b.Last, "event"))
	}
	return ", from now on"
}

func (c *chat) sends(room string, b *body) string {
	says := "a message for " + room
	switch {
	case b.Thread > 0:
		says += fmt.Sprintf(", under message %d", b.Thread)
	case b.Reply > 0:
		says += fmt.Sprintf(", in reply to message %d", b.Reply)
	}
	return says + ": " + short(b.Text) + " — its id makes sending it again harmless"
}

// told says what a server tells.
func (c *chat) told(name string, b *body) string {
	room := c.room(b)
	switch name {
	case "welcome":
		return fmt.Sprintf("welcome, %s; and the limits that hold here", short(b.You.Name))
	case "you":
		return "you are " + short(b.Name) + " now"
	case "opened":
		c.opens(b)
		return fmt.Sprintf("%s is open; it has %s, and what is behind %d comes now", c.room(b), number(b.Head, "event"), valueOf(b.After))
	case "sent":
		return fmt.Sprintf("stored, as message %d of %s: it will not be lost", b.Seq, room)
	case "event":
		c.sees(b)
		return c.event(room, b)
	case "heartbeat":
		return c.heartbeat(b)
	case "typing":
		return fmt.Sprintf("%s is typing in %s", short(b.Name), room)
	case "read":
		return fmt.Sprintf("you have read %s up to %d, on another screen", room, b.Seq)
	case "fence":
		return fmt.Sprintf("fence %d: you have everything up to where you asked", b.N)
	case "goodbye":
		return fmt.Sprintf("goodbye (%s); come back in %.1f seconds", short(b.Reason), b.RetryAfter)
	case "reset":
		return fmt.Sprintf("load %s anew: %s", room, short(b.Reason))
	case "error":
		return fmt.Sprintf("refused (%s): %s", short(b.Code), short(b.Message))
	}
	return c.news(name, room, b)
}

// news says what else a server tells.
func (c *chat) news(name, room string, b *body) string {
	switch name {
	case "joined":
		c.call(b.ID, b.Name)
		return "the room " + short(b.Name) + " is on your list, as it is now"
	case "left":
		return room + " is not on your list any more: " + short(b.Reason)
	case "draft":
		return "what you began to write in " + room + " elsewhere: " + short(b.Text)
	case "report":
		return fmt.Sprintf("%s: %s open, %d people wait to be let in", room, number(b.Open, "report"), b.Waiting)
	case "presence":
		state := "has gone"
		switch {
		case b.Online && b.Away:
			state = "is here, and does not look"
		case b.Online:
			state = "is here"
		}
		return short(b.Person.Name) + " " + state
	}
	return ""
}

func valueOf(n *uint64) uint64 {
	if n == nil {
		return 0
	}
	return *n
}

// event says what happened in a room.
func (c *chat) event(room string, b *body) string {
	switch {
	case b.Kind == "message" && b.Deleted:
		return fmt.Sprintf("message %d of %s, which was deleted", b.Seq, room)
	case b.Kind == "message":
		return fmt.Sprintf("message %d of %s, by %s: %s", b.Seq, room, short(b.Name), short(b.Text))
	case b.Target > 0:
		return fmt.Sprintf("event %d of %s: %s of message %d, by %s", b.Seq, room, short(b.Kind), b.Target, short(b.Name))
	}
	return fmt.Sprintf("event %d of %s: %s, by %s", b.Seq, room, short(b.Kind), short(b.Name))
}

// heartbeat says whether the client has everything.
func (c *chat) heartbeat(b *body) string {
	missing, unknown := uint64(0), false
	for room, head := range b.Heads {
		seen, ok := c.seen[room]
		unknown = unknown || !ok
		if ok && head > seen {
			missing += head - seen
		}
	}
	switch {
	case missing == 1:
		return "heartbeat: 1 event is still to come"
	case missing > 0:
		return "heartbeat: " + number(missing, "event") + " are still to come"
	case unknown:
		return "heartbeat: this is how far the rooms are"
	}
	return "heartbeat: you have everything"
}

// call remembers how a room is called.
func (c *chat) call(room, name string) {
	if c.rooms == nil {
		c.rooms, c.seen = make(map[string]string), make(map[string]uint64)
	}
	if name != "" && len(c.rooms) < maxRemembered {
		c.rooms[room] = name
	}
}

func (c *chat) opens(b *body) {
	c.call(b.Room, b.Name)
	if len(c.seen) < maxRemembered {
		c.seen[b.Room] = valueOf(b.After)
	}
}

func (c *chat) sees(b *body) {
	if seen, ok := c.seen[b.Room]; ok {
		c.seen[b.Room] = max(seen, b.Seq)
	}
}
