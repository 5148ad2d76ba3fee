-- +goose Up

-- Who is in a group. Groups themselves are identities of kind 'group'.
CREATE TABLE iam_members (
  account_id TEXT NOT NULL,
  group_fold TEXT NOT NULL,
  user_fold  TEXT NOT NULL,
  PRIMARY KEY (account_id, group_fold, user_fold)
) STRICT, WITHOUT ROWID;
CREATE INDEX iam_members_by_user ON iam_members (account_id, user_fold, group_fold);

-- Instance profiles (kind 'profile', link: the role in it) and OIDC providers (kind 'oidc', name: the URL without scheme).
CREATE TABLE iam_entries (
  account_id TEXT NOT NULL,
  kind       TEXT NOT NULL,
  name_fold  TEXT NOT NULL,
  path       TEXT NOT NULL,
  link       TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account_id, kind, name_fold)
) STRICT, WITHOUT ROWID;
CREATE INDEX iam_entries_by_link ON iam_entries (account_id, kind, link, name_fold);

CREATE TABLE iam_aliases (
  account_id TEXT NOT NULL PRIMARY KEY,
  alias      TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
