-- +goose Up

-- Which identity source vouched for an answer that waits for its browser: it is dropped when the source vouches no more. Those that wait now do so for two minutes.
ALTER TABLE signin_parked ADD COLUMN source_id TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX signin_parked_by_source ON signin_parked (source_id);
