-- +goose Up

-- Attributes for access control and additional regions of an instance.
CREATE TABLE instance_attributes (
  instance_id TEXT COLLATE "C" PRIMARY KEY REFERENCES instances (id),
  doc         TEXT NOT NULL
);

CREATE TABLE instance_regions (
  instance_id TEXT COLLATE "C" NOT NULL REFERENCES instances (id),
  name        TEXT COLLATE "C" NOT NULL,
  added_at    BIGINT NOT NULL,
  PRIMARY KEY (instance_id, name)
);
CREATE INDEX instance_regions_by_name ON instance_regions (name);

CREATE TABLE applications (
  id          TEXT COLLATE "C" PRIMARY KEY,
  instance_id TEXT COLLATE "C" NOT NULL REFERENCES instances (id),
  account_id  TEXT COLLATE "C" NOT NULL,
  provider    TEXT COLLATE "C" NOT NULL,
  version     BIGINT NOT NULL,
  doc         TEXT NOT NULL
);
CREATE INDEX applications_by_instance ON applications (instance_id, id);
CREATE INDEX applications_by_account ON applications (instance_id, account_id, id);
CREATE INDEX applications_by_provider ON applications (instance_id, provider, id);

-- principal is the type, a slash and the id.
CREATE TABLE application_assignments (
  application_id TEXT COLLATE "C" NOT NULL REFERENCES applications (id),
  principal      TEXT COLLATE "C" NOT NULL,
  created_at     BIGINT NOT NULL,
  PRIMARY KEY (application_id, principal)
);
CREATE INDEX application_assignments_by_principal ON application_assignments (principal, application_id);

CREATE TABLE token_issuers (
  id          TEXT COLLATE "C" PRIMARY KEY,
  instance_id TEXT COLLATE "C" NOT NULL REFERENCES instances (id),
  version     BIGINT NOT NULL,
  doc         TEXT NOT NULL
);
CREATE INDEX token_issuers_by_instance ON token_issuers (instance_id, id);

-- Which creations were made by which client token. name is the account, the operation and the token; made is the id of what was made.
CREATE TABLE client_tokens (
  name        TEXT COLLATE "C" PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  made        TEXT NOT NULL,
  expires_at  BIGINT NOT NULL
);
CREATE INDEX client_tokens_by_expiry ON client_tokens (expires_at);
