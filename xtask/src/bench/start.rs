//! From the start of the program to the first answer, and its memory.

use std::{fs, process::Command, time::Duration};

use super::{
    measure::{Run, measured, middle},
    peers::{Peers, fresh},
    product::Product,
    report::{Section, megabytes, seconds},
};
use crate::shell::{Result, root, run};

const QUESTION: &str = "How long is the warranty of the pump?";
const ANSWER: &str = "42 months";
const TIMES: usize = 20;
const WANTED: Duration = Duration::from_millis(100);
const MEMORY: u64 = 40_000_000;

pub(super) fn measure(product: &Product, peers: &Peers) -> Result<Section> {
    let work = peers.folder.join("work");
    fresh(&work)?;
    let data = work.join("data");
    let samples = root().join("samples/documents");
    // Two of the samples cannot be read, and the exit code says so.
    measured(product.command(&data).arg("import").arg(&samples))?;
    let ours = median(|| measured(product.command(&data).args(["ask", QUESTION])))?;
    if !ours.stdout.contains(ANSWER) {
        return Err(format!("the answer is not right, so its time says nothing: {}", ours.stdout).into());
    }

    // The peer gets the passage with the answer, and one for each other text file.
    let script = Peers::script("fts5_peer.py");
    let mut texts = format!("1\tThe warranty of the pump lasts {ANSWER} from the day of commissioning.\n");
    for name in ["night-shift-notes.md", "customer-faq.html", "meter-readings.csv"] {
        texts += &format!("1\t{}\n", fs::read_to_string(samples.join(name))?.replace(['\n', '\t'], " "));
    }
    fs::write(work.join("texts.tsv"), texts)?;
    let database = work.join("peer.db");
    run(Command::new("python3").arg(&script).arg("fill").arg(&database).arg(work.join("texts.tsv")))?;
    let theirs =
        median(|| measured(Command::new("python3").arg(&script).arg("ask").arg(&database).args(["1", QUESTION])))?;
    fresh(&work)?;

    let mut section = Section {
        title: "Start",
        method: format!(
            "`catchment ask` over the sample documents, from the start of the program to its end, the median of {TIMES}; \
             the peer is a Python script that asks SQLite's FTS5. There is no server yet that could be idle: the memory is \
             that of the question."
        ),
        columns: vec!["", "time", "most memory"],
        ..Section::default()
    };
    for (name, run) in [("Catchment", &ours), ("Python and FTS5", &theirs)] {
        section.rows.push(vec![name.into(), seconds(run.wall), megabytes(run.peak)]);
    }
    section.targets = vec![
        (format!("first answer within {}: {}", seconds(WANTED), seconds(ours.wall)), ours.wall < WANTED),
        (format!("memory below {}: {}", megabytes(MEMORY), megabytes(ours.peak)), ours.peak < MEMORY),
    ];
    Ok(section)
}

/// The run in the middle, by time, with the most memory of all.
fn median(once: impl Fn() -> Result<Run>) -> Result<Run> {
    let runs = (0..TIMES).map(|_| once()).collect::<Result<Vec<_>>>()?;
    Ok(middle(runs)?.median)
}
