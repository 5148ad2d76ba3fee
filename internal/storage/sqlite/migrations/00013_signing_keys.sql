-- +goose Up

-- Keys that sign tokens; the private ones are sealed.
CREATE TABLE signing_keys (
  scope      TEXT NOT NULL,
  algorithm  TEXT NOT NULL,
  number     INTEGER NOT NULL,
  sealed     BLOB NOT NULL,
  public     BLOB NOT NULL,
  from_at    INTEGER NOT NULL,
  until_at   INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (scope, algorithm, number)
) STRICT, WITHOUT ROWID;
