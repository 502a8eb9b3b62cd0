package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"hubbub/internal/sqlstore"
)

// state returns the SQLSTATE of an error that the server has reported, or "".
func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// lost says that the connection, or the server, has gone: nobody knows what became of
// what was under way.
func lost(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC" || e.Severity == "FATAL" || e.Severity == "PANIC" ||
			strings.HasPrefix(e.Code, "08") || strings.HasPrefix(e.Code, "57P") || e.Code == "53300" || e.Code == "25006"
	}
	var n net.Error
	var c *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) || errors.As(err, &c) ||
		(err != nil && strings.Contains(err.Error(), "conn closed")) // pgconn has no name for it
}

// isConstraint says that something is there already, or that what it refers to is not.
func isConstraint(err error) bool { return strings.HasPrefix(state(err), "23") }

// again says that the same transaction may succeed when it is tried again: somebody else
// was in the way.
func again(err error) bool {
	switch state(err) {
	case "40001", "40P01", "55P03", "57014": // serialization, deadlock, a lock or a statement that took too long
		return true
	}
	return lost(err)
}

// meaning is what a caller is told of a failure.
func meaning(err error) error {
	switch {
	case state(err) == "53100":
		return sqlstore.Unavailable("the database's disk is full", err)
	case again(err):
		return sqlstore.Unavailable("the database does not answer; try again", err)
	case strings.HasPrefix(state(err), "53"), strings.HasPrefix(state(err), "58"): // it is short of something, or its disk fails
		return sqlstore.Unavailable("the database can not do it now; try again", err)
	}
	return err
}
