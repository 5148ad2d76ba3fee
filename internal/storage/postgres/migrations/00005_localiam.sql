-- +goose Up

-- Roles and users of the embedded accounts; kind is 'role' or 'user'.
CREATE TABLE iam_identities (
  account_id TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  name_fold  TEXT COLLATE "C" NOT NULL,
  name       TEXT NOT NULL,
  path       TEXT COLLATE "C" NOT NULL,
  revision   BIGINT NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account_id, kind, name_fold)
);

-- Who has a managed policy, written with the identity's document.
CREATE TABLE iam_attachments (
  account_id TEXT COLLATE "C" NOT NULL,
  arn    TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  boundary   BIGINT NOT NULL,
  name_fold  TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, arn, kind, boundary, name_fold)
);

CREATE TABLE iam_access_keys (
  id         TEXT COLLATE "C" PRIMARY KEY,
  account_id TEXT COLLATE "C" NOT NULL,
  user_fold  TEXT COLLATE "C" NOT NULL,
  revision   BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX iam_access_keys_by_user ON iam_access_keys (account_id, user_fold, id);

CREATE TABLE iam_policies (
  account_id TEXT COLLATE "C" NOT NULL,
  name_fold  TEXT COLLATE "C" NOT NULL,
  path       TEXT COLLATE "C" NOT NULL,
  arn    TEXT COLLATE "C" NOT NULL UNIQUE,
  revision   BIGINT NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account_id, name_fold)
);

CREATE TABLE iam_saml_providers (
  account_id TEXT COLLATE "C" NOT NULL,
  name_fold  TEXT COLLATE "C" NOT NULL,
  revision   BIGINT NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (account_id, name_fold)
);

CREATE TABLE iam_generations (
  account_id TEXT COLLATE "C" PRIMARY KEY,
  n          BIGINT NOT NULL
);

CREATE TABLE iam_revocations (
  subject   TEXT COLLATE "C" PRIMARY KEY,
  before_at BIGINT NOT NULL
);
