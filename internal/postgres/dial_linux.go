package postgres

import (
	"strings"
	"syscall"
)

const tcpUserTimeout = 18 // tcp(7); package syscall has no name for it

// giveUp has the kernel give up a connection when what was sent is not acknowledged.
func giveUp(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	if e := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(lostAfter.Milliseconds()))
	}); e != nil {
		return e
	}
	return err
}
