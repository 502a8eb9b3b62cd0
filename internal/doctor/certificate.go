package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"
)

// certificate looks at the one that came with an answer.
func (v *visit) certificate(state *tls.ConnectionState) {
	if state == nil || len(state.PeerCertificates) == 0 {
		v.set(ok(CheckCertificate, CertificateNone, nil))
		return
	}
	v.set(Certificate(v.url.Hostname(), state.PeerCertificates, v.Roots, time.Now()))
}

// Certificate is the check of a chain, the server's own certificate first. Nil roots
// are the system's.
func Certificate(host string, chain []*x509.Certificate, roots *x509.CertPool, now time.Time) Check {
	leaf := chain[0]
	with := Values{"host": host, "names": names(leaf), "until": leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST")}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	// Each by itself: one that is expired may be for another name too.
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: leaf.NotAfter.Add(-time.Second)})
	switch {
	case now.After(leaf.NotAfter):
		return fault(CheckCertificate, CertificateExpired, with)
	case leaf.VerifyHostname(host) != nil:
		return fault(CheckCertificate, CertificateName, with)
	case err != nil:
		return fault(CheckCertificate, CertificateChain, with)
	}
	return ok(CheckCertificate, CertificateGood, with)
}

// names are those that a certificate is for.
func names(c *x509.Certificate) string {
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return c.Subject.CommonName
	}
	if len(all) > 4 {
		all = append(all[:4], "…")
	}
	return strings.Join(all, ", ")
}
