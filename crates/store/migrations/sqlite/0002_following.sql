-- What an import needs to follow a feed of changes.

-- Which container an entry is in, and what its path has behind the path of that one.
ALTER TABLE entries ADD COLUMN parent TEXT;
ALTER TABLE entries ADD COLUMN leaf TEXT;
-- Whether it has no content that could be had.
ALTER TABLE entries ADD COLUMN special BOOLEAN NOT NULL DEFAULT false;
-- Stands for everything a listing said of it, in one number: where that is the same the row is not written
-- anew. NULL as soon as something else has written it.
ALTER TABLE entries ADD COLUMN digest BIGINT;
-- The run that followed a feed and put the tombstone there.
ALTER TABLE entries ADD COLUMN buried_run BIGINT;

CREATE INDEX entries_by_parent ON entries (integration, parent) WHERE parent IS NOT NULL;
CREATE INDEX entries_open ON entries (integration, entry) WHERE content_hash IS NULL OR failures > 0;

CREATE TABLE containers (
    integration BIGINT  NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    entry       TEXT    NOT NULL,
    -- Without one it is the root.
    parent      TEXT,
    leaf        TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    seen_run    BIGINT  NOT NULL,
    -- Whether what is in it is known.
    listed      BOOLEAN NOT NULL,
    PRIMARY KEY (integration, entry)
) WITHOUT ROWID;

CREATE INDEX containers_by_parent ON containers (integration, parent);
CREATE INDEX containers_unlisted ON containers (integration) WHERE NOT listed;

-- `run` has taken the feed. Without a cursor everything has to be listed.
CREATE TABLE feeds (
    integration INTEGER PRIMARY KEY NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    run         BIGINT NOT NULL,
    cursor      TEXT,
    walked_at   BIGINT,
    portfolio   TEXT
);
