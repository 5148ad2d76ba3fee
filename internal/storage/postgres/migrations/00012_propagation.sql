-- +goose Up

CREATE TABLE propagation_codes (
  hash       BYTEA PRIMARY KEY,
  used_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX propagation_codes_expiry ON propagation_codes (expires_at);

CREATE TABLE propagation_grants (
  id         TEXT COLLATE "C" PRIMARY KEY,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX propagation_grants_expiry ON propagation_grants (expires_at);

CREATE TABLE propagation_access_tokens (
  hash       BYTEA PRIMARY KEY,
  grant_id   TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX propagation_access_tokens_by_grant ON propagation_access_tokens (grant_id);
CREATE INDEX propagation_access_tokens_expiry ON propagation_access_tokens (expires_at);

CREATE TABLE propagation_refresh_tokens (
  hash       BYTEA PRIMARY KEY,
  grant_id   TEXT COLLATE "C" NOT NULL,
  rotated_at BIGINT NOT NULL,
  nonce      BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX propagation_refresh_tokens_by_grant ON propagation_refresh_tokens (grant_id);
CREATE INDEX propagation_refresh_tokens_expiry ON propagation_refresh_tokens (expires_at);

-- Assertions with an id that were used.
CREATE TABLE propagation_assertions (
  hash       BYTEA PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
CREATE INDEX propagation_assertions_expiry ON propagation_assertions (expires_at);
