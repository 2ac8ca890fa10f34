-- +goose Up

-- The dead properties of WebDAV, one row for each resource that has any. dir and
-- name are the storage path, split, so that the members of a directory lie
-- together.
CREATE TABLE property (
    dir      TEXT NOT NULL,
    name     TEXT NOT NULL,
    owner    TEXT NOT NULL,    -- whom it counts for; empty: nobody
    root     TEXT NOT NULL,    -- identity of the storage, as its last writer saw it
    changed  INTEGER NOT NULL, -- Unix microseconds
    bytes    INTEGER NOT NULL,
    document BLOB NOT NULL,    -- JSON
    PRIMARY KEY (dir, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX property_owner ON property (owner);

-- Sums, kept by the triggers.
CREATE TABLE property_total (
    owner     TEXT NOT NULL PRIMARY KEY,
    resources INTEGER NOT NULL,
    bytes     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER property_added AFTER INSERT ON property BEGIN
    INSERT INTO property_total (owner, resources, bytes) VALUES (new.owner, 1, new.bytes)
    ON CONFLICT (owner) DO UPDATE SET resources = resources + 1, bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER property_removed AFTER DELETE ON property BEGIN
    UPDATE property_total SET resources = resources - 1, bytes = bytes - old.bytes WHERE owner = old.owner;
    DELETE FROM property_total WHERE owner = old.owner AND resources = 0;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER property_changed AFTER UPDATE OF owner, bytes ON property BEGIN
    UPDATE property_total SET resources = resources - 1, bytes = bytes - old.bytes WHERE owner = old.owner;
    INSERT INTO property_total (owner, resources, bytes) VALUES (new.owner, 1, new.bytes)
    ON CONFLICT (owner) DO UPDATE SET resources = resources + 1, bytes = bytes + excluded.bytes;
    DELETE FROM property_total WHERE owner = old.owner AND resources = 0;
END;
-- +goose StatementEnd
