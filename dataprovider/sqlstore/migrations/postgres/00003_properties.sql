-- +goose Up

-- The dead properties of WebDAV, one row for each resource that has any. dir and
-- name are the storage path, split, so that the members of a directory lie
-- together.
CREATE TABLE property (
    dir      TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    owner    TEXT COLLATE "C" NOT NULL, -- whom it counts for; empty: nobody
    root     TEXT NOT NULL,             -- identity of the storage, as its last writer saw it
    changed  BIGINT NOT NULL,           -- Unix microseconds
    bytes    BIGINT NOT NULL,
    document BYTEA NOT NULL,            -- JSON
    PRIMARY KEY (dir, name)
);

CREATE INDEX property_owner ON property (owner);

-- Sums, kept by the trigger.
CREATE TABLE property_total (
    owner     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    resources BIGINT NOT NULL,
    bytes     BIGINT NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION property_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE property_total SET resources = resources - 1, bytes = bytes - OLD.bytes WHERE owner = OLD.owner;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO property_total AS total (owner, resources, bytes) VALUES (NEW.owner, 1, NEW.bytes)
        ON CONFLICT (owner) DO UPDATE SET resources = total.resources + 1, bytes = total.bytes + excluded.bytes;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM property_total WHERE owner = OLD.owner AND resources = 0;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER property_counted AFTER INSERT OR DELETE OR UPDATE OF owner, bytes ON property
    FOR EACH ROW EXECUTE FUNCTION property_counted();
