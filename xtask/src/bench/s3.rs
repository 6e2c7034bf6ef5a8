//! An S3 server with a bucket that is filled before it starts.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use super::peers::Peers;
use crate::{backends, shell::Result};

/// Stopped when dropped.
pub(super) struct Bucket {
    child: Child,
    port: u16,
}

/// The one bucket.
pub(super) const NAME: &str = "bench";

impl Bucket {
    /// With every file of a folder in it.
    pub(super) fn with_folder(folder: &Path) -> Result<Self> {
        Self::start(|command| command.arg("--folder").arg(folder))
    }

    /// With so many small objects in it.
    pub(super) fn with_keys(count: usize) -> Result<Self> {
        Self::start(|command| command.args(["--keys", &count.to_string()]))
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How our own connector reaches it.
    pub(super) fn settings(&self) -> Vec<String> {
        let url = format!("url={}", self.endpoint());
        let settings = [&url, "allow_http=true", "access_key_id=key", "secret_access_key=secret"];
        settings.iter().flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]).collect()
    }

    /// How clients that read the environment reach it.
    pub(super) fn environment(&self) -> [(&'static str, &'static str); 3] {
        [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1")]
    }

    fn start(fill: impl FnOnce(&mut Command) -> &mut Command) -> Result<Self> {
        let port = backends::free_port()?;
        let mut command = Command::new(backends::install()?.join("py/bin/python"));
        command.arg(Peers::script("s3_server.py")).args([&port.to_string(), NAME]);
        fill(&mut command);
        command.env_remove("AWS_CA_BUNDLE").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let out = child.stdout.take().ok_or("no pipe")?;
        let bucket = Self { child, port };
        // It says so when it is filled and listens; an end without that is a failure.
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        if line.trim() == "ready" { Ok(bucket) } else { Err("the S3 server did not start".into()) }
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // Nothing to be done if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
