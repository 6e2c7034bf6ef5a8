//! Servers on free ports of this machine.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::shell::{Result, works};

pub(super) const RCLONE_KEY: &str = "CATCHMENTKEY";
pub(super) const RCLONE_SECRET: &str = "catchment-secret";

/// How long a server may take until it accepts a connection.
const START: Duration = Duration::from_secs(60);

/// A running server, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Option<Child>,
    port: u16,
}

impl Server {
    /// An S3 server with all features that takes any key.
    pub(crate) fn moto(backends: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(backends.join("py/bin/moto_server"));
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        Self::start(command, port, &backends.join("run/moto.log"))
    }

    /// An S3 server that checks signatures.
    pub(crate) fn rclone(backends: &Path) -> Result<Self> {
        let port = free_port()?;
        let data = backends.join("run/rclone");
        fs::create_dir_all(&data)?;
        let mut command = Command::new(backends.join("py/bin/rclone"));
        command.args(["serve", "s3", "--vfs-cache-mode", "off", "--addr", &format!("127.0.0.1:{port}")]);
        command.args(["--auth-key", &format!("{RCLONE_KEY},{RCLONE_SECRET}")]).arg(data);
        Self::start(command, port, &backends.join("run/rclone.log"))
    }

    /// An Azure Blob server that checks signatures, with the account and key that every azurite has.
    pub(crate) fn azurite(backends: &Path) -> Result<Self> {
        Self::azurite_with(backends, |command| command.arg("--location").arg(backends.join("run/azurite")))
    }

    /// The same, faster and forgetful: what is measured is the client.
    pub(crate) fn azurite_in_memory(backends: &Path) -> Result<Self> {
        Self::azurite_with(backends, |command| command.arg("--inMemoryPersistence"))
    }

    fn azurite_with(backends: &Path, place: impl FnOnce(&mut Command) -> &mut Command) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("node");
        command.arg(backends.join("node/node_modules/azurite/dist/src/blob/main.js"));
        command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
        place(command.args(["--silent", "--disableTelemetry", "--skipApiVersionCheck"]));
        Self::start(command, port, &backends.join("run/azurite.log"))
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Lets it outlive this process; gives its process id.
    pub(crate) fn leave_running(mut self) -> u32 {
        self.child.take().map_or(0, |child| child.id())
    }

    fn start(mut command: Command, port: u16, log: &Path) -> Result<Self> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        let out = File::create(log)?;
        // An inherited bundle breaks S3 clients; an own group keeps Ctrl-C for the one who asked.
        command.env_remove("AWS_CA_BUNDLE").process_group(0);
        command.stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
        let child = command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let mut server = Self { child: Some(child), port };
        let started = Instant::now();
        while TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err() {
            let ended = server.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
            if ended || started.elapsed() > START {
                return Err(format!("a server did not start: see {}", log.display()).into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Nothing to be done if it has ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Stops a process that an earlier run recorded, if it still is one of ours: ids are reused.
pub(super) fn stop_recorded(pid: u32, backends: &Path) {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if String::from_utf8_lossy(&command).contains(&*backends.to_string_lossy()) {
        works(Command::new("kill").arg(pid.to_string()));
    }
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_its_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("run/false.log");
        let error = Server::start(Command::new("false"), free_port().expect("a port"), &log).expect_err("it ended");
        assert!(error.to_string().contains("false.log"), "{error}");
    }

    #[test]
    fn a_process_that_is_not_ours_is_left_alone() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("a process");
        stop_recorded(child.id(), Path::new("/nowhere/backends"));
        assert!(child.try_wait().expect("a status").is_none());
        child.kill().and_then(|()| child.wait()).expect("it ends");
    }
}
