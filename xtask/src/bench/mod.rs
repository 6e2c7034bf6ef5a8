//! `bench`: the figures of BENCHMARKS.md, each beside a peer in the same run.

mod build;
mod catalogue;
mod corpus;
mod diff;
mod http;
mod import;
mod listing;
mod measure;
mod objects;
mod openssh;
mod pdf;
mod peers;
mod product;
mod report;
mod s3;
mod search;
mod serve;
mod sftp;
mod start;
mod words;

use std::{cell::LazyCell, path::PathBuf};

use clap::{Args, ValueEnum};

use crate::shell::{Result, root};
use peers::Peers;
use product::Product;
use report::Section;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Figure {
    /// Documents a second from a folder and from S3, beside unstructured-ingest.
    Import,
    /// Memory while ten thousand documents are imported.
    Memory,
    /// Keys a second of a large bucket, beside rclone.
    Listing,
    /// Five million keys of a bucket, beside rclone.
    Inventory,
    /// One large file and many small ones over SFTP, beside `sftp` and rclone.
    Sftp,
    /// Memory while 5 GiB are downloaded, beside rclone.
    Large,
    /// Listing and downloading from Azure Blob and from S3, beside rclone.
    Objects,
    /// A million unchanged entries held against the ledger.
    Diff,
    /// Right words of PDF files, beside pdftotext and PyMuPDF.
    Pdf,
    /// A hundred thousand chunks, searched within one tenant of a hundred.
    Search,
    /// From the start to the first answer.
    Start,
    /// The HTTP server, beside FastAPI and SQLAlchemy.
    Server,
    /// The catalogue of vendors, on SQLite and on Postgres.
    Catalogue,
    /// A clean build.
    Build,
}

/// What is measured, and with what.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// All of them by default.
    figures: Vec<Figure>,
    /// Real PDF files to read besides those that are made.
    #[arg(long, value_name = "DIR")]
    pdfs: Option<PathBuf>,
    /// A release build of the stock binary to measure; made first if left out.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Measures the figures and writes them to BENCHMARKS.md.
pub(crate) fn run(wanted: &Wanted) -> Result<()> {
    let figures = if wanted.figures.is_empty() { Figure::value_variants() } else { &wanted.figures };
    let peers = Peers::new()?;
    let product = LazyCell::new(|| Product::build(wanted.binary.as_deref()));
    let product = || product.as_ref().map_err(|error| error.to_string());
    for figure in figures {
        eprintln!("measuring {figure:?}");
        let section: Section = match figure {
            Figure::Import => import::speed(product()?, &peers)?,
            Figure::Memory => import::memory(product()?, &peers)?,
            Figure::Listing => listing::measure(product()?, &peers)?,
            Figure::Inventory => listing::inventory(product()?, &peers)?,
            Figure::Sftp => sftp::measure(product()?, &peers)?,
            Figure::Large => sftp::large(product()?, &peers)?,
            Figure::Objects => objects::measure(product()?, &peers)?,
            Figure::Diff => diff::measure(&peers)?,
            Figure::Pdf => pdf::measure(&peers, wanted.pdfs.as_deref())?,
            Figure::Search => search::measure(&peers)?,
            Figure::Start => start::measure(product()?, &peers)?,
            Figure::Server => serve::measure(product()?, &peers)?,
            Figure::Catalogue => catalogue::measure(product()?, &peers)?,
            Figure::Build => build::measure(product()?)?,
        };
        for (target, reached) in &section.targets {
            println!("{}: {target}", if *reached { "reached" } else { "not reached" });
        }
        report::write(&root().join("BENCHMARKS.md"), &section)?;
    }
    Ok(())
}
