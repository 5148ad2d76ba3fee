-- +goose Up

-- What people sign in with at the built-in directory. It goes with the user.
CREATE TABLE credential_settings (
  only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
  version  BIGINT NOT NULL,
  doc      TEXT NOT NULL
);

CREATE TABLE credentials (
  user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  version BIGINT NOT NULL,
  doc     TEXT NOT NULL
);

-- The passkeys in the documents: no two people have the same one.
CREATE TABLE credential_passkeys (
  credential_id BYTEA NOT NULL PRIMARY KEY,
  user_id       TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX credential_passkeys_by_user ON credential_passkeys (user_id);

CREATE TABLE credential_browsers (
  user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash       BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (user_id, hash)
);
CREATE INDEX credential_browsers_expiry ON credential_browsers (expires_at);

CREATE TABLE credential_links (
  hash       BYTEA NOT NULL PRIMARY KEY,
  user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX credential_links_by_user ON credential_links (user_id);
CREATE INDEX credential_links_expiry ON credential_links (expires_at);

CREATE TABLE credential_attempts (
  hash       BYTEA NOT NULL PRIMARY KEY,
  version    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX credential_attempts_expiry ON credential_attempts (expires_at);

-- Limits on guesses: when each is full again, which is also when its row is of no use any more.
CREATE TABLE credential_limits (
  hash       BYTEA NOT NULL PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
CREATE INDEX credential_limits_expiry ON credential_limits (expires_at);
