//! From credentials to a download: `cargo run -p example-s3 -- s3://bucket/prefix/`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::{fs::File, io::Write, path::PathBuf};

use catchment_core::{Context, Error, PageRequest, Registry, Result, Step, walk::walk};
use catchment_s3::S3;
use clap::Parser;
use futures::StreamExt;

/// Lists what is in a bucket, or downloads one of its objects.
///
/// Without keys, the ones of this machine are used: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,
/// the profile in AWS_PROFILE, or the role of the instance.
#[derive(Parser)]
struct Arguments {
    /// s3://bucket, s3://bucket/prefix/ or s3://bucket/key. For another store than Amazon's, add
    /// ?endpoint=https://minio.example.com, and &region=.. if it wants one.
    address: String,
    /// The access key id.
    #[arg(long, env = "AWS_ACCESS_KEY_ID")]
    access_key_id: Option<String>,
    /// The secret access key. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true)]
    secret_access_key: Option<String>,
    /// The session token, for temporary keys.
    #[arg(long, env = "AWS_SESSION_TOKEN", hide_env_values = true)]
    session_token: Option<String>,
    /// Sign nothing: for public buckets.
    #[arg(long)]
    anonymous: bool,
    /// Download the object at the address to this file instead of listing.
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
    let registry = Registry::new().with::<S3>();

    // 1. An address becomes settings; keys never stand in an address.
    let (vendor, location) = registry.locate(&arguments.address)?;
    let mut settings = location.settings;
    if arguments.anonymous {
        settings["anonymous"] = true.into();
    } else {
        let keys = [
            ("access_key_id", arguments.access_key_id),
            ("secret_access_key", arguments.secret_access_key),
            ("session_token", arguments.session_token),
        ];
        for (name, value) in keys.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            settings[name] = value.into();
        }
    }

    // 2. The first call proves address, keys and rights, and says which of them is wrong.
    let connector = registry.connect(vendor, settings, Context::local())?;
    let account = connector.check().await?;
    println!("connected to {}", account.name);
    for (what, value) in &account.details {
        println!("  {what}: {value}");
    }

    // 3. A path is an object or a prefix.
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
            Step::End(_) => println!("{files} objects"),
        }
    }
    Ok(())
}
