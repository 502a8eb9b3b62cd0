package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hubbub/internal/server"
)

// walk asks for one thing after the other, and remembers what it got.
type walk struct {
	*running
	seen map[string]bool // by the operation's name in the contract
}

// good makes a request that must succeed; do holds it and its answer against the
// contract.
func (w *walk) good(who, method, path, body string, header ...string) (answer map[string]any) {
	w.t.Helper()
	if who != "" {
		header = append(header, who)
	}
	resp, said := w.do(method, path, body, header...)
	if resp.StatusCode >= 400 {
		w.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, said)
	}
	w.saw(resp.Request)
	json.Unmarshal([]byte(said), &answer)
	return answer
}

func (w *walk) saw(req *http.Request) {
	if m := matching(req); m.Route != nil {
		w.seen[m.Operation.OperationID] = true
	}
}

// operator makes a request on the machine's own socket.
func (w *walk) operator(socket, method, path, body string) (answer map[string]any) {
	w.t.Helper()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	req, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer nobody") // the contract knows of no operator
	resp, err := tr.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d %s, %v", method, path, resp.StatusCode, said, err)
	}
	w.holds(req, body, resp, said)
	w.saw(req)
	json.Unmarshal(said, &answer)
	return answer
}

// field reads a string from an answer; path is like "room.id".
func field(t *testing.T, answer map[string]any, path string) string {
	t.Helper()
	var at any = answer
	for name := range strings.SplitSeq(path, ".") {
		if list, ok := at.([]any); ok && len(list) > 0 {
			at = list[0]
		}
		m, _ := at.(map[string]any)
		at = m[name]
	}
	s, ok := at.(string)
	if !ok {
		t.Fatalf("no %s in %v", path, answer)
	}
	return s
}

// files sends one, shows it, reads it, and gives another up.
func (w *walk) files(who, room string) {
	w.t.Helper()
	tus := "Tus-Resumable: 1.0.0"
	photo := snapshot(1000, 10)
	begin := func() string {
		resp, _ := w.begin(who, "oven.jpg", len(photo))
		w.saw(resp.Request)
		return resp.Header.Get("Location")
	}
	at := begin()
	w.good(who, "HEAD", at, "", tus)
	w.good(who, "PATCH", at, string(photo), tus, "Upload-Offset: 0", "Content-Type: application/offset+octet-stream")
	id := strings.TrimPrefix(at, "/api/uploads/")
	w.good(who, "POST", room+"/messages", `{"text":"","files":["`+id+`"]}`)
	w.good(who, "GET", "/api/files/"+id+"/oven.jpg", "")
	w.good(who, "GET", "/api/files/"+id+"/thumb", "")
	w.good(who, "DELETE", begin(), "", tus)
}

// Every route answers well at least once, and as the contract says: what no other
// test asks for is held against it here.
func TestEveryRouteAnswersAsTheContractSays(t *testing.T) {
	data := t.TempDir()
	w := &walk{serve(t, taking, func(c *server.Config) { c.Data = data }), make(map[string]bool)}
	id := func(who string) string { return field(t, w.good(who, "GET", "/api/me", ""), "you.id") }
	owner, ines, tom, guest := w.owner(), w.member("Ines"), w.member("Tomás"), w.guest("Gast")
	tomID, guestID := id(tom), id(guest)
	localhost := "Host: localhost:" + w.port() // passkeys want a name

	w.good("", "GET", "/api/openapi.yaml", "")
	w.good("", "GET", "/api/doctor?as=https://chat.example.org&try=x", "")
	w.good("", "GET", "/api/doctor/stream", "")
	w.good("", "GET", "/api/doctor/remedies", "")
	w.good("", "GET", "/api/place", "")
	w.good(owner, "GET", "/api/place", "")
	w.good(owner, "PATCH", "/api/place", `{"guests":"open","keep":{"days":365}}`)
	w.good("", "POST", "/api/guests", `{"name":"Visitor"}`)

	second := "Authorization: Bearer " + field(t, w.good("", "POST", "/api/sign-in", `{"name":"Ines","password":"`+goodPassword+`","token":true}`), "token")
	link := field(t, w.good(ines, "POST", "/api/me/link", ""), "link")
	third := "Authorization: Bearer " + field(t, w.good("", "POST", "/api/sign-in/link", `{"link":"`+secretOf(link)+`","token":true}`), "token")
	w.good(third, "POST", "/api/sign-out", "")
	w.good("", "POST", "/api/sign-in/passkey/begin", "{}", localhost)
	w.good(ines, "POST", "/api/me/passkeys/begin", "{}", localhost)
	w.good(ines, "PATCH", "/api/me", `{"name":"Inès"}`)
	w.good(ines, "GET", "/api/me/sessions", "")
	for _, s := range w.good(second, "GET", "/api/me/sessions", "")["sessions"].([]any) {
		if s := s.(map[string]any); s["this"] == true {
			w.good(ines, "DELETE", "/api/me/sessions/"+s["id"].(string), "")
		}
	}
	w.good(ines, "DELETE", "/api/me/sessions", "")
	w.good(ines, "PUT", "/api/me/password", `{"current":"`+goodPassword+`","password":"another harbour 8 tugboat"}`)
	w.good(tom, "PUT", "/api/me/picture", string(picture(300, 200)))
	w.good(tom, "GET", "/api/me", "")

	w.good(owner, "GET", "/api/people", "")
	w.good(owner, "GET", "/api/people?with=picture", "")
	w.good(ines, "GET", "/api/people/"+tomID+"/picture", "")
	w.good(owner, "GET", "/api/people/"+tomID+"/addresses", "")
	w.good(owner, "PATCH", "/api/people/"+tomID, `{"role":"admin"}`)
	w.good(owner, "PATCH", "/api/people/"+tomID, `{"role":"member"}`)

	kitchen := "/api/rooms/" + field(t, w.good(ines, "POST", "/api/rooms", `{"name":"kitchen","topic":"Ovens"}`), "room.id")
	secret := "/api/rooms/" + field(t, w.good(ines, "POST", "/api/rooms", `{"name":"Moving house","kind":"private","people":["`+tomID+`"]}`), "room.id")
	w.good(ines, "POST", "/api/direct", `{"people":["`+tomID+`"]}`)
	w.good(ines, "PATCH", strings.Replace(kitchen, "/api/rooms/", "/api/me/rooms/", 1), `{"quiet":true}`)
	w.good(ines, "GET", "/api/me/rooms", "")
	w.good(ines, "GET", "/api/rooms?q=kit", "")
	w.good(tom, "POST", kitchen+"/join", "")
	w.good(guest, "POST", kitchen+"/join", "")
	w.good(tom, "GET", kitchen, "")
	w.good(ines, "PATCH", kitchen, `{"name":"küche","topic":"","read_only":true,"guests_wait":true,"slow":30,"keep":{"days":30,"messages":1000}}`)
	w.good(guest, "GET", kitchen, "")
	w.good(ines, "PATCH", kitchen, `{"read_only":false,"slow":0,"keep":{},"archived":true}`)
	w.good(ines, "GET", kitchen, "")
	w.good(ines, "PATCH", kitchen, `{"archived":false}`)

	first := w.good(tom, "POST", kitchen+"/messages", `{"id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01","text":"Hello @Inès"}`)
	again := w.good(tom, "POST", kitchen+"/messages", `{"id":"0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01","text":"Hello @Inès"}`)
	if fmt.Sprint(first) != fmt.Sprint(again) {
		t.Errorf("sent again: %v, not %v", again, first)
	}
	message := fmt.Sprintf("%s/messages/%.0f", kitchen, first["event"].(map[string]any)["seq"])
	w.good(tom, "PATCH", message, `{"text":"Hello"}`)
	w.good(ines, "GET", message+"/history", "")
	w.good(ines, "GET", message+"/seen", "")
	w.good(ines, "PUT", message+"/reactions", `{"emoji":"🎉"}`)
	w.good(tom, "PUT", message+"/reactions", `{"emoji":"👍🏽"}`)
	seq := message[strings.LastIndex(message, "/"):]
	w.good(ines, "POST", kitchen+"/messages", `{"text":"@channel under it","thread":`+seq[1:]+`,"reply":`+seq[1:]+`}`)
	w.good(ines, "GET", kitchen+"/threads"+seq, "")
	w.good(guest, "PUT", kitchen+"/threads"+seq, `{"muted":true}`)
	w.good(tom, "GET", "/api/me/threads", "")
	w.good(ines, "PUT", kitchen+"/pins"+seq, "")
	w.good(ines, "GET", kitchen+"/pins", "")
	if err := w.server.Indexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"hello -zzz from:tom in:küche after:2020 before:9999w has:link -is:pinned on:", "under it", "%22"} {
		w.good(ines, "GET", "/api/search?limit=1&zone=-90&q="+url.QueryEscape(query), "")
	}
	w.good(ines, "GET", "/api/search?sort=best", "")
	w.good(ines, "GET", kitchen+"/events?after=1&limit=500", "")
	w.good(ines, "DELETE", kitchen+"/pins"+seq, "")
	w.good(ines, "DELETE", message+"/reactions", `{"emoji":"🎉"}`)
	w.good(tom, "DELETE", message+"/previews", "")
	w.files(ines, kitchen)
	w.good(tom, "PATCH", "/api/me", `{"share_reads":false}`)
	w.good(ines, "GET", kitchen+"/events?limit=3", "")
	w.good(ines, "GET", kitchen, "")
	w.good(guest, "POST", message+"/report", `{"reason":"Advertising"}`)
	report := field(t, w.good(ines, "GET", kitchen+"/reports", ""), "reports.id")
	w.good(ines, "DELETE", kitchen+"/reports/"+report, "")
	w.good(tom, "GET", strings.Replace(message, "/messages/", "/events/", 1)+"/stored", "")
	w.good(tom, "DELETE", message, "")
	w.good(ines, "GET", kitchen+"/events", "")

	w.good(ines, "PUT", kitchen+"/moderators/"+tomID, "")
	w.good(ines, "GET", kitchen+"/members?show=moderators", "")
	w.good(ines, "DELETE", kitchen+"/moderators/"+tomID, "")
	w.good(ines, "PUT", kitchen+"/mutes/"+tomID, `{"for":3600,"reason":"too loud"}`)
	w.good(ines, "GET", kitchen+"/members?show=muted", "")
	w.good(tom, "GET", kitchen, "")
	w.good(ines, "DELETE", kitchen+"/mutes/"+tomID, "")
	w.good(ines, "DELETE", kitchen+"/members/"+tomID, `{"reason":"enough"}`)
	w.good(tom, "GET", kitchen, "")
	w.good(ines, "PUT", kitchen+"/members/"+tomID, "")
	w.good(ines, "PUT", kitchen+"/bans/"+tomID, `{}`)
	w.good(tom, "GET", kitchen, "") // of which nothing is allowed
	w.good(ines, "GET", kitchen+"/members?show=banned", "")
	w.good(ines, "DELETE", kitchen+"/bans/"+tomID, "")
	w.good(guest, "POST", kitchen+"/leave", "")
	w.good(guest, "POST", kitchen+"/join", "") // to wait
	w.good(ines, "GET", kitchen+"/members?show=waiting&limit=1", "")
	w.good(ines, "DELETE", kitchen+"/waiting/"+guestID, "")
	w.good(guest, "POST", kitchen+"/join", "")
	w.good(ines, "PUT", kitchen+"/waiting/"+guestID, "")
	w.good(ines, "GET", kitchen+"/audit", "")
	w.good(ines, "GET", secret+"/audit", "")

	mine := strings.Replace(kitchen, "/api/rooms/", "/api/me/rooms/", 1)
	w.good(ines, "PATCH", mine, `{"level":"all","quiet":true}`)
	w.good(ines, "POST", mine+"/unread", `{"seq":1}`)
	w.good(ines, "POST", "/api/me/read", "")
	w.good(ines, "PUT", strings.Replace(kitchen, "/api/rooms/", "/api/me/drafts/", 1), `{"text":"The oven"}`)
	w.good(ines, "GET", "/api/me/rooms", "")
	w.good(ines, "GET", "/api/me/push", "")
	w.good(ines, "POST", "/api/me/push", `{"endpoint":"https://push.example.org/x","keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}`)
	w.good(ines, "DELETE", "/api/me/push", `{"endpoint":"https://push.example.org/x"}`)
	w.good(ines, "PATCH", "/api/me", `{"silent_until":-1,"quiet_hours":{"from":"22:00","to":"07:00","zone":"Europe/Zurich"}}`)
	w.good(ines, "GET", "/api/me", "")
	w.good(ines, "POST", kitchen+"/hooks", `{"kind":"in","name":"CI"}`)
	hook := kitchen + "/hooks/" + field(t, w.good(ines, "POST", kitchen+"/hooks", `{"kind":"out","name":"Relay","url":"https://hook.example.org/x","events":"mention"}`), "hook.id")
	w.good(ines, "GET", kitchen+"/hooks", "")
	w.good(ines, "PATCH", hook, `{"paused":true}`)
	w.good(ines, "POST", hook+"/retry", "")
	w.good(ines, "DELETE", hook, "")

	invite := field(t, w.good(ines, "POST", "/api/invites", `{"role":"member","room":"`+strings.TrimPrefix(secret, "/api/rooms/")+`","uses":5,"expires":3600,"note":"all"}`), "invite.link")
	w.good(ines, "GET", "/api/invites", "")
	w.good("", "POST", "/api/invites/look", `{"invite":"`+secretOf(invite)+`"}`)
	w.good(guest, "POST", "/api/me/invite", `{"invite":"`+secretOf(invite)+`"}`)
	w.good(ines, "DELETE", "/api/invites/"+field(t, w.good(ines, "GET", "/api/invites", ""), "invites.id"), "")
	nowhere := field(t, w.good(owner, "POST", "/api/invites", `{}`), "invite.link")
	w.good("", "POST", "/api/invites/look", `{"invite":"`+secretOf(nowhere)+`"}`)
	w.good(guest, "POST", "/api/me/invite", `{"invite":"`+secretOf(nowhere)+`"}`)

	w.good(owner, "POST", "/api/blocks", `{"range":"203.0.113.0/24","for":60,"reason":"floods"}`)
	w.good(owner, "DELETE", "/api/blocks/"+field(t, w.good(owner, "GET", "/api/blocks", ""), "blocks.id"), "")
	bot := "/api/bots/" + field(t, w.good(owner, "POST", "/api/bots", `{"name":"build-bot"}`), "bot.id")
	made := w.good(owner, "POST", bot+"/tokens", `{"label":"here","scopes":["read"],"rooms":["`+strings.TrimPrefix(kitchen, "/api/rooms/")+`"]}`)
	robot := "Authorization: Bearer " + field(t, made, "secret")
	w.good(robot, "GET", "/api/me", "")
	w.good(robot, "GET", kitchen, "")
	w.good(owner, "GET", "/api/bots", "")
	w.good(owner, "DELETE", bot+"/tokens/"+field(t, made, "token.id"), "")
	w.good(owner, "DELETE", bot, "")
	w.good(tom, "DELETE", "/api/me/picture", "")
	socket := filepath.Join(data, "admin.sock")
	w.operator(socket, "POST", "/api/owner-link", "{}")
	w.operator(socket, "GET", "/api/rooms", "")
	w.wire(ines, socket)
	w.operator(socket, "GET", "/api/blocks", "")
	w.operator(socket, "POST", "/api/blocks", `{"range":"203.0.113.0/24"}`)
	w.operator(socket, "GET", "/api/blocks", "")
	w.operator(socket, "POST", "/api/bots", `{"name":"other-bot"}`)
	w.operator(socket, "GET", "/api/bots", "")
	w.operator(socket, "PATCH", kitchen, `{"topic":"Kept in order"}`)
	sessions := "/api/people/" + tomID + "/sessions"
	w.operator(socket, "DELETE", sessions+"/"+field(t, w.operator(socket, "GET", sessions, ""), "sessions.id"), "")
	w.operator(socket, "DELETE", sessions, "")
	w.good(owner, "DELETE", "/api/people/"+tomID, "")
	w.good(owner, "GET", "/api/audit", "")
	w.good(ines, "GET", kitchen+"/audit", "")
	w.good(owner, "POST", "/api/restart", "")

	elsewhere := []string{ // need a passkey, or a provider
		"signInByPasskey", "addPasskey", "removePasskey", "toProvider", "fromProvider",
	}
	doc, _ := contract()
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if !w.seen[op.OperationID] && !slices.Contains(elsewhere, op.OperationID) {
				t.Errorf("%s was not asked for", op.OperationID)
			}
		}
	}
}
