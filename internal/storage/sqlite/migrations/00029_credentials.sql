-- +goose Up

-- What people sign in with at the built-in directory. It goes with the user.
CREATE TABLE credential_settings (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  version  INTEGER NOT NULL,
  doc      TEXT NOT NULL
) STRICT;

CREATE TABLE credentials (
  user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  doc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The passkeys in the documents: no two people have the same one.
CREATE TABLE credential_passkeys (
  credential_id BLOB NOT NULL PRIMARY KEY,
  user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_passkeys_by_user ON credential_passkeys (user_id);

CREATE TABLE credential_browsers (
  user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash       BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_browsers_expiry ON credential_browsers (expires_at);

CREATE TABLE credential_links (
  hash       BLOB NOT NULL PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_links_by_user ON credential_links (user_id);
CREATE INDEX credential_links_expiry ON credential_links (expires_at);

CREATE TABLE credential_attempts (
  hash       BLOB NOT NULL PRIMARY KEY,
  version    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_attempts_expiry ON credential_attempts (expires_at);

-- Limits on guesses: when each is full again, which is also when its row is of no use any more.
CREATE TABLE credential_limits (
  hash       BLOB NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_limits_expiry ON credential_limits (expires_at);
