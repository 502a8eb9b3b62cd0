-- Programs elsewhere that write in a room, or are told of it.

-- +goose Up
CREATE TABLE hooks (
	id       TEXT    PRIMARY KEY,
	room     INTEGER NOT NULL REFERENCES rooms (key),
	bot      INTEGER NOT NULL UNIQUE REFERENCES people (key),
	by       INTEGER NOT NULL REFERENCES people (key),
	created  INTEGER NOT NULL,
	used     INTEGER NOT NULL DEFAULT 0, -- 0: never
	secret   BLOB    UNIQUE,             -- incoming: SHA-256; NULL: it goes out
	url      TEXT    NOT NULL DEFAULT '',
	events   TEXT    NOT NULL DEFAULT '',
	signing  TEXT    NOT NULL DEFAULT '', -- what deliveries are signed with: it must be known here
	seq      INTEGER NOT NULL DEFAULT 0,  -- delivered or passed over up to there
	paused   INTEGER NOT NULL DEFAULT 0,
	tries    INTEGER NOT NULL DEFAULT 0,  -- of the next delivery
	since    INTEGER NOT NULL DEFAULT 0,  -- when it failed first
	next     INTEGER NOT NULL DEFAULT 0   -- when it is tried again
) STRICT, WITHOUT ROWID;
CREATE INDEX hooks_by_room ON hooks (room);

CREATE TABLE hook_failures (
	key    INTEGER PRIMARY KEY,
	hook   TEXT    NOT NULL REFERENCES hooks (id),
	seq    INTEGER NOT NULL,
	time   INTEGER NOT NULL,
	status INTEGER NOT NULL,
	reason TEXT    NOT NULL
) STRICT;
CREATE INDEX hook_failures_by_hook ON hook_failures (hook, key);

-- What a hook's bot called itself in a message; events.marks has 8 then.
CREATE TABLE aliases (
	room INTEGER NOT NULL,
	seq  INTEGER NOT NULL,
	name TEXT    NOT NULL,
	PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;
