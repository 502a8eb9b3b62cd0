// Package gate decides who gets in and by what: invitations, guests, passwords,
// passkeys, other providers, sessions. It knows nothing of HTTP; package api asks
// it. Every way to guess has a limit here.
package gate

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"hubbub/internal/chat"
	"hubbub/internal/ledger"
	"hubbub/internal/names"
)

// Config is what a gate stands on.
type Config struct {
	Accounts  chat.Accounts
	Directory chat.Directory
	Hooks     chat.Hooks
	Log       *slog.Logger
	Limits    bool           // false lifts all rate limits
	Guests    Rate           // of new guests from a network
	Ledger    *ledger.Ledger // shares the limits with other nodes; nil: there are none
	Provider  *Provider      // of OpenID Connect; nil: none
}

// Gate is safe for use by many goroutines. Close ends it.
type Gate struct {
	Config
	limits    limits
	passwords passwords
	used      usage
	policy    atomic.Pointer[policy]
	blocks    blocks
	wg        sync.WaitGroup
	done      chan struct{}
}

// New returns a gate.
func New(cfg Config) *Gate {
	g := &Gate{Config: cfg, limits: newLimits(cfg.Limits, cfg.Guests), done: make(chan struct{})}
	g.limits.share(cfg.Ledger)
	g.passwords = newPasswords()
	g.wg.Go(g.noteUse)
	return g
}

// Close writes down when sessions were last used.
func (g *Gate) Close() {
	close(g.done)
	g.wg.Wait()
}

// Visitor is where a request comes from.
type Visitor struct {
	Address netip.Addr // of the client, behind listed proxies too
	Local   bool       // on this machine, and not through a proxy
	Device  string     // as it describes itself
}

// Signed is somebody who has just come in. Token is the secret of the session.
type Signed struct {
	chat.Login
	Token string
}

// Policies of a place: who may come in without an account.
const (
	GuestsInvited = "invited" // with an invitation, or from this machine
	GuestsOpen    = "open"    // anybody
	GuestsNone    = "none"    // nobody: an invitation leads to an account
)

const policySetting = "guests"

// policy is what was read last: each handshake asks.
type policy struct {
	what string
	read time.Time
}

// Changed is told of each change, and has read anew what it concerns.
func (g *Gate) Changed(c chat.Change) {
	switch {
	case c.Kind == chat.ChangeBlocks:
		g.blocks.changed()
	case c.Kind == chat.ChangeSetting && c.Name == policySetting:
		g.policy.Store(nil)
	}
}

// policyAge is how long a change elsewhere may take to be seen.
const policyAge = time.Second

// Policy returns who may come in without an account.
func (g *Gate) Policy(ctx context.Context) (string, error) {
	if p := g.policy.Load(); p != nil && time.Since(p.read) < policyAge {
		return p.what, nil
	}
	what, err := g.Accounts.Setting(ctx, policySetting)
	if err != nil {
		return "", err
	}
	if what == "" {
		what = GuestsInvited
	}
	g.policy.Store(&policy{what, time.Now()})
	return what, nil
}

// SetPolicy changes who may come in without an account.
func (g *Gate) SetPolicy(ctx context.Context, by chat.Person, policy string) error {
	if err := atLeast(by, chat.RoleOwner); err != nil {
		return err
	}
	switch policy {
	case GuestsInvited, GuestsOpen, GuestsNone:
		return g.Accounts.SetSetting(ctx, by.ID, chat.KindGuests, policySetting, policy)
	}
	return chat.Errorf(chat.CodeBadFrame, "guests are invited, open or none")
}

// Restarted notes who has the server start again, which is for owners.
func (g *Gate) Restarted(ctx context.Context, by chat.Person) error {
	if err := atLeast(by, chat.RoleOwner); err != nil {
		return err
	}
	return g.Accounts.SetSetting(ctx, by.ID, chat.KindRestart, restartSetting, "")
}

// Watched notes that the operator follows what passes on a connection: whose it is, by
// name, or by address if it is nobody's.
func (g *Gate) Watched(ctx context.Context, whose string) error {
	return g.Accounts.SetSetting(ctx, chat.OperatorID, chat.KindWatch, watchSetting, whose)
}

// There is nothing to set: the log holds when, and who.
const (
	restartSetting = "restart"
	watchSetting   = "watch"
)

func atLeast(p chat.Person, role chat.Role) error {
	if p.Role < role {
		return chat.Errorf(chat.CodeForbidden, "that needs the role %s", role)
	}
	return nil
}

// NeedsInvite says whether a visitor without a session must bring an invitation.
func (g *Gate) NeedsInvite(ctx context.Context, v Visitor) (bool, error) {
	p, err := g.Policy(ctx)
	return err != nil || p == GuestsNone || (p == GuestsInvited && !v.Local), err
}

// Enter makes a person: a guest, or with a password somebody with an account.
// invite may be empty where none is needed.
func (g *Gate) Enter(ctx context.Context, v Visitor, name, invite, password string) (s Signed, err error) {
	if err := g.limits.guests.take(network(v.Address)); err != nil {
		return s, err
	}
	n := chat.Newcomer{Token: chat.HashToken(""), Device: v.Device, Address: v.Address}
	if n.Name, err = names.Clean(name); err != nil {
		return s, err
	}
	if n.Invite, err = g.admit(ctx, v, invite, password); err != nil {
		return s, err
	}
	hash := ""
	if password != "" {
		if hash, err = g.passwords.hash(ctx, password, name); err != nil {
			return s, err
		}
	}
	s.Token = chat.NewToken(chat.SessionPrefix, 32)
	n.Token = chat.HashToken(s.Token)
	if s.Login, err = g.Accounts.AddGuest(ctx, n); err != nil || hash == "" {
		return s, err
	}
	if err := g.Accounts.SetPassword(ctx, s.ID, hash); err != nil {
		return s, err
	}
	a, err := g.Accounts.Person(ctx, s.ID)
	s.Person = a.Person
	return s, err
}

// admit says whether somebody new may come in, and by which invitation.
func (g *Gate) admit(ctx context.Context, v Visitor, invite, password string) (*chat.TokenHash, error) {
	policy, err := g.Policy(ctx)
	if err != nil {
		return nil, err
	}
	if invite == "" {
		if policy == GuestsOpen || (policy == GuestsInvited && v.Local) {
			return nil, nil
		}
		return nil, chat.Errorf(chat.CodeNeedInvite, "you need an invitation to come in here")
	}
	i, err := g.Invite(ctx, v, invite)
	if err != nil {
		return nil, err
	}
	if policy == GuestsNone && password == "" {
		if i.Role == chat.RoleGuest {
			return nil, chat.Errorf(chat.CodeBadInvite, "this place is for people with an account, and that invitation is for a guest")
		}
		return nil, chat.Errorf(chat.CodeWeakPassword, "this place is for people with an account: choose a password")
	}
	hash := chat.HashToken(invite)
	return &hash, nil
}

// CheckPlain says whether a plain-text client without a session may come in, and
// uses up its invitation.
func (g *Gate) CheckPlain(ctx context.Context, v Visitor, invite string) error {
	needs, err := g.NeedsInvite(ctx, v)
	if err != nil || (!needs && invite == "") {
		return err
	}
	if invite == "" {
		return chat.Errorf(chat.CodeNeedInvite, "you need an invitation to come in here: ?invite= or ?token=")
	}
	i, err := g.Invite(ctx, v, invite)
	if err != nil {
		return err
	}
	if i.Uses > 0 {
		return chat.Errorf(chat.CodeBadInvite, "that invitation is for people; plain text needs one without a count")
	}
	if p, err := g.Policy(ctx); err != nil || p == GuestsNone {
		return chat.Errorf(chat.CodeNeedInvite, "this place is for people with an account: come with ?token=")
	}
	return nil
}

// Login finds the person of a session.
func (g *Gate) Login(ctx context.Context, token string, from netip.Addr) (chat.Login, error) {
	l, err := g.Accounts.Login(ctx, chat.HashToken(token))
	if err == nil {
		g.used.note(l.Session, from)
	}
	return l, err
}

// sign opens a session for somebody who has proved who they are.
func (g *Gate) sign(ctx context.Context, v Visitor, p chat.Person) (s Signed, err error) {
	s.Person, s.Token = p, chat.NewToken(chat.SessionPrefix, 32)
	s.Session, err = g.Accounts.AddSession(ctx, p.ID, chat.HashToken(s.Token), v.Device, v.Address)
	return s, err
}

// Rename gives somebody another name.
func (g *Gate) Rename(ctx context.Context, id chat.UserID, name string) (chat.Person, error) {
	if err := g.limits.names.take(string(id)); err != nil {
		return chat.Person{}, err
	}
	n, err := names.Clean(name)
	if err != nil {
		return chat.Person{}, err
	}
	return g.Accounts.Rename(ctx, id, n)
}

// EndSession ends one of somebody's sessions, and its sockets.
func (g *Gate) EndSession(ctx context.Context, id chat.UserID, session chat.SessionID) error {
	return g.Accounts.EndSession(ctx, id, session)
}

// EndSessions ends all of somebody's sessions but one, and their sockets.
func (g *Gate) EndSessions(ctx context.Context, id chat.UserID, but chat.SessionID) error {
	_, err := g.Accounts.EndSessions(ctx, id, but)
	return err
}

// SetRole changes what somebody may do: up to one's own role, and not above those
// who have a higher one.
func (g *Gate) SetRole(ctx context.Context, by chat.Person, id chat.UserID, role chat.Role) (p chat.Person, err error) {
	if role == chat.RoleGuest {
		return p, chat.Errorf(chat.CodeConflict, "a guest is who has no account; a role is member, admin or owner")
	}
	a, err := g.Accounts.Person(ctx, id)
	if err != nil {
		return p, err
	}
	if err := atLeast(by, max(chat.RoleAdmin, role, a.Role)); err != nil {
		return p, err
	}
	return g.Accounts.SetRole(ctx, by.ID, id, role)
}

// Remove puts somebody out: their sessions, sockets and ways to sign in end.
func (g *Gate) Remove(ctx context.Context, by chat.Person, id chat.UserID) error {
	a, err := g.Accounts.Person(ctx, id)
	if err != nil {
		return err
	}
	if by.ID != id {
		if err := atLeast(by, max(chat.RoleAdmin, a.Role)); err != nil {
			return err
		}
	}
	_, err = g.Accounts.Remove(ctx, by.ID, id)
	return err
}

// Operator is who works on the machine itself.
var Operator = chat.Person{ID: chat.OperatorID, Name: "operator", Role: chat.RoleOwner}

// usage remembers which sessions are in use, and from where, so that it is written
// down together.
type usage struct {
	mu   sync.Mutex
	seen map[chat.SessionID]netip.Addr
}

func (u *usage) note(id chat.SessionID, from netip.Addr) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen == nil {
		u.seen = make(map[chat.SessionID]netip.Addr)
	}
	u.seen[id] = from
}

func (u *usage) take() map[chat.SessionID]netip.Addr {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen
	u.seen = nil
	return seen
}

const (
	useEvery = time.Minute
	useGroup = 500 // in one change, so that no commit is long
)

func (g *Gate) noteUse() {
	t := time.NewTicker(useEvery)
	defer t.Stop()
	for last := false; !last; {
		select {
		case <-t.C:
		case <-g.done:
			last = true
		}
		now, group := time.Now(), make(map[chat.SessionID]netip.Addr)
		write := func() {
			if err := g.Accounts.Used(context.Background(), now, group); err != nil {
				g.Log.Warn("note when sessions were used", "err", err)
			}
			clear(group)
		}
		for id, from := range g.used.take() {
			if group[id] = from; len(group) == useGroup {
				write()
			}
		}
		if len(group) > 0 {
			write()
		}
	}
}

// CleanLabel returns a text that somebody gives a thing, such as a device, cut to
// what a list can show.
func CleanLabel(s string, most int) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) && !unicode.IsSpace(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)), " ")
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most])
	}
	return s
}
