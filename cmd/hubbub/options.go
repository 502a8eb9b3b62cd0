package main

import (
	"os"
	"slices"
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
	metrics   string
}

func (o *options) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.listen, "listen", "127.0.0.1:3000", "`address` and port to listen on; port 0 takes a free one")
	f.StringVar(&o.data, "data", "data", "`folder` that holds everything; made if need be")
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

const envPrefix = "HUBBUB_"

// load takes what no flag set from the environment, and refuses variables that
// mean nothing. An empty variable counts as not set.
func (o *options) load(f *pflag.FlagSet) error {
	known := map[string]*pflag.Flag{}
	f.VisitAll(func(fl *pflag.Flag) {
		if fl.Name != "help" {
			known[envPrefix+strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))] = fl
		}
	})
	env := os.Environ()
	slices.Sort(env)
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(key, envPrefix) || value == "" {
			continue
		}
		fl := known[key]
		if fl == nil {
			return usagef("there is no setting %s", key)
		}
		if fl.Changed {
			continue
		}
		if err := fl.Value.Set(value); err != nil {
			return usagef("%s=%q: %v", key, value, err)
		}
	}
	return nil
}
