// Package sqlite keeps the log and the directory in one SQLite file. One
// goroutine writes, in groups that share a commit; a few connections read. What it
// says to the database is mostly in sqlstore.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a chat.Log and a chat.Directory in a folder. Its methods may be
// called from any goroutine.
type Store struct {
	sqlstore.Store

	// Fixed after Open.
	dir     string
	log     *slog.Logger
	lock    *flock.Flock
	writer  *sql.DB // one connection, the committer's
	readers readers
	queue   *sqlstore.Queue
	turns   sqlstore.Turns
	failed  chan struct{} // closed when nothing can be made durable any more
	idle    chan struct{} // closed when the committer has ended

	follow  func([]chat.Event)    // set before the first Append
	watch   func([]chat.Change)   // likewise
	observe func(sqlstore.Commit) // likewise

	committer committer // owned by the goroutine that commits
}

const (
	fileName   = "hubbub.db"
	maxReaders = 4
)

// Pragmas of every connection. FULL syncs the WAL at each commit: with NORMAL,
// which most guides advise, a power cut takes acknowledged messages back. A
// checkpoint each 4,000 pages keeps its stall short and the WAL small. Foreign
// keys are left to Check: the committer looks up each key in the transaction that
// uses it, nothing is ever deleted that something refers to, and to look a second
// time takes a sixth of an append (BenchmarkAppend, one room, 64 in flight).
var pragmas = []string{
	"journal_mode(wal)", "synchronous(full)", "wal_autocheckpoint(4000)",
	"foreign_keys(0)", "secure_delete(1)", "busy_timeout(5000)",
}

// Options are what a store needs of the domain.
type Options = sqlstore.Options

// Commit is what one commit did.
type Commit = sqlstore.Commit

// Open opens the store in the folder dir, made if need be, and brings it up to
// date. Its errors are sentences for the operator. Close ends it.
func Open(ctx context.Context, dir string, log *slog.Logger, o Options) (*Store, error) {
	s := &Store{
		dir: dir, log: log, queue: sqlstore.NewQueue(),
		failed: make(chan struct{}), idle: make(chan struct{}),
	}
	s.Init((*backend)(s), o)
	if err := s.open(ctx); err != nil {
		s.release()
		return nil, err
	}
	go s.commitLoop()
	if err := s.Welcome(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("the data folder %s cannot be used: %w", s.dir, cause(err))
	}
	if err := s.connect(); err != nil {
		return err
	}
	err := refuseMoved(ctx, s.writer)
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return s.explain(s.path(), err)
	}
	return nil
}

func (s *Store) path() string { return filepath.Join(s.dir, fileName) }

// connect locks the folder and opens the file, made if need be.
func (s *Store) connect() (err error) {
	s.lock = flock.New(filepath.Join(s.dir, "lock"), flock.SetPermissions(0o600))
	switch locked, err := s.lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("the data folder %s cannot be used: %w", s.dir, cause(err))
	case !locked:
		return fmt.Errorf("the data folder %s is in use by another hubbub", s.dir)
	}
	path := s.path()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite itself would let others read
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, cause(err))
	}
	f.Close()
	if s.writer, err = openDB(path, 1, "_txlock=immediate"); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if s.readers.DB, err = openDB(path, maxReaders, "_pragma=query_only(1)"); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// cause takes the operation and the path off a file error: our sentence names them.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func openDB(path string, conns int, extra string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"_pragma": pragmas}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode() + "&" + extra}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// prepare makes the file ready to serve, or says why it can not be.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	var mode string
	var sync int
	if err := s.writer.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if err := s.writer.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil {
		return err
	}
	if mode != "wal" || sync != 2 {
		return fmt.Errorf("it would not keep what it acknowledges: journal_mode is %s and synchronous %d, not wal and 2 (full)", mode, sync)
	}
	_, err := s.writer.ExecContext(ctx, "INSERT OR IGNORE INTO place (one, epoch, created) VALUES (1, ?, ?)", sqlstore.NewID(8), time.Now().UnixMilli())
	if err != nil {
		return err
	}
	if err := s.writer.QueryRowContext(ctx, "SELECT epoch FROM place").Scan(&s.Epoch); err != nil {
		return err
	}
	return s.committer.open(ctx, s.writer)
}

// migrate brings the schema up to date. A newer one is refused: the library
// would serve it.
func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.writer, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > target {
		return &newerError{current, target}
	}
	_, err = p.Up(ctx)
	return err
}

type newerError struct{ schema, known int64 }

func (e *newerError) Error() string {
	return fmt.Sprintf("schema %d is newer than %d", e.schema, e.known)
}

// explain makes a sentence of what is wrong with the file.
func (s *Store) explain(path string, err error) error {
	var newer *newerError
	if errors.As(err, &newer) {
		return fmt.Errorf("the data folder %s was written by a newer hubbub (schema %d, this one knows %d)", s.dir, newer.schema, newer.known)
	}
	switch code(err) {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s is not a database of hubbub, or is damaged: %w", path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// code returns the primary result code of SQLite in err, or 0.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// Close finishes what is queued, writes the WAL back, and lets go of the
// folder. Later calls fail with CodeUnavailable.
func (s *Store) Close() error {
	if !s.queue.Close() {
		return nil
	}
	<-s.idle
	s.turns.Lose()
	return s.release()
}

func (s *Store) release() error {
	var errs []error
	if s.readers.DB != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.committer.close(), s.writer.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
