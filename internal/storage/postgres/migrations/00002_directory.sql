-- +goose Up

CREATE TABLE users (
  id        TEXT COLLATE "C" PRIMARY KEY,
  name_fold TEXT COLLATE "C" NOT NULL UNIQUE,
  version   BIGINT NOT NULL,
  doc       TEXT NOT NULL
);

-- The rows by which a user is found belong to her document and are written with it; a foreign key would need a second
-- index on each table to say what the code that reads the old document knows.
CREATE TABLE user_external_ids (
  issuer      TEXT COLLATE "C" NOT NULL,
  external_id TEXT COLLATE "C" NOT NULL,
  user_id     TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (issuer, external_id)
);

CREATE TABLE user_emails (
  address_fold TEXT COLLATE "C" NOT NULL,
  user_id      TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (address_fold, user_id)
);

CREATE TABLE groups (
  id         TEXT COLLATE "C" PRIMARY KEY,
  name_fold  TEXT COLLATE "C" NOT NULL UNIQUE,
  version    BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  doc        TEXT NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE group_external_ids (
  issuer      TEXT COLLATE "C" NOT NULL,
  external_id TEXT COLLATE "C" NOT NULL,
  group_id    TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (issuer, external_id)
);

CREATE TABLE memberships (
  id         TEXT COLLATE "C" NOT NULL UNIQUE,
  group_id   TEXT COLLATE "C" NOT NULL REFERENCES groups (id),
  user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id),
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (group_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id, group_id);

CREATE TABLE sources (
  id      TEXT COLLATE "C" PRIMARY KEY,
  version BIGINT NOT NULL,
  doc     TEXT NOT NULL
);

CREATE TABLE scim_tokens (
  id           TEXT COLLATE "C" PRIMARY KEY,
  source_id    TEXT COLLATE "C" NOT NULL REFERENCES sources (id),
  hash         BYTEA NOT NULL UNIQUE,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  created_by   TEXT NOT NULL
);
CREATE INDEX scim_tokens_by_source ON scim_tokens (source_id, created_at);
