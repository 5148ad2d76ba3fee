-- +goose Up

-- Keys that sign tokens; the private ones are sealed.
CREATE TABLE signing_keys (
  scope      TEXT COLLATE "C" NOT NULL,
  algorithm  TEXT COLLATE "C" NOT NULL,
  number     BIGINT NOT NULL,
  sealed     BYTEA NOT NULL,
  public     BYTEA NOT NULL,
  from_at    BIGINT NOT NULL,
  until_at   BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (scope, algorithm, number)
);
