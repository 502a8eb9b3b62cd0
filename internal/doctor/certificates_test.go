package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are files as certbot makes them, good and bad, and the authority.
type certificates struct {
	dir   string
	roots *x509.CertPool
}

// signed is a certificate with its key.
type signed struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

func sign(t *testing.T, want x509.Certificate, by *signed) *signed {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	want.SerialNumber = big.NewInt(time.Now().UnixNano())
	if want.NotAfter.IsZero() {
		want.NotAfter = time.Now().Add(time.Hour)
	}
	want.NotBefore = want.NotAfter.Add(-240 * time.Hour)
	want.BasicConstraintsValid = true
	if by == nil {
		by = &signed{&want, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &want, by.Certificate, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signed{c, key}
}

func makeCertificates(t *testing.T) *certificates {
	t.Helper()
	authority := x509.Certificate{Subject: pkix.Name{CommonName: "root"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	root := sign(t, authority, nil)
	authority.Subject.CommonName = "between"
	between := sign(t, authority, root)
	c := &certificates{dir: t.TempDir(), roots: x509.NewCertPool()}
	c.roots.AddCert(root.Certificate)
	leaf := func(name string, until time.Time) *signed {
		return sign(t, x509.Certificate{
			Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}, between)
	}
	c.write(t, "good", leaf("localhost", time.Time{}), between)
	c.write(t, "expired", leaf("localhost", time.Now().Add(-time.Hour)), between)
	c.write(t, "other", leaf("other.example", time.Time{}), between)
	c.write(t, "lone", leaf("localhost", time.Time{}))
	return c
}

func (c *certificates) write(t *testing.T, kind string, own *signed, chain ...*signed) {
	t.Helper()
	var certs []byte
	for _, one := range append([]*signed{own}, chain...) {
		certs = append(certs, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one.Raw})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(own.key)
	if err != nil {
		t.Fatal(err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	dir := filepath.Join(c.dir, kind)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"fullchain.pem": certs, "privkey.pem": key, "both.pem": append(certs[:len(certs):len(certs)], key...)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
