//! Packages of npm with exact versions, installed once.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use super::python::is_current;
use crate::shell::{Result, output, run, works};

/// What the packages run on, at least: the node of Debian 12.
const NODE: u32 = 18;

/// Makes `folder` hold `packages`; does nothing if it does already. Safe to be called by several
/// processes at once: the first installs, the others wait for it.
pub(crate) fn packages(folder: &Path, packages: &[&str]) -> Result<()> {
    let wanted = packages.join("\n") + "\n";
    let stamp = folder.join("catchment-packages.txt");
    if is_current(&stamp, &wanted) {
        return Ok(());
    }

    let parent = folder.parent().ok_or("the folder of the packages has no parent")?;
    fs::create_dir_all(parent)?;
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    if is_current(&stamp, &wanted) {
        return Ok(());
    }
    let version = output(Command::new("node").arg("--version")).unwrap_or_default();
    if major(&version).is_none_or(|major| major < NODE) || !works(Command::new("npm").arg("--version")) {
        return Err(format!(
            "node {NODE} or newer and npm are needed to install the test servers: on Debian, install the packages \
             nodejs and npm"
        )
        .into());
    }
    eprintln!("installing {} into {}", packages.join(", "), folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    // A manifest of its own, so that npm does not look for one in the folders above.
    fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
    // Programs that packages bring to be run while they are installed are not run.
    let quiet = ["install", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"];
    run(Command::new("npm").args(quiet).arg("--prefix").arg(folder).args(packages))?;
    // The stamp comes last: an install that was cut off is started over.
    fs::write(stamp, wanted)?;
    Ok(())
}

/// 20 of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_with_the_right_stamp_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let node = folder.path().join("node");
        fs::create_dir(&node).expect("a folder in it");
        fs::write(node.join("catchment-packages.txt"), "none@1\n").expect("a stamp");
        packages(&node, &["none@1"]).expect("nothing to do");
        assert_eq!(fs::read_dir(&node).expect("a folder").count(), 1);
    }

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(major("v18.20.8\n"), Some(18));
        assert_eq!(major(""), None);
        assert_eq!(major("node 20"), None);
    }
}
