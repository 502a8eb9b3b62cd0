package natsbus

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"hubbub/internal/chat"
)

// authority signs certificates, and writes all into files.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.make("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) make(name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.last++
	c.SerialNumber, c.Subject = big.NewInt(a.last), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	a.write(name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(name string, b []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.file(name), b, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// check wants two buses that hear each other.
func check(t *testing.T, cfg Config) {
	t.Helper()
	a, b := open(t, cfg), open(t, cfg)
	heard := make(chan struct{}, 1000)
	b.Listen(chat.RoomTopic("r"), func(chat.Note) { heard <- struct{}{} })
	for {
		a.Tell(chat.RoomTopic("r"), chat.Note{Head: 1})
		select {
		case <-heard:
			return
		case <-time.After(5 * time.Millisecond): // not yet
		case <-t.Context().Done():
			t.Fatal("nothing came")
		}
	}
}

// refused wants an error at the start; over TLS the server may be gone before it is read.
func refused(t *testing.T, what string, cfg Config) {
	t.Helper()
	cfg.Cluster, cfg.Log = "w9xk27", slog.New(slog.DiscardHandler)
	if b, err := Open(t.Context(), cfg); err == nil {
		if b.Up() {
			t.Errorf("%s: taken", what)
		}
		b.Close()
	}
}

// TLS, with certificates on both sides.
func TestTLS(t *testing.T) {
	a := newAuthority(t)
	a.make("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	a.make("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	pair, err := tls.LoadX509KeyPair(a.file("server.pem"), a.file("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	s := start(t, server.Options{TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}})
	defer end(s)
	url := "tls://" + s.Addr().String()
	good := Config{URL: url, CA: a.file("ca.pem"), Cert: a.file("client.pem"), Key: a.file("client.key")}
	check(t, good)
	noCA, noCert := good, good
	noCA.CA, noCert.Cert = "", ""
	refused(t, "a server that nobody vouches for", noCA)
	refused(t, "a client without a certificate", noCert)
}

// A user's JWT and key from a file.
func TestCredentials(t *testing.T) {
	operator, account, user := pair(t, nkeys.CreateOperator), pair(t, nkeys.CreateAccount), pair(t, nkeys.CreateUser)
	o := jwt.NewOperatorClaims(operator.public)
	signed, err := jwt.NewAccountClaims(account.public).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	resolver := new(server.MemAccResolver)
	if err := resolver.Store(account.public, signed); err != nil {
		t.Fatal(err)
	}
	s := start(t, server.Options{TrustedOperators: []*jwt.OperatorClaims{o}, AccountResolver: resolver})
	defer end(s)
	token, err := jwt.NewUserClaims(user.public).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "hubbub.creds")
	if err := os.WriteFile(file, creds, 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, Config{URL: s.ClientURL(), Creds: file})
	refused(t, "nobody", Config{URL: s.ClientURL()})
}

type keyPair struct {
	nkeys.KeyPair
	public string
}

func pair(t *testing.T, make func() (nkeys.KeyPair, error)) keyPair {
	t.Helper()
	k, err := make()
	if err != nil {
		t.Fatal(err)
	}
	public, err := k.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{k, public}
}
