package main

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"hubbub/internal/server"
)

// options are what an operator can choose. register says what each means.
type options struct {
	listen    string
	data      string
	logFormat string
	logLevel  string
	limits    string
	allowNull bool
	rates     server.Limits
	guests    server.Rate
	metrics   string
	lan       bool
	publicURL string
	proxies   []string
	proxy     bool
	tls       server.TLS
	provider  server.Provider
	maxFile   size
	quota     size
	files     string

	database string
	nats     server.NATS

	hooksPrivate bool
	pushContact  string
}

func (o *options) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.listen, "listen", "127.0.0.1:3000", "`address` and port to listen on; port 0 takes a free one")
	f.BoolVar(&o.lan, "lan", false, "listen on the network too, and print a link and a QR code that let people in")
	f.StringVar(&o.publicURL, "public-url", "", "`address` at which people find this server, such as https://chat.example.org")
	f.StringVar(&o.data, "data", "data", "`folder` that holds everything; made if need be")
	f.StringVar(&o.database, "database", "", "`address` of a PostgreSQL database that keeps all but files, such as postgres://hubbub@HOST/hubbub; several nodes may share it")
	f.StringVar(&o.files, "files", "", "`place` of files that nodes share: a folder, or s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION, with keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws; without it, the data folder")
	f.StringVar(&o.nats.URL, "nats", "", "`address` of NATS, over which the nodes that share a database hear of each other at once, such as nats://HOST:4222")
	f.StringVar(&o.nats.Creds, "nats-creds", "", "`file` with credentials for NATS")
	f.StringVar(&o.nats.CA, "nats-ca", "", "`file` of certificates to check NATS by")
	f.StringVar(&o.nats.Cert, "nats-cert", "", "`file` with a certificate to show to NATS")
	f.StringVar(&o.nats.Key, "nats-key", "", "`file` with its key")
	f.StringVar(&o.logFormat, "log-format", "text", "`form` of the log on standard error: text or json")
	f.StringVar(&o.logLevel, "log-level", "info", "`least` to log: debug, info, warn or error")
	f.StringVar(&o.limits, "limits", "on", "`on`, or off to lift all rate limits (for load tests)")
	f.StringVar(&o.metrics, "metrics", "", "`address` and port for /metrics (Prometheus) and /debug/pprof, for operators only; empty for none")
	o.rates = server.DefaultLimits()
	f.Var(&o.rates.Messages, "message-rate", "messages of a connection: per second, and at once")
	f.Var(&o.rates.Bytes, "byte-rate", "bytes from a connection: per second, and at once")
	f.Var(&o.rates.UserMessages, "user-message-rate", "messages of all connections of a person")
	f.Var(&o.rates.UserBytes, "user-byte-rate", "bytes from all connections of a person")
	f.IntVar(&o.rates.PerAddress, "address-limit", o.rates.PerAddress, "`connections` that one address may have without signing in: HTTP and plain text; 0 for no limit")
	o.guests = server.Rate{PerSecond: 1, Burst: 60}
	f.Var(&o.guests, "guest-rate", "new guests from an address: per second, and at once")
	f.Var(&o.rates.Handshakes, "handshake-rate", "new connections of an address: per second, and at once")
	files := server.DefaultFileLimits()
	o.maxFile, o.quota = size(files.MaxFile), size(files.Quota)
	f.Var(&o.maxFile, "max-file", "largest file that people may send, such as 100MB; 0 for no files")
	f.Var(&o.quota, "file-quota", "how much one person may send in a day, such as 1GB; 0 for no limit")
	f.StringVar(&o.tls.Cert, "tls-cert", "", "`file` with a certificate and those above it; read again when it changes")
	f.StringVar(&o.tls.Key, "tls-key", "", "`file` with its key")
	f.StringVar(&o.tls.Domain, "tls-domain", "", "`name` of this server, for certificates from Let's Encrypt; it must be reached at port 443")
	f.StringVar(&o.tls.Email, "tls-email", "", "`address` to which the authority may write about certificates")
	f.StringVar(&o.tls.Authority, "tls-authority", "", "`address` of another authority's directory (ACME)")
	f.StringVar(&o.tls.Roots, "tls-authority-roots", "", "`file` of certificates to check that authority by")
	f.StringSliceVar(&o.proxies, "trusted-proxies", nil, "`networks` whose X-Forwarded-For is believed, such as 10.0.0.0/8, with commas between")
	f.BoolVar(&o.proxy, "proxy-protocol", false, "trusted proxies speak the PROXY protocol")
	f.StringVar(&o.provider.Issuer, "oidc-issuer", "", "`address` of a provider of OpenID Connect")
	f.StringVar(&o.provider.ClientID, "oidc-client-id", "", "what the provider calls this server")
	f.StringVar(&o.provider.Secret, "oidc-client-secret", "", "`secret` shared with the provider; better in HUBBUB_OIDC_CLIENT_SECRET_FILE")
	f.StringVar(&o.provider.Label, "oidc-label", "another account", "what the button says: sign in with …")
	f.BoolVar(&o.provider.Open, "oidc-open", false, "whoever the provider knows may come in without an invitation")
	f.BoolVar(&o.hooksPrivate, "hooks-private", false, "outgoing hooks may lead to this machine and to private networks")
	f.StringVar(&o.pushContact, "push-contact", "", "`address` to which push services may write about alerts: mailto:you@example.org; without it, --public-url")
	f.BoolVar(&o.allowNull, "allow-null-origin", true, "accept plain text from pages opened from disk, such as the tutorial's")
}

func (o *options) chosenLimits() (server.Limits, error) {
	switch {
	case o.rates.PerAddress < 0:
		return server.Limits{}, usagef("--address-limit is a number of connections, not %d", o.rates.PerAddress)
	case o.limits == "on":
		return o.rates, nil
	case o.limits == "off":
		return server.Limits{}, nil
	}
	return server.Limits{}, usagef("--limits is on or off, not %q", o.limits)
}

// size is a number of bytes, written for people.
type size int64

var units = []struct {
	name  string
	bytes int64
}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}}

// String implements pflag.Value.
func (s *size) String() string {
	for _, u := range units {
		if *s > 0 && int64(*s)%u.bytes == 0 {
			return strconv.FormatInt(int64(*s)/u.bytes, 10) + u.name
		}
	}
	return "0"
}

// Set implements pflag.Value.
func (s *size) Set(text string) error {
	number, unit := strings.ToUpper(strings.TrimSpace(text)), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("%q is not a size such as 100MB", text)
	}
	*s = size(n * unit)
	return nil
}

// Type implements pflag.Value.
func (s *size) Type() string { return "size" }

func (o *options) chosenProxies() (nets []netip.Prefix, err error) {
	for _, text := range o.proxies {
		p, err := netip.ParsePrefix(text)
		if a, e := netip.ParseAddr(text); e == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, usagef("--trusted-proxies %q is not an address or a network such as 10.0.0.0/8", text)
		}
		nets = append(nets, p.Masked())
	}
	return nets, nil
}

func (o *options) chosenContact() (string, error) {
	c := o.pushContact
	if c != "" && !strings.HasPrefix(c, "https://") && (!strings.HasPrefix(c, "mailto:") || !strings.Contains(c, "@")) {
		return "", usagef("--push-contact is mailto:you@example.org or an address that begins with https://, not %q", c)
	}
	return c, nil
}

func (o *options) chosenProvider() (*server.Provider, error) {
	p := &o.provider
	switch {
	case p.Issuer == "" && p.ClientID == "" && p.Secret == "":
		return nil, nil
	case p.Issuer == "" || p.ClientID == "":
		return nil, usagef("--oidc-issuer and --oidc-client-id go together")
	}
	return p, nil
}

const envPrefix = "HUBBUB_"

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// secrets are the flags that may be in a file: NAME_FILE names it.
var secrets = []string{"oidc-client-secret", "database", "nats"}

// load takes what no flag set from the environment, and refuses variables that
// mean nothing, but for those of the tests. An empty variable counts as not set.
func (o *options) load(f *pflag.FlagSet) error {
	known := map[string]bool{}
	var names []string
	f.VisitAll(func(fl *pflag.Flag) {
		if fl.Name != "help" {
			names = append(names, fl.Name)
			known[envName(fl.Name)] = true
		}
	})
	for _, name := range secrets {
		known[envName(name)+"_FILE"] = true
	}
	for _, kv := range os.Environ() {
		key, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(key, envPrefix) && !strings.HasPrefix(key, envPrefix+"TEST_") && value != "" && !known[key] {
			return usagef("there is no setting %s", key)
		}
	}
	return loadEnv(f, names...)
}

// loadEnv takes the named flags from the environment where no flag was given.
func loadEnv(f *pflag.FlagSet, names ...string) error {
	for _, name := range names {
		fl, key := f.Lookup(name), envName(name)
		value := os.Getenv(key)
		if file := os.Getenv(key + "_FILE"); value == "" && file != "" && slices.Contains(secrets, name) {
			b, err := os.ReadFile(file)
			if err != nil {
				return usagef("%s_FILE: %v", key, err)
			}
			value = strings.TrimSpace(string(b))
		}
		if value == "" || fl.Changed {
			continue
		}
		if err := fl.Value.Set(value); err != nil {
			return usagef("%s=%q: %v", key, value, err)
		}
	}
	return nil
}
