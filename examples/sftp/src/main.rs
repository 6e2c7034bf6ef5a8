//! From credentials to a download: `cargo run -p example-sftp -- sftp://user@host/folder/`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
};

use catchment_core::{Context, Error, PageRequest, Registry, Result, Step, walk::walk};
use catchment_sftp::Sftp;
use clap::Parser;
use futures::StreamExt;

/// Lists what is in a folder of a server, or downloads one of its files.
///
/// Without a password or a key, the SSH agent of this machine is asked. Without --host-key, the
/// server has to stand in ~/.ssh/known_hosts; if it does not, the error shows its fingerprint.
/// Compare that with the one its operator gives you, then pass it on.
#[derive(Parser)]
struct Arguments {
    /// sftp://user@host/folder/ or sftp://user@host:port/folder/file.pdf; for what lies in the folder
    /// the user logs in to, sftp://user@host and --folder.
    address: String,
    /// The user name, unless it stands in the address.
    #[arg(long, env = "SFTP_USERNAME")]
    username: Option<String>,
    /// The password. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "SFTP_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// The file of the private key, for example ~/.ssh/id_ed25519.
    #[arg(long, env = "SFTP_PRIVATE_KEY_FILE")]
    private_key: Option<PathBuf>,
    /// The passphrase of the private key. Better set the variable.
    #[arg(long, env = "SFTP_PASSPHRASE", hide_env_values = true)]
    passphrase: Option<String>,
    /// The server's key: SHA256:..., ssh-ed25519 AAAA..., or lines of a known_hosts file.
    #[arg(long, env = "SFTP_HOST_KEY")]
    host_key: Option<String>,
    /// Believe whatever key the server shows. Whoever is in between is believed, too.
    #[arg(long)]
    trust_on_first_use: bool,
    /// The folder to connect to, relative to the one the user logs in to: `.` is that one itself.
    #[arg(long)]
    folder: Option<String>,
    /// Follow symbolic links that stay inside the folder.
    #[arg(long)]
    follow_links: bool,
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
    let registry = Registry::new().with::<Sftp>();
    let local = |error: std::io::Error| Error::internal("cannot read or write a local file").source(error);

    // 1. An address becomes settings; passwords never stand in an address.
    let (vendor, location) = registry.locate(&arguments.address)?;
    let mut settings = location.settings;
    let private_key = arguments.private_key.map(fs::read_to_string).transpose().map_err(local)?;
    let given = [
        ("username", arguments.username),
        ("password", arguments.password),
        ("private_key", private_key),
        ("passphrase", arguments.passphrase),
        ("host_key", arguments.host_key),
        ("folder_path", arguments.folder),
    ];
    for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        settings[name] = value.into();
    }
    settings["trust_on_first_use"] = arguments.trust_on_first_use.into();
    settings["follow_links"] = arguments.follow_links.into();

    // 2. The first call proves each step in turn: network, host key, login, SFTP, folder.
    let connector = registry.connect(vendor, settings, Context::local())?;
    let account = connector.check().await?;
    println!("connected as {}", account.name);
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
