package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/files"
)

// upload hands requests of tus to the keeper, once it is known who asks.
func (h *handler) upload(w http.ResponseWriter, r *http.Request) {
	l, err := h.login(r)
	switch {
	case err != nil:
	case h.Keeper == nil || l.ID == chat.OperatorID:
		err = chat.Errorf(chat.CodeForbidden, "the operator is nobody in particular")
	default:
		err = scoped(l, func(s *chat.Scope) bool { return s.Write })
	}
	if err == nil && r.Method == http.MethodPost {
		err = h.Gate.Write(l.ID)
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.Keeper.ServeUpload(w, r, l, h.refuse)
}

// file answers with a file, to those who can read a message that holds it.
func (h *handler) file(w http.ResponseWriter, r *http.Request) { h.serveFile(w, r, false) }

// thumb answers with the small picture of one.
func (h *handler) thumb(w http.ResponseWriter, r *http.Request) { h.serveFile(w, r, true) }

func (h *handler) serveFile(w http.ResponseWriter, r *http.Request, small bool) {
	f, body, err := h.openFile(r, small)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	defer body.Close()
	// Asked anew each time: who could read it yesterday may not today. The tag makes
	// that cheap.
	tag := `"` + string(f.ID) + `"`
	if small {
		tag, f.Type = `"`+string(f.ID)+`-thumb"`, "" // JPEG or PNG: it says so itself, and we made it
	}
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	header.Set("Cache-Control", "private, no-cache")
	header.Set("ETag", tag)
	switch {
	case small:
		header.Set("Content-Disposition", "inline")
	default:
		kind := f.Type
		if !files.Shown(kind) {
			kind = files.Unknown
		}
		header.Set("Content-Type", kind)
		header.Set("Content-Disposition", files.Disposition(f))
	}
	http.ServeContent(&patient{ResponseWriter: w, c: http.NewResponseController(w)}, r, "", time.Time{}, body)
}

// openFile decides who may read a file, and opens it. Every refusal is that of an id
// that was never given.
func (h *handler) openFile(r *http.Request, small bool) (f chat.File, body io.ReadSeekCloser, err error) {
	l, err := h.login(r)
	if err != nil {
		return f, nil, err
	}
	if h.Keeper == nil {
		return f, nil, chat.NoFile()
	}
	if err := scoped(l, func(s *chat.Scope) bool { return s.Read }); err != nil {
		return f, nil, err
	}
	ctx := context.WithoutCancel(r.Context())
	f, err = chat.AuthorizeFile(ctx, h.Directory, h.Files, l.Actor(), chat.FileID(r.PathValue("file")))
	switch {
	case err != nil:
		return f, nil, err
	case small && f.Thumb:
		body, err = h.Keeper.OpenThumb(ctx, f.ID)
	case small:
		err = chat.NoFile()
	default:
		body, err = h.Keeper.Open(ctx, f.ID)
	}
	return f, body, err
}

// patient gives a large file as long as somebody goes on reading it.
type patient struct {
	http.ResponseWriter
	c     *http.ResponseController
	until time.Time
}

// patience is how long a reader may take for some 32 KiB.
const patience = time.Minute

func (p *patient) Write(b []byte) (int, error) {
	if now := time.Now(); p.until.Sub(now) < patience/2 {
		p.until = now.Add(patience)
		p.c.SetWriteDeadline(p.until)
	}
	return p.ResponseWriter.Write(b)
}
