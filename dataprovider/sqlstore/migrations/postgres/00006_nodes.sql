-- +goose Up

-- The server processes that share the store. Each holds an advisory lock named
-- after its id as long as it is connected.
CREATE TABLE node (
    id   BIGINT PRIMARY KEY,
    seen BIGINT NOT NULL -- Unix microseconds, by the clock of the database
);

INSERT INTO sequence (name, value) VALUES ('node', 0);

-- Whose intention it is; negative: who took it over when that one had gone.
ALTER TABLE outbox_pending ADD COLUMN node BIGINT NOT NULL DEFAULT 0;

-- Who has the lease.
ALTER TABLE outbox_delivery ADD COLUMN node BIGINT NOT NULL DEFAULT 0;
