//! `catchment connectors`: which vendors there are, and what each wants to know.

use catchment_core::{Manifest, Result, config::fields};
use serde_json::{Value, json};

use crate::{app::App, exit::Exit, show};

pub(crate) fn run(app: &App, vendor: Option<&str>) -> Result<Exit> {
    match vendor {
        None => list(app),
        Some(vendor) => describe(app, vendor),
    }
}

fn list(app: &App) -> Result<Exit> {
    if app.json {
        for manifest in app.registry.manifests() {
            app.line(&entry(manifest))?;
        }
        return Ok(Exit::Done);
    }
    let mut table = show::table(&["Vendor", "Name", "Can", "What it is"]);
    for manifest in app.registry.manifests() {
        let can: Vec<_> = manifest.capabilities.names().collect();
        table.add_row([manifest.id, manifest.name, &can.join(", "), manifest.description]);
    }
    println!("{table}");
    println!("`catchment connectors VENDOR` shows what a connector wants to know.");
    Ok(Exit::Done)
}

fn describe(app: &App, vendor: &str) -> Result<Exit> {
    let manifest = app.registry.manifest(vendor)?;
    let schema = app.registry.schema(vendor)?;
    if app.json {
        let mut entry = entry(manifest);
        entry["config_schema"] = schema.to_value();
        app.line(&entry)?;
        return Ok(Exit::Done);
    }
    println!("{}: {}\n", manifest.name, manifest.description);
    let mut table = show::table(&["Setting", "Type", "Needed", "Meaning"]);
    for (name, field) in fields(&schema) {
        let required =
            schema.get("required").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == name));
        let kind = if field["writeOnly"] == true { "secret".to_owned() } else { kind(field) };
        let meaning = field["description"].as_str().unwrap_or_default().replace('\n', " ");
        let meaning = match &field["default"] {
            Value::Null => meaning,
            default => format!("{meaning} (default {default})"),
        };
        table.add_row([name, &kind, if required { "yes" } else { "" }, &meaning]);
    }
    println!("{table}");
    if let Some(oauth) = manifest.oauth {
        println!(
            "\n`catchment login {}` has you consent at {}, to: {}.",
            manifest.id,
            manifest.name,
            oauth.scopes.join(", ")
        );
        if !oauth.unless.is_empty() {
            println!("With one of these settings nobody needs to consent: {}.", oauth.unless.join(", "));
        }
    }
    Ok(Exit::Done)
}

fn entry(manifest: &Manifest) -> Value {
    json!({
        "type": manifest.id,
        "name": manifest.name,
        "description": manifest.description,
        "auth": manifest.auth,
        "scopes": manifest.oauth.map_or(&[] as &[_], |oauth| oauth.scopes),
        "capabilities": manifest.capabilities.names().collect::<Vec<_>>(),
    })
}

/// The type of a field in words.
fn kind(field: &Value) -> String {
    match &field["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => "choice".to_owned(),
    }
}
