-- +goose Up

-- What SCIM clients asked for, kept for a while. The id begins with the time, so that the order of the ids is that of the requests. A resource is found
-- by its id, its external id or its name, each where it is known. A part is an operation of a bulk request.
CREATE TABLE scim_requests (
  source      TEXT NOT NULL,
  id          TEXT NOT NULL,
  outcome     TEXT NOT NULL,
  method      TEXT NOT NULL,
  kind        TEXT NOT NULL,
  status      INTEGER NOT NULL,
  part        INTEGER NOT NULL,
  resource_id TEXT NOT NULL,
  external_id TEXT NOT NULL,
  name_fold   TEXT NOT NULL,
  doc         TEXT NOT NULL,
  PRIMARY KEY (source, id)
) STRICT;
CREATE INDEX scim_requests_by_outcome ON scim_requests (source, outcome, id);
CREATE INDEX scim_requests_by_resource ON scim_requests (source, resource_id, id) WHERE resource_id <> '';
CREATE INDEX scim_requests_by_external_id ON scim_requests (source, external_id, id) WHERE external_id <> '';
CREATE INDEX scim_requests_by_name ON scim_requests (source, name_fold, id) WHERE name_fold <> '';
