package gate

import (
	"context"
	"encoding/json"
	"time"

	"hubbub/internal/chat"
)

// The kinds of what is begun, and must be finished soon, once, by a secret that the
// client brings back. It is stored, so that any node can finish what another began.
const (
	linking     = "link"     // signing in on another device: chat.UserID
	registering = "passkey"  // adding a passkey: registration
	signing     = "sign-in"  // signing in with one: webauthn.SessionData
	visiting    = "provider" // signing in elsewhere: errand
)

const (
	ceremonyTime = 5 * time.Minute
	linkTime     = 5 * time.Minute
)

// begin returns the secret.
func (g *Gate) begin(ctx context.Context, kind, prefix string, what any, last time.Duration) (secret string, err error) {
	data, err := json.Marshal(what)
	if err != nil {
		return "", err
	}
	secret = chat.NewToken(prefix, 16)
	return secret, g.Accounts.Deposit(ctx, kind, chat.HashToken(secret), data, time.Now().Add(last))
}

// finish reads what was begun, and ends it. It is not ok if there is no such thing, or
// not any more.
func (g *Gate) finish(ctx context.Context, kind, secret string, what any) (ok bool, err error) {
	data, err := g.Accounts.Collect(ctx, kind, chat.HashToken(secret))
	switch {
	case err == nil:
		return true, json.Unmarshal(data, what)
	case chat.AsError(err).Code == chat.CodeNotFound:
		return false, nil
	}
	return false, err
}
