-- What one process asks the others, until it has its answer. It is gone with a crash, and
-- asked again.

-- +goose Up
CREATE UNLOGGED TABLE questions (
	id       bigint      PRIMARY KEY,
	asked    timestamptz NOT NULL DEFAULT clock_timestamp(),
	taken    boolean     NOT NULL DEFAULT false, -- a node is about to answer
	node     bigint      NOT NULL DEFAULT 0,     -- which one, or was; another one is asked next
	question bytea       NOT NULL,
	answer   bytea
);
