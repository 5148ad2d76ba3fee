-- +goose Up

-- Sign-ins that failed, for administrators. Those that the identity provider vouched for are counted apart from those that anybody can cause.
CREATE TABLE signin_failures (
  id         TEXT COLLATE "C" PRIMARY KEY,
  at         BIGINT NOT NULL,
  vouched    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX signin_failures_by_time ON signin_failures (at, id);
CREATE INDEX signin_failures_by_kind ON signin_failures (vouched, at, id);
CREATE INDEX signin_failures_expiry ON signin_failures (expires_at);

-- By which name of which source a session was opened: SHA-256 of both, so that the source can end it by that name.
ALTER TABLE signin_sessions ADD COLUMN name_hash BYTEA NOT NULL DEFAULT '';
CREATE INDEX signin_sessions_by_name ON signin_sessions (name_hash, id);

-- When an identity provider's metadata was last asked for, and what came of it.
CREATE TABLE metadata_checks (
  source_id  TEXT COLLATE "C" PRIMARY KEY,
  checked_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
