package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"hubbub/internal/doctor"
	"hubbub/internal/server"
)

// heartbeat is a hubbub's in these tests; the time-outs that are too short are shorter.
const heartbeat = 1200 * time.Millisecond

// program is a proxy as Debian has it.
type program struct {
	name   string // as in doctor.Proxies
	binary string
	right  string                               // its configuration, with NAMES in capitals
	args   func(dir, config string) []string    // to run it in the foreground
	blocks func(line, in string) bool           // whether a line begins a part of the configuration
	sets   func(line string) string             // what a line sets, of which there is one
	wrong  map[string]func(right string) string // ways to be wrong; nil: it can not be
	more   map[string][]doctor.Why              // what is found too when it is wrong like that
}

// way is something that is wrong, and what the doctor has to say.
type way struct {
	name string
	want []doctor.Why
	hub  func(*server.Config) // what is wrong with hubbub itself
	slow bool                 // it takes a silent socket to see it
}

// ways are all that are tried. A proxy says for each how it is done, or that it can not
// be wrong like that.
var ways = []way{
	{name: "no upgrade", want: []doctor.Why{doctor.UpgradeMissing}},
	{name: "other host", want: []doctor.Why{doctor.HostReplaced}},
	{name: "buffering", want: []doctor.Why{doctor.Buffered}},
	{name: "short time-out", slow: true, want: []doctor.Why{doctor.IdleCut}},
	{name: "expired certificate", want: []doctor.Why{doctor.CertificateExpired}},
	{name: "certificate of another", want: []doctor.Why{doctor.CertificateName}},
	{name: "incomplete chain", want: []doctor.Why{doctor.CertificateChain}},
	{name: "no compression", want: []doctor.Why{doctor.CompressionLost}},
	{name: "no origin", want: []doctor.Why{doctor.OriginRemoved}},
	{name: "nobody's address", want: []doctor.Why{doctor.ForwardedMissing}},
	{name: "nothing behind it", want: []doctor.Why{doctor.Gateway}},
	{name: "not trusted", want: []doctor.Why{doctor.ForwardedUntrusted}, hub: func(c *server.Config) { c.Proxies = nil }},
	{name: "no public address", want: []doctor.Why{doctor.SchemeUnknown}, hub: func(c *server.Config) { c.PublicURL = "" }},
}

// found is the path of a proxy's program, or "".
func (p *program) found() string {
	for _, path := range []string{p.binary, "/usr/sbin/" + p.binary} { // who is not root may not have that on the path
		if full, err := exec.LookPath(path); err == nil {
			return full
		}
	}
	return ""
}

// needed says whether a machine without the proxies fails the test.
var needed = os.Getenv("HUBBUB_TEST_NEEDS") == "1"

// The doctor finds nothing where a proxy is set up right, names what is wrong where it is
// not, and what it prints mends that.
func TestProxies(t *testing.T) {
	if !needed && !slices.ContainsFunc(programs, func(p *program) bool { return p.found() != "" }) {
		t.Skip("there is no nginx, Caddy, HAProxy or Apache here; e2e/needs installs them, and HUBBUB_TEST_NEEDS=1 insists on them")
	}
	certs := makeCertificates(t)
	places := make(chan struct{}, 12)
	var all sync.WaitGroup
	for _, p := range programs {
		if p.found() == "" {
			if needed {
				t.Errorf("%s is not installed: e2e/needs installs it", p.binary)
			} else {
				t.Logf("%s is not installed, so nothing is said of it here; e2e/needs installs it", p.binary)
			}
			continue
		}
		try := func(w way, config string) {
			all.Go(func() {
				places <- struct{}{}
				defer func() { <-places }()
				if err := p.try(t.Context(), certs, w, config); err != nil {
					t.Errorf("%s, %s: %v", p.name, w.name, err)
				}
			})
		}
		try(way{name: "set up right", slow: true}, p.right)
		for _, w := range ways {
			config := p.right
			if w.hub == nil {
				spoil, known := p.wrong[w.name]
				if !known {
					t.Errorf("%s says nothing of %q", p.name, w.name)
				}
				if spoil == nil {
					t.Logf("%s can not be wrong like that: %s", p.name, w.name)
					continue
				}
				if config = spoil(config); config == p.right {
					t.Errorf("%s is not wrong: %s", p.name, w.name)
				}
			}
			w.want = append(slices.Clone(w.want), p.more[w.name]...)
			try(w, config)
		}
	}
	all.Wait()
}

// try looks at a place, mends what is found by what is printed, and looks again.
func (p *program) try(ctx context.Context, certs *certificates, w way, config string) error {
	dir, err := os.MkdirTemp("", "hubbub-proxy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	port := freePort()
	hub := server.Config{
		Listen: "127.0.0.1:0", PublicURL: "https://localhost:" + port, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Version: "test", Heartbeat: heartbeat, Page: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if w.hub != nil {
		w.hub(&hub)
	}
	config = strings.NewReplacer("DIR", dir, "PORT", port, "CERTS", certs.dir).Replace(config)
	o := doctor.Options{Roots: certs.roots, Idle: heartbeat, Quick: !w.slow}
	report, err := p.look(ctx, dir, port, config, hub, o)
	if err != nil {
		return err
	}
	if err := only(report, w.want); err != nil {
		return err
	}
	for _, c := range report.Checks {
		for _, m := range c.Mends() {
			switch m.For {
			case p.name:
				config = p.apply(config, m, port, certs)
			case "hubbub":
				obey(&hub, m)
			}
		}
	}
	if report, err = p.look(ctx, dir, port, config, hub, o); err != nil {
		return fmt.Errorf("when it was mended: %w", err)
	}
	if err := only(report, nil); err != nil {
		return fmt.Errorf("when it was mended: %w\n%s", err, config)
	}
	return nil
}

// only wants these faults and no others; without any, that all is well.
func only(r doctor.Report, want []doctor.Why) error {
	var got []doctor.Why
	for _, c := range r.Checks {
		if c.State == doctor.Faulty {
			got = append(got, c.Why)
		}
		if c.Why != doctor.CertificateGood && c.State == doctor.OK && c.ID == doctor.CheckCertificate {
			return fmt.Errorf("the certificate was not looked at")
		}
		if len(want) == 0 && c.State != doctor.OK && c.Why != doctor.Skipped {
			return fmt.Errorf("%s: %s, %s", c.ID, c.State, c.Sentence())
		}
	}
	sorted := slices.Clone(want)
	slices.Sort(sorted)
	slices.Sort(got)
	if !slices.Equal(got, sorted) {
		return fmt.Errorf("found %v, not %v: %+v", got, sorted, r.Checks)
	}
	return nil
}

// look runs hubbub and a proxy before it, and the doctor.
func (p *program) look(ctx context.Context, dir, port, config string, hub server.Config, o doctor.Options) (r doctor.Report, err error) {
	hub.Data = filepath.Join(dir, "data")
	s, err := server.New(ctx, hub)
	if err != nil {
		return r, err
	}
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Serve(serving) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	_, upstream, _ := net.SplitHostPort(strings.TrimPrefix(s.URL(), "http://"))
	config = strings.ReplaceAll(config, "UPSTREAM", upstream)
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return r, err
	}
	end, err := p.start(dir, path, port)
	if err != nil {
		return r, err
	}
	defer end()
	u, err := doctor.Address("https://localhost:" + port)
	if err != nil {
		return r, err
	}
	return doctor.Run(ctx, u, o)
}

// start runs the proxy until it takes connections.
func (p *program) start(dir, config, port string) (end func(), err error) {
	cmd := exec.Command(p.found(), p.args(dir, config)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	over := make(chan struct{})
	go func() {
		cmd.Wait()
		close(over)
	}()
	end = func() {
		cmd.Process.Kill()
		<-over
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		select {
		case <-over:
			return nil, fmt.Errorf("%s did not start: %s", p.name, said.String())
		case <-tick.C:
			if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
				c.Close()
				return end, nil
			}
		}
	}
	end()
	return nil, fmt.Errorf("%s takes no connections: %s", p.name, said.String())
}

// nextPort is where freePort looks: below the ports that the system gives away by
// itself, so that nobody takes one before the proxy does.
var nextPort atomic.Int32

func freePort() string {
	for range 5000 {
		port := fmt.Sprint(15000 + (os.Getpid()*37+int(nextPort.Add(1)))%15000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	panic("there is no free port")
}

// obey sets hubbub's flags as a remedy says.
func obey(c *server.Config, m doctor.Remedy) {
	for _, line := range m.Lines {
		switch flag, value, _ := strings.Cut(line, " "); flag {
		case "--public-url":
			c.PublicURL = value
		case "--trusted-proxies":
			c.Proxies = []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr(value), 32)}
		}
	}
}

// apply does with a configuration what a remedy says: lines are taken out, and others are
// put into a part of it in place of those that set the same. What stands in a remedy for
// something of the operator's own becomes that.
func (p *program) apply(config string, m doctor.Remedy, port string, certs *certificates) string {
	own := strings.NewReplacer("127.0.0.1:3000", "127.0.0.1:UPSTREAM", ":443 ", "127.0.0.1:"+port+" ",
		"/etc/letsencrypt/live/localhost/", certs.dir+"/good/", "/etc/haproxy/certs/localhost.pem", certs.dir+"/good/both.pem")
	var lines []string
	for _, line := range m.Lines {
		lines = append(lines, own.Replace(line))
	}
	var out []string
	done := len(lines) == 0
	for line := range strings.Lines(config) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.ToLower(strings.TrimSpace(line))
		same := slices.ContainsFunc(lines, func(l string) bool { return p.sets(l) != "" && p.sets(l) == p.sets(strings.TrimSpace(line)) })
		taken := slices.ContainsFunc(m.Out, func(o string) bool { return strings.HasPrefix(trimmed, strings.ToLower(o)) })
		switch {
		case same && strings.HasSuffix(line, "{"): // it begins a part, which stays
			out, done = append(out, lines[0]+" {"), true
		case !same && !taken:
			out = append(out, line)
		}
		if !done && p.blocks(strings.TrimSpace(line), m.In) {
			out, done = append(out, lines...), true
		}
	}
	if !done {
		return "there is no place for " + m.In
	}
	return strings.Join(out, "\n") + "\n"
}

// Every fault has remedies, and for each of the proxies or for none.
func TestRemediesAreWhole(t *testing.T) {
	for why, all := range doctor.All() {
		had := make(map[string]bool)
		for _, m := range all {
			if !slices.Contains(doctor.Programs, m.For) || had[m.For] {
				t.Errorf("%s: %q is no program, or there twice", why, m.For)
			}
			had[m.For] = true
		}
		delete(had, "hubbub")
		delete(had, "system")
		if len(had) != 0 && len(had) != len(doctor.Proxies) {
			t.Errorf("%s has remedies for %v", why, slices.Collect(maps.Keys(had)))
		}
	}
}
