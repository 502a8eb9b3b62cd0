package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// TLS says where certificates come from.
type TLS struct {
	Cert, Key string // files; they are read again when they change
	Domain    string // or a name, for certificates from an authority
	Email     string // whom the authority may write to; may be empty
	Authority string // its directory; empty: Let's Encrypt
	Roots     string // a file of certificates that the authority itself is checked by; empty: the system's
}

func (t TLS) wanted() bool { return t.Cert != "" || t.Key != "" || t.Domain != "" }

func (t TLS) config(ctx context.Context, data string, port int, log *slog.Logger) (*tls.Config, error) {
	switch {
	case t.Domain != "" && (t.Cert != "" || t.Key != ""):
		return nil, errors.New("either --tls-domain, or --tls-cert and --tls-key")
	case t.Domain != "":
		return t.automatic(ctx, data, port, log)
	case t.Cert == "" || t.Key == "":
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	f := &certFiles{cert: t.Cert, key: t.Key, log: log}
	if _, err := f.get(nil); err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.get}, nil
}

// certFiles serves a certificate from files, and the new one when they change, as
// they do every few weeks.
type certFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex // guards the following
	loaded  *tls.Certificate
	changed time.Time // the newer of both files, when loaded
	looked  time.Time
}

// lookEvery is how often the files are looked at.
const lookEvery = time.Second

func (f *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.loaded != nil && time.Since(f.looked) < lookEvery {
		return f.loaded, nil
	}
	f.looked = time.Now()
	var changed time.Time
	for _, path := range []string{f.cert, f.key} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(changed) {
			changed = info.ModTime()
		}
	}
	if f.loaded != nil && !changed.After(f.changed) {
		return f.loaded, nil
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		if f.loaded == nil {
			return nil, err
		}
		f.log.Warn("the new certificate can not be used; the old one stays", "err", err)
		return f.loaded, nil
	}
	f.loaded, f.changed = &c, changed
	return f.loaded, nil
}

// automatic has certificates made and renewed. What it gets is kept in the data
// folder: authorities limit how often one may ask.
func (t TLS) automatic(ctx context.Context, data string, port int, log *slog.Logger) (*tls.Config, error) {
	// The authority asks at port 443, which leads to ours; we answer there ourselves.
	issuer := certmagic.ACMEIssuer{
		Agreed: true, Email: t.Email, CA: t.Authority, TestCA: t.Authority, DisableHTTPChallenge: true, AltTLSALPNPort: port,
	}
	if t.Authority == "" {
		issuer.CA, issuer.TestCA = certmagic.LetsEncryptProductionCA, certmagic.LetsEncryptStagingCA
	}
	if t.Roots != "" {
		pem, err := os.ReadFile(t.Roots)
		issuer.TrustedRoots = x509.NewCertPool()
		if err != nil || !issuer.TrustedRoots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-authority-roots %s holds no certificates: %w", t.Roots, err)
		}
	}
	logger := zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "msg"}), &zapLog{log}, zap.WarnLevel))
	var magic *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return magic, nil },
		Logger:           logger,
	})
	context.AfterFunc(ctx, cache.Stop) // for a server that starts again
	magic = certmagic.New(cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: filepath.Join(data, "certificates")}, Logger: logger,
	})
	issuer.Logger = logger
	magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(magic, issuer)}
	if err := magic.ManageAsync(ctx, []string{t.Domain}); err != nil {
		return nil, fmt.Errorf("--tls-domain %s: %w", t.Domain, err)
	}
	conf := magic.TLSConfig()
	conf.MinVersion = tls.VersionTLS12
	return conf, nil
}

// zapLog has what the library logs stand in our log.
type zapLog struct{ log *slog.Logger }

func (z *zapLog) Write(p []byte) (int, error) {
	z.log.Warn("certificates", "what", strings.TrimSpace(string(p)))
	return len(p), nil
}

func (z *zapLog) Sync() error { return nil }
