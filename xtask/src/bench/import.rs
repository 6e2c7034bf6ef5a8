//! Documents a second and memory of an import, from a folder and from S3.

use std::{process::Command, time::Duration};

use serde::Deserialize;

use super::{
    corpus,
    measure::{ROUNDS, Run, Runs, in_turn, measured},
    peers::{Peers, fresh},
    product::Product,
    report::{Section, megabytes, rate, seconds, spread},
    s3::{self, Bucket},
};
use crate::shell::Result;

const DOCUMENTS: usize = 1_000;
const MANY: usize = 10_000;
/// How much faster than the peer, and how much memory at the most.
const TIMES: f64 = 10.0;
const MEMORY: u64 = 150_000_000;

/// Documents a second beside the peer's.
pub(super) fn speed(product: &Product, peers: &Peers) -> Result<Section> {
    let folder = peers.folder.join("documents");
    corpus::documents(&folder, DOCUMENTS)?;
    let python = peers.python()?;
    let work = peers.folder.join("work");
    let mut section = Section {
        title: "Import",
        columns: vec!["from", "", "documents per second", "time", "processor time", "most memory"],
        ..Section::default()
    };

    let bucket = Bucket::with_folder(&folder)?;
    let address = format!("s3://{}/", s3::NAME);
    let endpoint = bucket.endpoint();
    let local = folder.to_string_lossy().into_owned();
    let mut model = String::new();
    let kinds = [("a folder", "local", &local, Vec::new()), ("S3", "s3", &address, bucket.settings())];
    for (place, kind, from, settings) in kinds {
        let settings = &settings;
        let import_ours = || {
            fresh(&work)?;
            let mut import = product.command(&work.join("data"));
            let run = measured(import.arg("import").arg(from).args(settings))?;
            complete("Catchment", &run)?;
            Ok(run)
        };
        let import_theirs = || {
            fresh(&work)?;
            let mut command = Command::new(&python);
            command.arg(Peers::script("unstructured_peer.py")).args([kind, from]).arg(work.join("peer")).arg(&endpoint);
            let run = measured(&mut command)?;
            // What counts is the work alone, without loading itself.
            let seconds = peer_complete(&run)?.seconds;
            Ok(Run { wall: Duration::try_from_secs_f64(seconds)?, ..run })
        };
        let (ours, theirs) = in_turn(import_ours, import_theirs)?;
        model = peer_complete(&theirs.median)?.model;
        section.rows.push(row(place, "Catchment", &ours));
        section.rows.push(row(place, "unstructured-ingest", &theirs));
        let times = theirs.median.wall.as_secs_f64() / ours.median.wall.as_secs_f64();
        let target = format!("from {place} at least {TIMES} times the documents per second: {times:.1} times");
        section.targets.push((target, times >= TIMES));
    }
    section.method = format!(
        "{DOCUMENTS} documents ({} kB in all; text, Markdown, HTML, CSV, mail, Word, PowerPoint, Excel, PDF). Catchment \
         reads, cuts and indexes them; its time is from the start of the program to its end. unstructured-ingest 1.11.23 \
         reads them (strategy \"fast\", as many processes as cores, no chunks, no embedding) and writes JSON; its time is \
         that of the work alone, without loading itself. Its sentence model was: {}. S3 is a moto server with the same \
         files. The median of {ROUNDS} runs each, in turn.",
        corpus::size(&folder)? / 1000,
        model
    );
    fresh(&work)?;
    Ok(section)
}

/// Memory while many documents are imported.
pub(super) fn memory(product: &Product, peers: &Peers) -> Result<Section> {
    let folder = peers.folder.join("many-documents");
    corpus::documents(&folder, MANY)?;
    let work = peers.folder.join("work");
    fresh(&work)?;
    let run = product.import(&work.join("data"), &[&folder.to_string_lossy()])?;
    complete("Catchment", &run)?;
    fresh(&work)?;
    // The tenths of the run: flat means that the last is like the first.
    let tenth = (run.memory.len() / 10).max(1);
    let most = |part: usize| run.memory.iter().skip(part * tenth).take(tenth).copied().max().unwrap_or(0);
    let mut section = Section {
        title: "Memory of a long import",
        method: format!(
            "{MANY} documents of the same kinds from a folder; the most memory in each fifth of the run. No peer: \
             the one for imports is measured above with a tenth of the documents."
        ),
        columns: vec!["part of the run", "most memory"],
        ..Section::default()
    };
    for part in 0..5 {
        let value = most(part * 2).max(most(part * 2 + 1));
        section.rows.push(vec![format!("{} to {} %", part * 20, part * 20 + 20), megabytes(value)]);
    }
    section.rows.push(vec!["documents per second".into(), format!("{:.0}", rate(MANY, run.wall))]);
    let target = format!("within {}: {}", megabytes(MEMORY), megabytes(run.peak));
    section.targets.push((target, run.peak <= MEMORY));
    Ok(section)
}

fn row(place: &str, who: &str, runs: &Runs) -> Vec<String> {
    vec![
        place.into(),
        who.into(),
        format!("{:.1}", rate(DOCUMENTS, runs.median.wall)),
        spread(runs.median.wall, runs.range),
        seconds(runs.median.cpu),
        megabytes(runs.median.peak),
    ]
}

/// A run that did not do the whole work has no speed.
fn complete(who: &str, run: &Run) -> Result<()> {
    if run.code == Some(0) {
        return Ok(());
    }
    let end = run.stdout.lines().next_back().unwrap_or_default();
    Err(format!("{who} ended with {:?}, so its time says nothing: {end}", run.code).into())
}

/// What the peer says at its end.
#[derive(Debug, Deserialize)]
struct Said {
    with_text: usize,
    seconds: f64,
    model: String,
}

fn peer_complete(run: &Run) -> Result<Said> {
    complete("unstructured-ingest", run)?;
    let line = run.stdout.lines().next_back().unwrap_or_default();
    let said: Said = serde_json::from_str(line).map_err(|error| format!("the peer said `{line}`: {error}"))?;
    if said.with_text != DOCUMENTS {
        return Err(format!("the peer did not read every document, so its time says nothing: {line}").into());
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(code: i32, stdout: &str) -> Run {
        Run {
            wall: Duration::from_secs(2),
            cpu: Duration::ZERO,
            peak: 0,
            memory: vec![],
            stdout: stdout.into(),
            code: Some(code),
        }
    }

    #[test]
    fn a_peer_that_skipped_documents_is_no_peer() {
        let good = format!("noise\n{{\"with_text\": {DOCUMENTS}, \"seconds\": 4.5, \"model\": \"m\"}}\n");
        assert_eq!(peer_complete(&run(0, &good)).expect("all read").model, "m");
        assert!(peer_complete(&run(0, &good.replace(&DOCUMENTS.to_string(), "3"))).is_err());
        assert!(peer_complete(&run(1, &good)).is_err());
    }

    #[test]
    fn a_row_gives_documents_per_second() {
        let median = run(0, "");
        let runs = Runs { range: (median.wall, median.wall), median };
        assert_eq!(row("S3", "x", &runs)[2], "500.0");
    }
}
