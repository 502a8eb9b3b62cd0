//go:build !linux

package ws

import "net"

// loops are the epoll loops of Linux; elsewhere there are none.
type loops struct{}

func newLoops(chan struct{}) (*loops, error)     { return nil, nil }
func (*loops) take(*net.TCPConn, handler) socket { return nil }
func (*loops) close()                            {}
