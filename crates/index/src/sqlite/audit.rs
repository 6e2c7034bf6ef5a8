//! What is there, and whether it is whole.

use catchment_core::{DocumentKey, EntryId, Held, IntegrationId, Result};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{
    CHUNK_BITS,
    error::{damaged, sqlite_error},
    schema,
    write::range,
};
use crate::{
    analyze::Language,
    backend::{Space, Stats, Unembedded},
    query::Filter,
};

/// Entry, content hash, id, chunks it should have, space, chunks it has, chunks that have terms.
type Counted = (String, String, i64, i64, Option<i64>, i64, i64);

pub(super) async fn audit(
    connection: &mut SqliteConnection,
    integration: IntegrationId,
    after: Option<&EntryId>,
    limit: u32,
) -> Result<Vec<Held>> {
    // The counts read what the searches read: the rows, FTS5's list of documents.
    let rows: Vec<Counted> = sqlx::query_as(
        "SELECT entry, content_hash, id, chunks, space,
                (SELECT count(*) FROM index_chunk c WHERE c.id BETWEEN d.id << 20 AND (d.id << 20) + 1048575),
                (SELECT count(*) FROM index_text_docsize t WHERE t.id BETWEEN d.id << 20 AND (d.id << 20) + 1048575)
         FROM index_document d
         WHERE integration = ?1 AND (?2 IS NULL OR entry > ?2) ORDER BY entry LIMIT ?3",
    )
    .bind(integration.0)
    .bind(after.map(EntryId::as_str))
    .bind(limit)
    .fetch_all(&mut *connection)
    .await
    .map_err(sqlite_error)?;
    let mut held = Vec::with_capacity(rows.len());
    for (entry, content_hash, id, chunks, space, texts, terms) in rows {
        let mut whole = texts == chunks && terms == chunks;
        if let Some(space) = space.filter(|_| whole) {
            whole = vectors_of(connection, space, id).await? == (chunks, chunks);
        }
        let chunks = if whole { u32::try_from(chunks).unwrap_or(0) } else { 0 };
        held.push(Held { entry: entry.into(), content_hash, chunks });
    }
    Ok(held)
}

async fn vectors_of(connection: &mut SqliteConnection, space: i64, document: i64) -> Result<(i64, i64)> {
    let (first, last) = range(document);
    let sql = format!(
        "SELECT (SELECT count(*) FROM index_near_{space}_rowids WHERE rowid BETWEEN ?1 AND ?2),
                (SELECT count(*) FROM index_vector_{space} WHERE id BETWEEN ?1 AND ?2)"
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(first).bind(last).fetch_one(connection).await.map_err(sqlite_error)
}

pub(super) async fn integrations(connection: &mut SqliteConnection) -> Result<Vec<IntegrationId>> {
    // From one to the next by the index, not over all documents.
    let rows: Vec<(i64,)> = sqlx::query_as(
        "WITH RECURSIVE found (id) AS (
             SELECT min(integration) FROM index_document
             UNION ALL
             SELECT (SELECT min(integration) FROM index_document WHERE integration > found.id)
             FROM found WHERE found.id IS NOT NULL)
         SELECT id FROM found WHERE id IS NOT NULL",
    )
    .fetch_all(connection)
    .await
    .map_err(sqlite_error)?;
    Ok(rows.into_iter().map(|(id,)| IntegrationId(id)).collect())
}

pub(super) async fn languages(connection: &mut SqliteConnection, filter: &Filter) -> Result<Vec<Language>> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT value FROM json_each(?1) WHERE EXISTS (
             SELECT 1 FROM index_document
             WHERE organization = ?2 AND language = json_each.value AND (?3 IS NULL OR owner = ?3))",
    )
    .bind(serde_json::Value::from_iter(Language::all().map(Language::code)).to_string())
    .bind(&filter.organization)
    .bind(&filter.user)
    .fetch_all(connection)
    .await
    .map_err(sqlite_error)?;
    Ok(rows.iter().filter_map(|(code,)| Language::from_code(code)).collect())
}

pub(super) async fn without_vectors(
    connection: &mut SqliteConnection,
    space: &Space,
    limit: u32,
) -> Result<Vec<Unembedded>> {
    let id = schema::space_id(connection, space).await?;
    let rows: Vec<(i64, i64, String, String, Option<String>)> = sqlx::query_as(
        "SELECT id, integration, entry, content_hash, title FROM index_document
         WHERE space IS NOT ?1 AND chunks > 0 LIMIT ?2",
    )
    .bind(id)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await
    .map_err(sqlite_error)?;
    let mut found = Vec::with_capacity(rows.len());
    for (id, integration, entry, content_hash, title) in rows {
        let (first, last) = range(id);
        let chunks: Vec<(String, String)> =
            sqlx::query_as("SELECT headings, text FROM index_chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
                .bind(first)
                .bind(last)
                .fetch_all(&mut *connection)
                .await
                .map_err(sqlite_error)?;
        let chunks = chunks
            .into_iter()
            .map(|(headings, text)| (serde_json::from_str(&headings).unwrap_or_default(), text))
            .collect();
        let key = DocumentKey { integration: IntegrationId(integration), entry: entry.into() };
        found.push(Unembedded { key, content_hash, title, chunks });
    }
    Ok(found)
}

pub(super) async fn stats(connection: &mut SqliteConnection) -> Result<Stats> {
    let counts: Vec<(String, i64)> = sqlx::query_as("SELECT what, count FROM index_count")
        .fetch_all(&mut *connection)
        .await
        .map_err(sqlite_error)?;
    let count = |wanted: &str| {
        counts.iter().find(|(what, _)| what == wanted).and_then(|(_, count)| u64::try_from(*count).ok()).unwrap_or(0)
    };
    let spaces: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT s.embedder, s.dimensions, coalesce(sum(d.chunks), 0)
         FROM index_space s LEFT JOIN index_document d ON d.space = s.id GROUP BY s.id ORDER BY s.id",
    )
    .fetch_all(connection)
    .await
    .map_err(sqlite_error)?;
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let vectors = spaces
        .into_iter()
        .map(|(embedder, dimensions, chunks)| {
            (Space { embedder, dimensions: usize::try_from(dimensions).unwrap_or(0) }, number(chunks))
        })
        .collect();
    Ok(Stats { documents: count("documents"), chunks: count("chunks"), vectors })
}

/// Reads every page of the file and compares FTS5's lists with what it says they are.
pub(super) async fn integrity(connection: &mut SqliteConnection) -> Result<()> {
    let rows: Vec<(String,)> =
        sqlx::query_as("PRAGMA quick_check").fetch_all(&mut *connection).await.map_err(sqlite_error)?;
    if let Some((first,)) = rows.iter().find(|(row,)| row != "ok") {
        return Err(damaged().with("check", first));
    }
    sqlx::query("INSERT INTO index_text (index_text) VALUES ('integrity-check')")
        .execute(&mut *connection)
        .await
        .map_err(sqlite_error)?;
    let (counted, summed): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count FROM index_count WHERE what = 'chunks'),
                (SELECT coalesce(sum(chunks), 0) FROM index_document)",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(sqlite_error)?;
    let orphans: (i64,) = sqlx::query_as(
        "SELECT count(*) FROM index_chunk c LEFT JOIN index_document d ON d.id = c.id >> 20 WHERE d.id IS NULL",
    )
    .fetch_one(connection)
    .await
    .map_err(sqlite_error)?;
    if counted != summed || orphans.0 > 0 {
        return Err(damaged().with("counted", counted).with("held", summed).with("orphans", orphans.0));
    }
    debug_assert_eq!(CHUNK_BITS, 20, "the statements say 20");
    Ok(())
}
