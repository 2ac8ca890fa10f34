-- +goose Up

-- The server processes that share the store: none of a file, which has one.
CREATE TABLE node (
    id   INTEGER PRIMARY KEY,
    seen INTEGER NOT NULL -- Unix microseconds
) STRICT;

INSERT INTO sequence (name, value) VALUES ('node', 0);

-- Whose intention it is; negative: who took it over when that one had gone.
ALTER TABLE outbox_pending ADD COLUMN node INTEGER NOT NULL DEFAULT 0;

-- Who has the lease.
ALTER TABLE outbox_delivery ADD COLUMN node INTEGER NOT NULL DEFAULT 0;
