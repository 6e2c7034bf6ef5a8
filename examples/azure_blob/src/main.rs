//! From credentials to a download: `cargo run -p example-azure-blob -- azure://account/container/prefix/`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::{fs::File, io::Write, path::PathBuf};

use catchment_azure_blob::AzureBlob;
use catchment_core::{Context, Error, PageRequest, Registry, Result, Step, walk::walk};
use clap::Parser;
use futures::StreamExt;

/// Lists what is in a container, or downloads one of its blobs.
///
/// One way to sign in: a key of the account; a shared access signature with read and list (in the
/// portal: the container, Shared access tokens); or an app registration with the role Storage Blob
/// Data Reader, by its tenant, client id and client secret.
#[derive(Parser)]
struct Arguments {
    /// azure://account/container, azure://account/container/prefix/ or azure://account/container/blob;
    /// or the address that the portal shows, https://account.blob.core.windows.net/container/...
    /// For an emulator, add ?endpoint=http://127.0.0.1:10000.
    address: String,
    /// A key of the account. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "AZURE_STORAGE_KEY", hide_env_values = true)]
    account_key: Option<String>,
    /// A shared access signature.
    #[arg(long, env = "AZURE_STORAGE_SAS_TOKEN", hide_env_values = true)]
    sas_token: Option<String>,
    /// The directory (tenant) id of an app registration.
    #[arg(long, env = "AZURE_TENANT_ID")]
    tenant_id: Option<String>,
    /// The application (client) id.
    #[arg(long, env = "AZURE_CLIENT_ID")]
    client_id: Option<String>,
    /// The value of a client secret.
    #[arg(long, env = "AZURE_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// Sign nothing: for public containers.
    #[arg(long)]
    anonymous: bool,
    /// Download the blob at the address to this file instead of listing.
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
    let registry = Registry::new().with::<AzureBlob>();

    // 1. An address becomes settings; keys never stand in an address.
    let (vendor, location) = registry.locate(&arguments.address)?;
    let mut settings = location.settings;
    if arguments.anonymous {
        settings["anonymous"] = true.into();
    } else {
        let credentials = [
            ("account_key", arguments.account_key),
            ("sas_token", arguments.sas_token),
            ("tenant_id", arguments.tenant_id),
            ("client_id", arguments.client_id),
            ("client_secret", arguments.client_secret),
        ];
        for (name, value) in credentials.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            settings[name] = value.into();
        }
    }

    // 2. The first call proves account, container, credential and rights, and says which is wrong.
    let connector = registry.connect(vendor, settings, Context::local())?;
    let account = connector.check().await?;
    println!("connected to {}", account.name);
    for (what, value) in &account.details {
        println!("  {what}: {value}");
    }

    // 3. A path is a blob or a prefix.
    let browse = connector.need_browse()?;
    let entry = browse.lookup(&location.path).await?;

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
            Step::End(_) => println!("{files} blobs"),
        }
    }
    Ok(())
}
