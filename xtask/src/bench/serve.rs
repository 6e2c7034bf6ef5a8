//! The server: lists of integrations beside FastAPI and SQLAlchemy, and what it costs to have it.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    http::{Load, Loaded, call, call_with},
    measure::{ROUNDS, tree_memory},
    peers::{Peers, fresh},
    product::Product,
    report::{Section, megabytes, seconds},
};
use crate::{
    backends::{environment, free_port},
    shell::{Result, run},
};

const PACKAGES: &[&str] = &["fastapi==0.165.0", "sqlalchemy==2.1.9", "uvicorn[standard]==0.54.0"];
const LIST: &str = "/integrations/user/local";
const INTEGRATIONS: usize = 50;
const RATE: u32 = 2_000;
const MANY: usize = 10_000;
const IMPORTS: usize = 64;
const FILES: usize = 100;

/// A server that is stopped when dropped.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    /// From the start of the program to its first answer.
    start: Duration,
}

impl Running {
    pub(super) fn product(product: &Product, data: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let started = Instant::now();
        let mut command = product.command(data);
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("CATCHMENT_LOG", "warn").envs(settings.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).map_err(|_| "the server did not start")?;
        let address = said["address"].as_str().and_then(|address| address.parse().ok()).ok_or("no address")?;
        call(address, "GET", "/health", None)?;
        Ok(Self { child, address, start: started.elapsed() })
    }

    fn peer(python: &Path, database: &Path) -> Result<Self> {
        let started = Instant::now();
        let port = free_port()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = Command::new(python);
        command.arg(Peers::script("fastapi_peer.py")).arg("serve").arg(database).arg(port.to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut peer = Self { child, address, start: Duration::ZERO };
        while call(address, "GET", LIST, None).is_err() {
            if started.elapsed() > Duration::from_secs(60) {
                return Err("the peer did not start".into());
            }
            thread::sleep(Duration::from_millis(100));
        }
        peer.start = started.elapsed();
        Ok(peer)
    }

    fn memory(&self) -> u64 {
        tree_memory(self.child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A request to stop: the peer's processes end with the one that started them.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

pub(super) fn measure(product: &Product, peers: &Peers) -> Result<Section> {
    let load = Load::build()?;
    let work = peers.folder.join("serve");
    fresh(&work)?;
    let python = peers.folder.join("fastapi");
    environment(&python, PACKAGES)?;
    let python = python.join("bin/python");
    let database = work.join("peer.db");
    run(Command::new(&python)
        .arg(Peers::script("fastapi_peer.py"))
        .arg("fill")
        .arg(&database)
        .arg(INTEGRATIONS.to_string()))?;

    let data = work.join("data");
    let ours = Running::product(product, &data, &[])?;
    thread::sleep(Duration::from_secs(2));
    let idle = ours.memory();
    for number in 0..INTEGRATIONS {
        create(ours.address, number)?;
    }
    let theirs = Running::peer(&python, &database)?;
    let their_idle = theirs.memory();
    let (mut our_most, mut their_most) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_most.push(load.run(ours.address, LIST, 5, None, None)?);
        their_most.push(load.run(theirs.address, LIST, 5, None, None)?);
    }
    let (our_most, their_most) = (middle(our_most)?, middle(their_most)?);
    let steady = load.run(ours.address, LIST, 10, Some(RATE), None)?;
    // What the peer cannot keep up with would only measure its queue.
    let their_rate = (their_most.per_second / 2.0) as u32;
    let their_steady = load.run(theirs.address, LIST, 10, Some(their_rate), None)?;
    let their_start = theirs.start;
    drop(theirs);

    let body = work.join("create.json");
    fs::write(&body, integration(0).to_string())?;
    let created = load.run(ours.address, "/integrations", 5, Some(200), Some(&body))?;
    drop(ours);

    let (start, many) = start_with_many(product, &work)?;
    let busy = beside_imports(product, &load, &work)?;
    fresh(&work)?;

    let mut section = Section {
        title: "Server",
        method: format!(
            "`GET {LIST}` with {INTEGRATIONS} integrations on SQLite, 16 connections, server and caller on the same \
             cores. FastAPI 0.165 with SQLAlchemy 2.1 and uvicorn, a process a core, serves the same fields out of the \
             same number of rows. Catchment asks the database whether anything has changed and then gives the list it \
             wrote before; the peer reads its rows each time, as such services do. Throughput is the median of {ROUNDS} runs in turn, each connection calling again as \
             soon as it has its answer; times are those of a steady rate, counted from when a call was due. Then: \
             creating integrations with a credential to seal at 200 a second; the start with {many} integrations; and \
             the list at 200 a second beside {IMPORTS} imports of {FILES} files that run at once."
        ),
        columns: vec!["", "calls a second", "p50", "p99", "idle memory", "start"],
        ..Section::default()
    };
    section.rows = vec![
        row("Catchment, as often as it goes", &our_most, megabytes(idle), String::new()),
        row(&format!("Catchment, {RATE} a second"), &steady, String::new(), seconds(start)),
        row("FastAPI, as often as it goes", &their_most, megabytes(their_idle), seconds(their_start)),
        row(&format!("FastAPI, {their_rate} a second"), &their_steady, String::new(), String::new()),
        row("Catchment, creating", &created, String::new(), String::new()),
        row(&format!("Catchment, listing beside {IMPORTS} imports"), &busy, String::new(), String::new()),
    ];
    let times = our_most.per_second / their_most.per_second;
    section.targets = vec![
        (
            format!("list below 1 ms at the 99th percentile at {RATE} a second: {}", micros(steady.p99)),
            steady.p99 < 1_000,
        ),
        (format!("at least 20 times the peer's throughput: {times:.1} times"), times >= 20.0),
        (format!("create below 5 ms at the 99th percentile: {}", micros(created.p99)), created.p99 < 5_000),
        (format!("idle below 40 MB: {}", megabytes(idle)), idle < 40_000_000),
        (
            format!("start with {many} integrations below 150 ms: {}", seconds(start)),
            start < Duration::from_millis(150),
        ),
        (
            format!("list beside {IMPORTS} imports below 20 ms at the 99th percentile: {}", micros(busy.p99)),
            busy.p99 < 20_000,
        ),
    ];
    Ok(section)
}

/// How long the start takes with many integrations in the database.
fn start_with_many(product: &Product, work: &Path) -> Result<(Duration, usize)> {
    let data = work.join("many");
    let server = Running::product(product, &data, &[])?;
    let address = server.address;
    thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|part| {
                scope.spawn(move || {
                    (part..MANY).step_by(8).try_for_each(|n| create(address, n).map_err(|e| e.to_string()))
                })
            })
            .collect();
        makers.into_iter().try_for_each(|maker| maker.join().map_err(|_| "a maker panicked".to_owned())?)
    })?;
    drop(server);
    let mut starts = Vec::new();
    for _ in 0..5 {
        starts.push(Running::product(product, &data, &[])?.start);
    }
    starts.sort_unstable();
    Ok((starts[starts.len() / 2], MANY))
}

/// The list while imports of as many integrations run at once.
fn beside_imports(product: &Product, load: &Load, work: &Path) -> Result<Loaded> {
    let files = work.join("files");
    for number in 0..IMPORTS {
        let folder = files.join(number.to_string());
        fs::create_dir_all(&folder)?;
        for file in 0..FILES {
            let text = format!("Report {file} of unit {number}.\n\n").repeat(200);
            fs::write(folder.join(format!("report-{file}.txt")), text)?;
        }
    }
    let workers = IMPORTS.to_string();
    let server = Running::product(product, &work.join("busy"), &[("CATCHMENT_SERVER__WORKERS", &workers)])?;
    let mut jobs = Vec::new();
    for number in 0..IMPORTS {
        let path = files.join(number.to_string());
        let body =
            json!({ "user_id": "local", "vendor": "folder", "name": "Reports", "credentials": { "path": path } });
        let (status, made) = call(server.address, "POST", "/integrations", Some(&body))?;
        let id = made["id"].as_i64().ok_or_else(|| format!("{status}: {made}"))?;
        let body = json!({ "integration_id": id, "file_paths": [""] });
        let (status, job) =
            call_with(server.address, "POST", "/integrations/import", Some(&body), "Prefer: respond-async\r\n")?;
        jobs.push(job["job_id"].as_i64().ok_or_else(|| format!("{status}: {job}"))?);
    }
    let busy = load.run(server.address, LIST, 5, Some(200), None)?;
    let started = Instant::now();
    for job in jobs {
        while !matches!(
            call(server.address, "GET", &format!("/jobs/{job}"), None)?.1["state"].as_str(),
            Some("succeeded")
        ) {
            if started.elapsed() > Duration::from_secs(300) {
                return Err("the imports did not end".into());
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
    Ok(busy)
}

fn integration(number: usize) -> Value {
    json!({
        "user_id": "local", "vendor": "s3", "name": format!("Bucket {number}"), "description": "Quarterly reports",
        "credentials": {
            "bucket_name": "reports", "access_key_id": "AKIAEXAMPLE", "secret_access_key": "example", "region": "eu-west-1"
        },
    })
}

pub(super) fn create(address: SocketAddr, number: usize) -> Result<()> {
    match call(address, "POST", "/integrations", Some(&integration(number)))? {
        (201, _) => Ok(()),
        (status, answer) => Err(format!("no integration was made: {status} {answer}").into()),
    }
}

/// The run in the middle, by throughput.
fn middle(mut runs: Vec<Loaded>) -> Result<Loaded> {
    runs.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle).ok_or_else(|| "nothing was run".into())
}

pub(super) fn row(name: &str, loaded: &Loaded, memory: String, start: String) -> Vec<String> {
    vec![name.to_owned(), format!("{:.0}", loaded.per_second), micros(loaded.p50), micros(loaded.p99), memory, start]
}

pub(super) fn micros(time: u64) -> String {
    format!("{:.2} ms", time as f64 / 1000.0)
}
