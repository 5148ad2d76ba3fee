-- +goose Up

-- Account access managers: one per instance.
CREATE TABLE access_managers (
  id          TEXT NOT NULL PRIMARY KEY,
  instance_id TEXT NOT NULL UNIQUE REFERENCES instances (id),
  account_id  TEXT NOT NULL,
  version     INTEGER NOT NULL,
  doc         TEXT NOT NULL
) STRICT;
CREATE INDEX access_managers_by_account ON access_managers (account_id, id);

-- role is the resource part of the role's ARN, role_id the unique id of the role that is meant; principal is the type, a slash and the id.
CREATE TABLE role_entitlements (
  id         TEXT NOT NULL PRIMARY KEY,
  manager_id TEXT NOT NULL REFERENCES access_managers (id),
  account_id TEXT NOT NULL,
  role       TEXT NOT NULL,
  principal  TEXT NOT NULL,
  role_id    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (manager_id, account_id, role, principal)
) STRICT;
CREATE INDEX role_entitlements_by_principal ON role_entitlements (principal, manager_id, account_id, role, role_id);
