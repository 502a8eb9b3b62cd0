// Package files keeps what people send: the bytes in a folder beside the database, or
// wherever else a Store puts them, and the way there, uploads that survive a lost
// connection. It is the only package that touches that folder. Who may read what is
// decided elsewhere.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Folder is a Store in a folder: ab/cdef… for abcdef….
type Folder struct{ dir string }

// NewFolder makes the folder if need be, and takes out what a crash left half done. It is
// for a folder that nobody else uses meanwhile.
func NewFolder(dir string) (*Folder, error) {
	f := &Folder{dir}
	if err := os.RemoveAll(f.half()); err != nil {
		return nil, unusable(dir, err)
	}
	return f, f.make()
}

// halfAge is how old something half written must be that nobody is writing any more.
const halfAge = 24 * time.Hour

// NewShared opens a folder that other nodes may be writing into, and that must be there: a
// folder that is not mounted would take files, and lose them.
func NewShared(dir string) (*Folder, error) {
	f := &Folder{dir}
	if _, err := os.Stat(dir); err != nil {
		return nil, unusable(dir, err)
	}
	if err := f.make(); err != nil {
		return nil, err
	}
	return f, f.tidy()
}

func unusable(dir string, err error) error {
	return fmt.Errorf("the folder %s cannot be used: %w", dir, err)
}

func (f *Folder) half() string { return filepath.Join(f.dir, "half") }

func (f *Folder) make() error {
	if err := os.MkdirAll(f.half(), 0o700); err != nil {
		return unusable(f.dir, err)
	}
	return nil
}

// tidy takes out what is half written and old, by the clock of where it lies.
func (f *Folder) tidy() error {
	t, err := os.CreateTemp(f.half(), "")
	if err != nil {
		return unusable(f.dir, err)
	}
	defer os.Remove(t.Name())
	now, err := t.Stat()
	if err = errors.Join(err, t.Close()); err != nil {
		return unusable(f.dir, err)
	}
	all, err := os.ReadDir(f.half())
	for _, e := range all {
		if i, err := e.Info(); err == nil && now.ModTime().Sub(i.ModTime()) > halfAge {
			os.Remove(filepath.Join(f.half(), e.Name()))
		}
	}
	return err
}

func (f *Folder) path(name string) (string, error) {
	at, err := place(name)
	return filepath.Join(f.dir, filepath.FromSlash(at)), err
}

// Put implements Store.
func (f *Folder) Put(ctx context.Context, name string, r io.Reader) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	t, err := os.CreateTemp(f.half(), "")
	if err != nil {
		return err
	}
	defer os.Remove(t.Name())
	_, err = io.Copy(t, r)
	if err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close(), ctx.Err()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.Rename(t.Name(), path); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(path)), syncDir(f.dir))
}

// syncDir makes names durable that were changed in a folder.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) { // not everywhere
		err = nil
	}
	return errors.Join(err, d.Close())
}

// Open implements Store.
func (f *Folder) Open(_ context.Context, name string) (io.ReadSeekCloser, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Remove implements Store.
func (f *Folder) Remove(_ context.Context, name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// List implements Store.
func (f *Folder) List(ctx context.Context, prefix string, each func(string, int64) error) error {
	if !plain(prefix) {
		return errName
	}
	tops := []string{prefix[:min(2, len(prefix))]}
	if len(prefix) < 2 {
		all, err := os.ReadDir(f.dir)
		if err != nil {
			return err
		}
		tops = tops[:0]
		for _, e := range all {
			if len(e.Name()) == 2 && strings.HasPrefix(e.Name(), prefix) {
				tops = append(tops, e.Name())
			}
		}
	}
	for _, top := range tops {
		if err := f.listIn(ctx, top, prefix, each); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) listIn(ctx context.Context, top, prefix string, each func(string, int64) error) error {
	all, err := os.ReadDir(filepath.Join(f.dir, top))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range all {
		name := named(top + "/" + e.Name())
		if name == "" || !strings.HasPrefix(name, prefix) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := each(name, info.Size()); err != nil {
			return err
		}
	}
	return nil
}

// Check implements Store.
func (f *Folder) Check(context.Context) error {
	t, err := os.CreateTemp(f.half(), "")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, unusable(f.dir, err))
	}
	return errors.Join(t.Close(), os.Remove(t.Name()))
}
