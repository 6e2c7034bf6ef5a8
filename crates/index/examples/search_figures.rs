//! How long searches take over many chunks, beside SQLite FTS5 used plainly.
//!
//! `cargo run --release -p catchment-index --example search_figures -- [--chunks 100000] [--json]`
//!
//! One organization of a hundred users, so that a filter on a user leaves one chunk in a hundred.
#![expect(clippy::print_stdout, reason = "it prints figures")]

#[path = "../benches/corpus/mod.rs"]
mod corpus;

use std::{collections::HashSet, error::Error, path::Path, sync::Arc, time::Instant};

use catchment_core::Ingestor;
use catchment_index::{Filter, Index, IndexOptions, Mode, Query, SqliteBackend};
use corpus::{Clusters, PAGES, TENANTS, Words, document, question, tenant};
use sqlx::{Connection, SqliteConnection};

/// How many questions are asked of each kind.
const QUESTIONS: u64 = 300;
/// How often each question is asked. The best time counts, so that what else the machine does at
/// the moment is left out.
const TIMES: usize = 3;
const DIMENSIONS: usize = 384;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Milliseconds that passed, and those a processor worked for this process (Linux only).
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    cpu: f64,
}

/// One line of the result.
struct Figure {
    name: &'static str,
    times: Vec<Took>,
}

impl Figure {
    fn at(&self, share: f64, of: impl Fn(&Took) -> f64) -> f64 {
        let mut times: Vec<f64> = self.times.iter().map(of).collect();
        times.sort_by(f64::total_cmp);
        times[((times.len() - 1) as f64 * share).round() as usize]
    }

    fn columns(&self) -> [(&'static str, f64); 4] {
        [
            ("p50_ms", self.at(0.5, |took| took.wall)),
            ("p99_ms", self.at(0.99, |took| took.wall)),
            ("cpu_p50_ms", self.at(0.5, |took| took.cpu)),
            ("cpu_p99_ms", self.at(0.99, |took| took.cpu)),
        ]
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    let chunks: u64 = value("--chunks").map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("catchment.db");
    let words = Words::new();
    let index = open(&path).await?;

    let start = Instant::now();
    let mut upserts = Vec::new();
    for number in 0..chunks / u64::from(PAGES) {
        let document = document(number, &words);
        let (took, made) = timed(index.upsert(document)).await?;
        assert_eq!(made.chunks, PAGES, "a page is a chunk");
        upserts.push(took);
    }
    let rate = chunks as f64 / start.elapsed().as_secs_f64();

    let user = |number: u64| Filter::owner(&tenant(number));
    let all = |_| Filter { user: None, ..Filter::owner(&tenant(0)) };
    let mut figures = vec![
        Figure { name: "upsert of 5 chunks", times: upserts },
        Figure { name: "words, 1 %", times: ask(&index, &words, Mode::Lexical, user).await? },
        Figure { name: "meaning, 1 %", times: ask(&index, &words, Mode::Dense, user).await? },
        Figure { name: "both, 1 %", times: ask(&index, &words, Mode::Auto, user).await? },
        Figure { name: "words, everything", times: ask(&index, &words, Mode::Lexical, all).await? },
        Figure { name: "meaning, everything", times: ask(&index, &words, Mode::Dense, all).await? },
    ];
    let notes = [
        ("chunks a second, with vectors", rate),
        ("megabytes", std::fs::metadata(&path)?.len() as f64 / 1e6),
        ("recall at 10 by meaning, everything", recall(&index, &words, chunks).await?),
    ];
    let peer = peer(folder.path(), &words, chunks).await?;
    figures.push(Figure { name: "peer: FTS5, its own tokenizer, tenant as a condition", times: peer });

    if arguments.iter().any(|argument| argument == "--json") {
        let rows: Vec<_> = figures
            .iter()
            .map(|figure| {
                let mut row: serde_json::Map<String, serde_json::Value> =
                    figure.columns().iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
                row.insert("name".to_owned(), figure.name.into());
                row
            })
            .collect();
        let notes: serde_json::Map<String, serde_json::Value> =
            notes.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        println!("{}", serde_json::json!({ "chunks": chunks, "figures": rows, "notes": notes }));
    } else {
        println!("{chunks} chunks, {DIMENSIONS} dimensions");
        for figure in figures {
            let columns: Vec<String> =
                figure.columns().iter().map(|(name, value)| format!("{name} {value:8.2}")).collect();
            println!("{:52} {}", figure.name, columns.join("  "));
        }
        for (name, value) in notes {
            println!("{name:52} {value:.2}");
        }
    }
    Ok(())
}

async fn open(path: &Path) -> Result<Index> {
    let embedder = Arc::new(Clusters { dimensions: DIMENSIONS });
    let options = IndexOptions { embedder: Some(embedder), ..IndexOptions::default() };
    Ok(Index::open(Arc::new(SqliteBackend::open(path).await?), options).await?)
}

async fn timed<T, E>(work: impl Future<Output = std::result::Result<T, E>>) -> std::result::Result<(Took, T), E> {
    let (start, cpu) = (Instant::now(), worked());
    let value = work.await?;
    Ok((Took { wall: start.elapsed().as_secs_f64() * 1e3, cpu: worked() - cpu }, value))
}

/// How long processors have worked for the threads of this process, in milliseconds.
fn worked() -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        let line = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        line.split(' ').next()?.parse::<f64>().ok()
    };
    tasks.filter_map(of).sum::<f64>() / 1e6
}

async fn ask(index: &Index, words: &Words, mode: Mode, filter: impl Fn(u64) -> Filter) -> Result<Vec<Took>> {
    let mut times = Vec::new();
    for number in 0..QUESTIONS {
        let query = Query::new(question(number, words), filter(number)).mode(mode);
        let mut best = Took { wall: f64::INFINITY, cpu: f64::INFINITY };
        for _ in 0..TIMES {
            let took = timed(index.search(&query)).await?.0;
            best = Took { wall: best.wall.min(took.wall), cpu: best.cpu.min(took.cpu) };
        }
        times.push(best);
    }
    Ok(times)
}

/// How many of the ten nearest by full vectors are among the ten hits.
async fn recall(index: &Index, words: &Words, chunks: u64) -> Result<f64> {
    let clusters = Clusters { dimensions: DIMENSIONS };
    let asked: Vec<(String, Vec<f32>)> = (0..20)
        .map(|number| question(number, words))
        .map(|text| {
            let vector = clusters.vector(&text);
            (text, vector)
        })
        .collect();
    let mut near: Vec<Vec<(f32, String)>> = vec![Vec::new(); asked.len()];
    for number in 0..chunks / u64::from(PAGES) {
        for (ordinal, page) in document(number, words).text.pages.iter().enumerate() {
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
        let filter = Filter { user: None, ..Filter::owner(&tenant(0)) };
        let query = Query::new(text, filter).mode(Mode::Dense).per_document(None);
        for hit in index.search(&query).await? {
            found += usize::from(best.contains(format!("{}/{}", hit.document.entry, hit.ordinal).as_str()));
        }
    }
    Ok(found as f64 / (asked.len() * 10) as f64)
}

/// The same texts and questions in one FTS5 table, used as its introduction shows.
async fn peer(folder: &Path, words: &Words, chunks: u64) -> Result<Vec<Took>> {
    let path = folder.join("peer.db");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await?;
    sqlx::query("CREATE VIRTUAL TABLE t USING fts5 (text, tenant UNINDEXED)").execute(&mut connection).await?;
    let mut transaction = connection.begin().await?;
    for number in 0..chunks / u64::from(PAGES) {
        for page in document(number, words).text.pages {
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
        let words: Vec<String> =
            question(number, words).replace('.', "").split(' ').map(|word| format!("\"{word}\"")).collect();
        let any = words.join(" OR ");
        let mut best = Took { wall: f64::INFINITY, cpu: f64::INFINITY };
        for _ in 0..TIMES {
            let search = sqlx::query("SELECT text FROM t WHERE t MATCH ?1 AND tenant = ?2 ORDER BY rank LIMIT 10")
                .bind(&any)
                .bind((number % TENANTS) as i64)
                .fetch_all(&mut connection);
            let took = timed(search).await?.0;
            best = Took { wall: best.wall.min(took.wall), cpu: best.cpu.min(took.cpu) };
        }
        times.push(best);
    }
    Ok(times)
}
