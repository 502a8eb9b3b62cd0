-- A database of the second schema, before rooms had kinds, with rows of each kind. It is
-- never edited: a later schema gets a file of its own.
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
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
, role INTEGER NOT NULL DEFAULT 1, promised INTEGER NOT NULL DEFAULT 2, password TEXT, removed INTEGER) STRICT;
CREATE TABLE sessions (
	token   BLOB    PRIMARY KEY, -- SHA-256
	person  INTEGER NOT NULL REFERENCES people (key),
	created INTEGER NOT NULL
, id TEXT, device TEXT NOT NULL DEFAULT '', used INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
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
CREATE UNIQUE INDEX events_by_id ON events (id, author);
CREATE INDEX events_by_target ON events (room, target) WHERE target > 0;
CREATE TABLE revisions (
	room INTEGER NOT NULL,
	seq  INTEGER NOT NULL, -- the message
	by   INTEGER NOT NULL, -- the event that last changed it
	body TEXT,             -- NULL: deleted
	PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE memberships (
	person INTEGER NOT NULL REFERENCES people (key),
	room   INTEGER NOT NULL REFERENCES rooms (key),
	read   INTEGER NOT NULL,
	PRIMARY KEY (person, room)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE TABLE passkeys (
	id      BLOB    PRIMARY KEY,
	person  INTEGER NOT NULL REFERENCES people (key),
	data    BLOB    NOT NULL,
	label   TEXT    NOT NULL,
	created INTEGER NOT NULL,
	used    INTEGER NOT NULL -- 0: never
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_by_person ON passkeys (person);
CREATE TABLE identities (
	issuer  TEXT    NOT NULL,
	subject TEXT    NOT NULL,
	person  INTEGER NOT NULL REFERENCES people (key),
	PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE invites (
	token   BLOB    PRIMARY KEY, -- SHA-256
	id      TEXT    NOT NULL UNIQUE,
	role    INTEGER NOT NULL,
	room    INTEGER REFERENCES rooms (key),
	by      INTEGER REFERENCES people (key),
	uses    INTEGER NOT NULL, -- 0: any number
	used    INTEGER NOT NULL,
	expires INTEGER NOT NULL, -- 0: never
	created INTEGER NOT NULL,
	note    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE resting_names (
	name_key TEXT    PRIMARY KEY,
	person   INTEGER NOT NULL REFERENCES people (key),
	until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE pictures (
	person INTEGER PRIMARY KEY REFERENCES people (key),
	name   TEXT    NOT NULL,
	kind   TEXT    NOT NULL,
	data   BLOB    NOT NULL
) STRICT;
CREATE TABLE settings (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (2, 1);
INSERT INTO place VALUES (1, 'm4t8zq1x', 1795467000000);
INSERT INTO people VALUES
	(1, '7fq2mk9x4vhd3stb', 'Ines', 'ines', 0, 1795467000001, 4, 4, '$argon2id$v=19$stored', NULL),
	(2, 'b9d4w7rn2kxm5qhs', 'Tomás', 'tomás', 0, 1795467000002, 1, 3, NULL, NULL),
	(3, 'n5k8r3w2x7c4v9bq', 'guest-abcd', NULL, 1, 1795467000003, 1, 2, NULL, NULL),
	(4, 'c1v8b2n6z4x7q9wk', 'Kim', NULL, 0, 1795467000004, 1, 2, NULL, 1795467000900);
INSERT INTO sessions VALUES (x'de8ffa8da058aae3f26da06e196ca768486dca9a8eb977217d4951ae227a146c', 1, 1795467000001, '0123456789abcdef', 'Firefox on Linux', 4102444800000);
INSERT INTO rooms VALUES
	(1, 'k3v9x2m7qp4d', 'lobby', 0, 1795467000000),
	(2, 'w8c1hn5tz0ra', 'kitchen', 6, 1795467000003),
	(3, 'q8w1e5r2t9y3', 'k1tchen', 1, 1795467000005);
INSERT INTO events VALUES
	(2, 1, x'0199d5c27a317c4e9b1f3d2a6c8e5f01', 1, 1, 0, 1795467187412, 'It fits with 4 mm to spare 🎉'),
	(2, 2, x'0199d5c28b027f108a5591c4de770b3c', 1, 2, 1, 1795467201100, 'It fits with 5 mm to spare 🎉'),
	(2, 3, x'0199d5c28b027f108a5591c4de770b3d', 2, 1, 0, 1795467201200, ''),
	(2, 4, x'0199d5c28b027f108a5591c4de770b3e', 2, 3, 3, 1795467201300, ''),
	(2, 5, x'0199d5c28b027f108a5591c4de770b3f', 4, 1, 0, 1795467201400, 'Who has the drill?'),
	(2, 6, x'0199d5c28b027f108a5591c4de770b40', 3, 1, 0, 1795467201500, 'beep'),
	(3, 1, x'0199d5c28b027f108a5591c4de770b41', 2, 1, 0, 1795467201600, 'Is this the kitchen?');
INSERT INTO revisions VALUES (2, 1, 2, 'It fits with 5 mm to spare 🎉'), (2, 3, 4, NULL);
INSERT INTO memberships VALUES (1, 2, 2), (2, 2, 6), (2, 3, 1);
INSERT INTO passkeys VALUES (x'0102', 1, x'7b7d', 'a key', 1795467000010, 0);
INSERT INTO identities VALUES ('https://accounts.example.org', 'subject', 2);
INSERT INTO invites VALUES (x'cc4918f18b6fe72e37d70b7a9b19f79543adaeb723cc965a9ee323ce8ad8d195', 'a1b2c3d4e5f6', 2, 2, 1, 0, 1, 0, 1795467000020, 'for the cooks');
INSERT INTO resting_names VALUES ('kim', 4, 4102444800000);
INSERT INTO pictures VALUES (1, 'p1', 'image/png', x'89504e47');
INSERT INTO settings VALUES ('guests', 'open');
