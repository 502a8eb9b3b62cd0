package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// options are what an operator can choose. register says what each means.
type options struct {
	listen    string
	data      string
	logFormat string
	logLevel  string
	limits    string
	allowNull bool
}

func (o *options) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.listen, "listen", "127.0.0.1:3000", "`address` and port to listen on; port 0 takes a free one")
	f.StringVar(&o.data, "data", "data", "`folder` that holds everything; made if need be")
	f.StringVar(&o.logFormat, "log-format", "text", "`form` of the log on standard error: text or json")
	f.StringVar(&o.logLevel, "log-level", "info", "`least` to log: debug, info, warn or error")
	f.StringVar(&o.limits, "limits", "on", "`on`, or off to lift all rate limits (for load tests)")
	f.BoolVar(&o.allowNull, "allow-null-origin", true, "accept plain text from pages opened from disk, such as the tutorial's")
}

func (o *options) limitsOn() (bool, error) {
	switch o.limits {
	case "on", "off":
		return o.limits == "on", nil
	}
	return false, usagef("--limits is on or off, not %q", o.limits)
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
