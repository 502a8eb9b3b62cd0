package gate

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"hubbub/internal/chat"
	"hubbub/internal/names"
)

// Provider is where people may sign in who have an account elsewhere: OpenID
// Connect with PKCE. People are known by issuer and subject, never by their mail.
type Provider struct {
	Issuer   string
	ClientID string
	Secret   string
	Label    string // what the button says
	Open     bool   // whoever the provider knows may come in, without an invitation

	mu   sync.Mutex // guards the following
	made *oidc.Provider
}

// errand is a visit to the provider that is under way.
type errand struct {
	Verifier string      `json:"verifier"`
	Nonce    string      `json:"nonce"`
	Back     string      `json:"back"`
	Person   chat.UserID `json:"person,omitempty"` // who claims the account; "": nobody yet
	Invite   string      `json:"invite,omitempty"`
}

// patience bounds each request to the provider.
const patience = 10 * time.Second

var providerClient = &http.Client{Timeout: patience}

// find asks the provider for its addresses, at first use and until it answers: it
// may start after us.
func (p *Provider) find(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made != nil {
		return p.made, nil
	}
	made, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), providerClient), p.Issuer)
	if err != nil {
		return nil, &chat.Error{Code: chat.CodeUnavailable, Message: "the other place to sign in does not answer now", Cause: err}
	}
	p.made = made
	return made, nil
}

func (p *Provider) config(found *oidc.Provider, back string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: found.Endpoint(), RedirectURL: back,
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
}

// BeginProvider returns where to send the browser, and the secret that it must
// bring back in a cookie. back is our address for the answer. l is who wants to
// claim an account, or nobody; invite may be empty.
func (g *Gate) BeginProvider(ctx context.Context, v Visitor, back string, l chat.Login, invite string) (url, state string, err error) {
	p := g.Provider
	if p == nil {
		return "", "", chat.Errorf(chat.CodeNotFound, "there is no other place to sign in")
	}
	if err := g.limits.providers.take(network(v.Address)); err != nil {
		return "", "", err
	}
	found, err := p.find(ctx)
	if err != nil {
		return "", "", err
	}
	nonce := make([]byte, 16)
	rand.Read(nonce)
	e := errand{Verifier: oauth2.GenerateVerifier(), Nonce: base64.RawURLEncoding.EncodeToString(nonce), Back: back, Person: l.ID, Invite: invite}
	if state, err = g.begin(ctx, visiting, "", e, ceremonyTime); err != nil {
		return "", "", err
	}
	return p.config(found, back).AuthCodeURL(state, oidc.Nonce(e.Nonce), oauth2.S256ChallengeOption(e.Verifier)), state, nil
}

// FinishProvider takes the provider's answer. For somebody who claims an account
// the token is empty: their session goes on.
func (g *Gate) FinishProvider(ctx context.Context, v Visitor, state, code string) (s Signed, err error) {
	p := g.Provider
	if p == nil {
		return s, chat.Errorf(chat.CodeNotFound, "there is no other place to sign in")
	}
	var e errand
	ok, err := g.finish(ctx, visiting, state, &e)
	if err != nil {
		return s, err
	}
	if !ok {
		return s, chat.Errorf(chat.CodeBadSignIn, "that took too long; try again")
	}
	subject, name, err := p.redeem(ctx, e, code)
	if err != nil {
		return s, err
	}
	known, err := g.Accounts.PersonByIdentity(ctx, p.Issuer, subject)
	switch {
	case err == nil:
		return g.sign(ctx, v, known)
	case chat.AsError(err).Code != chat.CodeNotFound:
		return s, err
	case e.Person != "":
		if err := g.Accounts.AddIdentity(ctx, e.Person, p.Issuer, subject); err != nil {
			return s, err
		}
		s.Person, err = g.anew(ctx, e.Person)
		return s, err
	}
	return g.enterFrom(ctx, v, e.Invite, subject, name)
}

// redeem exchanges the code for who somebody is.
func (p *Provider) redeem(ctx context.Context, e errand, code string) (subject, name string, err error) {
	found, err := p.find(ctx)
	if err != nil {
		return "", "", err
	}
	refused := func(err error) error {
		return &chat.Error{Code: chat.CodeBadSignIn, Message: "the other place did not say who you are", Cause: err}
	}
	ctx = oidc.ClientContext(ctx, providerClient)
	token, err := p.config(found, e.Back).Exchange(ctx, code, oauth2.VerifierOption(e.Verifier))
	if err != nil {
		return "", "", refused(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: p.ClientID}).Verify(ctx, raw)
	if err != nil {
		return "", "", refused(err)
	}
	if id.Nonce != e.Nonce {
		return "", "", refused(nil)
	}
	var claims struct {
		Name     string `json:"name"`
		Username string `json:"preferred_username"`
	}
	if err := id.Claims(&claims); err != nil {
		return "", "", refused(err)
	}
	if claims.Name == "" && claims.Username == "" {
		if info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token)); err == nil && info.Subject == id.Subject {
			info.Claims(&claims)
		}
	}
	if claims.Name == "" {
		claims.Name = claims.Username
	}
	return id.Subject, claims.Name, nil
}

// enterFrom makes an account for somebody whom the provider knows.
func (g *Gate) enterFrom(ctx context.Context, v Visitor, invite, subject, wanted string) (s Signed, err error) {
	n := chat.Newcomer{Device: v.Device}
	s.Token = chat.NewToken(chat.SessionPrefix, 32)
	n.Token = chat.HashToken(s.Token)
	if !g.Provider.Open || invite != "" {
		if n.Invite, err = g.admit(ctx, v, invite, "not needed"); err != nil {
			return s, err
		}
	}
	for try := 0; ; try++ {
		if n.Name, err = freeName(wanted, try); err != nil {
			return s, err
		}
		s.Login, err = g.Accounts.AddGuest(ctx, n)
		if err == nil {
			break
		}
		if chat.AsError(err).Code != chat.CodeNameTaken || try > 50 {
			return s, err
		}
	}
	if err := g.Accounts.AddIdentity(ctx, s.ID, g.Provider.Issuer, subject); err != nil {
		return s, err
	}
	a, err := g.Accounts.Person(ctx, s.ID)
	s.Person = a.Person
	return s, err
}

// freeName is a name like the one that the provider knows.
func freeName(wanted string, try int) (chat.Name, error) {
	wanted = CleanLabel(wanted, chat.MaxName-4)
	if _, err := names.Clean(wanted); err != nil || wanted == "" {
		wanted = "someone"
	}
	if try == 0 {
		return names.Clean(wanted)
	}
	return names.Clean(strings.TrimSpace(wanted) + " " + string([]rune("23456789abcdefghjkmnpqrstuvwxyz")[(try-1)%31]) + strings.Repeat("x", (try-1)/31))
}
