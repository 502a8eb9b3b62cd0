-- What was begun, and must be finished soon by the secret that somebody was given.

-- +goose Up
CREATE TABLE begun (
	secret BLOB    PRIMARY KEY, -- SHA-256
	kind   TEXT    NOT NULL,
	what   BLOB    NOT NULL,
	ends   INTEGER NOT NULL     -- milliseconds since 1970
) STRICT, WITHOUT ROWID;
CREATE INDEX begun_by_end ON begun (ends);
