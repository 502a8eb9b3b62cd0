package ws

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/uuid"

	"hubbub/internal/chat"
	"hubbub/internal/names"
)

// plain is the dialect of the tutorial: text in, the same text to everyone
// else. Section 1 of docs/protocol.md.
type plain struct {
	c    *Conn
	room chat.RoomID
	want string // the name asked for; "": guest- and four letters
}

func (p *plain) message(text []byte) error {
	// A plain client cannot be told to slow down, but it can be heard slowly.
	p.c.messages.take(time.Now().UnixNano(), 1, p.c.server.limits.Messages)
	if u := p.c.user; u != nil {
		u.mu.Lock()
		u.messages.take(time.Now().UnixNano(), 1, p.c.server.limits.UserMessages)
		u.mu.Unlock()
	}
	if p.c.whoami().ID == "" { // the first message
		if err := p.introduce(); err != nil {
			return p.broken(err)
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return p.broken(err)
	}
	l := p.c.whoami()
	return p.c.draft(chat.Draft{
		Room: p.room, Author: l.ID, Name: l.Name, Guest: l.Role == chat.RoleGuest, Bot: l.Bot, Scope: l.Scope,
		Kind: chat.KindMessage, ID: chat.EventID(id), Body: string(text), NoPreview: true, // it has no way to say so
	})
}

// introduce makes the guest under whose name the connection writes. Somebody
// who only listens leaves no trace.
func (p *plain) introduce() error {
	for try := 1; ; try++ {
		name := fmt.Sprintf("%s-%d", p.want, try)
		switch {
		case p.want == "":
			name = "guest-" + letters(4)
		case try == 1:
			name = p.want
		}
		var self chat.Person
		clean, err := names.Clean(name)
		if err == nil {
			self, err = p.c.server.dir.AddVisitor(p.c.server.ctx, clean)
		}
		var e *chat.Error
		switch {
		case errors.As(err, &e) && e.Code == chat.CodeNameTaken && try < 20:
			continue
		case errors.As(err, &e) && p.want != "":
			p.want = "" // with a number it is too long, or the numbers are used up
			continue
		case err != nil:
			return err
		}
		p.c.mu.Lock()
		defer p.c.mu.Unlock()
		p.c.person = self
		for _, cur := range p.c.cursors {
			cur.SetSelf(self)
		}
		return nil
	}
}

func letters(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	return string(b)
}

func (p *plain) posted(results []chat.Result) error {
	for _, r := range results {
		if r.Err != nil {
			return p.broken(r.Err)
		}
	}
	return nil
}

// broken ends the connection: plain text has no other way to say that a message
// was not stored.
func (p *plain) broken(err error) error {
	e := chat.AsError(err)
	if e.Code != chat.CodeInternal && e.Code != chat.CodeUnavailable { // it is not ours to mend
		p.c.server.refused(e.Code)
		return &closeError{ws.StatusPolicyViolation, e.Message}
	}
	if !isGone(err) {
		p.c.server.log.Error("store a plain message", "err", err)
	}
	return &closeError{ws.StatusInternalServerError, e.Message}
}

func (p *plain) beat(time.Time) []byte { return nil }

// left lets others have the name.
func (p *plain) left() {
	id := p.c.whoami().ID
	if id == "" {
		return
	}
	if p.c.user != nil { // signed in
		p.c.server.hub.Depart(id, p.c)
		p.c.server.presence.changed(p.c.whoami().Person)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), linger)
	defer cancel()
	if err := p.c.server.dir.ReleaseName(ctx, id); err != nil {
		p.c.server.log.Warn("release a guest's name", "err", err)
	}
}
