package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Store keeps bytes by a name that we have made. Its methods may be called from any
// goroutine, and where several processes share it, from any of them.
type Store interface {
	// Put keeps what r has to say. It is durable, and whole, when Put returns; until then,
	// and if it fails, what was kept by that name before stays as it was.
	Put(ctx context.Context, name string, r io.Reader) error
	// Open returns what was kept; fs.ErrNotExist. Ranges are read by seeking. ctx holds
	// for what is read too.
	Open(ctx context.Context, name string) (io.ReadSeekCloser, error)
	// Remove removes it. That there is none is fine.
	Remove(ctx context.Context, name string) error
	// List calls f with each name that begins with prefix, and how many bytes it has, in
	// no order, until f fails. What comes and goes meanwhile may be among them or not.
	List(ctx context.Context, prefix string, f func(name string, size int64) error) error
	// Check says by a sentence for the operator why files can not be kept there:
	// ErrRefused, or it can not be reached now.
	Check(ctx context.Context) error
}

// ErrRefused is in what Check returns when waiting helps nothing: somebody has to change
// what it is told, or what it may.
var ErrRefused = errors.New("refused")

// OpenStore opens the store at an address: a folder that several nodes may share, or a
// bucket as in s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION. What is on the way
// to a bucket lies in the folder scratch for a moment.
func OpenStore(address, scratch string) (Store, error) {
	switch scheme, _, found := strings.Cut(address, "://"); {
	case !found:
		return NewShared(address)
	case scheme == "s3":
		return NewS3(address, scratch)
	}
	return nil, fmt.Errorf("files lie in a folder or at s3://BUCKET, not at %q", address)
}

const (
	minName = 4
	maxName = 100
)

var errName = errors.New("files: that is no name of ours")

// place returns where a name lies below a store: ab/cdef… for abcdef…. Whatever could
// lead elsewhere is no name.
func place(name string) (string, error) {
	if len(name) < minName || len(name) > maxName || !plain(name) {
		return "", errName
	}
	return name[:2] + "/" + name[2:], nil
}

// plain says whether a text has nothing but what names are made of.
func plain(text string) bool {
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// named undoes place; "": nothing of ours lies there.
func named(at string) string {
	top, rest, _ := strings.Cut(at, "/")
	if back, err := place(top + rest); err != nil || back != at {
		return ""
	}
	return top + rest
}
