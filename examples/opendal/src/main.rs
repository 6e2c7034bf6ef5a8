//! From credentials to a download: `cargo run -p example-opendal -- webdav://cloud.example.com/folder/`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::{fs::File, io::Write, path::PathBuf};

use catchment_core::{Context, Error, PageRequest, Registry, Result, Step, walk::walk};
use catchment_opendal::OpenDal;
use clap::Parser;
use futures::StreamExt;
use serde_json::{Map, Value};

/// Lists what is in a folder of a storage, or downloads one of its files.
///
/// Nextcloud: webdav://HOST/remote.php/dav/files/USER/ with --option username=USER and the app
/// password as --secret password=... FTP: ftp://HOST/folder/ with --option user=USER and --secret
/// password=... Google Cloud Storage: gcs://BUCKET/folder/ with --secret-file credential=KEY.json, or
/// --option skip_signature=true for public buckets. The options of all services stand in the README
/// of the crate.
#[derive(Parser)]
struct Arguments {
    /// SERVICE://PLACE/folder/ or SERVICE://PLACE/folder/file.pdf; for another server, add
    /// ?endpoint=http://127.0.0.1:8080.
    address: String,
    /// An option of the service, as name=value. May be given more than once.
    #[arg(long = "option", value_name = "NAME=VALUE")]
    options: Vec<String>,
    /// A secret option, as name=value. Arguments can be seen by others: better set OPENDAL_SECRETS.
    #[arg(long = "secret", value_name = "NAME=VALUE")]
    secrets: Vec<String>,
    /// A secret option whose value is in a file, as name=path.
    #[arg(long = "secret-file", value_name = "NAME=PATH")]
    secret_files: Vec<String>,
    /// The secret options as a JSON object.
    #[arg(long, env = "OPENDAL_SECRETS", hide_env_values = true)]
    secret_options: Option<String>,
    /// Let addresses be http://, which sends data in the clear.
    #[arg(long)]
    allow_http: bool,
    /// Download the file at the address to this file instead of listing.
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
    let registry = Registry::new().with::<OpenDal>();

    // 1. An address becomes settings; what is secret is kept apart from what is not.
    let (vendor, location) = registry.locate(&arguments.address)?;
    let mut settings = location.settings;
    for option in &arguments.options {
        let (name, value) = pair("option", option)?;
        settings["options"][name] = value.into();
    }
    settings["secret_options"] = secrets(&arguments)?.to_string().into();
    settings["allow_http"] = arguments.allow_http.into();

    // 2. The first call proves address, credential, folder and rights, and says which is wrong.
    let connector = registry.connect(vendor, settings, Context::local())?;
    let account = connector.check().await?;
    println!("connected to {}", account.name);
    for (what, value) in &account.details {
        println!("  {what}: {value}");
    }

    // 3. A path is a file or a folder.
    let browse = connector.need_browse()?;
    let entry = browse.lookup(&location.path).await?;

    if let Some(path) = arguments.to {
        let mut body = connector.need_download()?.open(&entry, None).await?.exact().body;
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
                    println!("{:>12}  {}", entry.size.unwrap_or_default(), entry.path.escape_debug());
                    files += 1;
                }
            }
            Step::Unlisted { container, error } => println!("cannot list {}: {error}", container.path.escape_debug()),
            Step::End(_) => println!("{files} files"),
        }
    }
    Ok(())
}

/// All secret options that were given, as the object that the settings want.
fn secrets(arguments: &Arguments) -> Result<Value> {
    let mut secrets: Map<String, Value> = match &arguments.secret_options {
        Some(text) => {
            serde_json::from_str(text).map_err(|_| Error::config("secret_options", "give a JSON object of strings"))?
        }
        None => Map::new(),
    };
    for secret in &arguments.secrets {
        let (name, value) = pair("secret", secret)?;
        secrets.insert(name.to_owned(), value.into());
    }
    for secret in &arguments.secret_files {
        let (name, path) = pair("secret-file", secret)?;
        secrets.insert(name.to_owned(), std::fs::read_to_string(path).map_err(local)?.trim_end().into());
    }
    Ok(secrets.into())
}

fn pair<'a>(argument: &'static str, text: &'a str) -> Result<(&'a str, &'a str)> {
    text.split_once('=').ok_or_else(|| Error::config(argument, "give it as name=value"))
}

fn local(error: std::io::Error) -> Error {
    Error::internal("cannot read or write a local file").source(error)
}
