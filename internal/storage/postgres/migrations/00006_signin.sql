-- +goose Up

CREATE TABLE signin_settings (
  only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
  version  BIGINT NOT NULL,
  doc      TEXT NOT NULL
);

CREATE TABLE signin_requests (
  id         TEXT COLLATE "C" PRIMARY KEY,
  source_id  TEXT COLLATE "C" NOT NULL,
  used_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX signin_requests_expiry ON signin_requests (expires_at);

CREATE TABLE signin_replays (
  source_id    TEXT COLLATE "C" NOT NULL,
  assertion_id TEXT COLLATE "C" NOT NULL,
  expires_at   BIGINT NOT NULL,
  PRIMARY KEY (source_id, assertion_id)
);
CREATE INDEX signin_replays_expiry ON signin_replays (expires_at);

CREATE TABLE signin_parked (
  hash       BYTEA PRIMARY KEY,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX signin_parked_expiry ON signin_parked (expires_at);

CREATE TABLE signin_sessions (
  id           TEXT COLLATE "C" PRIMARY KEY,
  hash         BYTEA NOT NULL UNIQUE,
  user_id      TEXT COLLATE "C" NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  doc          TEXT NOT NULL
);
CREATE INDEX signin_sessions_by_user ON signin_sessions (user_id, id);
CREATE INDEX signin_sessions_expiry ON signin_sessions (expires_at);

CREATE TABLE signin_clients (
  id         TEXT COLLATE "C" PRIMARY KEY,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX signin_clients_expiry ON signin_clients (expires_at);

CREATE TABLE signin_devices (
  hash       BYTEA PRIMARY KEY,
  user_code  TEXT COLLATE "C" NOT NULL UNIQUE,
  status     TEXT COLLATE "C" NOT NULL,
  user_id    TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX signin_devices_by_session ON signin_devices (session_id);
CREATE INDEX signin_devices_expiry ON signin_devices (expires_at);

CREATE TABLE signin_codes (
  hash       BYTEA PRIMARY KEY,
  session_id TEXT COLLATE "C" NOT NULL,
  used_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX signin_codes_by_session ON signin_codes (session_id);
CREATE INDEX signin_codes_expiry ON signin_codes (expires_at);

CREATE TABLE signin_access_tokens (
  hash       BYTEA PRIMARY KEY,
  grant_id   TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX signin_access_tokens_by_grant ON signin_access_tokens (grant_id);
CREATE INDEX signin_access_tokens_by_session ON signin_access_tokens (session_id);
CREATE INDEX signin_access_tokens_expiry ON signin_access_tokens (expires_at);

CREATE TABLE signin_refresh_tokens (
  hash       BYTEA PRIMARY KEY,
  grant_id   TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  rotated_at BIGINT NOT NULL,
  nonce      BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX signin_refresh_tokens_by_grant ON signin_refresh_tokens (grant_id);
CREATE INDEX signin_refresh_tokens_by_session ON signin_refresh_tokens (session_id);
CREATE INDEX signin_refresh_tokens_expiry ON signin_refresh_tokens (expires_at);
