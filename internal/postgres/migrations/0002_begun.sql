-- What was begun, and must be finished soon by the secret that somebody was given.

-- +goose Up
CREATE TABLE begun (
	secret bytea  PRIMARY KEY, -- SHA-256
	kind   text   COLLATE "C" NOT NULL,
	what   bytea  NOT NULL,
	ends   bigint NOT NULL     -- milliseconds since 1970
);
CREATE INDEX begun_by_end ON begun (ends);
