//! Search over many chunks with a narrow tenant filter, beside FTS5 as it comes.

use std::process::Command;

use serde::Deserialize;

use super::{
    measure::percentile,
    peers::{Peers, fresh},
    product::target,
    report::Section,
};
use crate::shell::{Result, cargo, output, run};

/// In milliseconds, of 99 questions in a hundred.
const WANTED: f64 = 20.0;

#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    chunks: u64,
    hits: u64,
    lexical: Vec<f64>,
    #[serde(default)]
    hybrid: Vec<f64>,
}

pub(super) fn measure(peers: &Peers) -> Result<Section> {
    run(cargo().args(["build", "--release", "--locked", "--package", "catchment-benches"]))?;
    let work = peers.folder.join("search");
    fresh(&work)?;
    let ours: Said = serde_json::from_str(&output(Command::new(target()?.join("release/search")).arg(&work))?)?;
    let script = Peers::script("fts5_peer.py");
    let database = work.join("peer.db");
    run(Command::new("python3").arg(&script).arg("fill").arg(&database).arg(work.join("texts.tsv")))?;
    let asked =
        output(Command::new("python3").arg(&script).arg("questions").arg(&database).arg(work.join("questions.tsv")))?;
    let theirs: Said = serde_json::from_str(&asked)?;
    fresh(&work)?;
    if ours.hits == 0 || theirs.hits == 0 {
        return Err("nothing was found, so the times say nothing".into());
    }

    let mut section = Section {
        title: "Search",
        method: format!(
            "{} chunks of 100 organizations, words as common as in a language (Zipf), 1,000 questions of three telling words, each within one organization (1 % of the \
             chunks), one after the other in one process. The peer is SQLite's FTS5 as it comes, asked from Python, with \
             the tenant filtered beside the match. Vectors have 384 dimensions.",
            ours.chunks
        ),
        columns: vec!["", "median", "99 of 100 within"],
        ..Section::default()
    };
    let mut times = [ours.lexical, ours.hybrid, theirs.lexical];
    for (name, times) in ["Catchment, by words", "Catchment, by words and meaning", "FTS5"].into_iter().zip(&mut times)
    {
        times.sort_by(f64::total_cmp);
        let shown = |percent| format!("{:.2} ms", percentile(times, percent));
        section.rows.push(vec![name.into(), shown(50), shown(99)]);
    }
    for (name, times) in ["by words", "by words and meaning"].into_iter().zip(&times) {
        let worst = percentile(times, 99);
        section.targets.push((format!("{name}, p99 below {WANTED} ms: {worst:.2} ms"), worst < WANTED));
    }
    Ok(section)
}
