-- +goose Up

-- Account access managers: one per instance.
CREATE TABLE access_managers (
  id          TEXT COLLATE "C" PRIMARY KEY,
  instance_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES instances (id),
  account_id  TEXT COLLATE "C" NOT NULL,
  version     BIGINT NOT NULL,
  doc         TEXT NOT NULL
);
CREATE INDEX access_managers_by_account ON access_managers (account_id, id);

-- role is the resource part of the role's ARN, role_id the unique id of the role that is meant; principal is the type, a slash and the id.
CREATE TABLE role_entitlements (
  id         TEXT COLLATE "C" PRIMARY KEY,
  manager_id TEXT COLLATE "C" NOT NULL REFERENCES access_managers (id),
  account_id TEXT COLLATE "C" NOT NULL,
  role       TEXT COLLATE "C" NOT NULL,
  principal  TEXT COLLATE "C" NOT NULL,
  role_id    TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (manager_id, account_id, role, principal)
);
CREATE INDEX role_entitlements_by_principal ON role_entitlements (principal, manager_id, account_id, role, role_id);
