-- +goose Up

-- Which group is a direct member of which. There are no circles, and no path is longer than the program allows.
CREATE TABLE nested_groups (
  group_id   TEXT NOT NULL REFERENCES groups (id),
  member_id  TEXT NOT NULL REFERENCES groups (id),
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX nested_groups_by_member ON nested_groups (member_id, group_id);

-- The row that is locked by whoever adds an edge: two edges that are fine each may close a circle together.
CREATE TABLE nesting (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1)
) STRICT;
INSERT INTO nesting (only_one) VALUES (1);
