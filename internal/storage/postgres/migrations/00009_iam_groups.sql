-- +goose Up

-- Who is in a group. Groups themselves are identities of kind 'group'.
CREATE TABLE iam_members (
  account_id TEXT COLLATE "C" NOT NULL,
  group_fold TEXT COLLATE "C" NOT NULL,
  user_fold  TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, group_fold, user_fold)
);
CREATE INDEX iam_members_by_user ON iam_members (account_id, user_fold, group_fold);

-- Instance profiles (kind 'profile', link: the role in it) and OIDC providers (kind 'oidc', name: the URL without scheme).
CREATE TABLE iam_entries (
  account_id TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  name_fold  TEXT COLLATE "C" NOT NULL,
  path       TEXT COLLATE "C" NOT NULL,
  link       TEXT COLLATE "C" NOT NULL,
  revision   BIGINT NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account_id, kind, name_fold)
);
CREATE INDEX iam_entries_by_link ON iam_entries (account_id, kind, link, name_fold);

CREATE TABLE iam_aliases (
  account_id TEXT COLLATE "C" PRIMARY KEY,
  alias      TEXT COLLATE "C" NOT NULL UNIQUE
);
