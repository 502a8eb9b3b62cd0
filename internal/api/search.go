package api

import (
	"net/http"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/search"
	"hubbub/internal/wire"
)

const (
	fewHits = 20 // without a limit in the request
	// Answers leave at multiples of this: how long a search took would else tell whether a
	// word is in rooms that one may not know of. It is more than almost all searches take.
	beat    = 20 * time.Millisecond
	maxZone = 15 * 60 // minutes that a zone is east or west of Greenwich, at most
)

// found is a message in the answer of a search.
type found struct {
	Room  foundIn     `json:"room"`
	Event *wire.Event `json:"event"`
	Marks [][2]int    `json:"marks"` // in UTF-16 units, as scripts count
}

type foundIn struct {
	ID     chat.RoomID `json:"id"`
	Name   string      `json:"name"`
	Kind   string      `json:"kind"`
	People []wire.Whom `json:"people,omitempty"` // of a direct conversation: the others
}

// understood is a query as it was understood.
type understood struct {
	Terms  []term      `json:"terms,omitempty"`
	From   []named     `json:"from,omitempty"`
	In     []named     `json:"in,omitempty"`
	After  wire.Millis `json:"after,omitempty"`
	Before wire.Millis `json:"before,omitempty"`
	Has    []string    `json:"has,omitempty"`
	HasNot []string    `json:"has_not,omitempty"`
	Open   []string    `json:"open,omitempty"` // operators that are not finished, and do nothing yet
	Cut    bool        `json:"cut,omitempty"`  // it was too long; the end was left out
}

type term struct {
	Text  string `json:"text"`
	Not   bool   `json:"not,omitempty"`
	Whole bool   `json:"whole,omitempty"`
}

type named struct {
	Name string `json:"name"`
	Not  bool   `json:"not,omitempty"`
}

func (h *handler) search(r *http.Request, l chat.Login) (int, any, error) {
	if err := scoped(l, func(s *chat.Scope) bool { return s.Read }); err != nil {
		return 0, nil, err
	}
	if err := h.Gate.Search(l.ID); err != nil {
		return 0, nil, err
	}
	q := r.URL.Query()
	limit, err := number(r, "limit", fewHits)
	if err != nil {
		return 0, nil, err
	}
	zone, err := zoneOf(q.Get("zone"))
	if err != nil {
		return 0, nil, err
	}
	ask := search.Ask{Text: q.Get("q"), Now: time.Now().In(zone), Before: q.Get("before"), Limit: int(min(limit, maxListed))}
	switch q.Get("sort") {
	case "", "newest":
	case "best":
		ask.Best = true
	default:
		return 0, nil, chat.Errorf(chat.CodeBadFrame, "sort is newest or best")
	}
	begun := time.Now()
	a, err := h.Index.Search(r.Context(), l.Actor(), ask)
	if err != nil {
		return 0, nil, err
	}
	select {
	case <-time.After(beat - time.Since(begun)%beat):
	case <-r.Context().Done():
	}
	return http.StatusOK, shownAnswer(a), nil
}

// zoneOf reads how many minutes somebody's days are ahead of Greenwich.
func zoneOf(minutes string) (*time.Location, error) {
	if minutes == "" {
		return time.UTC, nil
	}
	d, err := time.ParseDuration(minutes + "m")
	if err != nil || d.Abs() > maxZone*time.Minute {
		return nil, chat.Errorf(chat.CodeBadFrame, "zone is in minutes east of Greenwich")
	}
	return time.FixedZone("", int(d/time.Second)), nil
}

func shownAnswer(a search.Answer) any {
	answer := struct {
		Query  understood `json:"query"`
		Hits   []found    `json:"hits"`
		Next   string     `json:"next,omitempty"`
		More   bool       `json:"more"`
		Behind bool       `json:"behind,omitempty"`
	}{shownQuery(a.Query), make([]found, 0, len(a.Hits)), a.Next, a.Next != "", a.Behind}
	for _, hit := range a.Hits {
		in := foundIn{ID: hit.Room.ID, Name: hit.Room.Name, Kind: hit.Room.Kind.String()}
		for _, p := range hit.Room.People {
			in.People = append(in.People, wire.Whom(p))
		}
		answer.Hits = append(answer.Hits, found{in, wire.EventFrame(hit.Event), hit.Marks})
	}
	return answer
}

func shownQuery(q search.Query) understood {
	u := understood{Has: q.Has.Names(), HasNot: q.HasNot.Names(), Open: q.Open, Cut: q.Cut}
	for _, t := range q.Terms {
		u.Terms = append(u.Terms, term{t.Text, t.Not, t.Whole})
	}
	for _, n := range q.From {
		u.From = append(u.From, named{n.Text, n.Not})
	}
	for _, n := range q.In {
		u.In = append(u.In, named{n.Text, n.Not})
	}
	if !q.After.IsZero() {
		u.After = wire.ToMillis(q.After)
	}
	if !q.Before.IsZero() {
		u.Before = wire.ToMillis(q.Before)
	}
	return u
}
