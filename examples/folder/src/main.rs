//! Lists and reads a local folder: `cargo run -p example-folder -- ./docs`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::path::PathBuf;

use catchment_core::{Context, PageRequest, Registry, Result, Step, walk::walk};
use catchment_folder::Folder;
use clap::Parser;
use futures::StreamExt;

/// Lists everything in a folder, or prints one of its files.
#[derive(Parser)]
struct Arguments {
    /// The folder.
    path: PathBuf,
    /// Only files that match, for example '*.pdf'; can be repeated.
    #[arg(long)]
    include: Vec<String>,
    /// Nothing that matches, for example node_modules; can be repeated.
    #[arg(long)]
    exclude: Vec<String>,
    /// Follow symbolic links that stay in the folder.
    #[arg(long)]
    follow_links: bool,
    /// Print this file, by its path below the folder, instead of listing.
    #[arg(long)]
    print: Option<String>,
}

#[tokio::main]
async fn main() {
    if let Err(error) = run(Arguments::parse()).await {
        println!("error: {error}");
        std::process::exit(1);
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let settings = serde_json::json!({
        "path": arguments.path,
        "include": arguments.include,
        "exclude": arguments.exclude,
        "follow_links": arguments.follow_links,
    });
    let connector = Registry::new().with::<Folder>().connect("folder", settings, Context::local())?;
    let account = connector.check().await?;
    println!("connected to {}", account.id);

    let browse = connector.need_browse()?;
    if let Some(path) = arguments.print {
        let file = browse.lookup(&path).await?;
        let mut body = connector.need_download()?.open(&file, None).await?.exact().body;
        while let Some(chunk) = body.next().await {
            print!("{}", String::from_utf8_lossy(&chunk?));
        }
        return Ok(());
    }

    let root = browse.lookup("").await?;
    let mut steps = std::pin::pin!(walk(browse, root, PageRequest::first()));
    let (mut files, mut bytes) = (0, 0);
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => {
                for file in entries.into_iter().filter(|entry| entry.is_file()) {
                    println!("{:>12}  {}", file.size.unwrap_or_default(), file.path);
                    files += 1;
                    bytes += file.size.unwrap_or_default();
                }
            }
            Step::Unlisted { container, error } => println!("cannot list {}: {error}", container.path),
            Step::End(complete) => {
                let note = if complete.is_some() { "" } else { ", and what could not be listed" };
                println!("{files} files, {bytes} bytes{note}");
            }
        }
    }
    Ok(())
}
