package chat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"time"
)

// TokenHash is the SHA-256 of a secret: of a session, or of an invitation.
// Secrets themselves are never stored.
type TokenHash [32]byte

// HashToken returns how a secret is stored. Secrets are at least 128 random bits,
// so that a plain hash is enough.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// NewToken returns a secret of n random bytes, recognisable as ours by its prefix.
func NewToken(prefix string, n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// The prefixes of our secrets, so that people and scanners know them.
const (
	SessionPrefix = "hbt_" // 256 bits
	InvitePrefix  = "hbi_" // 128 bits
	LinkPrefix    = "hbl_" // 128 bits; signs in another device, once
	BotPrefix     = "hbb_" // 256 bits; what a bot signs in with
	HookPrefix    = "hbw_" // 256 bits; in the address of an incoming hook
	SigningPrefix = "hbs_" // 256 bits; what an outgoing hook signs with
)

// SessionID names a session in lists. It is no secret.
type SessionID string

// Session is a device on which somebody is signed in.
type Session struct {
	ID      SessionID
	Device  string     // as the device described itself
	Address netip.Addr // from which it was last used
	Created time.Time
	Used    time.Time // last, to some minutes
}

// Login is who somebody is, by which session.
type Login struct {
	Person
	Session SessionID
	Scope   *Scope // of a bot's token; nil: everything
}

// Actor returns who is signed in as somebody who wants to do something.
func (l Login) Actor() Actor { return Actor{ID: l.ID, Role: l.Role, Bot: l.Bot, Scope: l.Scope} }

// SessionAge is how long a session lasts that is not used.
const SessionAge = 400 * 24 * time.Hour

// MaxBegun is how many things may be under way at a time, in the whole place.
const MaxBegun = 10_000

// NameRest is how long a name that was given up is kept from others.
const NameRest = 30 * 24 * time.Hour

// InviteID names an invitation in lists. It is no secret.
type InviteID string

// Invite lets people in.
type Invite struct {
	ID      InviteID
	Role    Role      // what who comes in may become: a guest stays a guest until there is an account
	Room    RoomID    // where it leads; "": the lobby
	By      UserID    // who made it; "": the operator
	Uses    int       // how many people it lets in; 0: any number
	Used    int       // how many it has let in
	Expires time.Time // the zero time: never
	Created time.Time
	Note    string // what for, by who made it
}

// Newcomer is a guest to be.
type Newcomer struct {
	Name    Name
	Token   TokenHash // of the first session
	Device  string
	Address netip.Addr // from where
	Invite  *TokenHash // nil: nobody needs one here
}

// Account is what a person signs in with.
type Account struct {
	Person
	Password string // as package gate wrote it; "": none
	Picture  string // names what Picture returns; "": none
	Created  time.Time
	Used     time.Time // when a session was last used
}

// Passkey is a public key that somebody signs in with.
type Passkey struct {
	ID      []byte // given by the device
	Data    []byte // as package gate wrote it
	Label   string
	Created time.Time
	Used    time.Time // the zero time: never
}

// Accounts stores who may come in, and by what. All methods may be called from
// any goroutine; each change is durable when the method returns. What they say of
// a secret that is unknown, used up, expired or revoked is the same.
type Accounts interface {
	// AddGuest makes a person with a session. CodeNameTaken; CodeBadInvite if the
	// invitation lets nobody in, and then nothing has happened.
	AddGuest(ctx context.Context, n Newcomer) (Login, error)
	// Login finds the person of a session (CodeUnauthorized).
	Login(ctx context.Context, token TokenHash) (Login, error)
	// Person finds a person (CodeNotFound).
	Person(ctx context.Context, id UserID) (Account, error)
	// PersonByName finds who holds a name (CodeNotFound).
	PersonByName(ctx context.Context, key string) (Account, error)
	// People lists everyone who has a session or an account and is no bot, by name.
	People(ctx context.Context) ([]Account, error)
	// Rename gives a person another name that nobody else holds, or gave up lately.
	Rename(ctx context.Context, id UserID, name Name) (Person, error)
	// SetRole changes what somebody with an account may do; a guest becomes it with
	// an account. The last owner stays one (CodeConflict). It is an event in the log of
	// the place, as are all changes of this kind that say by whom.
	SetRole(ctx context.Context, by, id UserID, role Role) (Person, error)
	// Remove ends a person's sessions and ways to sign in, and gives up the name.
	// What they wrote stays. It returns the sessions that it ended.
	Remove(ctx context.Context, by, id UserID) ([]SessionID, error)

	// AddSession signs somebody in on one more device.
	AddSession(ctx context.Context, id UserID, token TokenHash, device string, from netip.Addr) (SessionID, error)
	// Sessions lists somebody's sessions, last used first.
	Sessions(ctx context.Context, id UserID) ([]Session, error)
	// EndSession ends one of somebody's sessions (CodeNotFound).
	EndSession(ctx context.Context, id UserID, session SessionID) error
	// EndSessions ends all of somebody's sessions but one, "" for all, and returns
	// those that it ended.
	EndSessions(ctx context.Context, id UserID, but SessionID) ([]SessionID, error)
	// Used notes when sessions were last used, and from which address.
	Used(ctx context.Context, at time.Time, sessions map[SessionID]netip.Addr) error

	// SetPassword changes a password; "" takes it away. Whoever has one has an account.
	SetPassword(ctx context.Context, id UserID, password string) error
	// AddPasskey adds a key (CodeConflict if it is there). Whoever has one has an account.
	AddPasskey(ctx context.Context, id UserID, key Passkey) error
	// Passkeys lists somebody's keys, oldest first.
	Passkeys(ctx context.Context, id UserID) ([]Passkey, error)
	// UsePasskey keeps what signing in has changed about a key.
	UsePasskey(ctx context.Context, id UserID, key Passkey) error
	// RemovePasskey takes a key away (CodeNotFound).
	RemovePasskey(ctx context.Context, id UserID, key []byte) error
	// PersonByIdentity finds whom a provider knows (CodeNotFound).
	PersonByIdentity(ctx context.Context, issuer, subject string) (Person, error)
	// AddIdentity notes whom a provider knows (CodeConflict if it is another).
	// Whoever has one has an account.
	AddIdentity(ctx context.Context, id UserID, issuer, subject string) error

	// AddInvite makes an invitation.
	AddInvite(ctx context.Context, token TokenHash, i Invite) (Invite, error)
	// Invites lists those that still let somebody in, newest first.
	Invites(ctx context.Context) ([]Invite, error)
	// Invite finds one that still lets somebody in (CodeBadInvite).
	Invite(ctx context.Context, token TokenHash) (Invite, error)
	// UseInvite lets somebody in who is known already: the role rises, the room is
	// joined. It uses nothing up if the role does not rise. CodeBadInvite.
	UseInvite(ctx context.Context, token TokenHash, id UserID) (Person, Invite, error)
	// RevokeInvite ends an invitation (CodeNotFound).
	RevokeInvite(ctx context.Context, id InviteID) error

	// Deposit keeps what somebody has begun, until they bring back the secret, or until it
	// ends. Of more than MaxBegun those go that end first.
	Deposit(ctx context.Context, kind string, secret TokenHash, what []byte, ends time.Time) error
	// Collect returns it, once (CodeNotFound).
	Collect(ctx context.Context, kind string, secret TokenHash) (what []byte, err error)

	// SetPicture changes somebody's picture; no data takes it away. It returns its name.
	SetPicture(ctx context.Context, id UserID, kind string, data []byte) (string, error)
	// Picture returns somebody's picture (CodeNotFound).
	Picture(ctx context.Context, id UserID) (kind string, data []byte, err error)

	// Setting returns a setting of the place, or "" if it was never set.
	Setting(ctx context.Context, name string) (string, error)
	// SetSetting changes a setting of the place. It is an event of that kind in the
	// log of the place, unless kind is 0.
	SetSetting(ctx context.Context, by UserID, kind Kind, name, value string) error

	// AddBlock keeps a range of addresses out.
	AddBlock(ctx context.Context, b Block) (Block, error)
	// Blocks lists those that have not ended, newest first.
	Blocks(ctx context.Context) ([]Block, error)
	// RemoveBlock ends one (CodeNotFound).
	RemoveBlock(ctx context.Context, by UserID, id string) error

	// AddBot makes a program with an account (CodeNameTaken).
	AddBot(ctx context.Context, by UserID, name Name) (Person, error)
	// Bots lists them by name, with their tokens.
	Bots(ctx context.Context) ([]Bot, error)
	// AddBotToken gives a bot a token.
	AddBotToken(ctx context.Context, bot UserID, hash TokenHash, t BotToken) (BotToken, error)
}
