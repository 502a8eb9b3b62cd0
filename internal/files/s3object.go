package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

// object is an object that is read: from one place on until somebody seeks.
type object struct {
	ctx  context.Context
	s    *S3
	key  string
	size int64
	tag  string // of what was opened; who puts something else there meanwhile ends the reading
	at   int64

	body   io.ReadCloser // from at on; nil: nothing was asked for
	cancel context.CancelFunc
}

// Read implements io.Reader. It says io.EOF at the end alone, not where a connection ended.
func (o *object) Read(p []byte) (int, error) {
	if o.at >= o.size {
		return 0, io.EOF
	}
	if o.body == nil {
		if err := o.ask(); err != nil {
			return 0, err
		}
	}
	stall := time.AfterFunc(s3Stall, o.cancel)
	n, err := o.body.Read(p)
	stall.Stop()
	o.at += int64(n)
	switch {
	case o.at > o.size:
		return 0, fmt.Errorf("%s is longer than it was", o.key)
	case o.at == o.size:
		return n, nil
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (o *object) ask() (err error) {
	var opts minio.GetObjectOptions
	if o.at > 0 {
		err = opts.SetRange(o.at, 0)
	}
	if err = errors.Join(err, opts.SetMatchETag(o.tag)); err != nil {
		return err
	}
	var ctx context.Context
	ctx, o.cancel = context.WithCancel(o.ctx)
	o.body, _, _, err = o.s.client.GetObject(ctx, o.s.bucket, o.key, opts)
	if err != nil {
		o.cancel()
		o.body = nil
	}
	return o.s.meaning(err)
}

// Seek implements io.Seeker.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	}
	if offset < 0 {
		return o.at, fs.ErrInvalid
	}
	if offset != o.at {
		o.Close()
		o.at = offset
	}
	return o.at, nil
}

// Close implements io.Closer. It may be called again.
func (o *object) Close() error {
	if o.body == nil {
		return nil
	}
	err := o.body.Close()
	o.cancel()
	o.body = nil
	return err
}

// meaning says in a sentence what an error of the storage means to the operator.
func (s *S3) meaning(err error) error {
	var r minio.ErrorResponse
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case !errors.As(err, &r):
		return fmt.Errorf("the storage at %s can not be reached: %w", s.host, err)
	}
	refused := func(text string, args ...any) error {
		return fmt.Errorf("%w by the storage at %s: %s (%s)", ErrRefused, s.host, fmt.Sprintf(text, args...), r.Code)
	}
	switch r.Code {
	case minio.NoSuchKey:
		return fs.ErrNotExist
	case minio.NoSuchBucket:
		return refused("there is no bucket %s; make it first", s.bucket)
	case minio.AccessDenied:
		return refused("the keys may not use the bucket %s: they need to get, put and delete objects, and to list the bucket", s.bucket)
	case "InvalidAccessKeyId":
		return refused("it does not know the key in AWS_ACCESS_KEY_ID, or ~/.aws/credentials")
	case "SignatureDoesNotMatch":
		return refused("the secret does not belong to the key, or something was damaged on its way: look at AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials")
	case "RequestTimeTooSkewed", "RequestExpired":
		return refused("this machine's clock differs from the storage's by more than a quarter of an hour; set it")
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "InvalidRegion", "IllegalLocationConstraintException":
		return refused("the bucket %s is in another region; add region=REGION to its address", s.bucket)
	}
	if c := r.StatusCode; c >= 400 && c < 500 && c != http.StatusRequestTimeout && c != http.StatusTooManyRequests {
		return refused("%s", r.Message)
	}
	return fmt.Errorf("the storage at %s answers %s: %s", s.host, r.Code, r.Message)
}
