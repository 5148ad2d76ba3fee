-- +goose Up

-- Which identity source vouched for a session, empty where none did: they end when the source is removed.
ALTER TABLE signin_sessions ADD COLUMN source_id TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE signin_sessions SET source_id = COALESCE(doc::json #>> '{proof,source}', '');
CREATE INDEX signin_sessions_by_source ON signin_sessions (source_id, id);
