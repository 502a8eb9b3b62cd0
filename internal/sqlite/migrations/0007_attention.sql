-- What people want to notice, and where.

-- +goose Up
ALTER TABLE memberships ADD COLUMN level INTEGER NOT NULL DEFAULT 0; -- 0 the room's default, 1 all, 2 mentions, 3 nothing

-- Alerts are silent until then, and from one minute of the day to another in a time zone.
ALTER TABLE people ADD COLUMN silent_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN silent_from  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN silent_to    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN silent_zone  TEXT    NOT NULL DEFAULT '';

-- What was written and not sent. An empty text stays, so that an older one does not come back.
CREATE TABLE unsent (
	person INTEGER NOT NULL,
	room   INTEGER NOT NULL,
	text   TEXT    NOT NULL,
	time   INTEGER NOT NULL,
	PRIMARY KEY (person, room)
) STRICT, WITHOUT ROWID;

-- Browsers that get alerts, each as long as the session that asked for it.
CREATE TABLE devices (
	endpoint TEXT    PRIMARY KEY,
	person   INTEGER NOT NULL REFERENCES people (key),
	session  TEXT    NOT NULL,
	key      TEXT    NOT NULL,
	auth     TEXT    NOT NULL,
	created  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_person ON devices (person);
CREATE INDEX devices_by_session ON devices (session);

-- However a session ends, its browser gets nothing any more.
-- +goose StatementBegin
CREATE TRIGGER devices_end AFTER DELETE ON sessions BEGIN
	DELETE FROM devices WHERE session = old.id;
END;
-- +goose StatementEnd

-- Up to where it was decided whom a room's events alert.
CREATE TABLE alerted (
	room INTEGER PRIMARY KEY REFERENCES rooms (key),
	seq  INTEGER NOT NULL
) STRICT;
