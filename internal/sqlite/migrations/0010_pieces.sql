-- The parts of uploads that are kept already, by their names in the store of files.

-- +goose Up
CREATE TABLE pieces (
	upload TEXT    NOT NULL, -- files.id
	start  INTEGER NOT NULL, -- its first byte
	size   INTEGER NOT NULL,
	name   TEXT    NOT NULL,
	PRIMARY KEY (upload, start)
) STRICT, WITHOUT ROWID;
