-- +goose Up

-- Write locks of WebDAV. expires is in Unix microseconds.
CREATE TABLE locks (
    token   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    path    TEXT NOT NULL,
    holder  TEXT COLLATE "C" NOT NULL,
    owner   TEXT NOT NULL,
    shared  BIGINT NOT NULL,
    deep    BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX locks_holder ON locks (holder);

-- Grows with each change of the table.
INSERT INTO sequence (name, value) VALUES ('locks', 0);
