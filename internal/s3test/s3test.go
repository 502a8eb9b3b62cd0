// Package s3test gives tests a real S3 server: a process of its own, from the program that
// `make bin/s3server` builds, killed and thrown away.
package s3test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The keys of every server here; Start puts them into the environment of the test.
const (
	Access = "hubbub-test"
	Secret = "hubbub-test-secret"
	Region = "us-east-1"
)

// needsVariable says that it is a failure if there is no program.
const needsVariable = "HUBBUB_TEST_NEEDS"

// Server is a running S3 server. Its methods may be called from any goroutine, but for
// Kill and Run.
type Server struct {
	t       testing.TB
	program string
	dir     string
	address string

	mu      sync.Mutex // guards the following
	process *exec.Cmd
	buckets int
}

// Start starts a server for a test. Where there is no program the test is skipped, or
// fails if HUBBUB_TEST_NEEDS is set.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := find()
	if err != nil {
		if os.Getenv(needsVariable) != "" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED, nothing of S3 was tested: %v", err)
	}
	s := &Server{t: t, program: program, dir: t.TempDir()}
	setenv(t, "AWS_ACCESS_KEY_ID", Access)
	setenv(t, "AWS_SECRET_ACCESS_KEY", Secret)
	s.address = freeAddress(t)
	t.Cleanup(s.Kill)
	s.Run()
	return s
}

// setenv sets a variable for tests that may run beside each other: all want the same.
func setenv(t testing.TB, name, value string) {
	if err := os.Setenv(name, value); err != nil {
		t.Fatal(err)
	}
}

func find() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(file), "../../bin/s3server")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no S3 server: make bin/s3server builds one")
	}
	return path, nil
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Address returns its host and port.
func (s *Server) Address() string { return s.address }

// Run starts it, again after Kill, with what it had.
func (s *Server) Run() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process = exec.Command(s.program, s.dir, s.address)
	s.process.Stderr = os.Stderr
	dieWithParent(s.process)
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	c := s.client()
	for late := time.Now().Add(30 * time.Second); ; {
		_, err := c.ListBuckets(context.Background())
		if err == nil {
			return
		}
		if time.Now().After(late) {
			s.t.Fatalf("the S3 server does not answer: %v", err)
		}
	}
}

// Kill ends it as a power cut does. It may be called again.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Process.Kill()
		s.process.Wait()
		s.process = nil
	}
}

// Process returns the running process, to be stopped and continued.
func (s *Server) Process() *os.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.Process
}

func (s *Server) client() *minio.Client {
	c, err := minio.New(s.address, &minio.Options{Creds: credentials.NewStaticV4(Access, Secret, ""), Region: Region, MaxRetries: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// Bucket makes a bucket, and returns the address of a store in it.
func (s *Server) Bucket() string {
	s.t.Helper()
	s.mu.Lock()
	s.buckets++
	name := fmt.Sprint("bucket-", s.buckets)
	s.mu.Unlock()
	if err := s.client().MakeBucket(context.Background(), name, minio.MakeBucketOptions{Region: Region}); err != nil {
		s.t.Fatal(err)
	}
	return s.At(s.address, name)
}

// At returns the address of a store in a bucket, which is reached at an address.
func (s *Server) At(address, bucket string) string {
	return "s3://" + bucket + "/some/where?endpoint=http://" + address + "&region=" + Region
}

// Keys returns what is in a bucket.
func (s *Server) Keys(bucket string) (keys []string) {
	s.t.Helper()
	for o := range s.client().ListObjectsIter(context.Background(), bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			s.t.Fatal(o.Err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}
