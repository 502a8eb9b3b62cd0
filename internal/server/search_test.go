package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"hubbub/internal/chat"
	"hubbub/internal/natsbus"
	"hubbub/internal/search"
)

// searching are nodes that do not wait before they make or drop an index, and whether each
// has one.
func searching(t *testing.T, n int) (ns *nodes, indexes func() []bool) {
	var dirs []string
	ns = startNodes(t, n, func(c *Config) {
		c.Vacant = 10 * time.Millisecond
		dirs = append(dirs, c.Data)
	})
	return ns, func() []bool {
		var has []bool
		for _, dir := range dirs {
			_, err := os.Stat(filepath.Join(dir, "search.db"))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			has = append(has, err == nil)
		}
		return has
	}
}

// asks returns what a node answers to a search.
func (ns *nodes) asks(n *node, token string, query url.Values) (status int, body string) {
	ns.Helper()
	r, err := http.NewRequestWithContext(ns.Context(), http.MethodGet, n.URL()+"/api/search?"+query.Encode(), nil)
	if err != nil {
		ns.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		ns.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		ns.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// say stores messages at a node, many at a time, so that many have the same millisecond.
func (ns *nodes) say(at *node, by chat.UserID, room chat.RoomID, texts ...string) {
	ns.Helper()
	var drafts []chat.Draft
	for _, text := range texts {
		drafts = append(drafts, chat.Draft{Room: room, Author: by, Kind: chat.KindMessage, ID: chat.EventID(uuid.Must(uuid.NewV7())), Body: text})
	}
	for _, r := range at.store.Append(ns.Context(), drafts) {
		if r.Err != nil {
			ns.Fatal(r.Err)
		}
	}
}

// indexed waits until each index that is there has what was stored.
func (ns *nodes) indexed() {
	ns.Helper()
	rooms, err := ns.all[0].store.AllRooms(ns.Context())
	if err != nil {
		ns.Fatal(err)
	}
	for _, n := range ns.all {
		for _, r := range rooms {
			n.index.Stored(r.ID, r.Head)
		}
		if err := n.Indexed(ns.Context()); err != nil {
			ns.Fatal(err)
		}
	}
}

// Two of three nodes have an index. The third answers every search as they do, page by
// page, whichever answers, and to nobody more than they may read; it hears nothing of
// rooms that nobody reads there.
func TestSearchElsewhere(t *testing.T) {
	ns, indexes := searching(t, 3)
	if got := indexes(); !slices.Equal(got, []bool{true, true, false}) {
		t.Fatalf("there are indexes at %v", got)
	}
	if n := ns.all[2].bus.(*natsbus.Bus).Topics(); n != 3 {
		t.Errorf("a node without an index listens to %d topics, not to changes, presence and limits", n)
	}
	token, ines := ns.guest(ns.all[2], "Ines")
	other, tomas := ns.guest(ns.all[0], "Tomás")
	if err := ns.all[0].store.SetPassword(t.Context(), ines, "x"); err != nil { // an account
		t.Fatal(err)
	}
	me, err := ns.all[0].store.Person(t.Context(), ines)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := ns.all[0].store.NewRoom(t.Context(), chat.NewRoom{Kind: chat.RoomPrivate, Name: "plans", By: me.Person})
	if err != nil {
		t.Fatal(err)
	}
	kitchen, err := ns.all[0].store.EnsureRoom(t.Context(), chat.Name{Display: "kitchen", Key: "kitchen"}, "")
	if err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("apple number %d 東京都", i))
	}
	for i := range 6 {
		ns.say(ns.all[i%3], []chat.UserID{ines, tomas}[i%2], []chat.RoomID{ns.lobby, kitchen.ID}[i/3], many...)
	}
	ns.say(ns.all[2], ines, secret, "an apple in private, https://example.com/pie.png")
	ns.indexed()

	for _, query := range []string{
		"q=apple", "q=apple&sort=best", "q=app", "q=%22number+7%22", "q=京都&limit=3", "q=apple+from:me", "q=apple+in:kitchen+-7", "q=has:link", "q=pear",
		"q=apple+before:today", "q=apple&zone=840", "q=", "q=from:", "q=apple&limit=0", "q=apple&before=!", "q=apple&sort=worst",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		status, want := ns.asks(ns.all[0], token, values)
		if elsewhere, got := ns.asks(ns.all[2], token, values); elsewhere != status || got != want {
			t.Errorf("%s: %d %s\nwith an index: %d %s", query, elsewhere, got, status, want)
		}
	}
	for i, want := range map[string]int{token: 121, other: 120} {
		got := ns.pages(i, "apple")
		if sorted := slices.Sorted(slices.Values(got)); len(got) != want || len(slices.Compact(sorted)) != want {
			t.Errorf("%d messages in pages of different nodes, not %d: %q", len(got), want, got)
		}
	}
	if _, got := ns.asks(ns.all[2], other, url.Values{"q": {"private"}}); strings.Contains(got, "in private") || !strings.Contains(got, `"hits":[]`) {
		t.Errorf("who is not in the room finds %s", got)
	}
}

// pages returns the places of what is found, page by page, each from another node.
func (ns *nodes) pages(token, what string) (found []string) {
	ns.Helper()
	query := url.Values{"q": {what}, "limit": {"7"}}
	for i := 0; ; i++ {
		_, body := ns.asks(ns.all[i%len(ns.all)], token, query)
		var page struct {
			Hits []struct {
				Event struct {
					Room string   `json:"room"`
					Seq  chat.Seq `json:"seq"`
				} `json:"event"`
			} `json:"hits"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			ns.Fatal(err, body)
		}
		for _, h := range page.Hits {
			found = append(found, fmt.Sprint(h.Event.Room, " ", h.Event.Seq))
		}
		if page.Next == "" {
			return found
		}
		query.Set("before", page.Next)
	}
}

// When a node with an index is gone for long another one makes one; search goes on all
// the while.
func TestSearchMoves(t *testing.T) {
	ns, indexes := searching(t, 3)
	token, ines := ns.guest(ns.all[2], "Ines")
	ns.say(ns.all[2], ines, ns.lobby, "an apple")
	ns.finds(ns.all[2], token, "apple", 1, 2)
	if err := ns.all[0].stop(); err != nil {
		t.Fatal(err)
	}
	ns.all = ns.all[1:]
	ns.say(ns.all[0], ines, ns.lobby, "another apple")
	for late := time.Now().Add(30 * time.Second); !indexes()[2]; time.Sleep(20 * time.Millisecond) {
		ns.finds(ns.all[1], token, "apple", 2, 2)
		if time.Now().After(late) {
			t.Fatal("the third node has no index")
		}
	}
	if n := ns.all[1].bus.(*natsbus.Bus).Topics(); n != 4 {
		t.Errorf("a node with an index listens to %d topics", n)
	}
	ns.say(ns.all[0], ines, ns.lobby, "a third apple")
	ns.finds(ns.all[1], token, "apple", 3, 2)
}

// An index goes, with all that is in it, when others have its turn for long: it would not
// hear of what is erased. While there is none at all, who searches is told so, and many are
// told so at once.
func TestSearchIndexGoes(t *testing.T) {
	ns, indexes := searching(t, 2)
	token, ines := ns.guest(ns.all[1], "Ines")
	ns.say(ns.all[0], ines, ns.lobby, "an apple")
	ns.finds(ns.all[1], token, "apple", 1, 1)
	conn, err := pgx.Connect(t.Context(), ns.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	other, err := openDatabase(t.Context(), ns.database, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	late := time.Now().Add(time.Minute)
	await := func(what string, is func() bool) {
		t.Helper()
		for ; !is(); time.Sleep(time.Millisecond) {
			if time.Now().After(late) {
				t.Fatal(what, ": there are indexes at ", indexes())
			}
		}
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = $1", 0x68756262); err != nil { // turns
		t.Fatal(err)
	}
	var turns []*chat.Turn
	for _, name := range []string{"search index 1", "search index 2"} {
		await(name, func() bool {
			turn, err := other.Take(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if turn != nil {
				turns = append(turns, turn)
			}
			return turn != nil
		})
	}
	await("nobody has given them up", func() bool { return slices.Equal(indexes(), []bool{false, false}) })
	status, body := ns.asks(ns.all[0], token, url.Values{"q": {"apple"}})
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "no node has answered") {
		t.Errorf("%d %s", status, body)
	}
	const many = 40
	said := make(chan string, many)
	for range many {
		go func() {
			_, err := ns.all[0].index.Search(t.Context(), chat.Actor{ID: ines}, search.Ask{Text: "apple", Now: time.Now(), Limit: 10})
			said <- fmt.Sprint(err)
		}()
	}
	refused := 0
	for range many {
		if err := <-said; strings.Contains(err, "too many searches") {
			refused++
		} else if !strings.Contains(err, "no node has answered") {
			t.Error(err)
		}
	}
	if refused != many-16 {
		t.Errorf("%d of %d were refused at once", refused, many)
	}
	for _, turn := range turns {
		turn.End()
	}
	await("nobody has made them anew", func() bool { return slices.Equal(indexes(), []bool{true, true}) })
	for i, n := range ns.all {
		ns.finds(n, token, "apple", 1, i)
	}
}
