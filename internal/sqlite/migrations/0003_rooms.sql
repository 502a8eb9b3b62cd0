-- Rooms that are private or direct, and who may do what in them.

-- +goose Up
-- 1 public, 2 private, 3 direct, 4 the log of the place. Made anew, because only public
-- rooms have a name of their own.
CREATE TABLE rooms_new (
	key           INTEGER PRIMARY KEY,
	id            TEXT    NOT NULL UNIQUE,
	kind          INTEGER NOT NULL DEFAULT 1,
	name          TEXT    NOT NULL, -- '' where kind is 3 or 4
	name_key      TEXT    UNIQUE,   -- public rooms: what makes names the same
	direct_key    TEXT    UNIQUE,   -- direct ones: who is in it
	topic         TEXT    NOT NULL DEFAULT '',
	archived      INTEGER NOT NULL DEFAULT 0,
	read_only     INTEGER NOT NULL DEFAULT 0,
	guests_wait   INTEGER NOT NULL DEFAULT 0,
	slow          INTEGER NOT NULL DEFAULT 0, -- seconds
	keep_days     INTEGER NOT NULL DEFAULT 0,
	keep_messages INTEGER NOT NULL DEFAULT 0,
	floor         INTEGER NOT NULL DEFAULT 0, -- messages up to there were erased by retention
	by            INTEGER REFERENCES people (key),
	members       INTEGER NOT NULL DEFAULT 0, -- rows of memberships with state 1
	head          INTEGER NOT NULL DEFAULT 0,
	messages      INTEGER NOT NULL DEFAULT 0, -- events of kind 1
	created       INTEGER NOT NULL
) STRICT;
INSERT INTO rooms_new (key, id, name, head, created, members, messages)
	SELECT key, id, name, head, created,
		(SELECT count(*) FROM memberships WHERE room = rooms.key),
		(SELECT count(*) FROM events WHERE room = rooms.key AND kind = 1) FROM rooms;
DROP TABLE rooms;
ALTER TABLE rooms_new RENAME TO rooms;
CREATE INDEX rooms_by_name ON rooms (name) WHERE kind = 1;

-- How a person stands to a room: 0 not at all, 1 it is on their list, 2 left, 3 removed,
-- 4 banned, 5 waiting.
ALTER TABLE memberships ADD COLUMN state     INTEGER NOT NULL DEFAULT 1;
ALTER TABLE memberships ADD COLUMN moderator INTEGER NOT NULL DEFAULT 0;
ALTER TABLE memberships ADD COLUMN muted     INTEGER NOT NULL DEFAULT 0; -- until when
ALTER TABLE memberships ADD COLUMN banned    INTEGER NOT NULL DEFAULT 0; -- until when
ALTER TABLE memberships ADD COLUMN spoke     INTEGER NOT NULL DEFAULT 0; -- last, where slow mode is on
ALTER TABLE memberships ADD COLUMN since     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE memberships ADD COLUMN counted   INTEGER NOT NULL DEFAULT 0; -- messages up to read
UPDATE memberships SET counted = (SELECT count(*) FROM events e WHERE e.room = memberships.room AND e.seq <= memberships.read AND e.kind = 1);
CREATE INDEX memberships_by_room ON memberships (room, state, person);
CREATE INDEX memberships_of_moderators ON memberships (room, person) WHERE moderator = 1;

ALTER TABLE events ADD COLUMN about INTEGER NOT NULL DEFAULT 0; -- people.key; 0: nobody
ALTER TABLE events ADD COLUMN until INTEGER NOT NULL DEFAULT 0; -- when a ban or a mute ends
ALTER TABLE events ADD COLUMN mentions TEXT; -- JSON
CREATE INDEX events_of_change ON events (room, seq) WHERE kind > 3 OR about > 0;

-- What addresses somebody and was not read yet.
CREATE TABLE mentions (
	person INTEGER NOT NULL, -- 0: everybody
	room   INTEGER NOT NULL,
	seq    INTEGER NOT NULL,
	PRIMARY KEY (person, room, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX mentions_by_message ON mentions (room, seq);

CREATE TABLE reports (
	id     TEXT    NOT NULL UNIQUE,
	room   INTEGER NOT NULL REFERENCES rooms (key),
	seq    INTEGER NOT NULL,
	by     INTEGER NOT NULL REFERENCES people (key),
	reason TEXT    NOT NULL,
	time   INTEGER NOT NULL,
	closed INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (room, seq, by)
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_open ON reports (room) WHERE closed = 0;

CREATE TABLE blocks (
	id      TEXT    PRIMARY KEY,
	range   TEXT    NOT NULL,
	reason  TEXT    NOT NULL,
	by      INTEGER NOT NULL REFERENCES people (key),
	created INTEGER NOT NULL,
	until   INTEGER NOT NULL -- 0: for good
) STRICT, WITHOUT ROWID;

ALTER TABLE people ADD COLUMN bot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN made_by INTEGER REFERENCES people (key);
-- Who works on the machine itself, as the author of what they change.
INSERT INTO people (id, name, name_key, visiting, created, role) VALUES ('operator', 'operator', NULL, 1, 0, 4);

ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN scope TEXT; -- JSON, of a bot's token; it does not end by itself
