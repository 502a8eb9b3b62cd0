package server

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hubbub/internal/chat"
	"hubbub/internal/files"
	"hubbub/internal/s3test"
	"hubbub/internal/wire"
)

// someone is a person who asks nodes over HTTP.
type someone struct {
	*testing.T
	token string
}

func (ns *nodes) member(name string) *someone {
	ns.Helper()
	var made struct{ Token string }
	p := &someone{T: ns.T}
	p.ask(ns.all[0], "POST", "/api/guests", map[string]any{"name": name, "password": "nine geese in a rowing boat", "token": true}, &made)
	p.token = made.Token
	return p
}

func (p *someone) do(n *node, method, path string, body []byte, header ...string) (*http.Response, string) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, n.URL()+path, bytes.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	r.Header.Set("Tus-Resumable", "1.0.0")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	return resp, string(b)
}

// ask expects success, and reads the answer.
func (p *someone) ask(n *node, method, path string, body, into any) {
	p.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		p.Fatal(err)
	}
	resp, text := p.do(n, method, path, b, "Content-Type: application/json")
	if resp.StatusCode >= 300 {
		p.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			p.Fatal(err)
		}
	}
}

// begin begins an upload, and returns where it goes on.
func (p *someone) begin(n *node, name string, length int) (*http.Response, string) {
	p.Helper()
	resp, _ := p.do(n, "POST", "/api/uploads", nil, fmt.Sprint("Upload-Length: ", length), "Upload-Metadata: filename "+base64.StdEncoding.EncodeToString([]byte(name)))
	return resp, resp.Header.Get("Location")
}

func (p *someone) patch(n *node, at string, offset int, data []byte) (*http.Response, string) {
	p.Helper()
	return p.do(n, "PATCH", at, data, fmt.Sprint("Upload-Offset: ", offset), "Content-Type: application/offset+octet-stream")
}

// send uploads a file in as many pieces as there are nodes, each to another node.
func (p *someone) send(ns *nodes, name string, data []byte) string {
	p.Helper()
	resp, at := p.begin(ns.all[0], name, len(data))
	if resp.StatusCode != 201 {
		p.Fatal(resp.Status)
	}
	for i, n := range ns.all {
		from, to := len(data)*i/len(ns.all), len(data)*(i+1)/len(ns.all)
		for k, m := range ns.all {
			if resp, _ := p.do(m, "HEAD", at, nil); resp.StatusCode != 200 || resp.Header.Get("Upload-Offset") != fmt.Sprint(from) {
				p.Fatalf("node %d says that %d of %d bytes are there: %d %v", k, from, len(data), resp.StatusCode, resp.Header)
			}
		}
		if resp, text := p.patch(n, at, from, data[from:to]); resp.StatusCode != 204 || resp.Header.Get("Upload-Offset") != fmt.Sprint(to) {
			p.Fatalf("node %d: %d %s", i, resp.StatusCode, text)
		}
	}
	return strings.TrimPrefix(at, "/api/uploads/")
}

func (p *someone) room(n *node, kind string) string {
	p.Helper()
	var made struct{ Room struct{ ID string } }
	p.ask(n, "POST", "/api/rooms", map[string]any{"name": "files", "kind": kind}, &made)
	return made.Room.ID
}

func (p *someone) tell(n *node, room string, ids ...string) wire.Event {
	p.Helper()
	var made struct{ Event wire.Event }
	p.ask(n, "POST", "/api/rooms/"+room+"/messages", map[string]any{"text": "look", "files": ids}, &made)
	return made.Event
}

// at has nodes keep files at an address.
func at(address string) func(*Config) {
	return func(c *Config) { c.FilesAt, c.Files = address, DefaultFileLimits() }
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func drawing(t *testing.T) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 900, 450))
	copy(m.Pix, noise(len(m.Pix)))
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A file that comes to three nodes in turn is one file at all of them: whole, in parts, and
// small; those who may not read it get it at none; and when its message goes it goes.
func TestFilesOfNodes(t *testing.T) {
	for name, address := range map[string]func(t *testing.T) string{
		"s3":     func(t *testing.T) string { return s3test.Start(t).Bucket() },
		"folder": func(t *testing.T) string { return t.TempDir() },
	} {
		t.Run(name, func(t *testing.T) {
			place := address(t)
			ns := startNodes(t, 3, at(place))
			ines, mallory := ns.member("Ines"), ns.member("Mallory")
			room := ines.room(ns.all[1], "private")
			data, picture := append([]byte("not text: \x00\x01"), noise(9<<20)...), drawing(t)
			large, small := ines.send(ns, "noise.bin", data), ines.send(ns, "drawing.png", picture)
			if resp, _ := ines.do(ns.all[2], "GET", "/api/files/"+large+"/x", nil); resp.StatusCode != 404 {
				t.Errorf("before a message holds it: %d", resp.StatusCode)
			}
			e := ines.tell(ns.all[1], room, large, small)
			for i, n := range ns.all {
				if resp, body := ines.do(n, "GET", "/api/files/"+large+"/x", nil); resp.StatusCode != 200 || body != string(data) ||
					resp.Header.Get("Content-Length") != fmt.Sprint(len(data)) || resp.Header.Get("Content-Type") != files.Unknown {
					t.Errorf("node %d: %d %v, %d bytes", i, resp.StatusCode, resp.Header, len(body))
				}
				if resp, body := ines.do(n, "GET", "/api/files/"+large+"/x", nil, "Range: bytes=5000000-5000099"); resp.StatusCode != 206 || body != string(data[5000000:5000100]) {
					t.Errorf("node %d: a range: %d, %d bytes", i, resp.StatusCode, len(body))
				}
				if resp, body := ines.do(n, "GET", "/api/files/"+large+"/x", nil, "Range: bytes=-7"); resp.StatusCode != 206 || body != string(data[len(data)-7:]) {
					t.Errorf("node %d: its end: %d, %d bytes", i, resp.StatusCode, len(body))
				}
				if resp, _ := ines.do(n, "HEAD", "/api/files/"+large+"/x", nil); resp.StatusCode != 200 || resp.ContentLength != int64(len(data)) {
					t.Errorf("node %d: HEAD: %d %v", i, resp.StatusCode, resp.Header)
				}
				resp, body := ines.do(n, "GET", "/api/files/"+small+"/thumb", nil)
				if m, _, err := image.DecodeConfig(strings.NewReader(body)); resp.StatusCode != 200 || err != nil || m.Width != 720 || m.Height != 360 || resp.Header.Get("Content-Type") != "image/jpeg" {
					t.Errorf("node %d: the small picture: %d %v %v, %v", i, resp.StatusCode, resp.Header, m, err)
				}
				for _, path := range []string{"/api/files/" + large + "/x", "/api/files/" + small + "/thumb", "/api/files/" + small + "/x"} {
					if resp, body := mallory.do(n, "GET", path, nil); resp.StatusCode != 404 || len(body) > 200 {
						t.Errorf("node %d: a stranger gets %s: %d, %d bytes", i, path, resp.StatusCode, len(body))
					}
				}
			}
			ns.sweep(0)
			if got := ns.kept(place); got != 3 {
				t.Errorf("%d things are kept, not two files and a small picture", got)
			}
			ines.ask(ns.all[2], "DELETE", fmt.Sprintf("/api/rooms/%s/messages/%d", room, e.Seq), nil, nil)
			for i, n := range ns.all {
				if resp, _ := ines.do(n, "GET", "/api/files/"+large+"/x", nil); resp.StatusCode != 404 {
					t.Errorf("node %d: after the message: %d", i, resp.StatusCode)
				}
			}
			_, given := ines.begin(ns.all[0], "x", 100)
			ines.patch(ns.all[1], given, 0, []byte("some"))
			if resp, _ := ines.do(ns.all[2], "DELETE", given, nil); resp.StatusCode != 204 {
				t.Errorf("an upload is given up: %d", resp.StatusCode)
			}
			if resp, _ := ines.patch(ns.all[0], given, 4, []byte("more")); resp.StatusCode != 404 {
				t.Errorf("and goes on: %d", resp.StatusCode)
			}
			turn, err := ns.all[0].store.Take(t.Context(), sweepTurn)
			if err != nil || turn == nil {
				t.Fatal(turn, err)
			}
			ns.sweep(1)
			if got := ns.kept(place); got != 4 {
				t.Errorf("%d things are left while another node has the turn", got)
			}
			turn.End()
			ns.sweep(1)
			if got := ns.kept(place); got != 0 {
				t.Errorf("%d things are left", got)
			}
		})
	}
}

func (ns *nodes) sweep(i int) {
	ns.Helper()
	if err := ns.all[i].sweepInTurn(ns.Context()); err != nil {
		ns.Error(err)
	}
}

// kept counts what lies at a place.
func (ns *nodes) kept(place string) (n int) {
	ns.Helper()
	s, err := files.OpenStore(place, ns.TempDir())
	if err == nil {
		err = s.List(ns.Context(), "", func(string, int64) error {
			n++
			return nil
		})
	}
	if err != nil {
		ns.Fatal(err)
	}
	return n
}

// Of two nodes that are sent the same part one takes it; who begins uploads at several at
// once may send no more than one person may.
func TestUploadsRaced(t *testing.T) {
	const most = 5
	ns := startNodes(t, 2, at(t.TempDir()), func(c *Config) { c.Files.Quota = most * 1000 })
	ines := ns.member("Ines")
	var taken, refused atomic.Int64
	var all sync.WaitGroup
	var last atomic.Pointer[string]
	for i := range 4 * most {
		all.Go(func() {
			switch resp, where := ines.begin(ns.all[i%2], "x", 1000); resp.StatusCode {
			case 201:
				taken.Add(1)
				last.Store(&where)
			case 413:
				refused.Add(1)
			default:
				t.Errorf("%d", resp.StatusCode)
			}
		})
	}
	all.Wait()
	if taken.Load() != most || refused.Load() != 3*most {
		t.Errorf("%d uploads were taken, %d refused", taken.Load(), refused.Load())
	}
	where := *last.Load()
	for from := 0; from < 1000; from += 100 {
		var taken, late atomic.Int64
		for i := range 2 {
			all.Go(func() {
				switch resp, _ := ines.patch(ns.all[i], where, from, bytes.Repeat([]byte{byte('0' + from/100)}, 100)); resp.StatusCode {
				case 204:
					taken.Add(1)
				case 409:
					late.Add(1)
				default:
					t.Errorf("%d", resp.StatusCode)
				}
			})
		}
		all.Wait()
		if from < 900 && (taken.Load() != 1 || late.Load() != 1) || taken.Load() == 0 { // where it ends, all may say so
			t.Errorf("at %d %d were taken, %d came late", from, taken.Load(), late.Load())
		}
	}
	room := ines.room(ns.all[0], "public")
	id := strings.TrimPrefix(where, "/api/uploads/")
	ines.tell(ns.all[1], room, id)
	ns.sweep(0)
	if _, body := ines.do(ns.all[0], "GET", "/api/files/"+id+"/x", nil); len(body) != 1000 || body[0] != '0' || body[999] != '9' {
		t.Errorf("it became %q", body)
	}
}

// While the storage is away people are told so, messages go on, and uploads go on from
// where they were when it is back. A node starts meanwhile.
func TestStorageAway(t *testing.T) {
	s3 := s3test.Start(t)
	place := s3.Bucket()
	ns := startNodes(t, 2, at(place))
	ines := ns.member("Ines")
	room := ines.room(ns.all[0], "public")
	there := ines.send(ns, "there.bin", noise(1000))
	ines.tell(ns.all[0], room, there)
	_, half := ines.begin(ns.all[0], "half", 2000)
	if resp, text := ines.patch(ns.all[0], half, 0, noise(2000)[:1000]); resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	s3.Kill()
	away := func(what string, resp *http.Response, text string) {
		t.Helper()
		if resp.StatusCode != 503 || !strings.Contains(text, string(chat.CodeUnavailable)) || !strings.Contains(text, "the place where files are kept can not be reached") {
			t.Errorf("%s: %d %s", what, resp.StatusCode, text)
		}
	}
	resp, text := ines.do(ns.all[1], "GET", "/api/files/"+there+"/x", nil)
	away("a file", resp, text)
	resp, text = ines.patch(ns.all[1], half, 1000, noise(2000)[1000:])
	away("an upload", resp, text)
	ines.tell(ns.all[0], room)
	ns.add(NATS{URL: ns.nats.ClientURL()}, at(place))
	ines.tell(ns.all[2], room)
	s3.Run()
	if resp, _ := ines.do(ns.all[1], "HEAD", half, nil); resp.Header.Get("Upload-Offset") != "1000" {
		t.Errorf("the upload stands at %v", resp.Header)
	}
	if resp, text := ines.patch(ns.all[2], half, 1000, noise(2000)[1000:]); resp.StatusCode != 204 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if resp, body := ines.do(ns.all[2], "GET", "/api/files/"+there+"/x", nil); resp.StatusCode != 200 || body != string(noise(1000)) {
		t.Errorf("%d, %d bytes", resp.StatusCode, len(body))
	}
}
