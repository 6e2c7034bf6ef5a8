//! Postgres: the system's own, since it comes with the system's packages. Its data lies in a
//! folder for temporary files, where the user it runs as can reach it.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, chown},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::free_port;
use crate::shell::{Result, run, works};

/// Says where the data of the server is that `up` started.
const RECORD: &str = "postgres";

/// The folder of its programs: what `PATH` says, or else the newest that Debian has.
pub(super) fn programs() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    folders.sort_by_key(|folder| std::cmp::Reverse(number(folder)));
    env::split_paths(&path)
        .chain(folders.into_iter().map(|folder| folder.join("bin")))
        .find(|folder| ["initdb", "postgres", "pg_ctl", "psql"].iter().all(|name| folder.join(name).exists()))
        .ok_or_else(|| "Postgres is needed for tests: on Debian, install the package postgresql".into())
}

/// Starts a server with one database, and gives its URL.
pub(crate) fn up(folder: &Path) -> Result<String> {
    let programs = programs()?;
    let port = free_port()?;
    let data = env::temp_dir().join(format!("catchment-postgres-{port}"));
    fs::create_dir_all(&data)?;
    let owner = owner(&data)?;
    if let Some((user, group)) = owner {
        chown(&data, Some(user), Some(group))?;
    }
    fs::write(folder.join(RECORD), data.to_string_lossy().as_bytes())?;
    let cluster = data.join("cluster");
    let command = |name: &str| command(&programs.join(name), owner, &data);
    run(command("initdb").arg("-D").arg(&cluster).args(["-U", "postgres", "-E", "UTF8", "--auth=trust", "--no-sync"]))?;
    let options = format!("-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off");
    run(command("pg_ctl").arg("start").arg("-D").arg(&cluster).arg("-l").arg(data.join("log")).args(["-o", &options]))?;
    for sql in ["CREATE ROLE catchment LOGIN", "CREATE DATABASE catchment OWNER catchment"] {
        let port = port.to_string();
        run(command("psql").args(["-X", "-q", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-c", sql]))?;
    }
    Ok(format!("postgres://catchment@127.0.0.1:{port}/catchment"))
}

/// Stops what `up` started, and removes its data.
pub(crate) fn down(folder: &Path) -> Result<()> {
    let record = folder.join(RECORD);
    let Ok(data) = fs::read_to_string(&record).map(PathBuf::from) else { return Ok(()) };
    if let Ok(owner) = fs::metadata(&data).map(|data| (data.uid(), data.gid())) {
        let pg_ctl = programs()?.join("pg_ctl");
        let mut stop = command(&pg_ctl, Some(owner), &data);
        // One that has ended already is stopped as well.
        works(stop.args(["stop", "-m", "fast", "-D"]).arg(data.join("cluster")));
        fs::remove_dir_all(&data)?;
    }
    fs::remove_file(record)?;
    Ok(())
}

/// Postgres refuses to run as root: then `nobody` runs it.
fn owner(ours: &Path) -> Result<Option<(u32, u32)>> {
    if fs::metadata(ours)?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let nobody = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    nobody.map(Some).ok_or_else(|| "there is no user `nobody` to run Postgres as: do not run this as root".into())
}

fn command(program: &Path, owner: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command.current_dir(folder).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(Stdio::null());
    command
}
