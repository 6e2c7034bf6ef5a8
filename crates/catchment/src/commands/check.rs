//! `catchment test`: tries a connection and says what it leads to.

use std::time::Instant;

use catchment_core::Result;
use serde_json::{Map, Value, json};

use super::target::resolve;
use crate::{app::App, cli::Target, exit::Exit, show};

pub(crate) async fn run(app: &App, target: &Target) -> Result<Exit> {
    let resolved = resolve(app, target).await?;
    let started = Instant::now();
    let account = resolved.connector.check().await?;
    let latency = started.elapsed();
    if app.json {
        let details: Map<String, Value> =
            account.details.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        app.line(&json!({
            "success": true,
            "vendor": resolved.vendor,
            "account": { "id": account.id, "name": account.name, "email": account.email, "details": details },
            "latency_ms": latency.as_millis() as u64,
        }))?;
        return Ok(Exit::Done);
    }
    println!("Connected to {} ({}) in {} ms.", show::plain(&account.name), resolved.vendor, latency.as_millis());
    for (name, value) in &account.details {
        println!("  {}: {}", show::plain(name), show::plain(value));
    }
    Ok(Exit::Done)
}
