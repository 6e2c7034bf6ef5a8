//! From credentials to a download: `cargo run -p example-autodesk -- --help`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::{fs::File, io::Write, path::PathBuf};

use catchment_autodesk::Autodesk;
use catchment_core::{Context, Error, PageRequest, Registry, Result, Step, walk::walk};
use clap::Parser;
use futures::StreamExt;

/// Lists what is in a project of Autodesk Construction Cloud or BIM 360, or downloads a file of it.
///
/// An app signs in by itself. At aps.autodesk.com: Create application, Server-to-Server, with the APIs
/// Data Management and Autodesk Construction Cloud; copy its client id and secret. Then an account
/// administrator adds the client id: Account Admin, Settings, Custom Integrations.
#[derive(Parser)]
struct Arguments {
    /// hub/project/folder, by names or ids; leave it out to see the hubs.
    #[arg(default_value = "")]
    folder_path: String,
    /// The client id of the app.
    #[arg(long, env = "APS_CLIENT_ID")]
    client_id: String,
    /// Its client secret. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "APS_CLIENT_SECRET", hide_env_values = true)]
    client_secret: String,
    /// The Autodesk id of the user to act as.
    #[arg(long)]
    user_id: Option<String>,
    /// List everything below, instead of one level.
    #[arg(long)]
    recursive: bool,
    /// Download this file, by its path below the folder.
    #[arg(long, requires = "to")]
    file: Option<String>,
    /// To here.
    #[arg(long, requires = "file")]
    to: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    if let Err(error) = run(Arguments::parse()).await {
        println!("error: {error}");
        std::process::exit(1);
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    // 1. Settings in the shape of the vendor's schema.
    let settings = serde_json::json!({
        "grant_type": "client_credentials",
        "client_id": arguments.client_id,
        "client_secret": arguments.client_secret,
        "user_id": arguments.user_id,
        "folder_path": arguments.folder_path,
    });
    let connector = Registry::new().with::<Autodesk>().connect("autodesk", settings, Context::local())?;

    // 2. The check proves app, account and folder, and says which of them is wrong.
    let account = connector.check().await?;
    println!("connected to {}", account.name);
    for (what, value) in &account.details {
        println!("  {what}: {value}");
    }

    // 3. A path below the folder is a file.
    let browse = connector.need_browse()?;
    if let (Some(path), Some(to)) = (&arguments.file, &arguments.to) {
        let entry = browse.lookup(path).await?;
        let mut body = connector.need_download()?.open(&entry, None).await?.exact().body;
        let local = |error: std::io::Error| Error::internal("cannot write the file").source(error);
        let mut file = File::create(to).map_err(local)?;
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            bytes += chunk.len();
            file.write_all(&chunk).map_err(local)?;
        }
        println!("{bytes} bytes of {} are in {}", entry.path, to.display());
        return Ok(());
    }

    // 4. Without one, what is there.
    let root = browse.lookup("").await?;
    if !arguments.recursive {
        for entry in browse.children(&root.id, PageRequest::first()).await?.items {
            println!("{}{}", entry.path, if entry.is_container() { "/" } else { "" });
        }
        return Ok(());
    }
    let mut steps = std::pin::pin!(walk(browse, root, PageRequest::first()));
    let mut files = 0;
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => {
                for entry in entries.into_iter().filter(|entry| !entry.is_container()) {
                    println!("{:>12}  {}", entry.size.unwrap_or_default(), entry.path);
                    files += 1;
                }
            }
            Step::Unlisted { container, error } => println!("cannot list {}: {error}", container.path),
            Step::End(_) => println!("{files} files"),
        }
    }
    Ok(())
}
