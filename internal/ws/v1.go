package ws

import (
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/hub"
	"hubbub/internal/names"
	"hubbub/internal/wire"
)

// v1 is the dialect hubbub.v1: JSON frames. Section 2 of docs/protocol.md.
type v1 struct {
	c       *Conn
	greeted bool
	refs    []wire.Ref // of c.drafts
	hello   *time.Timer

	refusedTo int64 // Unix nanoseconds: refuse messages until then, to keep their order
	typed     int64 // when a typing signal was last passed on, Unix nanoseconds
}

const (
	maxRooms  = 500    // open on one connection
	maxResume = 10_000 // events a client may be behind
)

func (v *v1) message(text []byte) error {
	frame, ref, err := wire.Decode(text)
	if draft, ok := v.draft(frame); ok && err == nil && v.greeted {
		if err = v.allow(); err == nil {
			return v.send(draft, ref)
		}
	}
	// Frames are answered in their order, so what was read before is posted first.
	if e := v.c.post(); e != nil {
		return e
	}
	if err == nil {
		return v.handle(frame, ref)
	}
	v.refuse(err, ref)
	return nil
}

// handle takes one frame that is not a send.
func (v *v1) handle(frame any, ref wire.Ref) error {
	if f, ok := frame.(*wire.Hello); ok {
		return v.welcome(f, ref)
	}
	if !v.greeted {
		v.refuse(chat.Errorf(chat.CodeHelloFirst, "say hello first"), ref)
		return nil
	}
	var err error
	switch f := frame.(type) {
	case *wire.Open:
		err = v.open(f)
	case *wire.Close:
		err = v.closeRoom(f.Room)
	case *wire.Typing:
		err = v.typing(f.Room)
	case *wire.Read:
		err = v.read(f)
	case *wire.Attend:
		v.attend(f.On)
	case *wire.Fence:
		err = v.fence(f.N)
	}
	if err != nil {
		v.refuse(err, ref)
	}
	return nil
}

// say adds a frame to the replies.
func (v *v1) say(frame any) { v.c.answer(wire.AppendFrame(nil, frame)) }

// refuse answers a frame with an error. The cause of a defect goes to the log.
func (v *v1) refuse(err error, ref wire.Ref) {
	e := chat.AsError(err)
	if e.Code == chat.CodeInternal {
		v.c.server.log.Error("answer a frame", "frame", ref.Frame, "err", err)
	}
	v.c.server.refused(e.Code)
	v.say(wire.ErrorFrame(e, ref))
}

// welcome settles who the client is.
func (v *v1) welcome(f *wire.Hello, ref wire.Ref) error {
	s := v.c.server
	login := v.c.whoami()
	if f.Token != "" {
		l, err := s.login(s.ctx, f.Token, v.c.address)
		if err != nil {
			return v.turnAway(err, ref)
		}
		login = l
	}
	if login.ID == "" {
		return v.turnAway(chat.Errorf(chat.CodeUnauthorized, "choose a name first"), ref)
	}
	if v.greeted {
		v.refuse(chat.Errorf(chat.CodeBadFrame, "hello was said already"), ref)
		return nil
	}
	v.greeted = true
	v.hello.Stop()
	v.hello = nil // a timer is not small
	v.c.attend(login)
	v.say(&wire.Welcome{
		You:       wire.PersonFrame(login.Person),
		Epoch:     s.epoch,
		Time:      wire.ToMillis(time.Now()),
		Heartbeat: int(s.heartbeat / time.Second),
		Limits:    wire.Limits{Text: chat.MaxText, Frame: wire.MaxFrame, Rooms: maxRooms, Resume: maxResume, File: s.maxFile},
		Version:   s.version,
	})
	return nil
}

// turnAway answers a client that has no identity here.
func (v *v1) turnAway(err error, ref wire.Ref) error {
	v.refuse(err, ref)
	if e := chat.AsError(err); e.Code == chat.CodeUnauthorized {
		return &closeError{closeSignIn, e.Message}
	}
	return nil
}

// allow takes a token for one message, or says when there will be one. Once a
// message was refused, those behind it are refused too until then: else they
// would overtake it.
func (v *v1) allow() *chat.Error {
	c, now := v.c, time.Now().UnixNano()
	wait := time.Duration(v.refusedTo - now)
	if wait <= 0 {
		if wait = c.allow(now); wait <= 0 {
			return nil
		}
		wait = max(wait, time.Second)
		v.refusedTo = now + int64(wait)
	}
	err := chat.Errorf(chat.CodeRateLimited, "too many messages; they can go on in a moment")
	err.RetryAfter = wait.Round(time.Millisecond)
	return err
}

// draft is what a frame wants to put into the log.
func (v *v1) draft(frame any) (d chat.Draft, ok bool) {
	switch f := frame.(type) {
	case *wire.Send:
		d = chat.Draft{Room: f.Room, Kind: chat.KindMessage, ID: f.EventID, Target: f.Reply, Thread: f.Thread, Files: wire.FilesOf(f.Files), NoPreview: f.Preview != nil && !*f.Preview}
		if f.Text != nil {
			d.Body = *f.Text
		}
	case *wire.Edit:
		d = chat.Draft{Room: f.Room, Kind: chat.KindEdit, ID: f.EventID, Target: f.Target, Base: f.Base, Files: wire.FilesOf(f.Files), NoPreview: f.Preview != nil && !*f.Preview}
		if f.Text != nil {
			d.Body = *f.Text
		}
	case *wire.React:
		d = chat.Draft{Room: f.Room, Kind: chat.KindReact, ID: f.EventID, Target: f.Target, Body: f.Emoji}
	case *wire.Unreact:
		d = chat.Draft{Room: f.Room, Kind: chat.KindUnreact, ID: f.EventID, Target: f.Target, Body: f.Emoji}
	case *wire.Delete:
		d = chat.Draft{Room: f.Room, Kind: chat.KindDelete, ID: f.EventID, Target: f.Target}
	default:
		return d, false
	}
	return d, true
}

// send hands a draft in; posted answers it.
func (v *v1) send(d chat.Draft, ref wire.Ref) error {
	v.c.mu.Lock()
	l := v.c.login()
	v.typed = 0 // what is typed after a message is news again
	v.c.mu.Unlock()
	v.refs = append(v.refs, ref)
	d.Author, d.Name, d.Guest, d.Bot, d.Scope = l.ID, l.Name, l.Role == chat.RoleGuest, l.Bot, l.Scope
	return v.c.draft(d)
}

func (v *v1) posted(results []chat.Result) error {
	for i, r := range results {
		if r.Err != nil {
			v.refuse(r.Err, v.refs[i])
			continue
		}
		e := r.Event
		v.say(&wire.Sent{Room: e.Room, ID: e.ID.String(), Seq: e.Seq, Time: wire.ToMillis(e.Time)})
	}
	v.refs = nil
	return nil
}

// open places a cursor. It attaches before it reads the head, so nothing can
// fall between; and it asks whether the person may read the room before it attaches,
// and again if that may have changed meanwhile.
func (v *v1) open(f *wire.Open) error {
	id := f.Room
	if f.Name != "" {
		var err error
		if id, err = v.enter(f.Name); err != nil {
			return err
		}
	}
	live := v.c.server.hub.Room(id)
	for {
		counted := live.Rights()
		m, err := v.member(id)
		if err == nil {
			err = live.Prepare(v.c.server.ctx, v.c.dialect)
		}
		if err == nil && f.After != nil && *f.After > live.Head() { // it may have been told elsewhere
			err = live.Ask(v.c.server.ctx)
		}
		if err != nil {
			live.Release()
			return err
		}
		if done, err := v.place(f, live, m, counted); done {
			return err
		}
	}
}

// enter finds a public room by its name, or makes it, and puts it on the list. A token
// that is not for that only finds it.
func (v *v1) enter(name string) (chat.RoomID, error) {
	s, who := v.c.server, v.c.whoami().Actor()
	n, err := names.Room(name)
	if err != nil {
		return "", err
	}
	var room chat.Room
	if who.Scope.Makes() {
		room, _, err = s.room(s.ctx, n, who.ID, v.c.address)
	} else {
		room, err = s.dir.RoomByName(s.ctx, n.Display)
	}
	if err != nil || who.Scope != nil && !who.Scope.Rooms {
		return room.ID, err
	}
	m, err := s.dir.Join(s.ctx, who, room.ID)
	if err == nil && m.State == chat.StateWaiting {
		s.Pending(room.ID)
	}
	return room.ID, err
}

// member returns a room that the person may read. What a stranger opens is on their
// list from then on; what somebody left, or was removed from, they must join anew.
func (v *v1) member(id chat.RoomID) (chat.Membership, error) {
	s, who := v.c.server, v.c.whoami().Actor()
	m, err := chat.Authorize(s.ctx, s.dir, who, id, chat.ActRead)
	switch {
	case err != nil || m.State == chat.StateMember:
		return m, err
	case m.State == chat.StateLeft:
		return m, chat.Errorf(chat.CodeRemoved, "you left this room; you can join it again")
	case who.Scope != nil && !who.Scope.Rooms:
		return m, nil
	}
	return s.dir.Join(s.ctx, who, id)
}

// place attaches the cursor. Not done: rights have changed, and it is to be asked
// again. It takes over the hold on the room when it is done.
func (v *v1) place(f *wire.Open, live *hub.Room, m chat.Membership, counted uint64) (done bool, err error) {
	c, s, room := v.c, v.c.server, live.ID()
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.cursor(room)
	switch {
	case c.closing:
		live.Release()
		return true, nil
	case old == nil && len(c.cursors) >= maxRooms:
		live.Release()
		return true, chat.Errorf(chat.CodeTooManyRooms, "a connection has at most %d rooms open", maxRooms)
	}
	after, reset, err := s.place(f, live.Head())
	if f.After != nil && err == nil && reset == "" {
		s.stats.Resumes.Add(1)
	}
	if err != nil || reset != "" {
		live.Release()
		if reset != "" {
			s.stats.Resets.Add(1)
			c.replies = wire.AppendFrame(c.replies, &wire.Reset{Room: room, Epoch: s.epoch, Head: live.Head(), Reason: reset})
			v.closeCursor(room)
		}
		return true, err
	}
	who := c.login().Actor()
	cur := live.Attach(c.dialect, c, hub.As{Who: who, Room: m.Room, State: m.State, Counted: counted}, after)
	if cur == nil {
		return false, nil
	}
	v.closeCursor(room)
	c.cursors = append(c.cursors, cur)
	opened := &wire.Opened{Room: room, Epoch: s.epoch, After: after, RoomInfo: wire.RoomFrame(m, who, time.Now())}
	opened.Head = live.Head()
	c.replies = wire.AppendFrame(c.replies, opened)
	c.flushReplies()
	c.drain(cur)
	return true, nil
}

// place returns where an open starts, or why the client must load the room anew.
func (s *Server) place(f *wire.Open, head chat.Seq) (after chat.Seq, reset string, err error) {
	switch {
	case f.Last != nil:
		return head - min(head, chat.Seq(*f.Last)), "", nil
	case f.After == nil:
		return head, "", nil
	case f.Epoch != s.epoch:
		return 0, wire.ResetEpoch, nil
	case *f.After > head:
		return 0, "", chat.Errorf(chat.CodeBeyondHead, "the room has %d events", head)
	case head-*f.After > maxResume:
		return 0, wire.ResetTooFar, nil
	}
	return *f.After, "", nil
}

// closeCursor ends following a room, and says whether it was open. c.mu is held.
func (v *v1) closeCursor(room chat.RoomID) bool {
	cur := v.c.cursor(room)
	if cur == nil {
		return false
	}
	v.c.closeCursor(cur)
	return true
}

func (v *v1) closeRoom(room chat.RoomID) error {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	if !v.closeCursor(room) {
		return errNotOpen()
	}
	return nil
}

func errNotOpen() *chat.Error { return chat.Errorf(chat.CodeNotOpen, "that room is not open here") }

// typing passes the signal on, unless there was one a moment ago.
func (v *v1) typing(room chat.RoomID) error {
	c := v.c
	c.mu.Lock()
	cur, p, now := c.cursor(room), c.person, time.Now().UnixNano()
	soon := now-v.typed < int64(typingPause)
	if cur != nil && !soon {
		v.typed = now
	}
	c.mu.Unlock()
	switch {
	case cur == nil:
		return errNotOpen()
	case soon:
		return nil
	}
	_, err := chat.Authorize(c.server.ctx, c.server.dir, c.whoami().Actor(), room, chat.ActType)
	if err == nil {
		cur.Room().Signal(wire.Person{ID: p.ID, Name: p.Name})
	}
	return err
}

// read moves the read mark and tells the person's other connections.
func (v *v1) read(f *wire.Read) error {
	c, l := v.c, v.c.whoami()
	self := l.ID
	if l.Scope != nil {
		if _, err := chat.Authorize(c.server.ctx, c.server.dir, l.Actor(), f.Room, chat.ActRead); err != nil {
			return err
		}
	}
	var seq chat.Seq
	var err error
	if f.Thread > 0 {
		seq, err = c.server.dir.ReadThread(c.server.ctx, self, f.Room, f.Thread, f.Seq)
	} else {
		seq, err = c.server.dir.MarkRead(c.server.ctx, self, f.Room, f.Seq)
	}
	if err != nil {
		return err
	}
	c.server.hub.Tell(self, f.Room, &wire.Read{Room: f.Room, Seq: seq, Thread: f.Thread}, c)
	return nil
}

// attend notes whether somebody looks at the page.
func (v *v1) attend(on bool) {
	c := v.c
	c.mu.Lock()
	if !c.watches {
		c.server.presence.watchers.Add(1)
	}
	c.watches, c.attentive = true, on
	p := c.person
	c.mu.Unlock()
	c.server.presence.changed(p)
}

// fence notes how far the open rooms are; passFences answers.
func (v *v1) fence(n uint64) error {
	c := v.c
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fence{n: n, marks: make(map[*hub.Cursor]chat.Seq)}
	for _, cur := range c.cursors {
		if head := cur.Room().Head(); cur.Seq() < head {
			f.marks[cur] = head
		}
	}
	switch {
	case c.closing:
		return nil
	case len(c.fences) >= maxFences:
		return &chat.Error{Code: chat.CodeRateLimited, Message: "too many fences", RetryAfter: time.Second}
	}
	c.fences = append(c.fences, f)
	c.passFences()
	return nil
}

// maxFences bounds what a client can have us remember that asks without reading.
const maxFences = 100

func (v *v1) beat(now time.Time) []byte {
	if !v.greeted {
		return nil
	}
	heads := make(map[chat.RoomID]chat.Seq, len(v.c.cursors))
	for _, cur := range v.c.cursors {
		heads[cur.Room().ID()] = cur.Room().Head()
	}
	return wire.AppendFrame(nil, &wire.Heartbeat{Time: wire.ToMillis(now), Heads: heads})
}

func (v *v1) left() {
	if v.hello != nil {
		v.hello.Stop()
	}
	v.c.mu.Lock()
	p, watched := v.c.person, v.c.watches
	v.c.mu.Unlock()
	if watched {
		v.c.server.presence.watchers.Add(-1)
	}
	if p.ID != "" {
		v.c.server.hub.Depart(p.ID, v.c)
		v.c.server.presence.changed(p)
	}
}
