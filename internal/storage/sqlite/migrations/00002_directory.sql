-- +goose Up

-- Documents are long, so these tables are ordered by insertion (rowid) and the ids have an index of their own: inserting
-- appends, and only small index pages are touched at random.
CREATE TABLE users (
  seq       INTEGER PRIMARY KEY,
  id        TEXT NOT NULL UNIQUE,
  name_fold TEXT NOT NULL UNIQUE,
  version   INTEGER NOT NULL,
  doc       TEXT NOT NULL
) STRICT;

-- The rows by which a user is found belong to her document and are written with it; a foreign key would need a second
-- index on each table to say what the code that reads the old document knows.
CREATE TABLE user_external_ids (
  issuer      TEXT NOT NULL,
  external_id TEXT NOT NULL,
  user_id     TEXT NOT NULL,
  PRIMARY KEY (issuer, external_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_emails (
  address_fold TEXT NOT NULL,
  user_id      TEXT NOT NULL,
  PRIMARY KEY (address_fold, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  name_fold  TEXT NOT NULL UNIQUE,
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  doc        TEXT NOT NULL
) STRICT;

CREATE TABLE group_external_ids (
  issuer      TEXT NOT NULL,
  external_id TEXT NOT NULL,
  group_id    TEXT NOT NULL,
  PRIMARY KEY (issuer, external_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE memberships (
  id         TEXT NOT NULL UNIQUE,
  group_id   TEXT NOT NULL REFERENCES groups (id),
  user_id    TEXT NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_id, group_id);

CREATE TABLE sources (
  id      TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  doc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scim_tokens (
  id           TEXT NOT NULL PRIMARY KEY,
  source_id    TEXT NOT NULL REFERENCES sources (id),
  hash         BLOB NOT NULL UNIQUE,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  created_by   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_tokens_by_source ON scim_tokens (source_id, created_at);
