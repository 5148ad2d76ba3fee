-- +goose Up

-- What there is once in an account. An issuer's id is empty where there is none.
CREATE TABLE iam_settings (
  account_id TEXT NOT NULL PRIMARY KEY,
  issuer_id  TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  doc        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX iam_settings_by_issuer ON iam_settings (issuer_id) WHERE issuer_id <> '';
