//! `bench`: the figures of BENCHMARKS.md, each beside a peer in the same run.

mod build;
mod corpus;
mod import;
mod listing;
mod measure;
mod peers;
mod product;
mod report;
mod s3;
mod words;

use clap::ValueEnum;

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
    /// A clean build.
    Build,
}

/// Measures the figures, all by default, and writes them to BENCHMARKS.md.
pub(crate) fn run(figures: &[Figure]) -> Result<()> {
    let figures = if figures.is_empty() { Figure::value_variants() } else { figures };
    let peers = Peers::new()?;
    let product = Product::build()?;
    for figure in figures {
        eprintln!("measuring {figure:?}");
        let section: Section = match figure {
            Figure::Import => import::speed(&product, &peers)?,
            Figure::Memory => import::memory(&product, &peers)?,
            Figure::Listing => listing::measure(&product, &peers)?,
            Figure::Build => build::measure(&product)?,
        };
        for (target, reached) in &section.targets {
            println!("{}: {target}", if *reached { "reached" } else { "not reached" });
        }
        report::write(&root().join("BENCHMARKS.md"), &section)?;
    }
    Ok(())
}
