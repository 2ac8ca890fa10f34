-- +goose Up

-- Resumable uploads, and who writes one at the moment.
CREATE TABLE upload (
    id       TEXT NOT NULL PRIMARY KEY,
    owner    TEXT NOT NULL,  -- empty: nobody
    document BLOB NOT NULL   -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX upload_owner ON upload (owner, id);

CREATE TABLE upload_lease (
    id      TEXT NOT NULL PRIMARY KEY,
    holder  TEXT NOT NULL,
    wanted  INTEGER NOT NULL, -- somebody waits
    expires INTEGER NOT NULL  -- Unix microseconds
) STRICT, WITHOUT ROWID;
