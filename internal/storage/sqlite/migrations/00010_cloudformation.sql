-- +goose Up

-- live is 1 until the stack is deleted: a name is unique among the live.
CREATE TABLE cfn_stacks (
  id      TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  region  TEXT NOT NULL,
  name    TEXT NOT NULL,
  live    INTEGER NOT NULL,
  version INTEGER NOT NULL,
  doc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cfn_stacks_by_name ON cfn_stacks (account, region, name) WHERE live = 1;
CREATE INDEX cfn_stacks_live ON cfn_stacks (account, region, live, id);
CREATE INDEX cfn_stacks_all ON cfn_stacks (account, region, id);

CREATE TABLE cfn_resources (
  stack_id   TEXT NOT NULL,
  logical_id TEXT NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (stack_id, logical_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE cfn_events (
  seq      INTEGER PRIMARY KEY,
  stack_id TEXT NOT NULL,
  doc      TEXT NOT NULL
) STRICT;
CREATE INDEX cfn_events_by_stack ON cfn_events (stack_id, seq);

CREATE TABLE cfn_exports (
  account  TEXT NOT NULL,
  region   TEXT NOT NULL,
  name     TEXT NOT NULL,
  value    TEXT NOT NULL,
  stack_id TEXT NOT NULL,
  PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX cfn_exports_by_stack ON cfn_exports (stack_id);

CREATE TABLE cfn_imports (
  account    TEXT NOT NULL,
  region     TEXT NOT NULL,
  name       TEXT NOT NULL,
  stack_name TEXT NOT NULL,
  stack_id   TEXT NOT NULL,
  PRIMARY KEY (account, region, name, stack_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX cfn_imports_by_stack ON cfn_imports (stack_id);

-- A row while a stack has an operation: the queue.
CREATE TABLE cfn_work (
  stack_id TEXT NOT NULL PRIMARY KEY,
  worker   TEXT NOT NULL,
  ready_at INTEGER NOT NULL,
  attempt  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cfn_work_due ON cfn_work (ready_at);

CREATE TABLE cfn_change_sets (
  id       TEXT NOT NULL PRIMARY KEY,
  stack_id TEXT NOT NULL,
  name     TEXT NOT NULL,
  doc      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cfn_change_sets_by_name ON cfn_change_sets (stack_id, name);
