-- Times are microseconds since 1970, UTC. JSON is text. Nothing here is a secret.

CREATE TABLE integrations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organization TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    vendor       TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    settings     TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    UNIQUE (organization, user_id, vendor, settings)
);

-- The number must never be given twice, not even after the newest run was deleted.
CREATE TABLE runs (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    integration BIGINT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    roots       TEXT   NOT NULL,
    began_at    BIGINT NOT NULL,
    ended_at    BIGINT,
    outcome     TEXT
);

CREATE INDEX runs_of_integration ON runs (integration);

-- The ledger. A settled entry has a content_hash; result_run is the newest run whose result
-- counts, or a number between two runs where results were invalidated.
CREATE TABLE entries (
    integration        BIGINT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    entry              TEXT   NOT NULL,
    path               TEXT   NOT NULL,
    added_run          BIGINT NOT NULL,
    seen_run           BIGINT NOT NULL,
    result_run         BIGINT NOT NULL DEFAULT 0,
    buried_at          BIGINT,
    fingerprint        TEXT,
    content_hash       TEXT,
    chunks             BIGINT NOT NULL DEFAULT 0,
    portfolio          TEXT,
    failures           BIGINT NOT NULL DEFAULT 0,
    failed_fingerprint TEXT,
    failed_until       BIGINT,
    failed_kind        TEXT,
    failed_message     TEXT,
    PRIMARY KEY (integration, entry)
) WITHOUT ROWID;

CREATE INDEX entries_buried ON entries (integration, buried_at) WHERE buried_at IS NOT NULL;

CREATE TABLE threads (
    id           TEXT   PRIMARY KEY NOT NULL,
    organization TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE messages (
    thread    TEXT   NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    number    BIGINT NOT NULL,
    speaker   TEXT   NOT NULL,
    text      TEXT   NOT NULL,
    citations TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (thread, number)
) WITHOUT ROWID;
