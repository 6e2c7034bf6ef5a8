//! `catchment demo`: the whole way, on documents that come with the program.

use std::path::{Path, PathBuf};

use catchment_core::{Error, ErrorKind, Result};

use super::{ask, import};
use crate::{
    app::App,
    cli::{self, How, Narrow, Target},
    exit::Exit,
};

macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../../samples/documents/", $name)).as_slice())),*]
    };
}

/// What `samples/README.md` describes.
const SAMPLES: &[(&str, &[u8])] = &samples![
    "annex-c-prices.pdf",
    "apprentice-guide.epub",
    "customer-faq.html",
    "laborordnung.odt",
    "leak-response.docx",
    "meter-readings.csv",
    "mill-lane-shutdown.eml",
    "network-plan.pptx",
    "night-shift-notes.md",
    "pump-handbook.pdf",
    "safety-card.rtf",
    "site-survey.docx",
    "tariffs-2026.xlsx",
    "visitors.txt",
    "wasserhaerte.txt",
    "貯水槽の案内.md",
];

const QUESTION: &str = "How long is the warranty of the pump?";

/// Runs in a folder of its own below the data directory, so that samples and one's own documents
/// never mix.
pub(crate) async fn run(mut app: App, demo: cli::Demo) -> Result<Exit> {
    app.data_dir.push("demo");
    let samples = unpack(&app.data_dir.join("samples"))?;
    if !app.json {
        println!("Importing {} sample documents from {}.", SAMPLES.len(), samples.display());
        println!("Two of them cannot be read, on purpose: one is broken, one protected by a password.\n");
    }
    let data = app.open().await?;
    let target = Target { address: samples.display().to_string(), settings: Vec::new() };
    let how = How { portfolio: Some("demo".to_owned()), full: true, approve_removals: true, concurrency: None };
    import::import(&app, &data, &target, &[], how).await?;
    let question = demo.question.unwrap_or_else(|| QUESTION.to_owned());
    if !app.json {
        println!("\n> {question}\n");
    }
    let narrow = Narrow { portfolio: Some("demo".to_owned()), top_k: 8, ..Narrow::default() };
    let (exit, _) = ask::answer(&app, &data, question, narrow).await?;
    if !app.json {
        println!("\nAsk more: `catchment demo \"...\"`.");
        println!("Now with your own: `catchment import ./docs`, then `catchment ask \"...\"`.");
    }
    Ok(exit)
}

/// Writes the samples into a folder, unless they are there.
fn unpack(folder: &Path) -> Result<PathBuf> {
    let failed = |error: std::io::Error| {
        Error::new(
            ErrorKind::Unavailable,
            "the sample documents cannot be written: check the data directory and the space on its disk",
        )
        .with("path", folder.display())
        .source(error)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (name, bytes) in SAMPLES {
        let path = folder.join(name);
        if !std::fs::read(&path).is_ok_and(|there| there == *bytes) {
            std::fs::write(&path, bytes).map_err(failed)?;
        }
    }
    Ok(folder.to_owned())
}
