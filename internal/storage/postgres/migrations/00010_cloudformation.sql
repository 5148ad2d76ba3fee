-- +goose Up

-- live is 1 until the stack is deleted: a name is unique among the live.
CREATE TABLE cfn_stacks (
  id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account TEXT COLLATE "C" NOT NULL,
  region  TEXT COLLATE "C" NOT NULL,
  name    TEXT COLLATE "C" NOT NULL,
  live    BIGINT NOT NULL,
  version BIGINT NOT NULL,
  doc     TEXT NOT NULL
);
CREATE UNIQUE INDEX cfn_stacks_by_name ON cfn_stacks (account, region, name) WHERE live = 1;
CREATE INDEX cfn_stacks_live ON cfn_stacks (account, region, live, id);
CREATE INDEX cfn_stacks_all ON cfn_stacks (account, region, id);

CREATE TABLE cfn_resources (
  stack_id   TEXT COLLATE "C" NOT NULL,
  logical_id TEXT COLLATE "C" NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (stack_id, logical_id)
);

CREATE TABLE cfn_events (
  seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stack_id TEXT COLLATE "C" NOT NULL,
  doc      TEXT NOT NULL
);
CREATE INDEX cfn_events_by_stack ON cfn_events (stack_id, seq);

CREATE TABLE cfn_exports (
  account  TEXT COLLATE "C" NOT NULL,
  region   TEXT COLLATE "C" NOT NULL,
  name     TEXT COLLATE "C" NOT NULL,
  value    TEXT NOT NULL,
  stack_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account, region, name)
);
CREATE INDEX cfn_exports_by_stack ON cfn_exports (stack_id);

CREATE TABLE cfn_imports (
  account    TEXT COLLATE "C" NOT NULL,
  region     TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  stack_name TEXT COLLATE "C" NOT NULL,
  stack_id   TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account, region, name, stack_name)
);
CREATE INDEX cfn_imports_by_stack ON cfn_imports (stack_id);

-- A row while a stack has an operation: the queue.
CREATE TABLE cfn_work (
  stack_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  worker   TEXT COLLATE "C" NOT NULL,
  ready_at BIGINT NOT NULL,
  attempt  BIGINT NOT NULL
);
CREATE INDEX cfn_work_due ON cfn_work (ready_at);

CREATE TABLE cfn_change_sets (
  id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  stack_id TEXT COLLATE "C" NOT NULL,
  name     TEXT COLLATE "C" NOT NULL,
  doc      TEXT NOT NULL
);
CREATE UNIQUE INDEX cfn_change_sets_by_name ON cfn_change_sets (stack_id, name);
