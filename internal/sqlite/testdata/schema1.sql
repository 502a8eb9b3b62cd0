-- A database as the first release made it, with a row of each kind. It is never
-- edited: a later schema gets a file of its own.
CREATE TABLE goose_db_version (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	version_id INTEGER NOT NULL,
	is_applied INTEGER NOT NULL,
	tstamp TIMESTAMP DEFAULT (datetime('now'))
);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1);

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

INSERT INTO place VALUES (1, 'm4t8zq1x', 1795467000000);
INSERT INTO people VALUES (1, '7fq2mk9x4vhd3stb', 'Ines', 'ines', 0, 1795467000001), (2, 'b9d4w7rn2kxm5qhs', 'guest-abcd', NULL, 1, 1795467000002);
INSERT INTO sessions VALUES (x'20db4e58d7f4574d2613ccef1bedc33362a6d1c9bb5cdc17b0541c396526c62d', 1, 1795467000001);
INSERT INTO rooms VALUES (1, 'k3v9x2m7qp4d', 'lobby', 0, 1795467000000), (2, 'w8c1hn5tz0ra', 'kitchen', 4, 1795467000003);
INSERT INTO events VALUES
	(2, 1, x'0199d5c27a317c4e9b1f3d2a6c8e5f01', 1, 1, 0, 1795467187412, 'It fits with 4 mm to spare 🎉'),
	(2, 2, x'0199d5c28b027f108a5591c4de770b3c', 1, 2, 1, 1795467201100, 'It fits with 5 mm to spare 🎉'),
	(2, 3, x'0199d5c28b027f108a5591c4de770b3d', 2, 1, 0, 1795467201200, ''),
	(2, 4, x'0199d5c28b027f108a5591c4de770b3e', 2, 3, 3, 1795467201300, '');
INSERT INTO revisions VALUES (2, 1, 2, 'It fits with 5 mm to spare 🎉'), (2, 3, 4, NULL);
INSERT INTO memberships VALUES (1, 2, 2);
