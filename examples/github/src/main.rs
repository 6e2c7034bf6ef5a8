//! From a token to a name: `GITHUB_TOKEN=ghp_... cargo run -p example-github`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use catchment_core::{Context, Registry, Result};
use catchment_github::Github;
use clap::Parser;

/// Says whose account a token is for, and what it may do.
///
/// A token: on GitHub open Settings, Developer settings, Personal access tokens, Tokens (classic),
/// Generate new token, and tick read:user and user:email. A server gets its tokens by consent instead,
/// see the README of catchment-github.
#[derive(Parser)]
struct Arguments {
    /// The personal access token. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "GITHUB_TOKEN", hide_env_values = true)]
    access_token: String,
    /// The address of the API, for GitHub Enterprise: <https://HOST/api/v3>.
    #[arg(long)]
    url: Option<String>,
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
    let settings = serde_json::json!({ "access_token": arguments.access_token, "url": arguments.url });
    let connector = Registry::new().with::<Github>().connect("github", settings, Context::local())?;

    // 2. The check proves token, network and scopes, and says which is wrong.
    let account = connector.check().await?;
    println!("connected to {} ({})", account.name, account.id);
    println!("  e-mail: {}", account.email.as_deref().unwrap_or("not shown to this token"));
    for (what, value) in &account.details {
        println!("  {what}: {value}");
    }
    Ok(())
}
