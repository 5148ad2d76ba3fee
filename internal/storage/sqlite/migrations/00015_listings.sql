-- +goose Up

-- Applications of one account and one provider, which are asked for together.
CREATE INDEX applications_by_account_and_provider ON applications (instance_id, account_id, provider, id);

-- How many users and groups there are, by the beginning of their ids: the identity store's ten digits, a dash, and two digits of which there
-- are 256. Adding them up gives the number of all, and says where the place with a given number is. It takes the place of counters;
-- a node of an older version that still runs must not go on without it.
CREATE TABLE id_counts (
  name   TEXT NOT NULL,
  prefix TEXT NOT NULL,
  n      INTEGER NOT NULL,
  PRIMARY KEY (name, prefix)
) STRICT, WITHOUT ROWID;
INSERT INTO id_counts (name, prefix, n) SELECT 'users', substr(id, 1, 13), COUNT(*) FROM users GROUP BY 2;
INSERT INTO id_counts (name, prefix, n) SELECT 'groups', substr(id, 1, 13), COUNT(*) FROM groups GROUP BY 2;
DROP TABLE counters;
