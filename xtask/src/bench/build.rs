//! Size of the binary, and time of a clean build.

use std::{fs, process::Command, time::Duration};

use super::{
    measure::measured,
    product::{Product, target},
    report::{Section, megabytes, seconds},
};
use crate::shell::{Result, cargo, run};

const BINARY: u64 = 60_000_000;
const WORKSPACE: Duration = Duration::from_secs(8 * 60);
const ONE_CONNECTOR: Duration = Duration::from_secs(90);

pub(super) fn measure(product: &Product) -> Result<Section> {
    run(cargo().args(["fetch", "--locked"]))?;
    let size = fs::metadata(&product.binary)?.len();
    let workspace = clean_build(&["--workspace", "--all-targets"])?;
    let connector = clean_build(&["--package", "catchment-folder"])?;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    Ok(Section {
        title: "Build",
        method: "A debug build into an empty folder, sources downloaded before. No peer.".into(),
        columns: vec!["", ""],
        rows: vec![
            row("the stock binary, release, stripped", megabytes(size)),
            row("whole workspace, tests and examples included", seconds(workspace)),
            row("`catchment-core` and `catchment-folder`", seconds(connector)),
        ],
        targets: vec![
            (format!("binary below {}: {}", megabytes(BINARY), megabytes(size)), size < BINARY),
            (format!("workspace below {}: {}", seconds(WORKSPACE), seconds(workspace)), workspace < WORKSPACE),
            (
                format!("one connector below {}: {}", seconds(ONE_CONNECTOR), seconds(connector)),
                connector < ONE_CONNECTOR,
            ),
        ],
    })
}

fn clean_build(what: &[&str]) -> Result<Duration> {
    let folder = target()?.join("clean-build");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut command: Command = cargo();
    let built = measured(command.args(["build", "--locked", "--quiet"]).args(what).env("CARGO_TARGET_DIR", &folder))?;
    fs::remove_dir_all(&folder)?;
    if built.code == Some(0) { Ok(built.wall) } else { Err(format!("`cargo build {}` failed", what.join(" ")).into()) }
}
