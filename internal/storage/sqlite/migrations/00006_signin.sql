-- +goose Up

CREATE TABLE signin_settings (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  version  INTEGER NOT NULL,
  doc      TEXT NOT NULL
) STRICT;

CREATE TABLE signin_requests (
  id         TEXT NOT NULL PRIMARY KEY,
  source_id  TEXT NOT NULL,
  used_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_requests_expiry ON signin_requests (expires_at);

CREATE TABLE signin_replays (
  source_id    TEXT NOT NULL,
  assertion_id TEXT NOT NULL,
  expires_at   INTEGER NOT NULL,
  PRIMARY KEY (source_id, assertion_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_replays_expiry ON signin_replays (expires_at);

CREATE TABLE signin_parked (
  hash       BLOB NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_parked_expiry ON signin_parked (expires_at);

CREATE TABLE signin_sessions (
  id           TEXT NOT NULL PRIMARY KEY,
  hash         BLOB NOT NULL UNIQUE,
  user_id      TEXT NOT NULL,
  last_seen_at INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  doc          TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_sessions_by_user ON signin_sessions (user_id, id);
CREATE INDEX signin_sessions_expiry ON signin_sessions (expires_at);

CREATE TABLE signin_clients (
  id         TEXT NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_clients_expiry ON signin_clients (expires_at);

CREATE TABLE signin_devices (
  hash       BLOB NOT NULL PRIMARY KEY,
  user_code  TEXT NOT NULL UNIQUE,
  status     TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  session_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_devices_by_session ON signin_devices (session_id);
CREATE INDEX signin_devices_expiry ON signin_devices (expires_at);

CREATE TABLE signin_codes (
  hash       BLOB NOT NULL PRIMARY KEY,
  session_id TEXT NOT NULL,
  used_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_codes_by_session ON signin_codes (session_id);
CREATE INDEX signin_codes_expiry ON signin_codes (expires_at);

CREATE TABLE signin_access_tokens (
  hash       BLOB NOT NULL PRIMARY KEY,
  grant_id   TEXT NOT NULL,
  session_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_access_tokens_by_grant ON signin_access_tokens (grant_id);
CREATE INDEX signin_access_tokens_by_session ON signin_access_tokens (session_id);
CREATE INDEX signin_access_tokens_expiry ON signin_access_tokens (expires_at);

CREATE TABLE signin_refresh_tokens (
  hash       BLOB NOT NULL PRIMARY KEY,
  grant_id   TEXT NOT NULL,
  session_id TEXT NOT NULL,
  rotated_at INTEGER NOT NULL,
  nonce      BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_refresh_tokens_by_grant ON signin_refresh_tokens (grant_id);
CREATE INDEX signin_refresh_tokens_by_session ON signin_refresh_tokens (session_id);
CREATE INDEX signin_refresh_tokens_expiry ON signin_refresh_tokens (expires_at);
