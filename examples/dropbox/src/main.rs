//! From a token to a listing and a download: `cargo run -p example-dropbox -- /Reports/2026`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::{fs::File, io::Write, path::PathBuf};

use catchment_core::{Context, Error, PageRequest, Registry, Result, Step, walk::walk};
use catchment_dropbox::Dropbox;
use clap::Parser;
use futures::StreamExt;

/// Lists what is in a Dropbox, or downloads one of its files.
///
/// To get a token: open https://www.dropbox.com/developers/apps and create an app (Scoped access, Full
/// Dropbox). Under Permissions tick files.metadata.read and files.content.read (and sharing.read for
/// --readers), and submit. Under Settings press Generate below Generated access token. It lives for
/// four hours; programs that stay ask for a person's consent instead.
#[derive(Parser)]
struct Arguments {
    /// The folder to connect to, as dropbox.com shows it, for example /Reports/2026; or
    /// ns:1234567890/folder for one of a namespace. Everything, if left out.
    #[arg(default_value = "")]
    folder: String,
    /// The token. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "DROPBOX_ACCESS_TOKEN", hide_env_values = true)]
    token: String,
    /// For apps that are linked to a whole team: whose files, dbmid:...
    #[arg(long, env = "DROPBOX_MEMBER")]
    member: Option<String>,
    /// Another address of the API. May be http:// on this machine, for tests.
    #[arg(long, env = "DROPBOX_URL")]
    url: Option<String>,
    /// A file below the folder: only this one.
    #[arg(long)]
    file: Option<String>,
    /// Download the file to this place instead of listing it.
    #[arg(long, requires = "file")]
    to: Option<PathBuf>,
    /// Show who may read the file.
    #[arg(long, requires = "file")]
    readers: bool,
}

#[tokio::main]
async fn main() {
    if let Err(error) = run(Arguments::parse()).await {
        println!("error: {error}");
        std::process::exit(1);
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    // 1. The settings, as a form would ask for them.
    let mut settings = serde_json::json!({ "folder_path": arguments.folder, "access_token": arguments.token });
    if let Some(member) = arguments.member {
        settings["member"] = member.into();
    }
    if let Some(url) = arguments.url {
        settings["allow_http"] = url.starts_with("http://127.0.0.1").into();
        settings["url"] = url.into();
    }

    // 2. The first calls prove token, folder and rights, and say which is wrong.
    let connector = Registry::new().with::<Dropbox>().connect("dropbox", settings, Context::local())?;
    let account = connector.check().await?;
    println!("connected to the Dropbox of {}", account.name);
    for (what, value) in &account.details {
        println!("  {what}: {value}");
    }

    // 3. A path, whatever the case of its letters, is a file or a folder.
    let browse = connector.need_browse()?;
    let entry = browse.lookup(arguments.file.as_deref().unwrap_or_default()).await?;

    if arguments.readers {
        let permissions = connector.permissions().ok_or_else(|| Error::unsupported("nobody knows who may read"))?;
        for reader in permissions.grants(&entry).await? {
            println!("may read: {reader:?}");
        }
    }

    if let Some(path) = arguments.to {
        let mut body = connector.need_download()?.open(&entry, None).await?.exact().body;
        let local = |error: std::io::Error| Error::internal("cannot write the file").source(error);
        let mut file = File::create(&path).map_err(local)?;
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            bytes += chunk.len();
            file.write_all(&chunk).map_err(local)?;
        }
        println!("{bytes} bytes of {} are in {}", entry.path, path.display());
        return Ok(());
    }

    let mut steps = std::pin::pin!(walk(browse, entry, PageRequest::first()));
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
