package preview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestLinks(t *testing.T) {
	for text, want := range map[string][]string{
		"see https://example.org/a, and (https://example.net/b_(c)).":             {"https://example.org/a", "https://example.net/b_(c)"},
		"[a](https://example.org/x) <https://example.net/y>":                      {"https://example.org/x", "https://example.net/y"},
		"`https://example.org` and\n```\nhttps://example.net\n``` no":             nil,
		"https://a.example https://b.example https://c.example https://d.example": {"https://a.example", "https://b.example", "https://c.example"},
		"https://a.example https://a.example":                                     {"https://a.example"},
		"ftp://example.org javascript://example.org http://user:pass@example.org": nil,
		"http://localhost/ http://intranet/x https:// http://[::1":                nil,
		"**https://example.org**":                                                 {"https://example.org"},
		"no links at all":                                                         nil,
		"https://example.org/" + strings.Repeat("x", 3000):                        nil,
	} {
		if got := Links(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestReadHead(t *testing.T) {
	base, _ := url.Parse("https://example.org/dir/page")
	p, image := readHead(strings.NewReader(`<!doctype html><html><head><title> A &amp; B
 </title><script>"<meta property=og:title content=no>"</script><meta property="og:title" content="The &quot;title&quot; <b>"><meta name="Description" content="Two
lines &#x202e;turned"><meta property="og:site_name" content="Example"><meta property="og:image" content="../p.png"></head><body><meta property="og:description" content="no">`), "text/html; charset=utf-8", base)
	if p.Title != `The "title" <b>` || p.Description != "Two lines turned" || p.Site != "Example" || image != "https://example.org/p.png" {
		t.Errorf("%+v %s", p, image)
	}
	p, image = readHead(strings.NewReader("<title>gr\xfc\xdfe</title><meta name=twitter:image content=javascript:x>"), "text/html; charset=iso-8859-1", base)
	if p.Title != "grüße" || image != "" {
		t.Errorf("%+v %q", p, image)
	}
	p, _ = readHead(strings.NewReader("<title>"+strings.Repeat("long ", 1000)), "text/html", base)
	if n := len([]rune(p.Title)); n != maxTitle && n != maxTitle-1 && n != 0 {
		t.Errorf("%d characters", n)
	}
}

// Whatever a page holds, reading its head ends, and what it says is one short line.
func FuzzReadHead(f *testing.F) {
	f.Add([]byte(`<html><head><title>x</title><meta property="og:image" content="//h.example/p">`), "text/html; charset=utf-16")
	f.Add([]byte("<title>\xff\xfe<![CDATA[<!--"), "text/html")
	base, _ := url.Parse("https://example.org/")
	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		p, image := readHead(bytes.NewReader(data), contentType, base)
		for text, most := range map[string]int{p.Title: maxTitle, p.Description: maxDescription, p.Site: maxSite} {
			if len([]rune(text)) > most || strings.ContainsAny(text, "\n\x00\u202e\u2066") {
				t.Fatalf("%q", text)
			}
		}
		if image != "" && !strings.HasPrefix(image, "http://") && !strings.HasPrefix(image, "https://") {
			t.Fatalf("%q", image)
		}
	})
}

// canary counts who reaches it: nobody may.
func canary(t *testing.T) (port string, hits *atomic.Int64) {
	t.Helper()
	hits = new(atomic.Int64)
	for _, addr := range []string{"0.0.0.0:0", "[::]:0"} {
		if port != "" {
			addr = "[::]:" + port
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				hits.Add(1)
				c.Close()
			}
		}()
	}
	return port, hits
}

// onlyAddresses is the production guard but for the port, so that a canary at any port
// would be reached if an address got through.
func onlyAddresses(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return Public()(network, netip.AddrPortFrom(ap.Addr(), 80).String(), nil)
}

// However somebody spells an address that is not public, nothing is reached.
func TestPrivateAddresses(t *testing.T) {
	port, hits := canary(t)
	names := fakeDNS(t, func(string) []string { return []string{"127.0.0.1"} })
	f := newFetcher(onlyAddresses, names)
	f.hosts.next = nil
	spellings := []string{
		"127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "0127.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.1.", "127.000.000.001",
		"0.0.0.0", "0", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
		"[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00::1]", "[ff02::1]", "[2001:db8::1]", "[2001::1]", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1",
		"169.254.169.254", "100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.1",
		"localhost", "localhost.localdomain", "LOCALHOST.example", "127.0.0.1.nip.example", "①②⑦.⓪.⓪.①", "127。0。0。1", "loopback.example", "user@127.0.0.1", "example.org@127.0.0.1",
	}
	if len(spellings) < 40 {
		t.Fatal("too few")
	}
	var wg sync.WaitGroup
	for _, host := range spellings {
		for _, scheme := range []string{"http", "https"} {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_, _, err := f.page(ctx, fmt.Sprintf("%s://%s:%s/", scheme, host, port))
				if err == nil {
					t.Errorf("%s was reached", host)
				}
			})
		}
	}
	wg.Wait()
	if n := hits.Load(); n > 0 {
		t.Errorf("the canary was reached %d times", n)
	}
	if err := Public()("tcp4", "93.184.216.34:8080", nil); err == nil {
		t.Error("a port that is not the web's")
	}
	if err := Public()("tcp4", "93.184.216.34:443", nil); err != nil {
		t.Error(err)
	}
}

// What is next door has a public address with IPv6, and is not reached all the same.
func TestNeighbours(t *testing.T) {
	own := func() ([]net.Addr, error) {
		_, six, _ := net.ParseCIDR("2a00:1450:4001:82a::17/64")
		_, four, _ := net.ParseCIDR("93.184.216.34/24")
		return []net.Addr{six, four}, nil
	}
	for address, near := range map[string]bool{
		"[2a00:1450:4001:82a::1]:80": true, "93.184.216.1:443": true, "[2a00:1450:4001:82b::1]:80": false, "93.184.217.1:443": false,
	} {
		if err := far(address, own); (err != nil) != near {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// fakeDNS answers with what says returns for each question.
func fakeDNS(t *testing.T, says func(name string) []string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			for _, ip := range says(q.Question[0].Name) {
				m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP(ip)})
			}
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// A name that is public when it is looked at and private when it is dialled reaches
// nothing: the guard sees the address of the connection itself.
func TestNamesThatChange(t *testing.T) {
	port, hits := canary(t)
	var asked atomic.Int64
	names := fakeDNS(t, func(string) []string {
		if asked.Add(1)%2 == 1 {
			return []string{"203.0.114.1"} // public, and nothing there answers
		}
		return []string{"127.0.0.1"}
	})
	var seen []string
	var mu sync.Mutex
	f := newFetcher(func(network, address string, c syscall.RawConn) error {
		mu.Lock()
		seen = append(seen, address)
		mu.Unlock()
		if strings.HasPrefix(address, "203.0.114.1") {
			return errors.New("not in a test")
		}
		return onlyAddresses(network, address, c)
	}, names)
	for range 4 {
		if _, _, err := f.page(t.Context(), "http://rebind.example:"+port+"/"); err == nil {
			t.Error("it was reached")
		}
	}
	if hits.Load() > 0 || !strings.Contains(fmt.Sprint(seen), "127.0.0.1:"+port) || !strings.Contains(fmt.Sprint(seen), "203.0.114.1") {
		t.Errorf("%d hits; dialled %v", hits.Load(), seen)
	}
	// One answer with both.
	both := newFetcher(onlyAddresses, fakeDNS(t, func(string) []string { return []string{"127.0.0.1", "10.0.0.1"} }))
	if _, _, err := both.page(t.Context(), "http://both.example:"+port+"/"); err == nil || hits.Load() > 0 {
		t.Errorf("%v, %d hits", err, hits.Load())
	}
}

// outside lets tests reach one server of theirs, which stands for the open web, and
// nothing else.
func outside(s *httptest.Server) Guard {
	at := strings.TrimPrefix(s.URL, "http://")
	return func(network, address string, c syscall.RawConn) error {
		if address == at {
			return nil
		}
		return onlyAddresses(network, address, c)
	}
}

// A redirect is followed three times, and past the guard each time.
func TestRedirects(t *testing.T) {
	port, hits := canary(t)
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("it says too much: %v", r.Header)
		}
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/hop/%d", &n); err == nil && n > 0 {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			http.Redirect(w, r, fmt.Sprintf("%s/hop/%d", s.URL, n-1), http.StatusFound)
			return
		}
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>here</title>")
	}))
	defer s.Close()
	look := func(path string) error {
		f := newFetcher(outside(s), nil)
		_, _, err := f.page(t.Context(), s.URL+path)
		return err
	}
	if err := look("/hop/3"); err != nil {
		t.Error(err)
	}
	if look("/hop/4") == nil {
		t.Error("four redirects")
	}
	for _, to := range []string{
		"http://127.0.0.1:" + port + "/", "http://[::1]:" + port + "/", "http://localhost:" + port + "/", "https://127.0.0.1:" + port + "/", "file:///etc/passwd", "gopher://127.0.0.1:" + port,
		"//127.0.0.1:" + port, "http://a:b@127.0.0.1:" + port, "http://169.254.169.254/latest/meta-data/",
	} {
		if look("/?to="+url.QueryEscape(to)) == nil {
			t.Errorf("%s was followed", to)
		}
	}
	if hits.Load() > 0 {
		t.Errorf("the canary was reached %d times", hits.Load())
	}
}

// Answers without an end, or without a beginning, cost what they may and no more.
func TestEndlessAnswers(t *testing.T) {
	release := make(chan struct{})
	var sent atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/endless":
			for {
				n, err := w.Write(bytes.Repeat([]byte("<p>x"), 1000))
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		case "/slow":
			for range 100 {
				fmt.Fprint(w, "<")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(200 * time.Millisecond):
				case <-release:
					return
				}
			}
		case "/silent":
			<-release
		case "/header":
			w.Header().Set("X", strings.Repeat("x", 100<<10))
		case "/binary":
			w.Header().Set("Content-Type", "application/octet-stream")
			fmt.Fprint(w, "<title>no</title>")
		case "/missing":
			w.WriteHeader(404)
			fmt.Fprint(w, "<title>no</title>")
		}
	}))
	defer s.Close()
	defer close(release)
	var wg sync.WaitGroup
	for _, path := range []string{"/endless", "/slow", "/silent", "/header", "/binary", "/missing"} {
		wg.Go(func() {
			f := newFetcher(outside(s), nil)
			begun := time.Now()
			_, p, err := f.page(t.Context(), s.URL+path)
			if took := time.Since(begun); took > pageTime+time.Second {
				t.Errorf("%s took %v", path, took)
			}
			if p.Title != "" || (err == nil && path != "/endless" && path != "/slow") {
				t.Errorf("%s: %+v, %v", path, p, err)
			}
		})
	}
	wg.Wait()
	if n := sent.Load(); n > 8<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}
