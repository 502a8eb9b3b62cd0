package api_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hubbub/internal/client"
	"hubbub/internal/server"
	"hubbub/internal/wire"
)

// taking has a server take files of at most 3 MB, 8 MB a day.
func taking(c *server.Config) { c.Files = server.FileLimits{MaxFile: 3 << 20, Quota: 8 << 20} }

// begin asks for an upload; more header lines may follow.
func (r *running) begin(who, name string, length int, header ...string) (*http.Response, string) {
	r.t.Helper()
	meta := "Upload-Metadata: filename " + base64.StdEncoding.EncodeToString([]byte(name))
	return r.do("POST", "/api/uploads", "", append([]string{who, "Tus-Resumable: 1.0.0", fmt.Sprint("Upload-Length: ", length), meta}, header...)...)
}

func (r *running) patch(who, at string, offset int, data []byte) (*http.Response, string) {
	r.t.Helper()
	return r.do("PATCH", at, string(data), who, "Tus-Resumable: 1.0.0", fmt.Sprint("Upload-Offset: ", offset), "Content-Type: application/offset+octet-stream")
}

// send uploads a file in two pieces and returns its id.
func (r *running) send(who, name string, data []byte) string {
	r.t.Helper()
	resp, body := r.begin(who, name, len(data))
	at := resp.Header.Get("Location")
	if resp.StatusCode != 201 || !strings.HasPrefix(at, "/api/uploads/") || resp.Header.Get("Upload-Expires") == "" {
		r.t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	half := len(data) / 2
	for _, x := range []struct{ from, to int }{{0, half}, {half, len(data)}} {
		if resp, body := r.patch(who, at, x.from, data[x.from:x.to]); resp.StatusCode != 204 {
			r.t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	return strings.TrimPrefix(at, "/api/uploads/")
}

// place makes a room to send files to.
func (r *running) place(who, kind string) string {
	r.t.Helper()
	var made struct{ Room struct{ ID string } }
	r.ask("POST", "/api/rooms", map[string]any{"name": "files", "kind": kind}, &made, who)
	return made.Room.ID
}

func (r *running) tell(who, room string, body map[string]any) wire.Event {
	r.t.Helper()
	var made struct{ Event wire.Event }
	r.ask("POST", "/api/rooms/"+room+"/messages", body, &made, who)
	return made.Event
}

func snapshot(w, h int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	src := rand.New(rand.NewPCG(3, 4))
	for i := range m.Pix {
		m.Pix[i] = byte(src.Uint32()) | 0x80
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	var b bytes.Buffer
	jpeg.Encode(&b, m, nil)
	return b.Bytes()
}

const where = "52.5200N 13.4050E"

// A file is sent, shown in a message, read with its headers and in ranges, and goes with
// the message.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	r := serve(t, taking, func(c *server.Config) { c.Data = dir })
	ines := r.member("Ines")
	room := r.place(ines, "private")
	photo := snapshot(1000, 500)
	photo = append(append([]byte("\xff\xd8\xff\xe1\x00\x13"), where...), photo[2:]...)
	id := r.send(ines, "oven.jpg", photo)
	if resp, body := r.do("GET", "/api/files/"+id+"/oven.jpg", "", ines); resp.StatusCode != 404 {
		t.Errorf("before a message holds it: %d %s", resp.StatusCode, body)
	}
	e := r.tell(ines, room, map[string]any{"text": "", "files": []string{id}})
	f := e.Files[0]
	if len(e.Files) != 1 || f.Name != "oven.jpg" || f.Type != "image/jpeg" || f.Width != 1000 || f.Height != 500 || !f.Thumb || f.Size != int64(len(photo)-21) {
		t.Fatalf("%+v", e.Files)
	}
	resp, body := r.do("GET", "/api/files/"+id+"/oven.jpg", "", ines)
	h := resp.Header
	if resp.StatusCode != 200 || int64(len(body)) != f.Size || strings.Contains(body, where) || h.Get("Content-Type") != "image/jpeg" ||
		h.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'; sandbox" || h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("Cache-Control") != "private, no-cache" || h.Get("Content-Disposition") != `inline; filename="oven.jpg"; filename*=UTF-8''oven.jpg` ||
		h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("%d %v", resp.StatusCode, h)
	}
	if resp, part := r.do("GET", "/api/files/"+id+"/x", "", ines, "Range: bytes=100-199"); resp.StatusCode != 206 || part != body[100:200] {
		t.Errorf("a range: %d, %d bytes", resp.StatusCode, len(part))
	}
	if resp, again := r.do("GET", "/api/files/"+id+"/x", "", ines, "If-None-Match: "+h.Get("ETag")); resp.StatusCode != 304 || again != "" {
		t.Errorf("again: %d", resp.StatusCode)
	}
	resp, thumb := r.do("GET", "/api/files/"+id+"/thumb", "", ines)
	c, err := jpeg.DecodeConfig(strings.NewReader(thumb))
	if resp.StatusCode != 200 || err != nil || c.Width != 720 || c.Height != 360 || resp.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%d %v %v %v", resp.StatusCode, c, err, resp.Header)
	}
	if resp, _ := r.do("HEAD", "/api/files/"+id+"/x", "", ines); resp.StatusCode != 200 || resp.Header.Get("Content-Length") != fmt.Sprint(f.Size) {
		t.Errorf("HEAD: %d %v", resp.StatusCode, resp.Header)
	}
	var page struct{ Events []wire.Event }
	r.ask("GET", "/api/rooms/"+room+"/events", nil, &page, ines)
	if got := page.Events[len(page.Events)-1].Files; len(got) != 1 || got[0] != f {
		t.Errorf("read from the log: %+v", got)
	}
	if n := bytesIn(t, dir, id); n < len(photo) {
		t.Errorf("%d bytes on the disk", n)
	}
	r.ask("DELETE", fmt.Sprintf("/api/rooms/%s/messages/%d", room, e.Seq), nil, nil, ines)
	if resp, _ := r.do("GET", "/api/files/"+id+"/oven.jpg", "", ines); resp.StatusCode != 404 {
		t.Errorf("after the message: %d", resp.StatusCode)
	}
	if err := r.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := bytesIn(t, dir, id); n > 0 {
		t.Errorf("%d bytes are left on the disk", n)
	}
	if err := r.server.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// bytesIn adds up what lies in the folder of files under an id, or part of it.
func bytesIn(t *testing.T, dir, id string) (n int) {
	t.Helper()
	filepath.WalkDir(filepath.Join(dir, "files"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.Contains(path, id) || strings.Contains(path, id[2:])) {
			info, _ := d.Info()
			n += int(info.Size())
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s is %v", path, info.Mode())
			}
		}
		return nil
	})
	return n
}

// Nobody but who can read a message that holds a file gets a byte of it, and what they
// are told is what they are told of an id that was never given.
func TestFilesOfOthers(t *testing.T) {
	r := serve(t, taking)
	ines, mallory := r.member("Ines"), r.member("Mallory")
	guest := r.guest("Gus")
	room := r.place(ines, "private")
	id := r.send(ines, "secret.jpg", snapshot(900, 10))
	e := r.tell(ines, room, map[string]any{"text": "look", "files": []string{id}})
	never := "000000000000000000000000"
	same := func(what string, who ...string) {
		t.Helper()
		for _, path := range []string{"/api/files/%s/secret.jpg", "/api/files/%s/thumb"} {
			for _, method := range []string{"GET", "HEAD"} {
				a, aBody := r.do(method, fmt.Sprintf(path, id), "", who...)
				b, bBody := r.do(method, fmt.Sprintf(path, never), "", who...)
				if a.StatusCode != b.StatusCode || aBody != bBody || a.StatusCode < 400 || !sameHeaders(a.Header, b.Header) {
					t.Errorf("%s: %d %q, of no file %d %q", what, a.StatusCode, aBody, b.StatusCode, bBody)
				}
			}
		}
	}
	same("an outsider", mallory)
	same("a guest", guest)
	same("nobody")
	same("a range for an outsider", mallory, "Range: bytes=0-9")
	same("an outsider who has the tag", mallory, `If-None-Match: "`+id+`"`)
	for _, x := range []struct{ method, path, body string }{
		{"POST", "/api/rooms/%s/messages", `{"text":"mine now","files":["%s"]}`}, {"DELETE", "/api/uploads/%s", ""}, {"HEAD", "/api/uploads/%s", ""}, {"PATCH", "/api/uploads/%s", "x"},
	} {
		lobby := r.place(mallory, "public")
		ask := func(id string) (int, string) {
			path, body := fmt.Sprintf(x.path, id), x.body
			if x.method == "POST" {
				path, body = fmt.Sprintf(x.path, lobby), fmt.Sprintf(x.body, id)
			}
			resp, said := r.do(x.method, path, body, mallory, "Tus-Resumable: 1.0.0", "Upload-Offset: 0", "Content-Type: application/offset+octet-stream")
			return resp.StatusCode, said
		}
		a, aBody := ask(id)
		if b, bBody := ask(never); a != b || aBody != bBody || a != 404 {
			t.Errorf("%s %s: %d %q, of no file %d %q", x.method, x.path, a, aBody, b, bBody)
		}
	}
	// A member reads it, and does not after leaving.
	var me struct{ You wire.Person }
	r.ask("GET", "/api/me", nil, &me, mallory)
	r.ask("PUT", "/api/rooms/"+room+"/members/"+string(me.You.ID), nil, nil, ines)
	if resp, _ := r.do("GET", "/api/files/"+id+"/x", "", mallory); resp.StatusCode != 200 {
		t.Errorf("a member: %d", resp.StatusCode)
	}
	r.ask("POST", "/api/rooms/"+room+"/leave", nil, nil, mallory)
	same("who left", mallory)
	// Forwarded to a public room, everybody reads it, for as long as it is there.
	public := r.place(ines, "public")
	again := r.tell(ines, public, map[string]any{"text": "", "files": []string{id}})
	if resp, _ := r.do("GET", "/api/files/"+id+"/x", "", mallory); resp.StatusCode != 200 {
		t.Errorf("forwarded: %d", resp.StatusCode)
	}
	r.ask("DELETE", fmt.Sprintf("/api/rooms/%s/messages/%d", public, again.Seq), nil, nil, ines)
	same("no longer forwarded", mallory)
	if resp, _ := r.do("GET", "/api/files/"+id+"/x", "", ines); resp.StatusCode != 200 {
		t.Errorf("its owner, where it was first: %d", resp.StatusCode)
	}
	r.ask("DELETE", fmt.Sprintf("/api/rooms/%s/messages/%d", room, e.Seq), nil, nil, ines)
	same("deleted", ines)
}

func sameHeaders(a, b http.Header) bool {
	for _, h := range []http.Header{a, b} {
		h.Del("Date")
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// A bot's token for one room gets no file of another, and can carry none out.
func TestFilesOfScopedTokens(t *testing.T) {
	r := serve(t, taking)
	owner := r.owner()
	inside, outside := r.place(owner, "private"), r.place(owner, "private")
	var bot struct{ Bot wire.Person }
	r.ask("POST", "/api/bots", map[string]any{"name": "carrier"}, &bot, owner)
	for _, room := range []string{inside, outside} {
		r.ask("PUT", "/api/rooms/"+room+"/members/"+string(bot.Bot.ID), nil, nil, owner)
	}
	var made struct{ Secret string }
	r.ask("POST", "/api/bots/"+string(bot.Bot.ID)+"/tokens", map[string]any{"label": "x", "scopes": []string{"read", "write"}, "rooms": []string{outside}}, &made, owner)
	token := "Authorization: Bearer " + made.Secret
	id := r.send(owner, "plan.pdf", []byte("%PDF-1.7 secret"))
	r.tell(owner, inside, map[string]any{"text": "", "files": []string{id}})
	if resp, _ := r.do("GET", "/api/files/"+id+"/x", "", token); resp.StatusCode != 404 {
		t.Errorf("read: %d", resp.StatusCode)
	}
	if resp, body := r.do("POST", "/api/rooms/"+outside+"/messages", `{"text":"","files":["`+id+`"]}`, token); resp.StatusCode != 404 {
		t.Errorf("carried out: %d %s", resp.StatusCode, body)
	}
	own := r.send(token, "log.txt", []byte("all is well"))
	r.tell(token, outside, map[string]any{"text": "", "files": []string{own}})
}

// What is not what it seems is kept as a file that nothing shows, or refused.
func TestHostileFiles(t *testing.T) {
	r := serve(t, taking)
	ines := r.member("Ines")
	room := r.place(ines, "private")
	frame := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.Black, color.White})
	var g, p bytes.Buffer
	gif.Encode(&g, frame, nil)
	png.Encode(&p, frame)
	script := "<script>alert(1)</script>"
	for name, x := range map[string]struct {
		data  []byte
		kind  string // "": refused
		inner string // what is not to be in it
	}{
		"page.png":           {[]byte("<!doctype html>" + script), "text/html", ""},
		"drawing.svg":        {[]byte(`<svg xmlns="http://www.w3.org/2000/svg">` + script + `</svg>`), "text/plain", ""},
		"drawing2.svg":       {[]byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">` + script + `</svg>`), "text/xml", ""},
		"paper.pdf":          {[]byte("%PDF-1.7\n" + script), "application/pdf", ""},
		"polyglot.gif":       {append(bytes.Clone(g.Bytes()), script...), "image/gif", script},
		"polyglot.png":       {append(bytes.Clone(p.Bytes()), "PK\x03\x04 an archive"...), "image/png", "PK\x03\x04"},
		"polyglot.jpg":       {append(snapshot(8, 8), script...), "image/jpeg", script},
		"beginning-only.gif": {[]byte("GIF89a/*" + script + "*/=1;"), "", ""},
		"beginning-only.jpg": {[]byte("\xff\xd8\xff\xe0" + script), "", ""},
		"beginning-only.png": {[]byte("\x89PNG\r\n\x1a\n" + script), "", ""},
		"bomb.png":           {bomb(50_000, 50_000), "", ""},
		"large.png":          {bomb(12_000, 12_000), "application/octet-stream", ""},
		"cut off.png":        {p.Bytes()[:p.Len()-20], "", ""},
		"film.mp4":           {film(), "video/mp4", where},
		"voice.webm":         {[]byte("\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm----A_OPUS----"), "audio/webm", ""},
		"song.mp3":           {[]byte("\xff\xfb\x90\x64 frames"), "audio/mpeg", ""},
		"program.exe":        {[]byte("MZ\x00\x00\x90"), "application/octet-stream", ""},
	} {
		resp, body := r.begin(ines, name, len(x.data))
		if resp.StatusCode != 201 {
			t.Fatalf("%s: %d %s", name, resp.StatusCode, body)
		}
		at := resp.Header.Get("Location")
		resp, body = r.patch(ines, at, 0, x.data)
		if x.kind == "" {
			if resp.StatusCode != 400 || !strings.Contains(body, `"bad_picture"`) || !strings.Contains(body, "picture") {
				t.Errorf("%s: %d %s", name, resp.StatusCode, body)
			}
			if resp, _ := r.do("HEAD", at, "", ines); resp.StatusCode != 404 {
				t.Errorf("%s is still there: %d", name, resp.StatusCode)
			}
			continue
		}
		if resp.StatusCode != 204 {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
			continue
		}
		id := strings.TrimPrefix(at, "/api/uploads/")
		f := r.tell(ines, room, map[string]any{"text": "", "files": []string{id}}).Files[0]
		resp, body = r.do("GET", "/api/files/"+id+"/"+strings.ReplaceAll(name, " ", "%20"), "", ines)
		kind, disposition := resp.Header.Get("Content-Type"), resp.Header.Get("Content-Disposition")
		media := strings.HasPrefix(x.kind, "image/") || strings.HasPrefix(x.kind, "video/") || strings.HasPrefix(x.kind, "audio/")
		if f.Type != x.kind || (media && (kind != x.kind || !strings.HasPrefix(disposition, "inline"))) ||
			(!media && (kind != "application/octet-stream" || !strings.HasPrefix(disposition, "attachment"))) {
			t.Errorf("%s: %+v, %s, %s", name, f, kind, disposition)
		}
		if x.inner != "" && strings.Contains(body, x.inner) {
			t.Errorf("%s still holds %q", name, x.inner)
		}
		if x.inner == "" && !strings.HasPrefix(x.kind, "image/") && body != string(x.data) && name != "large.png" {
			t.Errorf("%s came back different", name)
		}
	}
}

// bomb is a PNG of a few bytes that says it is w x h.
func bomb(w, h uint32) []byte {
	chunk := func(name string, body []byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		b = append(append(b, name...), body...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 6, 0, 0, 0)), chunk("IDAT", []byte("x")), chunk("IEND", nil)}, nil)
}

// film is the skeleton of one that says where it was taken.
func film() []byte {
	box := func(name string, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), name...), body...)
	}
	return bytes.Join([][]byte{box("ftyp", []byte("isom\x00\x00\x00\x00isom")),
		box("moov", box("trak", box("mdia", []byte("vide")), box("udta", []byte(where))), box("udta", []byte("\xa9xyz"+where)), box("meta", []byte(where))),
		box("mdat", []byte("pictures and sound"))}, nil)
}

// Names are only names.
func TestFileNames(t *testing.T) {
	r := serve(t, taking)
	ines := r.member("Ines")
	room := r.place(ines, "private")
	for name, want := range map[string]string{
		"../../etc/passwd": "passwd", `..\..\boot.ini`: "boot.ini", "a\x00b.txt": "ab.txt", "photo\u202egpj.exe": "photogpj.exe", "\u2066x\u2069.png": "x.png",
		"": "file", "..": "file", "/": "file", "line\r\nSet-Cookie: a=b": "lineSet-Cookie_ a=b", " Übersicht 50 % (neu)'s+\u200b.pdf": "Übersicht 50 % (neu)'s+.pdf",
		`quote".txt`: "quote_.txt", "文档.txt": "文档.txt", "\xff\xfe.txt": "txt", strings.Repeat("ü", 300) + ".jpeg": strings.Repeat("ü", 97) + ".jpeg", ".htaccess": "htaccess",
	} {
		id := r.send(ines, name, []byte("some text"))
		f := r.tell(ines, room, map[string]any{"text": "", "files": []string{id}}).Files[0]
		if f.Name != want {
			t.Errorf("%q became %q, want %q", name, f.Name, want)
		}
		resp, _ := r.do("GET", "/api/files/"+id+"/x", "", ines)
		disposition := resp.Header.Get("Content-Disposition")
		_, params, err := parseDisposition(disposition)
		if err != nil || params != want || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%q: %s says %q, %v", name, disposition, params, err)
		}
	}
}

// Too much is refused at once, in words, and before a byte is sent.
func TestFileLimits(t *testing.T) {
	r := serve(t, taking)
	ines := r.member("Ines")
	refused := func(what, code string, status int, resp *http.Response, body string) {
		t.Helper()
		var said struct {
			Error struct{ Code, Message string }
		}
		json.Unmarshal([]byte(body), &said)
		if resp.StatusCode != status || said.Error.Code != code || said.Error.Message == "" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %v %s", what, resp.StatusCode, resp.Header, body)
		}
	}
	resp, body := r.begin(ines, "film.mkv", 5_000_000_000)
	refused("5 GB", "too_large", 413, resp, body)
	if !strings.Contains(body, "3 MB") {
		t.Error(body)
	}
	resp, body = r.begin(ines, "folder", 0)
	refused("a folder", "bad_frame", 400, resp, body)
	resp, body = r.begin(ines, "x", 10, "Upload-Defer-Length: 1")
	refused("a length that comes later", "bad_frame", 400, resp, body)
	resp, body = r.begin(ines, "x", -1)
	refused("a negative length", "bad_frame", 400, resp, body)
	resp, body = r.do("POST", "/api/uploads", "", ines, "Upload-Length: 10")
	refused("no version", "bad_frame", 400, resp, body)
	for range 2 {
		if resp, body = r.begin(ines, "x", 3<<20); resp.StatusCode != 201 {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	one := resp.Header.Get("Location")
	resp, body = r.begin(ines, "x", 3<<20)
	refused("more than a person may in a day", "too_large", 413, resp, body)
	resp, body = r.patch(ines, one, 5, []byte("abc"))
	refused("another place", "conflict", 409, resp, body)
	resp, _ = r.begin(ines, "x", 10)
	resp, body = r.patch(ines, resp.Header.Get("Location"), 0, []byte("eleven byte"))
	refused("more than was announced", "too_large", 413, resp, body)
	if resp, _ := r.do("DELETE", one, "", ines, "Tus-Resumable: 1.0.0"); resp.StatusCode != 204 {
		t.Errorf("cancel: %d", resp.StatusCode)
	}
	if resp, body = r.begin(ines, "x", 3<<20); resp.StatusCode != 201 {
		t.Errorf("after one was cancelled: %d %s", resp.StatusCode, body)
	}
	// Ways of the library that are shut.
	at := resp.Header.Get("Location")
	resp, body = r.do("GET", at, "", ines)
	refused("a download", "not_found", 404, resp, body)
	resp, body = r.do("POST", "/api/uploads", "x", ines, "Tus-Resumable: 1.0.0", "Upload-Concat: final;"+at)
	refused("parts put together", "bad_frame", 400, resp, body)
	resp, body = r.do("POST", "/api/uploads", "", ines, "Upload-Draft-Interop-Version: 6", "Upload-Complete: ?1")
	refused("the draft of the IETF", "bad_frame", 400, resp, body)
	resp, body = r.do("POST", "/api/uploads", "", ines, "Tus-Resumable: 1.0.0", "Upload-Length: 9", "X-HTTP-Method-Override: DELETE")
	if resp.StatusCode != 201 {
		t.Errorf("a method in a header: %d %s", resp.StatusCode, body)
	}
	for _, path := range []string{"/api/uploads/..%2f..%2fhubbub.db", "/api/uploads/half", "/api/uploads/%2e%2e", "/api/files/..%2f..%2fhubbub.db/x"} {
		if resp, body := r.do("GET", path, "", ines); resp.StatusCode != 404 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	off := serve(t)
	tom := off.member("Tom")
	resp, body = off.begin(tom, "x", 10)
	refused("where there are no files", "no_files", 403, resp, body)
	if resp, body := r.do("POST", "/api/uploads", "", "Tus-Resumable: 1.0.0", "Upload-Length: 9"); resp.StatusCode != 401 {
		t.Errorf("nobody: %d %s", resp.StatusCode, body)
	}
}

// An upload goes on after a lost connection, on the same session, and after a restart.
func TestUploadsGoOn(t *testing.T) {
	dir := t.TempDir()
	start := func() *running { return serve(t, taking, func(c *server.Config) { c.Data = dir }) }
	r := start()
	ines := r.member("Ines")
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	resp, _ := r.begin(ines, "numbers.txt", len(data))
	at := resp.Header.Get("Location")
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.Replace(r.url, "localhost", "127.0.0.1", 1), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: localhost\r\n%s\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: %d\r\n\r\n", at, ines, len(data))
	conn.Write(data[:400_000]) // and then nothing: the server does not know that it is lost
	var offset int
	for deadline := time.Now().Add(10 * time.Second); offset == 0 && time.Now().Before(deadline); {
		resp, _ := r.do("HEAD", at, "", ines, "Tus-Resumable: 1.0.0")
		fmt.Sscan(resp.Header.Get("Upload-Offset"), &offset)
	}
	conn.Close()
	if offset == 0 || offset > 400_000 {
		t.Fatalf("it stands at %d", offset)
	}
	if resp, _ := r.do("HEAD", at, "", r.guest("Mallory"), "Tus-Resumable: 1.0.0"); resp.StatusCode != 404 {
		t.Errorf("somebody else's: %d", resp.StatusCode)
	}
	var second struct{ Token string }
	r.ask("POST", "/api/sign-in", map[string]any{"name": "Ines", "password": goodPassword, "token": true}, &second)
	if resp, _ := r.do("HEAD", at, "", "Authorization: Bearer "+second.Token, "Tus-Resumable: 1.0.0"); resp.StatusCode != 404 {
		t.Errorf("another session of the same person: %d", resp.StatusCode)
	}
	if resp, body := r.patch(ines, at, offset, data[offset:]); resp.StatusCode != 204 || resp.Header.Get("Upload-Offset") != fmt.Sprint(len(data)) {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	// The answer was lost: the client asks where it stands, and sends the rest again.
	for range 2 {
		if resp, _ := r.do("HEAD", at, "", ines, "Tus-Resumable: 1.0.0"); resp.StatusCode != 200 || resp.Header.Get("Upload-Offset") != fmt.Sprint(len(data)) {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		if resp, _ := r.patch(ines, at, len(data), nil); resp.StatusCode != 204 {
			t.Errorf("%d", resp.StatusCode)
		}
	}
	room := r.place(ines, "private")
	id := strings.TrimPrefix(at, "/api/uploads/")
	r.tell(ines, room, map[string]any{"text": "", "files": []string{id}})
	if _, body := r.do("GET", "/api/files/"+id+"/x", "", ines); body != string(data) {
		t.Errorf("%d bytes came back", len(body))
	}
	if resp, _ := r.do("DELETE", at, "", ines, "Tus-Resumable: 1.0.0"); resp.StatusCode != 404 {
		t.Errorf("a file that a message holds was dropped: %d", resp.StatusCode)
	}
}

// What came of an upload before a server stopped is there when it starts again.
func TestUploadsWhenItStops(t *testing.T) {
	dir := t.TempDir()
	start := func() *running { return serve(t, taking, func(c *server.Config) { c.Data = dir }) }
	r := start()
	ines := r.member("Ines")
	const came, all = 400_000, 1_000_000
	resp, _ := r.begin(ines, "numbers.txt", all)
	at := resp.Header.Get("Location")
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.Replace(r.url, "localhost", "127.0.0.1", 1), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: localhost\r\n%s\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: %d\r\n\r\n", at, ines, all)
	if _, err := conn.Write(make([]byte, came)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if half, _ := os.ReadDir(filepath.Join(dir, "files", "half")); len(half) > 0 {
			break // it has begun to write
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is written")
		}
	}
	r.stop()
	r = start()
	if resp, _ := r.do("HEAD", at, "", ines, "Tus-Resumable: 1.0.0"); resp.Header.Get("Upload-Offset") != fmt.Sprint(came) {
		t.Errorf("of %d bytes that came it has kept %s", came, resp.Header.Get("Upload-Offset"))
	}
}

// An upload whose last byte came before a crash is finished by asking for it.
func TestUploadCutOffAtItsEnd(t *testing.T) {
	dir := t.TempDir()
	r := serve(t, taking, func(c *server.Config) { c.Data = dir })
	ines := r.member("Ines")
	resp, _ := r.begin(ines, "x.txt", 10)
	at := resp.Header.Get("Location")
	id := strings.TrimPrefix(at, "/api/uploads/")
	inTheWay := filepath.Join(dir, "files", id[:2], id[2:])
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	if resp, body := r.patch(ines, at, 0, []byte("0123456789")); resp.StatusCode != 503 || !strings.Contains(body, "can not be reached") {
		t.Errorf("where it can not be kept: %d %s", resp.StatusCode, body)
	}
	if resp, body := r.do("HEAD", at, "", ines); resp.StatusCode != 503 {
		t.Errorf("still not: %d %s", resp.StatusCode, body)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	room := r.place(ines, "private")
	if resp, body := r.do("POST", "/api/rooms/"+room+"/messages", `{"text":"","files":["`+id+`"]}`, ines); resp.StatusCode != 409 || !strings.Contains(body, "not_finished") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := r.do("HEAD", at, "", ines); resp.StatusCode != 200 || resp.Header.Get("Upload-Offset") != "10" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if f := r.tell(ines, room, map[string]any{"text": "", "files": []string{id}}).Files[0]; f.Size != 10 || f.Type != "text/plain" {
		t.Errorf("%+v", f)
	}
}

// What a message says beside files: too many, twice the same, none and no text.
func TestMessagesWithFiles(t *testing.T) {
	r := serve(t, taking)
	ines := r.member("Ines")
	room := r.place(ines, "private")
	id := r.send(ines, "a.txt", []byte("a text"))
	many := strings.Repeat(`"`+id+`",`, 11)
	for body, code := range map[string]string{
		`{"text":""}`: "empty_text", `{"text":"","files":[]}`: "empty_text", `{"text":"","files":[` + many[:len(many)-1] + `]}`: "too_many",
		`{"text":"","files":["` + id + `","` + id + `"]}`: "conflict", `{"text":"","files":["../x"]}`: "not_found", `{"text":"","files":[7]}`: "bad_frame",
	} {
		if resp, said := r.do("POST", "/api/rooms/"+room+"/messages", body, ines); resp.StatusCode < 400 || !strings.Contains(said, code) {
			t.Errorf("%s: %d %s", body, resp.StatusCode, said)
		}
	}
	e := r.tell(ines, room, map[string]any{"text": "with a caption", "files": []string{id}})
	path := fmt.Sprintf("/api/rooms/%s/messages/%d", room, e.Seq)
	var edited struct{ Event wire.Event }
	r.ask("PATCH", path, map[string]any{"text": "", "files": []string{id}}, &edited, ines)
	if edited.Event.Text != "" || len(edited.Event.Files) != 1 {
		t.Errorf("%+v", edited.Event)
	}
	r.ask("PATCH", path, map[string]any{"text": "only text", "files": []string{}}, &edited, ines)
	if resp, _ := r.do("GET", "/api/files/"+id+"/x", "", ines); resp.StatusCode != 404 || edited.Event.Files == nil {
		t.Errorf("%d %+v", resp.StatusCode, edited.Event)
	}
}

// Plain text has the names of files.
func TestFilesInPlainText(t *testing.T) {
	r := serve(t, taking)
	ines := r.member("Ines")
	p, err := client.DialPlain(t.Context(), r.url, "/rooms/files")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	room := r.place(ines, "public")
	id := r.send(ines, "a.txt", []byte("a text"))
	r.tell(ines, room, map[string]any{"text": "", "files": []string{id}})
	r.tell(ines, room, map[string]any{"text": "again", "files": []string{id}})
	for _, want := range []string{"[a.txt]", "again\n[a.txt]"} {
		if got, err := p.Read(t.Context()); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// A voice note is sent in one go, and says how long it is.
func TestVoiceNotes(t *testing.T) {
	r := serve(t, taking)
	ines := r.member("Ines")
	room := r.place(ines, "private")
	sound := append([]byte("OggS\x00\x02........OpusHead"), make([]byte, 100)...)
	meta := fmt.Sprintf("Upload-Metadata: filename %s,duration %s", base64.StdEncoding.EncodeToString([]byte("note.ogg")), base64.StdEncoding.EncodeToString([]byte("2500")))
	resp, _ := r.do("POST", "/api/uploads", string(sound), ines, "Tus-Resumable: 1.0.0", fmt.Sprint("Upload-Length: ", len(sound)), meta, "Content-Type: application/offset+octet-stream")
	if resp.StatusCode != 201 {
		t.Fatal(resp.StatusCode)
	}
	id := strings.TrimPrefix(resp.Header.Get("Location"), "/api/uploads/")
	f := r.tell(ines, room, map[string]any{"text": "", "files": []string{id}}).Files[0]
	if f.Type != "audio/ogg" || f.Duration != 2500 {
		t.Errorf("%+v", f)
	}
}

func parseDisposition(text string) (how, name string, err error) {
	how, params, err := mime.ParseMediaType(text)
	return how, params["filename"], err
}
