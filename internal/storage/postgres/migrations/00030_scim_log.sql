-- +goose Up

-- What SCIM clients asked for, kept for a while. The id begins with the time, so that the order of the ids is that of the requests. A resource is found
-- by its id, its external id or its name, each where it is known. A part is an operation of a bulk request.
CREATE TABLE scim_requests (
  source      TEXT COLLATE "C" NOT NULL,
  id          TEXT COLLATE "C" NOT NULL,
  outcome     TEXT COLLATE "C" NOT NULL,
  method      TEXT COLLATE "C" NOT NULL,
  kind        TEXT COLLATE "C" NOT NULL,
  status      BIGINT NOT NULL,
  part        BIGINT NOT NULL,
  resource_id TEXT COLLATE "C" NOT NULL,
  external_id TEXT COLLATE "C" NOT NULL,
  name_fold   TEXT COLLATE "C" NOT NULL,
  doc         TEXT NOT NULL,
  PRIMARY KEY (source, id)
);
CREATE INDEX scim_requests_by_outcome ON scim_requests (source, outcome, id);
CREATE INDEX scim_requests_by_resource ON scim_requests (source, resource_id, id) WHERE resource_id <> '';
CREATE INDEX scim_requests_by_external_id ON scim_requests (source, external_id, id) WHERE external_id <> '';
CREATE INDEX scim_requests_by_name ON scim_requests (source, name_fold, id) WHERE name_fold <> '';
