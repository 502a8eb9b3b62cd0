package migrate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hubbub/internal/chat"
	"hubbub/internal/files"
	"hubbub/internal/sqlstore"
)

const (
	filesAtOnce = 64 // of which it is noted together that they are there
	workers     = 4
)

// checkFolder refuses a folder for a new place in which there is something else. A place
// that a move fills has a database.
func checkFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--to: the data folder %s cannot be used: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "hubbub.db")); err == nil {
		return nil // what it is, the database says
	}
	for _, e := range entries {
		if e.Name() != "lock" {
			return fmt.Errorf("--to: the folder %s is not empty; a place moves into an empty one only", dir)
		}
	}
	return nil
}

// openFiles finds out where files lie, and where they come.
func (m *move) openFiles(ctx context.Context) (err error) {
	from, to := m.FromFiles, m.ToFiles
	if from == "" && !isDatabase(m.From) {
		from = filepath.Join(m.From, "files")
	}
	if to == "" && !isDatabase(m.To) {
		to = filepath.Join(m.To, "files")
	}
	if from == "" {
		return nil // it is an error as soon as there is a file
	}
	if m.source, err = m.openStore(ctx, from, m.FromFiles == ""); err != nil {
		return fmt.Errorf("--from-files: %w", err)
	}
	if to == "" || samePlace(from, to) {
		return nil
	}
	if m.target, err = m.openStore(ctx, to, true); err != nil {
		return fmt.Errorf("--to-files: %w", err)
	}
	if m.Store != nil {
		m.target = m.Store(m.target)
	}
	return nil
}

// openStore opens a folder, made if that is wanted, or what else an address leads to. What is
// on the way there lies in a folder of ours.
func (m *move) openStore(ctx context.Context, where string, create bool) (files.Store, error) {
	if create && !strings.Contains(where, "://") {
		return files.NewFolder(where)
	}
	if m.scratch == "" && strings.Contains(where, "://") {
		var err error
		if m.scratch, err = os.MkdirTemp("", "hubbub-migrate-"); err != nil {
			return nil, err
		}
	}
	s, err := files.OpenStore(where, m.scratch)
	if err != nil {
		return nil, err
	}
	return s, s.Check(ctx)
}

func samePlace(a, b string) bool {
	x, err := os.Stat(a)
	y, other := os.Stat(b)
	return err == nil && other == nil && os.SameFile(x, y) || filepath.Clean(a) == filepath.Clean(b)
}

// file is one of which there are bytes.
type file struct {
	name  string
	size  int64 // bytes, by the database
	small bool  // it is the small picture of another, whose size nobody has noted
	piece bool  // it is one of an upload
}

// someFiles returns what there is of the files behind a key, some files at a time: of an
// upload that is not whole, its pieces.
func (m *move) someFiles(ctx context.Context, after int64) (some []file, last int64, err error) {
	rows, err := all(ctx, m.src, "SELECT key, id, size, thumb, done FROM files WHERE key > ? ORDER BY key LIMIT ?", after, int64(filesAtOnce))
	if err != nil || len(rows) == 0 {
		return nil, 0, err
	}
	for _, r := range rows {
		whole, small := files.Names(chat.FileID(r[1].(string)))
		last = r[0].(int64)
		if r[4] == int64(1) {
			some = append(some, file{name: whole, size: r[2].(int64)})
		}
		if r[4] == int64(1) && r[3] == int64(1) {
			some = append(some, file{name: small, small: true})
		}
	}
	pieces, err := all(ctx, m.src, "SELECT p.name, p.size FROM files f JOIN pieces p ON p.upload = f.id WHERE f.key > ? AND f.key <= ? AND f.done = 0", after, last)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range pieces {
		some = append(some, file{name: r[0].(string), size: r[1].(int64), piece: true})
	}
	if m.source == nil && len(some) > 0 {
		return nil, 0, errors.New("--from-files must say where the files lie: a folder, such as --from-files ./data/files, or s3://…")
	}
	return some, last, nil
}

// copyFiles copies the bytes of files, if they do not stay where they are.
func (m *move) copyFiles(ctx context.Context) error {
	if m.target == nil {
		return nil
	}
	total, err := all(ctx, m.src, "SELECT count(*) FROM files WHERE done = 1")
	if err != nil {
		return err
	}
	for n := int64(0); ; {
		some, last, err := m.someFiles(ctx, m.mark.Files)
		if err != nil || last == 0 {
			return err
		}
		if err := together(some, func(f file) error { return m.copyFile(ctx, f) }); err != nil {
			return err
		}
		err = m.dst.Change(ctx, func(w sqlstore.Writer) error { return w.Exec(ctx, "UPDATE moving SET files = ?", last) })
		if err != nil {
			return err
		}
		m.mark.Files = last
		for _, f := range some {
			if !f.small && !f.piece {
				n++
			}
		}
		m.progress("copied", "what is in files", n, total[0][0].(int64))
	}
}

// together calls f for each file, a few at a time.
func together(all []file, f func(file) error) error {
	todo, errs := make(chan file), make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for one := range todo {
				if errs[i] == nil {
					errs[i] = f(one)
				}
			}
		})
	}
	for _, one := range all {
		todo <- one
	}
	close(todo)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *move) copyFile(ctx context.Context, f file) error {
	r, err := m.source.Open(ctx, f.name)
	if errors.Is(err, fs.ErrNotExist) && m.AllowMissing {
		return nil
	}
	if err != nil {
		return m.lost(f, err)
	}
	defer r.Close()
	if err := m.target.Put(ctx, f.name, r); err != nil {
		return fmt.Errorf("the file %s can not be copied: %w", f.name, err)
	}
	return nil
}

func (m *move) lost(f file, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the bytes of the file %s are missing where they should be; with --allow-missing the place moves without them", f.name)
	}
	return fmt.Errorf("the file %s can not be read: %w", f.name, err)
}

// compareFiles looks at the bytes of every file on both sides, or whether they are there if
// they stay where they are.
func (m *move) compareFiles(ctx context.Context) error {
	var after, n, missing int64
	for {
		some, last, err := m.someFiles(ctx, after)
		if err != nil {
			return err
		}
		if last == 0 {
			break
		}
		var mu sync.Mutex
		err = together(some, func(f file) error {
			there, err := m.compareFile(ctx, f)
			mu.Lock()
			defer mu.Unlock()
			n++
			if !there {
				missing++
			}
			return err
		})
		if err != nil {
			// What is wrong is copied again the next time.
			return errors.Join(err, m.dst.Change(ctx, func(w sqlstore.Writer) error { return w.Exec(ctx, "UPDATE moving SET files = ?", after) }))
		}
		after = last
		if n%(filesAtOnce*4) == 0 {
			m.Say(fmt.Sprintf("compared %d files", n))
		}
	}
	switch {
	case missing > 0:
		m.Say(fmt.Sprintf("compared %d files; the bytes of %d were missing before already", n, missing))
	case m.target == nil && n > 0:
		m.Say(fmt.Sprintf("the bytes of %d files are all there, and stay where they are", n))
	case n > 0:
		m.Say(fmt.Sprintf("compared %d files: the same bytes on both sides", n))
	}
	return nil
}

// compareFile says whether there are bytes of a file. That they are not the same on both
// sides is an error.
func (m *move) compareFile(ctx context.Context, f file) (there bool, err error) {
	sum, size, err := digest(ctx, m.source, f.name)
	if errors.Is(err, fs.ErrNotExist) && m.AllowMissing {
		return false, nil
	}
	if err != nil {
		return false, m.lost(f, err)
	}
	if !f.small && size != f.size {
		return true, fmt.Errorf("the file %s has %d bytes where it lies, and %d in the database: it was damaged before", f.name, size, f.size)
	}
	if m.target == nil {
		return true, nil
	}
	other, _, err := digest(ctx, m.target, f.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, fmt.Errorf("the file %s can not be read back: %w", f.name, err)
	}
	if err != nil || other != sum {
		return true, fmt.Errorf("the bytes of the file %s did not arrive as they were; the same command copies them again", f.name)
	}
	return true, nil
}

// digest reads a file.
func digest(ctx context.Context, in files.Store, name string) (sum [sha256.Size]byte, size int64, err error) {
	r, err := in.Open(ctx, name)
	if err != nil {
		return sum, 0, err
	}
	defer r.Close()
	h := sha256.New()
	if size, err = io.Copy(h, r); err != nil {
		return sum, size, err
	}
	return [sha256.Size]byte(h.Sum(nil)), size, nil
}
