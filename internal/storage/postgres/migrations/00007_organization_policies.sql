-- +goose Up

-- Service control policies but for AWS's own, which is part of the program.
CREATE TABLE org_policies (
  id   TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL UNIQUE,
  doc  TEXT NOT NULL
);

-- Where they are attached, AWS's own too. There are rows only while the policies are on.
CREATE TABLE org_attachments (
  target_id TEXT COLLATE "C" NOT NULL,
  policy_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (target_id, policy_id)
);
CREATE INDEX org_attachments_by_policy ON org_attachments (policy_id, target_id);

-- One row; generation grows with whatever can change what an account's principals may do.
CREATE TABLE org_state (
  only_one   BIGINT PRIMARY KEY CHECK (only_one = 1),
  control_on BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  root_tags  TEXT NOT NULL
);
INSERT INTO org_state (only_one, control_on, generation, root_tags) VALUES (1, 0, 1, '{}');

CREATE TABLE org_services (
  name       TEXT COLLATE "C" PRIMARY KEY,
  enabled_at BIGINT NOT NULL
);

CREATE TABLE org_delegates (
  account_id TEXT COLLATE "C" NOT NULL,
  service TEXT COLLATE "C" NOT NULL,
  enabled_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, service)
);
CREATE INDEX org_delegates_by_service ON org_delegates (service, account_id);

CREATE TABLE org_account_requests (
  id  TEXT COLLATE "C" PRIMARY KEY,
  doc TEXT NOT NULL
);
