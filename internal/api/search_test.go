package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hubbub/internal/wire"
)

type searchAnswer struct {
	Query struct {
		Terms []struct {
			Text       string
			Not, Whole bool
		}
		From, In      []struct{ Name string }
		After, Before int64
		Has, Open     []string
		Cut           bool
	}
	Hits []struct {
		Room struct {
			ID, Name, Kind string
			People         []wire.Whom
		}
		Event wire.Event
		Marks [][2]int
	}
	Next         string
	More, Behind bool
}

func (r *running) search(who, query string, more ...string) (a searchAnswer) {
	r.t.Helper()
	if err := r.server.Indexed(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.ask("GET", "/api/search?q="+url.QueryEscape(query)+strings.Join(more, ""), nil, &a, who)
	return a
}

func TestSearch(t *testing.T) {
	r := serve(t)
	ines, tom := r.member("Ines"), r.member("Tom")
	var people struct {
		People []struct{ ID, Name string }
	}
	r.ask("GET", "/api/people", nil, &people, ines)
	ids := map[string]string{}
	for _, p := range people.People {
		ids[p.Name] = p.ID
	}
	room := func(path string, ask map[string]any) string {
		var made struct{ Room struct{ ID string } }
		r.ask("POST", path, ask, &made, ines)
		return made.Room.ID
	}
	say := func(room, text string) {
		for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; { // what is of one millisecond is in no order
		}
		r.ask("POST", "/api/rooms/"+room+"/messages", map[string]any{"text": text}, nil, ines)
	}
	kitchen := room("/api/rooms", map[string]any{"name": "kitchen"})
	plans := room("/api/rooms", map[string]any{"name": "plans", "kind": "private"})
	direct := room("/api/direct", map[string]any{"people": []string{ids["Tom"]}})
	say(kitchen, "🎉 The oven arrived")
	say(plans, "the oven is a secret")
	say(direct, "an oven for the two of us")

	a := r.search(ines, "oven")
	if len(a.Hits) != 3 || a.More || a.Next != "" || a.Behind || a.Query.Terms[0].Text != "oven" {
		t.Fatalf("%+v", a)
	}
	h := a.Hits[2]
	if h.Room.ID != kitchen || h.Room.Name != "kitchen" || h.Room.Kind != "public" || h.Event.Text != "🎉 The oven arrived" || h.Event.Name != "Ines" || h.Event.Seq != 1 ||
		fmt.Sprint(h.Marks) != "[[7 11]]" {
		t.Errorf("%+v", h)
	}
	if h := a.Hits[0]; h.Room.Kind != "direct" || len(h.Room.People) != 1 || h.Room.People[0].Name != "Tom" {
		t.Errorf("%+v", h)
	}
	if a := r.search(tom, "oven"); len(a.Hits) != 2 || a.Hits[0].Room.ID != direct || a.Hits[1].Room.ID != kitchen {
		t.Errorf("%+v", a)
	}
	if a := r.search(tom, "from:ines in:kitchen -secret ove", "&sort=best&limit=1"); len(a.Hits) != 1 || a.More {
		t.Errorf("%+v", a)
	}
	first := r.search(ines, "oven", "&limit=2")
	second := r.search(ines, "oven", "&limit=2&before=", first.Next)
	if len(first.Hits) != 2 || !first.More || len(second.Hits) != 1 || second.More || second.Hits[0].Room.ID != kitchen {
		t.Errorf("%+v\n%+v", first, second)
	}
	zone := r.search(ines, "on:2026-11-24 has: x", "&zone=120")
	if zone.Query.After != time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC).UnixMilli() || strings.Join(zone.Query.Open, " ") != "has" {
		t.Errorf("%+v", zone.Query)
	}
	if a := r.search(ines, strings.Repeat("oven", 2500)); !a.Query.Cut || len(a.Hits) != 0 {
		t.Errorf("%+v", a)
	}

	for path, status := range map[string]int{
		"/api/search":                    200,
		"/api/search?q=%00%ff%22":        200,
		"/api/search?q=oven&sort=x":      400,
		"/api/search?q=oven&limit=x":     400,
		"/api/search?q=oven&before=%21":  400,
		"/api/search?q=oven&zone=x":      400,
		"/api/search?q=oven&zone=100000": 400,
	} {
		if resp, body := r.do("GET", path, "", ines); resp.StatusCode != status {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if resp, _ := r.do("GET", "/api/search?q=oven", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger: %d", resp.StatusCode)
	}
	renamed, _ := json.Marshal(map[string]string{"name": "Zora"})
	if resp, body := r.do("PATCH", "/api/me", string(renamed), ines); resp.StatusCode != 200 {
		t.Fatal(body)
	}
	if a := r.search(tom, "from:zora"); len(a.Hits) != 2 {
		t.Errorf("%+v", a)
	}
}

// A bot finds what its token is for.
func TestBotsSearch(t *testing.T) {
	r := serve(t)
	owner := r.owner()
	var room struct{ Room struct{ ID string } }
	r.ask("POST", "/api/rooms", map[string]any{"name": "kitchen"}, &room, owner)
	var other struct{ Room struct{ ID string } }
	r.ask("POST", "/api/rooms", map[string]any{"name": "garden"}, &other, owner)
	var made struct{ Bot struct{ ID string } }
	r.ask("POST", "/api/bots", map[string]any{"name": "finder"}, &made, owner)
	token := func(scope string, rooms ...string) string {
		ask := map[string]any{"label": "x", "scopes": []string{scope}}
		if len(rooms) > 0 {
			ask["rooms"] = rooms
		}
		var token struct{ Secret string }
		r.ask("POST", "/api/bots/"+made.Bot.ID+"/tokens", ask, &token, owner)
		return "Authorization: Bearer " + token.Secret
	}
	for _, id := range []string{room.Room.ID, other.Room.ID} {
		r.ask("POST", "/api/rooms/"+id+"/messages", map[string]any{"text": "the oven"}, nil, owner)
	}
	if a := r.search(token("read"), "oven"); len(a.Hits) != 2 {
		t.Errorf("%+v", a)
	}
	if a := r.search(token("read", other.Room.ID), "oven"); len(a.Hits) != 1 || a.Hits[0].Room.ID != other.Room.ID {
		t.Errorf("a token for one room: %+v", a)
	}
	if resp, _ := r.do("GET", "/api/search?q=oven", "", token("write")); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a token for writing: %d", resp.StatusCode)
	}
}

// Who searches without end is asked to wait.
func TestSearchesAreLimited(t *testing.T) {
	r := serve(t)
	ines := r.guest("Ines")
	for range 200 {
		resp, body := r.do("GET", "/api/search?q=x", "", ines)
		if resp.StatusCode == http.StatusTooManyRequests {
			if errorCode(body) != "rate_limited" || resp.Header.Get("Retry-After") == "" {
				t.Error(body)
			}
			return
		}
	}
	t.Error("200 searches in a row")
}
