-- +goose Up

-- The next id and revision of documents: never given twice, not even after a
-- record was deleted.
CREATE TABLE sequence (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO sequence (name, value) VALUES ('users', 0), ('revision', 0);

CREATE TABLE users (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    document BLOB NOT NULL
) STRICT;

-- Times are Unix microseconds; NULL stands for never.
CREATE TABLE usage (
    owner       TEXT NOT NULL PRIMARY KEY,
    files       INTEGER NOT NULL CHECK (files >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    last_update INTEGER,
    last_login  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox_pending (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    record BLOB NOT NULL
) STRICT;

CREATE TABLE outbox_delivery (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    target   TEXT NOT NULL,
    state    INTEGER NOT NULL, -- 0 queued, 1 leased, 2 resting, 3 blocked, 4 dead
    due_at   INTEGER NOT NULL, -- end of the lease, time of the next try or of death; else 0
    waits    INTEGER NOT NULL, -- number of keys that an earlier delivery holds
    attempts INTEGER NOT NULL,
    settled  INTEGER NOT NULL,
    cause    TEXT NOT NULL,
    keys     BLOB NOT NULL,    -- hashed, 8 bytes each
    event_id TEXT NOT NULL,
    event    BLOB NOT NULL
) STRICT;

CREATE INDEX outbox_delivery_queue ON outbox_delivery (target, state, due_at, id);

-- Who holds and who waits for a key; the lowest delivery holds it.
CREATE TABLE outbox_key (
    target   TEXT NOT NULL,
    hash     INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    PRIMARY KEY (target, hash, delivery)
) STRICT, WITHOUT ROWID;
