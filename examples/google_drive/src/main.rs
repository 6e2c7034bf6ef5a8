//! From credentials to a download: `cargo run -p example-google-drive -- "gdrive:My Drive/Minutes"`.
#![expect(clippy::print_stdout, reason = "a program prints")]

mod consent;

use std::{fs::File, io::Write, path::PathBuf};

use catchment_core::{Context, Error, PageRequest, Registry, Result, Step, walk::walk};
use catchment_google_drive::GoogleDrive;
use clap::Parser;
use futures::StreamExt;

/// Lists a folder of Google Drive, or downloads one of its files.
///
/// One of two ways to sign in. Consent in the browser: in <https://console.cloud.google.com> make a project,
/// enable the Google Drive API, make a client of the type Desktop app, and give its id and secret. Or a service
/// account: make a key as JSON, give its file, and share the folder with the account's address.
#[derive(Parser)]
struct Arguments {
    /// gdrive:PATH, for example "gdrive:My Drive/Minutes", "gdrive:Shared drives/Marketing",
    /// "gdrive:Shared with me" or gdrive:FOLDER_ID; or the link of a folder.
    #[arg(default_value = "gdrive:")]
    address: String,
    /// The id of an OAuth client of the type Desktop app.
    #[arg(long, env = "GOOGLE_CLIENT_ID")]
    client_id: Option<String>,
    /// Its secret. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "GOOGLE_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// The file of a service account's key.
    #[arg(long, env = "GOOGLE_APPLICATION_CREDENTIALS")]
    service_account: Option<PathBuf>,
    /// The person whom the service account acts for (domain-wide delegation), or who is to consent.
    #[arg(long)]
    user: Option<String>,
    /// What Google's own documents become: office, pdf or text.
    #[arg(long, default_value = "office")]
    export_as: String,
    /// Another address of the API, for a stand-in.
    #[arg(long)]
    url: Option<String>,
    /// Download the file at this path below the folder instead of listing.
    #[arg(long, requires = "to")]
    file: Option<String>,
    /// Where to put it.
    #[arg(long)]
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
    let registry = Registry::new().with::<GoogleDrive>();

    // 1. An address becomes settings.
    let (vendor, location) = registry.locate(&arguments.address)?;
    let mut settings = location.settings;
    settings["export_as"] = arguments.export_as.into();
    let texts = [("user_id", arguments.user.clone()), ("url", arguments.url)];
    for (name, value) in texts.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        settings[name] = value.into();
    }

    // 2. A service account signs in by itself; else a person consents in the browser.
    let mut cx = Context::local();
    match (arguments.service_account, arguments.client_id) {
        (Some(path), _) => {
            let unreadable = |error| Error::config("service_account", "this file cannot be read").source(error);
            settings["service_account"] = std::fs::read_to_string(path).map_err(unreadable)?.into();
        }
        (None, Some(id)) => cx = cx.with_grant(consent::ask(id, arguments.client_secret, arguments.user).await?),
        (None, None) => {
            return Err(Error::config("client_id", "give a client id, or the key of a service account: see --help"));
        }
    }

    // 3. The first calls prove credential, rights and folder, and say which is wrong.
    let connector = registry.connect(vendor, settings, cx)?;
    let account = connector.check().await?;
    println!("connected as {} ({})", account.name, account.email.as_deref().unwrap_or("no address"));
    for (what, value) in &account.details {
        println!("  {what}: {value}");
    }

    // 4. A path below the folder is a file to download; without one, everything is listed.
    let browse = connector.need_browse()?;
    if let (Some(path), Some(to)) = (arguments.file, arguments.to) {
        let entry = browse.lookup(&path).await?;
        let mut body = connector.need_download()?.open(&entry, None).await?.exact().body;
        let local = |error: std::io::Error| Error::internal("cannot write the file").source(error);
        let mut file = File::create(&to).map_err(local)?;
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            bytes += chunk.len();
            file.write_all(&chunk).map_err(local)?;
        }
        println!("{bytes} bytes of {} are in {}", entry.path, to.display());
        return Ok(());
    }
    let mut steps = std::pin::pin!(walk(browse, browse.lookup("").await?, PageRequest::first()));
    let mut files = 0;
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => {
                for entry in entries.into_iter().filter(|entry| !entry.is_container()) {
                    println!("{:>12}  {}", entry.size.map_or(String::new(), |size| size.to_string()), entry.path);
                    files += 1;
                }
            }
            Step::Unlisted { container, error } => println!("cannot list {}: {error}", container.path),
            Step::End(_) => println!("{files} files"),
        }
    }
    Ok(())
}
