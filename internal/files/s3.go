package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 is a Store in a bucket of storage that speaks the protocol of Amazon's S3. What lies
// there is called as in a Folder.
type S3 struct {
	bucketAt
	client  minio.Core
	scratch string
	answer  time.Duration // until it begins to answer
	inOne   int64         // bytes that are sent in one request; more go in parts, of which a crash may leave some
}

// The bounds of patience with storage, so that whoever waits is told.
const (
	s3Dial    = 5 * time.Second
	s3Answer  = 15 * time.Second // until it begins to answer
	s3Stall   = 30 * time.Second // without another byte of an answer
	s3Tries   = 3                // of a request that came to nothing
	s3Slowest = 1 << 20          // bytes each second that are sent at least
	s3InOne   = 512 << 20        // bytes that are sent in one request
)

// bucketAt is an address of a bucket, taken apart.
type bucketAt struct {
	bucket, prefix string // prefix is empty, or ends with a slash
	host, region   string
	plain          bool // without TLS
}

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	s3Prefix   = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)
)

const s3Form = "the address of a bucket is like s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION"

// parseBucket reads s3://BUCKET/PREFIX?endpoint=…&region=…. Its errors never repeat the address,
// since somebody may have put keys into it.
func parseBucket(address string) (b bucketAt, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Fragment != "" {
		return b, errors.New(s3Form)
	}
	if u.User != nil {
		return b, errors.New("keys do not belong into the address of a bucket, which everybody on this machine can read: put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or into ~/.aws/credentials")
	}
	b.bucket, b.prefix = u.Host, strings.Trim(u.Path, "/")
	if !bucketName.MatchString(b.bucket) {
		return b, errors.New(s3Form + "; a bucket's name has 3 to 63 small letters, digits, dots and hyphens")
	}
	if b.prefix != "" {
		if !s3Prefix.MatchString(b.prefix) || len(b.prefix) > 200 || path.Clean(b.prefix) != b.prefix || strings.HasPrefix(b.prefix, "..") {
			return b, errors.New(s3Form + "; a prefix has letters, digits, dots, hyphens and slashes")
		}
		b.prefix += "/"
	}
	return b, b.options(u.RawQuery)
}

func (b *bucketAt) options(query string) error {
	q, err := url.ParseQuery(query)
	if err != nil {
		return errors.New(s3Form)
	}
	b.host = "s3.amazonaws.com"
	for name, values := range q {
		switch {
		case len(values) != 1 || values[0] == "":
			return errors.New(s3Form)
		case name == "region":
			b.region = values[0]
		case name == "endpoint":
			if err := b.endpoint(values[0]); err != nil {
				return err
			}
		default:
			return errors.New(s3Form + "; nothing else is said there")
		}
	}
	return nil
}

// endpoint reads where the storage is. Only who writes http:// gets it without TLS.
func (b *bucketAt) endpoint(text string) error {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New(s3Form + "; the endpoint is a host alone, with http:// before it if there is no TLS")
	}
	b.host, b.plain = u.Host, u.Scheme == "http"
	return nil
}

// NewS3 returns the store at an address, see OpenStore. It asks nobody; Check does. The keys are
// those of the environment, of the file that AWS's own tools read, or of the machine in
// Amazon's cloud.
func NewS3(address, scratch string) (*S3, error) {
	at, err := parseBucket(address)
	if err != nil {
		return nil, err
	}
	s := &S3{bucketAt: at, answer: s3Answer, inOne: s3InOne, scratch: filepath.Join(scratch, "half")}
	if err := os.RemoveAll(s.scratch); err != nil {
		return nil, unusable(scratch, err)
	}
	if err := os.MkdirAll(s.scratch, 0o700); err != nil {
		return nil, unusable(scratch, err)
	}
	t, err := minio.DefaultTransport(!at.plain)
	if err != nil {
		return nil, err
	}
	t.DialContext = (&net.Dialer{Timeout: s3Dial}).DialContext
	t.ResponseHeaderTimeout = s3Answer
	c, err := minio.New(at.host, &minio.Options{
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{Timeout: 2 * time.Second}},
		}),
		Secure: !at.plain, Region: at.region, Transport: t, MaxRetries: s3Tries,
		// A checksum behind what is sent, which the storage compares. Without TLS each part of a
		// body is signed instead; with both, the library calculates the checksum wrong.
		TrailingHeaders: !at.plain,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s3Form, err)
	}
	s.client = minio.Core{Client: c}
	return s, nil
}

func (s *S3) key(name string) (string, error) {
	at, err := place(name)
	return s.prefix + at, err
}

// Put implements Store. What r says is written into a file first: storage wants to be told the
// size, and to hear it again when a connection breaks.
func (s *S3) Put(ctx context.Context, name string, r io.Reader) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.scratch, "")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	size, err := io.Copy(f, r)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.answer+time.Duration(size/s3Slowest)*time.Second)
	defer cancel()
	o := minio.PutObjectOptions{ContentType: Unknown, NumThreads: 2}
	o.DisableContentSha256 = size == 0 // versitygw 1.8 leaves the signature behind no bytes unread, and takes it for the next request
	if o.DisableMultipart = size <= s.inOne; !o.DisableMultipart {
		o.PartSize = uint64(s.inOne / 4)
	}
	if !s.plain { // the library would leave it out of what goes in one request
		o.Checksum = minio.ChecksumCRC32C
	}
	_, err = s.client.Client.PutObject(ctx, s.bucket, key, f, size, o)
	return s.meaning(err)
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, name string) (io.ReadSeekCloser, error) {
	key, err := s.key(name)
	if err != nil {
		return nil, err
	}
	stat, cancel := context.WithTimeout(ctx, s.answer)
	defer cancel()
	info, err := s.client.StatObject(stat, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return nil, s.meaning(err)
	}
	return &object{ctx: ctx, s: s, key: key, size: info.Size, tag: info.ETag}, nil
}

// Remove implements Store.
func (s *S3) Remove(ctx context.Context, name string) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	err = s.meaning(s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// List implements Store.
func (s *S3) List(ctx context.Context, prefix string, each func(string, int64) error) error {
	if !plain(prefix) {
		return errName
	}
	if len(prefix) > 2 {
		prefix = prefix[:2] + "/" + prefix[2:]
	}
	for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true}) {
		if o.Err != nil {
			return s.meaning(o.Err)
		}
		name := named(strings.TrimPrefix(o.Key, s.prefix))
		if name == "" {
			continue
		}
		if err := each(name, o.Size); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Check implements Store: it keeps something, and reads it. There are servers that call
// themselves compatible and keep something else than what they were sent.
func (s *S3) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	keys, err := s.client.GetCreds()
	if err == nil && keys.AccessKeyID == "" {
		return fmt.Errorf("%w: there are no keys to the bucket %s: put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or into ~/.aws/credentials", ErrRefused, s.bucket)
	}
	name := "check-" + string(NewID())
	want := []byte(name)
	if err := s.Put(ctx, name, bytes.NewReader(want)); err != nil {
		return err
	}
	got, err := s.readAll(ctx, name)
	if err := errors.Join(err, s.Remove(ctx, name)); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%w: the storage at %s does not give back what it was sent: it does not know checksums behind a body", ErrRefused, s.host)
	}
	err = s.List(ctx, name, func(string, int64) error { return nil })
	return err
}

func (s *S3) readAll(ctx context.Context, name string) ([]byte, error) {
	r, err := s.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
