//! One large file and many small ones from OpenSSH, beside `sftp` and rclone in the same run:
//! `cargo bench -p catchment-sftp`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use catchment_core::{Connector, Context, Entry, PageRequest, Registry, Step, walk::walk};
use catchment_sftp::Sftp;
use catchment_testkit::backends::{self, SftpServer};
use futures::{StreamExt, stream};
use serde_json::json;

const LARGE: usize = 1 << 30;
const SMALL: usize = 10_000;
const CONNECTIONS: usize = 4;
const TURNS: usize = 3;

/// Files that are read at a time; the connections are shared by them.
const AT_A_TIME: usize = 32;

/// A program and what it does in its turn.
type Run<'a> = (&'static str, Box<dyn Fn() + 'a>);

fn main() {
    let server = backends::openssh();
    let place = tempfile::tempdir_in(&server.folder).expect("a folder");
    make(place.path());
    let large = place.path().join("large.bin");
    let small = place.path().join("small");
    let to = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let single = connect(&server, place.path(), 1);
    let several = connect(&server, &small, CONNECTIONS);

    // What is there already would not be fetched again.
    let fresh = |name: &str| {
        let file = to.path().join(name);
        let _ = fs::remove_file(&file);
        file
    };
    let ours = || runtime.block_on(download(single.as_ref(), "large.bin", &fresh("ours")));
    let one: Vec<Run<'_>> = vec![
        ("catchment", Box::new(ours)),
        ("sftp", Box::new(|| sftp(&server, &large, &fresh("sftp")))),
        ("rclone", Box::new(|| rclone(&server, "copyto", &large, &fresh("rclone")))),
    ];
    report(&format!("one file of {} MiB", LARGE >> 20), &one, LARGE as f64 / (1 << 20) as f64, "MiB/s");
    let all = |name: &str| {
        let folder = to.path().join(name);
        let _ = fs::remove_dir_all(&folder);
        folder
    };
    let many: Vec<Run<'_>> = vec![
        ("catchment", Box::new(|| runtime.block_on(everything(Arc::clone(&several), &all("all ours"))))),
        ("rclone", Box::new(|| rclone(&server, "copy", &small, &all("all rclone")))),
    ];
    report(&format!("{SMALL} small files, {CONNECTIONS} connections"), &many, SMALL as f64, "files/s");
}

/// In turn, so that what else the machine does meets all alike.
fn report(what: &str, runs: &[Run<'_>], amount: f64, unit: &str) {
    let mut times = vec![Vec::new(); runs.len()];
    for _ in 0..TURNS {
        for ((_, run), times) in runs.iter().zip(&mut times) {
            let start = Instant::now();
            run();
            times.push(start.elapsed());
        }
    }
    println!("{what}, the middle of {TURNS} and the spread:");
    for ((name, _), mut times) in runs.iter().zip(times) {
        times.sort();
        let rate = |time: Duration| amount / time.as_secs_f64();
        let (best, worst) = (rate(times[0]), rate(times[TURNS - 1]));
        println!("  {name:<10} {:>8.0} {unit}  ({worst:.0} to {best:.0})", rate(times[TURNS / 2]));
    }
}

fn make(place: &Path) {
    let block: Vec<u8> = (0..1u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut file = fs::File::create(place.join("large.bin")).expect("a file");
    for _ in 0..LARGE >> 20 {
        file.write_all(&block).expect("room");
    }
    for number in 0..SMALL {
        let folder = place.join(format!("small/{}", number / 500));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("{number}.txt")), &block[..1_000 + number % 3_000]).expect("a file");
    }
}

fn connect(server: &SftpServer, folder: &Path, connections: usize) -> Arc<dyn Connector> {
    let settings = json!({
        "url": server.address.to_string(),
        "username": server.user,
        "private_key": server.key("ed25519"),
        "host_key": server.host_keys[0],
        "folder_path": folder,
        "max_connections": connections,
    });
    Registry::new().with::<Sftp>().connect("sftp", settings, Context::local()).expect("good settings")
}

async fn download(connector: &dyn Connector, path: &str, to: &Path) {
    let entry = connector.need_browse().expect("browse").lookup(path).await.expect("there");
    save(connector, &entry, to).await;
}

async fn save(connector: &dyn Connector, entry: &Entry, to: &Path) {
    let content = connector.need_download().expect("download").open(entry, None).await.expect("opened");
    let mut body = content.exact().body;
    let mut file = fs::File::create(to).expect("a file");
    while let Some(chunk) = body.next().await {
        file.write_all(&chunk.expect("a chunk")).expect("room");
    }
}

/// Lists and downloads side by side, as an import does.
async fn everything(connector: Arc<dyn Connector>, to: &Path) {
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let found = walk(browse, root, PageRequest::first()).flat_map(|step| match step {
        Step::Entries(entries) => stream::iter(entries),
        Step::Unlisted { error, .. } => panic!("{error}"),
        Step::End(proof) => {
            assert!(proof.is_some(), "everything was listed");
            stream::iter(Vec::new())
        }
    });
    let saved = found.map(|entry| {
        let (connector, to) = (Arc::clone(&connector), to.join(&entry.path));
        async move {
            if entry.is_container() {
                fs::create_dir_all(to).expect("a folder");
                return 0;
            }
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            // On all processors.
            tokio::spawn(async move { save(connector.as_ref(), &entry, &to).await }).await.expect("saved");
            1
        }
    });
    let files = saved.buffer_unordered(AT_A_TIME).fold(0, |all, one| async move { all + one }).await;
    assert_eq!(files, SMALL);
}

fn sftp(server: &SftpServer, from: &Path, to: &Path) {
    let mut sftp = Command::new("sftp");
    sftp.args(["-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]);
    sftp.arg("-i").arg(server.key_file("ed25519")).args(["-P", &server.address.port().to_string()]);
    sftp.arg(format!("{}@127.0.0.1:{}", server.user, from.display())).arg(to);
    run(sftp);
}

fn rclone(server: &SftpServer, what: &str, from: &Path, to: &Path) {
    let mut rclone = Command::new(backends::program("rclone"));
    let connections = CONNECTIONS.to_string();
    rclone.args([what, "--config", "", "--sftp-host", "127.0.0.1", "--sftp-user", &server.user]);
    rclone.args(["--sftp-port", &server.address.port().to_string(), "--sftp-shell-type", "none"]);
    rclone.args(["--transfers", &connections, "--sftp-connections", &connections, "--sftp-disable-hashcheck"]);
    rclone.arg("--sftp-key-file").arg(server.key_file("ed25519"));
    rclone.arg(format!(":sftp:{}", from.display())).arg(to);
    run(rclone);
}

fn run(mut command: Command) {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("it is installed");
    assert!(done.success(), "{command:?}");
}
