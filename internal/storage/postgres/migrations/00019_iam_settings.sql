-- +goose Up

-- What there is once in an account. An issuer's id is empty where there is none.
CREATE TABLE iam_settings (
  account_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  issuer_id  TEXT COLLATE "C" NOT NULL,
  revision   BIGINT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE UNIQUE INDEX iam_settings_by_issuer ON iam_settings (issuer_id) WHERE issuer_id <> '';
