-- The log, its projection, and who and what there is. docs/adr/0002 says why it
-- lies like this. Once released, a migration is never changed.

-- +goose Up
CREATE TABLE place (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	epoch   TEXT    NOT NULL,
	created INTEGER NOT NULL -- milliseconds since 1970, as all times here
) STRICT;

CREATE TABLE people (
	key      INTEGER PRIMARY KEY,
	id       TEXT    NOT NULL UNIQUE,
	name     TEXT    NOT NULL,
	name_key TEXT    UNIQUE, -- what makes names the same; NULL: not held any more
	visiting INTEGER NOT NULL, -- 1: a guest that will not come back
	created  INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
	token   BLOB    PRIMARY KEY, -- SHA-256
	person  INTEGER NOT NULL REFERENCES people (key),
	created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rooms (
	key     INTEGER PRIMARY KEY,
	id      TEXT    NOT NULL UNIQUE,
	name    TEXT    NOT NULL UNIQUE,
	head    INTEGER NOT NULL DEFAULT 0,
	created INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
	room   INTEGER NOT NULL REFERENCES rooms (key),
	seq    INTEGER NOT NULL,
	id     BLOB    NOT NULL, -- 16 bytes, chosen by the client
	author INTEGER NOT NULL REFERENCES people (key),
	kind   INTEGER NOT NULL,
	target INTEGER NOT NULL, -- the message that an edit or a delete changes; else 0
	time   INTEGER NOT NULL,
	body   TEXT    NOT NULL,
	PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

-- Ids of our clients ascend with time, so new ones land on one page.
CREATE UNIQUE INDEX events_by_id ON events (id, author);
CREATE INDEX events_by_target ON events (room, target) WHERE target > 0;

-- How messages read today, where that differs from the event.
CREATE TABLE revisions (
	room INTEGER NOT NULL,
	seq  INTEGER NOT NULL, -- the message
	by   INTEGER NOT NULL, -- the event that last changed it
	body TEXT,             -- NULL: deleted
	PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

-- The rooms on somebody's list, and how far they have read.
CREATE TABLE memberships (
	person INTEGER NOT NULL REFERENCES people (key),
	room   INTEGER NOT NULL REFERENCES rooms (key),
	read   INTEGER NOT NULL,
	PRIMARY KEY (person, room)
) STRICT, WITHOUT ROWID;
