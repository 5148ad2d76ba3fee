-- +goose Up

-- What happened, in the transaction of what happened. seq is the rowid: events are only ever appended.
CREATE TABLE events (
  seq      INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor_id TEXT NOT NULL,
  resource TEXT NOT NULL,
  action   TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  doc      TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_actor ON events (actor_id, at);
CREATE INDEX events_by_resource ON events (resource, at);

CREATE TABLE counters (
  name  TEXT NOT NULL,
  shard INTEGER NOT NULL,
  n     INTEGER NOT NULL,
  PRIMARY KEY (name, shard)
) STRICT, WITHOUT ROWID;
