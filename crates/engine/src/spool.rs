//! The spool: the bytes of one file on their way, in memory while they are few, then on disk.

use std::{io, path::Path};

use bytes::{Bytes, BytesMut};
use catchment_core::{Error, ErrorKind, Result};
use catchment_documents::Source;
use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::{fs::File, io::AsyncWriteExt};

use crate::{engine::Options, fetch::Sink, file::Fault};

/// Collects bytes and their hash; beyond [`Options::in_memory`] they all move to a temporary file.
pub(crate) struct Spool<'a> {
    options: &'a Options,
    hash: Sha256,
    length: u64,
    memory: BytesMut,
    disk: Option<(File, TempPath)>,
}

/// The bytes of a whole file. Those on disk are deleted when this is dropped.
pub(crate) struct Spooled {
    /// SHA-256, lower-case hexadecimal.
    pub(crate) hash: String,
    /// How many bytes there are.
    pub(crate) length: u64,
    memory: Bytes,
    disk: Option<TempPath>,
}

impl<'a> Spool<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options, hash: Sha256::new(), length: 0, memory: BytesMut::new(), disk: None }
    }

    async fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.disk {
            Some((file, _)) => file,
            None => {
                // Private to this user: tempfile makes it so.
                let (file, path) =
                    tempfile::Builder::new().prefix("catchment-").tempfile_in(&self.options.temporary)?.into_parts();
                let (file, _) = self.disk.insert((File::from_std(file), path));
                file.write_all(&std::mem::take(&mut self.memory)).await?;
                file
            }
        };
        file.write_all(bytes).await
    }

    pub(crate) async fn finish(mut self) -> Result<Spooled> {
        if let Some((file, _)) = &mut self.disk {
            file.flush().await.map_err(|error| failed(error, &self.options.temporary))?;
        }
        Ok(Spooled {
            hash: hex::encode(self.hash.finalize()),
            length: self.length,
            memory: self.memory.freeze(),
            disk: self.disk.map(|(_, path)| path),
        })
    }
}

impl Sink for Spool<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Fault> {
        self.hash.update(&bytes);
        self.length += bytes.len() as u64;
        if self.disk.is_none() && self.memory.len() + bytes.len() <= self.options.in_memory {
            self.memory.extend_from_slice(&bytes);
            return Ok(());
        }
        self.append(&bytes).await.map_err(|error| Fault::Abort(failed(error, &self.options.temporary)))
    }

    fn restart(&mut self) {
        *self = Self::new(self.options);
    }
}

impl Spooled {
    /// Where a parser finds the bytes, as long as this lives.
    pub(crate) fn source(&self) -> Source {
        match &self.disk {
            Some(path) => Source::Path(path.to_path_buf()),
            None => Source::Bytes(self.memory.clone()),
        }
    }
}

fn failed(error: io::Error, directory: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, "a temporary file cannot be written: make room, or set another directory")
        .never_retry()
        .with("directory", directory.display())
        .source(error)
}
