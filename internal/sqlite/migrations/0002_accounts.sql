-- Who may come in, and by what.

-- +goose Up
-- 1 guest, 2 member, 3 admin, 4 owner. promised is the role with an account.
ALTER TABLE people ADD COLUMN role INTEGER NOT NULL DEFAULT 1;
ALTER TABLE people ADD COLUMN promised INTEGER NOT NULL DEFAULT 2;
ALTER TABLE people ADD COLUMN password TEXT; -- argon2id
ALTER TABLE people ADD COLUMN removed INTEGER; -- when

ALTER TABLE sessions ADD COLUMN id TEXT;
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET id = lower(hex(randomblob(8))), used = created;
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

-- Whom providers of OpenID Connect know.
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

-- Names that were given up lately, and by whom.
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
