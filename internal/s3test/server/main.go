// Command s3server is an S3 server for tests: versitygw over a folder, without all else
// that versitygw's own program brings. Usage: s3server FOLDER ADDRESS. Its keys are in
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
//
// It is a module of its own, so that what versitygw stands on stays out of the server.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

const region = "us-east-1"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: s3server FOLDER ADDRESS")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve keeps objects in dir/data. What is known of them lies beside it, and not in it,
// where it would be objects too.
func serve(dir, address string) error {
	data, side := filepath.Join(dir, "data"), filepath.Join(dir, "side")
	for _, d := range []string{data, side} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	known, err := meta.NewSideCar(side)
	if err != nil {
		return err
	}
	store, err := posix.New(data, known, posix.PosixOpts{SideCarDir: side, NewDirPerm: 0o700, ValidateBucketNames: true, Concurrency: 64})
	if err != nil {
		return err
	}
	root := auth.Account{Access: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"), Role: auth.RoleAdmin}
	s, err := s3api.New(store, middlewares.RootUserConfig{Access: root.Access, Secret: root.Secret}, region, auth.NewIAMServiceSingle(root), nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithConcurrencyLimiter(4096, 4096), s3api.WithMpMaxParts(10000))
	if err != nil {
		return err
	}
	return s.ServeMultiPort([]string{address})
}
