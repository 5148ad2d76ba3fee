-- +goose Up

-- Roles and users of the embedded accounts; kind is 'role' or 'user'.
CREATE TABLE iam_identities (
  account_id TEXT NOT NULL,
  kind       TEXT NOT NULL,
  name_fold  TEXT NOT NULL,
  name       TEXT NOT NULL,
  path       TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account_id, kind, name_fold)
) STRICT, WITHOUT ROWID;

-- Who has a managed policy, written with the identity's document.
CREATE TABLE iam_attachments (
  account_id TEXT NOT NULL,
  arn    TEXT NOT NULL,
  kind       TEXT NOT NULL,
  boundary   INTEGER NOT NULL,
  name_fold  TEXT NOT NULL,
  PRIMARY KEY (account_id, arn, kind, boundary, name_fold)
) STRICT, WITHOUT ROWID;

CREATE TABLE iam_access_keys (
  id         TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  user_fold  TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX iam_access_keys_by_user ON iam_access_keys (account_id, user_fold, id);

CREATE TABLE iam_policies (
  account_id TEXT NOT NULL,
  name_fold  TEXT NOT NULL,
  path       TEXT NOT NULL,
  arn    TEXT NOT NULL UNIQUE,
  revision   INTEGER NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account_id, name_fold)
) STRICT, WITHOUT ROWID;

CREATE TABLE iam_saml_providers (
  account_id TEXT NOT NULL,
  name_fold  TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account_id, name_fold)
) STRICT, WITHOUT ROWID;

CREATE TABLE iam_generations (
  account_id TEXT NOT NULL PRIMARY KEY,
  n          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE iam_revocations (
  subject   TEXT NOT NULL PRIMARY KEY,
  before_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
