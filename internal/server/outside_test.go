package server_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"hubbub/internal/server"
)

// build builds a program of the module in testdata/servers.
func build(t *testing.T, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Dir = "testdata/servers"
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return out
}

// start runs a program until the test ends, once it listens at addr.
func start(t *testing.T, addr string, cmd *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("%s said: %s", cmd.Path, said)
		}
	})
	for end := time.Now().Add(20 * time.Second); ; {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			nc.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// throughProxy says of every request that a proxy passed it on.
type throughProxy struct{ http.RoundTripper }

func (p throughProxy) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Via", "1.1 somewhere")
	return p.RoundTripper.RoundTrip(r)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// Somebody signs in with an account elsewhere, comes back as the same person, and
// nobody else's browser can use the answer.
func TestProvider(t *testing.T) {
	program := build(t, "./provider")
	theirs, ours := freePort(t), freePort(t)
	home := "http://localhost:" + ours
	start(t, "127.0.0.1:"+theirs, exec.Command(program, "-listen", "127.0.0.1:"+theirs, "-redirect", home+"/api/sign-in/provider/back"))
	s := run(t, server.Config{Listen: "127.0.0.1:" + ours, Provider: &server.Provider{
		Issuer: "http://localhost:" + theirs, ClientID: "hubbub", Secret: "the secret", Label: "Example",
	}})
	browser := func() *http.Client {
		jar, _ := cookiejar.New(nil)
		return &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	}
	get := func(c *http.Client, address string) (*http.Response, string) {
		t.Helper()
		resp, err := c.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp, string(b)
	}
	// signIn stops before the answer is brought back to us.
	signIn := func(c *http.Client, user string) (back string) {
		t.Helper()
		resp, page := get(c, home+"/api/sign-in/provider")
		id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(page)
		if id == nil {
			t.Fatalf("%d at %s: %s", resp.StatusCode, resp.Request.URL, page)
		}
		c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), home) {
				return http.ErrUseLastResponse
			}
			return nil
		}
		resp, err := c.PostForm(resp.Request.URL.Scheme+"://"+resp.Request.URL.Host+"/login/username",
			url.Values{"id": {id[1]}, "username": {user}, "password": {"verysecure"}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		c.CheckRedirect = nil
		return resp.Header.Get("Location")
	}
	me := func(c *http.Client) (id, name, role string) {
		t.Helper()
		_, body := get(c, home+"/api/me")
		var answer struct {
			You struct{ ID, Name, Role string }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.You.ID == "" {
			t.Fatalf("%s, %v", body, err)
		}
		return answer.You.ID, answer.You.Name, answer.You.Role
	}
	first := browser()
	back := signIn(first, "test-user@localhost")
	if other := browser(); true {
		if resp, body := get(other, back); resp.StatusCode != 401 || !strings.Contains(body, "another browser") {
			t.Errorf("in another browser: %d %s", resp.StatusCode, body)
		}
	}
	get(first, back)
	id, name, role := me(first)
	if name != "Test User" || role != "member" {
		t.Errorf("came as %q, %s", name, role)
	}
	if resp, _ := get(first, back); resp.StatusCode == 200 && !strings.Contains(resp.Request.URL.Path, "sign-in") {
		t.Errorf("the same answer again: %d at %s", resp.StatusCode, resp.Request.URL)
	}
	second := browser()
	get(second, signIn(second, "test-user@localhost"))
	if again, _, _ := me(second); again != id {
		t.Errorf("came back as %s, not %s", again, id)
	}

	// Who is not at this machine needs an invitation, which outlasts the visit.
	stranger := browser()
	stranger.Transport = throughProxy{stranger.Transport}
	if resp, _ := get(stranger, signIn(stranger, "test-user2")); resp.Request.URL.Fragment != "need_invite" {
		t.Errorf("a stranger without an invitation: %d at %s", resp.StatusCode, resp.Request.URL)
	}
	link, err := s.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := stranger.Post(home+"/api/invites/look", "application/json", strings.NewReader(fmt.Sprintf(`{"invite":%q}`, link[strings.Index(link, "#")+1:])))
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	get(stranger, signIn(stranger, "test-user2"))
	if other, _, role := me(stranger); other == id || role != "member" {
		t.Errorf("the stranger is %s, %s", other, role)
	}
}

// A server with a name gets its certificate by itself.
func TestAutomaticCertificates(t *testing.T) {
	const domain = "chat.example.org"
	program := build(t, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	dir, port := t.TempDir(), freePort(t)
	authority, management, names := freePort(t), freePort(t), freePort(t)
	certificate(t, dir, 1)
	resolver := &dns.Server{Addr: "127.0.0.1:" + names, Net: "tcp", Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg)
		answer.SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			a, _ := dns.NewRR(q.Question[0].Name + " 1 IN A 127.0.0.1")
			answer.Answer = []dns.RR{a}
		}
		w.WriteMsg(answer)
	})}
	go resolver.ListenAndServe()
	t.Cleanup(func() { resolver.Shutdown() })
	config := fmt.Sprintf(`{"pebble":{"listenAddress":"127.0.0.1:%s","managementListenAddress":"127.0.0.1:%s",
		"certificate":%q,"privateKey":%q,"httpPort":1,"tlsPort":%s}}`, authority, management, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), port)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-config", filepath.Join(dir, "config.json"), "-dnsserver", "127.0.0.1:"+names)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	start(t, "127.0.0.1:"+authority, cmd)

	run(t, server.Config{Listen: "127.0.0.1:" + port, TLS: server.TLS{
		Domain: domain, Authority: "https://localhost:" + authority + "/dir", Roots: filepath.Join(dir, "cert.pem"),
	}})
	for end := time.Now().Add(30 * time.Second); ; {
		nc, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{ServerName: domain, InsecureSkipVerify: true})
		if err == nil {
			got := nc.ConnectionState().PeerCertificates[0]
			nc.Close()
			if err = got.VerifyHostname(domain); err == nil && strings.Contains(got.Issuer.CommonName, "Pebble") {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("no certificate came: ", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
