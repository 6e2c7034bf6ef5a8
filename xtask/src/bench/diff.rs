//! A listing of a million entries held against the ledger.

use std::process::Command;

use serde::Deserialize;

use super::{
    measure::measured,
    peers::{Peers, fresh},
    product::target,
    report::{Section, megabytes, seconds},
};
use crate::shell::{Result, cargo, run};

const ENTRIES: u64 = 1_000_000;
const SECONDS: f64 = 10.0;
const MEMORY: u64 = 100_000_000;

/// What an import found.
#[derive(Debug, Deserialize)]
struct Said {
    unchanged: u64,
    ingested: u64,
    removed: u64,
    seconds: f64,
}

pub(super) fn measure(peers: &Peers) -> Result<Section> {
    run(cargo().args(["build", "--release", "--locked", "--package", "catchment-benches", "--bin", "diff"]))?;
    let work = peers.folder.join("diff");
    fresh(&work)?;
    let binary = target()?.join("release/diff");
    let program = || {
        let mut program = Command::new(&binary);
        program.arg(work.join("catchment.db")).arg(ENTRIES.to_string());
        program
    };
    run(program().arg("fill"))?;
    let still = measured(program().args(["import", "0"]))?;
    let moved = measured(program().args(["import", "1000"]))?;
    fresh(&work)?;

    let mut section = Section {
        title: "A million entries",
        method: format!(
            "An import of {ENTRIES} entries that the ledger (SQLite) knows, with one file's fingerprint each, listed out of \
             the same process, 1,000 to a page: once with nothing changed, and once with 1,000 of them changed, 1,000 gone \
             and 1,000 new, which go to a parser and an index that do nothing. The memory is that of the whole process, the \
             database's cache included. No peer was measured."
        ),
        columns: vec!["", "time", "processor time", "most memory"],
        ..Section::default()
    };
    for (what, measured, changes) in [("nothing changed", still, 0), ("3,000 changes", moved, 1_000)] {
        let said: Said = serde_json::from_str(measured.stdout.lines().last().unwrap_or_default())?;
        if (said.unchanged, said.ingested, said.removed) != (ENTRIES - 2 * changes, 2 * changes, changes) {
            return Err(format!("the import did not find what there was: {said:?}").into());
        }
        let time = format!("{:.1} s", said.seconds);
        section.rows.push(vec![what.into(), time.clone(), seconds(measured.cpu), megabytes(measured.peak)]);
        section.targets.push((format!("{what}: below {SECONDS} s: {time}"), said.seconds < SECONDS));
        let memory = format!("{what}: below {}: {}", megabytes(MEMORY), megabytes(measured.peak));
        section.targets.push((memory, measured.peak < MEMORY));
    }
    Ok(section)
}
