-- +goose Up

-- The tries of a delivery that have ended, as JSON.
ALTER TABLE outbox_delivery ADD COLUMN tries BLOB NOT NULL DEFAULT x'';

-- What was delivered, for those who look back. id is that of the delivery, times
-- are Unix microseconds.
CREATE TABLE outbox_delivered (
    id        INTEGER PRIMARY KEY,
    target    TEXT NOT NULL,
    delivered INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    settled   INTEGER NOT NULL,
    keys      BLOB NOT NULL,
    event_id  TEXT NOT NULL,
    event     BLOB NOT NULL,
    tries     BLOB NOT NULL
) STRICT;

CREATE INDEX outbox_delivered_time ON outbox_delivered (delivered, id);
