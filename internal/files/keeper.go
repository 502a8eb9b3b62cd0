package files

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/picture"
)

// Limits of what people may send. MaxFile 0 switches files off.
type Limits struct {
	MaxFile int64 // bytes of one file
	Quota   int64 // bytes that a person may send in a day; 0: no limit
}

// DefaultLimits are what a server should have that people use.
func DefaultLimits() Limits { return Limits{MaxFile: 100 << 20, Quota: 1 << 30} }

const (
	maxPicture = 64 << 20 // bytes of a picture: it is taken apart in memory
	thumbSide  = 720      // of a small picture
	thumbOver  = 96 << 10 // bytes; a picture below needs none if it is small anyway
	maxThumb   = 8 << 20  // bytes; as a PNG of noise it would have two million
	goneAtOnce = 100
)

// Keeper takes files in, and gives them up.
type Keeper struct {
	store  Store
	files  chat.Files
	log    *slog.Logger
	limits Limits
	tus    http.Handler
	told   atomic.Int64 // when an outage of the store was logged last, in nanoseconds

	writing underWay

	finishing sync.Mutex
	busy      map[chat.FileID]*sync.Mutex // uploads that are being finished
}

// New returns a keeper. What is not whole yet lies in the store too.
func New(store Store, files chat.Files, limits Limits, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{store: store, files: files, log: log, limits: limits, busy: make(map[chat.FileID]*sync.Mutex)}
	k.writing.writing, k.writing.over = make(map[*body]struct{}), make(chan struct{})
	var err error
	k.tus, err = k.newTus()
	return k, err
}

// Limits returns what people may send.
func (k *Keeper) Limits() Limits { return k.limits }

// NewID returns the id of a new file.
func NewID() chat.FileID {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	b := make([]byte, 24)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return chat.FileID(b)
}

// Open returns the bytes of a file; CodeNotFound, CodeUnavailable.
func (k *Keeper) Open(ctx context.Context, id chat.FileID) (io.ReadSeekCloser, error) {
	r, err := k.store.Open(ctx, string(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, chat.NoFile()
	}
	return r, k.away(err)
}

// OpenThumb returns the small picture of one. It is read at once: who serves it looks at
// how it begins, and then begins anew.
func (k *Keeper) OpenThumb(ctx context.Context, id chat.FileID) (io.ReadSeekCloser, error) {
	r, err := k.Open(ctx, thumbOf(id))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxThumb))
	return thumb{bytes.NewReader(b)}, k.away(err)
}

// thumb is a small picture that was read.
type thumb struct{ *bytes.Reader }

func (thumb) Close() error { return nil }

func thumbOf(id chat.FileID) chat.FileID { return id + "-thumb" }

// put keeps something in the store.
func (k *Keeper) put(ctx context.Context, name string, r io.Reader) error {
	return k.away(k.store.Put(ctx, name, r))
}

// away makes of a failure of the store what people are told; the operator reads what it
// was, from time to time.
func (k *Keeper) away(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, context.Canceled) || chat.AsError(err).Code != chat.CodeInternal {
		return err
	}
	now, before := time.Now().UnixNano(), k.told.Load()
	if time.Duration(now-before) > 10*time.Second && k.told.CompareAndSwap(before, now) {
		k.log.Error("files can not be kept or read", "err", err)
	}
	return chat.Errorf(chat.CodeUnavailable, "the place where files are kept can not be reached; try again in a moment")
}

// lock keeps an upload from being finished twice at a time.
func (k *Keeper) lock(id chat.FileID) (unlock func()) {
	k.finishing.Lock()
	m := k.busy[id]
	if m == nil {
		m = new(sync.Mutex)
		k.busy[id] = m
	}
	k.finishing.Unlock()
	m.Lock()
	return func() {
		m.Unlock()
		k.finishing.Lock()
		delete(k.busy, id) // who waits for m finds the upload done
		k.finishing.Unlock()
	}
}

// finish makes a file of an upload that is whole. A crash at any place leaves an upload
// that can be finished again, or that expires. Two nodes that do it at once keep the same
// bytes.
func (k *Keeper) finish(ctx context.Context, id chat.FileID) error {
	defer k.lock(id)()
	u, err := k.files.Upload(ctx, id)
	if err != nil || u.Done {
		return err
	}
	pieces, err := k.files.Pieces(ctx, id)
	if err == nil {
		err = k.examine(ctx, &parts{ctx: ctx, store: k.store, pieces: pieces}, &u)
	}
	if err == nil {
		err = k.files.FinishUpload(ctx, u.File)
	}
	if err == nil {
		return nil
	}
	return k.unfinished(context.WithoutCancel(ctx), id, err)
}

// unfinished says what becomes of an upload that could not be finished. Another node may
// have done it meanwhile, and a message may hold it by now; or it was given up, and what
// was kept of it goes.
func (k *Keeper) unfinished(ctx context.Context, id chat.FileID, why error) error {
	switch u, err := k.files.Upload(ctx, id); {
	case err == nil && u.Done:
		return nil
	case err != nil && chat.AsError(err).Code == chat.CodeNotFound:
		_, _, err := k.files.File(ctx, id)
		if err != nil && chat.AsError(err).Code == chat.CodeNotFound {
			return errors.Join(err, k.forget(ctx, id))
		}
		return err
	case errors.Is(why, fs.ErrNotExist):
		k.log.Error("a piece of an upload is gone from the store of files", "upload", id)
		return errors.Join(chat.NoFile(), k.files.DropUpload(ctx, id))
	case chat.AsError(why).Code == chat.CodeBadPicture: // it was refused, and did not only fail
		return errors.Join(why, k.files.DropUpload(ctx, id))
	}
	return k.away(why)
}

// examine finds out what a file is, and keeps it without what is not for others.
func (k *Keeper) examine(ctx context.Context, f *parts, u *chat.Upload) error {
	if u.Size = sum(f.pieces); u.Size != u.Length {
		return chat.Errorf(chat.CodeConflict, "the upload is not whole; ask where it goes on")
	}
	head := make([]byte, headBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	u.Type = Sniff(head[:n])
	all := f.from(0)
	defer all.Close()
	if isPicture(u.Type) {
		return k.keepPicture(ctx, all, u)
	}
	if !Shown(u.Type) {
		u.Width, u.Height, u.Duration = 0, 0, 0
	}
	spans := telling(u.Type, f, u.Size)
	if f.err != nil {
		return f.err // it may say more of itself than was found
	}
	return k.put(ctx, string(u.ID), &blanked{r: all, spans: spans})
}

// keepPicture keeps a picture without what it says of itself, and a small one of it.
func (k *Keeper) keepPicture(ctx context.Context, f io.Reader, u *chat.Upload) error {
	if u.Size > maxPicture {
		return chat.Errorf(chat.CodeBadPicture, "a picture has at most %d MB", maxPicture>>20)
	}
	sent, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	u.Duration = 0
	kept, err := picture.Cut(u.Type, sent)
	if err != nil {
		return chat.Errorf(chat.CodeBadPicture, "that picture is damaged")
	}
	info, err := picture.Look(kept)
	if err == nil && info.Pixels() > picture.MaxShown {
		return chat.Errorf(chat.CodeBadPicture, "that picture has too many pixels")
	}
	u.Size, u.Width, u.Height = int64(len(kept)), info.Width, info.Height
	var small []byte
	if err == nil && info.Decodable {
		small, _, _, err = picture.Small(ctx, kept, thumbSide)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || !info.Decodable { // what we can not decode, nobody's browser should have to unasked
		u.Type, u.Width, u.Height = Unknown, 0, 0
		return k.put(ctx, string(u.ID), bytes.NewReader(kept))
	}
	if u.Thumb = max(u.Width, u.Height) > thumbSide || len(kept) > thumbOver; u.Thumb {
		if err := k.put(ctx, string(thumbOf(u.ID)), bytes.NewReader(small)); err != nil {
			return err
		}
	}
	return k.put(ctx, string(u.ID), bytes.NewReader(kept))
}

// KeepPicture keeps a picture that the server itself has made, as an upload of the
// operator that a message is to hold soon.
func (k *Keeper) KeepPicture(ctx context.Context, name, kind string, data []byte, width, height int) (chat.File, error) {
	f := chat.File{ID: NewID(), Name: CleanName(name), Type: kind, Size: int64(len(data)), Width: width, Height: height}
	u := chat.Upload{File: f, Owner: chat.OperatorID, Length: f.Size, Expires: time.Now().Add(time.Hour)}
	if err := k.files.AddUpload(ctx, u, 0); err != nil {
		return f, err
	}
	if err := k.put(ctx, string(f.ID), bytes.NewReader(data)); err != nil {
		return f, err
	}
	return f, k.files.FinishUpload(ctx, f)
}

// Sweep gives up uploads whose time is over, and removes the bytes of what is gone.
func (k *Keeper) Sweep(ctx context.Context) error {
	if err := k.files.ExpireUploads(ctx, time.Now()); err != nil {
		return err
	}
	for {
		ids, err := k.files.Gone(ctx, goneAtOnce)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := k.forget(ctx, id); err != nil {
				return err
			}
		}
		if err := k.files.Removed(ctx, ids); err != nil {
			return err
		}
	}
}

// forget removes all bytes of a file, or the pieces of an upload.
func (k *Keeper) forget(ctx context.Context, id chat.FileID) error {
	if !strings.HasSuffix(string(id), chat.PiecesOf) {
		return errors.Join(k.store.Remove(ctx, string(id)), k.store.Remove(ctx, string(thumbOf(id))))
	}
	var names []string
	err := k.store.List(ctx, string(id), func(name string, _ int64) error {
		names = append(names, name)
		return nil
	})
	for _, name := range names {
		err = errors.Join(err, k.store.Remove(ctx, name))
	}
	return err
}

// remove removes what nobody knows of.
func (k *Keeper) remove(ctx context.Context, name string) {
	if err := k.store.Remove(ctx, name); err != nil {
		k.log.Warn("a piece of an upload stays that nobody needs", "err", err)
	}
}
