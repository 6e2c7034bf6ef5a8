//! Listing a large bucket, beside rclone.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use super::{
    measure::{ROUNDS, Run, counted, in_turn, measured},
    peers::{Peers, fresh},
    product::{Product, target},
    report::{Section, megabytes, rate, seconds, spread},
    s3::{self, Bucket},
};
use crate::{
    backends,
    shell::{Result, cargo, run},
};

const KEYS: usize = 100_000;
const INVENTORY: usize = 5_000_000;
const MEMORY: u64 = 64_000_000;

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

/// A bucket so large that no client should hold its listing, from a server that is no hindrance.
pub(super) fn inventory(product: &Product, peers: &Peers) -> Result<Section> {
    run(cargo().args(["build", "--release", "--locked", "--package", "catchment-benches", "--bin", "s3_pages"]))?;
    let work = peers.folder.join("work");
    fresh(&work)?;
    let rclone = backends::install()?.join("py/bin/rclone");
    let pages = Pages::start()?;
    let endpoint = format!("http://127.0.0.1:{}", pages.port);

    let mut browse = product.command(&work.join("data"));
    browse.args([
        "browse",
        "s3://bench/",
        "--recursive",
        "--set",
        "allow_http=true",
        "--set",
        &format!("url={endpoint}"),
    ]);
    let keys = ["access_key_id=key", "secret_access_key=secret"];
    let ours = whole("Catchment", counted(browse.args(keys.iter().flat_map(|key| ["--set", *key])))?)?;
    let mut lsf = Command::new(rclone);
    lsf.args(["--config", "", "lsf", "--recursive", "--fast-list", "--files-only"]);
    lsf.arg(format!(":s3,provider=Other,access_key_id=key,secret_access_key=secret,endpoint='{endpoint}':bench"));
    let theirs = whole("rclone", counted(lsf.env_remove("AWS_CA_BUNDLE"))?)?;

    let mut section = Section {
        title: "Inventory",
        method: format!(
            "{INVENTORY} keys of a bucket, 1,000 to a page, listed and printed as under Listing, one run each. The server is \
             one of our own that does nothing but write pages, so that the client is what is measured."
        ),
        columns: vec!["", "keys per second", "time", "processor time", "most memory"],
        ..Section::default()
    };
    for (who, run) in [("Catchment", &ours), ("rclone", &theirs)] {
        let rate = format!("{:.0}", rate(INVENTORY, run.wall));
        section.rows.push(vec![who.into(), rate, seconds(run.wall), seconds(run.cpu), megabytes(run.peak)]);
    }
    let times = theirs.wall.as_secs_f64() / ours.wall.as_secs_f64();
    section.targets.push((format!("at least as fast as rclone: {times:.2} times as fast"), times >= 1.0));
    let memory = format!("memory below {}: {}", megabytes(MEMORY), megabytes(ours.peak));
    section.targets.push((memory, ours.peak < MEMORY));
    Ok(section)
}

fn whole(who: &str, (run, lines): (Run, usize)) -> Result<Run> {
    if run.code == Some(0) && lines == INVENTORY {
        return Ok(run);
    }
    Err(format!("{who} ended with {:?} after {lines} of {INVENTORY} keys", run.code).into())
}

/// The server of pages. Stopped when dropped.
struct Pages {
    child: Child,
    port: u16,
}

impl Pages {
    fn start() -> Result<Self> {
        let port = backends::free_port()?;
        let mut command = Command::new(target()?.join("release/s3_pages"));
        command.args([&port.to_string(), &INVENTORY.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let out = child.stdout.take().ok_or("no pipe")?;
        let pages = Self { child, port };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        if line.trim() == "ready" { Ok(pages) } else { Err("the server of pages did not start".into()) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // Nothing to be done if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
