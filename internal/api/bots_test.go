package api_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// command is a line of the page about bots: curl, an address, headers, a body, and what
// is to be taken from the answer.
var command = regexp.MustCompile(`(?m)^curl (?:--retry 5 )?(?:-X (\w+) )?\$HUBBUB(\S+)(?: -H "([^"]+)")?(?: -d '(.*?)')?(?:  # (.*))?$`)

// The page's commands do what the page says, from the first to the last.
func TestPageAboutBots(t *testing.T) {
	page, err := os.ReadFile("../../docs/bots.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := command.FindAllStringSubmatch(string(page), -1)
	if want := strings.Count(string(page), "\ncurl "); len(commands) != want || want == 0 {
		t.Fatalf("%d of %d commands can be read", len(commands), want)
	}
	r := serve(t)
	owner := r.owner()
	r.ask("POST", "/api/rooms", map[string]string{"name": "kitchen"}, nil, owner)
	known := map[string]string{}
	fill := func(text string) string {
		return regexp.MustCompile(`'?\$([A-Z]+)'?`).ReplaceAllStringFunc(text, func(v string) string {
			value, ok := known[strings.Trim(v, "'$")]
			if !ok {
				t.Fatalf("%s in %s is of no answer before", v, text)
			}
			return value
		})
	}
	var said []string
	for _, c := range commands {
		method, path, body, note := c[1], fill(c[2]), fill(c[4]), c[5]
		var header []string
		if c[3] != "" {
			header = []string{fill(c[3])}
		}
		if method == "" && body != "" {
			method = "POST"
		}
		resp, answer := r.do(method, path, body, header...)
		if note == "401" {
			if resp.StatusCode != 401 {
				t.Errorf("%s: %d %s", c[0], resp.StatusCode, answer)
			}
			continue
		}
		if resp.StatusCode >= 300 {
			t.Fatalf("%s: %d %s", c[0], resp.StatusCode, answer)
		}
		var fields map[string]any
		json.Unmarshal([]byte(answer), &fields)
		for take := range strings.SplitSeq(note, ", ") {
			if from, name, ok := strings.Cut(take, ": "); ok {
				known[name] = field(t, fields, from)
			}
		}
		said = append(said, answer)
	}
	if all := strings.Join(said, ""); strings.Count(all, `"text":"**main** is green @Olga"`) != 2 || !strings.Contains(all, `"bot":true`) || !strings.Contains(all, `"mentions":[{`) {
		t.Errorf("what was said is not read back: %s", all)
	}
}
