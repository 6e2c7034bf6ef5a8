//! Files over SFTP, beside OpenSSH's own client and rclone.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    corpus,
    measure::{ROUNDS, Run, Runs, in_turn, measured, turns},
    openssh::OpenSsh,
    peers::{Peers, fresh},
    product::Product,
    report::{Section, megabytes, seconds, spread},
};
use crate::{backends, shell::Result};

const LARGE: u64 = 1 << 30;
const SMALL: usize = 10_000;
const CONNECTIONS: usize = 4;
/// A file that no memory should hold.
const HUGE: u64 = 5 << 30;
const MEMORY: u64 = 64_000_000;

/// A server, what it serves, and where downloads go.
struct Scene<'a> {
    product: &'a Product,
    server: OpenSsh,
    files: PathBuf,
    work: PathBuf,
    rclone: PathBuf,
}

pub(super) fn measure(product: &Product, peers: &Peers) -> Result<Section> {
    let scene = Scene::new(product, peers)?;
    let large = scene.files.join("large.bin");
    let small = scene.files.join("small");
    fill(&large, &small)?;

    let one = turns([&|| scene.ours(&large, 1, CONNECTIONS), &|| scene.sftp(&large), &|| {
        scene.rclone("copyto", &large, LARGE)
    }])?;
    let many = in_turn(|| scene.ours(&small, SMALL, CONNECTIONS), || scene.rclone("copy", &small, size(&small)?))?;

    let mut section = Section {
        title: "Files over SFTP",
        method: format!(
            "One file of 1 GiB, and {SMALL} files of 1 to 4 kB in folders of 500, from OpenSSH's server on the same \
             machine, whose work is part of the time; `catchment download`, `sftp`, and `rclone` (1.75.2, without its hash \
             check). Each takes the cipher it prefers. The small files go over {CONNECTIONS} connections on both sides. \
             Catchment computes the SHA-256 of each file as well. The median of {ROUNDS} runs each, in turn."
        ),
        columns: vec!["", "", "a second", "time", "processor time", "most memory"],
        ..Section::default()
    };
    let mib = |runs: &Runs| format!("{:.0} MiB", (LARGE >> 20) as f64 / runs.median.wall.as_secs_f64());
    for (who, runs) in ["Catchment", "sftp", "rclone"].into_iter().zip(&one) {
        section.rows.push(row("1 GiB", who, mib(runs), runs));
    }
    let rate = |runs: &Runs| format!("{:.0} files", SMALL as f64 / runs.median.wall.as_secs_f64());
    for (who, runs) in [("Catchment", &many.0), ("rclone", &many.1)] {
        section.rows.push(row(&format!("{SMALL} files"), who, rate(runs), runs));
    }
    let [ours, sftp, rclone] = one.map(|runs| runs.median.wall.as_secs_f64());
    section.targets = vec![
        (format!("one file: at least 0.9 of sftp's speed: {:.2}", sftp / ours), sftp / ours >= 0.9),
        (format!("one file: faster than rclone: {:.2} times", rclone / ours), rclone > ours),
    ];
    let times = many.1.median.wall.as_secs_f64() / many.0.median.wall.as_secs_f64();
    section.targets.push((format!("small files: faster than rclone: {times:.2} times"), times > 1.0));
    scene.clean()?;
    Ok(section)
}

/// Memory while a large file comes.
pub(super) fn large(product: &Product, peers: &Peers) -> Result<Section> {
    let scene = Scene::new(product, peers)?;
    let huge = scene.files.join("huge.bin");
    // It has a hole: what is measured is memory, not the server's disk.
    File::create(&huge)?.set_len(HUGE)?;
    let ours = scene.ours(&huge, 1, CONNECTIONS)?;
    fresh(&scene.work)?;
    let theirs = scene.rclone("copyto", &huge, HUGE)?;
    let mut section = Section {
        title: "Memory of a large download",
        method: "One file of 5 GiB from OpenSSH's server into a file, one run each: `catchment download`, and `rclone \
                 copyto` (1.75.2)."
            .into(),
        columns: vec!["", "most memory", "time", "processor time"],
        ..Section::default()
    };
    for (who, run) in [("Catchment", &ours), ("rclone", &theirs)] {
        section.rows.push(vec![who.into(), megabytes(run.peak), seconds(run.wall), seconds(run.cpu)]);
    }
    section.targets.push((format!("below {}: {}", megabytes(MEMORY), megabytes(ours.peak)), ours.peak < MEMORY));
    scene.clean()?;
    Ok(section)
}

impl<'a> Scene<'a> {
    fn new(product: &'a Product, peers: &Peers) -> Result<Self> {
        let place = peers.folder.join("sftp");
        fresh(&place)?;
        let (files, work) = (place.join("files"), place.join("work"));
        fs::create_dir_all(&files)?;
        fs::create_dir_all(&work)?;
        let rclone = backends::install()?.join("py/bin/rclone");
        Ok(Self { product, server: OpenSsh::start(&place.join("server"))?, files, work, rclone })
    }

    fn ours(&self, from: &Path, files: usize, connections: usize) -> Result<Run> {
        let mut arguments = self.server.arguments(from);
        arguments.extend(["--set".into(), format!("max_connections={connections}")]);
        self.product.download(&self.work, files, &arguments)
    }

    fn sftp(&self, from: &Path) -> Result<Run> {
        let to = self.to("sftp")?.join("file");
        let mut sftp = Command::new("sftp");
        sftp.args([
            "-q",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
        ]);
        sftp.arg("-i").arg(self.server.key()).args(["-P", &self.server.port.to_string()]);
        sftp.arg(format!("{}@127.0.0.1:{}", self.server.user, from.display())).arg(&to);
        arrived("sftp", measured(&mut sftp)?, &to, size(from)?)
    }

    fn rclone(&self, what: &str, from: &Path, bytes: u64) -> Result<Run> {
        let to = self.to("rclone")?.join("files");
        let connections = CONNECTIONS.to_string();
        let mut rclone = Command::new(&self.rclone);
        rclone.args([what, "--config", "", "--sftp-host", "127.0.0.1", "--sftp-user", &self.server.user]);
        rclone.args(["--sftp-port", &self.server.port.to_string(), "--sftp-shell-type", "none"]);
        rclone.args(["--transfers", &connections, "--sftp-connections", &connections, "--sftp-disable-hashcheck"]);
        rclone.arg("--sftp-key-file").arg(self.server.key());
        rclone.arg(format!(":sftp:{}", from.display())).arg(&to);
        arrived("rclone", measured(&mut rclone)?, &to, bytes)
    }

    /// An empty folder for one side.
    fn to(&self, who: &str) -> Result<PathBuf> {
        let to = self.work.join(who);
        fresh(&to)?;
        Ok(to)
    }

    fn clean(self) -> Result<()> {
        fresh(&self.files)?;
        fresh(&self.work)
    }
}

/// A transfer that is not whole has no speed.
fn arrived(who: &str, run: Run, to: &Path, bytes: u64) -> Result<Run> {
    let there = if to.exists() { size(to)? } else { 0 };
    if run.code == Some(0) && there == bytes {
        return Ok(run);
    }
    Err(format!("{who} ended with {:?}, and {there} of {bytes} bytes are there", run.code).into())
}

/// The bytes of a file, or of everything in a folder.
fn size(path: &Path) -> Result<u64> {
    if path.is_dir() { corpus::size(path) } else { Ok(fs::metadata(path)?.len()) }
}

fn fill(large: &Path, small: &Path) -> Result<()> {
    let block: Vec<u8> = (0..1u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut file = File::create(large)?;
    for _ in 0..LARGE >> 20 {
        file.write_all(&block)?;
    }
    for number in 0..SMALL {
        let folder = small.join((number / 500).to_string());
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{number}.txt")), block.get(..1_000 + number % 3_000).unwrap_or_default())?;
    }
    Ok(())
}

fn row(what: &str, who: &str, rate: String, runs: &Runs) -> Vec<String> {
    let time = spread(runs.median.wall, runs.range);
    vec![what.into(), who.into(), rate, time, seconds(runs.median.cpu), megabytes(runs.median.peak)]
}
