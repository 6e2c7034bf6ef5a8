//! OpenSSH's server, with one user and one key.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::peers::fresh;
use crate::{
    backends,
    shell::{Result, output, run},
};

/// A running server, stopped when dropped.
pub(super) struct OpenSsh {
    child: Child,
    pub(super) port: u16,
    pub(super) user: String,
    place: PathBuf,
}

impl OpenSsh {
    /// Starts one; its keys are in a folder, which is made empty.
    pub(super) fn start(place: &Path) -> Result<Self> {
        fresh(place)?;
        let user = output(Command::new("id").arg("-un"))?.trim().to_owned();
        if user == "root" {
            // Where it gives up its rights.
            fs::create_dir_all("/run/sshd")?;
        }
        for key in ["host", "key"] {
            let mut keygen = Command::new("ssh-keygen");
            run(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(place.join(key)))?;
        }
        let port = backends::free_port()?;
        let at = place.display();
        let settings = format!(
            "Port {port}\nListenAddress 127.0.0.1\nPidFile none\nHostKey {at}/host\nAuthorizedKeysFile {at}/key.pub\n\
             StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nUseDNS no\nPrintMotd no\n\
             Subsystem sftp internal-sftp\nForceCommand internal-sftp\nAllowUsers {user}\n"
        );
        let config = place.join("config");
        fs::write(&config, settings)?;
        let sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].into_iter().find(|path| Path::new(path).exists());
        let mut command = Command::new(sshd.ok_or("there is no sshd: install openssh-server")?);
        command.args(["-D", "-e", "-f"]).arg(config).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(File::create(place.join("log"))?).spawn()?;
        let server = Self { child, port, user, place: place.to_owned() };
        let started = Instant::now();
        while TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err() {
            if started.elapsed() > Duration::from_secs(20) {
                return Err(format!("sshd did not start: see {at}/log").into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// The user's private key.
    pub(super) fn key(&self) -> PathBuf {
        self.place.join("key")
    }

    /// How our own connector gets to a folder or file: the address and the settings.
    pub(super) fn arguments(&self, path: &Path) -> Vec<String> {
        let address = format!("sftp://{}@127.0.0.1:{}{}", self.user, self.port, path.display());
        let (key, host) = (self.key(), self.place.join("host.pub"));
        let settings = [format!("private_key=@{}", key.display()), format!("host_key=@{}", host.display())];
        let settings = settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]);
        std::iter::once(address).chain(settings).collect()
    }
}

impl Drop for OpenSsh {
    fn drop(&mut self) {
        // Nothing to be done if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
