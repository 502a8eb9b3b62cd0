package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"hubbub/internal/chat"
	"hubbub/internal/names"
	"hubbub/internal/natsbus"
	"hubbub/internal/postgres"
	"hubbub/internal/sqlite"
	"hubbub/internal/sqlstore"
)

// NATS says where nodes that share a database tell each other what is new.
type NATS struct {
	URL   string // empty: they look into the database, a little later
	Creds string // file with a user's credentials
	CA    string // file of certificates to check the servers by
	Cert  string // file with our certificate, if the servers want one
	Key   string // file with its key
}

// store is what a server keeps all in: a SQLite file, or a PostgreSQL database.
type store interface {
	chat.Store
	Observe(func(sqlstore.Commit))
	Waiting() int
}

// checkStore refuses what does not go together.
func (c *Config) checkStore() error {
	switch {
	case c.NATS.URL != "" && c.Database == "":
		return errors.New("--nats is for nodes that share a database: --database postgres://… names it")
	case c.NATS.URL == "" && c.NATS != NATS{}:
		return errors.New("--nats-creds, --nats-ca, --nats-cert and --nats-key go with --nats")
	case (c.NATS.Cert == "") != (c.NATS.Key == ""):
		return errors.New("--nats-cert and --nats-key go together")
	}
	return nil
}

func openStore(ctx context.Context, cfg Config) (store, error) {
	if cfg.Database == "" {
		return sqlite.Open(ctx, cfg.Data, cfg.Log, sqlstore.Options{RoomKey: names.RoomKey})
	}
	lock, err := lockFolder(cfg.Data)
	if err != nil {
		return nil, err
	}
	s, err := openDatabase(ctx, cfg.Database, cfg.Log)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return &lockedStore{s, lock}, nil
}

func openDatabase(ctx context.Context, url string, log *slog.Logger) (*postgres.Store, error) {
	s, err := postgres.Open(ctx, url, log, sqlstore.Options{RoomKey: names.RoomKey})
	if err != nil {
		return nil, fmt.Errorf("--database: %w", err)
	}
	return s, nil
}

// lockedStore is a store in a database that keeps the folder of its node too.
type lockedStore struct {
	*postgres.Store
	lock *flock.Flock
}

// Close lets go of both.
func (s *lockedStore) Close() error { return errors.Join(s.Store.Close(), s.lock.Unlock()) }

// lockFolder makes the folder of a node: files and the search index are there, and no
// other hubbub uses it meanwhile.
func lockFolder(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", dir, err)
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", dir, err)
	case !locked:
		return nil, fmt.Errorf("the data folder %s is in use by another hubbub", dir)
	}
	return lock, nil
}

// openBus connects a node to the others; nil: nobody else can use this store.
func openBus(ctx context.Context, cfg Config, epoch chat.Epoch) (chat.Bus, error) {
	switch {
	case cfg.Database == "":
		return nil, nil
	case cfg.NATS.URL == "":
		return silence{}, nil
	}
	b, err := natsbus.Open(ctx, natsbus.Config{
		URL: cfg.NATS.URL, Creds: cfg.NATS.Creds, CA: cfg.NATS.CA, Cert: cfg.NATS.Cert, Key: cfg.NATS.Key, Cluster: string(epoch), Log: cfg.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("--nats: %w", err)
	}
	return b, nil
}

// silence is a bus that carries nothing. Whoever shares a database without another one
// sees what others append when it looks, twice a second.
type silence struct{}

func (silence) Tell(chat.Topic, chat.Note)                       {}
func (silence) Listen(chat.Topic, func(chat.Note)) (stop func()) { return func() {} }
func (silence) Up() bool                                         { return false }
func (silence) Close()                                           {}

// trouble tells of an outage of the database, which many notice, from time to time.
func trouble(log *slog.Logger) func(error) {
	var last atomic.Int64
	return func(err error) {
		now, before := time.Now().UnixNano(), last.Load()
		if time.Duration(now-before) > 10*time.Second && last.CompareAndSwap(before, now) {
			log.Warn("what other nodes stored could not be read; it is tried again", "err", err)
		}
	}
}
