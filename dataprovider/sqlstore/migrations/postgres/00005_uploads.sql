-- +goose Up

-- Resumable uploads, and who writes one at the moment.
CREATE TABLE upload (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner    TEXT COLLATE "C" NOT NULL, -- empty: nobody
    document BYTEA NOT NULL             -- JSON
);

CREATE INDEX upload_owner ON upload (owner, id);

CREATE TABLE upload_lease (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder  TEXT COLLATE "C" NOT NULL,
    wanted  BIGINT NOT NULL, -- somebody waits
    expires BIGINT NOT NULL  -- Unix microseconds
);
