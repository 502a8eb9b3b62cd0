-- What one process asks the others, until it has its answer. It is gone with a crash, and
-- asked again.

-- +goose Up
CREATE UNLOGGED TABLE questions (
	id       bigint   PRIMARY KEY,
	asked    bigint   NOT NULL,           -- milliseconds, by the clock of the database
	taken    smallint NOT NULL DEFAULT 0, -- a process is about to answer
	node     bigint   NOT NULL DEFAULT 0, -- which one, or was; another one is asked next
	question bytea    NOT NULL,
	answer   bytea
);
