-- +goose Up

-- Write locks of WebDAV. expires is in Unix microseconds.
CREATE TABLE locks (
    token   TEXT NOT NULL PRIMARY KEY,
    path    TEXT NOT NULL,
    holder  TEXT NOT NULL,
    owner   TEXT NOT NULL,
    shared  INTEGER NOT NULL,
    deep    INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX locks_holder ON locks (holder);

-- Grows with each change of the table.
INSERT INTO sequence (name, value) VALUES ('locks', 0);
