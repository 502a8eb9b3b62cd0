-- Replies, threads, reactions, pins, and who shows what they have read.

-- +goose Up
ALTER TABLE events ADD COLUMN thread   INTEGER NOT NULL DEFAULT 0; -- the message under which a message stands
ALTER TABLE events ADD COLUMN everyone INTEGER NOT NULL DEFAULT 0; -- 1: @here, 2: @channel
ALTER TABLE events ADD COLUMN marks    INTEGER NOT NULL DEFAULT 0; -- 1: has reactions, 2: has a thread, 4: pinned; else nobody looks
CREATE INDEX events_by_thread ON events (room, thread, seq) WHERE thread > 0;

CREATE TABLE reactions (
	room   INTEGER NOT NULL,
	seq    INTEGER NOT NULL, -- the message
	emoji  TEXT    NOT NULL,
	person INTEGER NOT NULL,
	by     INTEGER NOT NULL, -- the event, for the order
	PRIMARY KEY (room, seq, emoji, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE threads (
	room    INTEGER NOT NULL,
	root    INTEGER NOT NULL,
	replies INTEGER NOT NULL,
	last    INTEGER NOT NULL, -- the newest reply
	PRIMARY KEY (room, root)
) STRICT, WITHOUT ROWID;

-- Threads that somebody follows, or wants to hear nothing of.
CREATE TABLE thread_marks (
	person INTEGER NOT NULL,
	room   INTEGER NOT NULL,
	root   INTEGER NOT NULL,
	read   INTEGER NOT NULL,
	muted  INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (person, room, root)
) STRICT, WITHOUT ROWID;

CREATE TABLE pins (
	room INTEGER NOT NULL,
	seq  INTEGER NOT NULL,
	by   INTEGER NOT NULL, -- the event
	PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

ALTER TABLE people ADD COLUMN hides_reads INTEGER NOT NULL DEFAULT 0; -- 1: nobody is told what they have seen
