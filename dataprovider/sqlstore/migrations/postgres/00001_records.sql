-- +goose Up

-- Text that is compared or sorted has the collation of bytes: the order of a
-- language would be another one in each database.

-- The next id and revision of documents: never given twice, not even after a
-- record was deleted.
CREATE TABLE sequence (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO sequence (name, value) VALUES ('users', 0), ('revision', 0);

CREATE TABLE users (
    id       BIGINT PRIMARY KEY,
    name     TEXT COLLATE "C" NOT NULL UNIQUE,
    revision BIGINT NOT NULL,
    document BYTEA NOT NULL
);

-- Times are Unix microseconds; NULL stands for never.
CREATE TABLE usage (
    owner       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    files       BIGINT NOT NULL CHECK (files >= 0),
    bytes       BIGINT NOT NULL CHECK (bytes >= 0),
    last_update BIGINT,
    last_login  BIGINT
);

CREATE TABLE outbox_pending (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record BYTEA NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE TABLE outbox_delivery (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target   TEXT COLLATE "C" NOT NULL,
    state    INTEGER NOT NULL, -- 0 queued, 1 leased, 2 resting, 3 blocked, 4 dead
    due_at   BIGINT NOT NULL,  -- end of the lease, time of the next try or of death; else 0
    waits    INTEGER NOT NULL, -- number of keys that an earlier delivery holds
    attempts BIGINT NOT NULL,
    settled  BIGINT NOT NULL,
    cause    TEXT NOT NULL,
    keys     BYTEA NOT NULL,   -- hashed, 8 bytes each
    event_id TEXT NOT NULL,
    event    BYTEA NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE INDEX outbox_delivery_queue ON outbox_delivery (target, state, due_at, id);

-- Who holds and who waits for a key; the lowest delivery holds it.
CREATE TABLE outbox_key (
    target   TEXT COLLATE "C" NOT NULL,
    hash     BIGINT NOT NULL,
    delivery BIGINT NOT NULL,
    PRIMARY KEY (target, hash, delivery)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
