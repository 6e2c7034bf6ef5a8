//! Listing and downloading from Azure Blob and S3, beside rclone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    corpus,
    measure::{ROUNDS, Run, Runs, in_turn, measured},
    peers::{Peers, fresh},
    product::Product,
    report::{Section, megabytes, rate, seconds, spread},
    s3::{self, Bucket},
};
use crate::{
    backends::{self, Server},
    shell::{Result, run},
};

const BLOBS: usize = 50_000;
const FILES: usize = 1_000;
const AT_A_TIME: &str = "16";

/// The account that every azurite has.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// One store, as both sides reach it.
struct Store<'a> {
    name: &'static str,
    /// What our own connector is given, less the container's name.
    address: String,
    settings: Vec<String>,
    /// What rclone is given, less the container's name.
    remote: String,
    environment: Vec<(&'static str, &'static str)>,
    product: &'a Product,
    rclone: PathBuf,
    work: PathBuf,
}

pub(super) fn measure(product: &Product, peers: &Peers) -> Result<Section> {
    let place = peers.folder.join("objects");
    fresh(&place)?;
    let (many, few, work) = (place.join("many"), place.join("few"), place.join("work"));
    files(&many, BLOBS, 6)?;
    files(&few, FILES, 4_000)?;
    let installed = backends::install()?;
    let rclone = installed.join("py/bin/rclone");
    let mut section = Section {
        title: "Object stores",
        method: format!(
            "{BLOBS} blobs of azurite, 1,000 to a folder, listed and printed: `catchment browse --recursive --json` and \
             `rclone lsf --recursive --fast-list` (1.75.2); the same for S3 stands under Listing. {FILES} objects of 4 kB, \
             {AT_A_TIME} at a time, into a folder: `catchment download` and `rclone copy`. azurite and moto are the \
             servers, on the same machine, and most of the time is theirs; the processor time is the client's own. The \
             median of {ROUNDS} runs each, in turn."
        ),
        columns: vec!["", "", "a second", "time", "processor time", "most memory"],
        ..Section::default()
    };

    let server = Server::azurite_in_memory(&installed)?;
    let azure = azure(&server, product, rclone.clone(), work.clone());
    for (container, folder) in [("many", &many), ("few", &few)] {
        azure.fill(container, folder)?;
    }
    let listed = in_turn(|| azure.list_ours("many"), || azure.list_theirs("many"))?;
    section.compare("listing from Azure Blob", BLOBS, &listed);
    let downloaded = in_turn(|| azure.download_ours("few"), || azure.download_theirs("few", &few))?;
    section.compare("downloading from Azure Blob", FILES, &downloaded);
    drop(server);

    let bucket = Bucket::with_folder(&few)?;
    let s3 = Store {
        name: "S3",
        address: "s3://".into(),
        settings: bucket.settings(),
        remote: format!(":s3,provider=Other,env_auth=true,endpoint='{}':", bucket.endpoint()),
        environment: bucket.environment().to_vec(),
        product,
        rclone,
        work,
    };
    let downloaded = in_turn(|| s3.download_ours(s3::NAME), || s3.download_theirs(s3::NAME, &few))?;
    section.compare("downloading from S3", FILES, &downloaded);
    fresh(&place)?;
    Ok(section)
}

fn azure<'a>(server: &Server, product: &'a Product, rclone: PathBuf, work: PathBuf) -> Store<'a> {
    let url = format!("{}/{ACCOUNT}", server.url());
    let given = [format!("account_key={KEY}"), format!("url={url}"), "allow_http=true".to_owned()];
    Store {
        name: "Azure Blob",
        address: format!("azure://{ACCOUNT}/"),
        settings: given.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect(),
        remote: format!(":azureblob,account={ACCOUNT},key='{KEY}',endpoint='{url}':"),
        environment: Vec::new(),
        product,
        rclone,
        work,
    }
}

impl Store<'_> {
    /// Puts every file of a folder into a new container.
    fn fill(&self, container: &str, folder: &Path) -> Result<()> {
        let remote = format!("{}{container}", self.remote);
        run(&mut self.rclone(&["mkdir", &remote]))?;
        let mut copy =
            self.rclone(&["copy", "--transfers", "32", "--checkers", "32", "--no-traverse", "--no-check-dest"]);
        run(copy.arg(folder).arg(&remote))
    }

    fn list_ours(&self, container: &str) -> Result<Run> {
        fresh(&self.work)?;
        let mut browse = self.product.command(&self.work.join("data"));
        let address = format!("{}{container}/", self.address);
        self.complete("Catchment", measured(browse.args(["browse", &address, "--recursive"]).args(&self.settings))?)
    }

    fn list_theirs(&self, container: &str) -> Result<Run> {
        let remote = format!("{}{container}", self.remote);
        let mut lsf = self.rclone(&["lsf", "--recursive", "--fast-list", "--files-only", &remote]);
        self.complete("rclone", measured(&mut lsf)?)
    }

    /// A listing that is not whole has no speed.
    fn complete(&self, who: &str, run: Run) -> Result<Run> {
        let lines = run.stdout.lines().filter(|line| line.contains("report-")).count();
        if run.code == Some(0) && lines == BLOBS {
            return Ok(run);
        }
        Err(format!("{who} ended with {:?} after {lines} of {BLOBS} names of {}", run.code, self.name).into())
    }

    fn download_ours(&self, container: &str) -> Result<Run> {
        fresh(&self.work)?;
        let address = format!("{}{container}/", self.address);
        let arguments = [address].into_iter().chain(self.settings.iter().cloned());
        let arguments: Vec<_> = arguments.chain(["--concurrency", AT_A_TIME].map(str::to_owned)).collect();
        self.product.download(&self.work, FILES, &arguments)
    }

    fn download_theirs(&self, container: &str, source: &Path) -> Result<Run> {
        fresh(&self.work)?;
        let to = self.work.join("theirs");
        let remote = format!("{}{container}", self.remote);
        let mut copy = self.rclone(&["copy", "--fast-list", "--transfers", AT_A_TIME, &remote]);
        let run = measured(copy.arg(&to))?;
        let (wanted, there) = (corpus::size(source)?, if to.exists() { corpus::size(&to)? } else { 0 });
        if run.code == Some(0) && wanted == there {
            return Ok(run);
        }
        Err(format!("rclone ended with {:?}, and {there} of {wanted} bytes are there", run.code).into())
    }

    fn rclone(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.rclone);
        command.args(["--config", ""]).args(arguments);
        command.envs(self.environment.iter().copied()).env_remove("AWS_CA_BUNDLE");
        command
    }
}

impl Section {
    fn compare(&mut self, what: &str, count: usize, (ours, theirs): &(Runs, Runs)) {
        for (who, runs) in [("Catchment", ours), ("rclone", theirs)] {
            self.rows.push(vec![
                what.into(),
                who.into(),
                format!("{:.0}", rate(count, runs.median.wall)),
                spread(runs.median.wall, runs.range),
                seconds(runs.median.cpu),
                megabytes(runs.median.peak),
            ]);
        }
        let times = theirs.median.wall.as_secs_f64() / ours.median.wall.as_secs_f64();
        self.targets.push((format!("{what}: at least as fast as rclone: {times:.2} times as fast"), times >= 1.0));
    }
}

/// So many files of a size, 1,000 to a folder.
fn files(folder: &Path, count: usize, size: usize) -> Result<()> {
    let text = "report ".repeat(size / 7 + 1);
    for number in 0..count {
        let folder = folder.join(format!("archive/{:04}", number / 1_000));
        if number % 1_000 == 0 {
            fs::create_dir_all(&folder)?;
        }
        fs::write(folder.join(format!("report-{number:07}.txt")), text.get(..size).unwrap_or_default())?;
    }
    Ok(())
}
