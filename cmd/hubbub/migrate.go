package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hubbub/internal/migrate"
)

func newMigrate() *cobra.Command {
	var cfg migrate.Config
	var reopen string
	c := &cobra.Command{
		Use:   "migrate --from PLACE --to PLACE",
		Short: "Move a place from a folder into PostgreSQL, or back, with everything in it",
		Long: `Move a place from one database to another. A place is a data folder, or the address of a PostgreSQL database.

Stop hubbub first. What was copied is compared, row by row and file by file, before the new place can be used;
from then on the old one refuses to start. Stopped in the middle, by whatever, the same command goes on where it was.
Clients resume where they were: to them it was a restart. docs/migrate.md says more.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case reopen != "" && (cfg.From != "" || cfg.To != ""):
				return usagef("--reopen stands alone")
			case reopen != "":
				return migrate.Reopen(c.Context(), reopen)
			case cfg.From == "" || cfg.To == "":
				return usagef("hubbub migrate wants --from and --to: each a data folder, or postgres://…")
			}
			cfg.Say = func(line string) { fmt.Fprintln(c.ErrOrStderr(), line) }
			return migrate.Run(c.Context(), cfg)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&cfg.From, "from", "", "`place` that is moved: a data folder, or postgres://…")
	f.StringVar(&cfg.To, "to", "", "`place` that it moves to, which must be empty")
	f.StringVar(&cfg.FromFiles, "from-files", "", "`place` where its files lie: a folder, or s3://…; without it, files in the data folder")
	f.StringVar(&cfg.ToFiles, "to-files", "", "`place` where they come: a folder, or s3://…; without it, files in the new data folder, and for PostgreSQL they stay where they are")
	f.BoolVar(&cfg.AllowMissing, "allow-missing", false, "move without the bytes of files that are lost already")
	f.StringVar(&reopen, "reopen", "", "`place` that was moved elsewhere and is to be used again as it was left, beside the new one")
	return c
}
