-- Rooms that somebody has muted for themselves.

-- +goose Up
ALTER TABLE memberships ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0; -- 1: neither bold nor a number
