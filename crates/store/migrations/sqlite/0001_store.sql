-- Times are microseconds since 1970, UTC. JSON is text. Nothing here is a secret but what
-- `secrets`, `tokens` and `authorizations` hold, and that is sealed.

CREATE TABLE integrations (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    organization  TEXT   NOT NULL CHECK (organization <> ''),
    user_id       TEXT   NOT NULL CHECK (user_id <> ''),
    vendor        TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    description   TEXT,
    settings      TEXT   NOT NULL,
    -- The names in `secrets`, so that a list is one statement.
    secret_fields TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    revision      BIGINT NOT NULL,
    last_sync     BIGINT,
    last_used     BIGINT,
    errors        BIGINT NOT NULL DEFAULT 0,
    -- Counts every change of the row, also those that no person made.
    changes       BIGINT NOT NULL DEFAULT 0,
    last_error    TEXT,
    -- Whom the vendor takes us for, and when somebody last connected it.
    account       TEXT,
    connected_at  BIGINT,
    -- What `tokens` holds, as far as it is no secret. Without a time there is no grant.
    grant_scopes       TEXT,
    grant_expires      BIGINT,
    grant_refreshable  BOOLEAN NOT NULL DEFAULT false,
    grant_refreshed_at BIGINT,
    -- When somebody should look whether it still works. No list shows it, so it does not count as
    -- a change.
    next_check    BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE INDEX integrations_of_user ON integrations (organization, user_id, id, changes);
CREATE INDEX integrations_of_organization ON integrations (organization, id);
CREATE INDEX integrations_to_check ON integrations (next_check) WHERE next_check IS NOT NULL;

-- An id is taken before the row is written: secrets are sealed for it.
INSERT INTO sqlite_sequence (name, seq) VALUES ('integrations', 0);

CREATE TABLE secrets (
    integration BIGINT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    field       TEXT   NOT NULL,
    key_id      TEXT   NOT NULL,
    sealed      BLOB   NOT NULL,
    PRIMARY KEY (integration, field)
) WITHOUT ROWID;

CREATE INDEX secrets_by_key ON secrets (key_id, integration, field);

-- Tokens as a vendor issued them. A row stays when its tokens are removed: no revision and no
-- fence may be given twice.
CREATE TABLE tokens (
    integration INTEGER PRIMARY KEY NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    revision    BIGINT NOT NULL DEFAULT 0,
    fence       BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    key_id      TEXT,
    sealed      BLOB
);

CREATE INDEX tokens_by_key ON tokens (key_id, integration) WHERE key_id IS NOT NULL;

-- Persons who are on their way to a vendor's consent page and back.
CREATE TABLE authorizations (
    state_hash   TEXT   PRIMARY KEY NOT NULL CHECK (state_hash <> ''),
    organization TEXT   NOT NULL CHECK (organization <> ''),
    user_id      TEXT   NOT NULL CHECK (user_id <> ''),
    vendor       TEXT   NOT NULL,
    integration  BIGINT REFERENCES integrations (id) ON DELETE CASCADE,
    expires_at   BIGINT NOT NULL,
    key_id       TEXT   NOT NULL,
    draft        BLOB   NOT NULL
);

CREATE INDEX authorizations_by_key ON authorizations (key_id, state_hash);
CREATE INDEX authorizations_of_integration ON authorizations (integration);
CREATE INDEX authorizations_expire ON authorizations (expires_at);

-- The number must never be given twice, not even after the newest run was deleted.
CREATE TABLE runs (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    integration BIGINT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    roots       TEXT   NOT NULL,
    began_at    BIGINT NOT NULL,
    ended_at    BIGINT,
    outcome     TEXT
);

CREATE INDEX runs_of_integration ON runs (integration, number);

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
    -- What the source said of it when it was last seen.
    size               BIGINT,
    mime               TEXT,
    modified           BIGINT,
    created            BIGINT,
    web_url            TEXT,
    PRIMARY KEY (integration, entry)
) WITHOUT ROWID;

CREATE INDEX entries_buried ON entries (integration, buried_at) WHERE buried_at IS NOT NULL;

CREATE TABLE threads (
    id           TEXT   PRIMARY KEY NOT NULL,
    organization TEXT   NOT NULL CHECK (organization <> ''),
    user_id      TEXT   NOT NULL CHECK (user_id <> ''),
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

-- `attempt` counts starts and is the fence; `deaths` counts leases that lapsed. A job that runs
-- has a lease, also after its worker died.
CREATE TABLE jobs (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    organization     TEXT    NOT NULL CHECK (organization <> ''),
    user_id          TEXT    NOT NULL CHECK (user_id <> ''),
    integration      BIGINT  REFERENCES integrations (id) ON DELETE CASCADE,
    kind             TEXT    NOT NULL,
    payload          TEXT    NOT NULL,
    state            TEXT    NOT NULL,
    due_at           BIGINT  NOT NULL,
    attempt          BIGINT  NOT NULL DEFAULT 0,
    failures         BIGINT  NOT NULL DEFAULT 0,
    deaths           BIGINT  NOT NULL DEFAULT 0,
    worker           TEXT,
    lease_until      BIGINT,
    progress         TEXT    NOT NULL DEFAULT 'null',
    result           TEXT,
    error            TEXT,
    cancel_requested BOOLEAN NOT NULL DEFAULT false,
    revision         BIGINT  NOT NULL DEFAULT 1,
    created_at       BIGINT  NOT NULL,
    started_at       BIGINT,
    ended_at         BIGINT
);

CREATE INDEX jobs_queued ON jobs (organization, due_at, id) WHERE state = 'queued';
CREATE UNIQUE INDEX jobs_one_running ON jobs (integration) WHERE state = 'running';
CREATE INDEX jobs_running ON jobs (organization, lease_until) WHERE state = 'running';
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_of_organization ON jobs (organization, id);
CREATE INDEX jobs_of_integration ON jobs (integration, id);

-- What became of the files of a job; `attempt` is the one that recorded it.
CREATE TABLE job_files (
    job     BIGINT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    entry   TEXT   NOT NULL,
    number  BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    path    TEXT   NOT NULL,
    status  TEXT   NOT NULL,
    chunks  BIGINT NOT NULL,
    bytes   BIGINT NOT NULL,
    error   TEXT,
    PRIMARY KEY (job, entry)
) WITHOUT ROWID;

CREATE UNIQUE INDEX job_files_in_order ON job_files (job, number);

-- It outlives the integration it is about.
CREATE TABLE audit (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    at           BIGINT NOT NULL,
    organization TEXT   NOT NULL CHECK (organization <> ''),
    user_id      TEXT   CHECK (user_id <> ''),
    actor        TEXT   NOT NULL,
    action       TEXT   NOT NULL,
    integration  BIGINT,
    detail       TEXT   NOT NULL,
    request_id   TEXT
);

CREATE INDEX audit_of_organization ON audit (organization, id);
CREATE INDEX audit_of_integration ON audit (integration, id);

-- Answers to requests that carried an idempotency key. Without a status the work is being done.
CREATE TABLE idempotency (
    organization TEXT   NOT NULL CHECK (organization <> ''),
    user_id      TEXT   NOT NULL CHECK (user_id <> ''),
    name         TEXT   NOT NULL,
    request_hash TEXT   NOT NULL,
    token        TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL,
    status       BIGINT,
    headers      TEXT,
    body         BLOB,
    PRIMARY KEY (organization, user_id, name)
);

CREATE INDEX idempotency_expires ON idempotency (expires_at);
