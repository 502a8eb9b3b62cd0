package hooks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hubbub/internal/chat"
)

// MaxBody is the longest request to an incoming hook in bytes.
const MaxBody = 256 << 10

// Refusal is the answer to a request that an incoming hook does not take, in the words
// that programs made for Slack know.
type Refusal struct {
	Status int
	Word   string
}

func (r *Refusal) Error() string { return r.Word }

// The refusals of what was sent.
var (
	ErrInvalid = &Refusal{http.StatusBadRequest, "invalid_payload"}
	ErrNoText  = &Refusal{http.StatusBadRequest, "no_text"}
	ErrMany    = &Refusal{http.StatusBadRequest, "too_many_attachments"}
)

const (
	maxParts = 100      // attachments, blocks, fields of one
	maxRead  = 32 << 10 // bytes of one text that are looked at; a message has at most half of that
)

// Message is what a request to an incoming hook says.
type Message struct {
	Text string // Markdown, at most chat.MaxText bytes
	As   string // what it wants to be called, as it came
}

// Read reads a request in Slack's format. A name is asked for people whom the text
// addresses by their id here.
func Read(contentType string, body []byte, name func(id string) (string, bool)) (m Message, err error) {
	raw, err := payloadOf(contentType, body)
	if err != nil {
		return m, err
	}
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return m, ErrInvalid
	}
	if len(p.Attachments) > maxParts {
		return m, ErrMany
	}
	if len(p.Blocks) > maxParts {
		return m, ErrInvalid
	}
	r := renderer{name}
	parts := []string{r.blocks(p.Blocks)}
	if parts[0] == "" { // where there are blocks, the text is for those who can not show them
		parts[0] = r.text(p.Text, p.Markdown)
	}
	for _, a := range p.Attachments {
		parts = append(parts, r.attachment(a))
	}
	if m.Text = cut(join("\n\n", parts...), chat.MaxText); m.Text == "" {
		return m, ErrNoText
	}
	m.As = string(p.Username)
	return m, nil
}

// payloadOf finds the JSON: as the body itself, whatever it says it is, or in the field
// payload of a form. curl calls everything a form.
func payloadOf(contentType string, body []byte) ([]byte, error) {
	body = bytes.TrimSpace(body)
	if !utf8.Valid(body) {
		return nil, ErrInvalid
	}
	if bytes.HasPrefix(body, []byte("{")) {
		return body, nil
	}
	var found string
	kind, params, _ := mime.ParseMediaType(contentType)
	switch {
	case kind == "multipart/form-data":
		form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(MaxBody)
		if err != nil || len(form.Value["payload"]) == 0 {
			return nil, ErrInvalid
		}
		found = form.Value["payload"][0]
	case bytes.HasPrefix(body, []byte("payload=")) || kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, ErrInvalid
		}
		found = form.Get("payload")
	}
	if !strings.HasPrefix(strings.TrimSpace(found), "{") {
		return nil, ErrInvalid
	}
	return []byte(found), nil
}

// payload is a request in Slack's format, as far as it is read. Whatever else there is
// is passed over.
type payload struct {
	Text        text              `json:"text"`
	Markdown    *flag             `json:"mrkdwn"`
	Username    text              `json:"username"`
	Attachments []attachment      `json:"attachments"`
	Blocks      []json.RawMessage `json:"blocks"`
}

type attachment struct {
	Fallback   text              `json:"fallback"`
	Color      text              `json:"color"`
	Pretext    text              `json:"pretext"`
	AuthorName text              `json:"author_name"`
	AuthorLink text              `json:"author_link"`
	Title      text              `json:"title"`
	TitleLink  text              `json:"title_link"`
	Text       text              `json:"text"`
	Fields     []titled          `json:"fields"`
	ImageURL   text              `json:"image_url"`
	Actions    []json.RawMessage `json:"actions"`
	Footer     text              `json:"footer"`
	Time       text              `json:"ts"`
	Blocks     []json.RawMessage `json:"blocks"`
}

type titled struct {
	Title text `json:"title"`
	Value text `json:"value"`
}

// text is a string; programs send numbers and null where they mean one.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0 || b[0] == '{' || b[0] == '[':
		return errors.New("a text is expected")
	case bytes.Equal(b, []byte("null")):
		*t = ""
		return nil
	case b[0] != '"':
		*t = text(b)
		return nil
	}
	var s string
	err := json.Unmarshal(b, &s)
	*t = text(s)
	return err
}

// flag is a boolean; some programs write it as a text.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	*f = flag(strings.Trim(string(b), `"`) != "false")
	return nil
}

// join puts parts together that are not empty.
func join(by string, parts ...string) string {
	var all []string
	for _, p := range parts {
		if p = strings.TrimRight(strings.TrimLeft(p, "\n"), " \t\n"); strings.TrimSpace(p) != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, by)
}

// cut shortens a text to so many bytes.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	s = s[:most-len("\n…")]
	for !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) && len(s) > 0 {
		if r, _ := utf8.DecodeLastRuneInString(s); r != utf8.RuneError {
			break
		}
		s = s[:len(s)-1]
	}
	return s + "\n…"
}

func (r renderer) text(t text, markdown *flag) string {
	if markdown != nil && !bool(*markdown) {
		return r.literal(string(t))
	}
	return r.mrkdwn(string(t))
}

// marks stand for the colours that have a name: there is no other place for colour.
var marks = map[text]string{"danger": "🔴 ", "warning": "🟡 ", "good": "🟢 "}

func (r renderer) attachment(a attachment) string {
	title := r.literal(string(a.Title))
	if title != "" {
		title = "**" + r.link(title, string(a.TitleLink)) + "**"
	}
	lines := []string{
		r.link(r.literal(string(a.AuthorName)), string(a.AuthorLink)),
		title, r.mrkdwn(string(a.Text)), r.blocks(a.Blocks),
	}
	for _, f := range a.Fields[:min(len(a.Fields), maxParts)] {
		lines = append(lines, r.field(string(f.Title), string(f.Value)))
	}
	if a.ImageURL != "" {
		lines = append(lines, r.link("image", string(a.ImageURL)))
	}
	lines = append(lines, r.buttons(a.Actions), join(" · ", r.literal(string(a.Footer)), stamp(a.Time)))
	body := join("\n", lines...)
	pretext := r.mrkdwn(string(a.Pretext))
	if body == "" && pretext == "" {
		body = r.literal(string(a.Fallback))
	}
	if body != "" {
		body = marks[a.Color] + body
	}
	return join("\n\n", pretext, quote(body))
}

func (r renderer) field(title, value string) string {
	t, v := r.literal(title), r.mrkdwn(value)
	switch {
	case t == "":
		return v
	case strings.Contains(v, "\n"):
		return "**" + t + "**\n" + v
	}
	return strings.TrimSpace("**" + t + "** " + v)
}

// stamp is a time in seconds since 1970.
func stamp(t text) string {
	s, err := strconv.ParseFloat(string(t), 64)
	if err != nil || math.IsNaN(s) || s <= 0 || s > 1e11 {
		return ""
	}
	return time.Unix(int64(s), 0).UTC().Format("2006-01-02 15:04 UTC")
}

func quote(s string) string {
	if s == "" {
		return ""
	}
	return "> " + strings.ReplaceAll(s, "\n", "\n> ")
}

// block is a part of Slack's newer layouts. What is not understood of one is passed
// over, so its parts are read one by one.
type block struct {
	Type     string            `json:"type"`
	Text     json.RawMessage   `json:"text"`
	Fields   []json.RawMessage `json:"fields"`
	Elements []json.RawMessage `json:"elements"`
	AltText  text              `json:"alt_text"`
	ImageURL text              `json:"image_url"`
	Title    json.RawMessage   `json:"title"`
}

func (r renderer) blocks(all []json.RawMessage) string {
	var parts []string
	for _, raw := range all[:min(len(all), maxParts)] {
		var b block
		if json.Unmarshal(raw, &b) == nil {
			parts = append(parts, r.block(b))
		}
	}
	for len(parts) > 0 && parts[len(parts)-1] == rule { // nothing to divide
		parts = parts[:len(parts)-1]
	}
	if said := join("\n\n", parts...); strings.Trim(said, "*\n ") != "" {
		return said
	}
	return ""
}

const rule = "* * *"

func (r renderer) block(b block) string {
	b.Fields, b.Elements = b.Fields[:min(len(b.Fields), maxParts)], b.Elements[:min(len(b.Elements), maxParts)]
	switch b.Type {
	case "header":
		if t := r.object(b.Text); t != "" {
			return "**" + strings.ReplaceAll(t, "\n", " ") + "**"
		}
	case "section":
		lines := []string{r.object(b.Text)}
		for _, f := range b.Fields {
			lines = append(lines, r.object(f))
		}
		return join("\n", lines...)
	case "context":
		var parts []string
		for _, e := range b.Elements {
			parts = append(parts, r.object(e))
		}
		return join(" · ", parts...)
	case "divider":
		return rule
	case "image":
		name := join(" ", r.object(b.Title), r.literal(string(b.AltText)))
		if name == "" && b.ImageURL != "" {
			name = "image"
		}
		return r.link(name, string(b.ImageURL))
	case "actions":
		return r.buttons(b.Elements)
	case "rich_text":
		return r.rich(b.Elements)
	}
	return ""
}

// object is a text with its kind.
func (r renderer) object(raw json.RawMessage) string {
	var o struct {
		Type string `json:"type"`
		Text text   `json:"text"`
		Alt  text   `json:"alt_text"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &o) != nil {
		return ""
	}
	switch o.Type {
	case "mrkdwn":
		return r.mrkdwn(string(o.Text))
	case "plain_text":
		return r.literal(string(o.Text))
	}
	return r.literal(string(o.Alt))
}

// buttons that lead somewhere are links; others would have to be pressed.
func (r renderer) buttons(all []json.RawMessage) string {
	var links []string
	for _, raw := range all[:min(len(all), maxParts)] {
		var b struct {
			Text json.RawMessage `json:"text"`
			URL  text            `json:"url"`
		}
		if json.Unmarshal(raw, &b) != nil || b.URL == "" {
			continue
		}
		label := r.object(b.Text)
		var plain text
		if label == "" && json.Unmarshal(b.Text, &plain) == nil {
			label = r.literal(string(plain))
		}
		if label == "" {
			label = "link"
		}
		links = append(links, r.link(label, string(b.URL)))
	}
	return join(" · ", links...)
}

// richPart is an element of rich text, at any depth.
type richPart struct {
	Type     string            `json:"type"`
	Text     text              `json:"text"`
	URL      text              `json:"url"`
	Name     text              `json:"name"`
	Range    text              `json:"range"`
	UserID   text              `json:"user_id"`
	Style    json.RawMessage   `json:"style"`
	Elements []json.RawMessage `json:"elements"`
}

func (r renderer) rich(all []json.RawMessage) string {
	var parts []string
	for _, raw := range all {
		var p richPart
		if json.Unmarshal(raw, &p) != nil {
			continue
		}
		said := r.richLine(p.Elements)
		switch p.Type {
		case "rich_text_quote":
			said = quote(said)
		case "rich_text_preformatted":
			said = fence(r.richPlain(p.Elements))
		case "rich_text_list":
			said = r.richList(p)
		}
		parts = append(parts, said)
	}
	return join("\n\n", parts...)
}

func (r renderer) richList(list richPart) string {
	var lines []string
	for i, raw := range list.Elements[:min(len(list.Elements), maxParts)] {
		var item richPart
		if json.Unmarshal(raw, &item) != nil {
			continue
		}
		bullet := "- "
		if string(list.Style) == `"ordered"` {
			bullet = fmt.Sprintf("%d. ", i+1)
		}
		lines = append(lines, bullet+strings.ReplaceAll(r.richLine(item.Elements), "\n", " "))
	}
	return strings.Join(lines, "\n")
}

func (r renderer) richPlain(all []json.RawMessage) string {
	var b strings.Builder
	for _, raw := range all[:min(len(all), maxParts)] {
		var p richPart
		if json.Unmarshal(raw, &p) == nil {
			b.WriteString(string(p.Text))
			if p.Text == "" {
				b.WriteString(string(p.URL))
			}
		}
	}
	return b.String()
}

func (r renderer) richLine(all []json.RawMessage) string {
	var b strings.Builder
	for _, raw := range all[:min(len(all), maxParts)] {
		var p richPart
		if json.Unmarshal(raw, &p) == nil {
			b.WriteString(r.richWord(p))
		}
	}
	return b.String()
}

func (r renderer) richWord(p richPart) string {
	switch p.Type {
	case "text":
		var style struct{ Bold, Italic, Strike, Code bool }
		json.Unmarshal(p.Style, &style) // no style is none
		return styled(r.escape(string(p.Text)), style.Bold, style.Italic, style.Strike, style.Code, string(p.Text))
	case "link":
		label := r.literal(string(p.Text))
		if label == "" {
			return r.link(r.escape(string(p.URL)), string(p.URL))
		}
		return r.link(label, string(p.URL))
	case "emoji":
		return ":" + r.escape(string(p.Name)) + ":"
	case "user":
		return r.angle("@" + string(p.UserID))
	case "broadcast":
		return r.angle("!" + string(p.Range))
	}
	return ""
}

func styled(escaped string, bold, italic, strike, code bool, plain string) string {
	inner := strings.TrimSpace(escaped)
	if inner == "" {
		return escaped
	}
	before, after, _ := strings.Cut(escaped, inner)
	if code && !strings.Contains(plain, "`") {
		inner = "`" + strings.TrimSpace(plain) + "`"
	}
	for _, m := range []struct {
		on   bool
		mark string
	}{{italic, "_"}, {bold, "**"}, {strike, "~~"}} {
		if m.on {
			inner = m.mark + inner + m.mark
		}
	}
	return before + inner + after
}

// readAll reads a request's body, or refuses it.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(r)
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return nil, &Refusal{http.StatusRequestEntityTooLarge, "invalid_payload"}
	}
	if err != nil {
		return nil, ErrInvalid
	}
	return b, nil
}

// ReadRequest is Read for a request, of at most MaxBody bytes.
func ReadRequest(w http.ResponseWriter, r *http.Request, name func(id string) (string, bool)) (Message, error) {
	body, err := readAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		return Message{}, err
	}
	return Read(r.Header.Get("Content-Type"), body, name)
}
