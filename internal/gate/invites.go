package gate

import (
	"context"
	"time"

	"hubbub/internal/chat"
)

// What an invitation may be at most.
const (
	maxUses    = 10_000
	maxNote    = 80
	maxExpires = 365 * 24 * time.Hour
	ownerTime  = 24 * time.Hour // of the one-time link that makes an owner
)

// AddInvite makes an invitation and returns it with its secret, which is never
// shown again. Members invite guests and members; who comes in can not rise above
// who asked.
func (g *Gate) AddInvite(ctx context.Context, by chat.Person, i chat.Invite) (chat.Invite, string, error) {
	switch {
	case by.Role < chat.RoleMember:
		return i, "", chat.Errorf(chat.CodeForbidden, "guests can not invite; choose a password or a passkey first")
	case i.Role > by.Role:
		return i, "", chat.Errorf(chat.CodeForbidden, "you can not make anybody more than you are")
	case i.Uses < 0 || i.Uses > maxUses:
		return i, "", chat.Errorf(chat.CodeBadFrame, "an invitation is for 1 to %d people, or for any number", maxUses)
	case !i.Expires.IsZero() && (i.Expires.Before(time.Now()) || i.Expires.After(time.Now().Add(maxExpires))):
		return i, "", chat.Errorf(chat.CodeBadFrame, "an invitation ends within a year, or never")
	case i.Role == chat.RoleOwner && (i.Uses != 1 || i.Expires.IsZero()):
		return i, "", chat.Errorf(chat.CodeBadFrame, "an invitation for an owner is for one person, and ends")
	}
	if err := g.limits.invites.take(string(by.ID)); err != nil {
		return i, "", err
	}
	i.By, i.Note = by.ID, CleanLabel(i.Note, maxNote)
	if by.ID == chat.OperatorID {
		i.By = ""
	}
	token := chat.NewToken(chat.InvitePrefix, 16)
	i, err := g.Accounts.AddInvite(ctx, chat.HashToken(token), i)
	return i, token, err
}

// Invites lists the invitations that somebody may see: admins all, others their own.
func (g *Gate) Invites(ctx context.Context, by chat.Person) ([]chat.Invite, error) {
	all, err := g.Accounts.Invites(ctx)
	if err != nil || by.Role >= chat.RoleAdmin {
		return all, err
	}
	var own []chat.Invite
	for _, i := range all {
		if i.By == by.ID {
			own = append(own, i)
		}
	}
	return own, nil
}

// RevokeInvite ends an invitation that somebody may see.
func (g *Gate) RevokeInvite(ctx context.Context, by chat.Person, id chat.InviteID) error {
	seen, err := g.Invites(ctx, by)
	if err != nil {
		return err
	}
	for _, i := range seen {
		if i.ID == id {
			return g.Accounts.RevokeInvite(ctx, id)
		}
	}
	return chat.Errorf(chat.CodeNotFound, "there is no such invitation")
}

// Invite finds an invitation by its secret. Who guesses is slowed down.
func (g *Gate) Invite(ctx context.Context, v Visitor, token string) (chat.Invite, error) {
	if err := g.limits.guesses.check(network(v.Address)); err != nil {
		return chat.Invite{}, err
	}
	i, err := g.Accounts.Invite(ctx, chat.HashToken(token))
	if err != nil && chat.AsError(err).Code == chat.CodeBadInvite {
		g.limits.guesses.take(network(v.Address))
	}
	return i, err
}

// Accept lets somebody in by an invitation who is here already.
func (g *Gate) Accept(ctx context.Context, v Visitor, l chat.Login, token string) (chat.Person, chat.Invite, error) {
	if _, err := g.Invite(ctx, v, token); err != nil {
		return l.Person, chat.Invite{}, err
	}
	return g.Accounts.UseInvite(ctx, chat.HashToken(token), l.ID)
}

// OwnerLink returns the secret of a one-time invitation that makes an owner. Those
// that were made before end.
func (g *Gate) OwnerLink(ctx context.Context) (string, error) {
	all, err := g.Accounts.Invites(ctx)
	if err != nil {
		return "", err
	}
	for _, i := range all {
		if i.Role == chat.RoleOwner && i.By == "" {
			if err := g.Accounts.RevokeInvite(ctx, i.ID); err != nil && chat.AsError(err).Code != chat.CodeNotFound {
				return "", err
			}
		}
	}
	_, token, err := g.AddInvite(ctx, Operator, chat.Invite{
		Role: chat.RoleOwner, Uses: 1, Expires: time.Now().Add(ownerTime), Note: "owner link",
	})
	return token, err
}

// HasOwner says whether the place has an owner.
func (g *Gate) HasOwner(ctx context.Context) (bool, error) {
	people, err := g.Accounts.People(ctx)
	for _, p := range people {
		if p.Role == chat.RoleOwner {
			return true, err
		}
	}
	return false, err
}

// NewLink returns a secret that signs somebody in on another device, once and
// soon.
func (g *Gate) NewLink(ctx context.Context, l chat.Login) (token string, ends time.Time, err error) {
	if err := g.limits.invites.take(string(l.ID)); err != nil {
		return "", ends, err
	}
	ends = time.Now().Add(linkTime)
	token, err = g.begin(ctx, linking, chat.LinkPrefix, l.ID, linkTime)
	return token, ends, err
}

// SignInByLink signs in by such a secret.
func (g *Gate) SignInByLink(ctx context.Context, v Visitor, token string) (s Signed, err error) {
	if err := g.limits.guesses.check(network(v.Address)); err != nil {
		return s, err
	}
	var id chat.UserID
	ok, err := g.finish(ctx, linking, token, &id)
	if err != nil {
		return s, err
	}
	if !ok {
		g.limits.guesses.take(network(v.Address))
		return s, chat.Errorf(chat.CodeBadInvite, "that link signs nobody in; make a new one on the other device")
	}
	a, err := g.Accounts.Person(ctx, id)
	if err != nil {
		return s, err
	}
	return g.sign(ctx, v, a.Person)
}
