//! Documents in and out. The callers hold the transaction.

use catchment_core::{DocumentKey, Error, ErrorKind, Readers, Result};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::{CHUNK_BITS, error::sqlite_error, schema, scope, vector};
use crate::backend::{Space, StoredChunk, StoredDocument, Unembedded};

/// How many chunks go into one statement: enough to make statements cheap, few enough that a
/// book does not double in memory.
const BATCH: usize = 256;

pub(super) async fn replace(
    connection: &mut SqliteConnection,
    document: &StoredDocument,
    chunks: &[StoredChunk],
    space: Option<&Space>,
) -> Result<()> {
    if chunks.len() >= 1 << CHUNK_BITS {
        return Err(Error::new(ErrorKind::TooLarge, "the document has too many parts: split it"));
    }
    let space = match space {
        Some(space) => Some((opened(connection, space).await?, space.dimensions)),
        None => None,
    };
    let known = find(connection, &document.key).await?;
    if let Some(known) = &known {
        clear(connection, known).await?;
    }
    let id = put_document(connection, document, chunks.len(), space.map(|(id, _)| id)).await?;
    if let Readers::Only(readers) = &document.readers {
        let readers = serde_json::Value::from_iter(readers.iter().map(scope::principal)).to_string();
        let insert = "INSERT INTO index_reader (document, principal) SELECT ?1, value FROM json_each(?2)";
        run(connection, sqlx::query(insert).bind(id).bind(readers)).await?;
    }
    put_chunks(connection, id << CHUNK_BITS, document, chunks).await?;
    if let Some((space, dimensions)) = space {
        let vectors: Vec<&[f32]> = chunks.iter().filter_map(|chunk| chunk.vector.as_deref()).collect();
        if vectors.len() != chunks.len() {
            return Err(Error::internal("every chunk wants a vector of its space"));
        }
        put_vectors(connection, space, dimensions, id, &vectors).await?;
    }
    let before = known.as_ref().map_or(0, |known| known.chunks);
    count(connection, i64::from(known.is_none()), chunks.len() as i64 - before).await
}

pub(super) async fn remove(connection: &mut SqliteConnection, key: &DocumentKey) -> Result<()> {
    let Some(known) = find(connection, key).await? else { return Ok(()) };
    clear(connection, &known).await?;
    run(connection, sqlx::query("DELETE FROM index_document WHERE id = ?1").bind(known.id)).await?;
    count(connection, -1, -known.chunks).await
}

pub(super) async fn set_vectors(
    connection: &mut SqliteConnection,
    space: &Space,
    document: &Unembedded,
    vectors: &[Vec<f32>],
) -> Result<bool> {
    let id = opened(connection, space).await?;
    let Some(known) = find(connection, &document.key).await? else { return Ok(false) };
    let same = known.content_hash == document.content_hash && known.chunks == vectors.len() as i64;
    if !same || known.space == Some(id) {
        return Ok(false);
    }
    if let Some(old) = known.space {
        clear_vectors(connection, old, known.id).await?;
    }
    let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    put_vectors(connection, id, space.dimensions, known.id, &vectors).await?;
    run(connection, sqlx::query("UPDATE index_document SET space = ?2 WHERE id = ?1").bind(known.id).bind(id)).await?;
    Ok(true)
}

/// A document that is there already.
struct Known {
    id: i64,
    chunks: i64,
    space: Option<i64>,
    content_hash: String,
}

async fn find(connection: &mut SqliteConnection, key: &DocumentKey) -> Result<Option<Known>> {
    let row: Option<(i64, i64, Option<i64>, String)> = sqlx::query_as(
        "SELECT id, chunks, space, content_hash FROM index_document WHERE integration = ?1 AND entry = ?2",
    )
    .bind(key.integration.0)
    .bind(key.entry.as_str())
    .fetch_optional(connection)
    .await
    .map_err(sqlite_error)?;
    Ok(row.map(|(id, chunks, space, content_hash)| Known { id, chunks, space, content_hash }))
}

async fn opened(connection: &mut SqliteConnection, space: &Space) -> Result<i64> {
    schema::space_id(connection, space)
        .await?
        .ok_or_else(|| Error::internal("the space of the vectors was not opened").with("embedder", &space.embedder))
}

/// Takes out everything of a document but its row. By ranges, not by what should be there, so
/// that a damaged document is cleared as well.
async fn clear(connection: &mut SqliteConnection, known: &Known) -> Result<()> {
    let (first, last) = range(known.id);
    for delete in
        ["DELETE FROM index_text WHERE rowid BETWEEN ?1 AND ?2", "DELETE FROM index_chunk WHERE id BETWEEN ?1 AND ?2"]
    {
        run(connection, sqlx::query(delete).bind(first).bind(last)).await?;
    }
    run(connection, sqlx::query("DELETE FROM index_reader WHERE document = ?1").bind(known.id)).await?;
    match known.space {
        Some(space) => clear_vectors(connection, space, known.id).await,
        None => Ok(()),
    }
}

async fn clear_vectors(connection: &mut SqliteConnection, space: i64, document: i64) -> Result<()> {
    let (first, last) = range(document);
    for delete in [
        format!(
            "DELETE FROM index_near_{space} WHERE rowid IN
             (SELECT rowid FROM index_near_{space}_rowids WHERE rowid BETWEEN ?1 AND ?2)"
        ),
        format!("DELETE FROM index_vector_{space} WHERE id BETWEEN ?1 AND ?2"),
    ] {
        run(connection, sqlx::query(AssertSqlSafe(delete)).bind(first).bind(last)).await?;
    }
    Ok(())
}

/// The first and last id the chunks of a document can have.
pub(super) fn range(document: i64) -> (i64, i64) {
    let first = document << CHUNK_BITS;
    (first, first | ((1 << CHUNK_BITS) - 1))
}

async fn put_document(
    connection: &mut SqliteConnection,
    document: &StoredDocument,
    chunks: usize,
    space: Option<i64>,
) -> Result<i64> {
    let (id,): (i64,) = sqlx::query_as(
        "INSERT INTO index_document (integration, entry, organization, owner, portfolio, vendor, name, path, mime,
                                     web_url, modified, content_hash, title, language, chunks, space)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (integration, entry) DO UPDATE SET
             organization = excluded.organization, owner = excluded.owner, portfolio = excluded.portfolio,
             vendor = excluded.vendor, name = excluded.name, path = excluded.path, mime = excluded.mime,
             web_url = excluded.web_url, modified = excluded.modified, content_hash = excluded.content_hash,
             title = excluded.title, language = excluded.language, chunks = excluded.chunks, space = excluded.space
         RETURNING id",
    )
    .bind(document.key.integration.0)
    .bind(document.key.entry.as_str())
    .bind(&document.tenant.organization)
    .bind(&document.tenant.user)
    .bind(&document.portfolio)
    .bind(&document.vendor)
    .bind(&document.name)
    .bind(&document.path)
    .bind(&document.mime)
    .bind(&document.web_url)
    .bind(document.modified.map(|time| time.to_rfc3339()))
    .bind(&document.content_hash)
    .bind(&document.title)
    .bind(document.language.map(|language| language.code()))
    .bind(chunks as i64)
    .bind(space)
    .fetch_one(connection)
    .await
    .map_err(sqlite_error)?;
    Ok(id)
}

/// Chunks travel as JSON: one statement for many rows costs a tenth of a statement each.
async fn put_chunks(
    connection: &mut SqliteConnection,
    first: i64,
    document: &StoredDocument,
    chunks: &[StoredChunk],
) -> Result<()> {
    let scope = scope::of_document(document);
    for (batch, part) in chunks.chunks(BATCH).enumerate() {
        let first = first + (batch * BATCH) as i64;
        let rows: Vec<_> = part
            .iter()
            .map(|chunk| (chunk.page, &chunk.page_label, serde_json::json!(chunk.headings).to_string(), &chunk.text))
            .collect();
        let insert = "INSERT INTO index_chunk (id, page, page_label, headings, text)
                      SELECT ?1 + key, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?2)";
        run(connection, sqlx::query(insert).bind(first).bind(json(&rows)?)).await?;
        let rows: Vec<_> =
            part.iter().map(|chunk| (&chunk.terms.title, &chunk.terms.text, &chunk.terms.forms)).collect();
        let insert = "INSERT INTO index_text (rowid, scope, title, text, forms)
                      SELECT ?1 + key, ?2, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?3)";
        run(connection, sqlx::query(insert).bind(first).bind(&scope).bind(json(&rows)?)).await?;
    }
    Ok(())
}

/// Vectors travel end to end in one blob and are cut again by SQLite.
async fn put_vectors(
    connection: &mut SqliteConnection,
    space: i64,
    dimensions: usize,
    document: i64,
    vectors: &[&[f32]],
) -> Result<()> {
    if vectors.iter().any(|vector| vector.len() != dimensions) {
        return Err(Error::internal("a vector does not have the dimensions of its space"));
    }
    let near = format!(
        "INSERT INTO index_near_{space} (rowid, organization, owner, small, integration, portfolio, document)
         SELECT ?1 + j.key, d.organization, d.owner, vec_int8(substr(?2, 1 + j.key * ?3, ?3)),
                d.integration, j.value, d.id
         FROM json_each(?4) j, index_document d WHERE d.id = ?5"
    );
    let full = format!(
        "INSERT INTO index_vector_{space} (id, vector)
         SELECT ?1 + key, substr(?2, 1 + key * ?3, ?3) FROM json_each(?4)"
    );
    let (portfolio,): (Option<String>,) = sqlx::query_as("SELECT portfolio FROM index_document WHERE id = ?1")
        .bind(document)
        .fetch_one(&mut *connection)
        .await
        .map_err(sqlite_error)?;
    let portfolio = scope::portfolio_number(portfolio.as_deref());
    for (batch, part) in vectors.chunks(BATCH).enumerate() {
        let first = (document << CHUNK_BITS) + (batch * BATCH) as i64;
        let places = json(&vec![portfolio; part.len()])?;
        let small: Vec<u8> = part.iter().flat_map(|vector| vector::small(vector)).collect();
        let statement = sqlx::query(AssertSqlSafe(near.clone()))
            .bind(first)
            .bind(small)
            .bind(dimensions as i64)
            .bind(&places)
            .bind(document);
        run(connection, statement).await?;
        let bytes: Vec<u8> = part.iter().flat_map(|vector| vector::full(vector)).collect();
        let statement =
            sqlx::query(AssertSqlSafe(full.clone())).bind(first).bind(bytes).bind(dimensions as i64 * 4).bind(&places);
        run(connection, statement).await?;
    }
    Ok(())
}

async fn count(connection: &mut SqliteConnection, documents: i64, chunks: i64) -> Result<()> {
    let update = "UPDATE index_count SET count = count + iif(what = 'chunks', ?2, ?1)";
    run(connection, sqlx::query(update).bind(documents).bind(chunks)).await
}

fn json(rows: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(rows).map_err(|error| Error::internal("cannot write rows as JSON").source(error))
}

async fn run(connection: &mut SqliteConnection, query: Query<'_, Sqlite, SqliteArguments>) -> Result<()> {
    query.execute(connection).await.map(drop).map_err(sqlite_error)
}
