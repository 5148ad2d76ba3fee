-- +goose Up

-- The audit trail by action, and what did not succeed, by its outcome: nearly everything does, and is found by time.
CREATE INDEX events_by_action ON events (action, at);
CREATE INDEX events_by_outcome ON events (outcome, at) WHERE outcome <> 'success';
