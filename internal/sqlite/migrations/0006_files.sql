-- Files that messages hold, and where links lead. Their bytes lie beside the database.

-- +goose Up
CREATE TABLE files (
	key      INTEGER PRIMARY KEY,
	id       TEXT    NOT NULL UNIQUE,
	owner    INTEGER NOT NULL REFERENCES people (key),
	session  TEXT    NOT NULL, -- in which it was begun
	name     TEXT    NOT NULL,
	type     TEXT    NOT NULL,
	length   INTEGER NOT NULL, -- bytes that were to come
	size     INTEGER NOT NULL, -- bytes that are kept
	width    INTEGER NOT NULL DEFAULT 0,
	height   INTEGER NOT NULL DEFAULT 0,
	thumb    INTEGER NOT NULL DEFAULT 0,
	duration INTEGER NOT NULL DEFAULT 0,
	done     INTEGER NOT NULL DEFAULT 0,
	created  INTEGER NOT NULL,
	expires  INTEGER NOT NULL -- 0: a message holds it, or did
) STRICT;
CREATE INDEX files_by_owner ON files (owner, created);
CREATE INDEX files_that_expire ON files (expires) WHERE expires > 0;

-- Which messages hold a file. When the last of its rows goes, the file goes.
CREATE TABLE held (
	room INTEGER NOT NULL,
	seq  INTEGER NOT NULL,
	n    INTEGER NOT NULL, -- its place in the message; from 100: pictures of links
	file INTEGER NOT NULL REFERENCES files (key),
	PRIMARY KEY (room, seq, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_by_file ON held (file);

-- Files whose bytes are to be removed: after a crash too.
CREATE TABLE gone (
	id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

ALTER TABLE events ADD COLUMN files TEXT; -- JSON: the ids that a message had, or that an edit left

-- Where the links of a message lead. marks & 16 says that there is something.
CREATE TABLE previews (
	room INTEGER NOT NULL,
	seq  INTEGER NOT NULL, -- the message
	body TEXT,             -- JSON; NULL: its author wants none
	PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE preview_cache (
	url     BLOB    PRIMARY KEY, -- SHA-256
	body    TEXT    NOT NULL,
	image   BLOB,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX preview_cache_that_expires ON preview_cache (expires);
