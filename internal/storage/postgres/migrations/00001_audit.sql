-- +goose Up

-- What happened, in the transaction of what happened.
CREATE TABLE events (
  seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       BIGINT NOT NULL,
  actor_id TEXT COLLATE "C" NOT NULL,
  resource TEXT COLLATE "C" NOT NULL,
  action   TEXT COLLATE "C" NOT NULL,
  outcome  TEXT COLLATE "C" NOT NULL,
  doc      TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (at, seq);
CREATE INDEX events_by_actor ON events (actor_id, at, seq);
CREATE INDEX events_by_resource ON events (resource, at, seq);

CREATE TABLE counters (
  name  TEXT COLLATE "C" NOT NULL,
  shard BIGINT NOT NULL,
  n     BIGINT NOT NULL,
  PRIMARY KEY (name, shard)
) WITH (fillfactor = 50);
