-- +goose Up

-- Service control policies but for AWS's own, which is part of the program.
CREATE TABLE org_policies (
  id   TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  doc  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Where they are attached, AWS's own too. There are rows only while the policies are on.
CREATE TABLE org_attachments (
  target_id TEXT NOT NULL,
  policy_id TEXT NOT NULL,
  PRIMARY KEY (target_id, policy_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX org_attachments_by_policy ON org_attachments (policy_id, target_id);

-- One row; generation grows with whatever can change what an account's principals may do.
CREATE TABLE org_state (
  only_one   INTEGER PRIMARY KEY CHECK (only_one = 1),
  control_on INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  root_tags  TEXT NOT NULL
) STRICT;
INSERT INTO org_state (only_one, control_on, generation, root_tags) VALUES (1, 0, 1, '{}');

CREATE TABLE org_services (
  name       TEXT NOT NULL PRIMARY KEY,
  enabled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE org_delegates (
  account_id TEXT NOT NULL,
  service    TEXT NOT NULL,
  enabled_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, service)
) STRICT, WITHOUT ROWID;
CREATE INDEX org_delegates_by_service ON org_delegates (service, account_id);

CREATE TABLE org_account_requests (
  id  TEXT NOT NULL PRIMARY KEY,
  doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;
