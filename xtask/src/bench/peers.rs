//! The peers: what others use for the same work.

use std::path::{Path, PathBuf};

use crate::{
    backends::environment,
    shell::{Result, cache, root},
};

/// The extra `pdf` brings the libraries that the peer imports for any PDF, several gigabytes of
/// them; without it, it reads none.
const PACKAGES: &[&str] =
    &["unstructured-ingest[s3,docx,pptx,xlsx,md,pdf]==1.11.23", "s3fs>=2024.1", "reportlab==5.1.0", "pymupdf==2.0"];

/// What the figures have in common: folders, and how to start peers.
pub(super) struct Peers {
    /// Where corpora and results are kept.
    pub(super) folder: PathBuf,
}

impl Peers {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { folder: cache()?.join("bench") })
    }

    /// A Python in which the peers are installed.
    pub(super) fn python(&self) -> Result<PathBuf> {
        let environment_folder = self.folder.join("peers");
        environment(&environment_folder, PACKAGES)?;
        Ok(environment_folder.join("bin/python"))
    }

    /// One of our scripts.
    pub(super) fn script(name: &str) -> PathBuf {
        root().join("benches").join(name)
    }
}

/// Makes a folder empty.
pub(super) fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    Ok(())
}
