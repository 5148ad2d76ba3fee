-- +goose Up

-- What a source's client has taken away in the present window. Removals are counted here before they are made.
CREATE TABLE source_guards (
  source_id TEXT NOT NULL PRIMARY KEY REFERENCES sources (id),
  version   INTEGER NOT NULL,
  doc       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How many users and groups each source has, beside how many there are; "users@" counts those made by hand.
INSERT INTO id_counts (name, prefix, n)
  SELECT 'users@' || COALESCE(json_extract(doc, '$.source'), ''), substr(id, 1, 13), COUNT(*) FROM users GROUP BY 1, 2;
INSERT INTO id_counts (name, prefix, n)
  SELECT 'groups@' || COALESCE(json_extract(doc, '$.source'), ''), substr(id, 1, 13), COUNT(*) FROM groups GROUP BY 1, 2;
