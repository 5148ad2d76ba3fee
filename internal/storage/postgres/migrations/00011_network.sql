-- +goose Up

-- From where an identity store may be reached; no row restricts nothing.
CREATE TABLE identity_store_networks (
  id  TEXT COLLATE "C" PRIMARY KEY,
  doc TEXT NOT NULL
);
