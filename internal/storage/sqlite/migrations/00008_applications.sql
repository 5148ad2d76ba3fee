-- +goose Up

-- Attributes for access control and additional regions of an instance.
CREATE TABLE instance_attributes (
  instance_id TEXT NOT NULL PRIMARY KEY REFERENCES instances (id),
  doc         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE instance_regions (
  instance_id TEXT NOT NULL REFERENCES instances (id),
  name        TEXT NOT NULL,
  added_at    INTEGER NOT NULL,
  PRIMARY KEY (instance_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX instance_regions_by_name ON instance_regions (name);

CREATE TABLE applications (
  id          TEXT NOT NULL PRIMARY KEY,
  instance_id TEXT NOT NULL REFERENCES instances (id),
  account_id  TEXT NOT NULL,
  provider    TEXT NOT NULL,
  version     INTEGER NOT NULL,
  doc         TEXT NOT NULL
) STRICT;
CREATE INDEX applications_by_instance ON applications (instance_id, id);
CREATE INDEX applications_by_account ON applications (instance_id, account_id, id);
CREATE INDEX applications_by_provider ON applications (instance_id, provider, id);

-- principal is the type, a slash and the id.
CREATE TABLE application_assignments (
  application_id TEXT NOT NULL REFERENCES applications (id),
  principal      TEXT NOT NULL,
  created_at     INTEGER NOT NULL,
  PRIMARY KEY (application_id, principal)
) STRICT, WITHOUT ROWID;
CREATE INDEX application_assignments_by_principal ON application_assignments (principal, application_id);

CREATE TABLE token_issuers (
  id          TEXT NOT NULL PRIMARY KEY,
  instance_id TEXT NOT NULL REFERENCES instances (id),
  version     INTEGER NOT NULL,
  doc         TEXT NOT NULL
) STRICT;
CREATE INDEX token_issuers_by_instance ON token_issuers (instance_id, id);

-- Which creations were made by which client token. name is the account, the operation and the token; made is the id of what was made.
CREATE TABLE client_tokens (
  name        TEXT NOT NULL PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  made        TEXT NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX client_tokens_by_expiry ON client_tokens (expires_at);
