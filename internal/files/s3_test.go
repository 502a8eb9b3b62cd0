package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hubbub/internal/s3test"
)

// line stands between a store and its storage, and does to what passes what a test wants.
type line struct {
	net.Listener
	up, down atomic.Pointer[func(b []byte) error] // an error cuts the connection
	passing  sync.WaitGroup
}

func between(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &line{Listener: l}
	n.passing.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.passing.Go(func() { n.pass(c, to) })
		}
	})
	t.Cleanup(func() { l.Close() })
	return n
}

func (l *line) pass(c net.Conn, to string) {
	defer c.Close()
	s, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer s.Close()
	copying := func(dst, src net.Conn, on *atomic.Pointer[func([]byte) error]) {
		defer c.Close()
		defer s.Close()
		b := make([]byte, 16<<10)
		for {
			n, err := src.Read(b)
			if f := on.Load(); f != nil && n > 0 {
				if (*f)(b[:n]) != nil {
					return
				}
			}
			if _, e := dst.Write(b[:n]); err != nil || e != nil {
				return
			}
		}
	}
	go copying(c, s, &l.down)
	copying(s, c, &l.up)
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{3}).Read(b)
	return b
}

// behind opens the first bucket of a server behind a line.
func behind(t *testing.T, s3 *s3test.Server) (*S3, *line) {
	t.Helper()
	s3.Bucket()
	l := between(t, s3.Address())
	return openS3(t, s3.At(l.Addr().String(), "bucket-1")), l
}

// What is damaged or cut on its way never becomes something that is kept, nor does it
// harm what was kept before; what is cut on its way back is no end of a file.
func TestBadLines(t *testing.T) {
	s3 := s3test.Start(t)
	s, l := behind(t, s3)
	data := noise(5 << 20)
	if err := s.Put(t.Context(), "kept", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	fault := errors.New("cut")
	for name, bad := range map[string]func(seen *int, b []byte) error{
		"damaged": func(seen *int, b []byte) error {
			if len(b) > 8000 { // of a body
				b[7000] ^= 1
			}
			return nil
		},
		"cut": func(seen *int, b []byte) error {
			if *seen += len(b); *seen > 2<<20 {
				return fault
			}
			return nil
		},
	} {
		var seen atomic.Int64
		f := func(b []byte) error {
			n := int(seen.Load())
			err := bad(&n, b)
			seen.Store(int64(n))
			return err
		}
		l.up.Store(&f)
		for _, key := range []string{"kept", "new-" + name} {
			if err := s.Put(t.Context(), key, bytes.NewReader(noise(6<<20))); err == nil {
				t.Errorf("%s: %s was taken", name, key)
			} else {
				t.Log(err)
			}
		}
		l.up.Store(nil)
		if got := kept(t, s, "new-"+name); got != "nothing" {
			t.Errorf("%s: it became %d bytes", name, len(got))
		}
		if got := kept(t, s, "kept"); got != string(data) {
			t.Errorf("%s: what was there before has %d bytes, or other ones", name, len(got))
		}
	}
	var seen atomic.Int64
	f := func(b []byte) error {
		if seen.Add(int64(len(b))) > 3<<20 {
			return fault
		}
		return nil
	}
	l.down.Store(&f)
	r, err := s.Open(t.Context(), "kept")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); err == nil || len(b) >= len(data) || !bytes.Equal(b, data[:len(b)]) {
		t.Errorf("%d bytes came back, %v", len(b), err)
	}
}

// kill -9 of the storage in the middle of what is sent: it is an error, and afterwards what
// was there before is there, whole.
func TestStorageKilled(t *testing.T) {
	s3 := s3test.Start(t)
	s, l := behind(t, s3)
	before, after := noise(1<<20), noise(12<<20)
	for i := range 3 {
		name := fmt.Sprint("file-", i)
		if i > 0 {
			if err := s.Put(t.Context(), name, bytes.NewReader(before)); err != nil {
				t.Fatal(err)
			}
		}
		var sent atomic.Int64
		var once sync.Once
		killed := make(chan struct{})
		f := func(b []byte) error {
			if sent.Add(int64(len(b))) > int64(i*5<<20) {
				once.Do(func() {
					s3.Kill()
					close(killed)
				})
			}
			return nil
		}
		l.up.Store(&f)
		err := s.Put(t.Context(), name, bytes.NewReader(after))
		l.up.Store(nil)
		<-killed
		s3.Run()
		got := kept(t, s, name)
		switch {
		case err == nil && got != string(after):
			t.Errorf("%d: %d bytes are there of what was taken", i, len(got))
		case err != nil && got != string(after) && (i == 0 && got != "nothing" || i > 0 && got != string(before)):
			t.Errorf("%d: %d bytes are there: neither what was, nor what was sent", i, len(got))
		}
		if err := s.Put(t.Context(), name, bytes.NewReader(after)); err != nil {
			t.Error(err)
		}
		if got := kept(t, s, name); got != string(after) {
			t.Errorf("%d: then %d bytes are there", i, len(got))
		}
	}
}

// What is wrong with a bucket is said in a sentence before anybody sends a file.
func TestCheckS3(t *testing.T) {
	s3 := s3test.Start(t)
	good := s3.Bucket()
	check := func(address string) error {
		t.Helper()
		s, err := NewS3(address, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return s.Check(t.Context())
	}
	wants := func(address, want string) {
		t.Helper()
		err := check(address)
		if err == nil || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
		for _, secret := range []string{s3test.Secret, os.Getenv("AWS_SECRET_ACCESS_KEY")} {
			if err != nil && secret != "" && strings.Contains(err.Error(), secret) {
				t.Errorf("%v tells the secret", err)
			}
		}
	}
	if err := check(good); err != nil {
		t.Error(err)
	}
	if keys := s3.Keys("bucket-1"); len(keys) != 0 {
		t.Errorf("it left %q", keys)
	}
	wants(s3.At(s3.Address(), "no-bucket"), "there is no bucket no-bucket; make it first")
	for code, want := range map[string]string{
		"InvalidAccessKeyId": "it does not know the key in AWS_ACCESS_KEY_ID", "AccessDenied": "the keys may not use the bucket b-b", "RequestTimeTooSkewed": "clock differs", "PermanentRedirect": "add region=REGION",
	} {
		refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>no</Message></Error>", code)
		}))
		defer refusing.Close()
		wants(s3.At(refusing.Listener.Addr().String(), "b-b"), want)
	}
	wants(s3.At(odd(t), "b-b"), "does not give back what it was sent")
	err := check(s3.At("127.0.0.1:1", "b-b"))
	if err == nil || errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "the storage at 127.0.0.1:1 can not be reached") {
		t.Error(err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another secret")
	wants(good, "the secret does not belong to the key")
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
	wants(good, "No user exists with the provided access key")
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[default]\naws_access_key_id = "+s3test.Access+"\naws_secret_access_key = "+s3test.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if err := check(good); err != nil {
		t.Errorf("with keys from a file: %v", err)
	}
}

// odd is a server that calls itself compatible: it keeps bodies as they come, with the
// frames of their checksums inside.
func odd(t *testing.T) string {
	var mu sync.Mutex
	objects := map[string][]byte{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch r.Method {
		case http.MethodPut:
			objects[r.URL.Path], _ = io.ReadAll(r.Body)
		case http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("ETag", `"x"`)
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(objects[r.URL.Path]))
		}
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// Addresses say what they mean, or are refused; keys are never repeated.
func TestBucketAddresses(t *testing.T) {
	for address, want := range map[string]bucketAt{
		"s3://my-bucket": {bucket: "my-bucket", host: "s3.amazonaws.com"},
		"s3://my.bucket/a/b/?region=eu-central-1":                    {bucket: "my.bucket", prefix: "a/b/", host: "s3.amazonaws.com", region: "eu-central-1"},
		"s3://bucket?endpoint=https://s3.example.org:9000":           {bucket: "bucket", host: "s3.example.org:9000"},
		"s3://bucket/x?endpoint=s3.example.org&region=here":          {bucket: "bucket", prefix: "x/", host: "s3.example.org", region: "here"},
		"s3://bucket/x?region=here&endpoint=http://127.0.0.1:9000/":  {bucket: "bucket", prefix: "x/", host: "127.0.0.1:9000", region: "here", plain: true},
		"s3://bucket/x?region=here&endpoint=http%3A%2F%2F[::1]:9000": {bucket: "bucket", prefix: "x/", host: "[::1]:9000", region: "here", plain: true},
	} {
		if got, err := parseBucket(address); err != nil || got != want {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
	for _, address := range []string{
		"s3://", "s3://b", "s3://Bucket", "s3://key:hunter2@bucket", "s3://bucket/../other", "s3://bucket/a//b", "s3://bucket/a%20b", "s3://bucket:9000/x", "s3://bucket?secret=hunter2",
		"s3://bucket?endpoint=ftp://x", "s3://bucket?endpoint=", "s3://bucket?endpoint=https://key:hunter2@host", "s3://bucket?endpoint=https://host/bucket", "s3://bucket?region=a&region=b", "s3://bucket#x", "s3:bucket",
	} {
		if _, err := parseBucket(address); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := OpenStore("gs://bucket", t.TempDir()); err == nil {
		t.Error("gs:// was taken")
	}
}
