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
)

// Store keeps bytes by a name that we have made. Its methods may be called from any
// goroutine.
type Store interface {
	// Put keeps what r has to say. It is durable, and whole, when Put returns.
	Put(ctx context.Context, name string, r io.Reader) error
	// Open returns what was kept; fs.ErrNotExist. Ranges are read by seeking.
	Open(ctx context.Context, name string) (io.ReadSeekCloser, error)
	// Remove removes it. That there is none is fine.
	Remove(ctx context.Context, name string) error
}

// Folder is a Store in a folder: ab/cdef… for abcdef….
type Folder struct{ dir string }

// NewFolder makes the folder if need be, and takes out what a crash left half done.
func NewFolder(dir string) (*Folder, error) {
	f := &Folder{dir}
	if err := os.RemoveAll(f.half()); err != nil {
		return nil, fmt.Errorf("the folder %s cannot be used: %w", dir, err)
	}
	if err := os.MkdirAll(f.half(), 0o700); err != nil {
		return nil, fmt.Errorf("the folder %s cannot be used: %w", dir, err)
	}
	return f, nil
}

func (f *Folder) half() string { return filepath.Join(f.dir, "half") }

var errName = errors.New("files: that is no name of ours")

// path returns where a name lies. Whatever could lead elsewhere is no name.
func (f *Folder) path(name string) (string, error) {
	if len(name) < 4 || len(name) > 100 {
		return "", errName
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return "", errName
		}
	}
	return filepath.Join(f.dir, name[:2], name[2:]), nil
}

// Put implements Store.
func (f *Folder) Put(_ context.Context, name string, r io.Reader) error {
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
	if err = errors.Join(err, t.Close()); err != nil {
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
