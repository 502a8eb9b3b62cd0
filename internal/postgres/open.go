// Package postgres keeps the log and the directory in a PostgreSQL database that several
// processes may share. What it says to the database is mostly in sqlstore.
package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"hubbub/internal/chat"
	"hubbub/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options are what a store needs of the domain.
type Options = sqlstore.Options

// Commit is what one commit did.
type Commit = sqlstore.Commit

// Store is a chat.Log and a chat.Directory in a database. Its methods may be called from
// any goroutine.
type Store struct {
	sqlstore.Store

	// Fixed after Open.
	log     *slog.Logger
	config  *pgx.ConnConfig
	db      *sql.DB
	node    int64 // the name of this process
	keeper  *keeper
	drafts  *sqlstore.Queue
	changes *sqlstore.Queue
	lanes   sync.WaitGroup

	telling telling
	erased  atomic.Bool         // something was erased that still lies in the tables
	follow  func([]chat.Event)  // set before the first Append
	watch   func([]chat.Change) // likewise
	observe func(Commit)        // likewise
}

const (
	changers   = 4  // transactions of changes at a time
	maxConns   = 20 // of a process: for drafts, for changes, the keeper's, and for reading
	schemaLock = 0x6875626275620000
)

// settings are those of every connection. synchronous_commit is on whatever the server,
// the database or the role says: a commit that was answered survives a power cut. A
// process that hangs, or is cut off, does not keep a room locked for long, and the server
// notices that it has gone: otherwise it would keep the connections for two hours, and
// soon have none for others.
//
// All that is asked goes by an index that is there for it, row by row, and is planned once:
// the planner, which knows nothing yet of a young table and keeps the plan it made then,
// would walk through whole tables (BenchmarkAppend, one room, 64 in flight: 5,500
// appends/s instead of 44,000), and planning takes longer than reading.
func settings(node int64) map[string]string {
	return map[string]string{
		"application_name":                    "hubbub",
		"synchronous_commit":                  "on",
		"lock_timeout":                        "5s",
		"idle_in_transaction_session_timeout": "5s",
		"tcp_user_timeout":                    "10s",
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "3",
		"hubbub.node":                         strconv.FormatInt(node, 10),
		"enable_seqscan":                      "off",
		"enable_hashjoin":                     "off",
		"enable_mergejoin":                    "off",
		"enable_bitmapscan":                   "off",
		"enable_material":                     "off",
		"enable_sort":                         "off",
		"jit":                                 "off",
		"plan_cache_mode":                     "force_generic_plan",
	}
}

// Open opens the store in the database that url names, and brings it up to date. Its
// errors are sentences for the operator, without the password. Close ends it.
func Open(ctx context.Context, url string, log *slog.Logger, o Options) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	s := &Store{log: log, config: config, node: randomKey(), drafts: sqlstore.NewQueue(), changes: sqlstore.NewQueue()}
	s.Init((*backend)(s), o)
	if err := s.migrate(ctx); err != nil {
		return nil, s.explain(err)
	}
	for name, value := range settings(s.node) {
		config.RuntimeParams[name] = value
	}
	s.db = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(greet))
	s.db.SetMaxOpenConns(maxConns)
	s.db.SetMaxIdleConns(maxConns)
	s.keeper = &keeper{s: s}
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// parse reads the address of a database.
func parse(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &oneLine{"the address of the database is not understood", err}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = patience
	}
	config.DialFunc = dialer().DialContext
	config.RuntimeParams["synchronous_commit"] = "on"
	return config, nil
}

func (s *Store) start(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "INSERT INTO place (one, epoch, created) VALUES (1, $1, $2) ON CONFLICT DO NOTHING", sqlstore.NewID(8), time.Now().UnixMilli())
	if err != nil {
		return err
	}
	if err := s.db.QueryRowContext(ctx, "SELECT epoch FROM place").Scan(&s.Epoch); err != nil {
		return err
	}
	if err := s.keeper.start(ctx); err != nil {
		return err
	}
	s.lanes.Go((&lane{s: s, queue: s.drafts, key: randomKey(), share: true}).run)
	for range changers {
		s.lanes.Go((&lane{s: s, queue: s.changes, key: randomKey()}).run)
	}
	return s.Welcome(ctx)
}

// randomKey is a number that nobody else has.
func randomKey() int64 {
	var b [8]byte
	rand.Read(b[:])
	return int64(binary.LittleEndian.Uint64(b[:]) >> 1)
}

// greet looks at a new connection: whether the server keeps what it acknowledges.
func greet(ctx context.Context, conn *pgx.Conn) error {
	register(conn)
	var encoding, version string
	on := make([]string, 3)
	names := []any{"fsync", "full_page_writes", "synchronous_commit"}
	err := conn.QueryRow(ctx, `SELECT current_setting('server_encoding'), current_setting('server_version_num'),
		current_setting($1), current_setting($2), current_setting($3)`, names...).Scan(&encoding, &version, &on[0], &on[1], &on[2])
	if err != nil {
		return err
	}
	for i, is := range on {
		if is != "on" {
			return &unfitError{fmt.Sprintf("it would not keep what it acknowledges: %s is %s, not on", names[i], is)}
		}
	}
	if n, _ := strconv.Atoi(version); n < 140000 {
		return &unfitError{"it is older than PostgreSQL 14"}
	}
	if encoding != "UTF8" {
		return &unfitError{"its encoding is " + encoding + ", not UTF8"}
	}
	return nil
}

// unfitError says why a database can not hold what is said here.
type unfitError struct{ why string }

func (e *unfitError) Error() string { return e.why }

// migrate brings the schema up to date; processes that start together take turns. A
// schema that this program may not use is refused, and a place that moves or has moved.
func (s *Store) migrate(ctx context.Context) error {
	db := stdlib.OpenDB(*s.config, stdlib.OptionAfterConnect(greet)) // without limits of time
	defer db.Close()
	turn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer turn.Close()
	if _, err := turn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(schemaLock)); err != nil {
		return err
	}
	if err := refuseMoved(ctx, turn); err != nil {
		return err
	}
	p, err := schema(db)
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > target {
		var oldest int64
		if err := db.QueryRowContext(ctx, "SELECT coalesce(max(oldest), 1) FROM place").Scan(&oldest); err != nil {
			return err
		}
		if oldest > target {
			return &unfitError{fmt.Sprintf("it was written by a newer hubbub (schema %d, for programs that know %d; this one knows %d)", current, oldest, target)}
		}
		return nil
	}
	_, err = p.Up(ctx)
	return err
}

func schema(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithDisableGlobalRegistry(true))
}

// nameOf names a database for people.
func nameOf(c *pgx.ConnConfig) string {
	return fmt.Sprintf("the database %s on %s", c.Database, c.Host)
}

// explain makes a sentence of what is wrong with the database.
func (s *Store) explain(err error) error { return explain(nameOf(s.config), err) }

func explain(where string, err error) error {
	var unfit *unfitError
	switch {
	case errors.As(err, &unfit):
		return fmt.Errorf("%s can not be used: %s", where, unfit.why)
	case lost(err):
		return &oneLine{where + " does not answer", err}
	}
	return &oneLine{where, err}
}

// oneLine is an error in one line, whatever its cause says.
type oneLine struct {
	what  string
	cause error
}

func (e *oneLine) Error() string {
	return e.what + ": " + strings.Join(strings.Fields(e.cause.Error()), " ")
}

func (e *oneLine) Unwrap() error { return e.cause }

// Close finishes what is queued, and lets go of the database. Later calls fail with
// CodeUnavailable.
func (s *Store) Close() error {
	if !s.drafts.Close() {
		return nil
	}
	s.changes.Close()
	s.lanes.Wait()
	if s.keeper.stop != nil {
		s.keeper.stop()
	}
	return s.db.Close()
}
