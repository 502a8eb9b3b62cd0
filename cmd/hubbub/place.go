package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hubbub/internal/server"
)

// This file has the commands about the place: who is kept out, how long messages are
// kept, bots, and what was changed.

func (a *admin) newBans() *cobra.Command {
	list := a.command("bans", "List the ranges of addresses that are kept out", noArgs, listBans)
	list.AddCommand(a.addBan(), a.command("remove ID", "Let a range in again", wants(1, "the id of a ban"), removeBan))
	return list
}

type addressBan struct {
	ID, Range, Reason string
	By                struct{ Name string }
	Created, Until    int64
}

func listBans(c *cobra.Command, s *server.Admin, _ []string) error {
	var answer struct{ Blocks []addressBan }
	if err := s.Ask(c.Context(), "GET", "/api/blocks", nil, &answer); err != nil {
		return err
	}
	rows := [][]string{{"ID", "RANGE", "SINCE", "UNTIL", "BY", "REASON"}}
	for _, b := range answer.Blocks {
		until := "for good"
		if b.Until > 0 {
			until = day(b.Until)
		}
		rows = append(rows, []string{b.ID, b.Range, day(b.Created), until, b.By.Name, b.Reason})
	}
	table(c.OutOrStdout(), rows)
	return nil
}

func (a *admin) addBan() *cobra.Command {
	var reason string
	var last time.Duration
	c := a.command("add RANGE", "Keep an address or a range such as 203.0.113.0/24 out, and print the ban's id", wants(1, "a range of addresses"),
		func(c *cobra.Command, s *server.Admin, args []string) error {
			seconds, err := lasting(last)
			if err != nil {
				return err
			}
			var answer struct{ Block addressBan }
			if err := s.Ask(c.Context(), "POST", "/api/blocks", map[string]any{"range": args[0], "for": seconds, "reason": reason}, &answer); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), answer.Block.ID)
			return nil
		})
	c.Flags().DurationVar(&last, "for", 0, "how long, such as 24h; without it for good")
	c.Flags().StringVar(&reason, "reason", "", "`text` that admins read")
	return c
}

func removeBan(c *cobra.Command, s *server.Admin, args []string) error {
	return s.Ask(c.Context(), "DELETE", "/api/blocks/"+url.PathEscape(args[0]), nil, nil)
}

func (a *admin) newKeep() *cobra.Command {
	var k keep
	return k.flags(a.command("keep", "Say how long messages are kept where a room says nothing; without a flag, print it", noArgs,
		func(c *cobra.Command, s *server.Admin, _ []string) error {
			if told(c) {
				return s.Ask(c.Context(), "PATCH", "/api/place", map[string]any{"keep": k}, nil)
			}
			var answer struct{ Keep keep }
			if err := s.Ask(c.Context(), "GET", "/api/place", nil, &answer); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), answer.Keep.words("for ever"))
			return nil
		}))
}

func (a *admin) newBots() *cobra.Command {
	list := a.command("bots", "List the bots and their tokens", noArgs, listBots)
	list.AddCommand(
		a.command("add NAME", "Make a bot: an account for a program", wants(1, "a name"), addBot),
		a.newBotToken(),
		a.command("revoke NAME TOKEN", "End a token of a bot", wants(2, "a bot and the id of a token"), revokeBotToken),
		a.command("remove NAME", "End a bot; what it wrote stays", wants(1, "a bot"), removeBot))
	return list
}

type bot struct {
	ID, Name string
	Tokens   []struct {
		ID, Label string
		Scopes    []string
		Rooms     []struct{ ID, Name string }
		Used      int64
	}
}

func bots(c *cobra.Command, s *server.Admin) ([]bot, error) {
	var answer struct{ Bots []bot }
	err := s.Ask(c.Context(), "GET", "/api/bots", nil, &answer)
	return answer.Bots, err
}

// listBots has a row for each token, since those are what may be too many.
func listBots(c *cobra.Command, s *server.Admin, _ []string) error {
	all, err := bots(c, s)
	if err != nil {
		return err
	}
	rows := [][]string{{"NAME", "TOKEN", "FOR", "IN", "LAST USED", "LABEL"}}
	for _, b := range all {
		if len(b.Tokens) == 0 {
			rows = append(rows, []string{b.Name, "none", "", "", "", ""})
		}
		for _, t := range b.Tokens {
			in, used := "all rooms", "never"
			if len(t.Rooms) > 0 {
				var names []string
				for _, r := range t.Rooms {
					names = append(names, r.Name)
				}
				in = strings.Join(names, ", ")
			}
			if t.Used > 0 {
				used = day(t.Used)
			}
			rows = append(rows, []string{b.Name, t.ID, strings.Join(t.Scopes, ", "), in, used, t.Label})
		}
	}
	table(c.OutOrStdout(), rows)
	return nil
}

// findBot returns the path of a bot by name or id.
func findBot(c *cobra.Command, s *server.Admin, which string) (string, error) {
	all, err := bots(c, s)
	if err != nil {
		return "", err
	}
	for _, b := range all {
		if strings.EqualFold(b.Name, which) || b.ID == which {
			return "/api/bots/" + url.PathEscape(b.ID), nil
		}
	}
	return "", fmt.Errorf("there is no bot called %q", which)
}

func addBot(c *cobra.Command, s *server.Admin, args []string) error {
	return s.Ask(c.Context(), "POST", "/api/bots", map[string]string{"name": args[0]}, nil)
}

func (a *admin) newBotToken() *cobra.Command {
	var scopes, in []string
	var label string
	c := a.command("token NAME", "Make a token for a bot and print its secret", wants(1, "a bot"), func(c *cobra.Command, s *server.Admin, args []string) error {
		path, err := findBot(c, s, args[0])
		if err != nil {
			return err
		}
		ids := []string{}
		for _, which := range in {
			r, err := findRoom(c, s, which)
			if err != nil {
				return err
			}
			ids = append(ids, r.ID)
		}
		var answer struct{ Secret string }
		ask := map[string]any{"label": label, "scopes": scopes, "rooms": ids}
		if err := s.Ask(c.Context(), "POST", path+"/tokens", ask, &answer); err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), answer.Secret)
		fmt.Fprintln(c.ErrOrStderr(), "It is not shown again.")
		return nil
	})
	c.Flags().StringSliceVar(&scopes, "scopes", nil, "what it is for: `read,write`, rooms, moderate")
	c.Flags().StringSliceVar(&in, "rooms", nil, "the `rooms` it is for; without it all that the bot sees")
	c.Flags().StringVar(&label, "label", "", "`text` by which to know it again")
	return c
}

func revokeBotToken(c *cobra.Command, s *server.Admin, args []string) error {
	path, err := findBot(c, s, args[0])
	if err != nil {
		return err
	}
	return s.Ask(c.Context(), "DELETE", path+"/tokens/"+url.PathEscape(args[1]), nil, nil)
}

func removeBot(c *cobra.Command, s *server.Admin, args []string) error {
	path, err := findBot(c, s, args[0])
	if err != nil {
		return err
	}
	return s.Ask(c.Context(), "DELETE", path, nil, nil)
}

func (a *admin) newAudit() *cobra.Command {
	var in string
	var last int
	c := a.command("audit", "List what was changed in the place, or in a public room, newest first", noArgs, func(c *cobra.Command, s *server.Admin, _ []string) error {
		path := "/api/audit"
		if in != "" {
			r, err := findRoom(c, s, in)
			if err != nil {
				return err
			}
			if r.Kind != public {
				return fmt.Errorf("what was changed in a %s room is for those who moderate it", r.Kind)
			}
			path = r.path("audit")
		}
		if last < 1 {
			return usagef("--last is a number of changes, not %d", last)
		}
		return listChanges(c, s, path+"?limit="+strconv.Itoa(last))
	})
	c.Flags().StringVar(&in, "room", "", "a public `room`; without it the place")
	c.Flags().IntVar(&last, "last", 50, "how many; 500 at most")
	return c
}

func listChanges(c *cobra.Command, s *server.Admin, path string) error {
	var answer struct {
		Events []struct {
			Time, Until      int64
			Name, Kind, Text string
			About            struct{ Name string }
		}
	}
	if err := s.Ask(c.Context(), "GET", path, nil, &answer); err != nil {
		return err
	}
	rows := [][]string{{"WHEN", "BY", "WHAT", "WHOM", "TEXT"}}
	for _, e := range answer.Events {
		if e.Until > 0 {
			e.Text = strings.TrimSpace(e.Text + " (until " + day(e.Until) + ")")
		}
		rows = append(rows, []string{day(e.Time), e.Name, e.Kind, e.About.Name, e.Text})
	}
	table(c.OutOrStdout(), rows)
	return nil
}
