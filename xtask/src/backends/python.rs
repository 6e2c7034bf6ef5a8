//! Python environments with exact versions, made once.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use crate::shell::{Result, run, works};

/// Makes the virtual environment `folder` hold `packages`; does nothing if it does already. Safe
/// to be called by several processes at once: the first installs, the others wait for it.
pub(crate) fn environment(folder: &Path, packages: &[&str]) -> Result<()> {
    let wanted = packages.join("\n") + "\n";
    let stamp = folder.join("catchment-packages.txt");
    if is_current(&stamp, &wanted) {
        return Ok(());
    }

    let parent = folder.parent().ok_or("the folder of the environment has no parent")?;
    fs::create_dir_all(parent)?;
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    if is_current(&stamp, &wanted) {
        return Ok(());
    }
    if !works(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        return Err("Python 3 with its venv module is needed to install the test servers: \
                    on Debian, install the packages python3 and python3-venv"
            .into());
    }
    eprintln!("installing {} into {}", packages.join(", "), folder.display());
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    run(Command::new(folder.join("bin/python")).args(pip).args(packages))?;
    // The stamp comes last: an install that was cut off is started over.
    fs::write(stamp, wanted)?;
    Ok(())
}

pub(super) fn is_current(stamp: &Path, wanted: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|there| there == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_with_the_right_stamp_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let environment_folder = folder.path().join("py");
        fs::create_dir(&environment_folder).expect("a folder in it");
        fs::write(environment_folder.join("catchment-packages.txt"), "none==1\n").expect("a stamp");
        environment(&environment_folder, &["none==1"]).expect("nothing to do");
        assert_eq!(fs::read_dir(&environment_folder).expect("a folder").count(), 1);
    }

    #[test]
    fn another_version_is_not_current() {
        let folder = tempfile::tempdir().expect("a folder");
        let stamp = folder.path().join("stamp");
        fs::write(&stamp, "none==1\n").expect("a stamp");
        assert!(is_current(&stamp, "none==1\n") && !is_current(&stamp, "none==2\n"));
    }
}
