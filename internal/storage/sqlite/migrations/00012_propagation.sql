-- +goose Up

CREATE TABLE propagation_codes (
  hash       BLOB NOT NULL PRIMARY KEY,
  used_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX propagation_codes_expiry ON propagation_codes (expires_at);

CREATE TABLE propagation_grants (
  id         TEXT NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX propagation_grants_expiry ON propagation_grants (expires_at);

CREATE TABLE propagation_access_tokens (
  hash       BLOB NOT NULL PRIMARY KEY,
  grant_id   TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX propagation_access_tokens_by_grant ON propagation_access_tokens (grant_id);
CREATE INDEX propagation_access_tokens_expiry ON propagation_access_tokens (expires_at);

CREATE TABLE propagation_refresh_tokens (
  hash       BLOB NOT NULL PRIMARY KEY,
  grant_id   TEXT NOT NULL,
  rotated_at INTEGER NOT NULL,
  nonce      BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX propagation_refresh_tokens_by_grant ON propagation_refresh_tokens (grant_id);
CREATE INDEX propagation_refresh_tokens_expiry ON propagation_refresh_tokens (expires_at);

-- Assertions with an id that were used.
CREATE TABLE propagation_assertions (
  hash       BLOB NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX propagation_assertions_expiry ON propagation_assertions (expires_at);
