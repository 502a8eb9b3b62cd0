package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"hubbub/internal/s3test"
)

// stores opens each kind of store, twice over the same place, as two nodes do.
var stores = map[string]func(t *testing.T) (one, other Store){
	"folder": func(t *testing.T) (Store, Store) {
		dir := t.TempDir()
		open := func() Store {
			f, err := NewShared(dir)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		return open(), open()
	},
	"s3": func(t *testing.T) (Store, Store) {
		address := s3test.Start(t).Bucket()
		return openS3(t, address), openS3(t, address)
	},
}

func openS3(t *testing.T, address string) *S3 {
	t.Helper()
	s, err := NewS3(address, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every kind of store keeps the promises of Store.
func TestStores(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, other := open(t)
			for _, s := range []Store{one, other} {
				if err := s.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			testKept(t, one, other)
			testNames(t, one)
			testRanges(t, one, other)
			testList(t, one, other)
			testRaced(t, one, other)
		})
	}
}

func kept(t *testing.T, s Store, name string) string {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return "nothing"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func put(t *testing.T, s Store, name, what string) {
	t.Helper()
	if err := s.Put(t.Context(), name, strings.NewReader(what)); err != nil {
		t.Fatal(err)
	}
}

// What was put is there whole, and nothing else.
func testKept(t *testing.T, one, other Store) {
	if got := kept(t, one, "abcdef"); got != "nothing" {
		t.Errorf("%q", got)
	}
	put(t, one, "abcdef", "one")
	put(t, other, "abcdef", "two")
	put(t, one, "abcd", "")
	broken := errors.New("broken")
	for _, name := range []string{"abcdef", "abcdeg"} {
		if err := one.Put(t.Context(), name, io.MultiReader(strings.NewReader("thr"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Error(err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := one.Put(ended, name, strings.NewReader("three")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	for _, s := range []Store{one, other} {
		if got := kept(t, s, "abcdef") + kept(t, s, "abcd") + kept(t, s, "abcdeg"); got != "twonothing" {
			t.Errorf("%q", got)
		}
	}
	for _, s := range []Store{one, other} {
		if err := s.Remove(t.Context(), "abcdef"); err != nil {
			t.Error(err)
		}
		if got := kept(t, s, "abcdef"); got != "nothing" {
			t.Errorf("%q", got)
		}
	}
}

// No name leads elsewhere.
func testNames(t *testing.T, s Store) {
	for _, name := range []string{"", "abc", "../../x", "ab/../../x", "abcd/", "ab\x00cd", "ABCDEF", "..abcd", "ab%2fcd", strings.Repeat("a", 101)} {
		if err := s.Put(t.Context(), name, strings.NewReader("x")); err == nil {
			t.Errorf("put %q", name)
		}
		if _, err := s.Open(t.Context(), name); err == nil {
			t.Errorf("opened %q", name)
		}
		if err := s.Remove(t.Context(), name); err == nil {
			t.Errorf("removed %q", name)
		}
	}
	for _, prefix := range []string{"..", "ab/", "A"} {
		if err := s.List(t.Context(), prefix, func(string, int64) error { return nil }); err == nil {
			t.Errorf("listed %q", prefix)
		}
	}
}

// Any part can be read, in any order.
func testRanges(t *testing.T, one, other Store) {
	data := make([]byte, 3<<20+17)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(data)
	if err := one.Put(t.Context(), "large", iotest.HalfReader(bytes.NewReader(data))); err != nil {
		t.Fatal(err)
	}
	r, err := other.Open(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := r.Seek(0, io.SeekEnd); n != int64(len(data)) || err != nil {
		t.Errorf("it ends at %d, %v", n, err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("behind the end there are %d, %v", n, err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("it went before the beginning")
	}
	for _, span := range [][2]int{{0, 512}, {0, len(data)}, {len(data) - 1, len(data)}, {1, 100_000}, {2 << 20, len(data)}, {7, 7}} {
		if _, err := r.Seek(int64(span[0]), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, span[1]-span[0])
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, data[span[0]:span[1]]) {
			t.Errorf("bytes %v: %v, or other ones", span, err)
		}
		if n, err := r.Seek(0, io.SeekCurrent); n != int64(span[1]) || err != nil {
			t.Errorf("behind %v it is at %d, %v", span, n, err)
		}
	}
}

func list(t *testing.T, s Store, prefix string) (all []string) {
	t.Helper()
	err := s.List(t.Context(), prefix, func(name string, size int64) error {
		all = append(all, fmt.Sprint(name, " ", size))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// A list has what begins in one way, and all of it.
func testList(t *testing.T, one, other Store) {
	for _, name := range []string{"list1", "list1-thumb", "list2", "lizt", "zz-top"} {
		put(t, one, name, name)
	}
	for prefix, want := range map[string]string{
		"li": "[list1 5 list1-thumb 11 list2 5 lizt 4]", "list1": "[list1 5 list1-thumb 11]", "l": "[large 3145745 list1 5 list1-thumb 11 list2 5 lizt 4]",
		"list1-thumb": "[list1-thumb 11]", "none": "[]", "": "[abcd 0 large 3145745 list1 5 list1-thumb 11 list2 5 lizt 4 zz-top 6]",
	} {
		if got := fmt.Sprint(list(t, other, prefix)); got != want {
			t.Errorf("%q lists %s", prefix, got)
		}
	}
	enough := errors.New("enough")
	if err := one.List(t.Context(), "li", func(string, int64) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}

// Who reads while others put sees one or the other, never parts of both.
func testRaced(t *testing.T, one, other Store) {
	var writing sync.WaitGroup
	for i := range 4 {
		s := []Store{one, other}[i%2]
		writing.Go(func() {
			for range 5 {
				if err := s.Put(t.Context(), "raced", bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, 200_000+i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		writing.Wait()
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		r, err := other.Open(t.Context(), "raced")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			continue // somebody put something else there
		}
		if i := int(b[0] - 'a'); len(b) != 200_000+i || bytes.Count(b, b[:1]) != len(b) {
			t.Fatalf("it is a mixture of %d bytes", len(b))
		}
	}
}

// What a crash left half written goes: at once from a folder of one's own, after a day, by
// the clock of where it lies, from one that others may be writing into.
func TestHalfWritten(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewShared(filepath.Join(dir, "not mounted")); err == nil {
		t.Error("a folder that is not there was taken")
	}
	if _, err := NewFolder(dir); err != nil {
		t.Fatal(err)
	}
	left := func() (names string) {
		all, err := os.ReadDir(filepath.Join(dir, "half"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			names += e.Name() + " "
		}
		return names
	}
	for _, name := range []string{"new", "old"} {
		if err := os.WriteFile(filepath.Join(dir, "half", name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-halfAge - time.Minute)
	if err := os.Chtimes(filepath.Join(dir, "half", "old"), before, before); err != nil {
		t.Fatal(err)
	}
	if _, err := NewShared(dir); err != nil {
		t.Fatal(err)
	}
	if got := left(); got != "new " {
		t.Errorf("%q", got)
	}
	if _, err := NewFolder(dir); err != nil {
		t.Fatal(err)
	}
	if got := left(); got != "" {
		t.Errorf("%q", got)
	}
}
