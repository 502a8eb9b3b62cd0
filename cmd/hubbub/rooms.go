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

// The operator keeps all rooms in order. What is said in private ones, and by whom, is
// not for them.

const public = "public" // the kind of a room that everybody finds

type room struct {
	ID, Name, Kind, Topic string
	Archived              bool
	ReadOnly              bool `json:"read_only"`
	GuestsWait            bool `json:"guests_wait"`
	Slow, Members, Head   int
	Floor                 int
	Keep                  keep
	By                    *struct{ Name string }
	Created               int64
}

func (a *admin) newRooms() []*cobra.Command {
	room := func(use, short string, run func(*cobra.Command, *server.Admin, room) error) *cobra.Command {
		return a.command(use, short, wants(1, "a room"), func(c *cobra.Command, s *server.Admin, args []string) error {
			r, err := findRoom(c, s, args[0])
			if err != nil {
				return err
			}
			return run(c, s, r)
		})
	}
	return []*cobra.Command{
		room("show ROOM", "Say what there is to say of a room; ROOM is an id, or the name of a public room", showRoom),
		room("members ROOM", "List who is in a public room", listMembers),
		a.command("rename ROOM NAME", "Give a room another name", wants(2, "a room and a name"), changeRoom("name")),
		a.command("topic ROOM TEXT", "Say what a room is for", wants(2, "a room and a text"), changeRoom("topic")),
		room("archive ROOM", "Have a room read and not written in any more", archive(true)),
		room("restore ROOM", "Have an archived room written in again", archive(false)),
		a.keepRoom(),
		a.moderator(),
		a.command("add ROOM NAME", "Put somebody into a room", wants(2, "a room and a name"), toMember("PUT", "members", nil)),
		a.removeMember(),
		a.ban(),
		a.command("unban ROOM NAME", "Lift a ban", wants(2, "a room and a name"), toMember("DELETE", "bans", nil)),
	}
}

func allRooms(c *cobra.Command, s *server.Admin) ([]room, error) {
	var answer struct{ Rooms []room }
	err := s.Ask(c.Context(), "GET", "/api/rooms", nil, &answer)
	return answer.Rooms, err
}

// findRoom finds a room by its id, or a public one by its name. The names of private
// rooms are not unique.
func findRoom(c *cobra.Command, s *server.Admin, which string) (room, error) {
	all, err := allRooms(c, s)
	if err != nil {
		return room{}, err
	}
	private := false
	for _, r := range all {
		if r.ID == which || r.Kind == public && r.Name == strings.ToLower(strings.TrimPrefix(which, "#")) {
			return r, nil
		}
		private = private || r.Kind != public && r.Name == which
	}
	if private {
		return room{}, fmt.Errorf("%q is a private room; those go by their id, see 'hubbub rooms'", which)
	}
	return room{}, fmt.Errorf("there is no room %q", which)
}

func (r room) path(more ...string) string {
	path := "/api/rooms/" + url.PathEscape(r.ID)
	for _, m := range more {
		path += "/" + url.PathEscape(m)
	}
	return path
}

func day(ms int64) string {
	t := time.UnixMilli(ms)
	return when(&t)
}

func listRooms(c *cobra.Command, s *server.Admin, _ []string) error {
	all, err := allRooms(c, s)
	if err != nil {
		return err
	}
	rows := [][]string{{"NAME", "KIND", "PEOPLE", "EVENTS", "CREATED", "ID"}}
	for _, r := range all {
		rows = append(rows, []string{r.called(), r.kind(), strconv.Itoa(r.Members), strconv.Itoa(r.Head), day(r.Created), r.ID})
	}
	table(c.OutOrStdout(), rows)
	return nil
}

func (r room) called() string {
	if r.Name == "" {
		return "-"
	}
	return r.Name
}

func (r room) kind() string {
	if r.Archived {
		return r.Kind + ", archived"
	}
	return r.Kind
}

func showRoom(c *cobra.Command, s *server.Admin, r room) error {
	var answer struct{ Room room }
	if err := s.Ask(c.Context(), "GET", r.path(), nil, &answer); err != nil {
		return err
	}
	moderators, err := members(c, s, r, "moderators")
	if err != nil {
		return err
	}
	var names []string
	for _, m := range moderators {
		names = append(names, m.Name)
	}
	table(c.OutOrStdout(), answer.Room.facts(strings.Join(names, ", ")))
	return nil
}

// facts are the rows that show a room: what is not so is not said.
func (r room) facts(moderators string) [][]string {
	made := day(r.Created)
	if r.By != nil {
		made += " by " + r.By.Name
	}
	rows := [][]string{
		{"name", r.called()}, {"kind", r.kind()}, {"id", r.ID}, {"made", made},
		{"people", strconv.Itoa(r.Members)}, {"events", strconv.Itoa(r.Head)},
	}
	say := func(is bool, name, value string) {
		if is {
			rows = append(rows, []string{name, value})
		}
	}
	say(r.Topic != "", "topic", r.Topic)
	say(r.ReadOnly, "read-only", "only moderators write")
	say(r.GuestsWait, "guests", "wait until somebody lets them in")
	say(r.Slow > 0, "slow", fmt.Sprintf("%d seconds between two messages of one person", r.Slow))
	say(r.Keep != (keep{}), "keep", r.Keep.words(""))
	say(r.Floor > 0, "erased", fmt.Sprintf("messages up to event %d", r.Floor))
	say(moderators != "", "moderators", moderators)
	return rows
}

type roomMember struct {
	Name, Role string
	Bot        bool
	Moderator  bool
	Online     bool
}

// members lists people of a room, all pages of them.
func members(c *cobra.Command, s *server.Admin, r room, show string) (all []roomMember, err error) {
	var after string
	for {
		var page struct {
			Members []roomMember
			Next    string
		}
		q := url.Values{"show": {show}, "after": {after}, "limit": {"500"}}
		if err := s.Ask(c.Context(), "GET", r.path("members")+"?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Members...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}

func listMembers(c *cobra.Command, s *server.Admin, r room) error {
	if r.Kind != public {
		return fmt.Errorf("who is in a %s room is not for the operator; 'hubbub rooms show %s' says who moderates it", r.Kind, r.ID)
	}
	all, err := members(c, s, r, "members")
	if err != nil {
		return err
	}
	rows := [][]string{{"NAME", "ROLE", "ONLINE", "MODERATOR"}}
	for _, m := range all {
		rows = append(rows, []string{m.Name, m.Role, yes(m.Online), yes(m.Moderator)})
	}
	table(c.OutOrStdout(), rows)
	return nil
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func changeRoom(what string) func(*cobra.Command, *server.Admin, []string) error {
	return func(c *cobra.Command, s *server.Admin, args []string) error {
		r, err := findRoom(c, s, args[0])
		if err != nil {
			return err
		}
		return s.Ask(c.Context(), "PATCH", r.path(), map[string]string{what: args[1]}, nil)
	}
}

func archive(archived bool) func(*cobra.Command, *server.Admin, room) error {
	return func(c *cobra.Command, s *server.Admin, r room) error {
		return s.Ask(c.Context(), "PATCH", r.path(), map[string]bool{"archived": archived}, nil)
	}
}

// toMember makes the command that does something to somebody in a room. body may be nil.
func toMember(method, what string, body func() (any, error)) func(*cobra.Command, *server.Admin, []string) error {
	return func(c *cobra.Command, s *server.Admin, args []string) error {
		var b any
		var err error
		if body != nil {
			if b, err = body(); err != nil {
				return err
			}
		}
		r, err := findRoom(c, s, args[0])
		if err != nil {
			return err
		}
		id, err := whois(c, s, args[1])
		if err != nil {
			return err
		}
		return s.Ask(c.Context(), method, r.path(what, id), b, nil)
	}
}

func (a *admin) moderator() *cobra.Command {
	var dismiss bool
	c := a.command("moderator ROOM NAME", "Make somebody in a room its moderator", wants(2, "a room and a name"),
		func(c *cobra.Command, s *server.Admin, args []string) error {
			method := "PUT"
			if dismiss {
				method = "DELETE"
			}
			return toMember(method, "moderators", nil)(c, s, args)
		})
	c.Flags().BoolVar(&dismiss, "dismiss", false, "make them none any more")
	return c
}

func (a *admin) removeMember() *cobra.Command {
	var reason string
	c := a.command("remove ROOM NAME", "Put somebody out of a room", wants(2, "a room and a name"),
		toMember("DELETE", "members", func() (any, error) { return map[string]string{"reason": reason}, nil }))
	c.Flags().StringVar(&reason, "reason", "", "`text` that the room reads")
	return c
}

func (a *admin) ban() *cobra.Command {
	var reason string
	var last time.Duration
	c := a.command("ban ROOM NAME", "Put somebody out of a room, and keep them out", wants(2, "a room and a name"),
		toMember("PUT", "bans", func() (any, error) {
			seconds, err := lasting(last)
			return map[string]any{"reason": reason, "for": seconds}, err
		}))
	c.Flags().StringVar(&reason, "reason", "", "`text` that the room reads")
	c.Flags().DurationVar(&last, "for", 0, "how long, such as 24h; without it for good")
	return c
}

// lasting is how long something lasts, in seconds.
func lasting(d time.Duration) (float64, error) {
	if d < 0 {
		return 0, usagef("--for is how long, such as 24h, not %v", d)
	}
	return d.Seconds(), nil
}

// keep says how long messages are kept.
type keep struct {
	Days     int `json:"days,omitempty"`
	Messages int `json:"messages,omitempty"`
}

// flags lets a command say it.
func (k *keep) flags(c *cobra.Command) *cobra.Command {
	c.Flags().IntVar(&k.Days, "days", 0, "erase what is older than so many days; 0 for none")
	c.Flags().IntVar(&k.Messages, "messages", 0, "erase all but the newest so many; 0 for none")
	return c
}

// told says whether a command was told how long.
func told(c *cobra.Command) bool { return c.Flags().Changed("days") || c.Flags().Changed("messages") }

// words says it in words.
func (k keep) words(forEver string) string {
	var parts []string
	if k.Days > 0 {
		parts = append(parts, fmt.Sprintf("%d days", k.Days))
	}
	if k.Messages > 0 {
		parts = append(parts, fmt.Sprintf("%d messages", k.Messages))
	}
	if parts == nil {
		return forEver
	}
	return strings.Join(parts, ", ")
}

func (a *admin) keepRoom() *cobra.Command {
	var k keep
	return k.flags(a.command("keep ROOM", "Say how long a room keeps messages; without a flag, print it", wants(1, "a room"),
		func(c *cobra.Command, s *server.Admin, args []string) error {
			r, err := findRoom(c, s, args[0])
			if err != nil {
				return err
			}
			if told(c) {
				return s.Ask(c.Context(), "PATCH", r.path(), map[string]any{"keep": k}, nil)
			}
			var answer struct{ Room room }
			if err := s.Ask(c.Context(), "GET", r.path(), nil, &answer); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), answer.Room.Keep.words("as the place says"))
			return nil
		}))
}
