//! From credentials to a download: `cargo run -p example-sharepoint -- --url https://contoso.sharepoint.com/sites/Team`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use std::{fs::File, io::Write, path::PathBuf};

use catchment_core::{Connector, Context, Entry, Error, PageRequest, Registry, Result, Step, walk::walk};
use catchment_sharepoint::Sharepoint;
use clap::Parser;
use futures::StreamExt;
use serde_json::{Value, json};

/// Lists what is in a SharePoint site or in somebody's OneDrive, or downloads one file of it.
///
/// It needs an app registration, once: at <https://entra.microsoft.com> open App registrations, New registration.
/// Then API permissions, Add a permission, Microsoft Graph, Application permissions: Sites.Selected for chosen sites, or
/// Files.Read.All for everything; Grant admin consent. Then Certificates & secrets, New client secret, and copy its
/// Value. The README of catchment-sharepoint has every step, and how a site is granted to the app.
#[derive(Parser)]
struct Arguments {
    /// The application (client) id of the app registration.
    #[arg(long, env = "AZURE_CLIENT_ID")]
    client_id: String,
    /// The value of a client secret. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "AZURE_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// Or a file with a certificate and its private key, both in PEM.
    #[arg(long, env = "AZURE_CLIENT_CERTIFICATE_PATH", conflicts_with = "client_secret")]
    certificate: Option<PathBuf>,
    /// The directory (tenant), if it does not follow from the address of the site.
    #[arg(long, env = "AZURE_TENANT_ID")]
    tenant_id: Option<String>,
    /// The address of the site, as it stands in the browser.
    #[arg(long, required_unless_present = "user_id")]
    url: Option<String>,
    /// Or whose OneDrive: <ada@contoso.com>.
    #[arg(long, conflicts_with = "url")]
    user_id: Option<String>,
    /// Of a site `library` or `library/folder`, of a OneDrive the folder; / for everything.
    #[arg(long, default_value = "/")]
    folder_path: String,
    /// Lists what a search finds instead of everything.
    #[arg(long)]
    search: Option<String>,
    /// A path below the folder: what is listed, or the file that is downloaded.
    #[arg(long, default_value = "")]
    path: String,
    /// Downloads the file at the path to this file.
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
    // 1. Settings in the shape of the vendor's schema. A mistyped name would be found here.
    let connector =
        Registry::new().with::<Sharepoint>().connect("sharepoint", settings(&arguments)?, Context::local())?;

    // 2. The check proves secret, tenant, site, folder and rights, and says which is wrong.
    let account = connector.check().await?;
    println!("connected to {}", account.name);
    for (what, value) in &account.details {
        println!("  {what}: {value}");
    }

    // 3. A path is a file or a folder below what was connected.
    let browse = connector.need_browse()?;
    let entry = browse.lookup(&arguments.path).await?;
    if let Some(to) = &arguments.to {
        return download(connector.as_ref(), &entry, to).await;
    }
    if let Some(words) = &arguments.search {
        let mut request = PageRequest::first();
        loop {
            let page = browse.search(words, &entry.id, request).await?;
            page.items.iter().for_each(show);
            let Some(next) = page.next else { return Ok(()) };
            request = PageRequest::at(next);
        }
    }
    let mut steps = std::pin::pin!(walk(browse, entry, PageRequest::first()));
    let mut files = 0;
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => {
                files += entries.iter().filter(|entry| entry.is_file()).count();
                entries.iter().filter(|entry| !entry.is_container()).for_each(show);
            }
            Step::Unlisted { container, error } => println!("cannot list {}: {error}", container.path),
            Step::End(_) => println!("{files} files"),
        }
    }
    Ok(())
}

fn settings(arguments: &Arguments) -> Result<Value> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path);
        text.map_err(|error| Error::config("certificate", "the file cannot be read: correct its path").source(error))
    };
    let certificate = arguments.certificate.as_ref().map(read).transpose()?;
    Ok(json!({
        "client_id": arguments.client_id, "client_secret": arguments.client_secret, "certificate": certificate,
        "tenant_id": arguments.tenant_id, "url": arguments.url, "user_id": arguments.user_id,
        "folder_path": arguments.folder_path,
    }))
}

/// A name may hold anything: shown as code, so that none plays with the terminal.
fn show(entry: &Entry) {
    println!("{:>12}  {}", entry.size.unwrap_or_default(), entry.path.escape_debug());
}

/// 4. Bytes come from an address that lasts for minutes, and go on by themselves when it lapses.
async fn download(connector: &dyn Connector, entry: &Entry, to: &PathBuf) -> Result<()> {
    let mut body = connector.need_download()?.open(entry, None).await?.exact().body;
    let local = |error: std::io::Error| Error::internal("cannot write the file").source(error);
    let mut file = File::create(to).map_err(local)?;
    let mut bytes = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        bytes += chunk.len();
        file.write_all(&chunk).map_err(local)?;
    }
    println!("{bytes} bytes of {} are in {}", entry.path.escape_debug(), to.display());
    Ok(())
}
