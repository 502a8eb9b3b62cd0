package gate

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"hubbub/internal/chat"
)

// blocks are the ranges of addresses that are kept out, as they were read last: each
// request asks.
type blocks struct {
	read    atomic.Pointer[readBlocks]
	changes atomic.Uint64 // heard of; what was read before one is not kept
}

// changed has the blocks read anew.
func (b *blocks) changed() {
	b.changes.Add(1)
	b.read.Store(nil)
}

type readBlocks struct {
	all  []chat.Block
	when time.Time
}

// blocksAge is how long a change elsewhere may take to be seen.
const blocksAge = 5 * time.Second

// Blocked returns CodeBanned for an address that is kept out.
func (g *Gate) Blocked(ctx context.Context, a netip.Addr) error {
	r := g.blocks.read.Load()
	if r == nil || time.Since(r.when) > blocksAge {
		changes := g.blocks.changes.Load()
		all, err := g.Accounts.Blocks(ctx)
		if err != nil {
			return err
		}
		r = &readBlocks{all, time.Now()}
		g.blocks.read.Store(r)
		if g.blocks.changes.Load() != changes {
			g.blocks.read.Store(nil)
		}
	}
	now := time.Now()
	for _, b := range r.all {
		if b.Range.Contains(a.Unmap().WithZone("")) && (b.Until.IsZero() || now.Before(b.Until)) {
			e := chat.Errorf(chat.CodeBanned, "you are banned from this place")
			if !b.Until.IsZero() {
				e.RetryAfter = b.Until.Sub(now).Round(time.Second)
			}
			return e
		}
	}
	return nil
}

// The widest ranges that can be kept out, in bits of their prefix: wider ones would
// shut out whole countries by one slip.
const (
	widest4 = 8
	widest6 = 24
)

// ParseRange reads an address or a range such as 203.0.113.0/24. One customer of
// IPv6 has at least a /64, so that is the least.
func ParseRange(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if a, e := netip.ParseAddr(text); e == nil {
		p, err = netip.PrefixFrom(a.Unmap().WithZone(""), a.Unmap().BitLen()), nil
	}
	switch {
	case err != nil || !p.IsValid() || p.Addr().Is4In6():
		return p, chat.Errorf(chat.CodeBadFrame, "that is not an address or a range such as 203.0.113.0/24")
	case p.Addr().Is4() && p.Bits() < widest4, p.Addr().Is6() && p.Bits() < widest6:
		return p, chat.Errorf(chat.CodeBadFrame, "that range is too wide; the widest are /%d, and /%d for IPv6", widest4, widest6)
	case p.Addr().Is6() && p.Bits() > 64:
		p = netip.PrefixFrom(p.Addr(), 64)
	}
	return p.Masked(), nil
}

// maxEnd is the longest that a ban or a mute can be given an end for.
const maxEnd = 5 * 365 * 24 * time.Hour

// End returns when something ends that lasts so many seconds; 0: the zero time, never.
func End(seconds float64) (time.Time, error) {
	if seconds < 0 || seconds > maxEnd.Seconds() {
		return time.Time{}, chat.Errorf(chat.CodeBadFrame, "for is in seconds, at most %d years", int(maxEnd.Hours())/24/365)
	}
	if seconds == 0 {
		return time.Time{}, nil
	}
	return time.Now().Add(time.Duration(seconds * float64(time.Second))), nil
}

// AddBlock keeps a range out, and closes the sockets in it. Nobody can shut out
// themselves.
func (g *Gate) AddBlock(ctx context.Context, by chat.Person, own netip.Addr, text, reason string, seconds float64) (b chat.Block, err error) {
	if err := atLeast(by, chat.RoleAdmin); err != nil {
		return b, err
	}
	if b.Range, err = ParseRange(text); err != nil {
		return b, err
	}
	if b.Until, err = End(seconds); err != nil {
		return b, err
	}
	if own.IsValid() && b.Range.Contains(own.Unmap().WithZone("")) {
		return b, chat.Errorf(chat.CodeConflict, "that would shut you out too")
	}
	b.By.ID, b.Reason = by.ID, CleanLabel(reason, chat.MaxReason)
	return g.Accounts.AddBlock(ctx, b)
}

// Blocks lists the ranges that are kept out.
func (g *Gate) Blocks(ctx context.Context, by chat.Person) ([]chat.Block, error) {
	if err := atLeast(by, chat.RoleAdmin); err != nil {
		return nil, err
	}
	return g.Accounts.Blocks(ctx)
}

// RemoveBlock lets a range in again.
func (g *Gate) RemoveBlock(ctx context.Context, by chat.Person, id string) error {
	if err := atLeast(by, chat.RoleAdmin); err != nil {
		return err
	}
	return g.Accounts.RemoveBlock(ctx, by.ID, id)
}

const keepSetting = "keep"

// Keep returns how long the place keeps messages where a room does not say.
func (g *Gate) Keep(ctx context.Context) (chat.Keep, error) {
	text, err := g.Accounts.Setting(ctx, keepSetting)
	return chat.ParseKeep(text), err
}

// SetKeep changes that.
func (g *Gate) SetKeep(ctx context.Context, by chat.Person, k chat.Keep) error {
	if err := atLeast(by, chat.RoleOwner); err != nil {
		return err
	}
	if err := CheckKeep(k); err != nil {
		return err
	}
	return g.Accounts.SetSetting(ctx, by.ID, chat.KindKeep, keepSetting, k.String())
}

const previewSetting = "previews"

// Previews says whether the place shows where links lead. It does unless the owner
// said no.
func (g *Gate) Previews(ctx context.Context) (bool, error) {
	text, err := g.Accounts.Setting(ctx, previewSetting)
	return text != "off", err
}

// SetPreviews changes that.
func (g *Gate) SetPreviews(ctx context.Context, by chat.Person, on bool) error {
	if err := atLeast(by, chat.RoleOwner); err != nil {
		return err
	}
	value := "off"
	if on {
		value = "on"
	}
	return g.Accounts.SetSetting(ctx, by.ID, chat.KindPreviews, previewSetting, value)
}

// CheckKeep refuses what makes no sense.
func CheckKeep(k chat.Keep) error {
	if k.Days < 0 || k.Days > 36_500 || k.Messages < 0 || k.Messages > 100_000_000 {
		return chat.Errorf(chat.CodeBadFrame, "keep is so many days, at most 36500, and so many messages")
	}
	return nil
}

// Write takes a token for something that somebody puts into a log by HTTP.
func (g *Gate) Write(id chat.UserID) error { return g.limits.writes.take(string(id)) }

// Search takes a token for a search.
func (g *Gate) Search(id chat.UserID) error { return g.limits.searches.take(string(id)) }

// MakeRoom takes a token for a new room.
func (g *Gate) MakeRoom(id chat.UserID) error { return g.limits.rooms.take(string(id)) }

// PublicRoom finds the public room of a name, or has somebody make it, who may be
// nobody in particular; made says which.
func (g *Gate) PublicRoom(ctx context.Context, name chat.Name, by chat.UserID, from netip.Addr) (r chat.Room, made bool, err error) {
	r, err = g.Directory.RoomByName(ctx, name.Display)
	if err == nil || chat.AsError(err).Code != chat.CodeNotFound {
		return r, false, err
	}
	key := string(by)
	if key == "" {
		key = network(from)
	}
	if err := g.limits.rooms.take(key); err != nil {
		return r, false, err
	}
	r, err = g.Directory.EnsureRoom(ctx, name, by)
	return r, true, err
}

// AddBot makes a program with an account.
func (g *Gate) AddBot(ctx context.Context, by chat.Person, name chat.Name) (chat.Person, error) {
	if err := atLeast(by, chat.RoleAdmin); err != nil {
		return chat.Person{}, err
	}
	if err := g.limits.invites.take(string(by.ID)); err != nil {
		return chat.Person{}, err
	}
	return g.Accounts.AddBot(ctx, by.ID, name)
}

// Bots lists the bots.
func (g *Gate) Bots(ctx context.Context, by chat.Person) ([]chat.Bot, error) {
	if err := atLeast(by, chat.RoleAdmin); err != nil {
		return nil, err
	}
	return g.Accounts.Bots(ctx)
}

// AddBotToken gives a bot a token, and returns its secret, which is never shown
// again.
func (g *Gate) AddBotToken(ctx context.Context, by chat.Person, bot chat.UserID, t chat.BotToken) (chat.BotToken, string, error) {
	if err := atLeast(by, chat.RoleAdmin); err != nil {
		return t, "", err
	}
	t.Label = CleanLabel(t.Label, maxNote)
	secret := chat.NewToken(chat.BotPrefix, 32)
	t, err := g.Accounts.AddBotToken(ctx, bot, chat.HashToken(secret), t)
	return t, secret, err
}

// bot wants somebody who may manage bots, and a bot.
func (g *Gate) bot(ctx context.Context, by chat.Person, id chat.UserID) error {
	if err := atLeast(by, chat.RoleAdmin); err != nil {
		return err
	}
	a, err := g.Accounts.Person(ctx, id)
	if err == nil && !a.Bot {
		err = chat.Errorf(chat.CodeNotFound, "there is no such bot")
	}
	return err
}

// EndBotToken revokes a token, and closes its sockets.
func (g *Gate) EndBotToken(ctx context.Context, by chat.Person, bot chat.UserID, token chat.SessionID) error {
	if err := g.bot(ctx, by, bot); err != nil {
		return err
	}
	return g.EndSession(ctx, bot, token)
}

// RemoveBot ends a bot. What it wrote stays.
func (g *Gate) RemoveBot(ctx context.Context, by chat.Person, bot chat.UserID) error {
	if err := g.bot(ctx, by, bot); err != nil {
		return err
	}
	return g.Remove(ctx, by, bot)
}
