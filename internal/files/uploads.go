package files

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"golang.org/x/exp/slog"

	"hubbub/internal/chat"
)

// Uploads speak tus 1.0 (https://tus.io), by a library that knows nothing of people: who
// asks, and for which upload, is settled before it is asked. What else it would do is
// off: downloads, other protocols, parts put together, lengths told later, and methods
// in a header. What it does not do is done here: limits for people, an end for uploads
// that nobody finishes, errors as everybody else's, and the answer about an upload
// that became a file.

// finishTime is how long it may take to make a file of an upload.
const finishTime = 5 * time.Minute

// request is what we know of a request that the library answers.
type request struct {
	who chat.Login
	err error // why it was refused, if we refused it
	w   http.ResponseWriter
}

type requestKey struct{}

func (k *Keeper) newTus() (http.Handler, error) {
	composer := handler.NewStoreComposer()
	composer.UseCore(uploads{k})
	composer.UseTerminater(uploads{k})
	memorylocker.New().UseIn(composer) // a client that comes back goes before its own connection that was lost at this node
	return handler.NewHandler(handler.Config{
		StoreComposer: composer, MaxSize: k.limits.MaxFile, BasePath: "/api/uploads/",
		DisableDownload: true, DisableConcatenation: true, Cors: &handler.CorsConfig{Disable: true},
		NetworkTimeout: 30 * time.Second,
		Logger:         slog.New(slog.NewTextHandler(io.Discard, nil)), // its errors are answers, or ours to log
		PreUploadCreateCallback: func(h handler.HookEvent) (handler.HTTPResponse, handler.FileInfoChanges, error) {
			id, err := k.begin(h.Context, h.Upload)
			return handler.HTTPResponse{}, handler.FileInfoChanges{ID: string(id), MetaData: handler.MetaData{}}, k.refusal(h.Context, err)
		},
		PreFinishResponseCallback: func(h handler.HookEvent) (handler.HTTPResponse, error) {
			if r, ok := h.Context.Value(requestKey{}).(*request); ok {
				http.NewResponseController(r.w).SetWriteDeadline(time.Now().Add(finishTime))
			}
			return handler.HTTPResponse{}, k.refusal(h.Context, k.finish(h.Context, chat.FileID(h.Upload.ID)))
		},
	})
}

// refusal has the library answer with an error of ours.
func (k *Keeper) refusal(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.err = err
	}
	return handler.NewError("ERR_REFUSED", "refused", http.StatusBadRequest)
}

// begin notes a new upload.
func (k *Keeper) begin(ctx context.Context, info handler.FileInfo) (chat.FileID, error) {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return "", errors.New("files: an upload of nobody")
	}
	u := chat.Upload{
		File: chat.File{
			ID: NewID(), Name: CleanName(info.MetaData["filename"]), Type: Unknown,
			Width: claim(info.MetaData["width"], 16384), Height: claim(info.MetaData["height"], 16384),
			Duration: int64(claim(info.MetaData["duration"], 24*3600*1000)),
		},
		Owner: r.who.ID, Session: r.who.Session, Length: info.Size, Expires: time.Now().Add(chat.UploadAge),
	}
	if info.Size == 0 {
		return "", chat.Errorf(chat.CodeBadFrame, "the file is empty, or a folder")
	}
	return u.ID, k.files.AddUpload(ctx, u, k.limits.Quota)
}

// claim reads what a client says of a film or a sound, which is only for show.
func claim(text string, most int) int {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 1 && f <= float64(most)) {
		return 0
	}
	return int(math.Round(f))
}

// ServeUpload answers a request about uploads, at /api/uploads and below, of somebody
// who may send files. refuse writes an error.
func (k *Keeper) ServeUpload(w http.ResponseWriter, r *http.Request, who chat.Login, refuse func(http.ResponseWriter, *http.Request, error)) {
	id := chat.FileID(strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/uploads"), "/"))
	r.Header.Del("X-HTTP-Method-Override")
	q := &request{who: who, w: w}
	if err := k.admit(w, r, id); err != nil {
		refuse(w, r, err)
		return
	}
	if id != "" {
		u, err := k.mine(r.Context(), who, id)
		if err == nil && !u.Done && r.Method == http.MethodHead {
			err = k.catchUp(r.Context(), &u)
		}
		switch {
		case err != nil:
			refuse(w, r, err)
			return
		case r.Method == http.MethodDelete && u.Done:
			if err := k.files.DropUpload(r.Context(), id); err != nil {
				refuse(w, r, err)
				return
			}
			w.WriteHeader(http.StatusNoContent)
			return
		case u.Done:
			whole(w, r, u)
			return
		}
		w.Header().Set("Upload-Expires", u.Expires.UTC().Format(http.TimeFormat))
	}
	answer := &translator{ResponseWriter: w, r: r, q: q, refuse: refuse, limits: k.limits}
	inner := r.WithContext(context.WithValue(r.Context(), requestKey{}, q))
	defer k.writing.watch(w, inner)()
	http.StripPrefix("/api/uploads", k.tus).ServeHTTP(answer, inner)
}

// admit refuses what needs no look at an upload.
func (k *Keeper) admit(w http.ResponseWriter, r *http.Request, id chat.FileID) error {
	w.Header().Set("Tus-Resumable", "1.0.0")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case k.limits.MaxFile <= 0:
		return chat.Errorf(chat.CodeNoFiles, "this server takes no files")
	}
	return nil
}

// mine returns an upload of the person and the session that ask. Others' are not there.
func (k *Keeper) mine(ctx context.Context, who chat.Login, id chat.FileID) (chat.Upload, error) {
	u, err := k.files.Upload(ctx, id)
	if err == nil && (u.Owner != who.ID || u.Session != who.Session) {
		err = chat.NoFile()
	}
	return u, err
}

// catchUp finishes an upload whose last byte came before a crash.
func (k *Keeper) catchUp(ctx context.Context, u *chat.Upload) error {
	pieces, err := k.files.Pieces(ctx, u.ID)
	if err != nil || sum(pieces) != u.Length {
		return err // the library says what is missing
	}
	if err := k.finish(ctx, u.ID); err != nil {
		return err
	}
	u.Done = true
	return nil
}

// whole answers about an upload that became a file.
func whole(w http.ResponseWriter, r *http.Request, u chat.Upload) {
	length := strconv.FormatInt(u.Length, 10)
	w.Header().Set("Upload-Offset", length)
	w.Header().Set("Upload-Length", length)
	w.Header().Set("Upload-Expires", u.Expires.UTC().Format(http.TimeFormat))
	switch {
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusOK)
	case r.Method == http.MethodPatch && r.Header.Get("Upload-Offset") == length:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusConflict)
	}
}

// translator makes the library's answers ours: errors are JSON, and addresses have no
// host, which behind a proxy would be the wrong one.
type translator struct {
	http.ResponseWriter
	r      *http.Request
	q      *request
	refuse func(http.ResponseWriter, *http.Request, error)
	limits Limits
	status int
	silent bool // what follows is the library's own text
}

// Unwrap is for http.ResponseController: the library moves deadlines.
func (t *translator) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *translator) WriteHeader(status int) {
	if t.status != 0 {
		return
	}
	t.status = status
	h := t.Header()
	if at := h.Get("Location"); at != "" {
		h.Set("Location", at[strings.Index(at, "/api/uploads/"):])
		h.Set("Upload-Expires", time.Now().Add(chat.UploadAge).UTC().Format(http.TimeFormat))
	}
	if status < http.StatusBadRequest {
		t.ResponseWriter.WriteHeader(status)
		return
	}
	t.silent = true
	h.Del("Content-Length")
	err := t.q.err
	if err == nil {
		err = t.explain(status)
	}
	t.refuse(t.ResponseWriter, t.r, err)
}

func (t *translator) Write(p []byte) (int, error) {
	if t.silent {
		return len(p), nil
	}
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	return t.ResponseWriter.Write(p)
}

// explain says what a refusal of the library means.
func (t *translator) explain(status int) error {
	switch status {
	case http.StatusNotFound:
		return chat.NoFile()
	case http.StatusRequestEntityTooLarge:
		return chat.Errorf(chat.CodeTooLarge, "a file has at most %s", Megabytes(t.limits.MaxFile))
	case http.StatusConflict:
		return chat.Errorf(chat.CodeConflict, "the upload goes on at another place; ask where")
	case http.StatusLocked:
		return chat.Errorf(chat.CodeConflict, "the upload is being written by another request")
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		return chat.Errorf(chat.CodeUnavailable, "the upload was interrupted; go on with it")
	}
	return chat.Errorf(chat.CodeBadFrame, "that is no request of tus 1.0")
}

// Megabytes writes a size for people.
func Megabytes(n int64) string {
	if n < 1<<20 {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	return strconv.FormatFloat(math.Round(float64(n)/(1<<20)*10)/10, 'f', -1, 64) + " MB"
}
