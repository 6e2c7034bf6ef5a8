//! Listing a large bucket, beside rclone.

use std::process::Command;

use super::{
    measure::{Run, measured},
    peers::{Peers, fresh},
    product::Product,
    report::{Section, megabytes, rate, seconds},
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

    let mut browse = product.command(&work.join("data"));
    let ours = measured(browse.args(["browse", &address, "--recursive"]).args(bucket.settings()))?;
    let mut command = Command::new(&rclone);
    command.args(["--config", "", "lsf", "--recursive", "--fast-list", "--files-only", &remote]);
    let theirs = measured(command.envs(bucket.environment()).env_remove("AWS_CA_BUNDLE"))?;

    let mut section = Section {
        title: "Listing",
        method: format!(
            "{KEYS} keys of a moto server, 1,000 to a folder, all of them listed and printed: `catchment browse \
             --recursive --json` and `rclone lsf --recursive --fast-list` (1.75.2). Most of the time is the server's; the \
             processor time is the client's own."
        ),
        columns: vec!["", "keys per second", "time", "processor time", "most memory"],
        ..Section::default()
    };
    for (who, run) in [("Catchment", &ours), ("rclone", &theirs)] {
        complete(who, run)?;
        section.rows.push(vec![
            who.into(),
            format!("{:.0}", rate(KEYS, run.wall)),
            seconds(run.wall),
            seconds(run.cpu),
            megabytes(run.peak),
        ]);
    }
    // Two runs against one server differ by a few hundredths by themselves.
    let times = theirs.wall.as_secs_f64() / ours.wall.as_secs_f64();
    section.targets.push((format!("at least as fast as rclone: {times:.2} times as fast"), times >= 1.0));
    Ok(section)
}

/// A listing that is not whole has no speed.
fn complete(who: &str, run: &Run) -> Result<()> {
    let lines = run.stdout.lines().filter(|line| line.contains("report-")).count();
    if run.code == Some(0) && lines == KEYS {
        return Ok(());
    }
    Err(format!("{who} ended with {:?} after {lines} of {KEYS} keys", run.code).into())
}
