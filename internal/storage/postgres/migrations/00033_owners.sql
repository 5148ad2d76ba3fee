-- +goose Up

-- Who owns a user or a group, beside the documents, so that a directory's own are listed without reading everybody's.
ALTER TABLE users ADD COLUMN source TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE users SET source = doc::jsonb ->> 'source' WHERE doc::jsonb ->> 'source' <> '';
CREATE INDEX users_by_source ON users (source, id);

ALTER TABLE groups ADD COLUMN source TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE groups SET source = doc::jsonb ->> 'source' WHERE doc::jsonb ->> 'source' <> '';
CREATE INDEX groups_by_source ON groups (source, id);
