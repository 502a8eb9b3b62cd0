package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hubbub/internal/server"
)

// The operator's commands ask a running server, or the data folder if none runs, or the
// database that nodes share.

// admin is a command of the operator.
type admin struct{ data, database string }

// command makes a subcommand that asks the server.
func (a *admin) command(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, *server.Admin, []string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args}
	c.Flags().StringVar(&a.data, "data", "data", "`folder` of the server")
	c.Flags().StringVar(&a.database, "database", "", "`address` of the PostgreSQL database of several nodes, whether they run or not")
	c.PreRunE = func(c *cobra.Command, _ []string) error { return loadEnv(c.Flags(), "data", "database") }
	c.RunE = func(c *cobra.Command, args []string) error {
		log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
		data := a.data
		if c.Flags().Changed("database") {
			data = "" // that of another server may be here
		}
		asked, err := server.OpenAdmin(c.Context(), data, a.database, log)
		if err != nil {
			return err
		}
		defer asked.Close()
		return run(c, asked, args)
	}
	return c
}

func wants(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s wants %s", c.CommandPath(), what)
		}
		return nil
	}
}

func newAdmin() []*cobra.Command {
	var a admin
	group := func(use, short string, list *cobra.Command, more ...*cobra.Command) *cobra.Command {
		list.Use, list.Short = use, short
		list.AddCommand(more...)
		return list
	}
	return []*cobra.Command{
		a.command("owner-link", "Print a one-time link that makes an owner", noArgs, ownerLink),
		a.command("guests", "Say who may come in without an account: invited, open or none", wants(1, "invited, open or none"), setGuests),
		group("people", "List the people", a.command("list", "", noArgs, listPeople),
			a.command("role NAME ROLE", "Make somebody member, admin or owner", wants(2, "a name and a role"), setRole),
			a.command("remove NAME", "Put somebody out: sessions, sockets and ways to sign in end", wants(1, "a name"), removePerson)),
		group("invites", "List the invitations that let people in", a.command("list", "", noArgs, listInvites),
			a.newInvite(),
			a.command("revoke ID", "End an invitation", wants(1, "the id of an invitation"), revokeInvite)),
		group("sessions NAME", "List the sessions of somebody", a.command("list", "", wants(1, "a name"), listSessions),
			a.command("end NAME [ID]", "End one session of somebody, or all", cobra.RangeArgs(1, 2), endSessions)),
		group("rooms", "List the rooms, and keep them in order", a.command("list", "", noArgs, listRooms), a.newRooms()...),
		a.newBans(), a.newKeep(), a.newBots(), a.newAudit(),
	}
}

func ownerLink(c *cobra.Command, s *server.Admin, _ []string) error {
	var answer struct{ Link string }
	if err := s.Ask(c.Context(), "POST", "/api/owner-link", nil, &answer); err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s\n", answer.Link)
	fmt.Fprintln(c.ErrOrStderr(), "It works once, for a day. Links made before no longer do.")
	return nil
}

func setGuests(c *cobra.Command, s *server.Admin, args []string) error {
	return s.Ask(c.Context(), "PATCH", "/api/place", map[string]string{"guests": args[0]}, nil)
}

type listed struct {
	ID, Name, Role string
	Used           *time.Time
}

// table writes rows with aligned columns.
func table(w io.Writer, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	t.Flush()
}

func when(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func people(c *cobra.Command, s *server.Admin) ([]listed, error) {
	var answer struct{ People []listed }
	err := s.Ask(c.Context(), "GET", "/api/people", nil, &answer)
	return answer.People, err
}

func listPeople(c *cobra.Command, s *server.Admin, _ []string) error {
	all, err := people(c, s)
	rows := [][]string{{"NAME", "ROLE", "LAST HERE", "ID"}}
	for _, p := range all {
		rows = append(rows, []string{p.Name, p.Role, when(p.Used), p.ID})
	}
	table(c.OutOrStdout(), rows)
	return err
}

// find returns the path of a person by name or id.
func find(c *cobra.Command, s *server.Admin, who string) (string, error) {
	all, err := people(c, s)
	if err != nil {
		return "", err
	}
	for _, p := range all {
		if strings.EqualFold(p.Name, who) || p.ID == who {
			return "/api/people/" + url.PathEscape(p.ID), nil
		}
	}
	return "", nobody(who)
}

func nobody(who string) error { return fmt.Errorf("nobody here is called %q", who) }

// whois returns the id of a person or a bot by name or id.
func whois(c *cobra.Command, s *server.Admin, who string) (string, error) {
	all, err := people(c, s)
	if err != nil {
		return "", err
	}
	programs, err := bots(c, s)
	if err != nil {
		return "", err
	}
	for _, b := range programs {
		all = append(all, listed{ID: b.ID, Name: b.Name})
	}
	for _, p := range all {
		if strings.EqualFold(p.Name, who) || p.ID == who {
			return p.ID, nil
		}
	}
	return "", nobody(who)
}

func setRole(c *cobra.Command, s *server.Admin, args []string) error {
	path, err := find(c, s, args[0])
	if err != nil {
		return err
	}
	return s.Ask(c.Context(), "PATCH", path, map[string]string{"role": args[1]}, nil)
}

func removePerson(c *cobra.Command, s *server.Admin, args []string) error {
	path, err := find(c, s, args[0])
	if err != nil {
		return err
	}
	return s.Ask(c.Context(), "DELETE", path, nil, nil)
}

type invitation struct {
	ID, Role, Room, By, Note, Link string
	Uses, Used                     int
	Expires                        *time.Time
}

func listInvites(c *cobra.Command, s *server.Admin, _ []string) error {
	var answer struct{ Invites []invitation }
	if err := s.Ask(c.Context(), "GET", "/api/invites", nil, &answer); err != nil {
		return err
	}
	rows := [][]string{{"ID", "ROLE", "ROOM", "BY", "USED", "EXPIRES", "NOTE"}}
	for _, i := range answer.Invites {
		used, by := fmt.Sprint(i.Used), i.By
		if i.Uses > 0 {
			used += fmt.Sprintf(" of %d", i.Uses)
		}
		if by == "" {
			by = "the operator"
		}
		rows = append(rows, []string{i.ID, i.Role, i.Room, by, used, when(i.Expires), i.Note})
	}
	table(c.OutOrStdout(), rows)
	return nil
}

func (a *admin) newInvite() *cobra.Command {
	var role, room, note string
	var uses int
	var expires time.Duration
	var code bool
	c := a.command("add", "Make an invitation and print its link", noArgs, func(c *cobra.Command, s *server.Admin, _ []string) error {
		var answer struct{ Invite invitation }
		err := s.Ask(c.Context(), "POST", "/api/invites", map[string]any{
			"role": role, "room": room, "note": note, "uses": uses, "expires": expires.Seconds(),
		}, &answer)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), answer.Invite.Link)
		if code {
			fmt.Fprint(c.OutOrStdout(), "\n", server.QR(answer.Invite.Link))
		}
		return nil
	})
	c.Flags().StringVar(&role, "role", "member", "what who comes in may become: guest, member, admin or owner")
	c.Flags().StringVar(&room, "room", "", "`room` where it leads; empty for the lobby")
	c.Flags().IntVar(&uses, "uses", 0, "how many people it lets in; 0 for any number")
	c.Flags().DurationVar(&expires, "expires", 7*24*time.Hour, "how long it is good; 0 for ever")
	c.Flags().StringVar(&note, "note", "", "what it is for")
	c.Flags().BoolVar(&code, "qr", false, "print a QR code too")
	return c
}

func revokeInvite(c *cobra.Command, s *server.Admin, args []string) error {
	return s.Ask(c.Context(), "DELETE", "/api/invites/"+url.PathEscape(args[0]), nil, nil)
}

func listSessions(c *cobra.Command, s *server.Admin, args []string) error {
	path, err := find(c, s, args[0])
	if err != nil {
		return err
	}
	var answer struct {
		Sessions []struct {
			ID, Device    string
			Created, Used time.Time
			Online        bool
		}
	}
	if err := s.Ask(c.Context(), "GET", path+"/sessions", nil, &answer); err != nil {
		return err
	}
	rows := [][]string{{"ID", "SINCE", "LAST USED", "ONLINE", "DEVICE"}}
	for _, o := range answer.Sessions {
		rows = append(rows, []string{o.ID, when(&o.Created), when(&o.Used), strconv.FormatBool(o.Online), o.Device})
	}
	table(c.OutOrStdout(), rows)
	return nil
}

func endSessions(c *cobra.Command, s *server.Admin, args []string) error {
	path, err := find(c, s, args[0])
	if err != nil {
		return err
	}
	path += "/sessions"
	if len(args) > 1 {
		path += "/" + url.PathEscape(args[1])
	}
	return s.Ask(c.Context(), "DELETE", path, nil, nil)
}
