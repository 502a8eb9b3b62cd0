package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"hubbub/internal/server"
)

// usageError is a command line or an environment that makes no sense.
type usageError struct{ error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// newRoot returns the command tree. `serve` is what hubbub does by default, so
// its flags work with and without the word.
func newRoot() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "hubbub",
		Short: "A chat you start with one command",
		Long: `hubbub is a chat you start with one command: server, web page and database in one file.

Without a command it serves. Every flag can also be set in the environment:
--allow-null-origin is HUBBUB_ALLOW_NULL_ORIGIN. A flag goes before the environment.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noCommand,
		RunE:          o.serve,
	}
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Serve the chat (this is what hubbub does without a command)",
		Args:  noArgs,
		RunE:  o.serve,
	}
	for _, c := range []*cobra.Command{root, serve} {
		o.register(c.Flags())
		c.PreRunE = func(c *cobra.Command, _ []string) error { return o.load(c.Flags()) }
	}
	root.AddCommand(serve, newVersion(), newDoctor())
	root.AddCommand(newAdmin()...)
	root.AddCommand(newTap())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

func noCommand(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("there is no command %q", args[0])
	}
	return nil
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, but was given %q", c.Name(), args[0])
	}
	return nil
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "hubbub %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// serve runs the server until a signal comes.
func (o *options) serve(c *cobra.Command, _ []string) error {
	log, err := o.logger(c.ErrOrStderr())
	if err != nil {
		return err
	}
	limits, err := o.chosenLimits()
	if err != nil {
		return err
	}
	proxies, err := o.chosenProxies()
	if err != nil {
		return err
	}
	provider, err := o.chosenProvider()
	if err != nil {
		return err
	}
	contact, err := o.chosenContact()
	if err != nil {
		return err
	}
	return o.run(c, server.Config{
		Listen: o.listen, LAN: o.lan, PublicURL: o.publicURL, Proxies: proxies, ProxyProtocol: o.proxy, TLS: o.tls, Provider: provider,
		Data: o.data, Database: o.database, NATS: o.nats, AllowNull: o.allowNull, Limits: limits, NoLimits: o.limits == "off", Guests: o.guests,
		FilesAt: o.files, Files: server.FileLimits{MaxFile: int64(o.maxFile), Quota: int64(o.quota)}, Metrics: o.metrics, HooksPrivate: o.hooksPrivate, PushContact: contact, Version: version, Log: log,
	})
}

// run serves, again and again if an owner wants it to start again.
func (o *options) run(c *cobra.Command, cfg server.Config) error {
	for first := true; ; first = false {
		ctx, cancel := context.WithCancel(c.Context())
		s, err := server.New(ctx, cfg)
		if err == nil && first {
			if err = o.greet(c, s); err != nil {
				err = errors.Join(err, s.Stop())
			}
		}
		if err == nil {
			err = s.Serve(ctx)
		}
		cancel()
		switch {
		case !errors.Is(err, server.ErrRestart):
			return err
		case c.Context().Err() != nil && err == server.ErrRestart:
			return nil // a signal came meanwhile
		case c.Context().Err() != nil:
			return err
		case err != server.ErrRestart:
			cfg.Log.Error("stop before the new start", "err", err)
		}
		cfg = s.Again(cfg)
	}
}

// greet says where the server is and how people get in.
func (o *options) greet(c *cobra.Command, s *server.Server) error {
	data, err := filepath.Abs(o.data)
	if err != nil {
		data = o.data
	}
	w := c.OutOrStdout()
	fmt.Fprintf(w, "hubbub %s\n\n  open  %s\n  data  %s\n", version, s.URL(), data)
	owner, err := s.OwnerLink(c.Context())
	if err != nil {
		return err
	}
	if owner != "" {
		fmt.Fprintf(w, "  own   %s\n        This link makes you the owner. It works once, for a day; 'hubbub owner-link' makes another.\n", owner)
	}
	if o.lan {
		link, err := s.Invite(c.Context())
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  join  %s\n        This link lets people on your network in, for a day.\n\n%s\n", link, server.QR(link))
	}
	if s.Network() && !strings.HasPrefix(s.Base(), "https:") {
		fmt.Fprintf(w, "  note  Without HTTPS, browsers on other machines refuse notifications, passkeys and the clipboard,\n"+
			"        and the network can read along. --tls-domain, --tls-cert or a proxy with --public-url mends that.\n")
	}
	fmt.Fprintf(w, "  stop  Ctrl+C\n\n")
	return nil
}

// logger returns the operator's log as it was asked for.
func (o *options) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, usagef("--log-level is debug, info, warn or error, not %q", o.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, usagef("--log-format is text or json, not %q", o.logFormat)
}
