//! Lists the root of an account at SharePoint and OneDrive: `ACCESS_TOKEN=... cargo run -p example-sharepoint`.
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use catchment_core::{Context, PageRequest, Registry};
use catchment_sharepoint::Sharepoint;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = json!({ "access_token": std::env::var("ACCESS_TOKEN")? });
    let connector = Registry::new().with::<Sharepoint>().connect("sharepoint", settings, Context::local())?;
    println!("{}", connector.check().await?.name);

    let browser = connector.need_browse()?;
    let root = browser.lookup("").await?;
    for entry in browser.children(&root.id, PageRequest::first()).await?.items {
        println!("{}", entry.path);
    }
    Ok(())
}
