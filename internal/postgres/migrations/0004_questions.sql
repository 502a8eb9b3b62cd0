-- What one process asks the others, until it has its answer. It is gone with a crash, and
-- asked again.

-- +goose Up
CREATE UNLOGGED TABLE questions (
	id       bigint      PRIMARY KEY,
	asked    timestamptz NOT NULL DEFAULT clock_timestamp(),
	taken    boolean     NOT NULL DEFAULT false, -- somebody is about to answer
	question bytea       NOT NULL,
	answer   bytea
);
