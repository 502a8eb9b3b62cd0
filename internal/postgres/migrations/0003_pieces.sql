-- The parts of uploads that are kept already, by their names in the store of files. The
-- reference keeps an upload from going on one node while a piece comes at another.

-- +goose Up
CREATE TABLE pieces (
	upload text   COLLATE "C" NOT NULL REFERENCES files (id) ON DELETE CASCADE,
	start  bigint NOT NULL, -- its first byte
	size   bigint NOT NULL,
	name   text   COLLATE "C" NOT NULL,
	PRIMARY KEY (upload, start)
);
