package gate

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"hubbub/internal/chat"
)

// registration is a passkey that somebody is adding.
type registration struct {
	Person chat.UserID          `json:"person"`
	Data   webauthn.SessionData `json:"data"`
}

const (
	maxPasskeys = 20 // of one person
	maxLabel    = 60
)

// CanPasskey says whether passkeys work at an origin: they belong to a name, never
// to an address, and browsers want HTTPS or this machine.
func CanPasskey(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	host := u.Hostname()
	_, err = netip.ParseAddr(host)
	return err != nil && host != "" && (u.Scheme == "https" || host == "localhost" || strings.HasSuffix(host, ".localhost"))
}

func relyingParty(origin string) (*webauthn.WebAuthn, error) {
	if !CanPasskey(origin) {
		return nil, chat.Errorf(chat.CodeForbidden, "passkeys need a name and HTTPS, or localhost")
	}
	u, _ := url.Parse(origin)
	host := u.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return webauthn.New(&webauthn.Config{RPID: host, RPDisplayName: "hubbub", RPOrigins: []string{origin}})
}

// holder is a person as the library wants to see them.
type holder struct {
	chat.Person
	keys []webauthn.Credential
}

func (h *holder) WebAuthnID() []byte                         { return []byte(h.ID) }
func (h *holder) WebAuthnName() string                       { return h.Name }
func (h *holder) WebAuthnDisplayName() string                { return h.Name }
func (h *holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (g *Gate) holder(ctx context.Context, p chat.Person) (*holder, error) {
	stored, err := g.Accounts.Passkeys(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	h := &holder{Person: p}
	for _, k := range stored {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Data, &c); err != nil {
			return nil, err
		}
		h.keys = append(h.keys, c)
	}
	return h, nil
}

// BeginPasskey starts to add a passkey for somebody, at an origin. It returns what
// the browser needs, and the secret of the ceremony.
func (g *Gate) BeginPasskey(ctx context.Context, l chat.Login, origin string) (options any, ceremony string, err error) {
	if err := g.limits.credentials.take(string(l.ID)); err != nil {
		return nil, "", err
	}
	rp, err := relyingParty(origin)
	if err != nil {
		return nil, "", err
	}
	h, err := g.holder(ctx, l.Person)
	if err != nil {
		return nil, "", err
	}
	if len(h.keys) >= maxPasskeys {
		return nil, "", chat.Errorf(chat.CodeConflict, "one person has at most %d passkeys", maxPasskeys)
	}
	var known []protocol.CredentialDescriptor
	for _, c := range h.keys {
		known = append(known, c.Descriptor())
	}
	creation, data, err := rp.BeginRegistration(h,
		webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired), webauthn.WithExclusions(known))
	if err != nil {
		return nil, "", err
	}
	ceremony, err = g.begin(ctx, registering, "", registration{l.ID, *data}, ceremonyTime)
	return creation, ceremony, err
}

// AddPasskey finishes it. A guest with a passkey has an account.
func (g *Gate) AddPasskey(ctx context.Context, l chat.Login, origin, ceremony, label string, answer []byte) (chat.Person, error) {
	var begun registration
	ok, err := g.finish(ctx, registering, ceremony, &begun)
	if err != nil {
		return l.Person, err
	}
	if !ok || begun.Person != l.ID {
		return l.Person, chat.Errorf(chat.CodeConflict, "that took too long; try again")
	}
	rp, err := relyingParty(origin)
	if err != nil {
		return l.Person, err
	}
	h, err := g.holder(ctx, l.Person)
	if err != nil {
		return l.Person, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return l.Person, refusedKey(err)
	}
	made, err := rp.CreateCredential(h, begun.Data, parsed)
	if err != nil {
		return l.Person, refusedKey(err)
	}
	data, err := json.Marshal(made)
	if err != nil {
		return l.Person, err
	}
	key := chat.Passkey{ID: made.ID, Data: data, Label: CleanLabel(label, maxLabel)}
	if err := g.Accounts.AddPasskey(ctx, l.ID, key); err != nil {
		return l.Person, err
	}
	return g.anew(ctx, l.ID)
}

func refusedKey(cause error) error {
	return &chat.Error{Code: chat.CodeBadSignIn, Message: "that passkey does not open this place", Cause: cause}
}

// BeginSignIn starts to sign somebody in by a passkey, nobody knows whom yet.
func (g *Gate) BeginSignIn(ctx context.Context, v Visitor, origin string) (options any, ceremony string, err error) {
	if err := g.limits.credentials.take(network(v.Address)); err != nil {
		return nil, "", err
	}
	rp, err := relyingParty(origin)
	if err != nil {
		return nil, "", err
	}
	assertion, data, err := rp.BeginDiscoverableLogin()
	if err != nil {
		return nil, "", err
	}
	ceremony, err = g.begin(ctx, signing, "", data, ceremonyTime)
	return assertion, ceremony, err
}

// SignInByPasskey finishes it.
func (g *Gate) SignInByPasskey(ctx context.Context, v Visitor, origin, ceremony string, answer []byte) (s Signed, err error) {
	if err := g.limits.networks.take(network(v.Address)); err != nil {
		return s, err
	}
	var data webauthn.SessionData
	ok, err := g.finish(ctx, signing, ceremony, &data)
	if err != nil {
		return s, err
	}
	if !ok {
		return s, chat.Errorf(chat.CodeBadSignIn, "that took too long; try again")
	}
	rp, err := relyingParty(origin)
	if err != nil {
		return s, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return s, refusedKey(err)
	}
	user, used, err := rp.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		a, err := g.Accounts.Person(ctx, chat.UserID(handle))
		if err != nil {
			return nil, err
		}
		h, err := g.holder(ctx, a.Person)
		if err != nil {
			return nil, err
		}
		// A key that is synced to other devices may become eligible for backup
		// later; the library would lock its owner out.
		for i := range h.keys {
			h.keys[i].Flags.BackupEligible = parsed.Response.AuthenticatorData.Flags.HasBackupEligible()
		}
		return h, nil
	}, data, parsed)
	if err != nil {
		return s, refusedKey(err)
	}
	h := user.(*holder)
	stored, err := json.Marshal(used)
	if err != nil {
		return s, err
	}
	if err := g.Accounts.UsePasskey(ctx, h.ID, chat.Passkey{ID: used.ID, Data: stored}); err != nil {
		return s, err
	}
	return g.sign(ctx, v, h.Person)
}

// RemovePasskey takes a key away, unless it is the last way to sign in.
func (g *Gate) RemovePasskey(ctx context.Context, id chat.UserID, key []byte) error {
	a, err := g.Accounts.Person(ctx, id)
	if err != nil {
		return err
	}
	keys, err := g.Accounts.Passkeys(ctx, id)
	if err != nil {
		return err
	}
	if a.Password == "" && len(keys) == 1 && string(keys[0].ID) == string(key) {
		return chat.Errorf(chat.CodeConflict, "that is your only way to sign in; add another one first")
	}
	return g.Accounts.RemovePasskey(ctx, id, key)
}
