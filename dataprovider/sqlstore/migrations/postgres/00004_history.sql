-- +goose Up

-- The tries of a delivery that have ended, as JSON.
ALTER TABLE outbox_delivery ADD COLUMN tries BYTEA NOT NULL DEFAULT '';

-- What was delivered, for those who look back. id is that of the delivery, times
-- are Unix microseconds.
CREATE TABLE outbox_delivered (
    id        BIGINT PRIMARY KEY,
    target    TEXT NOT NULL,
    delivered BIGINT NOT NULL,
    attempts  BIGINT NOT NULL,
    settled   BIGINT NOT NULL,
    keys      BYTEA NOT NULL,
    event_id  TEXT NOT NULL,
    event     BYTEA NOT NULL,
    tries     BYTEA NOT NULL
);

CREATE INDEX outbox_delivered_time ON outbox_delivered (delivered, id);
