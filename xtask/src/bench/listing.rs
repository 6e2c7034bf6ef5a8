//! Listing a large bucket, beside rclone.

use std::process::Command;

use super::{
    measure::{ROUNDS, Run, in_turn, measured},
    peers::{Peers, fresh},
    product::Product,
    report::{Section, megabytes, rate, seconds, spread},
    s3::{self, Bucket},
};
use crate::{backends, shell::Result};

const KEYS: usize = 100_000;

pub(super) fn measure(product: &Product, peers: &Peers) -> Result<Section> {
    let work = peers.folder.join("work");
    fresh(&work)?;
    let rclone = backends::install()?.join("py/bin/rclone");
    let bucket = Bucket::with_keys(KEYS)?;
    let remote = format!(":s3,provider=Other,env_auth=true,endpoint='{}':{}", bucket.endpoint(), s3::NAME);
    let address = format!("s3://{}", s3::NAME);

    let list_ours = || {
        let mut browse = product.command(&work.join("data"));
        let run = measured(browse.args(["browse", &address, "--recursive"]).args(bucket.settings()))?;
        complete("Catchment", run)
    };
    let list_theirs = || {
        let mut lsf = Command::new(&rclone);
        lsf.args(["--config", "", "lsf", "--recursive", "--fast-list", "--files-only", &remote]);
        complete("rclone", measured(lsf.envs(bucket.environment()).env_remove("AWS_CA_BUNDLE"))?)
    };
    let (ours, theirs) = in_turn(list_ours, list_theirs)?;

    let mut section = Section {
        title: "Listing",
        method: format!(
            "{KEYS} keys of a moto server, 1,000 to a folder, all of them listed and printed: `catchment browse \
             --recursive --json` and `rclone lsf --recursive --fast-list` (1.75.2). Most of the time is the server's; the \
             processor time is the client's own. The median of {ROUNDS} runs each, in turn."
        ),
        columns: vec!["", "keys per second", "time", "processor time", "most memory"],
        ..Section::default()
    };
    for (who, runs) in [("Catchment", &ours), ("rclone", &theirs)] {
        section.rows.push(vec![
            who.into(),
            format!("{:.0}", rate(KEYS, runs.median.wall)),
            spread(runs.median.wall, runs.range),
            seconds(runs.median.cpu),
            megabytes(runs.median.peak),
        ]);
    }
    let times = theirs.median.wall.as_secs_f64() / ours.median.wall.as_secs_f64();
    section.targets.push((format!("at least as fast as rclone: {times:.2} times as fast"), times >= 1.0));
    Ok(section)
}

/// A listing that is not whole has no speed.
fn complete(who: &str, run: Run) -> Result<Run> {
    let lines = run.stdout.lines().filter(|line| line.contains("report-")).count();
    if run.code == Some(0) && lines == KEYS {
        return Ok(run);
    }
    Err(format!("{who} ended with {:?} after {lines} of {KEYS} keys", run.code).into())
}
