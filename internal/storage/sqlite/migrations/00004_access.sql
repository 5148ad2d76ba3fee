-- +goose Up

CREATE TABLE instances (
  id  TEXT NOT NULL PRIMARY KEY,
  doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE permission_sets (
  id          TEXT NOT NULL PRIMARY KEY,
  instance_id TEXT NOT NULL,
  name        TEXT NOT NULL,
  version     INTEGER NOT NULL,
  doc         TEXT NOT NULL,
  UNIQUE (instance_id, name)
) STRICT;
CREATE INDEX permission_sets_by_id ON permission_sets (instance_id, id);

-- principal is the type, a slash and the id. request_id is the CREATE request that takes the assignment back if it fails.
CREATE TABLE assignments (
  set_id     TEXT NOT NULL REFERENCES permission_sets (id),
  account_id TEXT NOT NULL,
  principal  TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  PRIMARY KEY (set_id, account_id, principal)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_principal ON assignments (principal, account_id, set_id);

-- A request is what the API shows and, while it is IN_PROGRESS, an entry of the queue. seq counts the requests of its role; pending and failed
-- count children of a parent.
CREATE TABLE requests (
  n                  INTEGER PRIMARY KEY,
  id                 TEXT NOT NULL UNIQUE,
  kind               TEXT NOT NULL,
  parent_id          TEXT NOT NULL,
  set_id             TEXT NOT NULL,
  account_id         TEXT NOT NULL,
  principal          TEXT NOT NULL,
  status             TEXT NOT NULL,
  failure            TEXT NOT NULL,
  created_assignment INTEGER NOT NULL,
  created_at         INTEGER NOT NULL,
  finished_at        INTEGER NOT NULL,
  seq                INTEGER NOT NULL,
  pending            INTEGER NOT NULL DEFAULT 0,
  failed             INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX requests_listed ON requests (kind, status, created_at, id) WHERE parent_id = '';
CREATE INDEX requests_open ON requests (set_id, account_id, seq) WHERE status = 'IN_PROGRESS';

-- What has to be brought about, one row per role; it goes when there is nothing left to do. seq is the newest request's; planned is the
-- suffix of a role that is being made. worker holds the
-- claim until ready_at; without a worker, ready_at is when the work is due.
CREATE TABLE role_work (
  set_id     TEXT NOT NULL REFERENCES permission_sets (id),
  account_id TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  worker     TEXT NOT NULL,
  ready_at   INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  planned    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (set_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_work_due ON role_work (ready_at);

CREATE TABLE provisioned_roles (
  set_id         TEXT NOT NULL REFERENCES permission_sets (id),
  account_id     TEXT NOT NULL,
  suffix         TEXT NOT NULL,
  role_name      TEXT NOT NULL,
  revision       INTEGER NOT NULL,
  provisioned_at INTEGER NOT NULL,
  PRIMARY KEY (set_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX provisioned_roles_by_account ON provisioned_roles (account_id, set_id);
