//! One search: candidates by words and by meaning, fused, and what the hits say.

use std::collections::HashMap;

use catchment_core::{DocumentKey, Error, IntegrationId, Result};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{CHUNK_BITS, dense, error::sqlite_error, lexical};
use crate::{
    backend::{Search, chunk_id},
    fuse::{Fused, diversify, fuse},
    query::Hit,
};

/// How many candidates of each list are looked at for each hit that is asked for.
const CANDIDATES: u32 = 5;
/// The most candidates of each list.
const MOST: u32 = 4_096;

pub(super) async fn search(
    connection: &mut SqliteConnection,
    frequencies: &lexical::Frequencies,
    search: &Search,
) -> Result<Vec<Hit>> {
    let mut depth = (search.limit * CANDIDATES).clamp(50, MOST);
    loop {
        let lexical = if search.terms.is_empty() {
            None
        } else {
            Some(lexical::search(connection, frequencies, &search.terms, &search.filter, depth).await?)
        };
        let near = match &search.vector {
            Some((space, vector)) => Some(dense::search(connection, space, vector, &search.filter, depth).await?),
            None => None,
        };
        let similar: HashMap<i64, f32> = near.iter().flatten().copied().collect();
        let dense: Option<Vec<i64>> = near.as_ref().map(|near| near.iter().map(|(id, _)| *id).collect());
        let more = |list: Option<&Vec<i64>>| list.is_some_and(|list| list.len() >= depth as usize);
        let more = more(lexical.as_ref()) || more(dense.as_ref());
        let fused = fuse(lexical.as_deref(), dense.as_deref());
        let hits = diversify(fused, |id| id >> CHUNK_BITS, search.per_document, search.limit);
        // One document may have taken all candidates' places: look deeper.
        if hits.len() >= search.limit as usize || !more || depth >= MOST {
            return load(connection, &hits, &similar).await;
        }
        depth = (depth * 4).min(MOST);
    }
}

async fn load(connection: &mut SqliteConnection, hits: &[Fused<i64>], similar: &HashMap<i64, f32>) -> Result<Vec<Hit>> {
    let ids = serde_json::Value::from_iter(hits.iter().map(|hit| hit.id)).to_string();
    let rows = sqlx::query(
        "SELECT c.id, c.page, c.page_label, c.headings, c.text,
                d.integration, d.entry, d.vendor, d.name, d.path, d.web_url, d.title
         FROM json_each(?1) j CROSS JOIN index_chunk c ON c.id = j.value
         CROSS JOIN index_document d ON d.id = c.id >> 20
         ORDER BY j.key",
    )
    .bind(ids)
    .fetch_all(connection)
    .await
    .map_err(sqlite_error)?;
    // A damaged document may lack a chunk; the audit tells, the search goes on.
    let fused: HashMap<i64, &Fused<i64>> = hits.iter().map(|hit| (hit.id, hit)).collect();
    rows.iter()
        .map(|row| {
            let id: i64 = row.try_get(0).map_err(sqlite_error)?;
            let fused = fused.get(&id).ok_or_else(|| Error::internal("a chunk came back that was not asked for"))?;
            hit(row, fused, similar.get(&id).copied()).map_err(sqlite_error)
        })
        .collect()
}

fn hit(row: &SqliteRow, fused: &Fused<i64>, similarity: Option<f32>) -> Result<Hit, sqlx::Error> {
    let ordinal = (fused.id & ((1 << CHUNK_BITS) - 1)) as u32;
    let document = DocumentKey {
        integration: IntegrationId(row.try_get("integration")?),
        entry: row.try_get::<String, _>("entry")?.into(),
    };
    let headings: String = row.try_get("headings")?;
    Ok(Hit {
        id: chunk_id(&document, ordinal),
        document,
        ordinal,
        vendor: row.try_get("vendor")?,
        name: row.try_get("name")?,
        path: row.try_get("path")?,
        web_url: row.try_get("web_url")?,
        title: row.try_get("title")?,
        page: row.try_get("page")?,
        page_label: row.try_get("page_label")?,
        headings: serde_json::from_str(&headings).unwrap_or_default(),
        text: row.try_get("text")?,
        score: fused.score,
        lexical_rank: fused.lexical_rank,
        dense_rank: fused.dense_rank,
        similarity,
    })
}
