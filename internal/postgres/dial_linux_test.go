package postgres_test

import (
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
)

// Both sides look whether the other is still there. What it is good for is seen where
// packets vanish: chaos cluster partitions.
func TestNoticesWhoIsGone(t *testing.T) {
	s := open(t, fresh(t))
	defer s.Close()
	var idle string
	if err := s.DB().QueryRowContext(t.Context(), "SELECT current_setting('tcp_keepalives_idle')").Scan(&idle); err != nil || idle != "5" {
		t.Errorf("the database looks for a node after %s seconds, %v", idle, err)
	}
	conn, err := s.DB().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var limit int
	err = conn.Raw(func(c any) error {
		raw, err := c.(*stdlib.Conn).Conn().PgConn().Conn().(syscall.Conn).SyscallConn()
		if err != nil {
			return err
		}
		return raw.Control(func(fd uintptr) {
			const userTimeout = 18 // tcp(7)
			limit, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout)
		})
	})
	if err != nil || limit != 2000 {
		t.Errorf("a connection without an answer is given up after %d ms, %v", limit, err)
	}
}
