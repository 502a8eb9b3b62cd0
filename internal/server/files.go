package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hubbub/internal/files"
)

// This file knows where files lie, and erases what was kept long enough.

// openFiles opens the place of files: beside the database, or where the nodes share it. One
// that refuses us ends the start; without one that can not be reached, all but files works.
func openFiles(ctx context.Context, cfg Config, store store) (*files.Keeper, error) {
	dir := filepath.Join(cfg.Data, "files")
	if cfg.FilesAt == "" {
		folder, err := files.NewFolder(dir)
		if err != nil {
			return nil, err
		}
		return files.New(folder, store, cfg.Files, cfg.Log)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", cfg.Data, err)
	}
	shared, err := files.OpenStore(cfg.FilesAt, dir)
	if err != nil {
		return nil, fmt.Errorf("--files: %w", err)
	}
	switch err := shared.Check(ctx); {
	case errors.Is(err, files.ErrRefused):
		return nil, fmt.Errorf("--files: %w", err)
	case err != nil:
		cfg.Log.Warn("files can not be sent or read until their place can be reached; all else works", "err", err)
	}
	return files.New(shared, store, cfg.Files, cfg.Log)
}

// sweepTurn is the turn at erasing.
const sweepTurn = "erase"

// sweepInTurn erases, unless another node is at it.
func (s *Server) sweepInTurn(ctx context.Context) error {
	turn, err := s.store.Take(ctx, sweepTurn)
	if err != nil || turn == nil {
		return err
	}
	defer turn.End()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(turn.Context(), cancel)()
	return s.Sweep(ctx)
}

// Sweep erases what was kept long enough.
func (s *Server) Sweep(ctx context.Context) error {
	keep, err := s.gate.Keep(ctx)
	if err == nil {
		_, err = s.store.Sweep(ctx, keep)
	}
	return errors.Join(err, s.keeper.Sweep(ctx))
}

// sweepEvery is how much longer than it should a message may be kept, at most.
const sweepEvery = time.Minute

func (s *Server) sweep(ctx context.Context) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := s.sweepInTurn(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("erase what was kept long enough", "err", err)
			}
		}
	}
}
