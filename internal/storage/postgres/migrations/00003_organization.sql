-- +goose Up

CREATE TABLE organization (
  only_one              BIGINT PRIMARY KEY CHECK (only_one = 1),
  id                    TEXT NOT NULL,
  root_id               TEXT COLLATE "C" NOT NULL,
  management_account_id TEXT NOT NULL,
  created_at            BIGINT NOT NULL
);

CREATE TABLE units (
  id         TEXT COLLATE "C" PRIMARY KEY,
  parent_id  TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  doc        TEXT NOT NULL,
  UNIQUE (parent_id, name)
);
CREATE INDEX units_by_parent ON units (parent_id, id);

CREATE TABLE accounts (
  id         TEXT COLLATE "C" PRIMARY KEY,
  parent_id  TEXT COLLATE "C" NOT NULL,
  email_fold TEXT COLLATE "C" NOT NULL UNIQUE,
  doc        TEXT NOT NULL
);
CREATE INDEX accounts_by_parent ON accounts (parent_id, id);
