package gate

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"

	"hubbub/internal/chat"
	"hubbub/internal/names"
)

// The cost of a password, after OWASP's advice for argon2id: 19 MiB and two
// passes on one thread. A hash names its own cost, so older ones keep working.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonKey    = 32
	argonSalt   = 16
)

const (
	minPassword  = 10  // characters
	maxPassword  = 256 // bytes
	maxJudged    = 64  // characters
	goodPassword = 3   // of zxcvbn's 0 to 4: more than 10^8 guesses
	maxHashing   = 2   // at a time: each takes a core and 19 MiB
	maxWaiting   = 32  // for that
)

// passwords hashes and compares. Memory times concurrency is bounded, or signing
// in would be a way to bring a server down.
type passwords struct {
	turn    chan struct{} // a token for each hash under way
	waiting chan struct{}
	nobody  string // a hash to compare with where there is no account
}

func newPasswords() passwords {
	p := passwords{turn: make(chan struct{}, maxHashing), waiting: make(chan struct{}, maxWaiting)}
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	p.nobody = encode(salt, make([]byte, argonKey))
	return p
}

// hash checks a new password's strength and returns how it is stored. The name is
// what an attacker would try first.
func (p *passwords) hash(ctx context.Context, password, name string) (string, error) {
	clean, err := opaque(password)
	switch {
	case err != nil:
		return "", err
	case utf8.RuneCountInString(clean) < minPassword:
		return "", chat.Errorf(chat.CodeWeakPassword, "a password has at least %d characters", minPassword)
	}
	if zxcvbn.PasswordStrength(beginning(clean), append(strings.Fields(name), name, "hubbub")).Score < goodPassword {
		return "", chat.Errorf(chat.CodeWeakPassword, "that password is easy to guess; a few unusual words make a good one")
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	var hash string
	err = p.inTurn(ctx, func() {
		hash = encode(salt, argon2.IDKey([]byte(clean), salt, argonTime, argonMemory, 1, argonKey))
	})
	return hash, err
}

// beginning is what is judged of a password: the library's time grows with the cube
// of the length, to half a second for 256 characters.
func beginning(password string) string {
	if r := []rune(password); len(r) > maxJudged {
		return string(r[:maxJudged])
	}
	return password
}

// opaque is the form of a password in which it is compared: RFC 8265, section 4.
func opaque(password string) (string, error) {
	if len(password) > maxPassword {
		return "", chat.Errorf(chat.CodeWeakPassword, "a password has at most %d bytes", maxPassword)
	}
	clean, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", chat.Errorf(chat.CodeWeakPassword, "a password has letters, digits, signs and spaces")
	}
	return clean, nil
}

// inTurn runs f when there is room.
func (p *passwords) inTurn(ctx context.Context, f func()) error {
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return tooOften(5 * time.Second)
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	f()
	return nil
}

// matches compares. Without a hash it takes the same time and says no.
func (p *passwords) matches(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = p.nobody
	}
	clean, err := opaque(password)
	if err != nil {
		clean, known = "", false
	}
	var memory, passes uint32
	var threads uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, fmt.Errorf("a stored password is not argon2id")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false, fmt.Errorf("a stored password names no cost: %w", err)
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false, fmt.Errorf("a stored password can not be read")
	}
	same := false
	err = p.inTurn(ctx, func() {
		got := argon2.IDKey([]byte(clean), salt, passes, memory, threads, uint32(len(want)))
		same = subtle.ConstantTimeCompare(got, want) == 1
	})
	return same && known, err
}

// encode writes a hash with its cost, in the usual form.
func encode(salt, key []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, argonMemory, argonTime, b.EncodeToString(salt), b.EncodeToString(key))
}

// SetPassword gives somebody a password, or another one, and ends all other
// sessions. Whoever has one must know it. A guest with a password has an account.
func (g *Gate) SetPassword(ctx context.Context, v Visitor, l chat.Login, current, password string) (chat.Person, error) {
	if err := g.limits.credentials.take(string(l.ID)); err != nil {
		return l.Person, err
	}
	a, err := g.Accounts.Person(ctx, l.ID)
	if err != nil {
		return l.Person, err
	}
	if a.Password != "" {
		if err := g.check(ctx, v, string(l.ID), current, a.Password); err != nil {
			return l.Person, err
		}
	}
	hash, err := g.passwords.hash(ctx, password, a.Name)
	if err != nil {
		return l.Person, err
	}
	if err := g.Accounts.SetPassword(ctx, l.ID, hash); err != nil {
		return l.Person, err
	}
	if err := g.EndSessions(ctx, l.ID, l.Session); err != nil {
		return l.Person, err
	}
	return g.anew(ctx, l.ID)
}

// anew reads a person whose rights may have changed.
func (g *Gate) anew(ctx context.Context, id chat.UserID) (chat.Person, error) {
	a, err := g.Accounts.Person(ctx, id)
	return a.Person, err
}

// SignIn signs somebody in by name and password. Whether there is such a person
// shows neither in the answer nor in its time.
func (g *Gate) SignIn(ctx context.Context, v Visitor, name, password string) (s Signed, err error) {
	n, err := names.Clean(name)
	var a chat.Account
	if err == nil {
		a, err = g.Accounts.PersonByName(ctx, n.Key)
	}
	if err != nil && chat.AsError(err).Code == chat.CodeInternal {
		return s, err
	}
	key := n.Key
	if key == "" {
		key = "?"
	}
	if err := g.check(ctx, v, key, password, a.Password); err != nil {
		return s, err
	}
	return g.sign(ctx, v, a.Person)
}

// check compares a password, if nobody guesses. A network that got in before is
// counted by itself, so that strangers who guess lock nobody out.
func (g *Gate) check(ctx context.Context, v Visitor, key, password, hash string) error {
	from := network(v.Address)
	pair := key + " " + from
	if err := g.limits.networks.take(from); err != nil {
		return err
	}
	if err := g.limits.attempts.take(pair); err != nil {
		return err
	}
	if !g.limits.knows.has(pair) {
		if err := g.limits.accounts.take(key); err != nil {
			return err
		}
	}
	same, err := g.passwords.matches(ctx, password, hash)
	if err != nil {
		return err
	}
	if !same {
		return chat.Errorf(chat.CodeBadSignIn, "the name or the password is wrong")
	}
	g.limits.attempts.clear(pair)
	g.limits.accounts.clear(key)
	g.limits.knows.note(pair)
	return nil
}
