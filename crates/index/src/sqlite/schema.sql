-- The tables of catchment-index. They share a file with the ledger; all names begin with index_.

CREATE TABLE index_document (
    id           INTEGER PRIMARY KEY,
    integration  INTEGER NOT NULL,
    entry        TEXT    NOT NULL,
    organization TEXT    NOT NULL,
    owner        TEXT    NOT NULL,
    portfolio    TEXT,
    vendor       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    path         TEXT    NOT NULL,
    mime         TEXT    NOT NULL,
    web_url      TEXT,
    modified     TEXT,
    content_hash TEXT    NOT NULL,
    title        TEXT,
    language     TEXT,
    chunks       INTEGER NOT NULL,
    -- The space its vectors are in; NULL: it has none.
    space        INTEGER REFERENCES index_space (id),
    UNIQUE (integration, entry)
) STRICT;

-- For the languages of a tenant: one look-up a language.
CREATE INDEX index_document_language ON index_document (organization, language, owner);
-- For documents that want vectors.
CREATE INDEX index_document_space ON index_document (space, id);

-- Who may read; no row where it is not known, so that nobody may.
CREATE TABLE index_reader (
    document  INTEGER NOT NULL REFERENCES index_document (id) ON DELETE CASCADE,
    principal TEXT    NOT NULL,
    PRIMARY KEY (document, principal)
) STRICT, WITHOUT ROWID;
CREATE INDEX index_reader_principal ON index_reader (principal, document);

-- id = document's id * 2^20 + ordinal: a document's chunks are neighbours, and a chunk says its
-- document without being looked up.
CREATE TABLE index_chunk (
    id         INTEGER PRIMARY KEY,
    page       INTEGER NOT NULL,
    page_label TEXT,
    headings   TEXT    NOT NULL,
    text       TEXT    NOT NULL
) STRICT;

-- The terms are made by `analyze`; the tokenizer only cuts at spaces. `scope` says whose and of
-- which integration and portfolio a chunk is, so that a filter is one more list to intersect.
CREATE VIRTUAL TABLE index_text USING fts5 (
    scope, title, text, forms,
    content = '', contentless_delete = 1, tokenize = 'ascii'
);

CREATE TABLE index_space (
    id         INTEGER PRIMARY KEY,
    embedder   TEXT    NOT NULL UNIQUE,
    dimensions INTEGER NOT NULL
) STRICT;

-- Counters, so that nothing has to be counted.
CREATE TABLE index_count (
    what  TEXT    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO index_count (what, count) VALUES ('documents', 0), ('chunks', 0);
