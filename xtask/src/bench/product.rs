//! Our own side: the release build of the stock binary.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    measure::{Run, measured},
    peers::fresh,
};
use crate::shell::{Result, cargo, output, run};

pub(super) struct Product {
    pub(super) binary: PathBuf,
}

impl Product {
    /// Builds it, stripped and optimized, as a user gets it, unless there is one.
    pub(super) fn build(ready: Option<&Path>) -> Result<Self> {
        if let Some(binary) = ready {
            return Ok(Self { binary: std::path::absolute(binary)? });
        }
        run(cargo().args(["build", "--release", "--locked", "--package", "catchment"]))?;
        Ok(Self { binary: target()?.join("release/catchment") })
    }

    /// The binary with a data directory of its own.
    pub(super) fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["--json", "--quiet", "--data-dir"]).arg(data);
        command
    }

    /// A download into a new folder, of so many files that all have to arrive.
    pub(super) fn download(&self, work: &Path, files: usize, arguments: &[String]) -> Result<Run> {
        let to = work.join("ours");
        fresh(&to)?;
        let mut command = self.command(&work.join("data"));
        let run = measured(command.arg("download").args(arguments).arg("--to").arg(&to))?;
        let summary = run.stdout.lines().last().unwrap_or_default().to_owned();
        if run.code == Some(0) && summary.contains(&format!("\"downloaded\":{files},")) {
            return Ok(run);
        }
        Err(format!("the download ended with {:?}: {summary}", run.code).into())
    }

    /// An import that has to succeed for every file.
    pub(super) fn import(&self, data: &Path, arguments: &[&str]) -> Result<Run> {
        let run = measured(self.command(data).arg("import").args(arguments))?;
        match run.code {
            Some(0) => Ok(run),
            code => {
                let end: Vec<_> = run.stdout.lines().rev().take(3).collect();
                Err(format!("the import ended with {code:?}: {}", end.join("\n")).into())
            }
        }
    }
}

/// Where cargo builds.
pub(super) fn target() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("CARGO_TARGET_DIR") {
        return Ok(std::path::absolute(folder)?);
    }
    let text = output(cargo().args(["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let folder = metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
    Ok(folder.into())
}
