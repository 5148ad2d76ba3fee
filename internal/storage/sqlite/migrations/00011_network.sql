-- +goose Up

-- From where an identity store may be reached; no row restricts nothing.
CREATE TABLE identity_store_networks (
  id  TEXT NOT NULL PRIMARY KEY,
  doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;
