package hooks

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hubbub/internal/chat"
)

func people(id string) (string, bool) {
	if id == "7fq2mk9x4vhd3stb" {
		return "Ines", true
	}
	return "", false
}

func TestMrkdwn(t *testing.T) {
	r := renderer{people}
	for in, want := range map[string]string{
		"Hello":                               "Hello",
		"*bold* and _it_ and ~gone~":          "**bold** and _it_ and ~~gone~~",
		"*bold _both_ end*":                   "**bold _both_ end**",
		"2 * 3 * 4":                           `2 \* 3 \* 4`,
		"snake_case_name and __init__":        `snake_case_name and \_\_init\_\_`,
		"a*b*c":                               `a\*b\*c`,
		"~/bin and ~~x~~":                     `~/bin and \~\~x\~\~`,
		"<https://example.org|the site>":      "[the site](https://example.org)",
		"<https://example.org>":               "<https://example.org>",
		"<https://e.org/a_(b)?x=1&amp;y=2|l>": "[l](https://e.org/a_%28b%29?x=1&y=2)",
		"<mailto:ines@example.org|write>":     "[write](mailto:ines@example.org)",
		"<javascript:alert(1)|click>":         `\<javascript:alert(1)|click>`,
		"<https://e.org|[x](https://evil)>":   `[\[x\](https://evil)](https://e.org)`,
		"<!here> <!channel> <!everyone>":      "@here @channel @channel",
		"<!here|here> <!subteam^S1|@ops>":     "@here @ops",
		"<!date^1392734382^{date}|18 Feb>":    "18 Feb",
		"<@7fq2mk9x4vhd3stb>: look":           "@Ines: look",
		"<@U024BE7LH>, <@U024|bob>":           "@U024BE7LH, @bob",
		"<#C024BE7LR|general> <#C1>":          "#general #C1",
		"1 &lt; 2 &amp;&amp; 3 &gt; 2":        "1 < 2 && 3 > 2",
		"&lt;script&gt; &amp;copy;":           `\<script> \&copy;`,
		"a < b":                               `a \< b`,
		"[FIRING:1] disk (node1)":             "[FIRING:1] disk (node1)",
		"[a](https://evil.example)":           `\[a](https://evil.example)`,
		"# not a heading":                     `\# not a heading`,
		"#channel":                            "#channel",
		"text\n-----\nmore":                   "text\n\\-----\nmore",
		"• one\n• two":                        "- one\n- two",
		"&gt; quoted *b*\nnot":                "> quoted **b**\n\nnot",
		"&gt;&gt;&gt; all\nof it":             "> all\n> of it",
		"run `a *b* &lt;c&gt;` now":           "run `a *b* <c>` now",
		"```a *b*\n&lt;c&gt;``` done":         "```\na *b*\n<c>\n```\n done",
		"x ```y":                              "x \n```\ny\n```",
		"see https://e.org/_x_/*y* now":       "see https://e.org/_x_/*y* now",
		"*https://e.org/a*":                   "**https://e.org/a**",
		`C:\temp`:                             `C:\\temp`,
		"Привет *мир*":                        "Привет **мир**",
		":tada: ok":                           ":tada: ok",
		"one ` tick":                          "one \\` tick",
		"<none>":                              `\<none>`,
	} {
		if got := r.mrkdwn(in); got != want {
			t.Errorf("%q:\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	for name, x := range map[string]struct{ kind, body, text, as string }{
		"text":              {"application/json", `{"text":"Hello *world*"}`, "Hello **world**", ""},
		"curl's own kind":   {"application/x-www-form-urlencoded", `{"text":"a&b=c"}`, "a&b=c", ""},
		"no kind":           {"", `{"text":"x"}`, "x", ""},
		"form":              {"application/x-www-form-urlencoded", "payload=" + url.QueryEscape(`{"text":"a+b & c","username":"CI"}`), "a+b & c", "CI"},
		"form without kind": {"text/plain", "payload=" + url.QueryEscape(`{"text":"x"}`), "x", ""},
		"multipart":         {"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"text\":\"x\"}\r\n--B--\r\n", "x", ""},
		"unknown fields":    {"", `{"text":"x","channel":"#a","icon_emoji":":x:","icon_url":"u","thread_ts":[1],"unfurl_links":{}}`, "x", ""},
		"numbers":           {"", `{"text":42,"attachments":[{"fields":[{"title":"n","value":7,"short":"true"},{"title":"b","value":false}]}]}`, "42\n\n> **n** 7\n> **b** false", ""},
		"null":              {"", `{"text":"x","attachments":null,"blocks":null,"username":null}`, "x", ""},
		"no mrkdwn":         {"", `{"text":"*a* <!here>","mrkdwn":false}`, `\*a\* \<!here>`, ""},
		"attachment": {"", `{"attachments":[{"fallback":"f","color":"danger","pretext":"*Pre*","author_name":"bob","title":"T_1","title_link":"https://e.org/1","text":"a\nb","fields":[{"title":"Env","value":"prod","short":true}],"footer":"ci","ts":1792000000,"image_url":"https://e.org/i.png","actions":[{"type":"button","text":"Runbook","url":"https://e.org/r"},{"type":"button","text":"Press"}]}]}`,
			"**Pre**\n\n> 🔴 bob\n> **[T_1](https://e.org/1)**\n> a\n> b\n> **Env** prod\n> [image](https://e.org/i.png)\n> [Runbook](https://e.org/r)\n> ci · 2026-10-14 17:46 UTC", ""},
		"fallback alone": {"", `{"attachments":[{"fallback":"it broke"}]}`, "> it broke", ""},
		"blocks only": {"", `{"blocks":[{"type":"header","text":{"type":"plain_text","text":"Deploy"}},{"type":"section","text":{"type":"mrkdwn","text":"*ok* <https://e.org|log>"},"fields":[{"type":"mrkdwn","text":"*Env:* prod"}]},{"type":"divider"},{"type":"context","elements":[{"type":"mrkdwn","text":"by _bob_"},{"type":"image","image_url":"u","alt_text":"face"}]},{"type":"video","title":7},{"type":"divider"}]}`,
			"**Deploy**\n\n**ok** [log](https://e.org)\n**Env:** prod\n\n* * *\n\nby _bob_ · face", ""},
		"blocks before text":      {"", `{"text":"short","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"long"}}]}`, "long", ""},
		"blocks that say nothing": {"", `{"text":"short","blocks":[{"type":"divider"},{"type":"image"},7,"x",null,{"type":"section","text":7}]}`, "short", ""},
		"rich text": {"", `{"blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a_b "},{"type":"text","text":"bold","style":{"bold":true}},{"type":"link","url":"https://e.org","text":"l"},{"type":"emoji","name":"tada"},{"type":"broadcast","range":"here"}]},{"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]}]},{"type":"rich_text_preformatted","elements":[{"type":"text","text":"x *y*"}]}]}]}`,
			"a_b **bold**[l](https://e.org):tada:@here\n\n1. one\n\n```\nx *y*\n```", ""},
	} {
		m, err := Read(x.kind, []byte(x.body), people)
		if err != nil || m.Text != x.text || m.As != x.as {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, m.Text, x.text)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for body, want := range map[string]*Refusal{
		"": ErrInvalid, "x": ErrInvalid, "[]": ErrInvalid, "null": ErrInvalid, `"x"`: ErrInvalid, "{": ErrInvalid, `{"text":"x"} more`: ErrInvalid,
		`{"text":{}}`: ErrInvalid, `{"text":["x"]}`: ErrInvalid, `{"username":{}}`: ErrInvalid, `{"attachments":{}}`: ErrInvalid, `{"attachments":["x"]}`: ErrInvalid,
		`{"attachments":[{"fields":"x"}]}`: ErrInvalid, `{"blocks":{}}`: ErrInvalid, `{"blocks":"x"}`: ErrInvalid, "{\"text\":\"\xff\"}": ErrInvalid,
		"payload=": ErrInvalid, "payload=x": ErrInvalid, "a=b": ErrInvalid,
		"{}": ErrNoText, `{"text":""}`: ErrNoText, `{"text":" \n "}`: ErrNoText, `{"text":null}`: ErrNoText, `{"attachments":[]}`: ErrNoText, `{"attachments":[{}]}`: ErrNoText,
		`{"attachments":[null]}`: ErrNoText, `{"blocks":[]}`: ErrNoText, `{"blocks":[{"type":"divider"}]}`: ErrNoText,
		`{"text":"x","attachments":[` + strings.Repeat("{},", 100) + `{}]}`: ErrMany,
	} {
		_, err := Read("application/x-www-form-urlencoded", []byte(body), people)
		var got *Refusal
		if !errors.As(err, &got) || got != want {
			t.Errorf("%.60q: %v, want %v", body, err, want)
		}
	}
}

// Nothing is too long, too deep or too odd to be read quickly, and what comes out can
// be stored.
func TestReadHostile(t *testing.T) {
	for name, text := range map[string]string{
		"long":     strings.Repeat("ü", 200_000),
		"stars":    strings.Repeat("*a ", 60_000),
		"nested":   strings.Repeat("*_~", 60_000),
		"brackets": strings.Repeat("[", 100_000) + "](",
		"angles":   strings.Repeat("<", 100_000), "angles closed": strings.Repeat("<a|", 60_000) + ">",
		"ticks": strings.Repeat("`", 100_000), "fences": strings.Repeat("```a", 50_000), "quotes": strings.Repeat("&gt;", 50_000), "breaks": strings.Repeat("\n&gt;", 40_000),
	} {
		body, _ := json.Marshal(map[string]any{"text": text, "attachments": []any{map[string]string{"text": text, "title": text}}})
		begun := time.Now()
		m, err := Read("", body, people)
		if err != nil || len(m.Text) > chat.MaxText || !utf8.ValidString(m.Text) {
			t.Errorf("%s: %d bytes, %v", name, len(m.Text), err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
	deep := `{"text":"x","blocks":[` + strings.Repeat(`{"type":"rich_text","elements":[`, 3000) + strings.Repeat("]}", 3000) + `]}`
	if m, err := Read("", []byte(deep), people); err != nil || m.Text != "x" {
		t.Errorf("deep: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("", []byte(`{"text":"*a* <https://e.org|x> `+"`c`"+`"}`))
	f.Add("application/x-www-form-urlencoded", []byte("payload=%7B%7D"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		m, err := Read(kind, body, people)
		if err == nil && (strings.TrimSpace(m.Text) == "" || len(m.Text) > chat.MaxText || !utf8.ValidString(m.Text)) {
			t.Errorf("%q became %q", body, m.Text)
		}
	})
}
