package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// page serves the built web page from memory: each file as it is and, where the
// build made them, compressed.
type page struct {
	files map[string]map[string]file // by path, then by encoding; "" is the file as it is
}

type file struct {
	body []byte
	etag string
}

// encodings are the compressed forms, best first, and how the build names them.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// newPage reads all files of the build.
func newPage(dist fs.FS) *page {
	p := &page{files: make(map[string]map[string]file)}
	fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		encoding, base := "", name
		for _, e := range encodings {
			if b, ok := strings.CutSuffix(name, e.suffix); ok {
				encoding, base = e.name, b
			}
		}
		if p.files["/"+base] == nil {
			p.files["/"+base] = make(map[string]file)
		}
		sum := sha256.Sum256(body)
		p.files["/"+base][encoding] = file{body, `"` + hex.EncodeToString(sum[:12]) + `"`}
		return nil
	})
	return p
}

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "pages can only be read", http.StatusMethodNotAllowed)
		return
	}
	name := r.URL.Path
	if isView(name) {
		name = "/index.html"
	}
	forms, ok := p.files[name]
	switch {
	case !ok && name == "/index.html":
		http.Error(w, "This hubbub was built without its page. Run `make web` and build it again.", http.StatusNotFound)
		return
	case !ok:
		http.NotFound(w, r)
		return
	}
	encoding := ""
	for _, e := range encodings {
		if _, ok := forms[e.name]; ok && accepts(r, e.name) {
			encoding = e.name
			break
		}
	}
	f := forms[encoding]
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("ETag", f.etag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "/assets/") { // their names hold a hash of their content
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}

// isView says whether a path is an address within the page: a public room by its
// name, another one by its id, a way in, a search, the wire view.
func isView(name string) bool {
	switch name {
	case "/", "/join", "/link", "/sign-in", "/search", "/wire", "/doctor":
		return true
	}
	return strings.HasPrefix(name, "/r/") || strings.HasPrefix(name, "/p/") || strings.HasPrefix(name, "/wire/")
}

// contentType does not depend on what the machine's tables say of the types that
// the page cannot do without.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// accepts says whether the client takes an encoding. A refusal by q=0 is
// respected; preferences among those that it takes are not.
func accepts(r *http.Request, encoding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(part, ";")
		q = strings.ReplaceAll(q, " ", "")
		if strings.EqualFold(strings.TrimSpace(name), encoding) && q != "q=0" && !strings.HasPrefix(q, "q=0.000") {
			return true
		}
	}
	return false
}
