-- +goose Up

CREATE TABLE organization (
  only_one              INTEGER PRIMARY KEY CHECK (only_one = 1),
  id                    TEXT NOT NULL,
  root_id               TEXT NOT NULL,
  management_account_id TEXT NOT NULL,
  created_at            INTEGER NOT NULL
) STRICT;

CREATE TABLE units (
  id         TEXT NOT NULL PRIMARY KEY,
  parent_id  TEXT NOT NULL,
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  doc        TEXT NOT NULL,
  UNIQUE (parent_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX units_by_parent ON units (parent_id, id);

CREATE TABLE accounts (
  id         TEXT NOT NULL PRIMARY KEY,
  parent_id  TEXT NOT NULL,
  email_fold TEXT NOT NULL UNIQUE,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_parent ON accounts (parent_id, id);
