package natsbus

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"hubbub/internal/chat"
)

// subject returns where notes about a topic go, or false if its id can not be part of
// that.
func (b *Bus) subject(t chat.Topic) (string, bool) {
	switch t.About {
	case chat.AboutRoom, chat.AboutPerson:
		return b.prefix + t.About.String() + "." + t.ID, isToken(t.ID)
	case chat.AboutChanges, chat.AboutPresence, chat.AboutLimits, chat.AboutStored:
		return b.prefix + t.About.String(), true
	}
	return "", false
}

// isToken says whether a text is one part of a subject that means itself.
func isToken(s string) bool {
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}

const form = 1 // of a payload

func appendNote(b []byte, n chat.Note) []byte {
	b = append(b, form)
	b = binary.AppendUvarint(b, uint64(n.Head))
	return append(b, n.Data...)
}

func parseNote(b []byte) (n chat.Note, ok bool) {
	if len(b) < 2 || b[0] != form {
		return n, false
	}
	head, size := binary.Uvarint(b[1:])
	if size <= 0 {
		return n, false
	}
	n.Head = chat.Seq(head)
	if data := b[1+size:]; len(data) > 0 {
		n.Data = data
	}
	return n, len(n.Data) <= chat.MaxNote
}

// Tell implements chat.Bus. The network is left to a goroutine: a write to it may wait.
func (b *Bus) Tell(t chat.Topic, n chat.Note) {
	subject, ok := b.subject(t)
	if !ok || len(n.Data) > chat.MaxNote || !b.Up() {
		b.stats.Lost.Add(1)
		return
	}
	select {
	case b.out <- packet{subject, appendNote(make([]byte, 0, 8+len(n.Data)), n)}:
	default:
		b.stats.Lost.Add(1)
	}
}

func (b *Bus) send() {
	for {
		select {
		case <-b.done:
			for len(b.out) > 0 {
				b.publish(<-b.out)
			}
			b.nc.FlushTimeout(time.Second) // an error: the last notes are lost
			return
		case p := <-b.out:
			b.publish(p)
		}
	}
}

func (b *Bus) publish(p packet) {
	if b.nc.Publish(p.subject, p.payload) != nil {
		b.stats.Lost.Add(1)
		return
	}
	b.stats.Sent.Add(1)
	b.stats.SentBytes.Add(int64(len(p.payload)))
}

// Listen implements chat.Bus. The subscription is left to a goroutine.
func (b *Bus) Listen(t chat.Topic, f func(chat.Note)) (stop func()) {
	subject, ok := b.subject(t)
	if !ok {
		return func() {}
	}
	l := &listener{f}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return func() {}
	}
	if b.topics[subject] == nil {
		b.topics[subject] = new(topic)
	}
	to := b.topics[subject]
	to.listeners = append(slices.Clip(to.listeners), l)
	b.look(subject)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if to := b.topics[subject]; to != nil {
			to.listeners = slices.DeleteFunc(slices.Clone(to.listeners), func(x *listener) bool { return x == l })
			b.look(subject)
		}
	}
}

// look has subscribe look at a subject. b.mu is held.
func (b *Bus) look(subject string) {
	b.changed[subject] = struct{}{}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// subscribe has the servers send what is listened to. There is a subject for each room,
// so all subscriptions share one channel: one of the library's own would be a goroutine.
func (b *Bus) subscribe() {
	for {
		select {
		case <-b.done:
			return
		case <-b.wake:
		}
		b.mu.Lock()
		changed := b.changed
		b.changed = make(map[string]struct{})
		b.mu.Unlock()
		for subject := range changed {
			b.settle(subject)
		}
	}
}

// settle makes or ends a subscription.
func (b *Bus) settle(subject string) {
	b.mu.Lock()
	to := b.topics[subject]
	wanted := to != nil && len(to.listeners) > 0
	if to != nil && !wanted {
		delete(b.topics, subject)
	}
	b.mu.Unlock()
	switch {
	case to == nil:
	case wanted && to.sub == nil:
		sub, err := b.nc.ChanSubscribe(subject, b.in)
		if err != nil && !b.isClosed() {
			b.log.Error("listen on NATS", "subject", subject, "err", err)
			return
		}
		to.sub = sub
	case !wanted && to.sub != nil:
		to.sub.Unsubscribe() // an error: the connection is gone, and so is the subscription
	}
}

// hear hands notes to those who listen.
func (b *Bus) hear() {
	for {
		select {
		case <-b.done:
			return
		case m := <-b.in:
			b.hand(m)
		}
	}
}

func (b *Bus) hand(m *nats.Msg) {
	n, ok := parseNote(m.Data)
	if !ok {
		b.stats.Bad.Add(1)
		return
	}
	b.stats.Heard.Add(1)
	b.stats.HeardBytes.Add(int64(len(m.Data)))
	b.mu.Lock()
	var listeners []*listener
	if to := b.topics[m.Subject]; to != nil {
		listeners = to.listeners
	}
	b.mu.Unlock()
	for _, l := range listeners {
		l.f(n)
	}
}
