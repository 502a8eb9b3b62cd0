package files

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
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
	goneAtOnce = 100
)

// Keeper takes files in, and gives them up.
type Keeper struct {
	store   Store
	files   chat.Files
	log     *slog.Logger
	limits  Limits
	uploads string // folder of what is not whole yet
	tus     http.Handler

	finishing sync.Mutex
	busy      map[chat.FileID]*sync.Mutex // uploads that are being finished
}

// New returns a keeper whose unfinished uploads lie in the folder dir.
func New(store Store, files chat.Files, dir string, limits Limits, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{store: store, files: files, log: log, limits: limits, uploads: dir, busy: make(map[chat.FileID]*sync.Mutex)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder %s cannot be used: %w", dir, err)
	}
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

// Open returns the bytes of a file; CodeNotFound.
func (k *Keeper) Open(ctx context.Context, id chat.FileID) (io.ReadSeekCloser, error) {
	return k.open(ctx, string(id))
}

// OpenThumb returns the small picture of one.
func (k *Keeper) OpenThumb(ctx context.Context, id chat.FileID) (io.ReadSeekCloser, error) {
	return k.open(ctx, thumbOf(id))
}

func thumbOf(id chat.FileID) string { return string(id) + "-thumb" }

func (k *Keeper) open(ctx context.Context, name string) (io.ReadSeekCloser, error) {
	r, err := k.store.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, chat.NoFile()
	}
	return r, err
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
// that can be finished again, or that expires.
func (k *Keeper) finish(ctx context.Context, id chat.FileID) error {
	defer k.lock(id)()
	u, err := k.files.Upload(ctx, id)
	if err != nil || u.Done {
		return err
	}
	f, err := os.Open(k.part(id))
	if errors.Is(err, fs.ErrNotExist) {
		return chat.NoFile()
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := k.examine(ctx, f, &u); err != nil {
		return k.giveUp(ctx, id, err)
	}
	if err := k.files.FinishUpload(ctx, u.File); err != nil {
		k.forget(ctx, id) // it was given up meanwhile
		return err
	}
	k.forgetPart(id)
	return nil
}

// giveUp drops an upload that is refused, but not one that only failed.
func (k *Keeper) giveUp(ctx context.Context, id chat.FileID, err error) error {
	if chat.AsError(err).Code == chat.CodeBadPicture {
		return errors.Join(err, k.files.DropUpload(ctx, id))
	}
	return err
}

// examine finds out what a file is, and keeps it without what is not for others.
func (k *Keeper) examine(ctx context.Context, f *os.File, u *chat.Upload) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, headBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	u.Type, u.Size = Sniff(head[:n]), info.Size()
	if isPicture(u.Type) {
		return k.keepPicture(ctx, f, u)
	}
	if !Shown(u.Type) {
		u.Width, u.Height, u.Duration = 0, 0, 0
	}
	var r io.Reader = f
	if spans := telling(u.Type, f, info.Size()); len(spans) > 0 {
		r = &blanked{r: f, spans: spans}
	}
	return k.store.Put(ctx, string(u.ID), r)
}

// keepPicture keeps a picture without what it says of itself, and a small one of it.
func (k *Keeper) keepPicture(ctx context.Context, f *os.File, u *chat.Upload) error {
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
		return k.store.Put(ctx, string(u.ID), bytes.NewReader(kept))
	}
	if u.Thumb = max(u.Width, u.Height) > thumbSide || len(kept) > thumbOver; u.Thumb {
		if err := k.store.Put(ctx, thumbOf(u.ID), bytes.NewReader(small)); err != nil {
			return err
		}
	}
	return k.store.Put(ctx, string(u.ID), bytes.NewReader(kept))
}

// KeepPicture keeps a picture that the server itself has made, as an upload of the
// operator that a message is to hold soon.
func (k *Keeper) KeepPicture(ctx context.Context, name, kind string, data []byte, width, height int) (chat.File, error) {
	f := chat.File{ID: NewID(), Name: CleanName(name), Type: kind, Size: int64(len(data)), Width: width, Height: height}
	u := chat.Upload{File: f, Owner: chat.OperatorID, Length: f.Size, Expires: time.Now().Add(time.Hour)}
	if err := k.files.AddUpload(ctx, u, 0); err != nil {
		return f, err
	}
	if err := k.store.Put(ctx, string(f.ID), bytes.NewReader(data)); err != nil {
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

// forget removes all bytes of a file.
func (k *Keeper) forget(ctx context.Context, id chat.FileID) error {
	k.forgetPart(id)
	return errors.Join(k.store.Remove(ctx, string(id)), k.store.Remove(ctx, thumbOf(id)))
}

func (k *Keeper) part(id chat.FileID) string { return filepath.Join(k.uploads, string(id)) }

func (k *Keeper) forgetPart(id chat.FileID) {
	for _, path := range []string{k.part(id), k.part(id) + ".info"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.log.Warn("remove an upload", "err", err)
		}
	}
}

func (k *Keeper) partSize(id chat.FileID) (int64, error) {
	info, err := os.Stat(k.part(id))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
