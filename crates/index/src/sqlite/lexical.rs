//! Search by words: FTS5 finds and weighs, we decide which words are worth looking for.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use catchment_core::Result;
use sqlx::SqliteConnection;

use super::{error::sqlite_error, scope};
use crate::query::Filter;

/// How many terms are remembered.
const REMEMBERED: usize = 20_000;
/// Below this many chunks every term is cheap.
const SMALL: i64 = 5_000;

/// How many chunks each term is in. FTS5 reads the whole list of a term to learn that, even where
/// a filter leaves little of it, so a term that is everywhere costs the most and says the least.
#[derive(Debug, Default)]
pub(super) struct Frequencies(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// How many chunks there were when the first was counted.
    chunks: i64,
    counts: HashMap<String, i64>,
}

impl Frequencies {
    /// Leaves out the terms that are in most chunks: keeps the two rarest, and then as many as
    /// have a quarter of all chunks between them.
    async fn worthwhile<'a>(&self, connection: &mut SqliteConnection, terms: &'a [String]) -> Result<Vec<&'a str>> {
        let (chunks,): (i64,) = sqlx::query_as("SELECT count FROM index_count WHERE what = 'chunks'")
            .fetch_one(&mut *connection)
            .await
            .map_err(sqlite_error)?;
        if chunks < SMALL {
            return Ok(terms.iter().map(String::as_str).collect());
        }
        let budget = chunks / 4;
        let mut counted = Vec::with_capacity(terms.len());
        for term in terms {
            let count = match self.recall(chunks, term) {
                Some(count) => count,
                None => {
                    let count = count(connection, term, budget + 1).await?;
                    self.remember(term, count);
                    count
                }
            };
            if count > 0 {
                counted.push((count, term.as_str()));
            }
        }
        counted.sort_unstable();
        let mut sum = 0;
        let mut kept = Vec::with_capacity(counted.len());
        for (count, term) in counted {
            sum += count;
            if kept.len() >= 2 && sum > budget {
                break;
            }
            kept.push(term);
        }
        Ok(kept)
    }

    fn recall(&self, chunks: i64, term: &str) -> Option<i64> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A tenth more or less changes what a term is worth too little to count again.
        if (chunks - remembered.chunks).abs() * 10 > remembered.chunks || remembered.counts.len() >= REMEMBERED {
            *remembered = Remembered { chunks, counts: HashMap::new() };
        }
        remembered.counts.get(term).copied()
    }

    fn remember(&self, term: &str, count: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).counts.insert(term.to_owned(), count);
    }
}

async fn count(connection: &mut SqliteConnection, term: &str, most: i64) -> Result<i64> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM (SELECT 1 FROM index_text WHERE index_text MATCH ?1 LIMIT ?2)")
            .bind(any_of(&[term]))
            .bind(most)
            .fetch_one(connection)
            .await
            .map_err(sqlite_error)?;
    Ok(count)
}

/// The best chunks that have any of the terms, best first.
pub(super) async fn search(
    connection: &mut SqliteConnection,
    frequencies: &Frequencies,
    terms: &[String],
    filter: &Filter,
    depth: u32,
) -> Result<Vec<i64>> {
    let terms = frequencies.worthwhile(connection, terms).await?;
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    // Weights: of the scope nothing; a word of the title or a heading as four; another form of a
    // word as a half. Readers are looked up for each candidate ahead of the order and the limit.
    let rows: Vec<(i64,)> = sqlx::query_as(
        "SELECT rowid FROM (
             SELECT rowid, bm25(index_text, 0.0, 4.0, 1.0, 0.5) AS score FROM index_text
             WHERE index_text MATCH ?1
               AND (?2 IS NULL OR EXISTS (
                   SELECT 1 FROM index_reader r WHERE r.document = index_text.rowid >> 20
                   AND r.principal IN (SELECT value FROM json_each(?2))))
               AND (?3 IS NULL OR EXISTS (
                   SELECT 1 FROM index_document d WHERE d.id = index_text.rowid >> 20
                   AND d.integration IN (SELECT value FROM json_each(?3))))
             ORDER BY score, rowid LIMIT ?4)",
    )
    .bind(format!("{} AND {}", scope::of_filter(filter), any_of(&terms)))
    .bind(scope::principals_json(filter))
    .bind(scope::long_list(filter))
    .bind(depth)
    .fetch_all(connection)
    .await
    .map_err(sqlite_error)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Any of the terms, in any column but the scope. Terms are letters and digits; the quotes make
/// sure that none is taken for an operator.
fn any_of(terms: &[&str]) -> String {
    let quoted: Vec<String> = terms.iter().map(|term| format!("\"{}\"", term.replace('"', ""))).collect();
    format!("{{title text forms}} : ({})", quoted.join(" OR "))
}
