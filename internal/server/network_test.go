package server_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubbub/internal/server"
)

// run runs a server until the test ends.
func run(t *testing.T, cfg server.Config) *server.Server {
	t.Helper()
	cfg.Data, cfg.Log, cfg.Version = t.TempDir(), slog.New(slog.NewTextHandler(t.Output(), nil)), "test"
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	s, err := server.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// certificate writes one for localhost, and returns who trusts it.
func certificate(t *testing.T, dir string, number int64) *x509.CertPool {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, _ := x509.MarshalECPrivateKey(key)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	c, _ := x509.ParseCertificate(der)
	pool.AddCert(c)
	return pool
}

// Pages over HTTP/2, sockets over TLS, and a new certificate without a restart.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir, 1)
	s := run(t, server.Config{TLS: server.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}})
	if !strings.HasPrefix(s.URL(), "https://localhost:") {
		t.Fatal(s.URL())
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	resp, err := client.Post(s.URL()+"/api/guests", "application/json", strings.NewReader(`{"name":"Ines"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if c := resp.Cookies(); resp.ProtoMajor != 2 || resp.StatusCode != 201 || c[0].Name != "__Host-hubbub_session" || !c[0].Secure {
		t.Errorf("%s %d %v", resp.Proto, resp.StatusCode, c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	plain := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	var conns []*websocket.Conn
	for range 2 {
		c, _, err := websocket.Dial(ctx, s.URL(), &websocket.DialOptions{HTTPClient: plain})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		conns = append(conns, c)
	}
	if err := conns[0].Write(ctx, websocket.MessageText, []byte("through TLS")); err != nil {
		t.Fatal(err)
	}
	if _, b, err := conns[1].Read(ctx); string(b) != "through TLS" {
		t.Errorf("%q, %v", b, err)
	}

	pool = certificate(t, dir, 2)
	client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	for {
		resp, err := client.Get(s.URL() + "/healthz")
		if err == nil {
			resp.Body.Close()
			break
		}
		if ctx.Err() != nil {
			t.Fatal("the new certificate is not served: ", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Behind the PROXY protocol a client is who the proxy says; without its header
// nobody is served.
func TestProxyProtocol(t *testing.T) {
	s := run(t, server.Config{ProxyProtocol: true, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	addr := strings.TrimPrefix(s.URL(), "http://")
	look := func(header string) (status int, err error) {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		body := `{"invite":"x"}`
		fmt.Fprintf(nc, "%sPOST /api/invites/look HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", header, len(body), body)
		resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if err != nil {
			return 0, err
		}
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, nil
	}
	for range 30 {
		look("PROXY TCP4 203.0.113.9 127.0.0.1 4711 3000\r\n")
	}
	if got, err := look("PROXY TCP4 203.0.113.9 127.0.0.1 4712 3000\r\n"); got != 429 {
		t.Errorf("the same client: %d, %v", got, err)
	}
	if got, err := look("PROXY TCP4 203.0.113.10 127.0.0.1 4711 3000\r\n"); got != 403 {
		t.Errorf("another client: %d, %v", got, err)
	}
	for _, header := range []string{"", "PROXY NONSENSE\r\n"} {
		if got, err := look(header); err == nil {
			t.Errorf("%q: %d", header, got)
		}
	}
}

func TestRefusedAddresses(t *testing.T) {
	for _, cfg := range []server.Config{
		{PublicURL: "chat.example.org"}, {PublicURL: "ftp://chat.example.org"}, {PublicURL: "https://chat.example.org/below"},
		{PublicURL: "https://me@chat.example.org"}, {ProxyProtocol: true}, {TLS: server.TLS{Key: "x"}},
		{TLS: server.TLS{Domain: "chat.example.org", Cert: "x", Key: "y"}}, {Listen: "3000"},
	} {
		if cfg.Listen == "" {
			cfg.Listen = "127.0.0.1:0"
		}
		cfg.Data, cfg.Log = t.TempDir(), slog.New(slog.DiscardHandler)
		if s, err := server.New(t.Context(), cfg); err == nil {
			s.Stop()
			t.Errorf("%+v is fine", cfg)
		}
	}
}
