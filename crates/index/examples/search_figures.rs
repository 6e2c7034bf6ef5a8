//! How long searches take over many chunks, beside SQLite FTS5 used plainly.
//!
//! `cargo run --release -p catchment-index --example search_figures -- [--chunks 100000] [--json]`
#![expect(clippy::print_stdout, reason = "it prints figures")]

#[path = "../benches/corpus/mod.rs"]
mod corpus;

use std::{collections::HashSet, error::Error, path::Path, sync::Arc, time::Instant};

use catchment_core::{Document, Ingestor, Tenant};
use catchment_index::{Filter, Index, IndexOptions, Mode, Query, SqliteBackend};
use corpus::{Clusters, PAGES, TENANTS, Words, document, question, tenant};
use sqlx::{Connection, Row, SqliteConnection};

/// How many questions are asked of each kind.
const QUESTIONS: u64 = 300;
/// How often each question is asked. The best time counts, so that what else the machine does at
/// the moment is left out.
const TIMES: usize = 3;
const DIMENSIONS: usize = 384;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One line of the result, in milliseconds.
struct Figure {
    name: &'static str,
    p50: f64,
    p99: f64,
    max: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    let chunks: u64 = value("--chunks").map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let words = Words::new();
    let mut figures = Vec::new();
    let mut notes = Vec::new();

    for one_organization in [true, false] {
        let path = folder.path().join(format!("{one_organization}.db"));
        let index = open(&path).await?;
        let start = Instant::now();
        let mut upserts = Vec::new();
        for number in 0..chunks / u64::from(PAGES) {
            let document = document(number, tenant(number % TENANTS, one_organization), &words);
            let (time, made) = timed(index.upsert(document)).await?;
            assert_eq!(made.chunks, PAGES);
            upserts.push(time);
        }
        let rate = chunks as f64 / start.elapsed().as_secs_f64();
        notes.push(("chunks a second, with vectors", rate));
        notes.push(("megabytes", std::fs::metadata(&path)?.len() as f64 / 1e6));
        let label = |a, b| if one_organization { a } else { b };
        figures.push(figure(label("upsert of 5 chunks", "upsert of 5 chunks, many organizations"), upserts));
        let one = |number: u64| Filter::owner(&tenant(number % TENANTS, one_organization));
        for (name, mode) in [
            (label("words, 1 % (a user)", "words, 1 % (an organization)"), Mode::Lexical),
            (label("meaning, 1 % (a user)", "meaning, 1 % (an organization)"), Mode::Dense),
            (label("both, 1 % (a user)", "both, 1 % (an organization)"), Mode::Auto),
        ] {
            figures.push(figure(name, ask(&index, &words, mode, one).await?));
        }
        if one_organization {
            let all = |_| Filter { user: None, ..Filter::owner(&tenant(0, true)) };
            figures.push(figure("words, everything", ask(&index, &words, Mode::Lexical, all).await?));
            figures.push(figure("meaning, everything", ask(&index, &words, Mode::Dense, all).await?));
            notes.push(("recall at 10 by meaning, everything", recall(&index, &words, chunks).await?));
        }
    }
    figures.push(figure(
        "peer: FTS5, default tokenizer, tenant as a condition",
        peer(folder.path(), &words, chunks).await?,
    ));

    if arguments.iter().any(|argument| argument == "--json") {
        let rows: Vec<_> = figures
            .iter()
            .map(|f| serde_json::json!({ "name": f.name, "p50_ms": f.p50, "p99_ms": f.p99, "max_ms": f.max }))
            .collect();
        let notes: Vec<_> =
            notes.iter().map(|(name, value)| serde_json::json!({ "name": name, "value": value })).collect();
        println!("{}", serde_json::json!({ "chunks": chunks, "figures": rows, "notes": notes }));
    } else {
        println!(
            "{chunks} chunks, {DIMENSIONS} dimensions; milliseconds\n{:52} {:>8} {:>8} {:>8}",
            "", "p50", "p99", "max"
        );
        for f in figures {
            println!("{:52} {:8.2} {:8.2} {:8.2}", f.name, f.p50, f.p99, f.max);
        }
        for (name, value) in notes {
            println!("{name:52} {value:8.2}");
        }
    }
    Ok(())
}

async fn open(path: &Path) -> Result<Index> {
    let options =
        IndexOptions { embedder: Some(Arc::new(Clusters { dimensions: DIMENSIONS })), ..IndexOptions::default() };
    Ok(Index::open(Arc::new(SqliteBackend::open(path).await?), options).await?)
}

async fn timed<T, E>(work: impl Future<Output = std::result::Result<T, E>>) -> std::result::Result<(f64, T), E> {
    let start = Instant::now();
    let value = work.await?;
    Ok((start.elapsed().as_secs_f64() * 1e3, value))
}

async fn ask(index: &Index, words: &Words, mode: Mode, filter: impl Fn(u64) -> Filter) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for number in 0..QUESTIONS {
        let query = Query::new(question(number, words), filter(number)).mode(mode);
        let mut best = f64::INFINITY;
        for _ in 0..TIMES {
            best = best.min(timed(index.search(&query)).await?.0);
        }
        times.push(best);
    }
    Ok(times)
}

fn figure(name: &'static str, mut times: Vec<f64>) -> Figure {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    Figure { name, p50: at(0.5), p99: at(0.99), max: at(1.0) }
}

/// How many of the ten nearest by full vectors are among the ten hits.
async fn recall(index: &Index, words: &Words, chunks: u64) -> Result<f64> {
    let clusters = Clusters { dimensions: DIMENSIONS };
    let asked: Vec<String> = (0..20).map(|number| question(number, words)).collect();
    let asked: Vec<(String, Vec<f32>)> = asked.into_iter().map(|text| (text.clone(), clusters.vector(&text))).collect();
    let mut near: Vec<Vec<(f32, String)>> = vec![Vec::new(); asked.len()];
    for number in 0..chunks / u64::from(PAGES) {
        let made: Document = document(number, Tenant::local(), words);
        for (ordinal, page) in made.text.pages.iter().enumerate() {
            let vector = clusters.vector(&page.blocks[0].text);
            for (list, (_, wanted)) in near.iter_mut().zip(&asked) {
                let dot: f32 = vector.iter().zip(wanted).map(|(a, b)| a * b).sum();
                list.push((dot, format!("{number}/{ordinal}")));
            }
        }
    }
    let mut found = 0;
    for (list, (text, _)) in near.iter_mut().zip(&asked) {
        list.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best: HashSet<&str> = list.iter().take(10).map(|(_, id)| id.as_str()).collect();
        let filter = Filter { user: None, ..Filter::owner(&tenant(0, true)) };
        let query = Query::new(text, filter).mode(Mode::Dense).per_document(None);
        let hits = index.search(&query).await?;
        found +=
            hits.iter().filter(|hit| best.contains(format!("{}/{}", hit.document.entry, hit.ordinal).as_str())).count();
    }
    Ok(found as f64 / (asked.len() * 10) as f64)
}

/// The same texts and questions in one FTS5 table, used as its introduction shows.
async fn peer(folder: &Path, words: &Words, chunks: u64) -> Result<Vec<f64>> {
    let path = folder.join("peer.db");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await?;
    sqlx::query("CREATE VIRTUAL TABLE t USING fts5 (text, tenant UNINDEXED)").execute(&mut connection).await?;
    let mut transaction = connection.begin().await?;
    for number in 0..chunks / u64::from(PAGES) {
        for page in document(number, Tenant::local(), words).text.pages {
            sqlx::query("INSERT INTO t (text, tenant) VALUES (?1, ?2)")
                .bind(page.blocks[0].text.clone())
                .bind((number % TENANTS) as i64)
                .execute(&mut *transaction)
                .await?;
        }
    }
    transaction.commit().await?;
    let mut times = Vec::new();
    for number in 0..QUESTIONS {
        let any: Vec<String> =
            question(number, words).replace('.', "").split(' ').map(|word| format!("\"{word}\"")).collect();
        let any = any.join(" OR ");
        let mut best = f64::INFINITY;
        for _ in 0..TIMES {
            let search = sqlx::query("SELECT text FROM t WHERE t MATCH ?1 AND tenant = ?2 ORDER BY rank LIMIT 10")
                .bind(&any)
                .bind((number % TENANTS) as i64)
                .fetch_all(&mut connection);
            let (time, rows) = timed(search).await?;
            assert!(rows.iter().all(|row| row.try_get::<String, _>(0).is_ok()));
            best = best.min(time);
        }
        times.push(best);
    }
    Ok(times)
}
