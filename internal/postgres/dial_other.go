//go:build !linux

package postgres

import "syscall"

// giveUp is for Linux; elsewhere the limits of time for transactions and reading notice.
func giveUp(_, _ string, _ syscall.RawConn) error { return nil }
