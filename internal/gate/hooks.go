package gate

import (
	"context"
	"net/netip"
	"strings"

	"hubbub/internal/chat"
)

// HookOf finds the hook of a secret (CodeNotFound). Who is wrong too often is told so
// (CodeRateLimited); a right secret always counts, because a program that goes on with
// an old one must not shut out its neighbours, and 256 bits can not be guessed.
func (g *Gate) HookOf(ctx context.Context, secret string, from netip.Addr) (chat.Hook, error) {
	h, err := chat.Hook{}, error(chat.Errorf(chat.CodeNotFound, "there is no such hook"))
	if strings.HasPrefix(secret, chat.HookPrefix) {
		h, err = g.Hooks.HookOf(ctx, chat.HashToken(secret))
	}
	if err != nil && chat.AsError(err).Code == chat.CodeNotFound {
		if e := g.limits.hookGuesses.take(network(from)); e != nil {
			return h, e
		}
	}
	return h, err
}

// HookSays takes one message of a hook from its limit.
func (g *Gate) HookSays(id string) error { return g.limits.hooks.take(id) }

// MakeHook takes one new hook from somebody's limit.
func (g *Gate) MakeHook(by chat.UserID) error { return g.limits.invites.take(string(by)) }
