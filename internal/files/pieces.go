package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"hubbub/internal/chat"
)

// What comes of an upload is kept in pieces, each by a name of its own in the store, so
// that the upload goes on at any node: the database says which pieces it has, and takes of
// two that begin at one place the first. A node that dies takes along what it had of a
// piece, and the client sends that again: a second's worth, where the line is slow.

const (
	pieceSize  = 4 << 20     // bytes, at most
	leastPiece = 256 << 10   // bytes, unless the line breaks
	pieceTime  = time.Second // then a piece ends that has as many
	spare      = 1000        // pieces that a line may make of an upload by breaking
)

// upload is an upload as tus's library sees it.
type upload struct {
	k      *Keeper
	id     chat.FileID
	length int64
	offset int64
}

// uploads is where the library finds them.
type uploads struct{ k *Keeper }

// NewUpload implements handler.DataStore. begin has noted it.
func (s uploads) NewUpload(_ context.Context, info handler.FileInfo) (handler.Upload, error) {
	return &upload{k: s.k, id: chat.FileID(info.ID), length: info.Size}, nil
}

// GetUpload implements handler.DataStore.
func (s uploads) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	u, err := s.k.files.Upload(ctx, chat.FileID(id))
	if err != nil {
		return nil, s.k.refusal(ctx, err)
	}
	pieces, err := s.k.files.Pieces(ctx, u.ID)
	return &upload{k: s.k, id: u.ID, length: u.Length, offset: sum(pieces)}, s.k.refusal(ctx, err)
}

// AsTerminatableUpload implements handler.TerminaterDataStore.
func (uploads) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload { return u.(*upload) }

func sum(pieces []chat.Piece) (n int64) {
	for _, p := range pieces {
		n += p.Size
	}
	return n
}

// GetInfo implements handler.Upload.
func (u *upload) GetInfo(context.Context) (handler.FileInfo, error) {
	return handler.FileInfo{ID: string(u.id), Size: u.length, Offset: u.offset, MetaData: handler.MetaData{}}, nil
}

// GetReader implements handler.Upload: nobody reads an upload.
func (u *upload) GetReader(context.Context) (io.ReadCloser, error) {
	return nil, errors.ErrUnsupported
}

// FinishUpload implements handler.Upload: finish does it, which is called behind it.
func (u *upload) FinishUpload(context.Context) error { return nil }

// Terminate implements handler.TerminatableUpload.
func (u *upload) Terminate(ctx context.Context) error {
	return u.k.refusal(ctx, u.k.files.DropUpload(ctx, u.id))
}

// WriteChunk implements handler.Upload. What came before a line broke is kept.
func (u *upload) WriteChunk(ctx context.Context, offset int64, src io.Reader) (written int64, err error) {
	r := bufio.NewReader(src)
	for {
		if _, err := r.Peek(1); err != nil {
			return written, nil // the library knows why it ended
		}
		n, err := u.keep(ctx, offset+written, &piece{r: r, until: time.Now().Add(pieceTime)})
		if err != nil {
			return written, u.k.refusal(ctx, err)
		}
		written += n
	}
}

// keep keeps a piece, and says so in the database.
func (u *upload) keep(ctx context.Context, from int64, r io.Reader) (int64, error) {
	p := chat.Piece{Name: string(u.id) + chat.PiecesOf + string(NewID())}
	err := u.k.put(ctx, p.Name, &counted{r, &p.Size})
	if err != nil {
		return 0, err
	}
	err = u.k.files.AddPiece(ctx, u.id, from, p, spare+int(u.length/leastPiece))
	switch chat.AsError(err).Code {
	case chat.CodeConflict, chat.CodeNotFound, chat.CodeTooMany, chat.CodeTooLarge:
		// Else nobody knows whether it is one of the upload's.
		u.k.remove(context.WithoutCancel(ctx), p.Name)
	}
	return p.Size, err
}

// piece reads as much as a piece holds.
type piece struct {
	r     io.Reader
	n     int64
	until time.Time
}

func (p *piece) Read(b []byte) (int, error) {
	if p.n >= pieceSize || p.n >= leastPiece && !time.Now().Before(p.until) {
		return 0, io.EOF
	}
	n, err := p.r.Read(b[:min(int64(len(b)), pieceSize-p.n)])
	p.n += int64(n)
	return n, err
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n *int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}

// parts is an upload all of which is there: its pieces, one behind the other.
type parts struct {
	ctx    context.Context
	store  Store
	pieces []chat.Piece
	err    error // the first that a ReadAt met: who looks at boxes takes an error for the end

	block   []byte // the part that was read last
	blockAt int64
}

const blockSize = 64 << 10

// ReadAt implements io.ReaderAt. It reads more than it is asked for, so that what walks
// through a file asks the store rarely. It is not safe for concurrent use.
func (w *parts) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) && err == nil {
		want := at + int64(n)
		if want < w.blockAt || want >= w.blockAt+int64(len(w.block)) {
			err = w.load(want)
		}
		if err == nil {
			n += copy(p[n:], w.block[want-w.blockAt:])
		}
	}
	if err != nil && !errors.Is(err, io.EOF) && w.err == nil {
		w.err = err
	}
	return n, err
}

func (w *parts) load(at int64) error {
	left := sum(w.pieces) - at
	if left <= 0 {
		return io.EOF
	}
	r := w.from(at)
	defer r.Close()
	block := make([]byte, min(blockSize, left))
	if _, err := io.ReadFull(r, block); err != nil {
		return err
	}
	w.block, w.blockAt = block, at
	return nil
}

// from reads from a byte on to the end.
func (w *parts) from(at int64) io.ReadCloser {
	s := &stretch{w: w, left: w.pieces}
	for len(s.left) > 0 && at >= s.left[0].Size {
		at -= s.left[0].Size
		s.left = s.left[1:]
	}
	s.skip = at
	return s
}

// stretch reads pieces one after the other.
type stretch struct {
	w    *parts
	left []chat.Piece
	skip int64 // bytes of the first
	open io.ReadSeekCloser
	rest int64 // bytes of the open one
}

// Read implements io.Reader. A piece that is shorter or longer than it was is an error.
func (s *stretch) Read(p []byte) (int, error) {
	for s.open == nil || s.rest == 0 {
		s.Close()
		if len(s.left) == 0 {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n, err := s.open.Read(p[:min(int64(len(p)), s.rest)])
	s.rest -= int64(n)
	if errors.Is(err, io.EOF) {
		if err = nil; s.rest > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (s *stretch) next() (err error) {
	p := s.left[0]
	if s.open, err = s.w.store.Open(s.w.ctx, p.Name); err != nil {
		s.open = nil
		return err
	}
	size, err := s.open.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = s.open.Seek(s.skip, io.SeekStart)
	}
	if err == nil && size != p.Size {
		err = fmt.Errorf("a piece of an upload has %d bytes, not %d", size, p.Size)
	}
	if err != nil {
		s.Close()
		return err
	}
	s.left, s.rest, s.skip = s.left[1:], p.Size-s.skip, 0
	return nil
}

// Close implements io.Closer. It may be called again.
func (s *stretch) Close() error {
	if s.open == nil {
		return nil
	}
	err := s.open.Close()
	s.open = nil
	return err
}
