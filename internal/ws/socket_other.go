//go:build !unix

package ws

import "net"

func newSocket(nc net.Conn) socket { return newPipeSocket(nc) }
